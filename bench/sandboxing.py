"""What the sandbox adds to starting a program, and how many of its programs run side by side."""

import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import sandbox
from bench.figures import Figure
from bench.rounds import interleaved, timed
from bench.sites import Machine
from bench.usage import CommandFailed

STARTS = 40
WORKERS = 4
PROGRAMS_EACH = 4
# Long beside what a start costs the processor, so that it measures who waits for whom on any number of cores.
SLEEP = "import time; time.sleep(2)"


def sandbox_start(machine: Machine) -> Iterator[Figure]:
    """An empty program in the sandbox, beside the bare interpreter."""
    ours, bare = interleaved(timed(partial(_run, "pass")), timed(_run_bare), rounds=STARTS)
    more, bare = (ours - bare) * 1000, bare * 1000
    yield Figure(name="sandbox_start", value=more, unit="ms more", limit=bare, target=35)


def sandbox_scaling(machine: Machine) -> Iterator[Figure]:
    """Programs that sleep, four at once beside one at a time."""
    four, one = interleaved(partial(_per_second, WORKERS), partial(_per_second, 1), rounds=3)
    yield Figure(name="sandbox_scaling", value=four, unit="/s", limit=one, relative=True, bound="≥", target=3.9)


def _per_second(workers: int) -> float:
    programs = PROGRAMS_EACH * workers
    began = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(_run, [SLEEP] * programs))
    return programs / (time.perf_counter() - began)


def _run(code: str) -> None:
    result = sandbox.run(code)
    if result.status is not sandbox.Status.OK:
        raise CommandFailed(f"the sandbox does not run programs here: {result.stderr}")


def _run_bare() -> None:
    # The same interpreter that the sandbox takes, whatever else is called python3 here.
    subprocess.run(["python3", "-I", "-S", "-c", "pass"], check=True, cwd="/", env={"PATH": "/usr/bin:/bin"})
