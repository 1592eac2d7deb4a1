"""The fallback: what it holds of the attack list, what it leaves behind (nothing), and what a program gets."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import os
import signal
import struct
import subprocess
import time

import pytest

from sandbox import Limits, Status, landlock, landlock_launcher, runtime
from sandbox.jobs import make_job
from sandbox.languages import LANGUAGES
from sandbox.processes import STAT_PARENT, read_stat
from tests import attacks_on_limits, attacks_on_walls
from tests.attack import Attack
from tests.sandbox_attack import (  # noqa: F401
    LATE_S,
    a_worker,
    as_nobody,
    public_copy,
    survivors,
    until_gone,
    until_there,
)
from tests.test_sandbox_attacks import carried_out, filled, host, refused_outside  # noqa: F401
from tests.test_sandbox_languages import ECHO

needs_landlock = pytest.mark.skipif(bool(landlock.missing()), reason=landlock.missing() or "landlock is here")
ATTACKS = attacks_on_limits.ATTACKS | attacks_on_walls.ATTACKS


@pytest.fixture(scope="module", params=["same user", "ordinary user"])
def under_landlock(request, public_copy):
    """A worker that runs its programs under Landlock."""
    ordinary = request.param == "ordinary user"
    if ordinary and os.geteuid() != 0:
        pytest.skip("already an ordinary user")
    with a_worker(public_copy, ordinary=ordinary, environ={"SANDBOX": "landlock"}) as started:
        yield started


@needs_landlock
@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_is_held_by_landlock_too(name, under_landlock, carried_out, public_copy):
    attack = ATTACKS[name]
    result, late_s, left = carried_out(attack, under_landlock)
    assert not attack.breach(result, left), result
    assert result.status in attack.statuses, result
    assert late_s < LATE_S
    assert not left
    assert list((public_copy / "open").iterdir()) == []


@needs_landlock
@pytest.mark.parametrize("language", ECHO)
def test_every_language_runs_under_landlock(language):
    if not runtime(language):
        pytest.skip(f"no {language} here")
    job = make_job(ECHO[language], LANGUAGES[language], "", stdin=b"word\n", files=(), limits=Limits())
    result = landlock.run(job)
    assert (result.status, result.stdout, result.stderr, result.backend) == (Status.OK, "word\n", "", "landlock")


@needs_landlock
def test_the_private_folder_reads_as_the_box_of_every_other_backend(under_landlock, public_copy):
    result, *_ = under_landlock.run("import os\nprint(os.getcwd(), os.environ['TMPDIR'])\n1 / 0")
    assert result.stdout == "/box /tmp\n"
    assert 'File "/box/main.py", line' in result.stderr
    assert str(public_copy) not in result.stdout + result.stderr


@needs_landlock
def test_files_of_a_job_lie_beside_the_program():
    code = "print(open('data/a.txt').read()); open('data/b.txt', 'w').write('mine')"
    job = make_job(code, LANGUAGES["python"], "", stdin=b"", files=[("data/a.txt", b"A")], limits=Limits())
    assert landlock.run(job).stdout == "A\n"


HOSTILE_TREES = {
    "closed folders": "import os\nos.makedirs('a/b/c'); os.chmod('a/b', 0); os.chmod('a', 0); os.chmod('.', 0)",
    "a deep folder": "import os\nfor depth in range(1100): os.mkdir('deep'); os.chdir('deep')",
    "odd names": "for name in ('-rf', ' ', '\\n', '$(x)', b'\\xff'.decode(errors='surrogateescape')): open(name, 'w')",
    "a way out": "import os\nos.symlink('../../..', 'way'); os.symlink('..', 'up')",
}


@needs_landlock
@pytest.mark.parametrize("tree", HOSTILE_TREES)
def test_the_folder_is_gone_whatever_the_program_made_of_it(tree, under_landlock, public_copy):
    result, _, left = under_landlock.run("import os; print(os.path.realpath('..'))\n" + HOSTILE_TREES[tree])
    assert not left
    assert result.status in {Status.OK, Status.OUT_OF_MEMORY}, result
    assert folders(public_copy) == []
    assert (public_copy / ".env").exists()


def folders(public_copy):
    """Private folders of programs."""
    return list((public_copy / "temporary").iterdir())


@needs_landlock
def test_a_killed_worker_leaves_no_program_and_no_folder(public_copy, under_landlock):
    ordinary = under_landlock.user != os.geteuid()
    with a_worker(public_copy, ordinary=ordinary, environ={"SANDBOX": "landlock"}) as doomed:
        code = "import os, time\nif os.fork() == 0: os.setsid()\ntime.sleep(60)"
        token = doomed.begin(code, limits={"wall_s": 60})
        until_there(token)
        doomed.process.send_signal(signal.SIGKILL)
        until_gone(token)
    deadline = time.monotonic() + 10
    while folders(public_copy):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@needs_landlock
def test_a_killed_keeper_leaves_neither_its_program_nor_a_daemon(public_copy, under_landlock):
    ordinary = under_landlock.user != os.geteuid()
    daemon = "import os, time\nif os.fork() == 0: os.setsid()\ntime.sleep(30)"
    with a_worker(public_copy, ordinary=ordinary, environ={"SANDBOX": "landlock"}) as another:
        token = another.begin(daemon)
        until_there(token)
        while len(survivors(token)) < 2:
            time.sleep(0.02)
        os.kill(int(read_stat(min(survivors(token)))[STAT_PARENT]), signal.SIGKILL)
        assert b'"sandbox_error"' in another.process.stdout.readline()
        assert not survivors(token)
    assert folders(public_copy) == []


@needs_landlock
def test_files_without_a_name_count_too(under_landlock):
    hiding = (
        "import os, time\nfiles = []\n"
        "for number in range(8):\n"
        "    files.append(open('nameless', 'wb', buffering=0)); files[-1].write(bytes(2**20)); os.unlink('nameless')\n"
        "time.sleep(8)"
    )
    result, *_ = under_landlock.run(hiding, limits={"disk_mb": 2})
    assert result.status is Status.OUT_OF_MEMORY


def test_a_file_that_goes_away_while_it_is_counted_hides_no_other(tmp_path):
    for name in ("one", "other", "folder/third"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("x")
    counting = landlock.entries_below(tmp_path)
    next(counting)
    (tmp_path / "one").unlink()
    (tmp_path / "other").unlink()
    assert len(list(counting)) in {1, 2}  # the folder and what is in it, less what was counted before


OUTSIDE = {
    "another process's limits": "import resource; resource.prlimit({victim}, resource.RLIMIT_CPU, (1, 1))",
    "another process's priority": "import os; os.setpriority(os.PRIO_PROCESS, {victim}, 19)",
    "another process's processors": "import os; os.sched_setaffinity({victim}, {0})",
    "another process's signals": "import os; os.kill({victim}, 10)",
    "what happens in a folder": "import ctypes\n    if ctypes.CDLL(None).inotify_init1(0) < 0: raise OSError",
    "any socket": "import socket; socket.socket(socket.AF_UNIX)",
}


@needs_landlock
@pytest.mark.parametrize("what", OUTSIDE)
def test_what_no_namespace_hides_the_filter_refuses(what, under_landlock, public_copy, carried_out):
    attack = Attack(f"try:\n    {OUTSIDE[what]}\n    print('BREACH')\nexcept OSError as why: print(why)")
    result, *_ = carried_out(attack, under_landlock)
    assert result.status is Status.OK and "BREACH" not in result.stdout, result
    # Outside, the user may do it.
    user = [] if under_landlock.user == os.geteuid() else as_nobody()
    with subprocess.Popen([*user, "sleep", "20"]) as victim:
        assert not refused_outside(filled(attack.code, {"victim": victim.pid}), under_landlock)
        victim.kill()


def test_the_rules_are_the_bytes_the_kernel_reads(tmp_path):
    everything, network, scopes = struct.unpack("=QQQ", landlock_launcher.ruleset_attributes())
    assert (everything, network, scopes) == (0xFFFF, 0b11, 0b11)
    (tmp_path / "box").mkdir()
    places = ["/usr", "/etc/hostname", "/no"]
    rules = dict(landlock_launcher.rules(str(tmp_path / "box"), str(tmp_path / "tmp"), places))
    assert rules["/usr"] == 0b1101  # execute, read files, read folders
    assert rules["/dev/null"] == 0b110
    assert rules[str(tmp_path / "box")] & 0b1000_0100_0000 == 0  # no device is ever made
    assert "/no" not in rules and str(tmp_path / "tmp") not in rules
    assert not rules.get("/etc/hostname", 0) & 0b1010


def test_a_kernel_without_landlock_is_told_what_is_needed(monkeypatch):
    monkeypatch.setattr(landlock, "version", lambda: 0)
    assert "Linux 6.12" in landlock.missing() and "has none" in landlock.missing()


def test_a_process_that_ends_while_it_is_looked_at_is_no_fault_of_the_sandbox(monkeypatch):
    class Ending:
        def stat(self):
            raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(landlock, "tree", lambda root: [root, root + 1])
    monkeypatch.setattr(landlock, "_listed", lambda folder: [Ending()] if folder.name == "fd" else [folder / "1"])
    assert list(landlock._opened(1)) == []
