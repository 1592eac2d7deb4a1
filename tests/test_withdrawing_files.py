"""Withdrawing one of several files that hold the same dialogues, problems or solutions; runs that hold texts of it."""

import json

import pytest
from django.utils import timezone

from accounts.models import Door
from curation.intake.problems import import_problems
from curation.models import Problem, Query, Score, ScoreState, Solution
from curation.scores import scoring
from dialogues.exporting import Choice, export_dialogues
from dialogues.hanging import Scope, counted
from dialogues.importing_dialogues import import_dialogues
from dialogues.models import Dialogue, Seed
from dialogues.obstacles import CannotWithdraw, check_may_go
from dialogues.reviewing import approve_many
from runs.kinds import Finished
from runs.models import Call, Run, WorkItem
from tests.judged import a_judge
from tests.making import a_dialogue, a_query
from tests.page_text import words
from tests.running import run_command
from tests.withdrawals import of, withdrawn

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def take(tmp_path):
    def run(importing, *records, source="one", name="a"):
        path = tmp_path / f"{name}.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in records))
        return importing(path, source=source, by=None)

    return run


def problem(slug, **codes):
    """With its statement."""
    tracks = {language: {"solution": code} for language, code in codes.items()}
    return {"slug": slug, "title": slug.title(), "statement": f"Solve {slug}, all of it.", "tracks": tracks}


def solved(slug, **codes):
    """Solutions only."""
    return {"slug": slug, "title": slug.title(), "solutions": [{"lang": n, "code": code} for n, code in codes.items()]}


def chat(query):
    messages = [{"role": "user", "content": query}, {"role": "assistant", "content": "Answer."}]
    return {"id": query, "messages": messages}


def file_withdrawn(batch):
    """What went, when it is exactly what was said before."""
    return all_withdrawn(Scope(batch.source, batch))


def all_withdrawn(scope):
    expected = {name: n for name, n in counted(scope).items() if n}
    asked = withdrawn(scope)
    assert asked.state == "done", asked.error
    assert {name: n for name, n in asked.gone.items() if n} == expected
    return expected


def codes():
    return set(Solution.objects.values_list("problem__external_id", "code"))


def test_solutions_that_joined_a_problem_go_with_their_file(take):
    take(import_problems, problem("two-sum", python="x = 1"), problem("leap", python="y = 2"))
    joined = take(import_problems, solved("two-sum", java="class X {}", python="x = 1"), name="b")

    assert file_withdrawn(joined) == {"solutions": 1, "batches": 1}

    assert codes() == {("two-sum", "x = 1"), ("leap", "y = 2")}


def test_problems_and_solutions_that_another_file_holds_move_there(take):
    first = take(import_problems, problem("two-sum", python="x = 1", go="g()"), problem("leap", python="y = 2"))
    second = take(import_problems, problem("two-sum", python="x = 1", java="class X {}"), name="b")
    third = take(import_problems, solved("two-sum", go="g()"), name="c")

    expected = {"problems": 1, "solutions": 1, "moving_problems": 1, "moving_solutions": 2, "batches": 1}
    assert file_withdrawn(first) == expected
    assert codes() == {("two-sum", "x = 1"), ("two-sum", "g()"), ("two-sum", "class X {}")}
    assert Problem.objects.get().batch == second
    assert Solution.objects.get(language="go").batch == third

    # A solution does not outlive its problem, whichever file it came with.
    assert file_withdrawn(second) == {"problems": 1, "solutions": 3, "batches": 1}
    assert not Solution.objects.exists()
    assert all_withdrawn(of("one")) == {"batches": 1}


def test_a_source_goes_with_the_problems_that_several_of_its_files_hold(take):
    take(import_problems, problem("two-sum", python="x = 1"))
    take(import_problems, problem("two-sum", python="x = 1", go="g()"), name="b")
    take(import_problems, problem("two-sum", python="x = 1"), source="two", name="c")

    assert all_withdrawn(of("one")) == {"problems": 1, "solutions": 2, "batches": 2}

    assert Problem.objects.get().source.slug == "two"


def test_the_same_file_taken_twice_may_go_once(take):
    first = take(import_problems, problem("leap", python="y = 2"))
    take(import_problems, problem("leap", python="y = 2"))
    file_withdrawn(first)
    assert codes() == {("leap", "y = 2")}


def test_a_solution_without_a_file_goes_with_its_problem(take):
    first = take(import_problems, problem("leap", python="y = 2"))
    Solution.objects.update(batch=None)
    assert file_withdrawn(first) == {"problems": 1, "solutions": 1, "batches": 1}
    assert not Solution.objects.exists()


