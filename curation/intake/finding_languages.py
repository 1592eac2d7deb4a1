"""Find languages that no source and no fence names, and the language in which each query is written."""

from collections import Counter, defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from django.db import transaction
from django.utils import timezone

from accounts.actions import Change, extend, record
from accounts.models import Action, Door, User
from curation.intake.detectors import UNDETERMINED, Detectors
from curation.models import LanguagePass, Query
from curation.passes import Progress, Watch, blocks_of, next_version, unshown, unwatched
from curation.pool_passes import ask_for, keep_action, told

DOING = "looking, in blocks"


@dataclass(slots=True)
class FoundLanguages:
    """What one pass found: how many queries of each language of code and of prose."""

    checked: int = 0
    code: Counter[str] = field(default_factory=Counter)
    prose: Counter[str] = field(default_factory=Counter)
    action: Action | None = None


def ask_for_languages(*, by: User | None) -> LanguagePass:
    """Note that queries are to be looked at. Raises AtWork while another pass goes on."""
    return ask_for(LanguagePass, by=by)


def look(one: LanguagePass, *, door: Door, tell: Detectors, progress: Progress = unshown) -> None:
    """Carry out a pass that was asked for; its row says how far it is, and what it found."""
    shown = told(one, progress)
    found = find_languages(
        by=one.by,
        door=door,
        tell=tell,
        watch=lambda blocks, total: shown(blocks, total=total, what=DOING),
        began=partial(keep_action, one),
    )
    one.found = {"checked": found.checked, "told": found.code.total(), "code": found.code, "prose": found.prose}
    one.finished_at = timezone.now()
    one.save(update_fields=["found", "finished_at"])


def find_languages(
    *,
    by: User | None,
    door: Door,
    tell: Detectors,
    watch: Watch = unwatched,
    began: Callable[[Action], None] = lambda action: None,
) -> FoundLanguages:
    """Look at each query once, in blocks that stand when the pass is stopped; a stated language is left alone.

    `began` hears of the action as soon as there is one.
    """
    found = FoundLanguages()
    for pks in blocks_of(Query.objects.filter(natural_language=None), watch):
        changes = [_change(query, tell) for query in Query.objects.filter(pk__in=pks).order_by("pk")]
        with transaction.atomic():
            _write(changes)
            if found.action is None:
                found.action = record("find languages", changes, by=by, door=door)
                began(found.action)
            else:
                extend(found.action, changes)
        _count(found, changes)
    return found


def _change(query: Query, tell: Detectors) -> Change:
    after = {"natural_language": tell.prose(query.text) or UNDETERMINED}
    if not query.language and (language := tell.code(query.response)):
        after["language"] = language
    return Change(query, {name: getattr(query, name) for name in after}, after)


def _write(changes: list[Change]) -> None:
    """One update for each pair of languages."""
    alike: dict[tuple[tuple[str, str], ...], list[int]] = defaultdict(list)
    for change in changes:
        alike[tuple(change.after.items())].append(change.row.pk)
    version = next_version(timezone.now())
    for after, pks in alike.items():
        Query.objects.filter(pk__in=pks).update(**dict(after), version=version)


def _count(found: FoundLanguages, changes: list[Change]) -> None:
    found.checked += len(changes)
    found.prose.update(change.after["natural_language"] for change in changes)
    found.code.update(change.after["language"] for change in changes if "language" in change.after)
