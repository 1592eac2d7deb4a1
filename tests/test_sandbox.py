"""What a caller of the sandbox gets back, for programs that mean no harm."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox import BadJob, Limits, Status, languages, run, runtime

pytestmark = pytest.mark.needs("bubblewrap")
ROOT = Path(__file__).resolve().parent.parent


def test_a_program_that_ends_well_gives_its_output():
    result = run("print('hello'); import sys; print('aside', file=sys.stderr)")
    assert (result.status, result.stdout, result.stderr) == (Status.OK, "hello\n", "aside\n")
    assert (result.exit_code, result.signal, result.phase, result.truncated) == (0, None, "run", False)
    assert (result.stdout_bytes, result.stderr_bytes) == (6, 6)
    assert result.backend == "bubblewrap"
    assert result.runtime == runtime("python") == f"python {languages()['python']}"


def test_a_traceback_names_the_file_and_the_line():
    result = run("x = 1\n\nprint(x / 0)\n")
    assert result.status is Status.ERROR
    assert 'File "/box/main.py", line 3, in <module>' in result.stderr
    assert result.stderr.endswith("ZeroDivisionError: division by zero\n")


@pytest.mark.parametrize(("code", "exit_code"), [("3", 3), ("300", 44), ("'a message'", 1), ("128", 128), ("255", 255)])
def test_an_exit_code_is_an_error_with_that_code(code, exit_code):
    result = run(f"import sys; sys.exit({code})")
    assert (result.status, result.exit_code, result.signal) == (Status.ERROR, exit_code, None)


@pytest.mark.parametrize("number", [6, 9, 11])
def test_a_signal_is_reported_as_one(number):
    result = run(f"import os; os.kill(os.getpid(), {number})")
    assert (result.status, result.exit_code, result.signal) == (Status.SIGNAL, None, number)


def test_a_c_stack_overflow_is_a_signal_and_deep_recursion_an_error():
    deep = "import sys, threading\nsys.setrecursionlimit(10**9)\ndef f(): return f()\n"
    overflow = run(deep + "import re\nclass A:\n    def __repr__(self): return repr(self)\nrepr(A())")
    assert (overflow.status, overflow.signal) == (Status.SIGNAL, 11)
    recursion = run("def f(): return f()\nf()")
    assert (recursion.status, recursion.exit_code) == (Status.ERROR, 1)
    assert "RecursionError: maximum recursion depth exceeded" in recursion.stderr


def test_a_program_without_end_is_stopped_at_the_wall_time():
    result = run("print('begun', flush=True)\nwhile True: pass", limits=Limits(wall_s=0.5))
    assert (result.status, result.stdout, result.exit_code) == (Status.TIMEOUT, "begun\n", None)
    assert 0.5 <= result.wall_s < 1.5
    assert result.cpu_s > 0


def test_the_cpu_limit_is_a_timeout_too():
    result = run("while True: pass", limits=Limits(wall_s=20, cpu_s=1))
    assert result.status is Status.TIMEOUT
    assert result.wall_s < 15


def test_standard_input_is_empty_unless_given():
    assert "EOFError" in run("input()").stderr
    assert run("print(input()); print(input())", stdin="größer\nzwei".encode()).stdout == "größer\nzwei\n"


def test_a_large_input_may_stay_unread():
    assert run("print('did not look')", stdin=b"x" * 5_000_000).stdout == "did not look\n"
    assert run("import sys; print(len(sys.stdin.read()))", stdin=b"x" * 5_000_000).stdout == "5000000\n"


def test_files_lie_beside_the_program():
    code = "print(open('data/a.txt').read(), open('/box/b.bin', 'rb').read())"
    assert run(code, files=[("data/a.txt", b"A"), ("b.bin", b"\x00\xff")]).stdout == "A b'\\x00\\xff'\n"


@pytest.mark.parametrize("name", ["/etc/passwd", "../x", "a/../../x", "", ".", "a//b", "main.py", "main.py/x", "a\0b"])
def test_a_file_name_that_leads_elsewhere_is_refused_before_anything_runs(name):
    with pytest.raises(BadJob, match="file name"):
        run("print(1)", files=[(name, b"")])


def test_two_files_of_one_name_are_refused():
    with pytest.raises(BadJob, match="taken"):
        run("print(1)", files=[("a", b"1"), ("a", b"2")])


def test_long_output_keeps_its_head_and_its_tail():
    result = run("print('first'); print('x' * 1_000_000); print('last')")
    assert result.status is Status.OK
    assert result.truncated
    assert result.stdout_bytes == 1_000_012
    assert result.stdout.startswith("first\nxxx")
    assert result.stdout.endswith("xxx\nlast\n")
    assert f"...({1_000_012 - 65_536} bytes left out)..." in result.stdout


def test_long_errors_are_cut_as_well_and_counted():
    result = run("import sys; print('x' * 100_000, file=sys.stderr)")
    assert (result.truncated, result.stdout_bytes, result.stderr_bytes) == (True, 0, 100_001)


@pytest.mark.parametrize("stream", [1, 2])
def test_a_flood_is_stopped(stream):
    result = run(f"import os\nwhile True: os.write({stream}, b'x' * 65536)")
    assert result.status is Status.OUTPUT_LIMIT
    assert len(result.stdout + result.stderr) < 70_000


def test_output_that_is_no_text_becomes_text():
    result = run(r"import sys; sys.stdout.buffer.write(b'a\xff\x00\xc3\xa9\xed\xa0\x80')")
    assert result.stdout.startswith("a\N{REPLACEMENT CHARACTER}é")
    assert "\0" not in result.stdout
    result.stdout.encode()


def test_code_that_is_no_text_reaches_the_interpreter_which_says_so():
    assert "Non-UTF-8 code" in run("print('\ud800')").stderr
    assert run("print(1)\n\0").status in {Status.OK, Status.ERROR}


def test_code_of_more_than_a_megabyte_runs():
    assert run("# " + "x" * 2_000_000 + "\nprint('end')").stdout == "end\n"


def test_the_streams_can_be_opened_by_their_names():
    result = run("print(1, file=open('/dev/stdout', 'w')); print(2, file=open('/dev/stderr', 'w'))")
    assert (result.stdout, result.stderr) == ("1\n", "2\n")
    assert run("print(open('/dev/stdin').read())", stdin=b"in").stdout == "in\n"


def test_memory_that_is_refused_is_out_of_memory():
    result = run("x = bytearray(2**30)")
    assert (result.status, result.exit_code) == (Status.OUT_OF_MEMORY, 1)
    assert "MemoryError" in result.stderr


def test_use_of_time_and_memory_is_measured():
    result = run("import time\nx = b'1' * 100_000_000\nwhile time.process_time() < 0.4: pass")
    assert 90_000_000 < result.peak_rss_bytes < 200_000_000
    assert 0.2 < result.cpu_s < 1


def test_the_peak_is_kept_of_memory_that_is_given_back():
    result = run("import time\nx = b'1' * 100_000_000\ntime.sleep(0.3)\ndel x\ntime.sleep(0.3)")
    assert 90_000_000 < result.peak_rss_bytes < 200_000_000


def test_a_language_that_is_not_here_is_not_run():
    result = run("x", "cobol")
    assert (result.status, result.stderr) == (Status.SANDBOX_ERROR, "not run: no cobol here")


def test_a_disabled_sandbox_runs_nothing(monkeypatch):
    monkeypatch.setenv("SANDBOX", "disabled")
    result = run("print(1)")
    assert (result.status, result.stdout, result.backend) == (Status.SANDBOX_ERROR, "", "")
    assert "SANDBOX=disabled" in result.stderr


def test_a_limit_of_nothing_is_refused():
    with pytest.raises(ValueError, match="limit memory_mb must be above 0, not 0"):
        Limits(memory_mb=0)


def test_a_forked_worker_runs_code_after_its_parent_did():
    code = (
        "import os, sandbox\n"
        "assert sandbox.run('print(1)').stdout == '1\\n'\n"
        "child = os.fork()\n"
        "if child == 0:\n"
        "    os._exit(0 if sandbox.run('print(2)').stdout == '2\\n' else 1)\n"
        "raise SystemExit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0


def test_a_worker_with_many_open_files_can_run_code():
    pipes = [os.pipe() for _ in range(200)]
    try:
        assert run("print(1)").stdout == "1\n"
    finally:
        for descriptor in (end for pipe in pipes for end in pipe):
            os.close(descriptor)


def test_nothing_is_left_open():
    run("print(1)")
    before = set(Path("/proc/self/fd").iterdir())
    run("print(1)")
    run("while True: pass", limits=Limits(wall_s=0.1))
    assert set(Path("/proc/self/fd").iterdir()) == before
