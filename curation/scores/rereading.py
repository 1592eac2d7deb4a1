"""Read stored replies again with the parser of today: a better reading costs no call."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

from django.db import transaction

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.models import Decision, Query, Score, ScoreState
from curation.models.queries import VERDICT
from curation.readings import BLOCK, store_facts
from curation.scores.judges import counting_judges
from curation.scores.scoring import order_of, read_answer
from runs.kinds import Answer
from runs.ledger import stored_response
from runs.models import CallState

Watch = Callable[[Iterable[list[Score]], int], Iterable[list[Score]]]


@dataclass(slots=True)
class Reread:
    """What came of it. `decided`: queries with a changed score that a rule has decided by the old one."""

    read: int = 0
    without_reply: int = 0
    changed: int = 0
    decided: int = 0


def reread_scores(*, by: User | None, door: Door, watch: Watch = lambda blocks, total: blocks) -> Reread:
    """Read every stored reply again and write what reads differently, as one action that can be undone."""
    total, judges = Reread(), counting_judges()
    action: Action | None = None
    for block in watch(_blocks(), ceil(Score.objects.count() / BLOCK)):
        readable = [score for score in block if score.call is not None and score.call.state == CallState.DONE]
        total.read += len(readable)
        total.without_reply += len(block) - len(readable)
        changed = [(score, change) for score in readable if (change := _change(score)).after]
        if changed:
            total.changed += len(changed)
            with transaction.atomic():
                total.decided += _write(changed)
                store_facts(sorted({score.query_id for score, _ in changed}), judges)
                action = _recorded(action, [change for _, change in changed], by=by, door=door)
    return total


def _blocks() -> Iterator[list[Score]]:
    """All scores with their replies, by key, without an open cursor."""
    last = 0
    scores = Score.objects.select_related("call", "judge__template").order_by("pk")
    while block := list(scores.filter(pk__gt=last)[:BLOCK]):
        yield block
        last = block[-1].pk


def _change(score: Score) -> Change:
    """The columns of a score that read differently today."""
    call, judge = score.call, score.judge
    if call is None:
        raise ValueError(f"{score} has no call to read again")
    response = stored_response(call)
    refused = response.outcome in ("refused", "filtered")
    answer = Answer(response.text, response.finish_reason, call.pk, refused=refused, logprobs=response.logprobs)
    # The reply to a reminder (one sample further than the judge's draw) holds the digit and nothing else.
    reminded = call.sample > judge.draw
    outcome = read_answer(answer, "score_first" if reminded else order_of(judge))
    after: dict[str, Any] = {"state": outcome.state, "value": outcome.value, "expected": outcome.expected}
    if not (reminded and outcome.state == ScoreState.OK):
        after["explanation"] = outcome.explanation
    changed = [name for name in after if getattr(score, name) != after[name]]
    return Change(score, {name: getattr(score, name) for name in changed}, {name: after[name] for name in changed})


def _write(changed: Sequence[tuple[Score, Change]]) -> int:
    """Write the scores; how many queries of theirs a rule has decided meanwhile."""
    for score, change in changed:
        Score.objects.filter(pk=score.pk).update(**change.after)
    decided = Query.objects.filter(pk__in={score.query_id for score, _ in changed})
    return decided.exclude(decision=Decision.NONE).exclude(decision_rule=VERDICT).count()


def _recorded(action: Action | None, changes: list[Change], *, by: User | None, door: Door) -> Action:
    if action is None:
        return record("read replies again", changes, by=by, door=door)
    extend(action, changes)
    return action
