"""The runner under the profile of its container: it runs every language there, and the kernel is otherwise shut."""

import json
import os
import platform
import subprocess

import pytest

import sandbox
from sandbox import Status
from sandbox.seccomp import refused_numbers
from tests import confined
from tests.runners import ROOT, RunnerProcess

pytestmark = [pytest.mark.needs("bubblewrap"), pytest.mark.xdist_group("the container")]
PROFILE = json.loads((ROOT / "deploy/seccomp-runner.json").read_text())
LISTED = {name for rule in PROFILE["syscalls"] for name in rule["names"]}
# What the sandbox's own filter refuses to programs, and bubblewrap or the watchdog needs.
FOR_THE_WALLS = {"mount", "umount2", "pivot_root", "unshare", "sethostname", "memfd_create", "personality", "kcmp"}

PROGRAMS = {
    "python": "import subprocess, threading; threading.Thread(target=print).start(); subprocess.run(['echo', '42'])",
    "javascript": "console.log(require('child_process').execSync('echo 42').toString())",
    "bash": "mkfifo p; (echo 42 > p) & cat p; wait",
    "c": '#include <stdio.h>\nint main() { puts("42"); }',
    "cpp": "#include <iostream>\n#include <thread>\nint main() { std::thread t([] { std::cout << 42; }); t.join(); }",
    "java": "public class Main { public static void main(String[] a) { System.out.println(42); } }",
    "go": 'package main\nimport "fmt"\nfunc main() { fmt.Println(42) }',
    "rust": 'fn main() { std::thread::spawn(|| println!("42")).join().unwrap(); }',
    "ruby": "Thread.new { puts `echo 42` }.join",
    "php": "<?php echo shell_exec('echo 42');",
    "perl": "print `echo 42`;",
    "lua": "print(42)",
    "sql": "select 42;",
}
# Prints the error number of each call, or what it gave.
CALLS = """
import ctypes, json, sys
library = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    ctypes.set_errno(0)
    given = library.syscall(ctypes.c_long(number), *[ctypes.c_long(one) for one in arguments])
    return ctypes.get_errno() if given < 0 else -1
print(json.dumps([call(*one) for one in json.loads(sys.argv[1])]))
"""
ABSENT = 38
NUMBERS = {
    "x86_64": {"bpf": 321, "perf_event_open": 298, "setns": 308, "open_tree": 428, "io_uring_setup": 425, "mknod": 133}
    | {"keyctl": 250, "ptrace": 101, "chroot": 161, "userfaultfd": 323, "socket": 41, "clone3": 435, "getpid": 39},
    "aarch64": {"bpf": 280, "perf_event_open": 241, "setns": 268, "open_tree": 428, "io_uring_setup": 425}
    | {"keyctl": 219, "ptrace": 117, "chroot": 51, "userfaultfd": 282, "socket": 198, "clone3": 435, "getpid": 172},
}[platform.machine()]
NETLINK, VSOCK, ALGORITHMS = 16, 40, 38


def test_what_is_not_listed_does_not_exist_and_everything_listed_is_only_allowed():
    assert (PROFILE["defaultAction"], PROFILE["defaultErrnoRet"]) == ("SCMP_ACT_ERRNO", ABSENT)
    assert {rule["action"] for rule in PROFILE["syscalls"]} == {"SCMP_ACT_ALLOW"}
    assert [one["architecture"] for one in PROFILE["archMap"]] == ["SCMP_ARCH_X86_64", "SCMP_ARCH_AARCH64"]
    assert not any(one["subArchitectures"] for one in PROFILE["archMap"])
    assert set(PROFILE) == {"defaultAction", "defaultErrnoRet", "archMap", "syscalls"}


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_it_opens_no_more_than_the_sandboxs_own_filter_but_what_the_walls_are_made_of(machine):
    assert FOR_THE_WALLS <= LISTED
    assert LISTED & set(refused_numbers(machine)) <= FOR_THE_WALLS
    assert "clone3" not in LISTED


def test_every_name_is_one_that_libseccomp_knows_or_that_is_newer():
    library = confined.libseccomp()
    if library is None:
        pytest.skip("libseccomp is not installed")
    unknown = {name for name in LISTED if library.seccomp_syscall_resolve_name(name.encode()) == -1}
    assert unknown <= {"fchmodat2", "futex_waitv"}


@pytest.fixture(scope="module")
def image(tmp_path_factory):
    if why := confined.possible():
        (pytest.fail if os.environ.get("REQUIRE_ALL") == "1" else pytest.skip)(why)
    # Others must be able to reach it, which pytest's own folders do not allow.
    folder = confined.image(ROOT)
    yield folder
    confined.remove(folder)


@pytest.fixture(scope="module", params=["open", "masked"])
def runner(image, request):
    """A runner as a container engine starts it, with /proc as the compose file leaves it or as an engine masks it."""
    runner = RunnerProcess("--jobs", "2", command=confined.container(image, masked=request.param == "masked"))
    runner.masked = request.param == "masked"
    yield runner
    assert runner.stop() == 0


@pytest.fixture
def through_runner(runner, monkeypatch):
    for name, value in runner.environ.items():
        monkeypatch.setenv(name, value)
    return runner


def test_the_calls_that_are_not_listed_are_absent_and_the_others_there(image):
    calls = [[NUMBERS[name], 0, 0, 0, 0, 0] for name in NUMBERS if name not in ("socket", "getpid", "mknod")]
    calls += [[NUMBERS["socket"], VSOCK, 1, 0], [NUMBERS["socket"], ALGORITHMS, 5, 0]]
    if "mknod" in NUMBERS:
        calls += [[NUMBERS["mknod"], 0, 0o020600, 0]]
    there = [[NUMBERS["getpid"]], [NUMBERS["socket"], NETLINK, 3, 0]]
    ran = subprocess.run(
        [*confined.container(image), "-c", CALLS, json.dumps(calls + there)], capture_output=True, text=True, check=True
    )
    assert json.loads(ran.stdout) == [ABSENT] * len(calls) + [-1, -1]


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_program_of_every_language_runs_there(through_runner, language):
    if not sandbox.languages().get(language):
        pytest.skip(f"no {language} here")
    result = sandbox.run(PROGRAMS[language], language)
    if through_runner.masked and language in ("java", "rust"):
        assert result.status in (Status.ERROR, Status.COMPILE_ERROR)  # both look for themselves in /proc
    else:
        assert (result.status, result.stdout.strip()) == (Status.OK, "42"), result.stderr


def test_a_program_has_no_powers_there_and_two_filters_over_it_and_the_line_says_where_proc_is_missing(through_runner):
    assert ("without /proc" in sandbox.probe().line) is through_runner.masked
    result = sandbox.run("print(open('/proc/self/status').read())")
    if through_runner.masked:
        assert "No such file or directory: '/proc/self/status'" in result.stderr
        return
    values = dict(line.split(":\t") for line in result.stdout.splitlines() if line)
    assert {int(values[name], 16) for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {0}
    assert (values["NoNewPrivs"], values["Seccomp_filters"]) == ("1", "2")


def test_the_self_test_holds_there(image):
    ran = subprocess.run(
        [*confined.container(image), "-B", "-m", "sandbox", "selftest"], capture_output=True, text=True, check=False
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert ran.stdout.count("held") >= 7
