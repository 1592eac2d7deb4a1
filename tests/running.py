"""Run a management command as a person would: exit code, the JSON object of the last line, and what it said."""

import io
import json
from dataclasses import dataclass

from django.core.management import CommandError, call_command


@dataclass
class Ran:
    exit_code: int
    result: dict
    said: str


def run_command(name, *arguments):
    """Call it with --json; the exit code is 0, that of an Outcome, or that of a CommandError."""
    out, err = io.StringIO(), io.StringIO()
    exit_code = 0
    try:
        call_command(name, *map(str, arguments), "--json", stdout=out, stderr=err)
    except SystemExit as end:
        exit_code = end.code
    except CommandError as error:
        exit_code = error.returncode
        err.write(str(error))
    lines = out.getvalue().strip().split("\n")
    result = json.loads(lines[-1]) if lines[-1].startswith("{") else {}
    return Ran(exit_code, result, "\n".join([*lines[:-1], err.getvalue()]))
