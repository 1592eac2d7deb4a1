"""How programs end that break no wall, so none can be taken away: for root, an ordinary user and the runner."""
# ruff: noqa: F811 - pytest finds imported fixtures by the names of arguments

import pytest

from sandbox import Status
from tests.sandbox_attack import any_worker, attack, public_copy  # noqa: F401

pytestmark = pytest.mark.needs("bubblewrap")
C_OVERFLOW = """
import sys
sys.setrecursionlimit(10**9)
class A:
    def __repr__(self): return repr(self)
repr(A())
"""
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


def test_a_large_input_may_stay_unread_or_be_read(attack):
    assert attack("print('did not look')", stdin="x" * 3_000_000).stdout == "did not look\n"
    assert attack("import sys; print(len(sys.stdin.read()))", stdin="x" * 3_000_000).stdout == "3000000\n"


def test_a_nul_in_the_code_is_the_interpreters_to_judge(attack):
    result = attack("print(1)\n\0")
    assert result.status in {Status.OK, Status.ERROR}  # as its version takes it
    assert "\0" not in result.stdout + result.stderr
