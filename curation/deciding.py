"""Decide every scored query by a rule: link the scales, mark disputes, keep or drop; people's verdicts stay."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from django.db import transaction
from django.db.models import Case, Count, F, JSONField, Q, Value, When

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.calibration import LEAST_VERDICTS, CalibrationTable
from curation.judges import counting_judges, names_of
from curation.learning import calibrations, lessons, store_calibrations
from curation.linking import IDENTITY, UNCHANGED, LinkTable, link
from curation.models import Decision, Judge, Link, Query, Score, Scoring
from curation.readings import (
    BLOCK,
    VERDICT,
    Row,
    Said,
    joint_counts,
    key_blocks,
    pattern_of,
    rows_of,
    store_expected,
)
from curation.rules import CALIBRATED, EXPECTED, BadRule, Rule, Scales, standing

FACTS = ("scoring", "mean", "raw_gap", "linked_gap", "disputed")
DECIDED = ("decision", "decision_rule", "decision_inputs")

# Shows progress: gets the blocks of keys and how many there are, and hands the blocks on.
Watch = Callable[[Iterable[list[int]], int], Iterable[list[int]]]


@dataclass(frozen=True, slots=True)
class Decided:
    """How the queries in play stand after a `decide`: kept + dropped + unscored are all of them."""

    rule: Rule
    kept: int
    dropped: int
    unscored: int
    unreadable: int
    disputed: int
    judges: Mapping[str, int]
    links: Sequence[Link]
    changed: int
    action: Action | None


@dataclass(frozen=True, slots=True)
class Basis:
    """What one pass decides by."""

    rule: Rule
    judges: Sequence[Judge]
    scales: Scales
    at: datetime


def decide(
    rule: Rule, *, by: User | None, door: Door, at: datetime, watch: Watch = lambda blocks, total: blocks
) -> Decided:
    """Bring all queries in play up to date with their scores and a rule: one action that can be undone.

    It works in blocks, each in its own transaction, and may be repeated or cut short. A person's verdict stays.
    Raises BadRule where a calibrated rule lacks verdicts.
    """
    judges = counting_judges()
    tables, links = link_scales(judges)
    scales = Scales(tables, learnt_scales(rule, judges))
    basis, action, queries = Basis(rule, judges, scales, at), None, Query.objects.in_play()
    # Without a judge that counts there is nothing to decide by, and no reason to take decisions back.
    for block in watch(key_blocks(queries), ceil(queries.count() / BLOCK)) if judges else ():
        with transaction.atomic():
            changes = bring_up_to_date(block, basis)
            if changes and action is None:
                action = record("decide", changes, by=by, door=door, note=str(rule))
            elif changes and action is not None:
                extend(action, changes)
    return _counted(basis, links, action)


def link_scales(judges: Sequence[Judge]) -> tuple[list[LinkTable], list[Link]]:
    """Each judge's table onto the first judge's scale, from the scores at hand, and the stored links."""
    if not judges:
        return [], []
    anchor, *others = judges
    tables = [link(joint_counts(anchor, judge)) for judge in others]
    links = [_stored(table, judge, anchor) for table, judge in zip(tables, others, strict=True)]
    return [LinkTable(UNCHANGED, IDENTITY, n=0), *tables], links


def learnt_scales(rule: Rule, judges: Sequence[Judge]) -> list[CalibrationTable | None]:
    """The calibrations that a calibrated rule decides by, stored as rows; other rules need none."""
    if rule.name != CALIBRATED:
        return []
    tables = calibrations(judges, lessons())
    if lacking := [str(judge.template) for judge, table in zip(judges, tables, strict=True) if table is None]:
        raise BadRule(
            f"{rule} needs at least {LEAST_VERDICTS} verdicts on queries that {' and '.join(lacking)} rated; "
            "audit more queries, or choose another rule"
        )
    store_calibrations(judges, tables)
    return tables


def _stored(table: LinkTable, judge: Judge, anchor: Judge) -> Link:
    """The table as a row of its own, unless the newest one says the same."""
    newest = Link.objects.filter(template=judge.template, anchor=anchor.template).order_by("-pk").first()
    if newest and (newest.table, newest.method, newest.n) == (list(table.table), table.method, table.n):
        return newest
    return Link.objects.create(
        template=judge.template, anchor=anchor.template, table=list(table.table), method=table.method, n=table.n
    )


def bring_up_to_date(ids: Sequence[int], basis: Basis) -> list[Change]:
    """Write facts and decisions of some queries where they differ; call it inside a transaction."""
    said, names = rows_of(ids, basis.judges), names_of(basis.judges)
    rows = said if basis.rule.name == EXPECTED else {pk: _without_expected(row) for pk, row in said.items()}
    targets = {row: standing(row, basis.scales, names, basis.rule) for row in set(rows.values())}
    columns = [*FACTS, *DECIDED, "decided_at", "decision_version", "claimed_until", "ratings"]
    alike: dict[tuple[Any, ...], list[Change]] = defaultdict(list)
    newly_said: dict[int, Row] = {}
    for query in Query.objects.filter(pk__in=ids).only(*columns).order_by("pk").select_for_update():
        held = query.claimed_until is not None and query.claimed_until > basis.at
        change = _change(query, targets[rows[query.pk]], held=held, at=basis.at)
        if change.after:
            # Queries that want the same columns: one statement for all of them.
            raises_version = "decision" in change.after and not held
            alike[_kind_of(change, basis.rule), raises_version].append(change)
        if query.ratings != pattern_of(said[query.pk], basis.judges):
            newly_said[query.pk] = said[query.pk]
    for (_, raises_version), changes in alike.items():
        _write(changes, raises_version=raises_version, rule=basis.rule)
    _store_said(newly_said, basis.judges)
    return [change for changes in alike.values() for change in changes]


def _without_expected(row: Row) -> Row:
    return tuple(None if said is None else Said(said.value) for said in row)


def _store_said(rows: Mapping[int, Row], judges: Sequence[Judge]) -> None:
    """What was said follows the scores and the judges that count; it is no decision, and no undo takes it back."""
    alike: dict[str, list[int]] = defaultdict(list)
    for query_id, row in rows.items():
        alike[pattern_of(row, judges)].append(query_id)
    for pattern, ids in alike.items():
        Query.objects.filter(pk__in=ids).update(ratings=pattern)
    store_expected(rows, judges)


def _change(query: Query, target: Mapping[str, Any], *, held: bool, at: datetime) -> Change:
    """The columns that have to change. A verdict's decision stays; what someone holds stays a dispute."""
    after = {name: target[name] for name in FACTS}
    if query.decision_rule != VERDICT:
        after |= {name: target[name] for name in DECIDED}
        if any(getattr(query, name) != target[name] for name in DECIDED):
            after["decided_at"] = None if target["decision"] == Decision.NONE else at
            after["decision_version"] = query.decision_version + 1
    if held and query.disputed:
        after["disputed"] = True
    before = {name: getattr(query, name) for name in after}
    changed = [name for name in after if before[name] != after[name]]
    return Change(query, {name: before[name] for name in changed}, {name: after[name] for name in changed})


