"""PostgreSQL and Redis for tests and measurements: started on free loopback ports, without durability."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

# A user every Debian system has; PostgreSQL refuses to run as root.
NOBODY = 65534

Programs = list["subprocess.Popen[Any]"]


# What a server does for tables that live longer than a test costs a quarter of the suite's time on it.
SHORT_LIVED = ("jit=off", "autovacuum=off", "synchronous_commit=off", "wal_level=minimal", "max_wal_senders=0")


def start_postgresql(folder: Path, programs: Programs, *, settings: Sequence[str] = ()) -> str:
    """A fresh cluster in a folder that everyone may enter; returns its DATABASE_URL."""
    binaries = postgresql_binaries()
    data, port = folder / "postgresql", free_port()
    data.mkdir()
    if os.geteuid() == 0:
        shutil.chown(data, NOBODY, NOBODY)
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "studio", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        **_as_nobody(),
    )
    options = f"-p {port} -k {data} -h 127.0.0.1 -F"
    wanted = (f"--{setting}" for setting in ("max_connections=200", "shared_buffers=256MB", *settings))
    _serve([str(binaries / "postgres"), "-D", str(data), *options.split(), *wanted], folder, programs)
    wait_for_port(port)
    return _made_database(binaries, port)


def restart_postgresql(folder: Path, programs: Programs, ending: signal.Signals, *, away_s: float) -> None:
    """End the server of a folder, the last of these programs, with a signal; start it again after a while."""
    server = programs[-1]
    server.send_signal(ending)
    server.wait(timeout=30)
    time.sleep(away_s)
    start_postgresql_again(folder, programs)


def start_postgresql_again(folder: Path, programs: Programs) -> None:
    """Start the server of a folder, the last of these programs, that has ended."""
    server = programs.pop()
    command = cast(list[str], server.args)
    _serve(command, folder, programs)
    wait_for_port(int(command[command.index("-p") + 1]))


def _serve(command: list[str], folder: Path, programs: Programs) -> None:
    with (folder / "postgresql.log").open("a") as log:
        programs.append(subprocess.Popen(command, stdout=log, stderr=log, cwd="/", **_as_nobody()))


def _as_nobody() -> dict[str, Any]:
    return {"user": NOBODY, "group": NOBODY, "extra_groups": []} if os.geteuid() == 0 else {}


def _made_database(binaries: Path, port: int) -> str:
    command = [str(binaries / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", "studio", "studio"]
    for _ in range(100):
        made = subprocess.run(command, capture_output=True, text=True, check=False)
        if made.returncode == 0:
            return f"postgres://studio@127.0.0.1:{port}/studio"
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL does not take connections: {made.stderr}")


def start_redis(folder: Path, programs: Programs) -> str:
    """A Redis without persistence; returns its REDIS_URL."""
    port = free_port()
    # A numbered database for each site that a test makes.
    own = ["--save", "", "--dir", str(folder), "--databases", "1000"]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", *own]
    programs.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    wait_for_port(port)
    return f"redis://127.0.0.1:{port}/0"


def stop(programs: Programs) -> None:
    """End all of them, and wait until they have ended."""
    for program in programs:
        program.terminate()
    for program in programs:
        program.wait(timeout=30)


def postgresql_binaries() -> Path:
    """The newest PostgreSQL of this machine."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        raise SystemExit("PostgreSQL is not installed: apt install postgresql")
    return found[-1]


def free_port() -> int:
    """A port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for_port(port: int, seconds: float = 30) -> None:
    """Return when something listens there."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
