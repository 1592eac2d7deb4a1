"""What in a program can make its output differ from run to run: recognised in the syntax tree or by a word."""

import ast
import re
from collections.abc import Iterator
from enum import StrEnum


class Nature(StrEnum):
    """A way in which output changes by nature, as it is told to people."""

    ADDRESS = "memory address"
    TIME = "date or time"
    DURATION = "duration"
    SET_ORDER = "order of a set"
    MAP_ORDER = "order of a map"
    THREAD_ORDER = "order of threads"
    HASH = "hash value"
    RANDOM = "random draw"
    PROCESS = "process id"
    TEMPORARY = "temporary path"
    REACH = "how far it came before it was stopped"


CLOCK = {
    "time", "time_ns", "ctime", "localtime", "gmtime", "strftime", "asctime", "now", "utcnow", "today", "basicConfig",
}  # fmt: skip
TIMERS = {
    "perf_counter", "perf_counter_ns", "monotonic", "monotonic_ns", "process_time", "process_time_ns", "thread_time",
    "timeit", "repeat", "Timer", "import unittest", "import pytest", "import cProfile",
}  # fmt: skip
THREADS = {
    "Thread",
    "ThreadPoolExecutor",
    "ProcessPoolExecutor",
    "Process",
    "Pool",
    "ThreadPool",
    "gather",
    "to_thread",
}
# Python: the last name of what is called, what is imported, and "{set}" for a set written with braces.
IN_PYTHON = {
    Nature.TIME: CLOCK,
    Nature.DURATION: CLOCK | TIMERS,
    Nature.SET_ORDER: {"set", "frozenset", "{set}"},
    Nature.THREAD_ORDER: THREADS,
    Nature.HASH: {"hash", "__hash__"},
    Nature.ADDRESS: {"id"},
    Nature.RANDOM: {"import random", "import secrets", "import uuid", "urandom", "default_rng", "rand", "randn"},
    Nature.PROCESS: {"getpid", "getppid", "get_ident", "get_native_id", "current_process"},
    Nature.TEMPORARY: {"import tempfile"},
}
# Every other language: a word of its code.
ELSEWHERE = {
    Nature.TIME: r"\bDate\b|\bdate\b|\b(?:micro)?time\s*\(|\$EPOCH|localtime|gmtime|gettimeofday|system_clock"
    r"|currentTimeMillis|Local(?:Date|Time)|Instant\.now|ZonedDateTime|time\.Now|SystemTime|Time\.now|DateTime"
    r"|os\.(?:time|date)|current_(?:time|date)|'now'|\btime\b",
    Nature.DURATION: r"performance\.now|console\.time|process\.hrtime|\bclock\s*\(|steady_clock|high_resolution_clock"
    r"|currentTimeMillis|nanoTime|time\.(?:Now|Since)|Instant::now|Process\.clock|Benchmark|hrtime|microtime"
    r"|os\.clock|\bSECONDS\b|^\s*time\b",
    Nature.MAP_ORDER: r"\bmap\[|HashMap|HashSet|\bkeys\b|\bvalues\b|\beach\b|\bpairs\s*\(|unordered_",
    Nature.THREAD_ORDER: r"\bgo\s+\w|thread::spawn|\bThread\b|Executor|parallel|CompletableFuture|std::(?:thread|async)"
    r"|pthread_create|\bWorker\b|&\s*$",
    Nature.HASH: r"\bhash(?:Code)?\b",
    Nature.RANDOM: r"[Rr]and|shuffle|\bsample\b|mt_rand|\buuid\b|UUID|uniqid",
    Nature.PROCESS: r"\$\$|\bgetpid\b|process\.pid|Process\.pid|os\.Getpid|ProcessHandle|process::id|\bgetmypid\b",
    Nature.TEMPORARY: r"mktemp|mkdtemp|tmpfile|tmpnam|tempnam|Tempfile|[tT]emp(?:File|Dir)|MkdirTemp|CreateTemp",
}


def natures_of(code: str, language: str) -> set[Nature]:
    """The ways in which the output of this program may change by nature."""
    if language != "python":
        return {nature for nature, words in ELSEWHERE.items() if re.search(words, code, re.MULTILINE)}
    used = set(_used(code))
    return {nature for nature, names in IN_PYTHON.items() if names & used}


def _used(code: str) -> Iterator[str]:
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return
    for node in nodes:
        if isinstance(node, ast.Call):
            yield _last_name(node.func)
        elif isinstance(node, ast.Set | ast.SetComp):
            yield "{set}"
        elif isinstance(node, ast.Import):
            yield from (f"import {alias.name.partition('.')[0]}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield f"import {(node.module or '').partition('.')[0]}"


def _last_name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""
