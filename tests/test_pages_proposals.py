"""Starting a run from the browser: a room's form, the quote page, the start."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from curation.models import Judge
from runs import tasks
from runs.models import Proposal, Run
from tests.making import a_kept_query, a_query
from tests.page_text import words

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("models_file")]
SCORE, BUILD = "curation:score", "dialogues:build"
SCORING = {"template": ["complexity", "challenge"], "model_scorer": "demo-scorer"}
BUILDING = {"method": "simulation", "seed": "1", "feedback_rounds": "1", "model_drafter": "demo-drafter"}
BUILDING |= {"model_refiner": "demo-refiner", "model_critic": "demo-critic"}


def ask(client, form, filled_in, **more):
    """Fill in a room's form, and let the worker for jobs price what was asked for."""
    response = client.post(reverse(form), filled_in | more)
    assert response.status_code == 302, words(response)
    proposal = Proposal.objects.latest("pk")
    assert response.url == proposal.get_absolute_url()
    return proposal


def priced(proposal):
    tasks.price(proposal.pk)
    proposal.refresh_from_db()
    return proposal


def start(client, proposal):
    return client.post(reverse("runs:start", args=[proposal.pk]), follow=True)


def test_a_curator_scores_from_the_form_to_the_planned_run(curator_client, curator):
    a_query(), a_query()
    proposal = ask(curator_client, SCORE, SCORING, budget="5", limit="1")
    waiting = curator_client.get(proposal.get_absolute_url()).content.decode()
    assert "Waits for the worker for jobs" in waiting and "data-poll" in waiting
    assert 'id="proposal-start"' not in waiting
    page = curator_client.get(priced(proposal).get_absolute_url())
    assert "Items 2 Answers in the ledger, free 0 Calls to make about 2" in words(page)
    assert "Cost about $0.0" in words(page) and "Scripted demo model: demo-scorer" in words(page)
    assert "data-poll" not in page.content.decode()
    started = start(curator_client, proposal)
    run = Run.objects.get()
    assert started.redirect_chain == [(run.get_absolute_url(), 302)]
    assert "Being planned" in words(started)
    tasks.plan(run.pk)
    run.refresh_from_db()
    assert (run.state, run.items_total, run.by, run.budget) == ("queued", 2, curator, 5)
    assert run.title == "Scoring with complexity, challenge by demo-scorer"
    assert Judge.objects.filter(counts=True).count() == 2


def test_pressing_start_twice_starts_one_run(curator_client):
    a_query()
    proposal = priced(ask(curator_client, SCORE, SCORING))
    start(curator_client, proposal)
    start(curator_client, proposal)
    assert Run.objects.count() == 1
    page = curator_client.get(proposal.get_absolute_url())
    assert "This run was started" in words(page) and 'id="proposal-start"' not in page.content.decode()


def test_an_equal_run_that_has_items_left_is_shown_instead_of_a_second_start(curator_client):
    a_query()
    start(curator_client, priced(ask(curator_client, SCORE, SCORING)))
    again = priced(ask(curator_client, SCORE, SCORING))
    page = curator_client.get(again.get_absolute_url())
    assert "was asked for in the same words" in words(page) and 'id="proposal-start"' not in page.content.decode()
    assert "go on with that one" in words(start(curator_client, again))
    assert Run.objects.count() == 1


def test_what_was_asked_for_can_be_changed_from_the_quote(curator_client):
    a_query()
    proposal = priced(ask(curator_client, SCORE, SCORING, limit="7", draw="2", template=["challenge"]))
    html = curator_client.get(proposal.get_absolute_url()).content.decode()
    form = curator_client.get(re.search(r'id="proposal-change"[^>]*href="([^"]*)"', html)[1].replace("&amp;", "&"))
    assert 'value="7"' in form.content.decode()
    assert re.findall(r'value="([a-z-]*)"[^>]* checked', form.content.decode()) == ["challenge"]
    assert "csrf" not in proposal.asked


def test_where_nothing_is_to_do_nothing_can_be_started(curator_client):
    page = curator_client.get(priced(ask(curator_client, SCORE, SCORING)).get_absolute_url())
    assert "There is nothing to do" in words(page) and 'id="proposal-start"' not in page.content.decode()


