"""Replies as judges write them, each with the outcome it should have: a level, or unreadable."""

import pytest

from curation.models import ScoreState
from curation.scores.scoring import read_answer
from runs.kinds import Answer

UNREADABLE = None

SCORE_FIRST = [
    # the digit alone, or with its words
    ("4", 4),
    (" 2 \n", 2),
    ("**3**", 3),
    ("4.", 4),
    ("5!", UNREADABLE),
    ("4\n\nIt asks for a topological order and has to find cycles.", 4),
    ("4 - Difficult. The cache must be safe for threads.", 4),
    ("4 because two heaps have to be kept in balance", 4),
    ("3: a loop, a dictionary, and an edge case or two", 3),
    ("1 (Very Basic)\nOne call of print.", 1),
    ("Score: 4", 4),
    ("Score: **4**", 4),
    ("**Score:** 4", 4),
    ("**Score: 4**\n\n**Explanation:** dynamic programming in two dimensions.", 4),
    ("## Score: 5", 5),
    ("- Score: 2", 2),
    ("> 3", 3),
    ("Rating: 3/5", 3),
    ("5/5", 5),
    ("4 out of 5", 4),
    ("My rating is 2.", 2),
    ("The complexity score is 3", 3),
    ("Complexity: 3 (Intermediate)", 3),
    ("Difficulty level: 5", 5),
    ("[4]", 4),
    ("`4`", 4),
    # other letters and languages
    ("４", 4),
    ("Score：４", 4),
    ("评分：4", 4),
    ("得分: 3\n需要使用动态规划。", 3),
    ("難易度：5", 5),
    ("점수: 2", 2),
    ("Bewertung: 4", 4),
    ("Note : 3", 3),
    ("Puntuación: 2", 2),
    ("Оценка: 5", 5),
    ("四", UNREADABLE),
    ("vier", UNREADABLE),
    # JSON
    ('{"score": 4}', 4),
    ('{"score": "4", "explanation": "a graph"}', 4),
    ('```json\n{"score": 4, "reason": "a graph search"}\n```', 4),
    ('```\n{"rating": 2}\n```', 2),
    ('{"score": 4.5}', UNREADABLE),
    ('{"score": [4]}', UNREADABLE),
    ('{"score": 4, "rating": 5}', UNREADABLE),
    ('{"score": null}', UNREADABLE),
    # fractions, ranges, two scores
    ("4.5", UNREADABLE),
    ("4,5", UNREADABLE),
    ("3½", UNREADABLE),
    ("4.0", UNREADABLE),
    ("between 3 and 4", UNREADABLE),
    ("3-4", UNREADABLE),
    ("3 or 4", UNREADABLE),
    ("3/4", UNREADABLE),
    ("8/10", UNREADABLE),
    ("4/10", UNREADABLE),
    ("Score: 3.5 / 5", UNREADABLE),
    ("4 (maybe 5)", UNREADABLE),
    ("4\nScore: 3", UNREADABLE),
    ("A: 4\nB: 3", UNREADABLE),
    # outside the scale, no score, something else
    ("0", UNREADABLE),
    ("6", UNREADABLE),
    ("10", UNREADABLE),
    ("-3", UNREADABLE),
    ("", UNREADABLE),
    ("N/A", UNREADABLE),
    ("I'm sorry, but I can't rate this.", UNREADABLE),
    ("This query needs 3 nested loops.", UNREADABLE),
    ("1. Read the file.\n2. Sort its lines.", UNREADABLE),
    ("def solve(n):\n    return 4", UNREADABLE),
    ("There are two parts. The first is easy. Score: 4", UNREADABLE),
    ("<think>Three loops, so 3 or 4.</think>\n4", UNREADABLE),
]
REASON_FIRST = [
    ("It needs 2 loops, 3 cases and an O(n^2) table of 100 rows.\n\nScore: 3", 3),
    ("1. Parse the 4 fields.\n2. Merge the 2 lists.\n\n**Score: 2**", 2),
    ("Within 5 minutes an expert has it; a beginner takes 50.\nFinal score: 4/5", 4),
    ("Two heaps.\n5", 5),
    ("Zwei Schleifen.\nBewertung: 2", 2),
    ("需要两个循环。\n评分：３", 3),
    ('A trie of depth 3.\n{"score": 4}', 4),
    ("Score: 4\nIt needs a heap.", UNREADABLE),
    ("Two loops and 3 cases", UNREADABLE),
    ("Hard to say.\nScore: 3 or 4", UNREADABLE),
    ("Score: 3\nOn second thought:\nScore: 4", UNREADABLE),
    ("Two loops.\nScore: 3.5", UNREADABLE),
    ("It has 3 parts:\n1. Read\n2. Sort\n3. Write the result", UNREADABLE),
]
REPLIES = [("score_first", *case) for case in SCORE_FIRST] + [("reason_first", *case) for case in REASON_FIRST]


@pytest.mark.parametrize(("order", "reply", "level"), REPLIES)
def test_a_reply_has_the_outcome_a_careful_reader_gives_it(order, reply, level):
    outcome = read_answer(Answer(reply, "stop", call_id=1), order)
    assert outcome.value == level
    assert outcome.state == (ScoreState.UNREADABLE if level is UNREADABLE else ScoreState.OK)
    if level is UNREADABLE:
        # Nothing is lost: people read what the judge wrote.
        assert outcome.explanation == reply.strip()


def test_there_are_enough_of_them():
    assert len(REPLIES) >= 40
    assert len({(order, reply) for order, reply, _ in REPLIES}) == len(REPLIES)
