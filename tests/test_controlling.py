"""Pause, resume, cancel, retry, budget: from every state either done and recorded, or refused with the reason."""

from decimal import Decimal

import pytest
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from runs import controlling, starting
from runs.controlling import NotNow
from runs.models import ItemState, Run, RunState, WorkItem
from runs.starting import start_run
from tests.toy_kinds import parameters

pytestmark = pytest.mark.django_db

AT_REST = {
    "pause": {"queued": "paused", "running": "paused"},
    "resume": {"paused": "queued", "pausing": "queued", "over_budget": "queued"},
    "cancel": dict.fromkeys(("queued", "running", "pausing", "paused", "failed", "over_budget"), "cancelled"),
}
AT_WORK = {
    "pause": {"queued": "pausing", "running": "pausing"},
    "resume": AT_REST["resume"],
    "cancel": dict.fromkeys(AT_REST["cancel"], "cancelling"),
}


@pytest.fixture(autouse=True)
def toy_kinds(settings):
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"


def a_run(state, *, at_work=False, **columns):
    run = Run.objects.create(kind="once", title="toy", state=state, planned_at=timezone.now(), items_total=2, **columns)
    WorkItem.objects.create(run=run, key="1", payload={})
    if at_work:
        lease = {"lease_until": timezone.now(), "lease_token": "x"}
        WorkItem.objects.create(run=run, key="2", payload={}, state=ItemState.LEASED, **lease)
    return run


@pytest.mark.parametrize("at_work", [False, True])
@pytest.mark.parametrize("state", RunState.values)
@pytest.mark.parametrize("verb", ["pause", "resume", "cancel"])
def test_each_verb_from_each_state(verb, state, at_work, curator):
    run = a_run(state, at_work=at_work)
    target = (AT_WORK if at_work else AT_REST)[verb].get(state)
    if target is None:
        with pytest.raises(NotNow, match=f"run {run.pk} is {RunState(state).label}"):
            controlling.CONTROLS[verb](run, by=curator)
        assert Run.objects.get().state == state
        assert not Action.objects.exists()
        return
    controlling.CONTROLS[verb](run, by=curator)
    assert run.state == Run.objects.get().state == target
    action = Action.objects.get()
    assert (action.verb, action.by, action.door) == (f"{verb} run", curator, Door.PAGE)
    row = action.rows.get()
    assert (row.before["state"], row.after["state"]) == (state, target)


def test_a_cancelled_run_says_when_it_ended():
    run = a_run("paused")
    controlling.cancel(run, by=None, door=Door.COMMAND)
    assert run.finished_at is not None


def test_a_cancel_that_is_undone_leaves_no_end_behind():
    run = a_run("paused")
    controlling.cancel(run, by=None)
    undo(Action.objects.get(), by=None)
    assert Run.objects.values_list("state", "finished_at").get() == (RunState.PAUSED, None)


def test_a_pause_can_be_undone():
    run = a_run("running")
    controlling.pause(run, by=None)
    undo(Action.objects.get(), by=None)
    assert Run.objects.get().state == RunState.RUNNING


@pytest.mark.parametrize("state", ["queued", "running", "pausing", "paused", "done", "failed", "over_budget"])
def test_failed_items_are_tried_again_from_every_state_but_a_cancelled_one(state):
    run = a_run(state, items_failed=2, finished_at=timezone.now())
    for key in "ab":
        WorkItem.objects.create(run=run, key=key, payload={}, state="failed", error_class="ValueError", error="odd")
    assert controlling.retry_failed(run, by=None, door=Door.COMMAND) == 2
    assert run.state == ("running" if state == "running" else "queued")
    assert (run.items_failed, run.finished_at) == (0, None)
    assert set(run.items.values_list("state", "error_class", "error")) == {("pending", "", "")}
    action = Action.objects.get()
    # What the items said of their failure is gone, so there is no way back.
    assert (action.verb, action.rows_changed, action.note) == ("retry failed items", 0, f"{run}, 2 items")


