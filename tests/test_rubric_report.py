"""The figures of the rubric lab, from scores put there by hand."""

import pytest

from curation.models import Verdict
from curation.scores.intervals import spread_of, wilson
from curation.scores.rubric_report import compare, report_as_json, report_lines
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


def an_arm(name, **columns):
    return a_judge(name, counts=False, lab=True, **columns)


def report(judges, queries):
    return report_as_json(compare(judges, [query.pk for query in queries]))["arms"]


def test_an_arm_counts_what_was_readable_how_spread_it_is_and_what_it_cost():
    first, second = an_arm("complexity"), an_arm("challenge")
    queries = [a_query() for _ in range(4)]
    for number, (query, value) in enumerate(zip(queries, [2, 4, 4, None], strict=True)):
        a_score(query, first, value, call=a_call(number))
    for query, value in zip(queries, [1, 4, 3, 3], strict=True):
        a_score(query, second, value)
    arm, other = report([first, second], queries)
    assert (arm["template"], arm["order"], arm["n"], arm["readable"]) == ("complexity v1", "score_first", 4, 0.75)
    assert arm["levels"] == [0, 1, 0, 2, 0]
    assert arm["spread"] == pytest.approx(0.9428, abs=1e-4)
    assert arm["spread_interval"][0] < arm["spread"]
    assert arm["unreadable"]["low"] < arm["unreadable"]["value"] == 0.25 < arm["unreadable"]["high"]
    assert (arm["tokens"], arm["usd"], arm["reminded"]) == (480, pytest.approx(0.004), 1)
    agreement = arm["agreement"]["challenge v1"]
    assert (agreement["n"], agreement["within_one"]["value"]) == (3, 1.0)
    assert agreement["exact"]["value"] == pytest.approx(1 / 3)
    assert other["agreement"]["complexity v1"]["kappa"]["value"] == pytest.approx(agreement["kappa"]["value"])
    assert (other["tokens"], other["usd"]) == (0, None)


def test_agreement_is_told_between_templates_in_the_same_order_by_the_same_model():
    judges = [an_arm(name) for name in ("complexity", "complexity-reason-first", "challenge")]
    judges.append(an_arm("challenge", model="other"))
    query = a_query()
    for judge in judges:
        a_score(query, judge, 3)
    told = [set(arm["agreement"]) for arm in report(judges, [query])]
    assert told == [{"challenge v1"}, set(), {"complexity v1"}, set()]


def test_people_say_whether_reasoning_first_is_worth_its_price(reviewer):
    score_first, reason_first = an_arm("complexity"), an_arm("complexity-reason-first")
    queries = [a_query() for _ in range(30)]
    for number, query in enumerate(queries):
        level = number % 5 + 1
        Verdict.objects.create(query=query, by=reviewer, value=level, keep=True)
        a_score(query, reason_first, level, call=a_call(f"r{number}", cost="0.003"))
        # The other arm is off by chance, up and down.
        a_score(query, score_first, (number * 7) % 5 + 1, call=a_call(f"s{number}"))
    # A verdict that was taken back says nothing.
    Verdict.objects.create(query=a_query(), by=reviewer, value=1, keep=True, withdrawn=True)
    found = compare([score_first, reason_first], [query.pk for query in queries])
    whole = report_as_json(found)
    [told] = whole["reason_first"]
    assert (whole["judged_queries"], told["n"], whole["arms"][1]["people"]["exact"]["value"]) == (30, 30, 1.0)
    assert told["answer"] == "reasoning first agrees better with people"
    assert 0 < told["kappa_gain"]["low"] < told["kappa_gain"]["value"]
    assert told["price_ratio"] == pytest.approx(3.0)
    assert "reasoning first agrees better" in report_lines(found)[-1]


def test_without_scores_every_figure_is_unknown_and_the_table_still_stands():
    found = compare([an_arm("complexity"), an_arm("complexity-reason-first")], [a_query().pk])
    arm = report_as_json(found)["arms"][0]
    assert (arm["n"], arm["readable"], arm["spread"], arm["agreement"]) == (0, None, None, {})
    head, line, _, answer = report_lines(found)
    assert head.startswith("arm") and line.count("–") >= 3
    assert "too few verdicts" in answer


def test_a_share_and_a_spread_hold_at_the_edges():
    # Newcombe (1998), Statistics in Medicine 17:857, table I, method 3: 0 of 20 and 81 of 263.
    assert [round(end, 4) for end in (wilson(0, 20).low, wilson(0, 20).high)] == [0, 0.1611]
    assert (round(wilson(81, 263).low, 4), round(wilson(81, 263).high, 4)) == (0.2553, 0.3662)
    assert wilson(0, 0).value is None
    assert spread_of({3: 10}).value == 0.0 == spread_of({3: 10}).high
