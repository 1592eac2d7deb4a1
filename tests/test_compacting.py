"""Compacting: what an ended run no longer needs goes for good, and everything people still read stays."""

import pytest
from django.utils import timezone

from accounts.models import Action, Door
from curation.models import Score
from runs import compacting
from runs.controlling import NotNow
from runs.models import Call, Run, RunState, WorkItem
from runs.starting import start_run
from tests.making import a_query
from tests.running import run_command
from tests.toy_kinds import parameters

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def toy_kinds(settings, models_file):
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"


@pytest.fixture
def half_failed(toy_kinds):
    """A run that has ended: two items done, two failed."""
    run = start_run("odd_fails", by=None, title="toy work", parameters=parameters(4))
    run_command("work", "--until-idle")
    run.refresh_from_db()
    return run


def compact(run):
    return compacting.compact(run, action=compacting.ask(run, by=None, door=Door.COMMAND))


def sizes(run):
    """Bytes of the requests, and characters of the payloads of done items, as the tables hold them."""
    requests = [len(call.request) for call in run.paid_calls.all() if call.request is not None]
    lengths = WorkItem.objects.raw(
        "SELECT id, LENGTH(CAST(payload AS text)) AS length FROM runs_workitem WHERE state = 'done' AND run_id = %s",
        [run.pk],
    )
    return requests, [item.length for item in lengths]


def test_requests_and_payloads_of_done_items_go_and_what_went_is_said(half_failed):
    requests, payloads = sizes(half_failed)
    would_go, dropped = compacting.what_would_go(half_failed), compact(half_failed)
    assert would_go == dropped
    assert dropped.requests == compacting.Heap(len(requests), sum(requests))
    assert dropped.payloads == compacting.Heap(2, sum(payloads))
    assert half_failed.compacted_bytes == dropped.bytes == sum(requests) + sum(payloads)
    assert half_failed.compacted_at is not None
    assert not half_failed.paid_calls.filter(request__isnull=False).exists()
    assert {(item.state, item.payload == {}) for item in half_failed.items.all()} == {("done", True), ("failed", False)}


def test_replies_scores_and_costs_stay_and_can_be_read_again(models_file):
    for what in ("a stack", "a queue", "a heap"):
        a_query(f"Write a class for {what}.")
    run = Run.objects.get(pk=run_command("score", "--wait").result["run"])
    before = list(Score.objects.order_by("pk").values()), list(Call.objects.order_by("pk").values("response", "cost"))
    Score.objects.update(value=None, state="unreadable")
    assert compact(run).requests.rows == run.calls == 6
    again = run_command("rescore", "--reparse").result
    assert (again["read"], again["without_reply"]) == (6, 0)
    assert before == (
        list(Score.objects.order_by("pk").values()),
        list(Call.objects.order_by("pk").values("response", "cost")),
    )
    assert run_command("score", "--wait").result["calls"] == 0


def test_what_failed_can_still_be_retried_and_compacted_again(half_failed):
    compact(half_failed)
    assert not compacting.may_be_compacted(half_failed)
    for item in half_failed.items.filter(state="failed"):
        item.payload["mended"] = True
        item.save(update_fields=["payload"])
    run_command("runs", "retry", half_failed.pk)
    run_command("work", "--until-idle")
    half_failed.refresh_from_db()
    assert (half_failed.state, half_failed.items_done, half_failed.items_failed) == (RunState.DONE, 4, 0)
    assert compacting.may_be_compacted(half_failed)
    assert compact(half_failed).payloads.rows == 2


def test_a_worker_that_was_killed_at_it_leaves_nothing_half_done_for_ever(half_failed):
    def killed(done, total):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        compacting.compact(half_failed, action=compacting.ask(half_failed, by=None), progress=killed)
    half_failed.refresh_from_db()
    assert half_failed.compacted_at is None
    assert half_failed.items.exclude(payload={}).filter(state="done").exists()
    assert compacting.is_being_compacted(half_failed)
    Run.objects.update(compacting_at=timezone.now() - compacting.SILENT_AFTER)
    half_failed.refresh_from_db()
    assert compacting.may_be_compacted(half_failed)
    compact(half_failed)
    assert half_failed.compacted_at is not None
    assert not half_failed.items.exclude(payload={}).filter(state="done").exists()


@pytest.mark.parametrize("state", ["queued", "running", "pausing", "paused", "cancelling", "over_budget"])
def test_a_run_that_may_go_on_is_not_compacted(state):
    run = Run.objects.create(kind="once", title="toy", state=state)
    with pytest.raises(NotNow, match=f"run {run.pk} is {RunState(state).label}"):
        compacting.ask(run, by=None)
    assert not Action.objects.exists()
    assert not compacting.may_be_compacted(run)


def test_it_stands_in_the_trail_of_actions_and_offers_no_undo(half_failed, curator):
    action = compacting.ask(half_failed, by=curator)
    compacting.compact(half_failed, action=action)
    action.refresh_from_db()
    assert (action.verb, action.by, action.can_be_undone) == ("compact run", curator, False)
    assert "requests (" in action.note and "cannot be undone" in action.note


def test_the_command_says_first_what_would_go_and_then_what_went(half_failed):
    asked = run_command("runs", "compact", half_failed.pk, "--dry-run")
    assert (asked.exit_code, asked.result["payloads"]) == (0, 2)
    assert Call.objects.filter(request__isnull=False).exists()
    ran = run_command("runs", "compact", half_failed.pk)
    assert ran.result["request_bytes"] == asked.result["request_bytes"] > 0
    assert "replies, scores and costs stay" in ran.said
    assert run_command("runs", "compact", half_failed.pk).result["requests"] == 0


def test_the_command_refuses_what_makes_no_sense(toy_kinds):
    run = start_run("once", by=None, title="toy work", parameters=parameters(1))
    ran = run_command("runs", "compact", run.pk)
    assert ran.exit_code == 2
    assert "when it has ended" in ran.said
    assert run_command("runs", "pause", run.pk, "--dry-run").exit_code == 2
