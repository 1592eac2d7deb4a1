"""How the demo model changes one of its programs: for a wish of one of the ten categories, or to break it on demand."""

import re
from dataclasses import dataclass

from llm.demo_bank import CATEGORIES
from llm.demo_programs import Program

FAULTS = ("Syntax Error", "Logical Error", "Type Error", "Name Error", "Timeout Error")

BLANK = "\n\n\n"  # two blank lines stand before the printing lines, and nowhere within them


@dataclass(frozen=True)
class Edit:
    """Lines to put at the top, above the function, at its head, and after the end; `said` is told to the user."""

    said: str
    top: str = ""
    above: str = ""
    docstring: str = ""
    head: str = ""
    end: str = ""

    def mark(self) -> str:
        """The part by which a program shows that it has this edit."""
        return self.docstring or self.head or self.above or self.end


EDITS = {
    "Syntax and Formatting": Edit(
        "the results now end with a ruled line and a summary, so that they are easier to take in",
        end='print("-" * 40)\nprint(f"{len(REQUEST)} characters, {len(REQUEST.split())} words")',
    ),
    "Efficiency": Edit(
        "the function now remembers its results, so asking again for the same text costs nothing",
        top="from functools import lru_cache",
        above="@lru_cache(maxsize=256)",
    ),
    "Functionality Enhancements": Edit(
        "the program now also shows the result for two further texts",
        end='for other in ("one two two", "Another, shorter request."):\n    print(other, "=>", {name}(other))',
    ),
    "Code Clarity and Documentation": Edit(
        "the function now has a docstring that says what goes in and what comes out",
        docstring='    """Return what this program shows about a text; for {argument!r} that is {result}."""',
    ),
    "Bug Identification": Edit(
        "a text without words is now answered with None before anything else happens",
        head="    if not text.strip():\n        return None",
        end='print("For blanks alone:", {name}("   "))',
    ),
    "Security Improvements": Edit(
        "a text of unreasonable length is now refused before any work is done",
        head='    if len(text) > 10_000:\n        raise ValueError("the text is longer than 10,000 characters")',
        end='try:\n    {name}("x" * 10_001)\nexcept ValueError as error:\n    print("Refused:", error)',
    ),
    "Compatibility and Testing": Edit(
        "the program now checks itself against a known result and says that it passed",
        end='assert {name}({argument!r}) == {result}\nprint("Self-check passed.")',
    ),
    "Resource Optimization": Edit(
        "the function now reads no more than the first 2,000 characters, so its memory is bounded",
        head="    text = text[:2_000]",
        end='print("Characters read:", min(len(REQUEST), 2_000))',
    ),
    "Scalability": Edit(
        "a second function now takes any number of texts, one at a time",
        end="def each_of(texts):\n    for one in texts:\n        yield {name}(one)\n\n"
        "for number, result in enumerate(each_of([REQUEST, REQUEST.upper()]), 1):\n    print(number, result)",
    ),
    "Adherence to Best Practices": Edit(
        "the function now says which type it wants, and refuses any other with a clear message",
        head='    if not isinstance(text, str):\n        raise TypeError(f"text is {type(text).__name__}, not str")',
        end='try:\n    {name}(42)\nexcept TypeError as error:\n    print("Refused:", error)',
    ),
}


def edited(code: str, program: Program, category: str) -> tuple[str, str]:
    """The code changed for a category, or for the next one not yet done, and what was changed."""
    start = CATEGORIES.index(category)
    for name in CATEGORIES[start:] + CATEGORIES[:start]:
        if _filled(EDITS[name].mark(), program) not in code:
            return _insert(code, program, EDITS[name]), EDITS[name].said
    return f'{code.rstrip()}\nprint("Done.")\n', "a last line now says that the program has come to its end"


def broken(code: str, program: Program, fault: str) -> str:
    """The code with one of the five faults of the code-correction method."""
    call = f"{program.name}(REQUEST"
    before, _, prints = code.rpartition(BLANK)
    match fault:
        case "Syntax Error":
            return code.replace(f"def {program.name}(text):", f"def {program.name}(text)", 1)
        case "Type Error":
            prints = prints.replace(call, f"{program.name}(REQUEST + 1", 1)
        case "Name Error":
            prints = prints.replace(call, f"{program.name}(REQUSET", 1)
        case "Timeout Error":
            prints = f"unread = REQUEST\nwhile unread:\n    unread = unread[1:] or REQUEST\n{prints}"
        case _:
            prints = prints.replace(call, f"{call}[1 : len(REQUEST) // 2]", 1)
    return before + BLANK + prints


def _filled(lines: str, program: Program) -> str:
    argument, result = program.example
    return lines.replace("{name}", program.name).replace("{argument!r}", repr(argument)).replace("{result}", result)


def _insert(code: str, program: Program, edit: Edit) -> str:
    opening = re.compile(rf'^(def {program.name}\(text.*\n(?:    """.*\n)?)', re.MULTILINE)
    inside = edit.docstring or edit.head
    if inside:
        code = opening.sub(lambda match: f"{match[1]}{_filled(inside, program)}\n", code, count=1)
    if edit.above:
        code = opening.sub(lambda match: f"{edit.above}\n{match[1]}", code, count=1)
    if edit.top:
        code = f"{edit.top}\n{'' if code.startswith(('import', 'from')) else chr(10)}{code}"
    return f"{code.rstrip()}\n{_filled(edit.end, program)}".rstrip() + "\n"
