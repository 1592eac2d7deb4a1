"""Work on runs in this process, without a broker: what `--wait` and `manage.py work` do."""

import asyncio
import logging
import signal
import sys
import time
from functools import partial

from django.utils import timezone

from runs import workers
from runs.engine import Report, work_on
from runs.models import ACTIVE_STATES, Run, RunState
from runs.slices import has_work, settle_stopping
from runs.spool import SpoolFull
from runs.writing import patiently

logger = logging.getLogger(__name__)
POLL_S = 0.5
MOVING_STATES = (*ACTIVE_STATES, RunState.PAUSING, RunState.CANCELLING)


def work_until_it_stops(run: Run, *, report: Report | None = None) -> Run:
    """Work on a run until it has ended, paused, or spent its budget; also while others work on it too."""
    while True:
        patiently(_tidy)
        patiently(run.refresh_from_db)
        if run.state not in MOVING_STATES:
            return run
        ended = run.items_ended
        if patiently(partial(has_work, run)):
            if asyncio.run(work_on(run, report=report)):
                sys.exit(128 + signal.SIGTERM)
            patiently(run.refresh_from_db)
        if run.items_ended == ended and run.state in MOVING_STATES:
            time.sleep(POLL_S)  # others hold what is left
        if report is not None:
            report(run)


def work_until_idle() -> int:
    """Work on every queued run in turn until none has work left; how many runs were worked on."""
    patiently(_tidy)
    worked = 0
    while True:
        waiting = patiently(_waiting)
        if not waiting:
            return worked
        for run in waiting:
            work_until_it_stops(run)
            worked += 1


def _waiting() -> list[Run]:
    return [run for run in Run.objects.filter(state__in=ACTIVE_STATES).order_by("pk") if has_work(run)]


def _tidy() -> None:
    try:
        workers.bury_dead(at=timezone.now())
    except SpoolFull as full:  # a run that is worked on says it too; without one this is the only place
        logger.warning("what dead workers left stays where it is: %s", full)
    settle_stopping()
