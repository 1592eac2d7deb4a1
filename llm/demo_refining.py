"""The demo model as the one who goes on: repairs after a run, leaves alone what is right, answers feedback."""

import re

from llm.blocks import last_code
from llm.demo_bank import Bank, Problem, python_code
from llm.demo_conversation import Messages, choose, is_execution, last_answer, last_user_text, user_texts
from llm.demo_edits import FAULTS, broken, edited
from llm.demo_feedback import category_of
from llm.demo_programs import Program, program_in
from llm.demo_writing import draft, fenced, program_for

UNCHANGED = (
    "The run went through and printed what was expected, so the code stays as it is:",
    "The output is right. I keep the program unchanged:",
    "That is the result I expected, and there is nothing to correct:",
)
CLOSINGS = (
    "You can run it again as it stands.",
    "The rest of the program works as before.",
    "It prints its result at the end.",
)
FAILED = re.compile(
    r"^Traceback \(most recent call last\)|^\s*File \".*\", line \d+|(?:was stopped|ended it|exit code -?\d+)\.\s*\Z",
    re.MULTILINE,
)
ERROR_LINE = re.compile(r"^(\w+(?:Error|Exception|Interrupt)\b.*)$", re.MULTILINE)


def refine(messages: Messages, bank: Bank) -> str:
    """The answer after a run or after a user's feedback."""
    texts = user_texts(messages)
    query, turn, last = (texts[0] if texts else ""), last_user_text(messages), last_answer(messages)
    problem = bank.find(query)
    answer = _solved(problem, turn, last) if problem is not None else None
    return answer or _refine_program(query, turn, last)


def interpret(messages: Messages, bank: Bank) -> str:
    """Answer a live conversation: a draft first, after a run or a further wish an improvement."""
    return refine(messages, bank) if last_answer(messages) else draft(messages, bank)


def _solved(problem: Problem, turn: str, last: str) -> str | None:
    """The bank's next answer; None when the conversation has left what the bank knows."""
    code = python_code(last)
    fixed, final = python_code(problem.fixed), python_code(problem.final)
    if code in (fixed, final) and is_execution(turn):
        return _keep(code, turn)
    if code == fixed:
        return problem.final
    return problem.fixed if code == python_code(problem.draft) or FAILED.search(turn) else None


def _refine_program(query: str, turn: str, last: str) -> str:
    block = last_code(last)
    code = block.code if block else ""
    known = program_in(code)
    if known is not None:
        return _refine_known(code, *known, turn)
    if code and not is_execution(turn):
        return _noted(code, turn)
    if code and not FAILED.search(turn):
        return _keep(code, turn)
    return _repair(program_for(query).code(query), turn)


def _refine_known(code: str, program: Program, request: str, turn: str) -> str:
    if not is_execution(turn):
        return _improve(code, program, turn)
    if FAILED.search(turn) or _is_wrong(code, program, request):
        return _repair(program.code(request), turn)
    return _keep(code, turn)


def _is_wrong(code: str, program: Program, request: str) -> bool:
    """A logical error shows in no traceback, and a long output hides one, but the program knows its faults."""
    right = program.code(request)
    wrong = {program.faulty_code(request), *(broken(right, program, fault) for fault in FAULTS)} - {right}
    return code.strip() in {one.strip() for one in wrong}


def _keep(code: str, turn: str) -> str:
    return fenced(choose(UNCHANGED, code + turn, "unchanged"), code, choose(CLOSINGS, code, "kept"))


def _repair(code: str, turn: str) -> str:
    found = ERROR_LINE.findall(turn)
    cause = f"The run ended with `{found[-1][:100]}`" if found else "The run did not show what it should"
    return fenced(f"{cause}. I have corrected that place:", code, choose(CLOSINGS, code, "repaired"))


def _improve(code: str, program: Program, feedback: str) -> str:
    changed, said = edited(code, program, category_of(feedback))
    return fenced(f"Good point: {said}.", changed, choose(CLOSINGS, changed, "improved"))


def _noted(code: str, feedback: str) -> str:
    """Code that the rules do not know cannot be changed by them; the wish is written down instead."""
    wish = " ".join(feedback.split())[:100]
    before = "I am a script and do not know this program. I have noted your wish in its first line:"
    return fenced(before, f"# Wanted: {wish}\n{code}", choose(CLOSINGS, code, "noted"))
