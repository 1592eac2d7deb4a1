"""A decision that a page asks for: noted, then carried out with its progress in a row, at once or by the worker."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import Door, User
from curation.deciding import Decided, decide
from curation.models import Query, RulePass
from curation.rules import BadRule, Rule

# A pool of so many queries is decided while the page waits.
AT_ONCE = 1000
# Whoever carries a pass out tells of it with each block; after this silence nobody does.
SILENCE = timedelta(minutes=2)


class Busy(Exception):
    """Another decision is being carried out."""


def note_pass(rule: Rule, *, by: User | None, at: datetime) -> RulePass:
    """Note the wish; raises Busy while another pass is alive."""
    lost = RulePass.objects.filter(finished_at=None, heard_at__lt=at - SILENCE)
    lost.update(finished_at=at, error="its worker was not heard of any more; what it had decided stays")
    try:
        with transaction.atomic():
            return RulePass.objects.create(rule=rule.name, threshold=rule.threshold, by=by, heard_at=at)
    except IntegrityError:
        raise Busy("another decision is being carried out; wait until it is done") from None


def is_small() -> bool:
    return not Query.objects.in_play_by_stage().order_by()[AT_ONCE : AT_ONCE + 1].exists()


def carry_out(asked: RulePass) -> None:
    """Decide all queries; a pass that another worker has begun or ended is left alone."""
    here = RulePass.objects.filter(pk=asked.pk, finished_at=None)
    if not here.filter(blocks=0).update(heard_at=timezone.now(), blocks=1):
        return

    def watch(blocks: Iterable[list[int]], total: int) -> Iterable[list[int]]:
        for number, block in enumerate(blocks):
            here.update(blocks=max(total, number + 1), blocks_done=number, heard_at=timezone.now())
            yield block

    try:
        decided = decide(Rule(asked.rule, asked.threshold), by=asked.by, door=Door.PAGE, at=timezone.now(), watch=watch)
    except BadRule as reason:
        here.update(finished_at=timezone.now(), error=str(reason))
        return
    except Exception as error:
        here.update(finished_at=timezone.now(), error=f"{type(error).__name__}: {error}")
        raise
    here.update(finished_at=timezone.now(), figures=figures_of(decided), action=decided.action)


def figures_of(decided: Decided) -> dict[str, int]:
    """What a pass came to, as numbers."""
    names = ("kept", "dropped", "unscored", "unreadable", "disputed", "changed")
    return {name: getattr(decided, name) for name in names}
