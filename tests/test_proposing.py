"""Before a run starts: the quote that the worker for jobs works out, and a start that happens once."""

import pytest
from celery.signals import before_task_publish
from django.utils import timezone

from accounts.models import Action
from curation.models import Judge
from curation.scores.judges import DEFAULT_TEMPLATES, install_shipped_templates, judge_of, newest_template
from curation.scores.scoring import KIND as SCORING
from curation.scores.scoring import asked_for
from llm.catalog import load_catalog
from runs import proposing, tasks
from runs.models import Call, Proposal, Run, RunState, WorkItem
from runs.proposing import Wanted, propose, start
from runs.starting import NotStarted
from tests.making import a_query
from tests.running import run_command
from tests.servers import free_port
from tests.toy_kinds import KINDS, parameters

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def sent(models_file):
    """The messages for the worker for jobs: name of the task and its arguments."""
    messages = []

    def note(sender, body, **_):
        messages.append((sender, *body[0]))

    before_task_publish.connect(note)
    yield messages
    before_task_publish.disconnect(note)


@pytest.fixture
def toy_kinds(settings):
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"


def carry_out(message):
    name, *arguments = message
    getattr(tasks, name.rpartition(".")[2])(*arguments)


def a_toy(curator, items=5, kind="once", **more):
    wanted = Wanted(KINDS[kind], "toy", parameters(items, **more))
    return propose(wanted, by=curator, roles={"scorer": "demo-scorer"}, draw=0)


def a_scoring(curator, settings, **more):
    """What the form for scoring asks for: the default templates, all queries."""
    install_shipped_templates()
    model = load_catalog(settings.MODELS_FILE).model_for("scorer")
    judges = [judge_of(newest_template(name), model) for name in DEFAULT_TEMPLATES]
    title, asked = asked_for(judges, model, source=None, limit=None)
    return propose(Wanted(SCORING, title, asked | more), by=curator, roles={"scorer": model.slug}, draw=0)


def test_a_proposal_is_priced_by_the_worker_and_nothing_is_sent_or_written(toy_kinds, curator, sent):
    proposal = a_toy(curator)
    proposing.price_later(proposal)
    assert sent == [("runs.tasks.price", proposal.pk)]
    carry_out(sent[0])
    proposal.refresh_from_db()
    assert (proposal.figures["items"], proposal.figures["calls"], proposal.figures["ledger_hits"]) == (5, 5, 0)
    assert float(proposal.figures["cost"]) > 0
    assert (proposal.figures["problems"], proposal.error) == ([], "")
    assert proposal.priced_at is not None
    assert not Call.objects.exists() and not WorkItem.objects.exists() and not Run.objects.exists()


def test_answers_that_are_there_are_counted_as_free(toy_kinds, curator, sent):
    first = a_toy(curator)
    start(first, by=curator)
    carry_out(sent.pop())
    run_command("work", "--until-idle")
    again = Proposal.objects.create(kind="once", title="again", parameters=first.parameters, by=curator)
    tasks.price(again.pk)
    again.refresh_from_db()
    assert (again.figures["ledger_hits"], again.figures["calls"], again.figures["cost"]) == (5, 0, "0.000000")


def test_what_would_stop_the_run_at_once_is_said_with_entry_and_remedy(toy_kinds, curator, settings, tmp_path):
    text = settings.MODELS_FILE.read_text()
    settings.MODELS_FILE = tmp_path / "keyed.toml"
    settings.MODELS_FILE.write_text(text.replace("scripted = true ", 'key_env = "NO_SUCH_KEY_HERE"\nscripted = true '))
    proposal = a_toy(curator)
    tasks.price(proposal.pk)
    proposal.refresh_from_db()
    assert len(proposal.figures["problems"]) == 1
    assert "NO_SUCH_KEY_HERE is not set" in proposal.figures["problems"][0]
    port = f"127.0.0.1:{free_port()}/v1"
    settings.MODELS_FILE.write_text(text.replace(text.partition('base_url = "http://')[2].partition('"')[0], port))
    tasks.price(proposal.pk)
    proposal.refresh_from_db()
    assert "[endpoints.demo]" in proposal.figures["problems"][0]
    assert "cannot be reached" in proposal.figures["problems"][0]


