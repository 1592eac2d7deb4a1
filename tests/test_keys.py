"""Keys of the desks: one table, no two alike, none that the browser needs."""

import pytest

from web.keys import DESKS, SHOWN

# Quick find in Firefox, scrolling, focus, and the keys that leave or reload a page.
NEEDED_BY_BROWSERS = {"/", "'", " ", "Tab", "Enter", "Backspace", "ArrowUp", "ArrowDown", "Home", "End", "F5"}


@pytest.mark.parametrize("desk", DESKS)
def test_no_two_keys_of_a_desk_are_alike(desk):
    pressed = [key.press for key in DESKS[desk].values()]
    assert len(pressed) == len(set(pressed))
    shown = [key.shown for key in DESKS[desk].values()]
    assert len(shown) == len(set(shown))


@pytest.mark.parametrize("desk", DESKS)
def test_no_key_is_one_that_the_browser_needs(desk):
    pressed = {key.press for key in DESKS[desk].values()}
    assert not pressed & NEEDED_BY_BROWSERS
    # With a modifier only Ctrl+Enter, which no browser uses; all else is one plain key.
    assert {press for press in pressed if len(press) > 1} <= set(SHOWN)


@pytest.mark.parametrize("desk", DESKS)
def test_every_desk_has_undo_moves_and_the_sheet_and_every_queue_skips(desk):
    assert {"undo", "previous", "next", "leave", "sheet"} <= set(DESKS[desk])
    assert ("skip" in DESKS[desk]) == (desk != "cluster")
