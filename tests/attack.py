"""What an attack on the sandbox is: a program, how it ends when held, and which wall has to fall for it to succeed.

An attack says BREACH when it got what it wanted. `bounded` is True in the run in which it is meant to succeed: it
then takes little and ends by itself.
"""

import platform
from collections.abc import Callable
from dataclasses import dataclass, field

from sandbox import RunResult, Status
from sandbox.seccomp import refused_numbers

ENDED = frozenset({Status.OK, Status.ERROR})


def says_breach(result: RunResult, left: list[int]) -> bool:
    return "BREACH" in result.stdout


def runs_to_its_end(result: RunResult, left: list[int]) -> bool:
    """For programs that are cut off, and those that cannot say anything any more."""
    return result.status is Status.OK


def leaves_something(result: RunResult, left: list[int]) -> bool:
    return bool(left)


@dataclass(frozen=True)
class Attack:
    """`without`: walls to take away; each of them alone holds it. `raised`: limits that no longer hold it."""

    code: str
    without: tuple[str, ...] = ()
    without_as_root: tuple[str, ...] = ()  # further walls, which only stand where a worker is root
    limits: dict = field(default_factory=dict)
    raised: dict = field(default_factory=dict)
    statuses: frozenset = ENDED
    breach: Callable[[RunResult, list[int]], bool] = says_breach
    # Not every kernel can do it at all, so it is tried outside of any sandbox first.
    of_the_kernel: bool = False
    # Why it succeeds nowhere, or not for an ordinary user, with what the program then says of it.
    cannot: str = ""
    cannot_as_ordinary: str = ""
    said_instead: str = ""

    def walls(self, as_root: bool) -> tuple[str, ...]:
        return self.without + (self.without_as_root if as_root else ())

    def reason(self, as_root: bool) -> str:
        """Why it cannot succeed for this user; empty when it does."""
        return self.cannot or ("" if as_root else self.cannot_as_ordinary)


CALLING = """
import ctypes, errno, os, struct
_libc = ctypes.CDLL(None, use_errno=True)
def call(number, *arguments):
    words = [ctypes.c_long(word) if isinstance(word, int) else word for word in arguments]
    result = _libc.syscall(ctypes.c_long(number), *words)
    if result < 0: raise OSError(ctypes.get_errno(), errno.errorcode[ctypes.get_errno()])
    return result
"""


def calling(name: str, arguments: str, before: str = "") -> str:
    """A program that makes one system call and says BREACH when the kernel does it."""
    number = refused_numbers(platform.machine())[name]
    return f"{CALLING}{before}\ntry: call({number}, {arguments}); print('BREACH')\nexcept OSError as why: print(why)"
