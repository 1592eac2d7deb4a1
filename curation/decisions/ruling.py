"""A decision that a page asks for: noted, then carried out with its progress in a row, at once or by the worker."""

from collections.abc import Iterable

from django.utils import timezone

from accounts.models import Door, User
from curation import pool_passes
from curation.decisions.deciding import Decided, decide
from curation.decisions.rules import BadRule, Rule
from curation.models import Query, RulePass
from curation.pool_passes import ask_for, watched

# A pool of so many queries is decided while the page waits.
AT_ONCE = 1000


def ask_for_decision(rule: Rule, *, by: User | None) -> RulePass:
    """Note the wish. Raises AtWork while another decision goes on."""
    return ask_for(RulePass, rule=rule.name, threshold=rule.threshold, by=by)


def is_small() -> bool:
    return not Query.objects.in_play().order_by()[AT_ONCE : AT_ONCE + 1].exists()


def carry_out(asked: RulePass) -> None:
    """Decide all queries; a rule that cannot be says why in the row of the pass."""
    try:
        pool_passes.carry_out(asked, lambda: _decide_all(asked))
    except BadRule:
        asked.refresh_from_db()


def _decide_all(asked: RulePass) -> None:
    def watch(blocks: Iterable[list[int]], total: int) -> Iterable[list[int]]:
        return watched(asked, blocks, total=total, what="deciding, in blocks")

    rule = Rule(asked.rule, asked.threshold)
    decided = decide(rule, by=asked.by, door=Door.PAGE, at=timezone.now(), watch=watch)
    asked.found, asked.action, asked.finished_at = found_by(decided), decided.action, timezone.now()
    asked.save(update_fields=["found", "action", "finished_at"])


def found_by(decided: Decided) -> dict[str, int]:
    """What a pass came to, as numbers."""
    names = ("kept", "dropped", "unscored", "unreadable", "disputed", "changed")
    return {name: getattr(decided, name) for name in names}
