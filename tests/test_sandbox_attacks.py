"""More attacks on the sandbox; none leaks, survives, changes the host, or takes longer than it may."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

import sandbox
from sandbox import Status
from tests.sandbox_attack import attack, public_copy  # noqa: F401

pytestmark = pytest.mark.needs("bubblewrap")


@pytest.mark.parametrize(
    "code",
    [
        "while True: pass",
        "import signal, time\n"
        "for number in set(signal.Signals) - {9, 19}: signal.signal(number, signal.SIG_IGN)\n"
        "while True: time.sleep(1)",
        "import os, time\nos.close(0); os.close(1); os.close(2)\ntime.sleep(60)",
        "import os, time\nif os.fork(): time.sleep(60)\nos.setsid()\nif os.fork(): os._exit(0)\ntime.sleep(60)",
    ],
    ids=["loop", "ignored signals", "closed streams", "daemon"],
)
def test_a_program_without_end_is_over_at_its_time(attack, code):
    result = attack(code, wall_s=2)
    assert result.status is Status.TIMEOUT
    assert result.wall_s >= 2


@pytest.mark.parametrize("closing", ["", "os.close(1); os.close(2)"], ids=["pipe held", "pipe closed"])
def test_a_daemon_does_not_outlive_the_program(attack, closing):
    result = attack(
        "import os, time\n"
        "if os.fork() == 0:\n"
        f"    os.setsid(); {closing}\n"
        "    if os.fork() == 0: time.sleep(60)\n"
        "    os._exit(0)\n"
        "time.sleep(0.2); print('end')"
    )
    assert (result.status, result.stdout) == (Status.OK, "end\n")
    assert result.wall_s < 5


def test_many_empty_files_are_counted_as_memory(attack):
    result = attack("number = 0\nwhile True:\n    number += 1\n    open(f'/tmp/{number}', 'w').close()")
    assert result.status is Status.OUT_OF_MEMORY


def test_a_single_file_has_a_bound(attack):
    result = attack("open('x', 'wb').write(bytes(3 * 2**20))", file_mb=2)
    assert "File too large" in result.stderr


def test_host_files_cannot_be_read_or_reached(attack, public_copy):
    secret = public_copy / ".env"
    secret.write_text("the secret in a file")
    paths = ["/etc/shadow", "/etc/passwd", "/home", "/var", str(secret)]
    result = attack(
        "import os\n"
        f"for path in {paths!r}:\n"
        "    for name in (path, '/proc/1/root' + path, '/proc/self/cwd/..' + path, '/usr/../' + path):\n"
        "        try: print('read', open(name).read())\n"
        "        except OSError: pass\n"
        "        try: print('listed', os.listdir(name))\n"
        "        except OSError: pass\n"
        f"os.symlink({str(secret)!r}, 'link')\n"
        "print(os.path.exists('link'), sorted(os.listdir('/')))\n"
        "try: os.link('/usr/bin/passwd', 'hard'); print('linked')\n"
        "except OSError: pass\n"
    )
    assert result.stdout == "False ['bin', 'box', 'dev', 'etc', 'lib', 'lib64', 'proc', 'tmp', 'usr']\n"


def test_the_host_is_not_changed(attack, public_copy):
    before = sorted(path.name for path in public_copy.iterdir())
    target = str(public_copy / "left_behind")
    result = attack(
        f"for name in ({target!r}, '/tmp/left_behind', '/usr/left_behind', '/proc/1/root/usr/left_behind'):\n"
        "    try: open(name, 'w').write('x'); print('wrote', name)\n"
        "    except OSError: pass\n"
        "try: open('/proc/sys/kernel/hostname', 'w').write('x'); print('wrote')\n"
        "except OSError: pass\n"
    )
    assert result.stdout == "wrote /tmp/left_behind\n"
    assert sorted(path.name for path in public_copy.iterdir()) == before
    assert not Path("/tmp/left_behind").exists()
    assert not Path("/usr/left_behind").exists()


def test_no_process_but_its_own_can_be_seen_or_signalled(attack):
    result = attack(
        "import os\n"
        "print(sorted(int(name) for name in os.listdir('/proc') if name.isdigit()) == [1, os.getpid()])\n"
        "for number in range(2, 5000):\n"
        "    if number == os.getpid(): continue\n"
        "    try: os.kill(number, 0); print('seen', number)\n"
        "    except ProcessLookupError: pass\n"
        "try: os.kill(1, 9)\n"
        "except OSError as error: print(error)\n"
        "print('end')"
    )
    assert result.stdout == "True\nend\n"


def test_setuid_programs_give_nothing_and_device_nodes_cannot_be_made(attack):
    result = attack(
        "import os, subprocess\n"
        "print(subprocess.run(['su', '-c', 'id'], input=b'', stderr=subprocess.DEVNULL).returncode != 0)\n"
        "for name in ('/box/sda', '/tmp/sda'):\n"
        "    try: os.mknod(name, 0o60666, os.makedev(254, 0)); print('made')\n"
        "    except OSError: pass\n"
        "for number in (0, 1001, 65534):\n"
        "    try: os.setuid(number); print('became', number)\n"
        "    except OSError: pass\n"
    )
    assert result.stdout == "True\n"


def test_many_runs_at_once_interfere_in_nothing_and_leave_nothing():
    def left() -> tuple[int, int, int]:
        mounts = len(Path("/proc/mounts").read_text().splitlines())
        return len(list(Path("/proc/self/fd").iterdir())), threading.active_count(), mounts

    code = "import os\nchild = os.fork()\nif child: os.waitpid(child, 0); print({0}, len(os.listdir('/box')))"
    programs = [code.format(number) for number in range(200)]
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(sandbox.run, programs[:4]))
        before = left()
        results = list(pool.map(sandbox.run, programs))
        assert left() == before
    assert [result.status for result in results] == [Status.OK] * 200
    assert [result.stdout for result in results] == [f"{number} 1\n" for number in range(200)]
