"""Run the stored programs of dialogues once more and say where the result no longer reads as it stands there."""

import random
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import sandbox
from dialogues.executions import execution_turn
from dialogues.models import Turn, TurnKind
from runs.executing import run_in_sandbox
from runs.models import Execution

BLOCK = 50

Run = Callable[[str, str, sandbox.Limits], sandbox.RunResult]


@dataclass(frozen=True, slots=True)
class Rechecked:
    """One stored execution, the dialogues that rest on it, how it reads there and how it reads now."""

    execution_id: int
    dialogue_ids: list[int]
    stands: str
    reads_now: str

    @property
    def changed(self) -> bool:
        return self.stands != self.reads_now


def executions_of_dialogues(sample: int | None, seed: int) -> list[int]:
    """The executions that turns point to, or as many of them drawn at random."""
    used = Turn.objects.filter(execution__isnull=False).order_by("execution_id")
    ids = list(used.values_list("execution_id", flat=True).distinct())
    chosen = ids if sample is None else random.Random(seed).sample(ids, min(sample, len(ids)))
    return sorted(pk for pk in chosen if pk is not None)


def recheck(execution_ids: list[int], *, workers: int, run: Run = run_in_sandbox) -> Iterator[Rechecked]:
    """Run each again under its own limits, several at once."""
    with ThreadPoolExecutor(workers, thread_name_prefix="recheck") as pool:
        for start in range(0, len(execution_ids), BLOCK):
            block = Execution.objects.in_bulk(execution_ids[start : start + BLOCK])
            results = pool.map(
                lambda one: run(one.code, one.language, sandbox.Limits(**one.limits)),
                [block[pk] for pk in sorted(block)],
            )
            for pk, result in zip(sorted(block), results, strict=True):
                yield _compared(block[pk], execution_turn(result))


def _compared(execution: Execution, reads_now: str) -> Rechecked:
    turns = Turn.objects.filter(execution=execution).order_by("dialogue_id")
    reports = turns.filter(kind=TurnKind.EXECUTION).values_list("content", flat=True).distinct().order_by()
    standing = [execution_turn(execution), *reports]
    stands = next((text for text in standing if text != reads_now), reads_now)
    return Rechecked(execution.pk, list(turns.values_list("dialogue_id", flat=True).distinct()), stands, reads_now)
