"""Why a run stops: its budget, its models file, its key, an endpoint that is down or speaks of something else."""

from decimal import Decimal

import pytest

from curation.models import Source
from runs import controlling, engine
from runs.desk import WAITING
from runs.models import ItemState, Run, RunState
from runs.waiting import work_until_it_stops
from tests.sites import DemoModel
from tests.test_engine import a_run

pytestmark = [pytest.mark.once, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def toy_kinds(settings, models_file):
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"


def test_an_endpoint_that_is_down_pauses_the_run_and_is_named(settings, tmp_path):
    server = DemoModel()
    settings.MODELS_FILE = server.models_file(tmp_path)
    server.stop()
    run = work_until_it_stops(a_run(items=30))
    assert run.state == RunState.PAUSED
    assert f"endpoint demo (http://127.0.0.1:{server.port}/v1)" in run.note
    assert run.items.filter(state=ItemState.PENDING).count() == 30
    assert not Source.objects.exists()
    server.start()
    controlling.resume(run, by=None)
    run = work_until_it_stops(run)
    assert (run.state, run.items_done) == (RunState.DONE, 30)
    assert server.stats()["requests"] == 30
    server.stop()


def test_a_key_that_is_not_in_the_environment_pauses_the_run_and_names_the_variable(settings, tmp_path, demo_model):
    keyed = {"scripted = true ": 'key_env = "NO_SUCH_KEY_HERE"\nscripted = true '}
    settings.MODELS_FILE = demo_model.models_file(tmp_path, **keyed)
    run = work_until_it_stops(a_run(items=5))
    assert (run.state, run.items_failed, run.calls) == (RunState.PAUSED, 0, 0)
    assert "NO_SUCH_KEY_HERE is not set" in run.note
    assert run.items.filter(state=ItemState.PENDING, attempts=0).count() == 5


def test_a_role_without_a_model_pauses_the_run_and_says_what_to_add(settings, tmp_path, demo_model):
    settings.MODELS_FILE = demo_model.models_file(tmp_path, **{'scorer = "demo-scorer"': ""})
    run = work_until_it_stops(a_run(items=5))
    assert (run.state, run.items_failed) == (RunState.PAUSED, 0)
    assert "models.toml: [roles] names no model for scorer; add scorer =" in run.note


@pytest.mark.parametrize(
    ("fault", "asked_at_most", "note"),
    [
        ("html", 20 + 8, "that is not JSON"),
        ("401", 3 + 8, "answered 401"),
        ("400", 10 + 8, "answered 400"),
        ("429=7200", 8, "it asks for a pause of 7200 s: resume the run after that"),
    ],
)
def test_an_endpoint_that_no_question_can_please_pauses_the_run_before_all_is_asked(
    settings, tmp_path, fault, asked_at_most, note
):
    server = DemoModel()
    settings.MODELS_FILE = server.models_file(tmp_path, **{"concurrency = 64": "concurrency = 8"})
    server.fail(fault)
    run = work_until_it_stops(a_run(items=200))
    assert run.state == RunState.PAUSED
    assert note in run.note
    assert run.items_failed <= asked_at_most
    assert run.items.filter(state=ItemState.PENDING).count() == 200 - run.items_failed
    assert server.stats()["requests"] <= asked_at_most
    server.stop()


def test_a_run_that_ended_no_longer_says_that_it_waits(demo_model):
    run = a_run(items=5)
    Run.objects.filter(pk=run.pk).update(note=f"{WAITING}endpoint demo: answered 429")
    run = work_until_it_stops(run)
    assert (run.state, run.note) == (RunState.DONE, "")


def test_a_budget_raised_just_before_a_worker_gives_up_is_heeded(demo_model, monkeypatch):
    run, raised = a_run(items=4, budget=Decimal("0.000000001")), []

    def close(work, tally):
        if not raised:
            raised.append(Run.objects.filter(pk=run.pk).update(budget=Decimal(1)))
        return close_run(work, tally)

    close_run = engine._close_run
    monkeypatch.setattr(engine, "_close_run", close)
    run = work_until_it_stops(run)
    assert (run.state, run.items_done) == (RunState.DONE, 4)


def test_a_run_stops_within_its_budget_and_goes_on_when_it_is_raised():
    budget = Decimal("0.0006")
    run = work_until_it_stops(a_run(items=100, budget=budget))
    assert run.state == RunState.OVER_BUDGET
    assert 0 < run.items_done < 100
    assert run.spent <= budget
    controlling.set_budget(run, Decimal(10), by=None)
    run = work_until_it_stops(run)
    assert (run.state, run.items_done) == (RunState.DONE, 100)
