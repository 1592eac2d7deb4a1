"""Import a benchmark, HumanEval or MBPP, as the tasks that training data must not hold; withdraw it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from accounts.actions import CannotUndo, Change, record, standing_action
from accounts.alike import Alike
from accounts.models import Action, Door, User
from curation.intake.batches import Intake, import_file
from curation.intake.fields import JsonObject, identifier_of, kind_of, optional_text, text_of
from curation.intake.forms import OnBytes
from curation.intake.previewing import sample_of
from curation.intake.records import BadRecord, BrokenFile, Record
from curation.intake.sources import UnknownLayout, check_is_for
from curation.models import Benchmark, BenchmarkTask, Contamination, ContaminationHit, ImportBatch, Query
from curation.models.queries import QueryQuerySet
from curation.passes import next_version
from curation.readings import BLOCK
from curation.texts import storable

MOST_TASKS = 20_000
WITHDRAW = "withdraw benchmark"
DEFINED = re.compile(r"^def\s+(\w+)", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Freed:
    """What the withdrawal of a benchmark makes of queries: free again, or suspected of another one's tasks."""

    free: int
    suspects: int


class BadBenchmark(ValueError):
    """No benchmark in use has this name."""


def humaneval(task: JsonObject) -> BenchmarkTask:
    """The reference solution is kept whole: the prompt and the body that completes it."""
    prompt = text_of(task, "prompt")
    return BenchmarkTask(
        external_id=_required_id(task),
        prompt=prompt,
        solution=prompt + optional_text(task, "canonical_solution"),
        tests=text_of(task, "test"),
        entry_point=optional_text(task, "entry_point"),
    )


def mbpp(task: JsonObject) -> BenchmarkTask:
    """As published, and as the evaluation's test split has it (prompt, test)."""
    tests = _asserts(task, "test_list" if "test_list" in task else "test")
    code = text_of(task, "code").replace("\r\n", "\n")
    set_up = optional_text(task, "test_setup_code")
    return BenchmarkTask(
        external_id=f"MBPP/{_required_id(task)}",
        prompt=text_of(task, "text" if "text" in task else "prompt"),
        solution=code,
        tests="\n".join([set_up, *tests] if set_up else tests),
        entry_point=_entry_point(code, tests),
    )


LAYOUTS = {"humaneval": humaneval, "mbpp": mbpp}


def import_benchmark(
    path: Path, *, name: str, by: User | None, door: Door = Door.PAGE, on_bytes: OnBytes | None = None
) -> ImportBatch | None:
    """Import one benchmark file under a name; None when it holds no record. Tasks that are there already stay."""
    sample = sample_of(path)
    if sample is None:
        return None
    return import_file(path, benchmark_intake(sample.values, name), source=name, by=by, door=door, on_bytes=on_bytes)


def benchmark_intake(values: list[Any], name: str) -> Intake[BenchmarkTask]:
    """How a file with such first records is read, into the benchmark of that name; raises UnknownLayout."""
    objects = [value for value in values if isinstance(value, dict)]
    check_is_for("import_benchmark", objects)
    layout = _layout_of(objects)
    prompts = dict(BenchmarkTask.objects.filter(benchmark__name=name).values_list("external_id", "prompt"))

    def read(found: Record) -> BenchmarkTask:
        task = _task(found, LAYOUTS[layout])
        if prompts.setdefault(task.external_id, task.prompt) != task.prompt:
            raise BadRecord(f"{name} holds task {task.external_id} with another text; give this set a name of its own")
        if len(prompts) > MOST_TASKS:
            raise BrokenFile(f"more than {MOST_TASKS:,} tasks, which is no benchmark; cut it down to the tasks")
        return task

    return Intake(ImportBatch.Holds.BENCHMARK, layout, read=read, store=store_tasks)


def _layout_of(objects: list[JsonObject]) -> str:
    if any("canonical_solution" in value for value in objects):
        return "humaneval"
    if any("code" in value and "task_id" in value for value in objects):
        return "mbpp"
    raise UnknownLayout("no known benchmark; records hold task_id, and canonical_solution (HumanEval) or code (MBPP)")


def _task(found: Record, read: Callable[[JsonObject], BenchmarkTask]) -> BenchmarkTask:
    if not isinstance(found.value, dict):
        raise BadRecord("not a JSON object; give one object with named fields per record")
    task = read(found.value)
    for column in ("external_id", "prompt", "solution", "tests", "entry_point"):
        setattr(task, column, storable(getattr(task, column)))
    return task


