"""Samples, controls, second verdicts: who gets into the audit queue beside the disputes, and what that is worth."""

import random
from collections import Counter

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.audits import auditing
from curation.audits.drawing import NotDrawn, draw_sample, put_first
from curation.audits.picking import Picked, mix_controls
from curation.audits.sampling import allocate, controls_wanted
from curation.decisions.deciding import decide, link_scales
from curation.decisions.learning import estimate, lessons, strata_of
from curation.decisions.rules import Rule, Scales, flip_risk_of
from curation.models import AuditSample, Query, SampledQuery, Stratum, Verdict
from curation.models.queries import SAMPLES_FROM
from curation.readings import store_facts
from curation.scores.cells import cell_of
from tests.judged import many_scored_queries, two_judges
from tests.making import a_query
from tests.page_text import words
from tests.test_auditing import a_dispute, a_verdict

pytestmark = pytest.mark.django_db

POOL = {(4, 4): 60, (5, 3): 30, (4, 2): 20, (2, 2): 40, (1, 5): 3}


@pytest.fixture
def judges(db):
    """Two judges and a pool of which one cell is large and one holds three queries; decided."""
    judges = two_judges()
    many_scored_queries(
        [dict(zip(judges, values, strict=True)) for values, count in POOL.items() for _ in range(count)]
    )
    store_facts(list(Query.objects.order_by("pk").values_list("pk", flat=True)), judges)
    decide(Rule(), by=None, door=Door.COMMAND, at=timezone.now())
    return judges


def drawn(size=40, seed=5, double=0.0, by=None):
    return draw_sample(size, seed=seed, by=by, door=Door.COMMAND, at=timezone.now(), double=double)


def judge_next(person, **said):
    query = auditing.next_dispute(by=person, at=timezone.now())
    return a_verdict(query, person, **said)


def test_each_stratum_gives_at_least_four_or_all_it_has():
    wanted = allocate({"large": 90_000, "middle": 900, "rare": 3}, 200)
    assert wanted["rare"] == 3
    assert wanted["large"] > wanted["middle"] >= 4
    assert abs(sum(wanted.values()) - 200) <= 3
    assert allocate({"large": 90_000, "small": 40}, 20)["small"] == 4


def test_a_sample_stands_for_the_whole_pool_and_comes_first(judges, reviewer, curator):
    sample, action = drawn(by=curator)
    strata = list(sample.strata.all())
    assert sum(stratum.size for stratum in strata) == sum(POOL.values())
    sampled = SampledQuery.objects.select_related("stratum", "query")
    assert sum(one.stratum.weight for one in sampled) == pytest.approx(sum(POOL.values()))
    assert all((one.query.ratings, one.query.stage) == (one.stratum.pattern, one.stratum.stage) for one in sampled)
    assert set(Query.objects.awaiting_audit()[: sample.size]) == {one.query for one in sampled}
    verdict = judge_next(reviewer)
    stratum = Stratum.objects.get(queries__query=verdict.query)
    assert (verdict.stratum, verdict.weight) == (str(stratum), stratum.size / stratum.drawn)
    assert (action.verb, action.by) == ("draw sample", curator)


def test_the_same_seed_draws_the_same_queries(judges):
    drawn(seed=11)
    first = set(SampledQuery.objects.values_list("query", flat=True))
    drawn(seed=11)
    again = SampledQuery.objects.filter(stratum__sample__withdrawn=False)
    assert set(again.values_list("query", flat=True)) == first


def test_estimates_weigh_each_verdict_by_what_it_stands_for(judges, reviewer):
    """People keep two cells, (4, 4) and (5, 3); the rule keeps the first of them alone."""
    sample, _ = drawn()
    for _ in range(sample.size):
        query = auditing.next_dispute(by=reviewer, at=timezone.now())
        second = query.scores.order_by("pk")[1].value
        a_verdict(query, reviewer, keep=second >= 3 and query.scores.order_by("pk")[0].value > 1)
    learnt = lessons()
    assert sum(one.weight for one in learnt) == pytest.approx(sum(POOL.values()))
    found = estimate(Rule("both_at_least", 4.0), learnt, judges, Scales(link_scales(judges)[0]))
    assert found.precision.value == pytest.approx(1.0)
    assert found.recall.value == pytest.approx(60 / 90)
    assert found.recall.low < 60 / 90 < found.recall.high


def test_a_half_judged_sample_tells_of_every_stratum_and_still_sums_to_the_pool(judges, reviewer):
    sample, _ = drawn()
    strata = sample.strata.count()
    for _ in range(strata):
        judge_next(reviewer)
    state = strata_of(sample)
    assert (state.count, state.unseen, state.judged) == (strata, 0, strata)
    assert sum(one.weight for one in lessons()) == pytest.approx(sum(POOL.values()))


