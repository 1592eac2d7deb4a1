"""`runs` and `work`, and what `score` and `build` share: what they print, and exit codes with a meaning."""

import os

import pytest

from accounts.models import Action, Door
from runs.models import ItemState, Run, RunState
from runs.starting import start_run
from tests.making import a_query
from tests.running import run_command
from tests.toy_kinds import parameters
from tests.warm import run_warm

pytestmark = pytest.mark.django_db(transaction=True)
KEYS = {"run", "state", "items", "done", "failed", "skipped", "calls", "ledger_hits", "spent"}


@pytest.fixture
def toy_kinds(settings, models_file):
    settings.RUN_KINDS = "tests.toy_kinds.KINDS"


@pytest.fixture
def a_run(toy_kinds):
    return start_run("odd_fails", by=None, title="toy work", parameters=parameters(4))


def test_list_without_a_run_says_how_to_start_one():
    ran = run_command("runs", "list")
    assert (ran.exit_code, ran.result) == (0, {"runs": []})
    assert "manage.py score" in ran.said


def test_list_shows_each_run_with_its_counts(a_run):
    ran = run_command("runs", "list")
    assert [row["run"] for row in ran.result["runs"]] == [a_run.pk]
    assert ran.result["runs"][0].keys() >= KEYS
    assert "toy work" in ran.said


def test_pause_resume_cancel_follow_one_another_and_are_recorded_as_commands(a_run):
    states = [run_command("runs", verb, a_run.pk).result["state"] for verb in ("pause", "resume", "cancel")]
    assert states == ["paused", "queued", "cancelled"]
    assert set(Action.objects.values_list("door", "by")) == {(Door.COMMAND, None)}


def test_a_verb_that_the_state_does_not_allow_is_bad_input(a_run):
    run_command("runs", "cancel", a_run.pk)
    ran = run_command("runs", "pause", a_run.pk)
    assert ran.exit_code == 2
    assert f"run {a_run.pk} is cancelled" in ran.said


def test_an_unknown_run_and_a_missing_number_are_bad_input():
    unknown, missing = run_command("runs", "show", 12345), run_command("runs", "pause")
    assert (unknown.exit_code, missing.exit_code) == (2, 2)
    assert "there is no run 12345" in unknown.said
    assert "write its number" in missing.said


def test_work_until_idle_does_what_is_queued_and_says_when_there_is_nothing(a_run):
    ran = run_command("work", "--until-idle")
    assert (ran.exit_code, ran.result) == (0, {"runs": 1})
    assert Run.objects.get().state == RunState.DONE
    again = run_command("work", "--until-idle")
    assert (again.exit_code, again.result) == (0, {"runs": 0})
    assert "no run has work left" in again.said


def test_show_groups_what_failed_with_one_example_and_retry_takes_it_up(a_run):
    run_command("work", "--until-idle")
    shown = run_command("runs", "show", a_run.pk)
    assert shown.result.keys() >= KEYS | {"errors"}
    assert (shown.result["done"], shown.result["failed"]) == (2, 2)
    assert shown.result["errors"] == [
        {"state": "failed", "error_class": "ValueError", "count": 2, "example": "number 1 is odd"}
    ]
    assert "2 failed: ValueError, e.g. number 1 is odd" in shown.said
    retried = run_command("runs", "retry", a_run.pk)
    assert (retried.exit_code, retried.result["retried"], retried.result["state"]) == (0, 2, "queued")
    assert not a_run.items.filter(state=ItemState.FAILED).exists()
    again = run_command("runs", "retry", a_run.pk)
    assert (again.exit_code, again.result["retried"]) == (0, 0)
    assert "nothing to retry" in again.said


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--model", "scorer"], "write ROLE=NAME"),
        (["--model", "scorer=demo-scoter"], "did you mean 'demo-scorer'"),
        (["--model", "skorer=demo-scorer"], "unknown role 'skorer'"),
    ],
)
def test_a_model_that_is_not_there_is_refused_before_anything_is_planned(models_file, options, said):
    a_query()
    ran = run_command("score", *options)
    assert ran.exit_code == 2
    assert said in ran.said
    assert not Run.objects.exists()


def test_a_key_that_is_missing_here_is_refused_before_anything_is_sent(settings, tmp_path, demo_model):
    keyed = {"scripted = true ": 'key_env = "NO_SUCH_KEY_HERE"\nscripted = true '}
    settings.MODELS_FILE = demo_model.models_file(tmp_path, **keyed)
    a_query()
    ran = run_command("score", "--wait")
    assert ran.exit_code == 2
    assert "NO_SUCH_KEY_HERE is not set" in ran.said
    assert not Run.objects.exists()
    assert run_command("score", "--dry-run").exit_code == 0


@pytest.mark.once
@pytest.mark.parametrize(
    ("option", "value", "said"),
    [
        ("--budget", "cheap", "'cheap' is not an amount in US dollars"),
        ("--budget", "-1", "-1"),
        ("--budget", "nan", "'nan' is not an amount"),
        ("--budget", "1e40", "'1e40' is not an amount"),
        ("--limit", "0", "'0' is not a whole number above 0"),
        ("--draw", "-1", "-1"),
    ],
)
def test_a_bad_number_is_refused_by_the_command_line(option, value, said):
    status, _, stderr = run_warm(["score", f"{option}={value}"], os.environ, timeout=60)
    assert status == 2
    assert said in stderr


def test_a_budget_too_small_exits_3_and_a_raised_one_goes_on_with_the_same_run(models_file):
    for _ in range(6):
        a_query()
    short = run_command("score", "--wait", "--budget", "0.0003")
    assert (short.exit_code, short.result["state"]) == (3, "over_budget")
    assert "the budget of 0.0003" in short.said
    whole = run_command("score", "--wait", "--budget", "5")
    assert (whole.exit_code, whole.result["state"], whole.result["run"]) == (0, "done", short.result["run"])
    assert whole.result.keys() >= KEYS
    nothing = run_command("score", "--wait")
    assert (nothing.exit_code, nothing.result["items"]) == (0, 0)
    assert "there was nothing to do" in nothing.said


def test_without_wait_the_run_is_queued_and_the_way_to_do_it_is_named(models_file):
    a_query()
    ran = run_command("score")
    assert (ran.exit_code, ran.result["state"]) == (0, "queued")
    assert "manage.py work --until-idle" in ran.said
    quoted = run_command("score", "--dry-run")
    assert quoted.exit_code == 0
    assert Run.objects.count() == 1
