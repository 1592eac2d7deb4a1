"""What a rule would do is what it then does: counts, flips and their lists, for every rule; and what verdicts teach."""

import random

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Door
from curation.audits.estimation import precision
from curation.decisions.deciding import decide
from curation.decisions.foreseeing import flipping, ground, outlook
from curation.decisions.learning import best_threshold, judged_by, lessons, who_was_right
from curation.decisions.rules import RULES, BadRule, Rule
from curation.decisions.ruling import ask_for_decision, carry_out
from curation.models import Calibration, Decision, Query, RulePass, Score, Verdict
from curation.pool_passes import AtWork
from curation.readings import joint_counts, store_facts
from curation.scores.patterns import pairs_in, patterns_with, row_of, tally
from tests.judged import a_judge, a_score, score_of, two_judges
from tests.making import a_query, many_queries

pytestmark = pytest.mark.django_db


def a_pool(count=60, seed=3):
    """Queries with scores by two judges, some unreadable, some in part, some without an expected value."""
    rng, judges, scores = random.Random(seed), two_judges(), []
    queries = many_queries([{"language": rng.choice(["python", "go", ""])} for _ in range(count)])
    for number, query in enumerate(queries):
        latent = rng.gauss(3.4, 1.2)
        for judge, shift in zip(judges, (0, -0.6), strict=True):
            value = min(5, max(1, round(latent + shift + rng.gauss(0, 0.4))))
            if number % 17 == 5 and shift:
                continue
            expected = None if number % 11 == 3 else min(5.0, max(1.0, value + rng.uniform(-0.4, 0.4)))
            unreadable = number % 13 == 4
            given = (None, None) if unreadable else (value, expected)
            scores.append(score_of(query, judge, given[0], expected=given[1]))
    Score.objects.bulk_create(scores)
    store_facts(list(Query.objects.order_by("pk").values_list("pk", flat=True)), judges)
    return judges


def audited(reviewer, count=40, stratum="all", weight=1.5):
    """Verdicts: people give one level less than the first judge and keep from 3 on."""
    columns = {"by": reviewer, "stratum": stratum, "weight": weight, "who_was_right": "b"}
    verdicts = []
    for query in Query.objects.filter(scoring="readable").order_by("pk").prefetch_related("scores")[:count]:
        first = min(query.scores.all(), key=lambda score: score.pk)
        value = max(1, first.value - 1)
        verdicts.append(Verdict(query=query, value=value, keep=value >= 3, **columns))
    Verdict.objects.bulk_create(verdicts)


def decided(rule):
    return decide(rule, by=None, door=Door.COMMAND, at=timezone.now())


def sides():
    return dict(Query.objects.order_by("pk").values_list("pk", "decision"))


@pytest.mark.parametrize("name", RULES)
def test_what_was_foreseen_comes_to_pass(name, reviewer):
    a_pool()
    audited(reviewer)
    decided(Rule("mean_at_least", 2.0))
    kept_by_hand = Query.objects.filter(decision="drop").first()
    Query.objects.filter(pk=kept_by_hand.pk).update(decision="keep", decision_rule="verdict")
    rule, on, before = Rule(name, 4.0), ground(), sides()
    seen = outlook(rule, on)
    listed = {to: set(flipping(rule, to, on).values_list("pk", flat=True)) for to in Decision}
    came = decided(rule)
    after = sides()
    # Queries that no judge or only one has rated are undecided now and then, and no flip.
    assert (seen.kept, seen.dropped) == (came.kept, came.dropped)
    assert seen.flips == sum(before[pk] != after[pk] for pk in after) > 0
    for to, count in ((Decision.KEEP, seen.to_keep), (Decision.DROP, seen.to_drop), (Decision.NONE, seen.to_undecided)):
        moved = {pk for pk in after if before[pk] != after[pk] == to}
        assert listed[to] >= moved
        assert len(moved) == count
        assert all(after[pk] == to for pk in listed[to])
    assert after[kept_by_hand.pk] == "keep"
    assert outlook(rule, ground()).flips == 0


def test_a_pattern_says_who_gave_what_and_belongs_to_the_judges_that_count():
    first, second = judges = a_pool(20)
    patterns = {pattern: n for (pattern,), n in tally().items()}
    assert pairs_in(patterns, first, second) == joint_counts(first, second)
    unreadable = patterns_with(patterns, {first: None, second: None})
    assert [(said.value, said.expected) for said in row_of(unreadable[0], judges)] == [(None, None), (None, None)]
    assert row_of(unreadable[0], [first]) is None


def test_what_a_rule_would_do_is_told_without_a_look_at_the_queries_themselves():
    with CaptureQueriesContext(connection) as captured:
        ground()
    asked = [one["sql"] for one in captured.captured_queries]
    assert len(asked) >= 3
    assert not [sql for sql in asked if 'FROM "curation_query"' in sql or 'FROM "curation_score"' in sql]