def test_many_failed_items_are_put_back_in_short_transactions(monkeypatch):
    monkeypatch.setattr("runs.controlling.BLOCK", 2)
    run = a_run("done", items_failed=5)
    items = [WorkItem(run=run, key=key, payload={}, state="failed", error="odd") for key in "abcde"]
    WorkItem.objects.bulk_create(items)
    assert controlling.retry_failed(run, by=None) == 5
    assert (run.state, run.items_failed, run.items.filter(state="failed").exists()) == ("queued", 0, False)
    assert Action.objects.count() == 1


def test_to_resume_a_failed_run_is_to_retry_what_failed():
    run = a_run("failed", items_failed=1, finished_at=timezone.now())
    WorkItem.objects.create(run=run, key="a", payload={}, state="failed", error="odd")
    assert controlling.resume(run, by=None) == 1
    assert (run.state, run.items_failed, run.items.get(key="a").state) == ("queued", 0, "pending")


@pytest.mark.parametrize("state", ["cancelled", "cancelling"])
def test_failed_items_of_a_cancelled_run_stay_as_they_are(state):
    run = a_run(state, items_failed=1)
    WorkItem.objects.create(run=run, key="a", payload={}, state="failed", error="odd")
    with pytest.raises(NotNow, match="its failed items cannot be retried"):
        controlling.retry_failed(run, by=None)
    assert Run.objects.get().items_failed == 1
    assert run.items.get(key="a").error == "odd"


def test_where_nothing_failed_a_retry_changes_nothing():
    run = a_run("done")
    assert controlling.retry_failed(run, by=None) == 0
    assert Run.objects.get().state == RunState.DONE
    assert not Action.objects.exists()


def test_a_raised_budget_lets_a_run_that_lacked_it_go_on():
    run = a_run("over_budget", budget=Decimal(1))
    controlling.set_budget(run, Decimal(2), by=None)
    assert (run.state, run.budget) == (RunState.QUEUED, Decimal(2))
    assert list(Action.objects.order_by("pk").values_list("verb", flat=True)) == ["set budget", "resume run"]


def test_a_paused_run_stays_paused_when_its_budget_changes():
    run = a_run("paused")
    controlling.set_budget(run, Decimal(2), by=None)
    controlling.set_budget(run, Decimal(2), by=None)
    assert Run.objects.get().state == RunState.PAUSED
    assert Action.objects.count() == 1


def test_a_run_cancelled_while_it_is_planned_stays_cancelled():
    planning = parameters(3)

    def press_cancel(planned):
        controlling.cancel(Run.objects.get(), by=None)

    run = start_run("once", by=None, title="toy", parameters=planning, progress=press_cancel)
    assert (run.state, run.planned_at) == (RunState.CANCELLED, None)
    with pytest.raises(NotNow):
        controlling.resume(run, by=None)


def test_a_run_that_is_cancelled_is_planned_no_further(monkeypatch):
    monkeypatch.setattr(starting, "BATCH", 1)
    monkeypatch.setattr(starting, "TELL_EVERY_S", 0)

    def press_cancel(planned):
        if planned == 2:
            controlling.cancel(Run.objects.get(), by=None)

    run = start_run("once", by=None, title="toy", parameters=parameters(9), progress=press_cancel)
    assert (run.state, run.items.count()) == (RunState.CANCELLED, 2)


def test_a_plan_that_broke_off_says_why_and_is_finished_by_resume():
    with pytest.raises(ValueError, match="found no way on"):
        start_run("once", by=None, title="toy", parameters=parameters(3, plan_fails=True))
    run = Run.objects.get()
    assert (run.state, run.note) == (RunState.PAUSED, "planning stopped: the plan found no way on")
    run.parameters["plan_fails"] = False
    run.save(update_fields=["parameters"])
    controlling.resume(run, by=None)
    assert (run.state, run.items_total, run.note) == (RunState.QUEUED, 3, "")


def test_a_run_planned_twice_at_once_is_queued_once_and_has_each_item_once():
    def plan_it_too(planned):
        if Run.objects.get().planned_at is None:
            controlling.resume(Run.objects.get(), by=None)
            Run.objects.update(state=RunState.RUNNING)

    run = start_run("once", by=None, title="toy", parameters=parameters(3), progress=plan_it_too)
    assert (run.state, run.items_total, run.items.count()) == (RunState.RUNNING, 3, 3)
