"""One headless browser for the tests that follow one another, and waiting in it for what a script brings about."""

import shutil
import time
from contextlib import ExitStack
from functools import cache
from pathlib import Path

import axe_playwright_python

# One process runs all that need a browser, one after another: to start it costs as much as ten pages.
BROWSERS = "the browser"
# The shell alone takes a quarter of the time for a page, and Playwright's own choice is the same program.
PROGRAMS = ("chromium-headless-shell", "chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PHONE, DESK = {"width": 390, "height": 844}, {"width": 1280, "height": 900}
AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RUN_AXE = "asked => axe.run(asked).then(found => found.violations.map(({id, nodes}) => `${id}: ${nodes[0].html}`))"
# The scheme changes nothing but colours; the size changes what is seen.
FOUND_ALONE = {"resultTypes": ["violations"], "selectors": False}
BY_SCHEME = {"light": FOUND_ALONE, "dark": FOUND_ALONE | {"runOnly": ["color-contrast", "link-in-text-block"]}}
_running = ExitStack()


def browser_program():
    """The browser of this machine, or None."""
    return next(filter(None, map(shutil.which, PROGRAMS)), None)


@cache
def the_browser():
    """The browser of this process, started when the first test asks for it."""
    from playwright.sync_api import sync_playwright

    playwright = _running.enter_context(sync_playwright())
    browser = playwright.chromium.launch(executable_path=browser_program(), args=FLAGS)
    _running.callback(browser.close)
    return browser


def end_browser():
    """End it, if it runs; the next test that asks has a new one."""
    _running.close()
    the_browser.cache_clear()


def wait_until(tab, expression, seconds=15):
    """Wait until the expression is true; asked from outside, because the page's policy forbids eval inside."""
    deadline = time.monotonic() + seconds
    while not tab.evaluate(expression):
        assert time.monotonic() < deadline, f"waited {seconds} s for {expression}"
        tab.wait_for_timeout(20)


def complaints(tab, addresses):
    """What axe finds, and which pages run sideways, in both schemes at both sizes."""
    found = []
    for address in addresses:
        tab.goto(address)
        tab.evaluate(AXE)
        for size in (DESK, PHONE):
            tab.set_viewport_size(size)
            if tab.evaluate("document.documentElement.scrollWidth") > size["width"]:
                found.append((address, size["width"], "runs sideways"))
            for scheme, asked in BY_SCHEME.items():
                tab.emulate_media(color_scheme=scheme, reduced_motion="reduce")
                found += [(address, size["width"], scheme, words[:200]) for words in tab.evaluate(RUN_AXE, asked)]
    return found
