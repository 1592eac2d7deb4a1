"""What the soak tests share: workers killed while calls are in flight, and the ledger held against the server."""

import hashlib
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
import zlib
from collections import Counter
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from django.test import override_settings

from runs.controlling import CONTROLS
from runs.models import Call, Run
from runs.starting import start_run
from tests.migrated import ROOT
from tests.toy_kinds import parameters
from tests.warm import WarmProcess

POLL_S = 0.05


@dataclass
class Watch:
    """Reads the log of a demo model as it grows: what the present worker has in flight, without that of dead ones."""

    log: Path
    offset: int = 0
    living: Counter = field(default_factory=Counter)
    dead: Counter = field(default_factory=Counter)
    arrivals: list = field(default_factory=list)
    asked: set = field(default_factory=set)

    def in_flight(self, until=float("inf")):
        """Requests that arrived from the present worker and have not ended, by the lines up to that time."""
        with self.log.open("rb") as file:
            file.seek(self.offset)
            for line in file:
                if not line.endswith(b"\n"):
                    break
                event = json.loads(line)
                if event["at"] > until:
                    break
                self._note(event)
                self.offset += len(line)
        return self.living.total()

    def worker_died(self):
        self.dead, self.living = self.dead + self.living, Counter()

    def _note(self, event):
        if event["event"] == "arrived":
            self.arrivals.append(event["at"])
            self.asked.add(event["key"])
            self.living[event["key"]] += 1
        else:
            of = self.dead if self.dead[event["key"]] else self.living
            of[event["key"]] -= 1


def start_toys(site, kind, items):
    """Queue a run of toys (tests/toy_kinds.py) on a site; its processes know them from now on. Returns its number."""
    site.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings_toys"
    with site.as_own_database(), override_settings(RUN_KINDS="tests.toy_kinds.KINDS"):
        return start_run(kind, by=None, title="toys", parameters=parameters(items)).pk


def control(site, verb, number):
    """Do with a run of the site what a button does, but for a message to its broker."""
    with site.as_own_database():
        CONTROLS[verb](Run.objects.get(pk=number), by=None)


def a_worker(site, *arguments):
    """A worker process that ends when nothing is left to do, or another command of the program."""
    command = arguments or ("work", "--until-idle")
    return _until_the_end(lambda said: WarmProcess(command, site.environ, said.name, said.name))


def a_process(site, program, *arguments):
    """A process in a site's environment, ended with the test."""
    command = [Path(sys.executable).parent / program, *arguments]
    return _until_the_end(
        lambda said: subprocess.Popen(
            command, cwd=ROOT, env=site.environ, stdout=said, stderr=said, start_new_session=True
        )
    )


@contextmanager
def _until_the_end(start):
    """Nobody reads a pipe meanwhile, so the process speaks to a file."""
    with tempfile.NamedTemporaryFile("w+") as said:
        process = start(said)
        process.said = lambda: (said.seek(0), said.read())[1]
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_for(condition, what, *, worker=None, seconds=120.0):
    """Poll until the condition holds; a worker that ended meanwhile, or too long a wait, fails with what it said."""
    deadline = time.monotonic() + seconds
    while not (held := condition()):
        assert worker is None or worker.poll() is None, f"the worker ended before {what}:\n{worker.said()}"
        assert time.monotonic() < deadline, f"waited {seconds} s for {what}"
        time.sleep(POLL_S)
    return held


def kill_workers(site, model, *, kills, questions, at_least):
    """SIGKILL a worker of the site's run again and again, evenly over its questions; how many calls were in flight."""
    watch, had, jitter = Watch(model.log), [], random.Random(20)
    for number in range(1, kills + 1):
        with a_worker(site) as worker:
            # Some more than is asked for, because a few end between the look and the kill. The last fifth of a run is
            # left alone: there are fewer and fewer items in it.
            due = questions * number // (kills + max(2, kills // 5))
            enough = lambda due=due: watch.in_flight() >= at_least * 9 // 8 and len(watch.asked) >= due  # noqa: E731
            while not enough():
                wait_for(enough, f"{at_least} calls in flight after {due} questions", worker=worker)
                time.sleep(jitter.uniform(0, 0.1))
            killed_at = time.time()
            worker.kill()
            worker.wait()
        had.append(watch.in_flight(until=killed_at))
        watch.worker_died()
    print(f"in flight at the kills, by the server's log: {had}")
    return had


