"""Lint for drafts: real signs that a dialogue wants a person's eye. Flags, not gates."""

import ast
import re
from collections.abc import Callable, Iterator

from dialogues.drafts import Draft, Flag
from dialogues.executions import STOPPED
from dialogues.feedback import MOST_SENTENCES, sentences
from dialogues.models import Role, TurnKind
from llm.replies import code_blocks, last_code

LONG_FEEDBACK = 300  # characters
FENCE = re.compile(r"^\s{0,3}(```+|~~~+)", re.MULTILINE)

# What changes from run to run: addresses, sets of strings (their order is drawn anew), the time that tests took.
VARYING_OUTPUT = re.compile(r"\b0x[0-9a-f]{8,}\b|\{'[^':]*'(?:, '[^':]*')+\}|\bRan \d+ tests? in \d")
VARYING_MODULES = {"secrets", "uuid", "platform", "socket", "getpass"}
VARYING_CALLS = {
    "time", "time_ns", "perf_counter", "perf_counter_ns", "monotonic", "process_time", "ctime", "localtime", "now",
    "today", "utcnow", "urandom", "getpid", "timeit",
}  # fmt: skip

CODE_SPAN = re.compile(r"`([^`]+)`")
# In prose: heapq.merge, lru_cache, sorted(key). In backquotes a single name; more than that is an example of theirs.
CODE_WORD = re.compile(r"\b[A-Za-z]\w*(?:\.[A-Za-z]\w*)+|\b[A-Za-z]\w*_\w+|\b[A-Za-z]\w*(?=\()")
SINGLE_NAME = re.compile(r"([A-Za-z][\w.]*)(?:\(\))?")
STATEMENT = re.compile(r"```|^\s*(?:def|class|import|from|return|for|while) .*[:()=]|\w\s+(?:[+*-]?=|==)\s+\w", re.M)
DEFINED = re.compile(r"\b(?:def|class)\s+(\w+)")


def lint(draft: Draft) -> list[str]:
    """The names of all flags the draft deserves, those its method set included, in a fixed order."""
    found = {str(flag) for flag in draft.flags} | {str(flag) for flag, check in CHECKS.items() if check(draft)}
    return [flag for flag in Flag.values if flag in found]


def gives_fix_away(feedback: str, *, code_before: str = "", code_after: str = "") -> bool:
    """Whether feedback holds code, or names a means (not a thing to define) that only the next answer's code uses."""
    spans, prose = CODE_SPAN.findall(feedback), CODE_SPAN.sub("", feedback)
    if any(STATEMENT.search(text) for text in (feedback, *spans)):
        return True
    named = {match[1] for span in spans if (match := SINGLE_NAME.fullmatch(span))} | {*CODE_WORD.findall(prose)}
    asked_for = set(DEFINED.findall(code_after))
    return any(
        name in code_after and name not in code_before and name.partition(".")[0] not in asked_for for name in named
    )


def _last_run_failed(draft: Draft) -> bool:
    return draft.last_run_clean is False


def _open_fence(draft: Draft) -> bool:
    answers = (turn.content for turn in draft.turns if turn.role == Role.ASSISTANT)
    return any(len(FENCE.findall(answer)) % 2 for answer in answers)


def _output_may_vary(draft: Draft) -> bool:
    reports = [turn.content for turn in draft.turns if turn.kind == TurnKind.EXECUTION]
    if any(VARYING_OUTPUT.search(report) or _stopped_midway(report) for report in reports):
        return True
    return any(_draws_on_chance(code) for code, run in _codes(draft) if run is not None)


def _stopped_midway(report: str) -> bool:
    """A program that printed before it was stopped may get further, or less far, the next time."""
    return report.endswith(tuple(STOPPED.values())) and report.count("\n") > 1


def _draws_on_chance(code: str) -> bool:
    try:
        nodes = list(ast.walk(ast.parse(code)))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False
    called = {_name(node.func) for node in nodes if isinstance(node, ast.Call)}
    seeded = {_name(node.func) for node in nodes if isinstance(node, ast.Call) and node.args} & {"seed", "Random"}
    modules = set(_imported(nodes))
    return bool(modules & VARYING_MODULES or called & VARYING_CALLS or ("random" in modules and not seeded))


def _name(function: ast.expr) -> str:
    if isinstance(function, ast.Attribute):
        return function.attr
    return function.id if isinstance(function, ast.Name) else ""


def _imported(nodes: list[ast.AST]) -> Iterator[str]:
    for node in nodes:
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield (node.module or "").partition(".")[0]


def _feedback_too_long(draft: Draft) -> bool:
    said = [turn.content for turn in draft.turns if turn.kind == TurnKind.FEEDBACK]
    return any(len(text) > LONG_FEEDBACK or sentences(text) > MOST_SENTENCES for text in said)


def _feedback_gives_fix_away(draft: Draft) -> bool:
    return any(gives_fix_away(said, code_before=old, code_after=new) for said, old, new in _feedback(draft))


def _feedback_without_effect(draft: Draft) -> bool:
    return any(old.strip() == new.strip() for _, old, new in _feedback(draft))


def _feedback(draft: Draft) -> Iterator[tuple[str, str, str]]:
    """Each feedback with the code before it and the code of the answer to it (the old one when it holds none)."""
    code = ""
    for turn, answer in zip(draft.turns, draft.turns[1:], strict=False):
        if turn.role == Role.ASSISTANT:
            code = _code(turn.content) or code
        elif turn.kind == TurnKind.FEEDBACK:
            yield turn.content, code, _code(answer.content) or code


def _codes(draft: Draft) -> Iterator[tuple[str, int | None]]:
    for turn in draft.turns:
        if turn.role == Role.ASSISTANT and (code := _code(turn.content)):
            yield code, turn.execution_id


def _code(answer: str) -> str:
    """The code of an answer in whatever language it is."""
    languages = {block.language for block in code_blocks(answer)}
    block = last_code(answer, {*languages, "python"} - {"", "text"})
    return block.code if block else ""


CHECKS: dict[Flag, Callable[[Draft], bool]] = {
    Flag.LAST_RUN_FAILED: _last_run_failed,
    Flag.OPEN_FENCE: _open_fence,
    Flag.OUTPUT_MAY_VARY: _output_may_vary,
    Flag.FEEDBACK_TOO_LONG: _feedback_too_long,
    Flag.FEEDBACK_GIVES_FIX_AWAY: _feedback_gives_fix_away,
    Flag.FEEDBACK_WITHOUT_EFFECT: _feedback_without_effect,
}
