"""Run stored programs once more and say where the result is another one, and where that is only its nature."""

import random
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

import sandbox
from dialogues.causes import Nature
from dialogues.executions import Ran, execution_turn
from dialogues.models import Turn, TurnKind
from dialogues.varying import Seen, natural_changes
from runs.executing import NotHere, run_in_sandbox
from runs.models import Execution

BLOCK = 50

Run = Callable[[str, str, sandbox.Limits, str], sandbox.RunResult]


@dataclass(frozen=True, slots=True)
class Rechecked:
    """One stored execution, the dialogues that rest on it, how it reads there and how it reads now.

    `natures` say why it reads otherwise when that is no real change; `not_run` says why it was not run again.
    """

    execution_id: int
    dialogue_ids: list[int]
    stands: str
    reads_now: str
    runtimes: tuple[str, str]
    natures: Sequence[Nature] = ()
    not_run: str = ""

    @property
    def changed(self) -> bool:
        """Whether it really changed."""
        return self.stands != self.reads_now and not self.natures


@dataclass(frozen=True, slots=True)
class Again:
    """What came of a second run; without a result the reason."""

    result: sandbox.RunResult | None
    natures: Sequence[Nature] = ()
    not_run: str = ""


def stored_executions(sample: int | None, seed: int, *, in_dialogues: bool = True) -> list[int]:
    """The executions that turns point to, or all of them; or as many of these drawn at random."""
    stored = Execution.objects.order_by("pk")
    if in_dialogues:
        stored = stored.filter(pk__in=Turn.objects.filter(execution__isnull=False).values("execution"))
    ids = list(stored.values_list("pk", flat=True))
    return ids if sample is None else sorted(random.Random(seed).sample(ids, min(sample, len(ids))))


def recheck(execution_ids: list[int], *, workers: int, run: Run = run_in_sandbox) -> Iterator[Rechecked]:
    """Run each again under its own limits, several at once."""
    with ThreadPoolExecutor(workers, thread_name_prefix="recheck") as pool:
        for start in range(0, len(execution_ids), BLOCK):
            block = Execution.objects.in_bulk(execution_ids[start : start + BLOCK])
            stored = [block[pk] for pk in sorted(block)]
            for execution, again in zip(stored, pool.map(lambda one: _again(one, run), stored), strict=True):
                yield _compared(execution, again)


def _again(execution: Execution, run: Run) -> Again:
    def seen_now() -> tuple[sandbox.RunResult, Seen]:
        limits = sandbox.Limits(**execution.limits)
        result = run(execution.code, execution.language, limits, execution.stdin)
        return result, _seen(result, datetime.now(UTC))

    try:
        result, now = seen_now()
        if execution_turn(result) == execution_turn(execution):
            return Again(result)
        stood = _seen(execution, execution.created_at)
        natures = natural_changes(execution.code, execution.language, stood, now, lambda: seen_now()[1])
        return Again(result, natures)
    except NotHere as why:
        return Again(None, not_run=str(why))


def _seen(ran: Ran, at: datetime) -> Seen:
    return Seen(str(ran.status), ran.exit_code, ran.stdout, ran.stderr, at)


def _compared(execution: Execution, again: Again) -> Rechecked:
    turns = Turn.objects.filter(execution=execution).order_by("dialogue_id")
    dialogues = list(turns.values_list("dialogue_id", flat=True).distinct())
    stands = execution_turn(execution)
    if again.result is None:
        return Rechecked(
            execution.pk, dialogues, stands, stands, (execution.runtime, execution.runtime), not_run=again.not_run
        )
    runtimes = (execution.runtime, again.result.runtime)
    reports = turns.filter(kind=TurnKind.EXECUTION).values_list("content", flat=True).distinct().order_by()
    # A turn that does not read as its own execution was never its report, whatever the run gives now.
    if other := next((text for text in reports if text != stands), None):
        return Rechecked(execution.pk, dialogues, other, stands, runtimes)
    return Rechecked(execution.pk, dialogues, stands, execution_turn(again.result), runtimes, again.natures)