def _kind_of(change: Change, rule: Rule) -> tuple[Any, ...]:
    """What a change writes, but for what is each query's own."""
    own = ("decision_version", "decision_inputs") if rule.name == EXPECTED else ("decision_version",)
    return tuple((name, None if name in own else repr(value)) for name, value in change.after.items())


def _write(changes: Sequence[Change], *, raises_version: bool, rule: Rule) -> None:
    """One statement for changes that differ in nothing but their row. A held row keeps its version, so that the
    verdict being given on it still counts."""
    columns = dict(changes[0].after)
    ids = [change.row.pk for change in changes]
    if "decision_version" in columns:
        columns["decision_version"] = F("decision_version") + 1
    if raises_version:
        columns["version"] = F("version") + 1
    if rule.name == EXPECTED and "decision_inputs" in columns:
        columns["decision_inputs"] = Case(
            *(When(pk=change.row.pk, then=Value(change.after["decision_inputs"], JSONField())) for change in changes)
        )
    Query.objects.filter(pk__in=ids).update(**columns)


def _counted(basis: Basis, links: Sequence[Link], action: Action | None) -> Decided:
    undecided = Q(decision=Decision.NONE)
    counts = Query.objects.in_play().aggregate(
        kept=Count("pk", filter=Q(decision=Decision.KEEP)),
        dropped=Count("pk", filter=Q(decision=Decision.DROP)),
        unscored=Count("pk", filter=undecided),
        unreadable=Count("pk", filter=undecided & Q(scoring=Scoring.UNREADABLE)),
        disputed=Count("pk", filter=Q(disputed=True)),
    )
    names = names_of(basis.judges)
    answered = [Score.objects.filter(judge=judge).count() for judge in basis.judges]
    return Decided(
        rule=basis.rule,
        judges=dict(zip(names, answered, strict=True)),
        links=links,
        changed=action.rows_changed if action else 0,
        action=action,
        **counts,
    )
