"""Decide every scored query by a rule: link the scales, mark disputes, keep or drop; people's verdicts stay."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from math import ceil
from random import Random
from typing import Any

from django.db import connection, transaction

from accounts.actions import extend, record
from accounts.alike import Alike, write_alike
from accounts.models import Action, Door, User
from curation.audits.picking import mix_controls
from curation.decisions.calibration import LEAST_VERDICTS, CalibrationTable
from curation.decisions.comparing import DECIDED, FACTS, Group, compared
from curation.decisions.learning import calibrations, lessons, store_calibrations
from curation.decisions.rules import CALIBRATED, EXPECTED, BadRule, Rule, Scales, standing
from curation.decisions.side_by_side import each_block
from curation.models import Decision, Judge, Link, Query, QueryCount, Score, Stage
from curation.models.queries import VERDICT
from curation.passes import Watch, unwatched
from curation.readings import Row, joint_counts, key_blocks, pattern_of, store_expected
from curation.scores.judges import counting_judges, names_of
from curation.scores.linking import IDENTITY, UNCHANGED, LinkTable, link
from curation.scores.patterns import cell_rarity, tally
from web.kept_counts import summed, total

# The same pool and the same decision pick the same controls.
CONTROLS_SEED = 20240214
# Rows of a transaction. On SQLite nobody else writes meanwhile: what they and their indexes take is written in less
# than 100 ms.
BLOCK = {"sqlite": 250, "postgresql": 500}


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
    # By pattern of scores.
    rarity: Mapping[str, int]


def decide(
    rule: Rule,
    *,
    by: User | None,
    door: Door,
    at: datetime,
    watch: Watch = unwatched,
    began: Callable[[Action], None] = lambda action: None,
) -> Decided:
    """Bring all queries in play up to date with their scores and a rule: one action that can be undone.

    It works in blocks, each in its own transaction, and may be repeated or cut short. A person's verdict stays.
    `began` hears of the action as soon as there is one. Raises BadRule where a calibrated rule lacks verdicts.
    """
    judges = counting_judges()
    tables, links = link_scales(judges)
    scales = Scales(tables, learnt_scales(rule, judges))
    basis = Basis(rule, judges, scales, at, _rarities())
    size = BLOCK[connection.vendor]
    blocks, expected = key_blocks(Query.objects.in_play(), size), ceil(total(QueryCount.objects.in_play()) / size)
    # Without a judge that counts there is nothing to decide by, and no reason to take decisions back.
    watched = iter(watch(blocks, expected) if judges else ())
    action = _first_change(watched, basis, lambda changes: record("decide", changes, by=by, door=door, note=str(rule)))
    if action is not None:
        began(action)
        each_block(watched, partial(_change_block, basis, action))
        action.refresh_from_db()
    mix_controls(by=by, door=door, rng=Random(CONTROLS_SEED))
    return _counted(basis, links, action)


def _first_change(blocks: Iterator[list[int]], basis: Basis, note: Callable[[list[Alike]], Action]) -> Action | None:
    """Bring blocks up to date until one of them changes; the action under which all that follow write too."""
    for block in blocks:
        with transaction.atomic():
            if changes := bring_up_to_date(block, basis):
                return note(changes)
    return None


def _change_block(basis: Basis, action: Action, block: list[int]) -> None:
    with transaction.atomic():
        if changes := bring_up_to_date(block, basis):
            extend(action, changes)


def _rarities() -> dict[str, int]:
    counts = {pattern: count for (pattern,), count in tally().items()}
    whole = sum(counts.values())
    return {pattern: cell_rarity(count, whole) for pattern, count in counts.items()}


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


def bring_up_to_date(ids: Sequence[int], basis: Basis) -> list[Alike]:
    """Write facts and decisions of some queries where they differ; call it inside a transaction."""
    names, with_expected = names_of(basis.judges), basis.rule.name == EXPECTED
    groups, newly_said = compared(ids, basis.judges, at=basis.at, with_expected=with_expected)
    targets = {
        group.row: standing(group.row, basis.scales, names, basis.rule)
        | {"cell_rarity": basis.rarity.get(group.pattern, 0)}
        for group in {group.row: group for group in groups}.values()
    }
    changes = [change for group in groups if (change := _change(group, targets[group.row], at=basis.at)).after]
    write_alike(changes)
    _store_said(newly_said, basis.judges)
    return changes


def _store_said(rows: Mapping[int, Row], judges: Sequence[Judge]) -> None:
    """What was said follows the scores and the judges that count; it is no decision, and no undo takes it back."""
    alike: dict[str, list[int]] = defaultdict(list)
    for query_id, row in rows.items():
        alike[pattern_of(row, judges)].append(query_id)
    for pattern, ids in alike.items():
        Query.objects.filter(pk__in=ids).update(ratings=pattern)
    store_expected(rows, judges)


def _change(group: Group, target: Mapping[str, Any], *, at: datetime) -> Alike:
    """The columns that have to change. A verdict's decision stays; what someone holds stays a dispute, and keeps its
    version, so that the verdict being given on it still counts."""
    now, after = group.now, {name: target[name] for name in FACTS}
    if now["decision_rule"] != VERDICT:
        after |= {name: target[name] for name in DECIDED}
        if any(now[name] != target[name] for name in DECIDED):
            after["decided_at"] = None if target["decision"] == Decision.NONE else at
            after["decision_version"] = now["decision_version"] + 1
        if after["decision"] != now["decision"] and not group.held:
            after["version"] = now["version"] + 1
    if group.held and now["disputed"]:
        after["disputed"] = True
    changed = [name for name in after if now[name] != after[name]]
    return Alike(Query, group.ids, {name: now[name] for name in changed}, {name: after[name] for name in changed})


def _counted(basis: Basis, links: Sequence[Link], action: Action | None) -> Decided:
    in_play = QueryCount.objects.in_play()
    stages, disputed = summed(in_play, "stage"), total(in_play.filter(disputed=True))
    undecided = stages.total() - stages[Stage.KEPT] - stages[Stage.DROPPED]
    names = names_of(basis.judges)
    answered = [Score.objects.filter(judge=judge).count() for judge in basis.judges]
    return Decided(
        rule=basis.rule,
        judges=dict(zip(names, answered, strict=True)),
        links=links,
        changed=action.rows_changed if action else 0,
        action=action,
        kept=stages[Stage.KEPT],
        dropped=stages[Stage.DROPPED],
        unscored=undecided,
        unreadable=stages[Stage.UNREADABLE],
        disputed=disputed,
    )
