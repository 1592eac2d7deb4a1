"""Taking a source out again: what goes, what stays and moves, what was exported, and a kill in the middle."""

import pytest

from accounts.models import Action
from curation.intake.importing import import_queries
from curation.models import (
    ImportBatch,
    Problem,
    Query,
    Score,
    Sighting,
    Source,
    Vector,
    Verdict,
)
from dialogues import withdrawing
from dialogues.exporting import Choice, export_dialogues, lines_again
from dialogues.hanging import Scope, counted
from dialogues.models import Dialogue, Export, Review, Turn, Version, Withdrawal
from dialogues.obstacles import CannotWithdraw
from dialogues.reviewing import NotReviewable, approve_many, back_to_review
from runs.models import Call, Run
from tests.making import a_dialogue, a_query, a_source, an_approved_dialogue
from tests.page_text import words
from tests.running import run_command
from tests.withdrawals import by_text, grown, of, scored, withdrawn

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def folder(settings, tmp_path):
    settings.VAR_DIR = tmp_path


@pytest.fixture
def take(tmp_path):
    """Import pairs of query and answer into a source."""

    def run(source, *pairs, name="a"):
        path = tmp_path / f"{name}.csv"
        path.write_text("instruction,output\n" + "".join(f"{text},{answer}\n" for text, answer in pairs))
        return import_queries(path, source=source, by=None)

    return run


@pytest.fixture
def hung(take, reviewer):
    """Source `gone` with queries One, Two and Shared; `kept` holds Shared and Own."""
    take("gone", ("One", "1"), ("Two", "2"), ("Shared", "first answer"), ("{bad", ""))
    take("kept", ("Shared", "second answer"), ("Own", "4"))
    take("gone", ("Own", "5"), name="b")
    take("third", ("Shared", "first answer"), ("Shared", "second answer"), name="c")
    rows = by_text()
    scored(rows["One"])
    scored(rows["Own"])
    Verdict.objects.create(query=rows["One"], by=reviewer, value=4, keep=True)
    Query.objects.filter(text="Own").update(duplicate_of=rows["Two"], duplicate_reason="folded")
    Vector.objects.create(text_hash=rows["One"].text_hash, model="m", values=b"1234")
    plain = grown(rows["One"], rows["Own"])
    Review.objects.create(dialogue=plain, by=reviewer, outcome="needs_work", reason="x", dialogue_version=1)
    left = grown(rows["Two"], make=an_approved_dialogue)
    own = grown(rows["Own"], method="simulation", make=an_approved_dialogue)
    Problem.objects.create(source=a_source("gone"), external_id="p", text="Add.", text_hash="h")
    imported = a_dialogue(method="imported", source=a_source("gone"))
    return {"plain": plain, "left": left, "own": own, "imported": imported}


def test_what_hangs_on_a_source_is_counted_before_and_has_gone_after(hung, tmp_path):
    export, _ = export_dialogues(tmp_path / "x", layout="openai", choice=Choice(), by=None)
    lines = b"".join(lines_again(export))
    expected = counted(of("gone"))
    assert expected == {
        "queries": 2,
        "moving": 1,
        "sightings": 4,
        "scores": 1,
        "verdicts": 1,
        "hits": 0,
        "freed": 1,
        "problems": 1,
        "solutions": 0,
        "grown": 2,
        "imported": 1,
        "moving_problems": 0,
        "moving_solutions": 0,
        "moving_dialogues": 0,
        "exported": 1,
        "reviews": 1,
        "versions": 0,
        "rejected": 1,
        "batches": 2,
    }

    asked = withdrawn(of("gone"))

    assert (asked.state, asked.source, asked.expected) == ("done", None, expected)
    assert {name: n for name, n in asked.gone.items() if n} == {name: n for name, n in expected.items() if n}
    assert sorted(by_text()) == ["Own", "Shared"]
    assert list(Source.objects.values_list("slug", flat=True)) == ["kept", "third"]
    assert (Score.objects.count(), Verdict.objects.count(), Vector.objects.count(), Problem.objects.count()) == (
        1,
        0,
        0,
        0,
    )
    assert Call.objects.count() == 2
    assert set(Dialogue.objects.values_list("pk", "state")) == {
        (hung["left"].pk, "withdrawn"),
        (hung["own"].pk, "approved"),
    }
    own = by_text()["Own"]
    assert (own.duplicate_of_id, own.duplicate_reason) == (None, "")
    action = Action.objects.get(verb="withdraw source")
    assert "2 queries that nothing else holds" in action.note
    assert "cannot be undone" in action.note and not action.can_be_undone
    # What was exported stays for the record: the file reads the same, and the next one lacks it.
    assert b"".join(lines_again(Export.objects.get())) == lines
    again, refused = export_dialogues(tmp_path / "y", layout="openai", choice=Choice(), by=None)
    assert (again.dialogues, refused) == (1, [])
    assert Version.objects.filter(dialogue=hung["left"]).exists()
    assert Turn.objects.filter(dialogue=hung["left"]).count() == 4


