"""Which earlier blocks of an answer its last one belongs to: whose names it uses, or that the answer joins to it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from llm.python_code import Names, names_of

# What a script of each language binds at its top, one name a match.
BINDINGS = {
    "javascript": r"^(?:export\s+)?(?:async\s+)?(?:function\*?|class|const|let|var)\s+([A-Za-z_$][\w$]*)",
    "ruby": r"^(?:def|class|module)\s+(\w+)",
    "lua": r"^(?:local\s+)?(?:function\s+)?([A-Za-z_]\w*)\s*[(=]",
    "perl": r"^(?:sub\s+|(?:my|our)\s+[$@%])(\w+)",
    "php": r"^(?:function|class)\s+(\w+)",
    "bash": r"^(?:function\s+)?(\w+)\s*\(\)",
    "sql": r"\bcreate\s+(?:temp(?:orary)?\s+)?(?:table|view)\s+(?:if\s+not\s+exists\s+)?[`\"\[]?(\w+)",
}
WORD = re.compile(r"[A-Za-z_$][\w$]*")
# In what stands right before a block: where the block goes, or what it works together with.
JOINS = re.compile(
    r"\b(?:same|previous|above) (?:file|script|program|module)\b"
    r"|\b(?:add|append|put|place|paste|insert)\b[^\n]{0,60}\b(?:below|after|under|at the end|to the end|beneath)\b"
    r"|\bcontinu(?:e|ing|es)\b[^\n]{0,40}\b(?:file|script|program|code|above)\b"
    r"|\b(?:together|along) with the (?:code|class|function|snippet|block|script)s? (?:above|before)\b",
    re.IGNORECASE,
)
PARTS = re.compile(r"\b(?:instead|replac\w+|alternativ\w+|separate|another|different|other|not)\b", re.IGNORECASE)
PHP_TAG = re.compile(r"\A\s*<\?php\b")


@dataclass(frozen=True, slots=True)
class Placed:
    """One block and the line of prose right before it."""

    language: str
    code: str
    before: str


def whole_program(blocks: Sequence[Placed]) -> str:
    """The last block's code, after that of the earlier blocks in its language that it belongs to."""
    last = blocks[-1]
    chosen, names, joined = [last], _names(last), _says_so(last)
    for block in reversed([block for block in blocks[:-1] if block.language == last.language]):
        given = _names(block)
        if joined or _gives(given, names, last.language):
            chosen.append(block)
            names = Names(names.bound | given.bound, (names.needed - given.bound) | given.needed)
            joined = _says_so(block)
    return last.code if len(chosen) == 1 else _connected(chosen[::-1])


def _says_so(block: Placed) -> bool:
    return bool(JOINS.search(block.before)) and not PARTS.search(block.before)


def _names(block: Placed) -> Names:
    if block.language == "python":
        return names_of(block.code) or Names()
    if block.language not in BINDINGS:
        return Names()
    bound = {*re.findall(BINDINGS[block.language], block.code, re.MULTILINE | re.IGNORECASE)}
    return Names(bound, {*WORD.findall(block.code)} - bound)


def _gives(given: Names, names: Names, language: str) -> bool:
    """Whether an earlier block binds what is needed; JavaScript refuses a program that binds a name twice."""
    if language == "javascript" and given.bound & names.bound:
        return False
    return bool(given.bound & names.needed)


def _connected(blocks: Sequence[Placed]) -> str:
    codes = [block.code for block in blocks]
    if blocks[0].language == "php" and "?>" not in codes[0]:
        codes[1:] = [PHP_TAG.sub("", code) for code in codes[1:]]
    return "\n".join(code if code.endswith("\n") else f"{code}\n" for code in codes)
