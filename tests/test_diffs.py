"""What changed between two texts, by code token."""

from hypothesis import given
from hypothesis import strategies as st

from web.diffs import LINES_COMPARED, TOKENS_COMPARED, Piece, pieces_between
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
    lines = [f"x = {n}\n" for n in range(TOKENS_COMPARED)]
    pieces = pieces_between("".join(lines), "".join(["y = 0\n", *lines[1:-1], "z = 0\n"]))
    assert [piece.kind for piece in pieces] == ["gone", "new", "same", "gone", "new"]
    assert pieces[0] == Piece("gone", "x = 0\n")


def test_what_both_begin_and_end_with_is_not_compared():
    same = "x = 1\n" * 50 * TOKENS_COMPARED
    assert pieces_between(same + "one\n" + same, same + "two\n" + same) == [
        Piece("same", same),
        Piece("gone", "one"),
        Piece("new", "two"),
        Piece("same", "\n" + same),
    ]


def test_too_many_lines_between_are_shown_as_gone_and_new():
    before, after = ("".join(f"{word} {n}\n" for n in range(LINES_COMPARED + 1)) for word in ("old", "new"))
    assert pieces_between(before, after) == [Piece("gone", before), Piece("new", after)]


def test_the_filter_escapes_what_it_marks():
    assert "<del>&lt;b&gt;</del>" in diff_to("<b>", "").replace("</del><del>", "")