def store_tasks(batch: ImportBatch, tasks: list[BenchmarkTask]) -> int:
    """Store the tasks that are new in the benchmark named like the batch's source; how many were new."""
    benchmark, _ = Benchmark.objects.get_or_create(name=batch.source.slug, defaults={"sha256": batch.sha256})
    known = set(benchmark.tasks.values_list("external_id", flat=True))
    new = {task.external_id: task for task in reversed(tasks) if task.external_id not in known}
    for task in new.values():
        task.benchmark = benchmark
    BenchmarkTask.objects.bulk_create(reversed(new.values()))
    return len(new)


def withdraw_benchmark(name: str, *, by: User | None, door: Door = Door.PAGE) -> Action:
    """Check against it no longer. What only its tasks had set aside or suspected, people's word included, is free.

    What it alone had proved, while another task is merely near, becomes a suspect. What a person cleared stays cleared;
    tasks and hits stay as evidence. Undo brings all of it back.
    """
    with transaction.atomic():
        benchmark = Benchmark.objects.select_for_update().filter(name=name, withdrawn=False).first()
        if benchmark is None:
            known = ", ".join(Benchmark.objects.filter(withdrawn=False).values_list("name", flat=True)) or "none"
            raise BadBenchmark(f"no benchmark {name!r} is in use; there are: {known}")
        withdrawal = Change(benchmark, {"withdrawn": False}, {"withdrawn": True})
        Benchmark.objects.filter(pk=benchmark.pk).update(withdrawn=True)
        free, suspects = _held_by_nothing_else(benchmark), _proved_by_nothing_else(benchmark)
        changes = [*_become(Contamination.NONE, free), *_become(Contamination.SUSPECT, suspects)]
        return record(WITHDRAW, [withdrawal, *changes], by=by, door=door, note=name)


def freed_by_withdrawing(benchmark: Benchmark) -> Freed:
    """How many queries its withdrawal would change now."""
    return Freed(_held_by_nothing_else(benchmark).count(), _proved_by_nothing_else(benchmark).count())


def standing_withdrawal(benchmark: Benchmark) -> Action | None:
    """The action that took it out of use; None while it is in use, or when no action says so."""
    try:
        return standing_action(benchmark, WITHDRAW) if benchmark.withdrawn else None
    except CannotUndo:
        return None


def _held_by_nothing_else(benchmark: Benchmark) -> QueryQuerySet:
    held = Query.objects.filter(contamination__in=[Contamination.SET_ASIDE, Contamination.SUSPECT])
    held = held.filter(Exists(_hits(task__benchmark=benchmark)), ~Exists(_hits_of_others(benchmark)))
    return held.order_by("pk")


def _proved_by_nothing_else(benchmark: Benchmark) -> QueryQuerySet:
    its_own = Exists(_hits(task__benchmark=benchmark, proves=True))
    others = _hits_of_others(benchmark)
    held = Query.objects.filter(its_own, Exists(others), contamination=Contamination.SET_ASIDE)
    return held.filter(~Exists(others.filter(proves=True))).order_by("pk")


def _hits(**which: Any) -> QuerySet[ContaminationHit]:
    return ContaminationHit.objects.filter(query=OuterRef("pk"), **which)


def _hits_of_others(benchmark: Benchmark) -> QuerySet[ContaminationHit]:
    """With tasks of the other benchmarks in use."""
    return _hits(task__benchmark__withdrawn=False).exclude(task__benchmark=benchmark)


def _become(fact: Contamination, queries: QueryQuerySet) -> Iterator[Alike]:
    by_fact: dict[str, list[int]] = defaultdict(list)
    for pk, was in queries.values_list("pk", "contamination"):
        by_fact[was].append(pk)
    for was, keys in by_fact.items():
        for start in range(0, len(keys), BLOCK):
            block = keys[start : start + BLOCK]
            Query.objects.filter(pk__in=block).update(contamination=fact, version=next_version(timezone.now()))
            yield Alike(Query, block, {"contamination": was}, {"contamination": fact.value})


def _required_id(task: JsonObject) -> str:
    if not (found := identifier_of(task, "task_id")):
        raise BadRecord("field 'task_id' is missing; add it or remove the record")
    return found


def _asserts(task: JsonObject, name: str) -> list[str]:
    lines = task.get(name)
    if not isinstance(lines, list) or not all(isinstance(line, str) for line in lines):
        raise BadRecord(f"field {name!r} is {kind_of(lines)}, not a list of assert lines; mend or remove the record")
    return lines


def _entry_point(code: str, tests: list[str]) -> str:
    """The function of the solution that the tests call; "" when that cannot be told."""
    called = "\n".join(tests)
    return next((name for name in DEFINED.findall(code) if re.search(rf"\b{name}\s*\(", called)), "")
