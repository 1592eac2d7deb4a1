"""Every attack of the list is held, for root, an ordinary user and the runner, and works where its wall is away."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from uuid import uuid4

import pytest

from sandbox import Status
from sandbox.walls import Wall
from tests import attacks_on_limits, attacks_on_walls
from tests.sandbox_attack import (  # noqa: F401
    LATE_S,
    WALL_S,
    a_worker_as,
    as_nobody,
    public_copy,
    python_for_nobody,
    worker,
)

pytestmark = pytest.mark.needs("bubblewrap")
ATTACKS = attacks_on_limits.ATTACKS | attacks_on_walls.ATTACKS
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "sandbox.md"
SEVERAL_WALLS = [name for name, attack in ATTACKS.items() if len(attack.walls(as_root=True)) > 1]


@pytest.fixture(scope="module")
def host(public_copy):
    """What lies and listens on the host for attacks to reach, by the names they use."""
    with ExitStack() as stack:
        address = outside_address()
        tcp, outside = (
            stack.enter_context(socket.create_server((where, 0), backlog=64)) for where in ("127.0.0.1", address)
        )
        abstract, by_path = (stack.enter_context(socket.socket(socket.AF_UNIX)) for _ in range(2))
        name = uuid4().hex
        abstract.bind(f"\0{name}")
        by_path.bind(str(public_copy / "socket"))
        (public_copy / "socket").chmod(0o777)
        for listener in (abstract, by_path):
            listener.listen(64)
        shutil.copy("/usr/bin/id", public_copy / "id")
        (public_copy / "id").chmod(0o4755)
        yield {
            "folder": str(public_copy),
            "tcp": tcp.getsockname()[1],
            "abstract": name,
            "outside": outside.getsockname(),
        }


def outside_address():
    """Where this machine is reached from others; its loopback where it is reached from none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as looking:
        try:
            looking.connect(("198.51.100.1", 9))  # looks for a way and sends nothing
        except OSError:
            return "127.0.0.1"
        return looking.getsockname()[0]


@pytest.fixture
def carried_out(host, public_copy):
    """Has a worker carry out an attack against what is on the host, and clears away what it left there."""
    sleeping = []

    def carry_out(attack, by, *, raised=False, **job):
        limits = {"wall_s": WALL_S} | attack.limits | (attack.raised if raised else {})
        values = dict(host)
        if "{victim}" in attack.code:
            command = ["sleep", "60"] if by.user == os.geteuid() else [*as_nobody(), "sleep", "60"]
            sleeping.append(subprocess.Popen(command))
            values["victim"] = sleeping[-1].pid
        result, elapsed_s, left = by.run(filled(attack.code, values), limits=limits, **job)
        for process in left:
            os.kill(process, signal.SIGKILL)
        return result, elapsed_s - limits["wall_s"], left

    yield carry_out
    for process in sleeping:
        process.kill()
        process.wait()
    for place in (public_copy / "open").iterdir():
        place.unlink()


def filled(code, values):
    for name, value in values.items():
        code = code.replace(f"{{{name}}}", str(value))
    return code


@pytest.fixture(scope="module", params=["same user", "ordinary user", "runner", "ordinary user's runner"])
def any_worker(request, public_copy):
    with a_worker_as(request.param, public_copy) as started:
        yield started


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_held(name, any_worker, carried_out, public_copy):
    attack = ATTACKS[name]
    result, late_s, left = carried_out(attack, any_worker)
    assert not attack.breach(result, left), result
    assert result.status in attack.statuses, result
    assert late_s < LATE_S
    assert not left
    assert list((public_copy / "open").iterdir()) == []


@pytest.mark.parametrize("name", ATTACKS)
def test_it_succeeds_where_its_wall_is_away_or_says_why_not(name, worker, carried_out, host):
    attack = ATTACKS[name]
    if attack.of_the_kernel and (said := refused_outside(filled(attack.code, host), worker)):
        pytest.skip(f"this machine refuses it to everybody, so no wall is seen to hold it: {said}")
    result, _, left = carried_out(
        attack, worker, raised=True, bounded=True, without=sorted(attack.walls(worker.as_root))
    )
    if reason := attack.reason(worker.as_root):
        assert not attack.breach(result, left), f"no longer true: {reason}"
        assert attack.said_instead in result.stdout, result
    else:
        assert attack.breach(result, left), result


@pytest.mark.parametrize("name", SEVERAL_WALLS)
def test_each_of_several_walls_holds_it_alone(name, worker, carried_out):
    attack = ATTACKS[name]
    walls = attack.walls(worker.as_root)
    for standing in walls if len(walls) > 1 else ():
        result, _, left = carried_out(attack, worker, bounded=True, without=sorted(set(walls) - {standing}))
        assert not attack.breach(result, left), f"{standing} alone does not hold it: {result}"


def test_every_wall_is_in_the_table_and_falls_before_some_attack():
    section = DOCUMENT.read_text().partition("## Walls")[2].partition("\n## ")[0]
    left_cells = re.findall(r"^\| (`[^|]+) \|", section, re.MULTILINE)
    assert set(re.findall(r"`(\w+)`", " ".join(left_cells))) == set(Wall)
    attacked = {wall for attack in ATTACKS.values() for wall in attack.walls(as_root=True)}
    # These two fall in test_sandbox_walls (fact 6) and test_sandbox_killed.
    assert set(Wall) - attacked == {Wall.REAPER, Wall.DIES_WITH_US}


def test_a_pipe_that_outlives_its_sandbox_is_let_go_of(worker, carried_out):
    """The orphan that holds it would sleep for a minute; pipes are waited for half a second."""
    result, late_s, left = carried_out(ATTACKS["a pipe held by an orphan"], worker, without=["own_processes", "kept"])
    assert (result.status, bool(left)) == (Status.OK, True)
    assert late_s < 5 - WALL_S


def refused_outside(code, worker):
    """What an attack says outside of any sandbox when the machine refuses it there already; empty when it works."""
    python = [sys.executable] if worker.user == os.geteuid() else [*as_nobody(), python_for_nobody()]
    done = subprocess.run([*python, "-c", f"bounded = True\n{code}"], capture_output=True, text=True, check=True)
    return "" if "BREACH" in done.stdout else done.stdout.strip()
