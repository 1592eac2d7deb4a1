"""Interaction simulation: answer, run, refine until it runs and stands still, then a user's feedback and a last answer.

The paper's loop: the drafter's run does not count; the refiner gets at most three goes before the user speaks.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from curation.texts import storable
from dialogues.drafts import Draft, DraftSeed, DraftTurn, Flag
from dialogues.executions import execution_turn, input_turn
from dialogues.feedback import simulated_feedback
from dialogues.models import AuthorKind, Method, Role, TurnKind
from dialogues.prompts import prompt
from llm.replies import BadReply, CodeBlock, calls_input, last_code
from runs.kinds import Ask, Execute, Message, Skipped

DRAFTER, REFINER = "drafter", "refiner"
MOST_ITERATIONS = 3


@dataclass(frozen=True, slots=True)
class SimulationPayload:
    """All the step needs. `languages`: what the sandbox of this host runs."""

    query_id: int
    query: str
    languages: Sequence[str] = ("python",)
    feedback_rounds: int = 1
    scripted: bool = False


@dataclass(frozen=True, slots=True)
class CodeRun:
    """The code of an answer and how its run reads; no `execution_id`: it was not run."""

    code: CodeBlock
    report: str
    clean: bool
    execution_id: int | None


@dataclass
class Talk:
    """A conversation in the making, and the outside it reaches for."""

    payload: SimulationPayload
    ask: Ask
    execute: Execute
    draft: Draft = field(default_factory=lambda: Draft(Method.SIMULATION))
    clean_runs: int = 0


async def simulate(payload: SimulationPayload, ask: Ask, execute: Execute) -> Draft:
    """The dialogue grown from one query; Skipped when the first answer holds no code that can be run."""
    talk = Talk(payload, ask, execute)
    _open(talk)
    latest = await _answer(talk, DRAFTER)
    if latest is None:
        raise Skipped(f"the first answer holds no code in {', '.join(payload.languages)}")
    latest = await _refine(talk, latest)
    for _ in range(payload.feedback_rounds):
        latest = await _hear_feedback(talk, latest)
    return _closed(talk, latest)


def drafter_messages(query: str) -> list[Message]:
    """The question put to the drafter."""
    return [{"role": "system", "content": prompt(DRAFTER)}, {"role": "user", "content": query}]


def _open(talk: Talk) -> None:
    talk.draft.scripted = talk.payload.scripted
    talk.draft.seeds.append(DraftSeed(query_id=talk.payload.query_id))
    query = DraftTurn(Role.USER, TurnKind.QUERY, talk.payload.query, author_kind=AuthorKind.SOURCE, seed=0)
    talk.draft.turns.append(query)


async def _refine(talk: Talk, latest: CodeRun) -> CodeRun:
    """Report the run and let the refiner answer, until the code runs clean and is left as it is."""
    for _ in range(MOST_ITERATIONS):
        report = DraftTurn(Role.USER, TurnKind.EXECUTION, latest.report, execution_id=latest.execution_id)
        talk.draft.turns.append(report)
        before, latest = latest, await _answer(talk, REFINER) or latest
        if latest.clean and latest.code.code.strip() == before.code.code.strip():
            return latest
    talk.draft.flags.append(Flag.ITERATION_LIMIT)
    return latest


async def _hear_feedback(talk: Talk, latest: CodeRun) -> CodeRun:
    """The simulated user speaks and the refiner answers; its code is run once more, for the record."""
    said = await simulated_feedback(talk.draft.messages(), talk.ask)
    talk.draft.turns.append(
        DraftTurn(
            Role.USER,
            TurnKind.FEEDBACK,
            storable(said.feedback),
            category=said.category,
            not_satisfied=storable(said.not_satisfied),
            call_id=said.call_id,
        )
    )
    return await _answer(talk, REFINER) or latest


async def _answer(talk: Talk, role: str) -> CodeRun | None:
    """The role's answer to the conversation so far, as a turn; the run of its code, or None when it holds none."""
    answer = await talk.ask(role, [{"role": "system", "content": prompt(role)}, *talk.draft.messages()])
    text = storable(answer.text).strip()
    if answer.refused:
        raise Skipped(f"the {role} refused: {text[:200]}")
    if not text:
        raise BadReply(f"the {role}'s answer is empty (it stopped because of {answer.finish_reason!r})")
    if answer.finish_reason == "length":
        talk.draft.flags.append(Flag.ANSWER_CUT_OFF)
    code = last_code(text, talk.payload.languages)
    run = await _run(talk, code) if code else None
    execution_id = run.execution_id if run else None
    turn = DraftTurn(Role.ASSISTANT, TurnKind.ANSWER, text, call_id=answer.call_id, execution_id=execution_id)
    talk.draft.turns.append(turn)
    return run


async def _run(talk: Talk, code: CodeBlock) -> CodeRun:
    if code.language == "python" and calls_input(code.code):
        return CodeRun(code, input_turn(), clean=False, execution_id=None)
    ran = await talk.execute(code.code, code.language)
    talk.clean_runs += ran.ran_clean
    return CodeRun(code, execution_turn(ran), ran.ran_clean, ran.execution_id)


def _closed(talk: Talk, latest: CodeRun) -> Draft:
    talk.draft.last_run_clean = latest.clean
    talk.draft.language = latest.code.language
    if not talk.clean_runs:
        talk.draft.flags.append(Flag.NEVER_RAN_CLEAN)
    return talk.draft
