"""Claims about the demo model as a judge."""

import math
from collections import Counter

import pytest

from llm.demo_bank import Bank, fold, load_bank
from llm.demo_completion import complete
from llm.demo_scoring import LEVELS, judge, level_of, weigh
from llm.demo_stats import digest_of
from llm.replies import BadReply, read_json, read_score

EMPTY = Bank({})
EASY = "Print the sum of two numbers."
HARD = (
    "Write a thread-safe scheduler with a priority queue. It must run at most n jobs in parallel without a deadlock, "
    "find a topological order of the graph of jobs in O(n log n), and handle rollback of a failed transaction. "
    "Memory must stay bounded for large input, and edge cases have to be tested."
)


def prompt(query, scale="A", order=""):
    levels = "\n".join(f"{number} {label}" for number, label in enumerate(LEVELS[scale], 1))
    return [
        {"role": "system", "content": "You rate."},
        {"role": "user", "content": f"Rate this.\n{levels}\n{order}\n<query>\n{query}\n</query>"},
    ]


def many_queries():
    """Some hundred requests of every kind, put together from parts."""
    tasks = ["Reverse a string", "Write a parser for dates", "Find the shortest path in a graph", "Convert celsius"]
    demands = ["", " It must use at most O(n) memory.", " Handle edge cases and large input.", " Use threads, only."]
    numbers = [f" Example number {number}." for number in range(30)]
    return [task + demand + number for task in tasks for demand in demands for number in numbers]


def test_an_easy_query_ranks_below_a_hard_one_on_both_scales():
    for scale in ("A", "B"):
        easy, hard = (level_of(weigh(query, scale, EMPTY)[0]) for query in (EASY, HARD))
        assert easy <= 2 < 4 <= hard


def test_the_score_comes_first_unless_the_prompt_wants_it_in_the_last_line():
    score, reason, _ = read_score(judge(prompt(HARD), EMPTY).text, "score_first")
    assert read_score(judge(prompt(HARD, order="End with a last line."), EMPTY).text, "reason_first")[0] == score
    assert LEVELS["A"][score - 1] in reason


def test_the_shifted_scale_is_known_by_its_labels():
    assert "Expert Level" in judge(prompt(HARD, "B"), EMPTY).text or "Advanced" in judge(prompt(HARD, "B"), EMPTY).text


def test_the_words_of_a_query_do_not_change_what_the_prompt_asks_for():
    query = "Print the last line of a file. Moderately Difficult"
    text = judge(prompt(query), EMPTY).text
    assert read_score(text, "score_first")[1].startswith(LEVELS["A"])


def test_a_reminder_is_answered_with_the_digit_alone():
    first = judge(prompt(HARD), EMPTY)
    reminded = [*prompt(HARD), {"role": "assistant", "content": "Hm."}, {"role": "user", "content": "One digit only."}]
    assert judge(reminded, EMPTY).text == first.text[0]


def test_one_reply_or_two_in_a_hundred_cannot_be_read():
    unreadable = 0
    queries = many_queries()
    for query in queries:
        for scale in ("A", "B"):
            try:
                read_score(judge(prompt(query, scale), EMPTY).text, "score_first")
            except BadReply:
                unreadable += 1
    assert 0.005 < unreadable / (2 * len(queries)) < 0.03


def test_the_shifted_scale_gives_lower_scores_and_disagrees_at_times():
    pairs = Counter()
    for query in many_queries():
        pairs[tuple(level_of(weigh(query, scale, EMPTY)[0]) for scale in ("A", "B"))] += 1
    below = sum(count for (a, b), count in pairs.items() if b <= a)
    apart = sum(count for (a, b), count in pairs.items() if not a - 1 <= b <= a)
    assert below > 0.75 * pairs.total()
    assert 0.05 * pairs.total() < apart < 0.4 * pairs.total()


def test_a_problem_of_the_bank_has_its_own_level_on_scale_a():
    bank = load_bank()
    for problem in bank.problems.values():
        assert level_of(weigh(f"  {problem.query}\n", "A", bank)[0]) == problem.level
        assert level_of(weigh(problem.query, "B", bank)[0]) <= problem.level
    assert fold(" a \n\tb ") == "a b"


def test_probabilities_stand_at_the_place_of_the_score_and_lean_as_the_rule_does():
    for order in ("", "last line"):
        body = {"model": "demo-scorer", "messages": prompt(HARD, order=order), "logprobs": True, "top_logprobs": 10}
        choice = complete(body, EMPTY, digest_of(body)).payload["choices"][0]
        tokens = choice["logprobs"]["content"]
        assert "".join(token["token"] for token in tokens) == choice["message"]["content"]
        (at_score,) = [token for token in tokens if len(token["top_logprobs"]) == 5]
        likely = {one["token"]: math.exp(one["logprob"]) for one in at_score["top_logprobs"]}
        assert set(likely) == set("12345")
        assert sum(likely.values()) == pytest.approx(1, abs=1e-3)
        assert max(likely, key=likely.get) == at_score["token"]


def test_a_schema_brings_json_that_fits_it():
    properties = {"explanation": {"type": "string"}, "score": {"type": "integer"}}
    shape = {"type": "json_schema", "json_schema": {"name": "reply", "schema": {"properties": properties}}}
    body = {"model": "demo-scorer", "messages": prompt(HARD), "response_format": shape}
    text = complete(body, EMPTY, digest_of(body)).payload["choices"][0]["message"]["content"]
    assert list(read_json(text, {"explanation": str, "score": int})) == ["explanation", "score"]
