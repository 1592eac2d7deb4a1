"""The demo model as the one who answers first: drafts, sabotage, and words before code."""

import re

from llm.blocks import code_blocks
from llm.demo_bank import Bank
from llm.demo_conversation import Messages, between, choose, last_user_text, outside
from llm.demo_edits import FAULTS, broken
from llm.demo_programs import PROGRAMS, Program

OPENINGS = (
    "The scripted demo model has no solution for this task. Instead, here is a small program that {does}.",
    "I am a script, not a model, and I cannot solve this. What I can offer is a program that {does}:",
    "This request is outside the bank of the demo model. The program below does something smaller: it {does}.",
    "No real model answers here, only rules. This program {does}, which is at least something to run.",
)
CLOSINGS = (
    "It needs nothing but the standard library.",
    "Run it as it stands; the request is in the first lines.",
    "Replace `REQUEST` to try it on another text.",
    "The last lines print the result.",
)
BEFORE_CODE = (
    "Here is the same task solved in {language}.",
    "In {language} the solution keeps its idea and reads like this.",
    "The following {language} version does the same job.",
)


def draft(messages: Messages, bank: Bank) -> str:
    """The first answer to a query: the bank's wrong one, or a small program, one in ten with a fault."""
    query = last_user_text(messages)
    problem = bank.find(query)
    if problem is not None:
        return problem.draft
    program = program_for(query)
    faulty = choose(range(10), query, "fault") == 0
    return _announced(program, program.faulty_code(query) if faulty else program.code(query), query)


def sabotage(messages: Messages, bank: Bank) -> str:
    """An answer with a fault, of the kind the prompt names, or of any."""
    prompt = last_user_text(messages)
    query = between(prompt, "query") or prompt
    problem = bank.find(query)
    if problem is not None:
        return problem.draft
    named = [fault for fault in FAULTS if fault.lower() in outside(prompt, "query").lower()]
    fault = named[0] if len(named) == 1 else choose(FAULTS, query, "sabotage")
    program = program_for(query)
    return _announced(program, broken(program.code(query), program, fault), query)


def explain(messages: Messages, bank: Bank) -> str:
    """A sentence to stand before a block of code, and no code."""
    prompt = last_user_text(messages)
    languages = [block.language for block in code_blocks(prompt) if block.language]
    language = languages[-1].capitalize() if languages else "this language"
    return choose(BEFORE_CODE, prompt, "before code").format(language=language)


def program_for(query: str) -> Program:
    """The small program that stands in for a solution."""
    return choose(PROGRAMS, query, "program")


def fenced(before: str, code: str, after: str) -> str:
    """An answer: a sentence, the code to the byte, a sentence."""
    # A line of backticks in the code would end a shorter fence.
    longest = max((len(run) for run in re.findall(r"^\s*(`{3,})", code, re.MULTILINE)), default=2)
    fence = "`" * (longest + 1)
    closed = code if code.endswith("\n") else f"{code}\n"
    return f"{before}\n\n{fence}python\n{closed}{fence}\n\n{after}"


def _announced(program: Program, code: str, query: str) -> str:
    opening = choose(OPENINGS, query, "opening").format(does=program.does)
    return fenced(opening, code, choose(CLOSINGS, query, "closing"))
