"""Expected levels from token probabilities: at the score's place, over all ways to spell a level, or not at all."""

import json
from math import log

import pytest

from llm.replies import read_score
from llm.token_odds import expected_level, without_idle_odds


def token(text, odds=None, own=0.9):
    candidates = odds if odds is not None else {text: own}
    return {
        "token": text,
        "logprob": log(candidates.get(text, own)),
        "bytes": list(text.encode()),
        "top_logprobs": [{"token": one, "logprob": log(share), "bytes": [1]} for one, share in candidates.items()],
    }


SURE = {"4": 0.6, "3": 0.3, "5": 0.1}


def expected(text, entries, order="score_first"):
    return expected_level(text, read_score(text, order).place, entries)


def test_the_levels_are_weighed_by_their_probabilities():
    entries = [token("4", SURE), token("\n"), token("A heap.")]
    assert expected("4\nA heap.", entries) == pytest.approx(3.8)


def test_two_tokens_of_one_level_are_one_level():
    entries = [token("Score:"), token(" 4", {" 4": 0.4, "4": 0.2, " 3": 0.4})]
    assert expected("Score: 4", entries) == pytest.approx(3.6)


def test_what_is_no_level_is_left_out_of_the_mean():
    assert expected("4", [token("4", {"4": 0.45, "5": 0.15, "The": 0.4})]) == pytest.approx(4.25)


@pytest.mark.parametrize(
    ("text", "order", "tokens", "place"),
    [
        ("5 of 5 loops?\nScore: 4", "reason_first", ["5", " of", " 5", " loops?\n", "Score: ", "4"], 5),
        ("**Score (1-5):** 5\n5 cases.", "score_first", ["**Score (1-", "5", "):** ", "5", "\n5 cases."], 3),
        ('{"level_of": 5, "score": 3}', "score_first", ['{"level_of": ', "5", ', "score": ', "3", "}"], 3),
        ('A trie.\n{"score": 3}', "reason_first", ["A trie.\n", '{"score": ', "3", "}"], 2),
        ("> ４", "score_first", ["> ", "４"], 1),
        ("- Score: 2", "score_first", ["- Score", ": ", "2"], 2),
    ],
)  # fmt: skip
def test_the_place_of_the_score_is_found_among_other_digits(text, order, tokens, place):
    odds = {tokens[place]: 0.5, "1": 0.5}
    entries = [token(one, odds if number == place else {one: 1.0}) for number, one in enumerate(tokens)]
    value = read_score(text, order).value
    assert "".join(tokens) == text
    assert expected(text, entries, order) == pytest.approx((value + 1) / 2)


def test_tokens_that_spell_more_than_the_answer_still_find_its_place():
    # Some endpoints trim the text, or end their tokens with a mark of the end.
    assert expected("4", [token("\n"), token("4", SURE), token("<|end|>")]) == pytest.approx(3.8)


@pytest.mark.parametrize(
    "entries",
    [
        None,
        [],
        [token("four")],  # other tokens than the text
        [token("4.", {"4.": 0.9, "5": 0.1})],  # holds the digit and more: other levels may be spelt otherwise
        [token("4", {"4": 0.2, "The": 0.7})],  # the levels share too little
        [{"token": "4", "logprob": None, "top_logprobs": None}],
        [{"token": "4"}],
        [{"token": "4", "logprob": float("nan")}],
    ],
)
def test_where_it_cannot_be_told_there_is_no_expected_level(entries):
    text = "4." if entries and entries[0].get("token") == "4." else "4"
    assert expected(text, entries) is None


def test_what_is_kept_gives_the_same_level_in_a_fraction_of_the_room():
    words = [token(word, {f"{word}{number}": 0.1 for number in range(10)}) for word in ("It", "needs", "a", "heap")]
    entries = [token("4", SURE), token("\n"), *words]
    raw = {"id": "x", "choices": [{"index": 0, "logprobs": {"content": entries, "refusal": None}}]}
    kept = without_idle_odds(raw)
    text = "".join(entry["token"] for entry in entries)
    assert expected_level(text, 0, kept["choices"][0]["logprobs"]["content"]) == pytest.approx(3.8)
    assert len(json.dumps(kept)) < len(json.dumps(raw)) / 4
    assert len(entries[2]["top_logprobs"]) == 10  # what came is not touched
    assert kept["id"] == "x"


@pytest.mark.parametrize("given", [None, {}, {"content": None}])
def test_an_answer_without_probabilities_is_kept_as_it_is(given):
    raw = {"choices": [{"logprobs": given}]}
    assert without_idle_odds(raw) == raw