def test_a_plan_that_breaks_off_is_told_on_the_proposal(toy_kinds, curator):
    proposal = a_toy(curator, plan_fails=True)
    with pytest.raises(ValueError, match="no way on"):
        tasks.price(proposal.pk)
    proposal.refresh_from_db()
    assert (proposal.error, proposal.priced_at) == ("the plan found no way on", None)


def test_a_start_makes_one_run_that_the_worker_plans_and_queues(toy_kinds, curator, sent):
    proposal = a_toy(curator)
    run = start(proposal, by=curator)
    assert start(proposal, by=curator) == run
    assert (run.state, run.is_unplanned, run.by, run.items_total) == (RunState.PAUSED, True, curator, 0)
    assert Action.objects.get().verb == "start run"
    assert sent == [("runs.tasks.plan", run.pk)]
    carry_out(sent[0])
    run.refresh_from_db()
    assert (run.state, run.items_total, run.note) == (RunState.QUEUED, 5, "")
    carry_out(sent[0])
    assert (Run.objects.count(), WorkItem.objects.count()) == (1, 5)


def test_a_run_that_was_cancelled_before_it_was_planned_is_not_planned(toy_kinds, curator, sent):
    run = start(a_toy(curator), by=curator)
    run_command("runs", "cancel", run.pk)
    carry_out(sent[0])
    run.refresh_from_db()
    assert (run.state, run.items.count()) == (RunState.CANCELLED, 0)


def test_while_an_equal_run_has_items_left_no_second_one_starts(toy_kinds, curator, sent):
    first = a_toy(curator)
    run = start(first, by=curator)
    carry_out(sent[0])
    same = Proposal.objects.create(kind="once", title="again", parameters=first.parameters, by=curator)
    with pytest.raises(NotStarted, match=f"run {run.pk} was asked for in the same words"):
        start(same, by=curator)
    assert Run.objects.count() == 1
    Run.objects.update(state=RunState.DONE, finished_at=timezone.now())
    assert start(same, by=curator).pk != run.pk


def test_judges_count_when_a_scoring_run_starts_and_not_before(curator, settings):
    a_query()
    proposal = a_scoring(curator, settings)
    tasks.price(proposal.pk)
    assert set(Judge.objects.values_list("counts", flat=True)) == {False}
    start(proposal, by=curator)
    assert set(Judge.objects.values_list("counts", flat=True)) == {True}
    assert Action.objects.filter(verb="choose judges").get().by == curator


def test_other_judges_count_in_place_of_earlier_ones_only_where_that_was_asked(curator, settings):
    start(a_scoring(curator, settings), by=curator)
    earlier = set(Judge.objects.filter(counts=True))
    catalog = load_catalog(settings.MODELS_FILE)
    new = judge_of(newest_template("complexity"), catalog.models["demo-critic"])
    for wish, counts in (({}, False), ({"count_instead": True}, True)):
        title, asked = asked_for([new], catalog.models["demo-critic"], source=None, limit=None)
        wanted = Wanted(SCORING, title, asked | wish)
        start(propose(wanted, by=curator, roles={"scorer": "demo-critic"}, draw=0), by=curator)
        new.refresh_from_db()
        assert new.counts is counts
    assert sum(judge.counts for judge in Judge.objects.filter(pk__in=[one.pk for one in earlier])) == 1


def test_the_command_goes_on_with_the_run_that_a_page_started(curator, settings, sent):
    a_query()
    run = start(a_scoring(curator, settings), by=curator)
    carry_out(sent[0])
    ran = run_command("score", "--wait")
    assert (ran.result["run"], ran.result["state"]) == (run.pk, RunState.DONE)
    assert f"going on with run {run.pk}" in ran.said
