"""Compare the templates in both answer orders."""

from typing import Any

from django.core.management.base import CommandParser

from curation.judges import REASON_FIRST_TWINS, install_shipped_templates, judge_of, newest_template
from curation.management.commands.score import pinned, scorer
from curation.models import Judge
from curation.rubric_report import arm_as_json, compare, report_lines
from curation.scoring import KIND, chosen_queries
from llm.catalog import Model
from runs.command_line import add_run_arguments, carry_out_run
from web.commands import NOT_FINISHED, Outcome, StudioCommand

DEFAULT_SAMPLE = 200


class Command(StudioCommand):
    help = "Score a sample with both templates in both answer orders and show the arms side by side."
    example = "manage.py rubric_lab --sample 200 --wait"

    def add_own_arguments(self, parser: CommandParser) -> None:
        add_run_arguments(parser, amount="--sample", help_text=f"queries to draw (default: {DEFAULT_SAMPLE})")
        parser.add_argument("--seed", type=int, default=0, metavar="N", help="another seed draws other queries")

    def carry_out(self, **options: Any) -> Outcome:
        model = scorer(options)
        self.stdout.write(_what_it_is(model))
        judges = _lab_judges(model, draw=options["draw"])
        parameters = {
            "judges": [judge.pk for judge in judges],
            "sample": options["sample"] or DEFAULT_SAMPLE,
            "seed": options["seed"],
        }
        title = f"Rubric lab on {parameters['sample']} queries by {model.slug}"
        outcome = carry_out_run(self, KIND.name, title, parameters, pinned(options, model))
        if options["dry_run"]:
            return outcome
        arms = [arm_as_json(arm) for arm in compare(judges, chosen_queries(parameters))]
        lines = [*outcome.lines, *report_lines(arms)]
        if outcome.exit_code == NOT_FINISHED or not options["wait"]:
            lines.append("the report shows the scores at hand; the same command shows it again later")
        result = {"scripted": model.endpoint.scripted, **parameters, "arms": arms, **outcome.result}
        return Outcome(result=result, lines=lines, exit_code=outcome.exit_code)


def _lab_judges(model: Model, *, draw: int) -> list[Judge]:
    """Each shipped template in both orders. New judges do not count in rules; those that count are asked no more."""
    install_shipped_templates()
    names = [name for pair in REASON_FIRST_TWINS.items() for name in pair]
    return [judge_of(newest_template(name), model, draw=draw) for name in names]


def _what_it_is(model: Model) -> str:
    if model.endpoint.scripted:
        return f"scripted: {model.slug} is the demo model, whose numbers follow rules and say nothing about templates"
    return f"answers of {model.slug} at {model.endpoint.name}"
