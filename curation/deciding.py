"""Decide every scored query by a rule: link the scales, mark disputes, keep or drop; people's verdicts stay."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Q

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.judges import counting_judges, names_of
from curation.linking import IDENTITY, UNCHANGED, LinkTable, link
from curation.models import Decision, Judge, Link, Query, Score, Scoring
from curation.readings import BLOCK, VERDICT, joint_counts, key_blocks, rows_of
from curation.rules import Rule, standing

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


@dataclass(frozen=True, slots=True)
class Basis:
    """What one pass decides by."""

    rule: Rule
    judges: Sequence[Judge]
    tables: Sequence[LinkTable]
    at: datetime


def decide(
    rule: Rule, *, by: User | None, door: Door, at: datetime, watch: Watch = lambda blocks, total: blocks
) -> Decided:
    """Bring all queries in play up to date with their scores and a rule: one action that can be undone.

    It works in blocks, each in its own transaction, and may be repeated or cut short. A person's verdict stays.
    """
    judges = counting_judges()
    tables, links = link_scales(judges)
    basis, action, queries = Basis(rule, judges, tables, at), None, Query.objects.in_play()
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
    rows, names = rows_of(ids, basis.judges), names_of(basis.judges)
    targets = {row: standing(row, basis.tables, names, basis.rule) for row in set(rows.values())}
    columns = [*FACTS, *DECIDED, "decided_at", "decision_version", "claimed_until"]
    queries = Query.objects.filter(pk__in=ids).only(*columns).order_by("pk").select_for_update()
    alike: dict[tuple[Any, ...], list[Change]] = defaultdict(list)
    for query in queries:
        held = query.claimed_until is not None and query.claimed_until > basis.at
        change = _change(query, targets[rows[query.pk]], held=held, at=basis.at)
        if change.after:
            # Queries with the same scores want the same columns: one statement for all of them.
            raises_version = "decision" in change.after and not held
            alike[rows[query.pk], tuple(change.after), change.after.get("disputed"), raises_version].append(change)
    for (_, _, _, raises_version), changes in alike.items():
        _write(changes, raises_version=raises_version)
    return [change for changes in alike.values() for change in changes]


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


def _write(changes: Sequence[Change], *, raises_version: bool) -> None:
    """One statement for changes that differ in nothing but their row. A held row keeps its version, so that the
    verdict being given on it still counts."""
    columns = dict(changes[0].after)
    if "decision_version" in columns:
        columns["decision_version"] = F("decision_version") + 1
    if raises_version:
        columns["version"] = F("version") + 1
    Query.objects.filter(pk__in=[change.row.pk for change in changes]).update(**columns)


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
        **counts,
    )
