"""The figures of the rubric lab, from scores put there by hand."""

import pytest

from curation.rubric_report import arm_as_json, compare, report_lines
from runs.models import Call
from tests.judged import a_judge, a_score
from tests.making import a_query

pytestmark = pytest.mark.django_db


def a_call(number, cost="0.001"):
    return Call.objects.create(
        key=str(number),
        role="scorer",
        endpoint="demo",
        model="small",
        state="failed",
        prompt_tokens=100,
        completion_tokens=20,
        cost=cost,
    )


def report(judges, queries):
    return [arm_as_json(arm) for arm in compare(judges, [[query.pk for query in queries]])]


def test_an_arm_counts_what_was_readable_how_spread_it_is_and_what_it_cost():
    first, second = a_judge("complexity"), a_judge("challenge")
    queries = [a_query() for _ in range(4)]
    for number, (query, value) in enumerate(zip(queries, [2, 4, 4, None], strict=True)):
        a_score(query, first, value, call=a_call(number))
    for query, value in zip(queries, [1, 4, 3, 3], strict=True):
        a_score(query, second, value)
    arm, other = report([first, second], queries)
    assert (arm["template"], arm["order"], arm["n"], arm["readable"]) == ("complexity v1", "score_first", 4, 0.75)
    assert arm["levels"] == [0, 1, 0, 2, 0]
    assert arm["spread"] == pytest.approx(0.9428, abs=1e-4)
    assert (arm["tokens"], arm["usd"], arm["reminded"]) == (480, pytest.approx(0.004), 1)
    agreement = arm["agreement"]["challenge"]
    assert (agreement["n"], agreement["exact"], agreement["within_one"]) == (3, pytest.approx(1 / 3), 1.0)
    assert other["agreement"]["complexity"]["kappa"] == pytest.approx(agreement["kappa"])
    assert (other["tokens"], other["usd"]) == (0, None)


def test_agreement_is_told_between_templates_of_the_same_answer_order():
    judges = [a_judge(name) for name in ("complexity", "complexity-reason-first", "challenge")]
    query = a_query()
    for judge in judges:
        a_score(query, judge, 3)
    told = [set(arm["agreement"]) for arm in report(judges, [query])]
    assert told == [{"challenge"}, set(), {"complexity"}]


def test_without_scores_every_figure_is_unknown_and_the_table_still_stands():
    arms = report([a_judge()], [a_query()])
    assert (arms[0]["n"], arms[0]["readable"], arms[0]["spread"], arms[0]["agreement"]) == (0, None, None, {})
    head, line = report_lines(arms)
    assert head.startswith("template")
    assert line.count("–") >= 3