def test_a_new_draw_ends_the_one_before_and_undo_brings_it_back(judges, reviewer):
    first, _ = drawn(seed=1)
    verdict = judge_next(reviewer)
    second, action = drawn(seed=2)
    assert AuditSample.objects.get(withdrawn=False) == second
    assert Query.objects.filter(audit_place__gte=SAMPLES_FROM).count() == second.size
    verdict.refresh_from_db()
    assert bool(verdict.stratum) == second.strata.filter(queries__query=verdict.query).exists()
    undo(action, by=reviewer)
    assert AuditSample.objects.get(withdrawn=False) == first
    verdict.refresh_from_db()
    assert verdict.stratum.startswith(f"{first.pk}.")


def test_a_draw_that_a_later_one_has_ended_places_nothing_more(judges):
    ended, action = drawn(seed=1)
    later, _ = drawn(seed=2)
    placed = dict(Query.objects.values_list("pk", "audit_place"))
    picked = {pk: Picked(SAMPLES_FROM) for pk in list(placed)[:3]}
    with pytest.raises(NotDrawn, match="meanwhile"):
        put_first(picked, ended, action, strata={})
    assert dict(Query.objects.values_list("pk", "audit_place")) == placed
    assert AuditSample.objects.get(withdrawn=False) == later


def test_without_scores_there_is_nothing_to_draw(db):
    with pytest.raises(NotDrawn, match=r"manage\.py score"):
        drawn()


def test_the_command_draws_and_says_how_many(judges, capsys):
    call_command("draw_sample", "30", "--seed", "7", "--json")
    assert '"seed": 7' in capsys.readouterr().out.splitlines()[-1]
    assert AuditSample.objects.get().seed == 7


def test_one_in_twenty_of_the_queue_is_a_control_that_nobody_can_tell(judges, reviewer_client):
    queue = Query.objects.awaiting_audit()
    disputes, controls = queue.filter(disputed=True), queue.filter(disputed=False)
    assert controls.count() == controls_wanted(disputes.count(), 0.05) > 0
    assert set(controls.values_list("audit_order", flat=True)) <= set(disputes.values_list("audit_order", flat=True))
    # A second decision finds enough of them.
    assert mix_controls(by=None, door=Door.COMMAND, rng=random.Random(1)) is None

    def seen(query):
        page = words(reviewer_client.get(reverse("curation:audit_item", args=[query.pk])))
        return "".join(letter for letter in page.replace(query.text, "") if not letter.isdigit())

    assert seen(controls.first()) == seen(disputes.first())


def test_controls_are_taken_out_by_undo(judges, reviewer):
    undo(Action.objects.get(verb="mix in controls"), by=reviewer)
    assert not Query.objects.awaiting_audit().filter(disputed=False).exists()


def test_the_queue_goes_by_risk_then_gap_then_rarity(reviewer):
    columns = {
        "rare": {"flip_risk": 50, "linked_gap": 2.0, "cell_rarity": 6},
        "common": {"flip_risk": 50, "linked_gap": 2.0, "cell_rarity": 1},
        "wide": {"flip_risk": 50, "linked_gap": 3.0, "cell_rarity": 0},
        "risky": {"flip_risk": 88, "linked_gap": 2.0, "cell_rarity": 0},
    }
    made = {name: a_dispute(**facts) for name, facts in columns.items()}
    assert list(Query.objects.awaiting_audit()) == [made[name] for name in ("risky", "wide", "rare", "common")]


def test_the_risk_of_a_flip_is_how_near_the_figure_lies_to_the_threshold(judges):
    assert Query.objects.filter(mean=4.0).first().flip_risk == 100
    assert Query.objects.filter(mean=2.0).first().flip_risk == 50
    assert flip_risk_of(None, Rule()) == 100


def test_a_cell_is_a_queue_of_its_own_and_its_verdicts_are_not_blind(judges, reviewer, reviewer_client):
    cell = cell_of(dict(zip(judges, (2, 2), strict=True)))
    address = f"{reverse('curation:audit')}?cell={cell.replace(' ', '+').replace('=', '%3D')}"
    first = reviewer_client.get(address)
    assert first.status_code == 302
    query = Query.objects.get(claimed_by=reviewer)
    assert (query.ratings, query.disputed) == (cell, False)
    said = {"version": query.version, "value": 4, "keep": "yes", "who_was_right": "a", "note": "", "shown": ""}
    after = reviewer_client.post(first.url, said, follow=True)
    assert not Verdict.objects.get().blind
    following = Query.objects.get(claimed_by=reviewer)
    assert following.ratings == cell
    assert following.pk > query.pk
    assert "A 2, B 2" in words(after)


def test_a_share_of_a_sample_is_judged_twice(judges):
    sample, _ = drawn(size=80, double=0.25, seed=3)
    wanted = Counter(Query.objects.filter(sampled__isnull=False).values_list("reviews_wanted", flat=True))
    assert wanted[2] + wanted[1] == sample.size
    assert 10 <= wanted[2] <= 32


def test_a_query_opened_beside_the_queue_has_no_place_in_it(reviewer_client):
    dispute, beside = a_dispute(), a_query(scoring="readable", mean=3.5, linked_gap=0.0)
    said = [words(reviewer_client.get(reverse("curation:audit_item", args=[one.pk]))) for one in (dispute, beside)]
    assert "1 of 1 waiting" in said[0]
    assert "1 waiting" in said[1] and "of 1 waiting" not in said[1]
