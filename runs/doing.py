"""One item, from its step to its saved outcome."""

import asyncio
import logging
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import sandbox
from llm.catalog import Model
from llm.client import CallFailed
from llm.entries import CatalogError
from runs import executing, leases
from runs.asking import BLAMES_ENDPOINT, LedgerAsk
from runs.desk import Desk, Interrupted
from runs.kinds import Executed, Finished, Kind, Skipped
from runs.models import ItemState, WorkItem
from runs.writing import DATABASE_AWAY, Tally, Writer

logger = logging.getLogger(__name__)
# The sandbox itself failed so often in a row that no other item would fare better: the run stops and says why.
SANDBOX_BREAKS_AFTER = 3


@dataclass
class Work:
    """What one call of `work_on` holds in its hands."""

    kind: Kind
    models: list[Model]
    desk: Desk
    writer: Writer
    programs: ThreadPoolExecutor
    cores: asyncio.Semaphore
    tasks: dict["asyncio.Task[None]", WorkItem] = field(default_factory=dict)
    some_ended: asyncio.Event = field(default_factory=asyncio.Event)
    # The budget that holds no further item.
    over_budget: Decimal | None = None
    sandbox_failures: int = 0

    def __post_init__(self) -> None:
        # One object each, so that the writer knows what may be done together.
        self.save, self.free = self._save, self._free

    def _save(self, tally: Tally, finished: list[Finished]) -> list[None]:
        """Mark items as done and write their outcomes, for those whose lease is still ours."""
        held = leases.finish_all([one.item for one in finished])
        self.kind.save([one for one in finished if one.item.pk in held])
        tally.counts["items_done"] += len(held)
        return [None] * len(finished)

    def _free(self, tally: Tally, items: list[WorkItem]) -> list[None]:
        leases.release(items)
        return [None] * len(items)


async def do_item(work: Work, item: WorkItem) -> None:
    """Run one step and save what came of it."""
    try:
        outcome = await work.kind.step(item.payload, LedgerAsk(work.desk), Programs(work))
    except Interrupted:
        await give_back(work, item)
    except CatalogError as error:
        # The models file or a key in the environment is at fault, for every item alike.
        work.desk.stop(str(error))
        await give_back(work, item)
    except Skipped as reason:
        await _end(work, item, ItemState.SKIPPED, error_class="Skipped", error=str(reason))
    except CallFailed as failure:
        if failure.kind in BLAMES_ENDPOINT:
            await give_back(work, item)
        else:
            await _end(work, item, ItemState.FAILED, error_class=failure.kind, error=str(failure))
    except DATABASE_AWAY:
        raise  # no item is to blame: the worker ends, and what it paid for stands in its spool
    except Exception as error:
        # One item's trouble must not end the run: it is recorded with its reason and can be retried.
        logger.info("item %s of run %s failed", item.key, item.run_id, exc_info=True)
        await _end(work, item, ItemState.FAILED, error_class=type(error).__name__, error=str(error))
    else:
        await _save(work, item, outcome)


async def _save(work: Work, item: WorkItem, outcome: Any) -> None:
    try:
        await work.writer.together(work.save, Finished(item, outcome), unhurried=True)
    except DATABASE_AWAY:
        raise
    except Exception as error:
        logger.exception("the outcome of item %s of run %s could not be saved", item.key, item.run_id)
        await _end(work, item, ItemState.FAILED, error_class=type(error).__name__, error=f"not saved: {error}")


async def _end(work: Work, item: WorkItem, state: ItemState, *, error_class: str, error: str) -> None:
    def end(tally: Tally) -> None:
        if leases.finish(item, state, error_class=error_class, error=error):
            tally.counts.update({f"items_{state}": 1})

    await work.writer.do(end)


async def give_back(work: Work, item: WorkItem) -> None:
    """Give an unfinished item back."""
    await work.writer.together(work.free, item)


class Programs:
    """The Execute that steps receive."""

    def __init__(self, work: Work) -> None:
        self.work = work

    async def __call__(self, code: str, language: str = "python") -> Executed:
        try:
            done = await self._execute(code, language)
        except executing.SandboxFailed as failure:
            self.work.sandbox_failures += 1
            if self.work.sandbox_failures >= SANDBOX_BREAKS_AFTER:
                self.work.desk.stop(str(failure))
                raise Interrupted(str(failure)) from failure
            raise
        self.work.sandbox_failures = 0
        return done

    async def _execute(self, code: str, language: str) -> Executed:
        limits = sandbox.Limits()
        key = await asyncio.to_thread(executing.execution_key, code, language, limits=limits)
        execution = await self.work.writer.do(lambda tally: executing.remembered(key))
        if execution is None:
            result = await self._run(code, language, limits)
            execution = await self.work.writer.do(
                lambda tally: executing.remember(key, code, language, limits=limits, result=result)
            )
        return executing.executed(execution)

    async def _run(self, code: str, language: str, limits: sandbox.Limits) -> sandbox.RunResult:
        async with self.work.cores:
            if self.work.desk.stopping:
                raise Interrupted("the run stops before this program is started")
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(self.work.programs, executing.run_in_sandbox, code, language, limits)
