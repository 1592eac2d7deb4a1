"""Record every verb with the rows it changed, and undo it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from accounts.alike import Alike, Told, insert_alike
from accounts.models import Action, ActionRow, Door, User

# Rows that one transaction of an undo puts back: in well under 100 ms, and few enough for SQLite's parameters.
BLOCK = 100


class CannotUndo(Exception):
    """The action was undone before, or a row has changed since."""


@dataclass(frozen=True, slots=True)
class Change:
    """Columns of one row before and after a verb (values as the database stores them)."""

    row: models.Model
    before: dict[str, Any]
    after: dict[str, Any]


def record(
    verb: str, changes: Iterable[Change | Alike], *, by: User | None, door: Door = Door.PAGE, note: str = ""
) -> Action:
    """Write the action of a verb; call it inside the verb's own transaction."""
    action = Action.objects.create(verb=verb, by=by, door=door, note=note)
    extend(action, changes)
    return action


def extend(action: Action, changes: Iterable[Change | Alike]) -> None:
    """Add rows to an action whose verb works through many rows block by block, each block in its transaction."""
    told = [_told(action.pk, change) for change in changes]
    insert_alike(ActionRow, ("action", "table", "before", "after"), "row_id", told)
    count = sum(len(ids) for ids, _ in told)
    Action.objects.filter(pk=action.pk).update(rows_changed=models.F("rows_changed") + count)
    action.rows_changed += count


def _told(action_id: int, change: Change | Alike) -> Told:
    alike = (
        Alike(type(change.row), [change.row.pk], change.before, change.after) if isinstance(change, Change) else change
    )
    before, after = json.dumps(_plain(alike.before)), json.dumps(_plain(alike.after))
    return alike.ids, (action_id, alike.model._meta.label_lower, before, after)


def undo(action: Action, *, by: User | None, door: Door = Door.PAGE) -> Action:
    """Put every row of an action back as it was, as an action of its own.

    Rows that were withdrawn since have nothing to be put back. Raises CannotUndo, and changes nothing, when a row no
    longer reads as the action left it, or when nothing of it is left. Many rows are put back in blocks, each in its own
    transaction, after all have been looked at; should one change meanwhile, what was put back is undone again.
    """
    if action.rows_changed <= BLOCK:
        with transaction.atomic():
            undoing = _begin_undoing(action, by=by, door=door)
            for rows in _newest_first(action):
                extend(undoing, _put_back(rows))
            _check_something_is_left(action, undoing.rows_changed)
        return undoing
    _check_something_is_left(
        action, sum(len(standing.rows) for rows in _newest_first(action) for standing in _look_at(rows))
    )
    with transaction.atomic():
        undoing = _begin_undoing(action, by=by, door=door)
    try:
        for rows in _newest_first(action):
            with transaction.atomic():
                extend(undoing, _put_back(rows))
    except CannotUndo:
        undo(undoing, by=by, door=door)
        raise
    return undoing


def _begin_undoing(action: Action, *, by: User | None, door: Door) -> Action:
    """The action that undoes another, noted with it, so that nobody else begins."""
    locked = Action.objects.select_for_update().get(pk=action.pk)
    if locked.undone_by_id is not None:
        raise CannotUndo(f"action {action.pk} ({action.verb}) was undone already")
    undoing = record(f"undo {locked.verb}", [], by=by, door=door)
    Action.objects.filter(pk=locked.pk).update(undone_by=undoing)
    return undoing


def _check_something_is_left(action: Action, rows: int) -> None:
    if action.rows_changed and not rows:
        raise CannotUndo(f"nothing is left of what action {action.pk} ({action.verb}) changed: it was withdrawn")


def standing_action(row: models.Model, verb: str) -> Action:
    """The action of that verb on the row that has not been undone; it may itself be the undo of an undo."""
    of_row = Action.objects.filter(rows__table=row._meta.label_lower, rows__row_id=row.pk)
    action = of_row.filter(verb__endswith=verb, undone_by=None).order_by("-pk").first()
    if action is None:
        raise CannotUndo(f"no action {verb!r} stands for {row}")
    return action


def _newest_first(action: Action) -> Iterator[list[ActionRow]]:
    """Its rows in blocks; no cursor stays open between two of them."""
    last = None
    while block := list(action.rows.filter(**({} if last is None else {"pk__lt": last})).order_by("-pk")[:BLOCK]):
        yield block
        last = block[-1].pk


