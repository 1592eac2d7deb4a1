"""Which texts are one: folding reads as its rule, however fast it goes."""

import re
import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curation.texts import INVISIBLE, folded, is_blank, storable, text_hash

# Letters, marks that compose, spaces of many kinds, characters that cannot be seen, and ones no database holds.
TRICKY = "ab <\n\t\u00a0\u2000\u200b\u0301\u0323\u0338\u00e9\u1100\u1161\ud800\x00\u0085\ufeff\u212b\u3000\U0001f600"
texts = st.text(alphabet=TRICKY, max_size=12) | st.text(max_size=40)


def by_the_rule(text):
    """Step by step, as the rule is written down."""
    held = re.sub("[\ud800-\udfff]", "\ufffd", text).replace("\x00", "\ufffd")
    visible = INVISIBLE.sub("", unicodedata.normalize("NFC", held))
    return re.sub(r"\s+", " ", visible).strip()


@given(texts)
@example("a\u200b\u0323\u0301")
@example("e\u0301 \ufeff\n")
def test_folding_is_nfc_then_the_invisible_out_then_white_space_as_one_space(text):
    assert folded(text) == by_the_rule(text)
    assert is_blank(text) == (by_the_rule(text) == "")


@given(texts)
def test_what_is_stored_is_held_by_both_databases_and_folds_as_before(text):
    held = storable(text)
    held.encode()
    assert "\x00" not in held
    assert len(held) == len(text)
    assert text_hash(held) == text_hash(text)


@pytest.mark.parametrize("text", ["plain", "two\nlines\tand tabs", "\u00e9t\u00e9 \U0001f600"])
def test_what_can_be_stored_stays_as_it_is(text):
    assert storable(text) == text
