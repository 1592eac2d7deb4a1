"""Rating templates and the judges made of them: put into words for one query, chosen to count."""

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from django.db import transaction
from django.db.models import Max

from accounts.actions import Change, record
from accounts.models import Action, Door, User
from curation.models import AnswerOrder, Judge, Template
from curation.scores.template_files import read_template
from llm.catalog import Model
from llm.prompts import placeholders, render

PROMPTS = Path(__file__).parents[1] / "prompts"
ANCHOR = "complexity"
DEFAULT_TEMPLATES = (ANCHOR, "challenge")
# Each shipped template in both answer orders; the rubric lab compares them.
REASON_FIRST_TWINS = {"complexity": "complexity-reason-first", "challenge": "challenge-reason-first"}

ORDER_WORDS = {
    AnswerOrder.SCORE_FIRST: (
        "Write your reply in this order: the first line holds the score alone, one digit from 1 to 5. "
        "Below it, give the reason in two or three sentences."
    ),
    AnswerOrder.REASON_FIRST: (
        "Write your reply in this order: the reason in two or three sentences, without naming a level yet. "
        "After it, the last line holds the score, written as `Score: N` with one digit from 1 to 5 for N."
    ),
}
# A judge sees at most this much of a query, in characters: where it begins, and where the question often stands.
SHOWN_HEAD, SHOWN_TAIL = 6_000, 2_000
TAGS = re.compile(r"<(/?)(query|response)>", re.IGNORECASE)


class UnknownTemplate(LookupError):
    """No template has that name."""


def install_shipped_templates() -> None:
    """Make a version of each shipped template whose wording is new here; what stands already stays."""
    for path in sorted(PROMPTS.glob("*.toml")):
        shipped = read_template(path.read_text(encoding="utf-8"), path.name)
        versions = Template.objects.filter(name=shipped.name)
        same = versions.filter(body=shipped.body, answer_order=shipped.answer_order, level_labels=shipped.level_labels)
        if not same.exists():
            shipped.version = (versions.aggregate(newest=Max("version"))["newest"] or 0) + 1
            shipped.save()


def template_names() -> list[str]:
    """The names of all templates, the usual ones first; those too whose shipped file nobody has used yet."""
    shipped = {read_template(path.read_text(encoding="utf-8"), path.name).name for path in PROMPTS.glob("*.toml")}
    offered = set(Template.objects.filter(retired=False).values_list("name", flat=True))
    names = (shipped - set(Template.objects.values_list("name", flat=True))) | offered
    return sorted(names, key=lambda name: (name not in DEFAULT_TEMPLATES, name != ANCHOR, name))


def newest_template(name: str) -> Template:
    """The newest version of a template that is not retired."""
    template = Template.objects.filter(name=name, retired=False).order_by("-version").first()
    if template is None:
        known = ", ".join(
            Template.objects.filter(retired=False).order_by("name").values_list("name", flat=True).distinct()
        )
        raise UnknownTemplate(f"no template is called {name!r}; there are: {known or 'none'}")
    return template


def template_called(name: str) -> Template:
    """A template by `name` (its newest version) or `name@version`, retired or not."""
    plain, at, version = name.partition("@")
    if not at:
        return newest_template(name)
    found = Template.objects.filter(name=plain, version=int(version) if version.isdecimal() else 0).first()
    if found is None:
        raise UnknownTemplate(f"there is no {plain}@{version}; manage.py templates list names all")
    return found


def judge_of(template: Template, model: Model, *, draw: int = 0, lab: bool = False) -> Judge:
    """The judge that asks this model with this template; a new one does not count yet, one of the lab never does.

    A draw makes another judge only of a model that is sampled: at temperature 0 it changes no answer.
    """
    return Judge.objects.get_or_create(
        template=template,
        model=model.slug,
        sampling=dict(sorted(model.sampling().items())),
        draw=draw if model.temperature > 0 else 0,
        lab=lab,
        defaults={"counts": False},
    )[0]


def let_count(judges: Iterable[Judge], *, instead: bool, by: User | None, door: Door) -> list[Judge]:
    """Let judges count where none of their template's name does; `instead`: in the place of those that do.

    Returns the judges that count now. What was decided before stays until the next `decide`.
    """
    with transaction.atomic():
        changes = [change for judge in judges for change in _changes_for(judge, instead=instead)]
        for change in changes:
            Judge.objects.filter(pk=change.row.pk).update(**change.after)
        if changes:
            record("choose judges", changes, by=by, door=door)
    return counting_judges()


def _changes_for(judge: Judge, *, instead: bool) -> list[Change]:
    rivals = list(Judge.objects.filter(template__name=judge.template.name, counts=True).exclude(pk=judge.pk))
    if Judge.objects.filter(pk=judge.pk, counts=True).exists() or (rivals and not instead):
        return []
    taken = [Change(rival, {"counts": True}, {"counts": False}) for rival in rivals]
    return [*taken, Change(judge, {"counts": False}, {"counts": True})]


def leave_out(judge: Judge, *, by: User | None, door: Door) -> Action | None:
    """Let a judge count no longer; None when it does not count anyway."""
    with transaction.atomic():
        if not Judge.objects.filter(pk=judge.pk, counts=True).update(counts=False):
            return None
        return record("choose judges", [Change(judge, {"counts": True}, {"counts": False})], by=by, door=door)


def counting_judges() -> list[Judge]:
    """The judges whose scores enter rules, the anchor of the scales first."""
    judges = Judge.objects.filter(counts=True).select_related("template").order_by("pk")
    return sorted(judges, key=lambda judge: judge.template.name != ANCHOR)


def names_of(judges: Sequence[Judge]) -> list[str]:
    """A name for each judge, as short as tells them apart: its template's, else with model and number."""
    names = [judge.template.name for judge in judges]
    return [
        name if names.count(name) == 1 else f"{name} by {judge.model} #{judge.pk}"
        for name, judge in zip(names, judges, strict=True)
    ]


def messages_for(template: Template, *, query: str, response: str) -> list[dict[str, str]]:
    """What a judge is sent for one query."""
    words: dict[str, Any] = {
        "query": _shown(query),
        "levels": "\n".join(f"{level} = {label}" for level, label in enumerate(template.level_labels, start=1)),
        "order": ORDER_WORDS[AnswerOrder(template.answer_order)],
        "response": _shown(response),
    }
    asked = {name: words[name] for name in placeholders(template.body)}
    return [{"role": "user", "content": render(template.body, **asked).strip()}]


def _shown(text: str) -> str:
    """The text as it stands between tags: none of its own, and with a visible mark where it was cut."""
    text = TAGS.sub(r"<\1\2 >", text)
    left_out = len(text) - SHOWN_HEAD - SHOWN_TAIL
    if left_out <= 0:
        return text
    return f"{text[:SHOWN_HEAD]}\n[… {left_out} characters are left out here …]\n{text[-SHOWN_TAIL:]}"
