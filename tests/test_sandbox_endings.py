"""How programs end that break no wall, so none can be taken away: for root, an ordinary user and the runner."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import re

import pytest

from sandbox import Limits, Status, runtime
from tests.sandbox_attack import any_worker, attack, public_copy  # noqa: F401

pytestmark = pytest.mark.needs("bubblewrap")
C_OVERFLOW = """
import sys
sys.setrecursionlimit(10**9)
class A:
    def __repr__(self): return repr(self)
repr(A())
"""
HELD = """
import os
held = []
for number in range(256):
    try: os.fstat(number); held.append(number)
    except OSError: pass
print(held)
"""
HELD_COMPILED = """
#include <cstdio>
#include <fcntl.h>
int main() { for (int n = 0; n < 256; n++) if (fcntl(n, F_GETFD) != -1) std::printf("%d ", n); }
"""
LIMITS = "print(open('/proc/self/limits').read())"
DEFAULTS = {
    "cpu time": ["10", "11"],
    "processes": ["64", "64"],
    "file size": [str(16 * 2**20)] * 2,
    "open files": ["256", "256"],
    "core file size": ["1", "1"],
    "address space": [str(512 * 2**20)] * 2,
}
# Name: (code, status, exit code, signal, what standard output is, what standard error has).
ENDINGS = {
    "no input": ("input()", Status.ERROR, 1, None, "", "EOFError"),
    "bytes that are no text": (
        r"import os; os.write(1, b'a\xff\x00b')",
        Status.OK,
        0,
        None,
        "a\N{REPLACEMENT CHARACTER}b",
        "",
    ),
    "a lone surrogate in the code": ("print('\ud800')", Status.ERROR, 1, None, "", "Non-UTF-8 code"),
    "more than a megabyte of code": ("#" + "x" * 1_500_000 + "\nprint('end')", Status.OK, 0, None, "end\n", ""),
    "exit 3": ("raise SystemExit(3)", Status.ERROR, 3, None, "", ""),
    "exit 300": ("raise SystemExit(300)", Status.ERROR, 44, None, "", ""),
    "exit with a message": ("raise SystemExit('msg')", Status.ERROR, 1, None, "", "msg\n"),
    "SEGV": ("import os; os.kill(os.getpid(), 11)", Status.SIGNAL, None, 11, "", ""),
    "ABRT": ("import os; os.abort()", Status.SIGNAL, None, 6, "", ""),
    "KILL": ("import os; os.kill(os.getpid(), 9)", Status.SIGNAL, None, 9, "", ""),
    "recursion": ("def f(): return f()\nf()", Status.ERROR, 1, None, "", "RecursionError"),
    "an overflow of the C stack": (C_OVERFLOW, Status.SIGNAL, None, 11, "", ""),
}


@pytest.mark.parametrize("name", ENDINGS)
def test_a_program_ends_as_it_should(name, attack):
    code, status, exit_code, signal, stdout, said = ENDINGS[name]
    result = attack(code)
    assert (result.status, result.exit_code, result.signal, result.stdout) == (status, exit_code, signal, stdout), (
        result
    )
    assert said in result.stderr


def test_a_program_holds_its_three_streams_and_nothing_else(attack):
    """Neither the pipes on which the launcher reports, nor the filter, nor a file of the host."""
    assert attack(HELD).stdout == "[0, 1, 2]\n"


@pytest.mark.skipif(not runtime("cpp"), reason="no cpp here")
def test_a_compiled_program_and_its_compiler_hold_no_more(attack):
    result = attack(HELD_COMPILED, "cpp")
    assert (result.status, result.stdout) == (Status.OK, "0 1 2 "), result


def test_a_program_finds_the_surroundings_that_are_made_for_it_and_none_of_the_hosts(attack):
    assert attack("echo $UID $(id -g) $HOSTNAME $PWD", "bash").stdout == "1000 1000 sandbox /box\n"
    found = dict(line.split("=", 1) for line in attack("env", "bash").stdout.splitlines())
    of_the_shell = {"PWD", "OLDPWD", "SHLVL", "_"}
    assert {name: value for name, value in found.items() if name not in of_the_shell} == {
        "PATH": "/usr/bin:/bin:/usr/local/bin",
        "HOME": "/box",
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OMP_NUM_THREADS": "1",
    }


def test_the_limits_of_a_caller_who_names_none_are_those_of_the_documentation(attack):
    soft_and_hard = dict(re.findall(r"^Max (.+?)  +(\S+ +\S+)", attack(LIMITS).stdout, re.MULTILINE))
    assert {name: soft_and_hard[name].split() for name in DEFAULTS} == DEFAULTS
    assert Limits() == Limits(10.0, 20.0, 10, 512, 1.2, 64, 16, 64, 20_000, 256, 65_536, 8_388_608)


def test_a_large_input_may_stay_unread_or_be_read(attack):
    assert attack("print('did not look')", stdin="x" * 3_000_000).stdout == "did not look\n"
    assert attack("import sys; print(len(sys.stdin.read()))", stdin="x" * 3_000_000).stdout == "3000000\n"


def test_a_nul_in_the_code_is_the_interpreters_to_judge(attack):
    result = attack("print(1)\n\0")
    assert result.status in {Status.OK, Status.ERROR}  # as its version takes it
    assert "\0" not in result.stdout + result.stderr