def test_a_budget_that_does_not_reach_is_said_before_the_start(curator_client):
    a_query()
    proposal = priced(ask(curator_client, SCORE, SCORING, budget="0.000001"))
    assert "does not reach to the end" in words(curator_client.get(proposal.get_absolute_url()))


def test_a_quote_from_a_part_of_the_items_says_so(curator_client):
    proposal = priced(ask(curator_client, SCORE, SCORING))
    Proposal.objects.update(
        figures=proposal.figures | {"items": 574_000, "priced_items": 47_500, "unpriced": ["house"]}
    )
    page = words(curator_client.get(proposal.get_absolute_url()))
    assert "47,500 of 574,000 items were priced and scaled to all" in page
    assert "No price is known for house" in page and "Cost no price known" in page


def test_a_quote_that_nobody_works_out_can_be_asked_for_again(curator_client):
    proposal = ask(curator_client, SCORE, SCORING)
    assert 'id="proposal-price"' not in curator_client.get(proposal.get_absolute_url()).content.decode()
    Proposal.objects.update(figures={"items_so_far": 500, "told_at": timezone.now().timestamp() - 100})
    page = curator_client.get(proposal.get_absolute_url())
    assert "Nothing was heard of this for 1 min 40 s" in words(page) and 'id="proposal-price"' in page.content.decode()
    curator_client.post(reverse("runs:price", args=[proposal.pk]))
    assert "Waits for the worker for jobs" in words(curator_client.get(proposal.get_absolute_url()))


def test_a_quote_that_failed_says_why(curator_client):
    proposal = ask(curator_client, SCORE, SCORING)
    Proposal.objects.update(error="the plan found no way on")
    page = curator_client.get(proposal.get_absolute_url())
    assert "It could not be priced: the plan found no way on" in words(page)
    assert "data-poll" not in page.content.decode()


@pytest.mark.parametrize(
    ("form", "filled_in"),
    [
        (SCORE, SCORING | {"template": []}),
        (SCORE, SCORING | {"model_scorer": "no-such-model"}),
        (SCORE, SCORING | {"budget": "-1"}),
        (SCORE, SCORING | {"limit": "0"}),
        (SCORE, SCORING | {"source": "nowhere"}),
        (BUILD, BUILDING | {"method": "magic"}),
        (BUILD, BUILDING | {"feedback_rounds": "9"}),
    ],
)
def test_what_makes_no_sense_is_refused_beside_its_field(curator_client, form, filled_in):
    response = curator_client.post(reverse(form), filled_in)
    assert response.status_code == 422
    assert 'aria-invalid="true"' in response.content.decode()
    assert not Proposal.objects.exists()


@pytest.mark.parametrize("form", [SCORE, BUILD])
def test_a_models_file_that_cannot_be_read_is_said_in_place_of_the_form(curator_client, settings, form):
    settings.MODELS_FILE.write_text("[models.x]\n")
    page = curator_client.get(reverse(form))
    assert page.status_code == 200
    assert "models.toml" in words(page) and 'id="show-price"' not in page.content.decode()


def test_a_curator_builds_dialogues_with_the_models_of_each_role(curator_client, settings):
    a_kept_query(language="python")
    proposal = priced(ask(curator_client, BUILD, BUILDING, model_critic="demo-refiner", limit="1"))
    assert proposal.parameters == {
        "limit": 1,
        "seed": 1,
        "source": None,
        "settled_only": False,
        "feedback_rounds": 1,
        "scripted": True,
        "roles": {"drafter": "demo-drafter", "refiner": "demo-refiner", "critic": "demo-refiner"},
        "draw": 0,
    }
    assert proposal.figures["items"] == 1
    start(curator_client, proposal)
    assert Run.objects.get().kind == "simulation"


def test_packing_asks_no_model(curator_client):
    proposal = ask(curator_client, BUILD, BUILDING, method="packing")
    assert proposal.parameters == {
        "limit": None,
        "seed": 1,
        "source": None,
        "settled_only": False,
        "roles": {},
        "draw": 0,
    }


def test_the_lists_show_a_curator_where_runs_are_started(curator_client, reviewer_client):
    for address, form in (("/runs/", SCORE), ("/runs/", BUILD), ("/queries/", SCORE), ("/dialogues/", BUILD)):
        link = f'href="{reverse(form)}"'
        assert link in curator_client.get(address).content.decode(), address
        assert link not in reviewer_client.get(address).content.decode(), address
