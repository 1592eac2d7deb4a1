"""What changed between two texts, by code token."""

from hypothesis import given
from hypothesis import strategies as st

from web.diffs import TOKENS_COMPARED, Piece, pieces_between
from web.templatetags.texts import diff_to


def test_one_renamed_word_is_one_loss_and_one_gain():
    assert pieces_between("return total", "return result") == [
        Piece("same", "return "),
        Piece("gone", "total"),
        Piece("new", "result"),
    ]


@given(st.text(max_size=60), st.text(max_size=60))
def test_the_pieces_give_both_texts_back(before, after):
    pieces = pieces_between(before, after)
    assert "".join(piece.text for piece in pieces if piece.kind != "new") == before
    assert "".join(piece.text for piece in pieces if piece.kind != "gone") == after


def test_long_texts_are_compared_by_line():
    before = "x = 1\n" * TOKENS_COMPARED
    pieces = pieces_between(before, before + "y = 2\n")
    assert pieces[-1] == Piece("new", "y = 2\n")


def test_the_filter_escapes_what_it_marks():
    assert "<del>&lt;b&gt;</del>" in diff_to("<b>", "").replace("</del><del>", "")
