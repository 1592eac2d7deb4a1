"""Record every verb with the rows it changed, and undo it."""

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import connection, models, transaction

from accounts.models import Action, ActionRow, Door, User

BLOCK = 500  # rows per statement: well under SQLite's limit on parameters


class CannotUndo(Exception):
    """The action was undone before, or a row has changed since."""


@dataclass(frozen=True, slots=True)
class Change:
    """Columns of one row before and after a verb (values as the database stores them)."""

    row: models.Model
    before: dict[str, Any]
    after: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Alike:
    """The same columns of many rows of one table, all of them with the same values before and after."""

    model: type[models.Model]
    ids: Sequence[int]
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
    rows = [line for change in changes for line in _lines(action.pk, change)]
    # Plain SQL: a decision over the whole pool writes hundreds of thousands of these.
    kind = ActionRow._meta.get_field("before").db_type(connection)
    with connection.cursor() as cursor:
        cursor.executemany(
            f'INSERT INTO {ActionRow._meta.db_table} (action_id, "table", row_id, "before", "after") '  # noqa: S608
            f"VALUES (%s, %s, %s, CAST(%s AS {kind}), CAST(%s AS {kind}))",
            rows,
        )
    Action.objects.filter(pk=action.pk).update(rows_changed=models.F("rows_changed") + len(rows))
    action.rows_changed += len(rows)


def _lines(action_id: int, change: Change | Alike) -> list[tuple[int, str, int, str, str]]:
    alike = (
        Alike(type(change.row), [change.row.pk], change.before, change.after) if isinstance(change, Change) else change
    )
    before, after = json.dumps(_plain(alike.before)), json.dumps(_plain(alike.after))
    return [(action_id, alike.model._meta.label_lower, pk, before, after) for pk in alike.ids]


def undo(action: Action, *, by: User | None, door: Door = Door.PAGE) -> Action:
    """Put every row of an action back as it was, as an action of its own.

    Rows that were withdrawn since have nothing to be put back. Raises CannotUndo, and changes nothing, when a row no
    longer reads as the action left it, or when nothing of it is left.
    """
    with transaction.atomic():
        locked = Action.objects.select_for_update().get(pk=action.pk)
        if locked.undone_by_id is not None:
            raise CannotUndo(f"action {action.pk} ({action.verb}) was undone already")
        undoing = record(f"undo {locked.verb}", [], by=by, door=door)
        for rows in _newest_first(locked):
            extend(undoing, _put_back(rows))
        if locked.rows_changed and not undoing.rows_changed:
            raise CannotUndo(f"nothing is left of what action {action.pk} ({action.verb}) changed: it was withdrawn")
        Action.objects.filter(pk=locked.pk).update(undone_by=undoing)
    return undoing


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
    """Rows that changed alike are put back by one statement."""
    alike: dict[tuple[str, str, str], list[ActionRow]] = defaultdict(list)
    for row in rows:
        alike[row.table, repr(row.before), repr(row.after)].append(row)
    return [change for group in alike.values() for change in _put_back_alike(group)]


def _put_back_alike(rows: Sequence[ActionRow]) -> list[Change]:
    first, ids = rows[0], [row.row_id for row in rows]
    model = apps.get_model(first.table)
    fields = {name: model._meta.get_field(name) for name in first.before}
    after = {name: fields[name].to_python(value) for name, value in first.after.items() if name != "version"}
    before = {name: fields[name].to_python(value) for name, value in first.before.items() if name != "version"}
    # `version` only ever rises, so undoing a change of content is one more change.
    bump = {"version": models.F("version") + 1} if _has_version(model) else {}
    here = model._default_manager.filter(pk__in=ids)
    unchanged = set(here.filter(**_matching(after)).select_for_update().values_list("pk", flat=True))
    gone = set(ids) - unchanged and set(ids) - set(here.values_list("pk", flat=True))
    if changed := [pk for pk in ids if pk not in unchanged | gone]:
        raise CannotUndo(
            f"{first.table} {changed[0]} has changed since; undo the later change first (a withdrawal cannot be undone)"
        )
    if not unchanged:
        return []
    _check_targets(first, before, fields)
    here.update(**before, **bump)
    if not bump:
        return [Change(model(pk=pk), before=after, after=before) for pk in ids if pk in unchanged]
    return [
        Change(model(pk=pk), before=after | {"version": now - 1}, after=before | {"version": now})
        for pk, now in here.values_list("pk", "version")
    ]


def _check_targets(row: ActionRow, columns: dict[str, Any], fields: dict[str, Any]) -> None:
    """Raise CannotUndo when the row would point to one that was withdrawn."""
    for name, value in columns.items():
        target = fields[name].related_model
        if value is not None and target and not target._default_manager.filter(pk=value).exists():
            raise CannotUndo(
                f"{row.table} {row.row_id} would belong to {target._meta.label_lower} {value}, which was withdrawn"
            )


def _matching(columns: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}__isnull" if value is None else name: True if value is None else value
        for name, value in columns.items()
    }


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