def test_a_query_that_another_file_holds_moves_there_with_the_answers_it_has(hung):
    shared = by_text()["Shared"]
    assert (shared.source.slug, shared.response) == ("gone", "first answer")

    withdrawn(of("gone"))

    shared.refresh_from_db()
    assert (shared.source.slug, shared.response) == ("kept", "second answer")
    said = Sighting.objects.filter(query=shared).order_by("pk").values_list("batch__source__slug", "response")
    assert list(said) == [("kept", None), ("third", "first answer"), ("third", None)]
    assert shared.batch == ImportBatch.objects.get(source__slug="kept")


def test_one_file_goes_and_its_source_stays(hung):
    batch = ImportBatch.objects.filter(source__slug="gone").order_by("pk").last()
    asked = withdrawn(Scope(batch.source, batch))
    assert asked.gone == {"sightings": 1, "batches": 1}
    assert Source.objects.get(slug="gone").withdrawn_at is None
    assert Query.objects.count() == 4


def test_a_withdrawn_dialogue_never_comes_back(hung, tmp_path, reviewer):
    export_dialogues(tmp_path / "x", layout="openai", choice=Choice(), by=None)
    withdrawn(of("gone"))
    left = Dialogue.objects.get(pk=hung["left"].pk)
    with pytest.raises(NotReviewable, match="withdrawn with its source"):
        back_to_review(left.pk, version=left.version, by=reviewer)
    approve_many([left.pk], by=None, door="command")
    assert Dialogue.objects.get(pk=left.pk).state == "withdrawn"


class Killed(BaseException):
    """What ends a withdrawal without its leave."""


def test_a_killed_withdrawal_goes_on_and_ends_with_the_same_counts(take):
    take("gone", *((f"Task {n}", "x") for n in range(900)))
    take("kept", *((f"Task {n}", "x") for n in range(0, 900, 3)), name="b")
    asked = withdrawing.ask(of("gone"), by=None)

    def die(now):
        if now.gone.get("queries", 0) > 100:
            raise Killed

    for _ in range(3):
        with pytest.raises(Killed):
            withdrawing.carry_out(asked.pk, watch=die)
    assert 0 < Query.objects.filter(source__slug="gone").count() < 900
    # As a kill leaves it: nobody was there to write that it stopped.
    Withdrawal.objects.update(state="running", error="", handed_at="2020-01-01T00:00Z")
    assert withdrawing.unheard_of() == [asked.pk]
    withdrawing.carry_out(asked.pk)
    withdrawing.carry_out(asked.pk)  # a doubled message changes nothing

    asked.refresh_from_db()
    assert asked.state == "done"
    assert (asked.gone["queries"], asked.gone["moving"], asked.gone["sightings"]) == (600, 300, 900)
    assert list(Source.objects.values_list("slug", flat=True)) == ["kept"]
    assert Query.objects.filter(source__slug="kept").count() == 300


def test_nothing_is_imported_into_a_source_that_is_being_withdrawn(take):
    take("gone", ("One", "1"))
    withdrawing.ask(of("gone"), by=None)
    with pytest.raises(ValueError, match="is being withdrawn"):
        take("gone", ("Two", "2"), name="b")


