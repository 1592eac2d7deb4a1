"""A dialogue that is not saved yet, and the rules every dialogue keeps."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from django.db import models

from dialogues.models import AuthorKind, Method, Role, TurnKind

KINDS_OF_ROLE = {
    Role.USER: (TurnKind.QUERY, TurnKind.EXECUTION, TurnKind.FEEDBACK),
    Role.ASSISTANT: (TurnKind.ANSWER,),
}


class Flag(models.TextChoices):
    """What a consistency check found, or a method noticed. A flag bars nothing; it asks for a person's eye."""

    LAST_RUN_FAILED = "last_run_failed", "the last run was not clean"
    NEVER_RAN_CLEAN = "never_ran_clean", "no run was clean"
    ITERATION_LIMIT = "iteration_limit", "the code had not settled after three refinements"
    ANSWER_CUT_OFF = "answer_cut_off", "an answer was cut off at its length limit"
    OPEN_FENCE = "open_fence", "a code block is not closed"
    OUTPUT_MAY_VARY = "output_may_vary", "running the code again may print something else"
    FEEDBACK_TOO_LONG = "feedback_too_long", "feedback is longer than two short sentences"
    FEEDBACK_GIVES_FIX_AWAY = "feedback_gives_fix_away", "feedback tells how to program the remedy"
    FEEDBACK_WITHOUT_EFFECT = "feedback_without_effect", "the code is the same after feedback"


class BadDraft(ValueError):
    """A draft breaks a rule of dialogues; the message names every broken one."""


@dataclass(frozen=True, slots=True)
class DraftSeed:
    """What the dialogue was grown from: a query, or a problem with or without one of its solutions."""

    query_id: int | None = None
    problem_id: int | None = None
    solution_id: int | None = None


@dataclass(frozen=True, slots=True)
class DraftTurn:
    """One message. `execution_id`: the run it reports, or the run of its code. `seed`: its place in Draft.seeds."""

    role: Role
    kind: TurnKind
    content: str
    author_kind: AuthorKind = AuthorKind.MODEL
    category: str = ""
    not_satisfied: str = ""
    call_id: int | None = None
    execution_id: int | None = None
    seed: int | None = None


@dataclass
class Draft:
    """What a method gives back. `last_run_clean` is None while no code was run."""

    method: Method
    seeds: list[DraftSeed] = field(default_factory=list)
    turns: list[DraftTurn] = field(default_factory=list)
    language: str = ""
    flags: list[str] = field(default_factory=list)
    last_run_clean: bool | None = None
    scripted: bool = False

    def messages(self) -> list[dict[str, str]]:
        """The turns as a model reads them."""
        return [{"role": str(turn.role), "content": turn.content} for turn in self.turns]

    def check(self) -> None:
        """Raise BadDraft unless this may become a dialogue."""
        broken = [*broken_rules(self.messages()), *self._misplaced()]
        if not self.seeds:
            broken.append("it was grown from nothing: no seed")
        if broken:
            raise BadDraft(f"{self.method} draft: {'; '.join(broken)}")

    def _misplaced(self) -> Iterator[str]:
        for position, turn in enumerate(self.turns):
            if turn.kind not in KINDS_OF_ROLE[turn.role]:
                yield f"turn {position} is of kind {turn.kind}, which the {turn.role} does not say"
            if turn.seed is not None and not 0 <= turn.seed < len(self.seeds):
                yield f"turn {position} points to seed {turn.seed} of {len(self.seeds)}"


def broken_rules(messages: Sequence[Mapping[str, str]]) -> list[str]:
    """What learners would choke on: roles that do not alternate from user to assistant, and empty messages."""
    if not messages:
        return ["it has no messages"]
    broken = []
    for position, message in enumerate(messages):
        expected = Role.ASSISTANT if position % 2 else Role.USER
        if message["role"] != expected:
            broken.append(f"message {position} is the {message['role']}'s where the {expected}'s is due")
        if not message["content"].strip():
            broken.append(f"message {position} is empty")
    if len(messages) % 2:
        broken.append("the last message is the user's" if messages[-1]["role"] == Role.USER else "a message is missing")
    return broken