def left_behind(site):
    """What workers left on the disk and in the tables; nothing, when all that happened is written down."""
    files = [path.name for path in Path(site.environ["VAR_DIR"]).glob("spool/*/*") if path.name != "house"]
    return files + site.ask_database("list(Worker.objects.values_list('name', flat=True))")


def finish(site):
    """Let one worker bring every run to where it stops by itself."""
    with a_worker(site) as worker:
        assert worker.wait(timeout=3600) == 0, worker.said()


@dataclass
class Row:
    """One question on both sides: what the server was asked and answered, and what the ledger says of it."""

    asked: int = 0
    answered: int = 0
    usd: Decimal = Decimal(0)
    attempts: int = 0
    answers: int = 0
    lost: int = 0

    @property
    def agrees(self):
        """The same on both sides, but for what was in flight when a worker died: it may have been asked, and paid."""
        return (
            self.attempts - self.lost <= self.asked <= self.attempts
            and self.answers <= self.answered <= self.answers + self.lost
        )

    @property
    def spent(self):
        """What the answers that the ledger counted have cost; the same question costs the same each time."""
        return self.usd / self.answered * self.answers if self.answered else Decimal(0)


def both_sides(site, model):
    """Every question by the digest of its request: the server's count beside the ledger's."""
    wait_for(lambda: model.stats()["in_flight"] == 0, "the server to be through with what nobody waits for")
    rows = {
        digest: Row(told["requests"], told["answered"], Decimal(told["usd"]))
        for digest, told in model.stats(by_key=True)["keys"].items()
    }
    with site.as_own_database():
        for call in Call.objects.only("request", "attempts", "answers", "lost").iterator():
            digest = hashlib.sha256(zlib.decompress(bytes(call.request))).hexdigest()
            row = rows.setdefault(digest, Row())
            row.attempts += call.attempts
            row.answers += call.answers
            row.lost += call.lost
    return rows


def assert_accounts_agree(site, model, run, *, lost_at_most):
    """Nothing was paid that is not written down, but for what was in flight at a kill, and that is listed by key."""
    rows, stats = both_sides(site, model), model.stats()
    lost = {digest: row for digest, row in rows.items() if row.lost}
    unread = sum((row.usd - row.spent for row in lost.values()), Decimal(0))
    repeated = stats["requests"] - len([row for row in rows.values() if row.asked])
    counted = {
        "requests at the server": stats["requests"],
        "attempts in the ledger": sum(row.attempts for row in rows.values()),
        "answers in the ledger": sum(row.answers for row in rows.values()),
        "lost in flight": sum(row.lost for row in lost.values()),
        "of those never seen by the server": sum(row.attempts - row.asked for row in lost.values()),
        "of those answered to nobody": sum(row.answered - row.answers for row in lost.values()),
        "of those answered to nobody, USD": str(unread),
        "repeated": repeated,
        "paid by the server's count, USD": stats["usd"],
        "spent by the run's count, USD": run["spent"],
    }
    print(json.dumps(counted, indent=1))
    assert [row for row in rows.values() if not row.agrees] == []
    assert stats["requests"] == sum(row.asked for row in rows.values())
    assert Decimal(run["spent"]) == sum(row.spent for row in rows.values()) == Decimal(stats["usd"]) - unread
    assert (run["calls"], run["calls_lost"]) == (counted["answers in the ledger"], counted["lost in flight"])
    assert repeated <= counted["lost in flight"] <= lost_at_most


def has_ended(worker, peaks):
    """Whether it has; its peak so far is noted."""
    peaks.append(peak_bytes(worker))
    return worker.poll() is not None


def peak_bytes(worker):
    """The most that a worker has taken; 0 when it has ended. ru_maxrss begins with the size of this process."""
    try:
        found = re.search(r"VmHWM:\s*(\d+) kB", Path(f"/proc/{worker.pid}/status").read_text())
    except (FileNotFoundError, ProcessLookupError):
        return 0
    return int(found[1]) * 1024 if found else 0
