"""Waiting in a browser for what a script of the page brings about."""

import time


def wait_until(tab, expression, seconds=15):
    """Wait until the expression is true; asked from outside, because the page's policy forbids eval inside."""
    deadline = time.monotonic() + seconds
    while not tab.evaluate(expression):
        assert time.monotonic() < deadline, f"waited {seconds} s for {expression}"
        tab.wait_for_timeout(20)
