"""Claims about reading a judge's reply and a JSON reply."""

import pytest

from llm.replies import BadReply, read_json, read_score


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("4", 4),
        (" 4 \n", 4),
        ("Score: 4", 4),
        ("**4** - because it needs a heap", 4),
        ("**Score: 4**\n\nIt needs a heap.", 4),
        ("Score: **4**/5", 4),
        ("4/5", 4),
        ("4 / 5: two structures at once", 4),
        ("4 out of 5", 4),
        ("４", 4),
        ("Score：３", 3),
        ("# 5 Expert Level", 5),
        ("2 (Basic)\nOne loop.", 2),
        ("1. A single print statement.", 1),
        ("3: Intermediate", 3),
        ("4 because it asks for O(1) in 2 operations", 4),
        ("The difficulty is 3.", 3),
        ("Final score = 5", 5),
        ("Difficulty level: 4 – Difficult", 4),
        ("Score (1-5): 2", 2),
        ("[4]", 4),
        ("> 4\nquoted", 4),
        ("- **Score:** 4", 4),
        ("### **4** / 5", 4),
        ("Score: [[4]]", 4),
        ("4\n\n1. It needs recursion.\n2. It needs a cache.", 4),
        ('{"score": 4, "explanation": "a heap"}', 4),
        ('{"score": "4"}', 4),
        ('```json\n{"score": 2, "reason": "one loop"}\n```', 2),
    ],
)
def test_a_score_that_comes_first_is_read(reply, score):
    assert read_score(reply, "score_first")[0] == score


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "   \n ",
        "4.5",
        "4,5",
        "3 or 4",
        "between 3 and 4",
        "Score: between 3 and 4",
        "3-4",
        "3 – 4",
        "3 to 4",
        "3/4",
        "5/7",
        "4/50",
        "4/10",
        "0",
        "6",
        "45",
        "-4",
        "4½",
        "4 and a half",
        "4 1/2",
        "4+",
        "40%",
        "about 4",
        "~4",
        "four",
        "٤",
        "Score: 4, maybe 5",
        "4 - or even 5",
        "4\nScore: 3",
        "4\n**Score:** 3",
        "**4**.5",
        "**4** **5**",
        "`4`or 5",
        "4\nExplanation.\nScore: 5",
        "3\n4",
        "2 loops are needed, so this is hard",
        "1. First, read the file.\n2. Then sort it.",
        "Level 3 subqueries are needed",
        "I cannot judge this.",
        '{"score": 4.5}',
        '{"score": true}',
        '{"score": 6}',
        '{"score": 4, "score": 3}',
        '{"score": 4, "rating": 3}',
        '{"explanation": "hard"}',
        '{"score": 4',
        '[{"score": 4}]',
    ],
)
def test_what_is_not_one_score_is_refused(reply):
    with pytest.raises(BadReply):
        read_score(reply, "score_first")


@pytest.mark.parametrize(
    ("reply", "score"),
    [
        ("It needs one loop and a counter.\n\nScore: 2", 2),
        ("Two heaps at once.\n**Score: 5**", 5),
        ("Reasons.\n3", 3),
        ("Reasons.\n3 (Intermediate)", 3),
        ("1. A parser.\n2. A cache.\nScore: 4/5", 4),
        ('Reasons.\n{"score": 4}', 4),
        ("Score: 4", 4),
        ("Reasons.\nScore: 4 because of the cache", 4),
    ],
)
def test_a_score_that_comes_last_is_read_from_the_last_line(reply, score):
    assert read_score(reply, "reason_first")[0] == score


@pytest.mark.parametrize(
    "reply",
    [
        "Score: 4\nIt needs a heap.",
        "Steps:\n1. It reads\n2. It sorts\n3. Finally the function returns",
        "Score: 2\nOn second thought it is harder.\nScore: 4",
        "It lies somewhere between 3 and 4.",
        "Complexity: 3 nested loops",
        "Reasons.\n4.5",
        'Score: 3\n{"score": 4.5}',
    ],
)
def test_an_argument_that_does_not_end_in_one_score_is_refused(reply):
    with pytest.raises(BadReply):
        read_score(reply, "reason_first")


def test_the_explanation_keeps_what_is_not_the_score():
    assert read_score("**4** - because `a_heap` must hold *k* items.\n\nAnd a queue.", "score_first")[1] == (
        "because `a_heap` must hold *k* items.\nAnd a queue."
    )
    assert read_score("A heap.\nA queue.\nScore: 4", "reason_first")[1] == "A heap.\nA queue."
    assert read_score('{"score": 4, "explanation": "a heap"}', "score_first")[1] == "a heap"


def test_the_message_of_a_bad_reply_shows_its_start():
    with pytest.raises(BadReply, match="3 or 4"):
        read_score("3 or 4", "score_first")


REQUIRED = {"satisfied": str, "count": int}


@pytest.mark.parametrize(
    "reply",
    [
        '{"satisfied": "short", "count": 2}',
        '```json\n{"satisfied": "short", "count": 2}\n```',
        'Here it is:\n\n```\n{"satisfied": "short", "count": 2}\n```\nDone.',
    ],
)
def test_a_json_object_is_read_bare_or_in_a_fence(reply):
    assert read_json(reply, REQUIRED) == {"satisfied": "short", "count": 2}


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "satisfied: short",
        "[1, 2]",
        '{"satisfied": "short"}',
        '{"satisfied": 3, "count": 2}',
        '{"satisfied": "short", "count": true}',
        '{"satisfied": "short", "count": NaN}',
        '{"satisfied": "short", "count": 2} and more',
        '{"satisfied": "\\ud800", "count": 2}',
        '{"satisfied": "a", "satisfied": "b", "count": 2}',
        '```json\n{"satisfied": "a", "count": 1}\n```\n```json\n{"satisfied": "b", "count": 2}\n```',
        "{" * 100_000,
        '{"satisfied": ' + "[" * 100_000,
    ],
)
def test_anything_else_is_a_bad_reply(reply):
    with pytest.raises(BadReply):
        read_json(reply, REQUIRED)