def test_when_other_judges_count_the_next_decision_brings_the_patterns_up_to_date():
    first, second = a_pool(20)
    third = a_judge("challenge-reason-first", counts=False)
    for query in Query.objects.all():
        a_score(query, third, 3)
    type(first).objects.filter(pk=second.pk).update(counts=False)
    type(first).objects.filter(pk=third.pk).update(counts=True)
    assert ground().outdated == sum(tally().values()) > 0
    assert outlook(Rule(), ground()).flips == 0  # of what is out of date nothing is foretold
    decided(Rule())
    assert ground().outdated == 0
    assert all(f"{third.pk}=3" in pattern for (pattern,) in tally())


def test_scores_read_again_change_the_pattern_of_a_decided_query_too():
    first, second = judges = two_judges()
    query = a_query()
    score = a_score(query, first, 5)
    a_score(query, second, 5)
    decided(Rule())
    type(score).objects.filter(pk=score.pk).update(value=2)
    store_facts([query.pk], judges)
    query = Query.objects.get(pk=query.pk)
    assert (query.ratings, query.decision, query.mean) == (f"{first.pk}=2 {second.pk}=5", "keep", 5.0)
    assert outlook(Rule(), ground()).to_drop == 1


def test_a_calibrated_rule_needs_verdicts_and_stores_what_it_decided_by(reviewer):
    a_pool()
    rule = Rule("calibrated_mean_at_least", 3.0)
    with pytest.raises(BadRule, match="at least 30 verdicts"):
        decided(rule)
    with pytest.raises(CommandError, match="audit more queries, or choose another rule") as refused:
        call_command("decide", "--rule", rule.name)
    assert refused.value.returncode == 2
    audited(reviewer)
    decided(rule)
    tables = {row.template.name: row.table for row in Calibration.objects.all()}
    query = Query.objects.filter(decision="keep", decision_rule=str(rule)).first()
    for name, given in query.decision_inputs.items():
        assert given["calibrated"] == tables[name][given["raw"] - 1]
    decided(rule)
    assert Calibration.objects.count() == 2  # the same verdicts, the same tables


def test_undoing_a_decision_keeps_what_was_said(curator):
    a_pool(20)
    before = sides()
    came = decided(Rule("expected_at_least", 3.0))
    assert came.changed > 0
    kept = Query.objects.filter(decision="keep").first()
    assert all(given["expected"] for given in kept.decision_inputs.values())
    undo(came.action, by=curator)
    assert sides() == before
    assert sum(tally().values()) > 0


def test_lessons_are_one_for_each_query_and_say_who_was_right(reviewer, curator):
    a_pool(20)
    query, other = Query.objects.filter(scoring="readable").order_by("pk")[:2]
    give = Verdict.objects.create
    give(query=query, by=reviewer, value=2, keep=False, who_was_right="a", stratum="x", weight=7.0)
    give(query=query, by=curator, value=5, keep=True, who_was_right="both")
    give(query=other, by=reviewer, value=4, keep=True, who_was_right="neither", withdrawn=True)
    [lesson] = lessons()
    assert (lesson.value, lesson.keep, lesson.stratum, lesson.weight) == (3.5, True, "x", 7.0)
    assert who_was_right() == {"a": 1, "b": 0, "both": 1, "neither": 0}


def test_only_sampled_verdicts_tell_of_the_pool_and_a_wanted_precision_finds_its_threshold(reviewer):
    judges = a_pool(120)
    audited(reviewer, count=80)
    Verdict.objects.filter(pk__in=Verdict.objects.values_list("pk")[:10]).update(stratum="")
    on = ground()
    sample = judged_by(Rule("any_at_least", 3.0), on.learnt, judges, on.scales)
    assert len(sample) == 70
    assert precision(sample).value < 0.95
    best = best_threshold("any_at_least", 0.95, on.learnt, judges, on.scales)
    assert best.precision.value >= 0.95
    assert best.rule.threshold == 4.0  # people keep what the first judge rates 4 and more
    assert best_threshold("any_at_least", 1.01, on.learnt, judges, on.scales) is None


def test_a_decision_is_a_pass_over_the_pool_that_a_doubled_message_does_not_repeat(curator):
    a_pool(20)
    asked = ask_for_decision(Rule(), by=curator)
    with pytest.raises(AtWork):
        ask_for_decision(Rule(), by=curator)
    carry_out(asked)
    carry_out(asked)  # a doubled message
    done = RulePass.objects.get()
    assert (done.state, done.total, done.action.by) == ("done", 1, curator)
    assert done.found["changed"] == done.action.rows_changed > 0
    assert ask_for_decision(Rule(), by=None).state == "queued"


def test_a_pass_that_cannot_be_says_why():
    a_pool(20)
    asked = ask_for_decision(Rule("calibrated_mean_at_least", 3.0), by=None)
    carry_out(asked)
    assert asked.state == "failed"
    assert "at least 30 verdicts" in asked.error
