"""The execution tier of contamination: a suspect's answer, under the task's name, against the task's own tests."""

import ast
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils import timezone

from accounts.actions import Change, record
from accounts.models import Door
from curation.contamination.overlaps import MATCHED_LENGTH
from curation.models import BenchmarkTask, Contamination, ContaminationHit, Query, Tier
from curation.passes import next_version
from llm.replies import last_code
from runs.kinds import Ask, Estimate, Execute, Finished, Kind, PlannedItem, StartPage
from runs.models import Run

BLOCK = 200


async def step(payload: dict[str, Any], ask: Ask, execute: Execute) -> str:
    """The name of the function that passes; empty when none does."""
    for name, program in payload["programs"]:
        done = await execute(program, "python")
        # Not only without an error: a program that leaves early has not reached the end of the tests.
        if done.ran_clean and done.stdout.rstrip().endswith(payload["reached"]):
            return str(name)
    return ""


def plan(run: Run) -> Iterator[PlannedItem]:
    """One item for each suspect and task where the answer's main function takes as many arguments as the task's."""
    hits = ContaminationHit.objects.of_suspects().exclude(task__tests="")
    pairs = list(hits.order_by("query", "task").values_list("query", "task").distinct())
    for start in range(0, len(pairs), BLOCK):
        block = pairs[start : start + BLOCK]
        answers = dict(Query.objects.filter(pk__in={query for query, _ in block}).values_list("pk", "response"))
        tasks = BenchmarkTask.objects.in_bulk({task for _, task in block})
        for query_id, task_id in block:
            reached = hashlib.sha256(f"{query_id}:{task_id}".encode()).hexdigest()[:16]
            if programs := programs_for(answers[query_id], tasks[task_id], reached=reached):
                payload = {"query_id": query_id, "task_id": task_id, "reached": reached, "programs": programs}
                yield PlannedItem(key=f"{query_id}:{task_id}", payload=payload)


def programs_for(answer: str, task: BenchmarkTask, *, reached: str) -> list[tuple[str, str]]:
    """The answer's main function, and it under the task's name with the tests; none where it does not fit."""
    block = last_code(answer)
    wanted = {one.name: one.arguments for one in _functions(task.solution)}.get(task.entry_point)
    if block is None or wanted is None:
        return []
    functions = _functions(block.code)
    helpers = {name for one in functions for name in one.calls if name != one.name}
    mains = [one for one in functions if one.name not in helpers]
    # An answer of several parts may well hold a small task among them and still be another task.
    if len(mains) != 1 or mains[0].arguments != wanted:
        return []
    name = mains[0].name
    called = f"\ncheck({task.entry_point})" if "def check(" in task.tests else ""
    tests = f"{task.tests}{called}\nprint()\nprint({reached!r})\n"
    return [(name, f"{block.code}\n\n{task.entry_point} = {name}\n\n{tests}")]


def save(finished: Sequence[Finished]) -> None:
    """Set aside the queries whose answer passed, with the evidence, as an action of its own."""
    passed = [(one.item.payload, one.outcome, one.item.run_id) for one in finished if one.outcome]
    if not passed:
        return
    ContaminationHit.objects.bulk_create([_hit(payload, name) for payload, name, _ in passed], ignore_conflicts=True)
    keys = {payload["query_id"] for payload, _, _ in passed}
    suspects = Query.objects.filter(pk__in=keys, contamination=Contamination.SUSPECT)
    changes = [
        Change(query, {"contamination": query.contamination}, {"contamination": Contamination.SET_ASIDE.value})
        for query in suspects.select_for_update().order_by("pk").only("contamination")
    ]
    suspects.update(contamination=Contamination.SET_ASIDE, version=next_version(timezone.now()))
    if changes:
        record("set aside by execution", changes, by=None, door=Door.COMMAND, note=f"run {passed[0][2]}")


def _hit(payload: dict[str, Any], name: str) -> ContaminationHit:
    program = dict(payload["programs"])[name]
    return ContaminationHit(
        query_id=payload["query_id"],
        task_id=payload["task_id"],
        tier=Tier.EXECUTION,
        score=1.0,
        matched_text=program[:MATCHED_LENGTH],
        proves=True,
    )


@dataclass(frozen=True, slots=True)
class Function:
    """A function at the top of a program: how many arguments it takes, and what it calls."""

    name: str
    arguments: int
    calls: set[str]


def _functions(code: str) -> list[Function]:
    try:
        tree = ast.parse(code)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    return [
        Function(node.name, len(node.args.args), {name.id for name in ast.walk(node) if isinstance(name, ast.Name)})
        for node in tree.body
        if isinstance(node, ast.FunctionDef)
    ]


KIND = Kind(
    name="contamination_execution",
    title="Suspects against the benchmark's tests",
    plan=plan,
    step=step,
    save=save,
    estimate=lambda payload: Estimate([]),
    start_page=StartPage("curation:execute_suspects", "Run suspects' answers"),
)
