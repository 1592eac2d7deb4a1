"""Record every verb with the rows it changed, and undo it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.apps import apps
from django.core.serializers.json import DjangoJSONEncoder
from django.db import models, transaction

from accounts.models import Action, ActionRow, Door, User


class CannotUndo(Exception):
    """The action was undone before, or a row has changed since."""


@dataclass(frozen=True, slots=True)
class Change:
    """Columns of one row before and after a verb (values as the database stores them)."""

    row: models.Model
    before: dict[str, Any]
    after: dict[str, Any]


def record(verb: str, changes: Iterable[Change], *, by: User | None, door: Door = Door.PAGE, note: str = "") -> Action:
    """Write the action of a verb; call it inside the verb's own transaction."""
    action = Action.objects.create(verb=verb, by=by, door=door, note=note)
    extend(action, changes)
    return action


def extend(action: Action, changes: Iterable[Change]) -> None:
    """Add rows to an action whose verb works through many rows block by block, each block in its transaction."""
    rows = [
        ActionRow(
            action=action,
            table=change.row._meta.label_lower,
            row_id=change.row.pk,
            before=_plain(change.before),
            after=_plain(change.after),
        )
        for change in changes
    ]
    ActionRow.objects.bulk_create(rows, batch_size=500)
    Action.objects.filter(pk=action.pk).update(rows_changed=models.F("rows_changed") + len(rows))
    action.rows_changed += len(rows)


def undo(action: Action, *, by: User | None, door: Door = Door.PAGE) -> Action:
    """Put every row of an action back as it was, as an action of its own.

    Raises CannotUndo, and changes nothing, when a row no longer reads as the action left it.
    """
    with transaction.atomic():
        locked = Action.objects.select_for_update().get(pk=action.pk)
        if locked.undone_by_id is not None:
            raise CannotUndo(f"action {action.pk} ({action.verb}) was undone already")
        changes = [_put_back(row) for row in locked.rows.order_by("-pk")]
        undoing = record(f"undo {locked.verb}", changes, by=by, door=door)
        Action.objects.filter(pk=locked.pk).update(undone_by=undoing)
    return undoing


def standing_action(row: models.Model, verb: str) -> Action:
    """The action of that verb on the row that has not been undone; it may itself be the undo of an undo."""
    of_row = Action.objects.filter(rows__table=row._meta.label_lower, rows__row_id=row.pk)
    action = of_row.filter(verb__endswith=verb, undone_by=None).order_by("-pk").first()
    if action is None:
        raise CannotUndo(f"no action {verb!r} stands for {row}")
    return action


def _put_back(row: ActionRow) -> Change:
    model = apps.get_model(row.table)
    fields = {name: model._meta.get_field(name) for name in row.before}
    after = {name: fields[name].to_python(value) for name, value in row.after.items() if name != "version"}
    before = {name: fields[name].to_python(value) for name, value in row.before.items() if name != "version"}
    # `version` only ever rises, so undoing a change of content is one more change.
    bump = {"version": models.F("version") + 1} if _has_version(model) else {}
    unchanged = model._default_manager.filter(pk=row.row_id, **_matching(after))
    if unchanged.update(**before, **bump) != 1:
        raise CannotUndo(f"{row.table} {row.row_id} has changed since; undo the later change first")
    now = model._default_manager.get(pk=row.row_id)
    if bump:
        before, after = before | {"version": now.version}, after | {"version": now.version - 1}
    return Change(now, before=after, after=before)


def _matching(columns: dict[str, Any]) -> dict[str, Any]:
    return {
        f"{name}__isnull" if value is None else name: True if value is None else value
        for name, value in columns.items()
    }


def _has_version(model: type[models.Model]) -> bool:
    return any(field.name == "version" for field in model._meta.fields)


def _plain(columns: dict[str, Any]) -> dict[str, Any]:
    encoder = DjangoJSONEncoder()
    return {name: _json_value(value, encoder) for name, value in columns.items()}


def _json_value(value: Any, encoder: DjangoJSONEncoder) -> Any:
    if value is None or isinstance(value, (str, int, float, bool, list, dict)):
        return value
    # The encoder would cut microseconds off, and undo would no longer find the row as it left it.
    return value.isoformat() if isinstance(value, datetime) else encoder.default(value)
