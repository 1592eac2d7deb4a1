"""Deciding: the rules, disputes, links, verdicts that stay, and undoing the whole of it."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st

from accounts.actions import undo
from accounts.models import Action, Door
from curation.decisions.calibration import CalibrationTable
from curation.decisions.deciding import decide
from curation.decisions.rules import RULES, BadRule, Reading, Rule, Scales, is_disputed, standing
from curation.models import Decision, Link, Query, Scoring
from curation.readings import Said
from curation.scores.linking import UNCHANGED, LinkTable
from tests.judged import a_judge, a_scored_query, two_judges

SAME = LinkTable(UNCHANGED, "identity", 0)
DEFAULT = Rule()

values = st.none() | st.integers(1, 5)
expected_values = st.none() | st.floats(1, 5)
rows = st.lists(st.none() | st.builds(Said, values, expected_values), min_size=1, max_size=4).map(tuple)
rules = st.builds(Rule, st.sampled_from(list(RULES)), st.floats(1, 5))
tables = st.lists(st.floats(1, 5), min_size=5, max_size=5).map(lambda points: LinkTable(tuple(sorted(points)), "e", 50))

calibrations = tables.map(lambda table: CalibrationTable(table.table, (10,) * 5))


def decided(rule=DEFAULT, **more):
    return decide(rule, by=None, door=Door.COMMAND, at=timezone.now(), **more)


def reading(raw, linked=None, expected=None):
    return Reading(tuple(raw), tuple(linked or map(float, raw)), tuple(expected or [None] * len(raw)))


@pytest.mark.parametrize(
    ("name", "raw", "linked", "kept_up_to"),
    [
        ("mean_at_least", (5, 3), (5.0, 4.5), 4.0),
        ("linked_mean_at_least", (5, 3), (5.0, 4.5), 4.75),
        ("both_at_least", (5, 3), (5.0, 4.5), 3.0),
        ("any_at_least", (5, 3), (5.0, 4.5), 5.0),
    ],
)
def test_a_rule_keeps_up_to_its_figure(name, raw, linked, kept_up_to):
    said = reading(raw, linked)
    assert Rule(name, kept_up_to).decide(said) == Decision.KEEP
    if kept_up_to < 5:
        assert Rule(name, kept_up_to + 0.01).decide(said) == Decision.DROP


def test_the_expected_value_decides_only_where_every_judge_gave_one():
    rule = Rule("expected_at_least", 3.5)
    assert rule.decide(reading((4, 4), expected=(3.9, 3.2))) == Decision.KEEP
    assert rule.decide(reading((4, 4), expected=(3.4, 3.2))) == Decision.DROP
    assert rule.decide(reading((5, 5), expected=(4.9, None))) == Decision.NONE


@pytest.mark.parametrize(
    ("name", "threshold"), [("median_at_least", 4.0), ("mean_at_least", 5.5), ("any_at_least", float("nan"))]
)
def test_a_rule_that_is_none_is_refused_with_the_remedy(name, threshold):
    with pytest.raises(BadRule, match=r"the rules are mean_at_least|choose one from 1 to 5"):
        Rule(name, threshold)


@settings(deadline=None)
@given(rows, st.data(), rules)
def test_no_rule_keeps_a_missing_or_unreadable_score(row, data, rule):
    linked, worth = [data.draw(tables) for _ in row], [data.draw(st.none() | calibrations) for _ in row]
    columns = standing(row, Scales(linked, worth), [str(place) for place in range(len(row))], rule)
    if any(said is None or said.value is None for said in row):
        assert columns["decision"] == Decision.NONE
        assert columns["mean"] is None
    if columns["decision"] == Decision.KEEP:
        assert columns["scoring"] == Scoring.READABLE


@settings(deadline=None)
@given(rows, st.data(), rules)
def test_a_missing_score_is_no_dispute_and_an_unreadable_one_always_is(row, data, rule):
    columns = standing(row, Scales([data.draw(tables) for _ in row]), [str(place) for place in range(len(row))], rule)
    if None in row:
        assert (columns["scoring"], columns["disputed"]) == (Scoring.NONE, False)
    elif any(said.value is None for said in row):
        assert (columns["scoring"], columns["disputed"], columns["linked_gap"]) == (Scoring.UNREADABLE, True, None)


@pytest.mark.parametrize(
    ("raw", "linked", "disputed"),
    [
        ((3, 1), (3.0, 1.0), True),  # two apart
        ((3, 1), (3.0, 2.4), False),  # two apart as given, but not on one scale
        ((4, 3), (4.0, 3.0), True),  # different sides of 4
        ((4, 3), (4.0, 3.8), False),  # the second scale's 3 is read as 4
        ((5, 4), (5.0, 4.0), False),
        ((2, 2), (2.0, 4.1), True),
        ((3, 3), (3.0, 3.0), False),
    ],
)
def test_a_dispute_is_a_linked_gap_of_two_or_different_sides_of_the_threshold(raw, linked, disputed):
    assert is_disputed(reading(raw, linked), DEFAULT) == disputed


@pytest.mark.django_db
def test_deciding_sets_every_fact_with_rule_version_inputs_and_time():
    first, second = two_judges()
    query = a_scored_query({first: 5, second: 3})
    before = timezone.now()
    counts = decided()
    query = Query.objects.get(pk=query.pk)
    assert (query.decision, query.decision_rule, query.decision_version) == ("keep", "mean_at_least 4.0", 1)
    assert (query.mean, query.raw_gap, query.linked_gap, query.disputed) == (4.0, 2, 2.0, True)
    assert query.decision_inputs == {
        "complexity": {"raw": 5, "linked": 5.0},
        "challenge": {"raw": 3, "linked": 3.0},
    }
    assert before <= query.decided_at <= timezone.now()
    assert (query.version, query.stage) == (2, "kept")
    assert (counts.kept, counts.dropped, counts.unscored, counts.disputed) == (1, 0, 0, 1)


@pytest.mark.django_db
def test_the_counts_add_up_to_all_queries_in_play():
    first, second = two_judges()
    for pair in [(5, 5), (4, 4), (1, 1), (2, None), (None, None)]:
        a_scored_query(dict(zip([first, second], pair, strict=True)))
    half = a_scored_query({first: 5})
    a_scored_query({first: 5, second: 5}, duplicate_of=half)
    counts = decided()
    assert (counts.kept, counts.dropped, counts.unscored, counts.unreadable, counts.disputed) == (2, 1, 3, 2, 2)
    assert counts.kept + counts.dropped + counts.unscored == Query.objects.in_play().count()
    assert set(Query.objects.awaiting_audit().values_list("scoring", "dispute_size")) == {("unreadable", 9.0)}


@pytest.mark.django_db
def test_scales_are_linked_from_fifty_pairs_on_and_a_shifted_scale_is_no_dispute():
    first, second = two_judges()
    for level in (2, 3, 4, 5):
        for _ in range(13):
            a_scored_query({first: level, second: level - 1})
    counts = decided()
    [link] = counts.links
    assert (link.method, link.n, str(link.template), str(link.anchor)) == (
        "equipercentile",
        52,
        "challenge v1",
        "complexity v1",
    )
    assert link.table[:4] == pytest.approx([2, 3, 4, 5])
    assert counts.disputed == 0
    assert Query.objects.filter(linked_gap=0, raw_gap=1).count() == 52
    assert counts.kept == 13  # the paper's rule takes raw values
    assert decided(Rule("linked_mean_at_least", 4.0)).kept == 26
    assert Link.objects.count() == 1  # the same table is not stored twice


@pytest.mark.django_db
def test_deciding_again_changes_nothing_and_records_nothing():
    first, second = two_judges()
    query = a_scored_query({first: 4, second: 5})
    assert decided().changed == 1
    version = Query.objects.get(pk=query.pk).version
    assert decided().changed == 0
    assert Query.objects.get(pk=query.pk).version == version
    assert Action.objects.filter(verb="decide").count() == 1


@pytest.mark.django_db
def test_another_rule_with_the_same_result_is_noted_but_the_version_stays():
    first, second = two_judges()
    query = a_scored_query({first: 4, second: 5})
    decided()
    decided(Rule("any_at_least", 5.0))
    again = Query.objects.get(pk=query.pk)
    assert (again.decision, again.decision_rule, again.decision_version) == ("keep", "any_at_least 5.0", 2)
    assert again.version == 2


@pytest.mark.django_db
def test_a_verdict_is_never_overwritten_though_its_facts_are():
    first, second = two_judges()
    query = a_scored_query(
        {first: 1, second: None},
        decision="keep",
        decision_rule="verdict",
        decided_at=timezone.now() - timedelta(days=1),
        reviews_given=1,
    )
    counts = decided()
    after = Query.objects.get(pk=query.pk)
    assert (after.decision, after.decision_rule, after.decided_at) == ("keep", "verdict", query.decided_at)
    assert (after.scoring, after.disputed, after.version) == ("unreadable", True, query.version)
    assert counts.kept == 1


@pytest.mark.django_db
def test_a_query_that_someone_holds_keeps_its_claim_its_version_and_its_place(reviewer):
    first, second = two_judges()
    query = a_scored_query({first: 4, second: 5}, disputed=True)
    Query.objects.claim(query.pk, by_id=reviewer.pk, at=timezone.now())
    decided()
    after = Query.objects.get(pk=query.pk)
    assert (after.decision, after.version, after.claimed_by, after.disputed) == ("keep", 1, reviewer, True)


@pytest.mark.django_db
def test_a_kept_query_whose_score_went_missing_is_undecided_again():
    first, second = two_judges()
    query = a_scored_query({first: 5, second: 5})
    decided()
    query.scores.filter(judge=second).update(state="unreadable", value=None)
    decided()
    after = Query.objects.get(pk=query.pk)
    assert (after.decision, after.decision_rule, after.decided_at, after.stage) == ("none", "", None, "unreadable")
    assert after.decision_inputs == {}


@pytest.mark.django_db
def test_the_whole_of_it_is_one_action_that_undo_takes_back(curator):
    first, second = two_judges()
    queries = [a_scored_query({first: a, second: b}) for a, b in [(5, 5), (4, 2), (1, 1), (3, None)]]
    columns = ["scoring", "mean", "raw_gap", "linked_gap", "disputed", "decision", "decision_rule", "decision_inputs"]
    before = list(Query.objects.values(*columns, "decided_at", "decision_version"))
    decided()
    action = Action.objects.get(verb="decide")
    assert (action.rows_changed, action.note) == (4, "mean_at_least 4.0")
    undo(action, by=curator)
    assert list(Query.objects.values(*columns, "decided_at", "decision_version")) == before
    decided()
    decided(Rule("mean_at_least", 1.0))
    undo(Action.objects.filter(verb="decide").first(), by=curator)
    assert {query.decision_rule for query in Query.objects.filter(pk__in=[q.pk for q in queries[:3]])} == {
        "mean_at_least 4.0"
    }


@pytest.mark.django_db
def test_without_a_judge_that_counts_decisions_stay_as_they_are():
    judge = a_judge(counts=False)
    a_scored_query({judge: 5})
    counts = decided()
    assert (counts.changed, counts.unscored, counts.judges) == (0, 1, {})


@pytest.mark.django_db
def test_the_number_of_statements_does_not_grow_with_the_queries(django_assert_max_num_queries):
    first, second = two_judges()
    for _ in range(60):
        a_scored_query({first: 4, second: 4})
    with django_assert_max_num_queries(30):
        assert decided().kept == 60


def told(*command):
    out = StringIO()
    call_command(*command, "--json", stdout=out, stderr=StringIO())
    return json.loads(out.getvalue().splitlines()[-1]), out.getvalue()


@pytest.mark.django_db
def test_the_command_prints_the_counts_and_the_links():
    first, second = two_judges()
    for pair in [(5, 5), (1, 1), (4, None)]:
        a_scored_query(dict(zip([first, second], pair, strict=True)))
    result, text = told("decide")
    assert result == {
        "rule": "mean_at_least 4.0",
        "kept": 1,
        "dropped": 1,
        "disputed": 1,
        "unscored": 1,
        "unreadable": 1,
        "changed": 3,
    }
    assert "challenge v1 read on complexity v1 (identity, 2 pairs)" in text
    assert told("decide", "--rule", "any_at_least", "--threshold", "1")[0]["kept"] == 2


@pytest.mark.django_db
def test_the_command_says_when_there_is_nothing_to_decide():
    result, text = told("decide")
    assert (result["kept"], result["unscored"]) == (0, 0)
    assert "manage.py score" in text


@pytest.mark.django_db
@pytest.mark.parametrize("arguments", [["--rule", "median"], ["--threshold", "9"]])
def test_a_bad_rule_on_the_command_line_is_bad_input(arguments):
    with pytest.raises(CommandError) as refused:
        call_command("decide", *arguments)
    assert refused.value.returncode == 2
