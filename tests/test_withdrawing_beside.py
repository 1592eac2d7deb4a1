"""A withdrawal beside what goes on at the same time: passes over the pool, a second press, a broker that is down."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from kombu.exceptions import OperationalError

from accounts.models import Action, Door
from curation.duplicates.searching import ask_for_search, search
from curation.holding import hold
from curation.models import (
    Benchmark,
    BenchmarkTask,
    CompareBy,
    ContaminationPass,
    DuplicatePass,
    LanguagePass,
    RulePass,
    Source,
)
from curation.models.pool_passes import SILENT_FOR, UNTAKEN_FOR
from curation.pool_passes import carry_out
from curation.scores.judges import install_shipped_templates, newest_template
from curation.tasks import find_duplicates
from dialogues import withdrawing
from dialogues.hanging import Scope
from dialogues.models import Withdrawal
from dialogues.obstacles import CannotWithdraw
from runs import proposing
from runs.models import Proposal, Run, WorkItem
from runs.starting import NotStarted
from tests.making import a_query, a_source
from tests.meanwhile import just_before
from tests.page_text import words
from tests.running import run_command
from tests.withdrawals import of, withdrawn

pytestmark = pytest.mark.django_db
RULE = {"rule": "mean_at_least", "threshold": 4}
STARTS = (("/duplicates/find/", {"compare_by": "form"}), ("/contamination/check/", {"nearest": 0}))


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def gone():
    a_query(source=a_source("gone"))
    return a_source("gone")


@pytest.fixture
def broker_is_down(monkeypatch):
    def fail(task, args):
        raise OperationalError("connection refused")

    monkeypatch.setattr("celery.current_app.send_task", fail)


def a_benchmark():
    benchmark = Benchmark.objects.create(name="bench", sha256="0")
    BenchmarkTask.objects.create(benchmark=benchmark, external_id="bench/0", prompt="Double n.")


def address(source):
    return f"/sources/{source.pk}/withdraw/"


@pytest.mark.parametrize(
    ("model", "columns", "said"),
    [
        (DuplicatePass, {"compare_by": "form"}, "a search for duplicates is at work; cancel it, or wait"),
        (ContaminationPass, {}, "a check of contamination is at work; cancel it, or wait"),
        (LanguagePass, {}, "a search for languages is at work; cancel it, or wait"),
        (RulePass, RULE, "a decision by a rule is at work; wait until it has ended"),
    ],
)
def test_a_withdrawal_waits_for_a_pass_over_the_pool(gone, curator_client, model, columns, said):
    one = model.objects.create(**columns)
    for moved in ({}, {"told_at": timezone.now()}, {"cancelled_at": timezone.now()}):
        model.objects.filter(pk=one.pk).update(**moved)
        with pytest.raises(CannotWithdraw, match=said):
            withdrawing.ask(of("gone"), by=None)
    assert f"Not now: {said}" in words(curator_client.get(address(gone)))
    assert said in run_command("withdraw", "gone", "--yes").said

    model.objects.filter(pk=one.pk).update(finished_at=timezone.now())

    assert withdrawn(of("gone")).state == "done"


def test_a_search_keeps_the_texts_that_it_has_read(gone):
    for text in ("Sort a list.", "sort a LIST"):
        a_query(text, source=gone)
    one, refused = ask_for_search(by=None, compare_by=CompareBy.FORM), []

    def withdrawn_meanwhile(items, *, total, what):
        with pytest.raises(CannotWithdraw):
            withdrawn(of("gone"))
        refused.append(what)
        return items

    carry_out(one, lambda: search(one, door=Door.PAGE, embedder=None, progress=withdrawn_meanwhile))

    assert (one.state, one.found["duplicates"], len(refused)) == ("done", 1, 2)


def test_a_pass_that_nobody_hears_of_holds_no_withdrawal_up_and_begins_no_more(gone):
    silent = ContaminationPass.objects.create(told_at=timezone.now() - 2 * SILENT_FOR)
    lost = DuplicatePass.objects.create(compare_by="form")
    DuplicatePass.objects.update(asked_at=timezone.now() - UNTAKEN_FOR - timedelta(seconds=1))

    withdrawing.ask(of("gone"), by=None)

    find_duplicates(lost.pk)  # its message comes after all
    for one in (silent, lost):
        one.refresh_from_db()
    assert (silent.state, lost.state, lost.told_at, lost.found) == ("failed", "failed", None, {})


def test_no_pass_begins_while_a_source_is_withdrawn(gone, curator_client):
    a_benchmark()
    asked = withdrawing.ask(of("gone"), by=None)
    why = "source gone is being withdrawn; wait until that has ended"
    for start, form in (*STARTS, ("/scores/what-if/decide/", RULE)):
        assert why in words(curator_client.post(start, form, follow=True)), start
    for command in (("find_duplicates", "--by", "form"), ("check_contamination", "--nearest", 0), ("decide",)):
        ran = run_command(*command)
        assert (ran.exit_code, why in ran.said) == (3, True), ran.said

    withdrawing.carry_out(asked.pk)

    assert run_command("find_duplicates", "--by", "form").exit_code == 0


def test_a_second_press_leads_to_the_withdrawal_that_is_under_way(gone, curator_client):
    with just_before("curation_rejectedrecord", lambda: withdrawing.ask(of("gone"), by=None)):
        second = curator_client.post(address(gone), {"slug": "gone"})
    assert (second.status_code, second.url) == (302, Withdrawal.objects.get().get_absolute_url())


@pytest.mark.parametrize("what", ["source", "file"])
def test_what_was_withdrawn_meanwhile_is_told(gone, curator_client, what):
    batch = gone.batches.get()
    asked_for = address(gone) if what == "source" else f"/imports/{batch.pk}/withdraw/"
    scope = Scope(gone, None if what == "source" else batch)
    with just_before("curation_rejectedrecord", lambda: withdrawn(scope)):
        late = curator_client.post(asked_for, {"slug": "gone"}, follow=True)
    assert late.redirect_chain == [("/imports/", 302)]
    assert "is not here any more; it was withdrawn meanwhile" in words(late)
    assert Withdrawal.objects.count() == 1


def test_what_begins_meanwhile_is_told(gone, curator_client):
    with just_before("curation_rejectedrecord", lambda: DuplicatePass.objects.create(compare_by="form")):
        refused = curator_client.post(address(gone), {"slug": "gone"}, follow=True)
    assert "a search for duplicates is at work" in words(refused)
    assert not Withdrawal.objects.exists()


def test_no_run_begins_while_a_source_is_withdrawn(gone, curator, curator_client, models_file):
    proposal = Proposal.objects.create(
        kind="scoring", title="Score", parameters={}, by=curator, priced_at=timezone.now()
    )
    install_shipped_templates()
    asked = withdrawing.ask(of("gone"), by=None)
    why = "source gone is being withdrawn; wait until that has ended"

    with pytest.raises(NotStarted, match=why):
        proposing.start(proposal, by=curator)
    preview = reverse("curation:ask_preview", args=[newest_template("complexity").pk])
    form = {"query": gone.queries.get().pk, "model": "demo-scorer"}
    assert f"Not asked: {why}" in words(curator_client.post(preview, form, follow=True))
    ran = run_command("score")
    assert (ran.exit_code, why in ran.said) == (3, True), ran.said
    assert not Run.objects.exists()

    withdrawing.carry_out(asked.pk)
    assert run_command("score").exit_code == 0


def test_a_withdrawal_waits_for_a_run_that_is_being_planned(gone, curator_client):
    run = Run.objects.create(kind="scoring", title="Score", state="paused")
    refused = curator_client.post(address(gone), {"slug": "gone"}, follow=True)
    assert (
        f"run {run.pk}: Score is not planned to its end; wait, plan it to the end on its page, or cancel it"
        in words(refused)
    )
    run_command("runs", "cancel", run.pk)
    assert withdrawing.ask(of("gone"), by=None).pk


def test_what_failed_before_a_withdrawal_is_not_asked_again(gone, curator_client):
    failed = {
        "kind": "scoring",
        "title": "Score",
        "state": "done",
        "items_total": 2,
        "items_done": 1,
        "items_failed": 1,
    }
    run = Run.objects.create(**failed, planned_at=timezone.now())
    item = an_item(run, state="failed", error_class="bad_reply", error="no answer")
    done = an_item(run, state="done")
    assert 'id="run-retry"' in curator_client.get(run.get_absolute_url()).content.decode()

    asked = withdrawn(of("gone"))

    page = curator_client.get(run.get_absolute_url())
    assert f"{asked.what} was withdrawn, and this may hold texts of it" in words(page)
    assert 'id="run-retry"' not in page.content.decode()
    assert run_command("runs", "retry", run.pk).result["retried"] == 0
    run.refresh_from_db()
    assert (run.items_done, run.items_failed, run.items_skipped) == (1, 0, 1)
    item.refresh_from_db()
    done.refresh_from_db()
    assert (item.state, item.payload, done.state) == ("skipped", {}, "done")


def test_a_cancel_that_is_undone_after_a_withdrawal_sends_nothing(gone, curator_client):
    run = Run.objects.create(kind="scoring", title="Score", state="paused", items_total=1, planned_at=timezone.now())
    item = an_item(run)
    run_command("runs", "cancel", run.pk)
    withdrawn(of("gone"))
    curator_client.post(reverse("accounts:undo", args=[Action.objects.get(verb="cancel run").pk]))
    run.refresh_from_db()
    item.refresh_from_db()
    assert (run.state, run.items_open, item.state, item.payload) == ("paused", 0, "skipped", {})


def test_while_a_source_is_withdrawn_no_run_goes_on(gone, curator_client):
    withdrawing.ask(of("gone"), by=None)
    run = Run.objects.create(kind="scoring", title="Score", state="paused", items_failed=1, planned_at=timezone.now())
    an_item(run, state="failed", error="no answer")
    for verb in ("resume", "retry"):
        ran = run_command("runs", verb, run.pk)
        assert (ran.exit_code, "source gone is being withdrawn" in ran.said) == (2, True), verb
    Run.objects.update(planned_at=None)
    assert "source gone is being withdrawn" in run_command("runs", "resume", run.pk).said
    run.refresh_from_db()
    assert (run.state, run.planned_at, run.items_failed) == ("paused", None, 1)


def an_item(run, **columns):
    return WorkItem.objects.create(run=run, key=str(run.items.count()), payload={"text": "of gone"}, **columns)


def test_go_on_leaves_a_withdrawal_alone_that_a_worker_is_at(gone, curator_client):
    asked = withdrawing.ask(Scope(gone), by=None)
    Withdrawal.objects.update(state="running")
    held = hold(withdrawing.lock_name(asked.pk))
    curator_client.post(f"/withdrawals/{asked.pk}/go-on/")
    held.release()
    assert Withdrawal.objects.get().state == "running"


@pytest.mark.django_db(transaction=True)
def test_with_the_broker_down_a_pass_makes_way_and_a_withdrawal_says_how_to_go_on(gone, curator_client, broker_is_down):
    a_benchmark()
    down = "the broker does not answer (connection refused); start it, then press again"
    for start, form in STARTS * 2:
        assert f"Not started: {down}" in words(curator_client.post(start, form, follow=True))
    for model in (DuplicatePass, ContaminationPass):
        assert [one.error for one in model.objects.all()] == [down] * 2

    page = words(curator_client.post(address(gone), {"slug": "gone"}, follow=True))
    assert down.capitalize() in page and "Go on takes out the rest" in page
    asked = Withdrawal.objects.get()
    assert down.capitalize() in words(curator_client.post(f"/withdrawals/{asked.pk}/go-on/", follow=True))
    withdrawing.carry_out(asked.pk)
    assert not Source.objects.exists()
    curator_client.post(f"/withdrawals/{asked.pk}/go-on/")  # too late
    asked.refresh_from_db()
    assert asked.state == "done"