def test_a_dialogue_grown_from_a_solution_goes_with_it(take):
    first = take(import_problems, problem("leap", python="y = 2"))
    joined = take(import_problems, solved("leap", java="class X {}"), name="b")
    grown = {}
    for language in ("python", "java"):
        solution = Solution.objects.get(language=language)
        grown[language] = a_dialogue(method="similar", source=first.source)
        seed = {"problem": solution.problem, "solution": solution, "use": "similar"}
        Seed.objects.create(dialogue=grown[language], position=0, **seed)

    assert file_withdrawn(joined) == {"solutions": 1, "grown": 1, "batches": 1}

    assert Dialogue.objects.get() == grown["python"]


def test_a_dialogue_that_another_source_holds_moves_there(take):
    take(import_dialogues, chat("Both"), chat("Own"))
    second = take(import_dialogues, chat("Both"), source="two", name="b")
    take(import_dialogues, chat("Both"), source="three", name="c")

    assert all_withdrawn(of("one")) == {"imported": 1, "moving_dialogues": 1, "batches": 1}

    moved = Dialogue.objects.get()
    assert (moved.title, moved.source, moved.batch, moved.turns.count()) == ("Both", second.source, second, 2)
    assert all_withdrawn(of("two")) == {"moving_dialogues": 1, "batches": 1}
    assert Dialogue.objects.get().source.slug == "three"
    assert all_withdrawn(of("three")) == {"imported": 1, "batches": 1}


def test_what_was_exported_and_withdrawn_comes_anew_with_its_file(take, tmp_path, administrator_client):
    records = [chat("Sort it."), chat("Print it.")]
    take(import_dialogues, *records)
    left = Dialogue.objects.order_by("pk").first()
    approve_many([left.pk], by=None, door=Door.COMMAND)
    export_dialogues(tmp_path / "x", layout="openai", choice=Choice(), by=None)
    page = words(administrator_client.get(f"/sources/{left.source_id}/withdraw/"))
    assert "The same file, imported again, brings it anew, to be reviewed like all others." in page
    assert all_withdrawn(of("one"))["exported"] == 1

    again = take(import_dialogues, *records)

    assert (again.accepted, again.duplicates) == (2, 0)
    assert set(Dialogue.objects.values_list("state", "source__slug")) == {("withdrawn", None), ("in_review", "one")}
    assert (take(import_dialogues, *records, name="b").duplicates, Dialogue.objects.count()) == (2, 3)
    all_withdrawn(of("one"))
    assert Dialogue.objects.get() == left


def test_a_file_that_only_repeats_goes_alone(take):
    take(import_dialogues, chat("Both"))
    assert file_withdrawn(take(import_dialogues, chat("Both"), name="b")) == {"batches": 1}
    assert all_withdrawn(of("one")) == {"imported": 1, "batches": 1}


def test_page_and_command_say_what_moves(take, administrator_client):
    first = take(import_problems, problem("leap", python="y = 2"))
    take(import_problems, problem("leap", python="y = 2", go="g()"), name="b")
    page = words(administrator_client.get(f"/imports/{first.pk}/withdraw/"))
    assert "1 problem held by another file too" in page and "1 solution held by another file too" in page
    done = run_command("withdraw", "one", "--import", str(first.pk), "--yes")
    assert done.result == {"withdrawn": True, "moving_problems": 1, "moving_solutions": 1, "batches": 1}
    assert "1 problem that moves to another file, 1 solution that moves to another file" in done.said
    held = take(import_dialogues, chat("Both"), name="c")
    take(import_dialogues, chat("Both"), source="two", name="d")
    page = words(administrator_client.get(f"/imports/{held.pk}/withdraw/"))
    assert "1 imported dialogue held by another file too" in page


@pytest.mark.parametrize("state", ["paused", "over_budget"])
def test_a_run_that_could_go_on_with_texts_is_cancelled_first(state):
    a_query()
    scope = of("sample")
    run = Run.objects.create(kind="scoring", title="Score all", state=state, planned_at=timezone.now())
    item = WorkItem.objects.create(run=run, key="1", payload={})
    with pytest.raises(CannotWithdraw, match="cancel it; one that is started anew pays for nothing twice"):
        check_may_go(scope)
    assert run_command("runs", "cancel", str(run.pk)).exit_code == 0
    check_may_go(scope)
    Run.objects.update(state=state)
    WorkItem.objects.filter(pk=item.pk).update(state="done")
    check_may_go(scope)


def test_the_score_of_a_query_that_is_gone_is_left_out():
    judge, gone, stays = a_judge(), a_query(), a_query()
    call = Call.objects.create(key="k", role="scorer", endpoint="e", model="m", state="failed")
    outcome = scoring.ScoreOutcome(ScoreState.OK, call.pk, 4)
    items = [WorkItem(payload={"query_id": query.pk, "judge_id": judge.pk}) for query in (gone, stays)]
    Query.objects.filter(pk=gone.pk).delete()

    scoring.save([Finished(item, outcome) for item in items])
    scoring.save([Finished(items[0], outcome)])

    assert Score.objects.get().query == stays
