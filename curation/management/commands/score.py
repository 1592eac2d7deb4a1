"""Let judges rate queries."""

from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from accounts.models import Door
from curation.models import Judge, Source, Template
from curation.scores.judges import (
    DEFAULT_TEMPLATES,
    UnknownTemplate,
    install_shipped_templates,
    judge_of,
    let_count,
    newest_template,
)
from curation.scores.scoring import KIND, ROLE, asked_for
from llm.catalog import Model
from runs.command_line import add_run_arguments, carry_out_run, catalog_for, check_models, chosen_roles
from web.commands import BadInput, Outcome, StudioCommand


class Command(StudioCommand):
    help = "Let judges rate the complexity of queries, 1 to 5: each template asked of the scorer is a judge."
    example = "manage.py score --limit 2000 --budget 5 --wait"

    def add_own_arguments(self, parser: CommandParser) -> None:
        default = ", ".join(DEFAULT_TEMPLATES)
        parser.add_argument(
            "--template", action="append", metavar="NAME", help=f"a template; may be repeated (default: {default})"
        )
        parser.add_argument("--source", metavar="SLUG", help="only queries of this source")
        parser.add_argument(
            "--count-instead",
            action="store_true",
            help="rules count these judges from now on, in place of earlier judges of the same templates",
        )
        add_run_arguments(parser, help_text="only the first N queries in play, scored or not")

    def carry_out(self, **options: Any) -> Outcome:
        _check_source(options["source"])
        model = scorer(options)
        judges = [judge_of(template, model, draw=options["draw"]) for template in _templates(options["template"])]
        if not options["dry_run"]:
            let_count(judges, instead=options["count_instead"], by=None, door=Door.COMMAND)
        title, parameters = asked_for(judges, model, source=options["source"], limit=options["limit"])
        outcome = carry_out_run(self, KIND.name, title, parameters, pinned(options, model))
        return replace(outcome, lines=[*outcome.lines, *scripted_line(model), *_not_counting(judges, options)])


def scorer(options: dict[str, Any]) -> Model:
    """The model that the options and the models file name as scorer."""
    catalog = catalog_for(chosen_roles(options))
    check_models(catalog, [ROLE], ask_now=False)
    return catalog.model_for(ROLE)


def pinned(options: dict[str, Any], model: Model) -> dict[str, Any]:
    """The options with the scorer named: a run goes on with the model of its judges when the models file changes."""
    return {**options, "model": [*options["model"], f"{ROLE}={model.slug}"]}


def scripted_line(model: Model) -> list[str]:
    """What every report on the demo model says."""
    return [f"{model.slug} is the scripted demo model: its scores follow rules"] if model.endpoint.scripted else []


def _templates(names: list[str] | None) -> list[Template]:
    install_shipped_templates()
    try:
        return [newest_template(name) for name in dict.fromkeys(names or DEFAULT_TEMPLATES)]
    except UnknownTemplate as error:
        raise BadInput(f"--template: {error}") from error


def _check_source(slug: str | None) -> None:
    if slug is not None and not Source.objects.filter(slug=slug).exists():
        known = ", ".join(Source.objects.values_list("slug", flat=True)) or "none yet; import_queries makes one"
        raise BadInput(f"--source {slug}: no such source; there are: {known}")


def _not_counting(judges: list[Judge], options: dict[str, Any]) -> list[str]:
    if options["dry_run"]:
        return []
    left_out = Judge.objects.filter(pk__in=[judge.pk for judge in judges], counts=False).select_related("template")
    return [
        f"{judge} does not count in rules, because another judge of {judge.template.name} does; "
        "--count-instead changes that"
        for judge in left_out
    ]
