"""Small programs about the words of a request: what the demo model answers when its bank has no solution.

Each holds REQUEST, one function `name(text)`, and ends in lines that print; a tenth of the drafts carry a real fault.
"""

import ast
import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

PROGRAMS_FILE = Path(__file__).parent / "demo_programs.toml"
REQUEST_LENGTH = 160


@dataclass(frozen=True)
class Program:
    """One small program. `right` in its code, put as `wrong`, makes it fail whatever the request."""

    name: str
    does: str
    body: str
    prints: str
    right: str
    wrong: str
    example: Sequence[str]  # an argument and its result, for the answer to a wish for tests
    imports: str = ""

    def code(self, request: str) -> str:
        """The program as it should be, about a request."""
        imports = f"{self.imports}\n\n" if self.imports else ""
        shown = " ".join(request.split())[:REQUEST_LENGTH].strip() or "an empty request"
        return f"{imports}REQUEST = {shown!r}\n\n\ndef {self.name}(text):\n{self.body}\n\n\n{self.prints}\n"

    def faulty_code(self, request: str) -> str:
        """The program with its fault; the request itself is never touched."""
        parts = {part: getattr(self, part).replace(self.right, self.wrong) for part in ("imports", "body", "prints")}
        return replace(self, **parts).code(request)


def program_in(code: str) -> tuple[Program, str] | None:
    """Which program a code is, however edited, and its request; None when it is none of ours."""
    named = re.search(r"^def (\w+)\(text", code, re.MULTILINE)
    literal = re.search(r"^REQUEST = (.+)$", code, re.MULTILINE)
    program = next((program for program in PROGRAMS if named and program.name == named[1]), None)
    if program is None or literal is None:
        return None
    try:
        return program, str(ast.literal_eval(literal[1]))
    except (ValueError, SyntaxError):
        return None


PROGRAMS = tuple(Program(**entry) for entry in tomllib.loads(PROGRAMS_FILE.read_text(encoding="utf-8"))["program"])
