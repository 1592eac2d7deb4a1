"""How an execution turn reads (the paper's wording). A pure function of what the program did, so that a rerun shows."""

import re
from typing import Protocol

HEADING = "Execution result: "
LIMIT = 1000
# Of an output over the limit, this much of its beginning and as much of its end is shown.
SHOWN = LIMIT // 5
TRUNCATED = "...(truncated due to length)..."
NO_OUTPUT = "The code ran without any output. Please add a test call that prints what it does."
WAITS_FOR_INPUT = "The code was not run, because it calls input(). Please assign the value in the code directly."
STOPPED = {
    "timeout": "The code timed out: it did not finish within the time limit and was stopped.",
    "out_of_memory": "The code needed more memory than it may use and was stopped.",
    "output_limit": "The code printed more than it may and was stopped.",
    "signal": "The code crashed: a signal ended it.",
}
# Control sequences (colours, cursor), operating system commands (titles, links), single-letter escapes.
ANSI = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\-_]|\x1b")


class Ran(Protocol):
    """What is read of a run: runs.kinds.Executed, runs.models.Execution and a fresh result of the sandbox fit."""

    @property
    def status(self) -> str: ...
    @property
    def stdout(self) -> str: ...
    @property
    def stderr(self) -> str: ...
    @property
    def exit_code(self) -> int | None: ...


def execution_turn(ran: Ran) -> str:
    """The user's turn that reports a run."""
    return f"{HEADING}\n{_report(ran)}"


def input_turn() -> str:
    """The user's turn in place of a run that would wait for someone to type."""
    return f"{HEADING}\n{WAITS_FOR_INPUT}"


def shortened(output: str) -> str:
    """The output, or its first and last fifth of the limit."""
    if len(output) <= LIMIT:
        return output
    return f"{output[:SHOWN]}\n{TRUNCATED}\n{output[-SHOWN:]}"


def _report(ran: Ran) -> str:
    output = _output(ran)
    if stopped := STOPPED.get(str(ran.status)):
        return _beginning(output) + stopped
    if str(ran.status) == "ok":
        return shortened(output) or NO_OUTPUT
    if ran.stderr.strip():
        return shortened(output)
    # Nothing on standard error says that it failed.
    failure = f"The code ended with exit code {ran.exit_code}."
    return f"{shortened(output)}\n{failure}" if output else failure


def _output(ran: Ran) -> str:
    """Standard output, then standard error, without colours."""
    streams = (ANSI.sub("", stream).strip("\r\n") for stream in (ran.stdout, ran.stderr))
    return "\n".join(stream for stream in streams if stream.strip())


def _beginning(output: str) -> str:
    """Of a program that was stopped only the beginning is shown: how far it came is chance."""
    if len(output) > SHOWN:
        return f"{output[:SHOWN]}\n{TRUNCATED}\n"
    return f"{output}\n" if output else ""
