"""Compare templates, models and temperatures on one sample; by default both templates in both answer orders."""

from typing import Any

from django.core.management.base import CommandParser

from curation.models import Judge, Source
from curation.scores.judges import UnknownTemplate, install_shipped_templates, template_called
from curation.scores.rubric_lab import (
    DEFAULT_ARMS,
    DEFAULT_SAMPLE,
    KIND,
    LARGEST_SAMPLE,
    MOST_ARMS,
    arms,
    asked_for,
    judges_of,
    sample_of,
    warmed,
)
from curation.scores.rubric_report import compare, report_as_json, report_lines
from curation.scores.scoring import ROLE
from llm.catalog import Catalog, CatalogError, Model
from runs.command_line import add_run_arguments, carry_out_run, catalog_for, chosen_roles
from runs.models import Run
from web.commands import NOT_FINISHED, BadInput, Outcome, StudioCommand


class Command(StudioCommand):
    help = (
        "Let arms (template version, model, temperature) rate one sample and show them side by side: agreement with "
        "people and between templates, spread, unreadable replies, tokens and money. Its scores never enter a rule."
    )
    example = "manage.py rubric_lab --sample 200 --wait"

    def add_own_arguments(self, parser: CommandParser) -> None:
        add_run_arguments(parser, amount="--sample", help_text=f"queries to draw (default: {DEFAULT_SAMPLE})")
        parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed draws other queries")
        parser.add_argument(
            "--template",
            action="append",
            metavar="NAME[@VERSION]",
            help=f"a template; may be repeated (default: {', '.join(DEFAULT_ARMS)})",
        )
        parser.add_argument("--by", action="append", metavar="MODEL", help="a model; may be repeated (default: scorer)")
        parser.add_argument(
            "--temperature", action="append", type=float, metavar="T", help="0 to 2; may be repeated (default: as set)"
        )
        parser.add_argument("--source", metavar="SLUG", help="draw only from queries of this source")
        parser.add_argument("--language", metavar="NAME", help="draw only from queries in this language")
        parser.add_argument("--judged", action="store_true", help="draw only from queries that people have judged")
        parser.add_argument("--disputed", action="store_true", help="draw only from disputed queries")

    def carry_out(self, **options: Any) -> Outcome:
        catalog = catalog_for(chosen_roles(options))
        models = _models(options, catalog)
        judges = _judges(options, models)
        self.stdout.write(_what_it_is(models))
        sample = options["sample"] or DEFAULT_SAMPLE
        if sample > LARGEST_SAMPLE:
            raise BadInput(f"--sample {sample}: a lab takes at most {LARGEST_SAMPLE} queries; draw fewer")
        if options["source"] and not Source.objects.filter(slug=options["source"]).exists():
            raise BadInput(f"--source {options['source']}: no such source; manage.py import_queries makes one")
        title, parameters = asked_for(judges, sample=sample, seed=options["seed"], filters=options)
        # A lab goes on with its models when the models file names another scorer.
        outcome = carry_out_run(self, KIND.name, title, parameters, options | {"model": [f"{ROLE}={models[0].slug}"]})
        scripted = any(model.endpoint.scripted for model in models)
        result = {"scripted": scripted, **parameters, **outcome.result}
        return Outcome(result, outcome.lines, outcome.exit_code) if options["dry_run"] else _reported(outcome, result)


def _reported(outcome: Outcome, result: dict[str, Any]) -> Outcome:
    run = Run.objects.get(pk=outcome.result["run"])
    report = compare(judges_of(run), sample_of(run))
    lines = [*outcome.lines, *report_lines(report)]
    if outcome.exit_code == NOT_FINISHED or run.items_open:
        lines.append("the report shows the scores at hand; the same command shows it again later")
    return Outcome(result=result | report_as_json(report), lines=lines, exit_code=outcome.exit_code)


def _models(options: dict[str, Any], catalog: Catalog) -> list[Model]:
    try:
        named = [catalog.model_called(name) for name in dict.fromkeys(options["by"] or [])]
        chosen = named or [catalog.model_for(ROLE)]
        return warmed(chosen, options["temperature"] or [], catalog)
    except CatalogError as error:
        raise BadInput(str(error)) from error


def _judges(options: dict[str, Any], models: list[Model]) -> list[Judge]:
    install_shipped_templates()
    try:
        templates = [template_called(name) for name in dict.fromkeys(options["template"] or DEFAULT_ARMS)]
    except UnknownTemplate as error:
        raise BadInput(f"--template: {error}") from error
    if len(templates) * len(models) > MOST_ARMS:
        raise BadInput(f"{len(templates) * len(models)} arms; a lab takes at most {MOST_ARMS}: name fewer")
    return arms(templates, models, draw=options["draw"])


def _what_it_is(models: list[Model]) -> str:
    if scripted := sorted({model.slug for model in models if model.endpoint.scripted}):
        return f"scripted: {', '.join(scripted)}: the demo model's numbers follow rules and say nothing about templates"
    return "answers of " + ", ".join(f"{model.slug} at {model.endpoint.name}" for model in models)