@pytest.mark.parametrize("trouble", ["run", "export", "twice", "benchmark"])
def test_what_is_at_work_is_waited_for(take, trouble):
    take("gone", ("One", "1"))
    if trouble == "run":
        Run.objects.create(kind="scoring", title="Score all", state="running")
    elif trouble == "export":
        Export.objects.create(file_name="x", layout="openai")
    elif trouble == "benchmark":
        ImportBatch.objects.update(holds="benchmark")
    else:
        withdrawing.ask(of("gone"), by=None)
    with pytest.raises(CannotWithdraw):
        withdrawing.ask(of("gone"), by=None)


def test_the_page_says_what_goes_asks_and_shows_the_end(hung, administrator_client, curator_client, tmp_path):
    export_dialogues(tmp_path / "files.jsonl", layout="openai", choice=Choice(), by=None)
    address = f"/sources/{Source.objects.get(slug='gone').pk}/withdraw/"
    page = words(administrator_client.get(address))
    for said in (
        "queries that nothing else holds 2",
        "verdicts of people 1",
        "dialogues grown from them 2",
        "1 query held by another file too",
        "1 dialogue that has left in an export",
        "files.jsonl",
        "1 of 2 dialogues",
        "This cannot be undone.",
    ):
        assert said in page, said
    assert "only an administrator" in words(curator_client.get(address))
    assert curator_client.post(address, {"slug": "gone"}).status_code == 422
    wrong = administrator_client.post(address, {"slug": "other"})
    assert wrong.status_code == 422 and "type gone exactly" in words(wrong)
    assert not Withdrawal.objects.exists()

    done = administrator_client.post(address, {"slug": "gone"})
    asked = Withdrawal.objects.get()
    assert done.url == asked.get_absolute_url()
    assert "Waits for the worker for jobs" in words(administrator_client.get(done.url))
    assert administrator_client.get(address).url == done.url
    withdrawing.carry_out(asked.pk)
    page = administrator_client.get(done.url)
    assert "Withdrawal of source gone done" in words(page) and "data-poll" not in page.content.decode()


def test_a_curator_takes_back_a_file_on_which_nobody_has_worked(take, curator_client):
    batch = take("gone", ("One", "1"))
    address = f"/imports/{batch.pk}/withdraw/"
    assert "Withdraw a.csv from gone" in words(curator_client.get(address))
    assert curator_client.post(address, {"slug": "gone"}).status_code == 302
    withdrawing.carry_out(Withdrawal.objects.get().pk)
    assert not Query.objects.exists()


def test_the_count_of_database_questions_does_not_grow_with_the_source(
    take, administrator_client, django_assert_max_num_queries
):
    take("gone", *((f"Task {n}", "x") for n in range(200)))
    address = f"/sources/{Source.objects.get().pk}/withdraw/"
    with django_assert_max_num_queries(45):
        administrator_client.get(address)


def test_the_command_shows_first_and_does_it_on_yes(take):
    take("gone", ("One", "1"))
    shown = run_command("withdraw", "gone")
    assert shown.result["withdrawn"] is False and shown.result["queries"] == 1
    assert Query.objects.exists()
    done = run_command("withdraw", "gone", "--yes")
    assert (done.exit_code, done.result) == (0, {"withdrawn": True, "queries": 1, "sightings": 1, "batches": 1})
    unknown = run_command("withdraw", "gone", "--yes")
    assert unknown.exit_code == 2 and "there is no source 'gone'" in unknown.said
    assert Action.objects.get(verb="withdraw source").door == "command"


def test_a_dialogue_built_here_that_lost_its_seeds_is_not_counted_as_imported():
    a_dialogue(method="simulation", source=a_source("gone"))
    a_dialogue(method="imported", source=a_source("gone"))
    assert {name: counted(of("gone"))[name] for name in ("grown", "imported")} == {"grown": 1, "imported": 1}

    asked = withdrawn(of("gone"))

    assert (asked.gone["grown"], asked.gone["imported"], Dialogue.objects.count()) == (1, 1, 0)


def test_a_query_without_a_sighting_goes_with_its_source():
    a_query(source=a_source("gone"))
    withdrawn(of("gone"))
    assert not Query.objects.exists()
