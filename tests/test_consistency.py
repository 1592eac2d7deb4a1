"""Flags: what asks for a person's eye, and what does not."""

import pytest

from dialogues.consistency import gives_fix_away, lint
from dialogues.drafts import Draft, DraftSeed, DraftTurn, Flag
from dialogues.executions import execution_turn
from dialogues.models import Method, Role, TurnKind
from runs.kinds import Executed


def fenced(code):
    return f"Here:\n\n```python\n{code}\n```"


def a_draft(first="print(1)", output="1\n", feedback="It is slow.", last="print(2)", status="ok"):
    report = execution_turn(Executed(1, status, output, "", 0, truncated=False, wall_s=0.1))
    return Draft(
        Method.SIMULATION,
        seeds=[DraftSeed(query_id=1)],
        turns=[
            DraftTurn(Role.USER, TurnKind.QUERY, "Print it."),
            DraftTurn(Role.ASSISTANT, TurnKind.ANSWER, fenced(first), execution_id=1),
            DraftTurn(Role.USER, TurnKind.EXECUTION, report, execution_id=1),
            DraftTurn(Role.ASSISTANT, TurnKind.ANSWER, fenced(first), execution_id=1),
            DraftTurn(Role.USER, TurnKind.FEEDBACK, feedback, category="Efficiency"),
            DraftTurn(Role.ASSISTANT, TurnKind.ANSWER, fenced(last), execution_id=2),
        ],
        last_run_clean=True,
    )


def test_a_sound_dialogue_has_no_flags():
    assert lint(a_draft()) == []


@pytest.mark.parametrize(
    ("changes", "flag"),
    [
        ({"output": "<object at 0x7f2b1c3d4e50>\n"}, Flag.OUTPUT_MAY_VARY),
        ({"output": "{'b', 'a'}\n"}, Flag.OUTPUT_MAY_VARY),
        ({"output": "{'b': 1, 'a': 2}\n"}, None),
        ({"output": "Ran 3 tests in 0.001s\n"}, Flag.OUTPUT_MAY_VARY),
        ({"output": "step 1\n", "status": "timeout"}, Flag.OUTPUT_MAY_VARY),
        ({"first": "import random\nprint(random.random())"}, Flag.OUTPUT_MAY_VARY),
        ({"first": "import time\nprint(time.perf_counter())"}, Flag.OUTPUT_MAY_VARY),
        ({"last": "from uuid import uuid4\nprint(uuid4())"}, Flag.OUTPUT_MAY_VARY),
        ({"feedback": "It is slow. It is long. It is ugly."}, Flag.FEEDBACK_TOO_LONG),
        ({"feedback": "It is slow " + "and slow " * 40}, Flag.FEEDBACK_TOO_LONG),
        ({"feedback": "Please write `return sorted(x)` there.", "last": "y = 1"}, Flag.FEEDBACK_GIVES_FIX_AWAY),
        ({"last": "print(1)"}, Flag.FEEDBACK_WITHOUT_EFFECT),
        ({"last": "print(2)\n```\n\n```python\nprint(3)"}, None),
    ],
)
def test_each_sign_raises_its_flag_and_no_other(changes, flag):
    assert lint(a_draft(**changes)) == ([flag] if flag else [])


@pytest.mark.parametrize(
    "code", ["import random\nrandom.seed(7)\nprint(random.random())", "import random\nprint(random.Random(7).random())"]
)
def test_seeded_chance_does_not_vary(code):
    assert lint(a_draft(first=code)) == []


def test_a_timeout_that_printed_nothing_reads_the_same_every_time():
    assert lint(a_draft(output="", status="timeout")) == []


def test_a_block_left_open_is_flagged():
    draft = a_draft()
    draft.turns[5] = DraftTurn(Role.ASSISTANT, TurnKind.ANSWER, "```python\nprint(2)")
    assert lint(draft) == [Flag.OPEN_FENCE]


def test_flags_set_by_the_method_are_kept_once():
    draft = a_draft()
    draft.flags = [Flag.ITERATION_LIMIT, Flag.ITERATION_LIMIT]
    assert lint(draft) == ["iteration_limit"]


@pytest.mark.parametrize(
    ("feedback", "expected"),
    [
        ("It takes minutes on a long list.", False),
        ("`merge([])` fails for me.", False),
        ("Please add a `to_csv` method that I can call.", False),
        ("Use heapq.merge for that.", True),
        ("Could you use `lru_cache`?", True),
        ("Write total = 0 first.", True),
        ("```python\npass\n```", True),
        ("Is it right when a == b holds?", True),
    ],
)
def test_feedback_gives_the_fix_away_when_it_names_the_means(feedback, expected):
    before = "def merge(lists):\n    return sorted(sum(lists, []))\nmerge([])"
    after = (
        "from functools import lru_cache\nimport heapq\ndef merge(lists):\n    return list(heapq.merge(*lists))\n"
        "def to_csv(rows): ..."
    )
    assert gives_fix_away(feedback, code_before=before, code_after=after) is expected
