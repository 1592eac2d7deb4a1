"""What Landlock does not hold: each line of the table in docs/sandbox.md is seen to be so, and its closing shows."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import os
import platform
import re
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from sandbox import Status, landlock
from tests.sandbox_attack import a_worker, as_nobody, public_copy, until_there  # noqa: F401
from tests.test_sandbox_landlock import folders, under_landlock  # noqa: F401

pytestmark = pytest.mark.skipif(bool(landlock.missing()), reason=landlock.missing() or "landlock is here")
DOCUMENT = Path(__file__).resolve().parent.parent / "docs" / "sandbox.md"

IN_FLIGHT = """
import array, os, socket, time
one, other = socket.socketpair()
for number in range(8):
    file = os.open('passed', os.O_CREAT | os.O_WRONLY)
    os.write(file, bytes(2**20)); os.unlink('passed')
    one.sendmsg([b'x'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [file]))])
    os.close(file)
time.sleep(0.3)
print('OPEN')
"""


@dataclass(frozen=True)
class Gap:
    """`code` prints OPEN while the gap is there; `as_root` is False where root closes it by becoming another user."""

    code: str
    as_root: bool = True


GAPS = {
    "names, sizes, times, links and attributes of files": Gap(
        "import os\n"
        "print(os.stat('{folder}/.env').st_size, os.readlink('{folder}/link'))\n"
        "if os.getxattr('{folder}/.env', 'user.note') == b'read': print('OPEN')"
    ),
    "which processes there are": Gap(
        "import os\n"
        "try: os.kill({victim}, 0)\n"
        "except PermissionError: print('OPEN')\n"
        "try: os.kill(2**22 - 1, 0)\n"
        "except ProcessLookupError: print('and there is no such process')"
    ),
    "the name of the machine": Gap(f"import os\nif os.uname().nodename == {platform.node()!r}: print('OPEN')"),
    "modes, times and attributes of the user's own files": Gap(
        "import os\n"
        "try: os.chmod('{own}', 0o604); "
        "os.utime('{own}', (1, 1)); os.setxattr('{own}', 'user.note', b''); print('OPEN')\n"
        "except OSError: pass",
        as_root=False,
    ),
    "processes of the user count together": Gap(
        "import resource\nif resource.getrlimit(resource.RLIMIT_NPROC)[0] > 64: print('OPEN')", as_root=False
    ),
    "files and sockets that are in flight": Gap(IN_FLIGHT),
}
# One that a program alone cannot show.
SHOWN_FROM_OUTSIDE = {"files on the host's disk"}


@pytest.mark.parametrize("name", GAPS)
def test_a_gap_is_as_the_table_says(name, under_landlock, public_copy):
    user = [] if under_landlock.user == os.geteuid() else as_nobody()
    own = public_copy / "open" / "own"
    subprocess.run([*user, "touch", own], check=True)
    os.setxattr(public_copy / ".env", "user.note", b"read")
    (public_copy / "link").symlink_to("elsewhere")
    with subprocess.Popen([*user, "sleep", "60"]) as victim:
        code = GAPS[name].code.replace("{victim}", str(victim.pid)).replace("{own}", str(own))
        result, *_ = under_landlock.run(code.replace("{folder}", str(public_copy)), limits={"disk_mb": 2})
        victim.kill()
    own.unlink()
    (public_copy / "link").unlink()
    assert result.status is Status.OK, result
    expected = GAPS[name].as_root or not under_landlock.as_root
    assert ("OPEN" in result.stdout) is expected, f"the table in {DOCUMENT} no longer says what is: {result}"


def test_its_files_lie_on_the_hosts_disk_while_it_runs(under_landlock, public_copy):
    ordinary = under_landlock.user != os.geteuid()
    with a_worker(public_copy, ordinary=ordinary, environ={"SANDBOX": "landlock"}) as another:
        until_there(another.begin("import time; time.sleep(1.5)"))
        assert folders(public_copy)
        another.process.stdout.readline()
    assert folders(public_copy) == []


def test_the_table_names_these_gaps_and_no_other():
    section = DOCUMENT.read_text().partition("## Landlock")[2].partition("\n## ")[0]
    rows = re.findall(r"^\| ([^|]+) \|", section, re.MULTILINE)
    assert set(rows) - {"gap", "---"} == GAPS.keys() | SHOWN_FROM_OUTSIDE
