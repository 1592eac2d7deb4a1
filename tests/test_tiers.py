"""Each tier of contamination finds its dressing-up of a task, and leaves strangers alone."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from curation.contamination.overlaps import words_of
from curation.contamination.renaming import names_in, words_without_names
from curation.contamination.shapes import functions_in, shape_of
from curation.contamination.tiers import TaskIndex, TaskText, Tier

PROMPT = (
    "Given a list of ages of the cats in a shelter, return the sum of the two oldest cats whose names share no letter."
)
SOLUTION = '''def oldest_pair(cats):
    """Two cats that share no letter."""
    best = 0
    for first, second in combinations(cats, 2):
        if not set(first.name) & set(second.name):
            best = max(best, first.age + second.age)
    return best
'''
RENAMED_SOLUTION = """  def work(animals: list) -> int:
      top = 0  # so far
      for a, b in combinations(animals, 2):

          if not set(a.name) & set(b.name):
              top = max(top, a.age + b.age)
      return top
"""
DOCSTRING = '''def warm_days(temps, limit):
    """Count the days on which temps stayed above limit from noon to the evening while it was dry.
    >>> warm_days([20, 31, 29], 28)
    2
    >>> warm_days([], 10)
    0
    """
'''
ASSERTS = "assert pair_up([3, 9, 4], 12) == (3, 9)\nassert pair_up([8, 1, 1], 2) == (1, 1)"
INDEX = TaskIndex(
    [
        TaskText(7, PROMPT, SOLUTION),
        TaskText(8, "Count the vowels twice.", "return 2 * vowels(text)"),
        TaskText(9, DOCSTRING, DOCSTRING + "    return sum(one > limit for one in temps)\n"),
        TaskText(10, "Find a pair up of numbers in a list.", "def pair_up(xs, n): ...", ASSERTS),
    ]
)


def found(query, response=""):
    return [(one.task_id, one.tier, one.proves) for one in INDEX.overlaps(query, response)]


@pytest.mark.parametrize(
    "query",
    [
        PROMPT,
        PROMPT.upper().replace(",", " ;"),
        "  " + PROMPT.replace(" ", "\n\t"),
        PROMPT.replace("a", "\u0430").replace("o", "\u03bf").replace("the", "t\u200bhe"),
    ],
)
def test_the_same_text_is_found_whatever_it_is_dressed_in(query):
    assert found(query) == [(7, Tier.EXACT, True)]


@settings(deadline=None, max_examples=50)
@given(seed=st.randoms(use_true_random=False))
def test_no_mixture_of_case_space_and_look_alikes_hides_a_text(seed):
    likes = {"a": "а", "e": "е", "o": "ο", "c": "с"}
    dressed = "".join(
        seed.choice([letter, letter.upper(), likes.get(letter, letter), letter + "\u200b"])
        if letter.isalpha()
        else (seed.choice([" ", "\n", "\u00a0 ", " \u2060"]) if letter == " " else letter)
        for letter in PROMPT
    )
    assert words_of(dressed) == words_of(PROMPT)


def test_a_task_inside_a_longer_query_is_found_by_its_runs_of_words():
    [overlap] = INDEX.overlaps(f"You are an expert. Solve this. {PROMPT} Explain each step.", "")

    assert (overlap.task_id, overlap.tier, overlap.score) == (7, Tier.NGRAM_QUERY, 1.0)
    assert overlap.matched == " ".join(words_of(PROMPT))


def test_a_phrase_in_common_is_a_suspicion_only_when_it_is_a_good_part_of_the_task():
    some = "Given a list of ages of the cats in a shelter, return their mean."
    little = "Given a list of ages of the cats in a barn, return their mean."

    assert found(some) == [(7, Tier.NGRAM_QUERY, False)]
    assert found(little) == []


def test_numbers_in_a_row_are_no_phrase():
    numbers = "1 2 3 4 5 6 7 8 9 10 11 12"
    index = TaskIndex([TaskText(1, f"Filter {numbers} by a rule.", "")])

    assert index.overlaps(f"Add up the list {numbers}", "") == []


def test_a_task_shorter_than_a_run_is_found_as_a_whole():
    assert found("Count the vowels twice.") == [(8, Tier.EXACT, True)]
    assert found("First sort the words. Then count the vowels twice. Print it.") == [(8, Tier.NGRAM_QUERY, True)]
    assert found("Count the vowels.") == []


def test_a_docstring_without_its_function_is_the_task():
    docstring = DOCSTRING.partition('"""')[2].replace('"""', "")

    assert found(f"Write a Python function. {docstring}") == [(9, Tier.NGRAM_QUERY, True)]


def test_other_names_do_not_hide_a_function_to_complete():
    renamed = DOCSTRING.replace("warm_days", "f1").replace("temps", "alpha").replace("limit", "beta")

    assert (9, Tier.IDENTIFIERS, True) in found(renamed)


def test_a_function_to_complete_is_found_in_another_language():
    ported = """// Count the days on which temps stayed above limit from noon to the evening while it was dry.
