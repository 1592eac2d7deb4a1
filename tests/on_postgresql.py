"""Run the suite on PostgreSQL and Redis, both started here on free loopback ports and ended with the suite.

.venv/bin/python -m tests.on_postgresql [pytest arguments]
"""

import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

# A user every Debian system has; PostgreSQL refuses to run as root.
NOBODY = 65534


def main(arguments):
    with tempfile.TemporaryDirectory(prefix="suite-") as folder:
        Path(folder).chmod(0o755)
        programs, environ = [], {}
        try:
            environ["DATABASE_URL"] = start_postgresql(Path(folder), programs)
            environ["REDIS_URL"] = start_redis(Path(folder), programs)
            environ["SECRET_KEY"] = "only for this run of the suite"
            return subprocess.run(
                [sys.executable, "-m", "pytest", *arguments], env={**os.environ, **environ}, check=False
            ).returncode
        finally:
            for program in programs:
                program.terminate()
            for program in programs:
                program.wait(timeout=30)


def start_postgresql(folder, programs):
    """A fresh cluster without durability; returns its DATABASE_URL."""
    binaries = postgresql_binaries()
    data, port = folder / "postgresql", free_port()
    data.mkdir()
    as_nobody = {}
    if os.geteuid() == 0:
        shutil.chown(data, NOBODY, NOBODY)
        as_nobody = {"user": NOBODY, "group": NOBODY, "extra_groups": []}
    subprocess.run(
        [binaries / "initdb", "-D", data, "-U", "studio", "-A", "trust", "-E", "UTF8", "--no-locale", "-N"],
        check=True,
        stdout=subprocess.DEVNULL,
        cwd="/",
        env={"PATH": "/usr/bin:/bin"},
        **as_nobody,
    )
    options = f"-p {port} -k {data} -h 127.0.0.1 -F -c max_connections=200 -c shared_buffers=256MB"
    log = (folder / "postgresql.log").open("w")
    programs.append(
        subprocess.Popen(
            [binaries / "postgres", "-D", data, *options.split()], stdout=log, stderr=log, cwd="/", **as_nobody
        )
    )
    wait_for_port(port)
    url = f"postgres://studio@127.0.0.1:{port}/studio"
    for _ in range(100):
        made = subprocess.run(
            [binaries / "createdb", "-h", "127.0.0.1", "-p", str(port), "-U", "studio", "studio"],
            capture_output=True,
            text=True,
            check=False,
        )
        if made.returncode == 0:
            return url
        time.sleep(0.1)
    raise RuntimeError(f"PostgreSQL does not take connections: {made.stderr}")


def start_redis(folder, programs):
    """A Redis without persistence; returns its REDIS_URL."""
    port = free_port()
    # A database for each site that a test makes.
    own = ["--save", "", "--dir", str(folder), "--databases", "1000"]
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", *own]
    programs.append(subprocess.Popen(command, stdout=subprocess.DEVNULL))
    wait_for_port(port)
    return f"redis://127.0.0.1:{port}/0"


def postgresql_binaries():
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda path: int(path.parent.name))
    if not found:
        raise SystemExit("PostgreSQL is not installed: apt install postgresql")
    return found[-1]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for_port(port, seconds=30):
    deadline = time.monotonic() + seconds
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
