"""A decision that someone asks for: noted, then carried out with its progress in a row, at once or by the worker."""

from functools import partial

from django.utils import timezone

from accounts.models import Door, User
from curation import pool_passes
from curation.decisions.deciding import Decided, decide
from curation.decisions.rules import BadRule, Rule
from curation.models import Query, RulePass
from curation.passes import Progress, unshown
from curation.pool_passes import ask_for, keep_action, told

# A pool of so many queries is decided while the page waits.
AT_ONCE = 1000
DOING = "deciding, in blocks"


def ask_for_decision(rule: Rule, *, by: User | None) -> RulePass:
    """Note the wish. Raises AtWork while another decision goes on."""
    return ask_for(RulePass, rule=rule.name, threshold=rule.threshold, by=by)


def is_small() -> bool:
    return not Query.objects.in_play().order_by()[AT_ONCE : AT_ONCE + 1].exists()


def carry_out(asked: RulePass) -> None:
    """Decide all queries for a page; a rule that cannot be says why in the row of the pass."""
    try:
        pool_passes.carry_out(asked, lambda: decide_all(asked, door=Door.PAGE))
    except BadRule:
        asked.refresh_from_db()


def decide_all(asked: RulePass, *, door: Door, progress: Progress = unshown) -> Decided:
    """Carry out a decision that was asked for; its row says how far it is, and what came of it."""
    rule, tell = Rule(asked.rule, asked.threshold), told(asked, progress)
    decided = decide(
        rule,
        by=asked.by,
        door=door,
        at=timezone.now(),
        watch=lambda blocks, total: tell(blocks, total=total, what=DOING),
        began=partial(keep_action, asked),
    )
    asked.found, asked.finished_at = found_by(decided), timezone.now()
    asked.save(update_fields=["found", "finished_at"])
    return decided


def found_by(decided: Decided) -> dict[str, int]:
    """What a pass came to, as numbers."""
    names = ("kept", "dropped", "unscored", "unreadable", "disputed", "changed")
    return {name: getattr(decided, name) for name in names}