// >>> warmDays([20, 31, 29], 28)
// 2
// >>> warmDays([], 10)
// 0
const warmDays = (temps, limit) => {"""

    assert {task_id for task_id, _, proves in found(ported) if proves} == {9}


def test_examples_under_another_name_give_a_short_task_away():
    renamed = f"Find a f_10 of numbers in a list. Your code should pass these tests:\n\n{ASSERTS}"
    renamed = renamed.replace("pair_up", "f_10")

    assert [task_id for task_id, _, proves in found(renamed) if proves] == [10]
    assert found(renamed.replace("numbers", "words").replace("3, 9", "5, 7").replace("8, 1", "6, 2")) == []


def test_an_answer_that_holds_the_solution_is_found():
    assert found("How do I pair cats?", f"Like so:\n```python\n{SOLUTION}```") == [(7, Tier.NGRAM_ANSWER, True)]
    assert found("How do I pair cats?", "for first, second in combinations(cats, 2): if not set(first.name):") == []


def test_a_solution_under_other_names_is_found_inside_other_code():
    [hit] = INDEX.overlaps("How?", f"class Barn:\n{RENAMED_SOLUTION}\nprint(1)")

    assert (hit.task_id, hit.tier) == (7, Tier.IDENTIFIERS)
    assert "def work(animals: list)" in hit.matched
    assert found("How?", RENAMED_SOLUTION.replace("+ b.age", "- b.age")) == []


def test_a_solution_that_anyone_would_write_so_is_a_suspicion_and_no_proof():
    body = "    top = xs[0]\n    for x in xs:\n        if x > top:\n            top = x\n    return top\n"
    largest = "def largest(xs):\n" + body
    index = TaskIndex([TaskText(1, "Find it.", largest)])
    [hit] = index.overlaps("Maximum.", largest.replace("top", "best").replace("xs", "ns").replace("largest", "peak"))

    assert (hit.tier, hit.proves) == (Tier.IDENTIFIERS, False)


def test_names_are_those_that_definitions_and_examples_give():
    assert names_in("def f(a, *rest, k: int = 3): ...\nassert round(g(2)) == 1\nhello(3)") == {
        "f",
        "a",
        "rest",
        "k",
        "g",
    }
    assert names_in("const add = (left, right) => left + right") == {"add", "left", "right"}
    assert words_without_names("no name is given here") == []


def test_a_shape_tells_structure_from_names():
    [swapped] = functions_in("def f(a, b):\n    return b - a\n")
    [straight] = functions_in("def g(x, y):\n    return x - y\n")
    [same] = functions_in("def h(p,\n      q):\n    '''words'''\n    return p - q\n")

    assert shape_of(straight) == shape_of(same) != shape_of(swapped)
    assert shape_of("def broken(:\n    pass\n") is None