def _put_back(rows: Sequence[ActionRow]) -> list[Change]:
    """Rows that were alike before are put back by one statement; call it inside a transaction."""
    changes: list[Change] = []
    for standing in _look_at(rows, lock=True):
        bump = {"version": models.F("version") + 1} if standing.counts_versions else {}
        alike: dict[str, list[ActionRow]] = defaultdict(list)
        for row in standing.rows:
            alike[repr(standing.content(row.before))].append(row)
        for group in alike.values():
            before = standing.content(group[0].before)
            _check_targets(group[0], before, standing.fields)
            here = standing.model._default_manager.filter(pk__in=[row.row_id for row in group])
            here.update(**before, **bump)
        changes += [standing.put_back(row) for row in standing.rows]
    return changes


@dataclass(frozen=True, slots=True)
class _Standing:
    """Rows of one table in which an action changed the same columns, as far as they are still there."""

    model: type[models.Model]
    fields: dict[str, Any]
    rows: Sequence[ActionRow]
    # By key, where the table counts the changes of a row.
    versions: dict[int, int]
    counts_versions: bool

    def content(self, columns: dict[str, Any]) -> dict[str, Any]:
        """The columns as Python has them. `version` only ever rises, so undoing a change is one more change."""
        return {name: field.to_python(columns[name]) for name, field in self.fields.items()}

    def put_back(self, row: ActionRow) -> Change:
        before, after = self.content(row.after), self.content(row.before)
        if self.counts_versions:
            version = self.versions[row.row_id]
            before, after = before | {"version": version}, after | {"version": version + 1}
        return Change(self.model(pk=row.row_id), before=before, after=after)


def _look_at(rows: Sequence[ActionRow], *, lock: bool = False) -> list[_Standing]:
    """The rows as they stand; raises CannotUndo for one that no longer reads as the action left it."""
    alike: dict[tuple[str, tuple[str, ...]], list[ActionRow]] = defaultdict(list)
    for row in rows:
        alike[row.table, tuple(sorted(row.before))].append(row)
    return [_look_at_alike(group, lock=lock) for group in alike.values()]


def _look_at_alike(rows: Sequence[ActionRow], *, lock: bool) -> _Standing:
    model = apps.get_model(rows[0].table)
    counts_versions = _has_version(model)
    fields = {name: model._meta.get_field(name) for name in rows[0].before if name != "version"}
    queryset = model._default_manager.filter(pk__in=[row.row_id for row in rows])
    columns = ["pk", *fields, *(["version"] if counts_versions else [])]
    now = {pk: values for pk, *values in (queryset.select_for_update() if lock else queryset).values_list(*columns)}
    standing = _Standing(
        model,
        fields,
        [row for row in rows if row.row_id in now],
        {pk: values[-1] for pk, values in now.items()} if counts_versions else {},
        counts_versions,
    )
    for row in standing.rows:
        if list(standing.content(row.after).values()) != now[row.row_id][: len(fields)]:
            raise CannotUndo(
                f"{row.table} {row.row_id} has changed since; undo the later change first (a withdrawal cannot be "
                "undone)"
            )
    return standing


def _check_targets(row: ActionRow, columns: dict[str, Any], fields: dict[str, Any]) -> None:
    """Raise CannotUndo when the row would point to one that was withdrawn."""
    for name, value in columns.items():
        target = fields[name].related_model
        if value is not None and target and not target._default_manager.filter(pk=value).exists():
            raise CannotUndo(
                f"{row.table} {row.row_id} would belong to {target._meta.label_lower} {value}, which was withdrawn"
            )


def _has_version(model: type[models.Model]) -> bool:
    """Whether its `version` counts the changes of a row; of a few tables it names the row and never changes."""
    return any(field.name == "version" for field in model._meta.fields) and not getattr(
        model, "version_names_the_row", False
    )


def _plain(columns: dict[str, Any]) -> dict[str, Any]:
    encoder = DjangoJSONEncoder()
    return {name: _json_value(value, encoder) for name, value in columns.items()}


def _json_value(value: Any, encoder: DjangoJSONEncoder) -> Any:
    if value is None or isinstance(value, (str, int, float, bool, list, dict)):
        return value
    # The encoder would cut microseconds off, and undo would no longer find the row as it left it.
    return value.isoformat() if isinstance(value, datetime) else encoder.default(value)
