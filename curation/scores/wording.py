"""Word rating templates: an edit makes the next version, a version is retired or brought back."""

import re

from django.db import transaction
from django.db.models import Max

from accounts.actions import Change, record
from accounts.models import Action, Door, User
from curation.models import Template

AFTER_QUERY = re.compile(r"(?m)^[^\n]*\{\{\s*query\s*\}\}[^\n]*\n(?:</query>[^\n]*\n)?")
RESPONSE_BLOCK = "\n<response>\n{{response}}\n</response>\n"
RESPONSE_LINES = re.compile(r"(?:\n?<response>\n)?[^\n]*\{\{\s*response\s*\}\}[^\n]*\n?(?:</response>\n?)?")


def with_response(body: str, *, shown: bool) -> str:
    """The body with a place for the answer that came with the query, below the query; or without one."""
    if not shown:
        return RESPONSE_LINES.sub("", body)
    if RESPONSE_LINES.search(body):
        return body
    place = AFTER_QUERY.search(body)
    return body if place is None else body[: place.end()] + RESPONSE_BLOCK + body[place.end() :]


def add_version(draft: Template, *, by: User | None, door: Door = Door.PAGE) -> tuple[Template, Action | None]:
    """Keep a draft as the next version of its name; no action when the newest one reads the same."""
    with transaction.atomic():
        versions = list(Template.objects.select_for_update().filter(name=draft.name, retired=False)[:1])
        if versions and _reads_the_same(versions[0], draft):
            return versions[0], None
        newest = Template.objects.filter(name=draft.name).aggregate(newest=Max("version"))["newest"] or 0
        draft.version = newest + 1
        draft.save(force_insert=True)
        return draft, record("word template", [_offered(draft, True)], by=by, door=door, note=str(draft))


def retire(template: Template, *, by: User | None, door: Door = Door.PAGE) -> Action | None:
    """Offer a version no longer; its judges and scores stay. None when it was retired already."""
    return _offer(template, False, "retire template", by=by, door=door)


def bring_back(template: Template, *, by: User | None, door: Door = Door.PAGE) -> Action | None:
    """Offer a retired version again."""
    return _offer(template, True, "bring back template", by=by, door=door)


def _offer(template: Template, offered: bool, verb: str, *, by: User | None, door: Door) -> Action | None:
    with transaction.atomic():
        if not Template.objects.filter(pk=template.pk, retired=offered).update(retired=not offered):
            return None
        return record(verb, [_offered(template, offered)], by=by, door=door, note=str(template))


def _offered(template: Template, offered: bool) -> Change:
    return Change(template, {"retired": offered}, {"retired": not offered})


def _reads_the_same(one: Template, other: Template) -> bool:
    return (one.body, one.answer_order, one.level_labels) == (other.body, other.answer_order, other.level_labels)
