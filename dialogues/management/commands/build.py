"""Build dialogues from kept queries."""

from dataclasses import replace
from typing import Any

from django.core.management.base import CommandParser

from curation.models import Source
from curation.vectors import embed_missing, without_vector
from dialogues.building import KINDS, PACKING, kept_queries
from embeddings import Embedder, MissingExtra
from llm.catalog import Model
from runs.command_line import add_run_arguments, carry_out_run, catalog_for, check_models, chosen_roles
from runs.kinds import Kind
from web.commands import BadInput, Outcome, StudioCommand
from web.counts import counted

METHODS = {kind.name: kind for kind in KINDS}


class Command(StudioCommand):
    help = "Build dialogues from kept queries by one of the methods; they go into review."
    example = "manage.py build simulation --limit 200 --budget 5 --wait"

    def add_own_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("method", choices=sorted(METHODS), help="how the dialogues are made")
        parser.add_argument("--seed", type=int, default=1, metavar="N", help="the order in which queries are taken up")
        parser.add_argument("--source", metavar="SLUG", help="only queries of this source")
        parser.add_argument("--settled-only", action="store_true", help="leave disputed queries out")
        parser.add_argument(
            "--feedback-rounds", type=int, choices=range(4), default=1, help="simulation: how often the user speaks"
        )
        add_run_arguments(parser, help_text="at most N dialogues")

    def carry_out(self, **options: Any) -> Outcome:
        kind = METHODS[options["method"]]
        _check_source(options["source"])
        parameters = {name: options[name] for name in ("limit", "seed", "source", "settled_only")}
        if kind is PACKING:
            self.embed(parameters)
        else:
            models = _models(kind, options)
            parameters["feedback_rounds"] = options["feedback_rounds"]
            parameters["scripted"] = any(model.endpoint.scripted for model in models)
            # Named in the run, so that it goes on with the same models when the models file changes.
            named = [f"{role}={model.slug}" for role, model in zip(kind.roles, models, strict=True)]
            options["model"] = [*options["model"], *named]
        outcome = carry_out_run(self, kind.name, kind.title, parameters, options)
        return replace(outcome, lines=[*outcome.lines, *_remarks(parameters, outcome.result)])

    def embed(self, parameters: dict[str, Any]) -> None:
        """Fill in missing vectors first, where their progress can be seen."""
        try:
            embedder = Embedder()
        except MissingExtra as error:
            raise BadInput(f"build packing: {error}") from error
        queries = kept_queries(parameters)
        missing = without_vector(queries, embedder.name).count()
        for _ in self.progress(embed_missing(queries, embedder), total=missing, what="embedding"):
            continue


def _check_source(slug: str | None) -> None:
    if slug is not None and not Source.objects.filter(slug=slug).exists():
        known = ", ".join(Source.objects.values_list("slug", flat=True)) or "none yet; import_queries makes one"
        raise BadInput(f"--source {slug}: no such source; there are: {known}")


def _models(kind: Kind, options: dict[str, Any]) -> list[Model]:
    """The models that play the roles of this kind, as the options and the models file name them."""
    catalog = catalog_for(chosen_roles(options))
    check_models(catalog, kind.roles, ask_now=False)
    return [catalog.model_for(role) for role in kind.roles]


def _remarks(parameters: dict[str, Any], result: dict[str, Any]) -> list[str]:
    remarks = []
    if parameters.get("scripted"):
        remarks.append("a role is played by the scripted demo model: the dialogues are marked so")
    if result.get("leftovers"):
        remarks.append(f"{counted(result['leftovers'], 'query', 'queries')} found no place in a pack")
    if result.get("not_runnable"):
        remarks.append(f"{counted(result['not_runnable'], 'query', 'queries')} in languages that this host cannot run")
    return remarks
