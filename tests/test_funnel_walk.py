"""Every number of the funnel opens exactly its rows, after every kind of operation."""

import json

import pytest
from django.core.cache import cache
from django.http import QueryDict
from django.utils import timezone

from accounts.actions import undo
from accounts.models import Action, Door
from curation.audits import auditing
from curation.contamination import suspects
from curation.duplicates import settling
from curation.duplicates.finding import find_duplicates
from curation.intake.importing import import_queries
from curation.intake.lines import Wanted
from curation.models import Benchmark, BenchmarkTask, Contamination, DuplicateCluster, ImportBatch, Query, Source
from curation.readings import store_facts
from curation.views.queries import narrowed as narrowed_queries
from dialogues import reviewing, withdrawing
from dialogues.building import save_packs
from dialogues.exporting import Choice, export_dialogues
from dialogues.hanging import Scope
from dialogues.metrics import AFTERWARDS, STEPS, funnel, not_adding_up
from dialogues.models import Dialogue, Seed
from dialogues.views.dialogues import narrowed as narrowed_dialogues
from dialogues.views.funnel import address_of
from runs.kinds import Finished
from runs.models import Run, WorkItem
from tests.funnel_lists import Links, a_file, imported, rows_of
from tests.judged import a_score, two_judges
from tests.running import run_command

pytestmark = pytest.mark.django_db

LIKE_TASK = "Given a list of ages of the cats in a shelter return a chart of them."
TASK = "Given a list of ages of the cats in a shelter return the sum of the two oldest cats that share no letter."


def rows_wanted(address):
    """How many rows the query behind a list gives."""
    path, _, query = address.partition("?")
    asked = QueryDict(query).dict()
    if path == "/imports/lines/":
        return Wanted(**asked).count()
    if path == "/dialogues/":
        return narrowed_dialogues(Dialogue.objects.all(), asked).count()
    return narrowed_queries(Query.objects.all(), asked).count()


@pytest.fixture
def walk(reviewer_client):
    """Follow every number of the page of all sources and of that of one.

    A list is opened whenever its number has changed; otherwise the query behind it is asked again.
    """
    opened = {}

    def follow(**expected):
        cache.clear()
        shown = {}
        for address in ("/funnel/", "/funnel/?source=one"):
            html = reviewer_client.get(address).content.decode()
            assert 'role="alert"' not in html
            for address_of_list, number in Links(html).found:
                assert shown.setdefault(address_of_list, number) == number
        wrong = {address: number for address, number in shown.items() if rows_wanted(address) != number}
        changed = {address: number for address, number in shown.items() if opened.get(address) != number}
        wrong |= {address: number for address, number in changed.items() if rows_of(reviewer_client, address) != number}
        assert wrong == {}
        opened.update(shown)
        total = told_alike(shown)
        assert {step: total[step] for step in expected} == expected

    return follow


def told_alike(shown):
    """The command tells the numbers of the page, and they add up by source, by step and by reason."""
    result = run_command("funnel").result
    total, rows = result["total"], {row["source"]: row for row in result["sources"]}
    for source, row in [("", total), *rows.items()]:
        assert not not_adding_up(row)
        assert row["rejected"] == sum(row["reasons"].values())
        told = {address_of(step, source): row[step] for step in STEPS}
        assert {address: shown[address] for address in told if address in shown}.items() <= told.items()
    assert {address_of(step, "") for step in STEPS if step not in AFTERWARDS} <= shown.keys()
    assert all(total[step] == sum(row[step] for row in rows.values()) for step in STEPS if step != "withdrawn")
    return total


def newest(verb):
    return Action.objects.filter(verb=verb).order_by("-pk").first()


def test_every_number_opens_its_rows_after_every_kind_of_operation(walk, curator, tmp_path):
    texts = [f"Write a function that sorts the {number} heaviest parcels of a van." for number in range(6)]
    first = a_file(tmp_path, "first.jsonl", *texts, texts[0], None, TASK)
    second = a_file(tmp_path, "second.jsonl", texts[0], f"Please, {texts[1].lower()}", "Parse a date.", None, "")
    imported(first, "one")
    walk(read=9, duplicates=1, rejected=1, accepted=7)
    imported(first, "one")
    imported(second, "two")
    walk(duplicates=1 + 8 + 1)

    find_duplicates(by=curator, door=Door.PAGE)
    walk(near_duplicates=1)
    undo(newest("find duplicates"), by=curator)
    walk(near_duplicates=0)

    benchmark = Benchmark.objects.create(name="cats", sha256="0")
    BenchmarkTask.objects.create(benchmark=benchmark, external_id="cats/1", prompt=TASK, solution="")
    assert run_command("check_contamination", "--nearest", 0).exit_code == 0
    walk(set_aside=1)
    undo(newest("check contamination"), by=curator)
    walk(set_aside=0)

    judges = two_judges()
    for query in Query.objects.all():
        for judge in judges:
            a_score(query, judge, None if query.text == TASK else 4)
    store_facts(list(Query.objects.order_by("pk").values_list("pk", flat=True)), judges)
    walk(scored=9, undecided=8, unreadable=1)
    run_command("decide", "--rule", "mean_at_least", "--threshold", "1")
    walk(kept=8)
    undo(newest("decide"), by=curator)
    walk(kept=0)
    auditing.keep_many(Query.objects.values_list("pk", flat=True), by=curator, door=Door.PAGE)
    walk(unused=9)

    item = WorkItem.objects.create(
        run=Run.objects.create(kind="packing", title="x", parameters={}), key="1", payload={}
    )
    seeds = list(Query.objects.order_by("pk").values_list("pk", flat=True)[:2])
    save_packs([Finished(item, seeds)])
    dialogue = Dialogue.objects.get()
    walk(used=2, unused=7, in_review=1)

    reviewing.approve_many([dialogue.pk], by=curator, door=Door.PAGE)
    approval = Action.objects.order_by("-pk").first()
    walk(unexported=1)
    undo(approval, by=curator)
    walk(approved=0)
    reviewing.approve_many([dialogue.pk], by=curator, door=Door.PAGE)
    export_dialogues(tmp_path / "out.jsonl", layout="openai", choice=Choice(), by=curator)
    walk(exported=1)

    reviewing.reject_many([dialogue.pk], "Wrong after all.", by=curator, door=Door.PAGE)
    auditing.drop_many(seeds[:1], by=curator, door=Door.PAGE)
    walk(exported=0, exported_not_approved=1, turned_down=1, used=1, used_not_kept=1, dropped=1)


def withdrawn(scope, at_every_step=lambda withdrawal: None):
    asked = withdrawing.ask(scope, by=None)
    withdrawing.carry_out(asked.pk, watch=at_every_step)


def judged(query, fact, by):
    """A person says of a suspect what it is."""
    suspects.take(query.pk, by=by, at=timezone.now())
    version = Query.objects.get(pk=query.pk).version
    return suspects.judge_suspect(query.pk, fact, version=version, by=by)


def still_adds_up(withdrawal):
    assert all(not not_adding_up(row) for row in funnel().values())


@pytest.mark.once
def test_numbers_open_their_rows_when_people_judge(walk, reviewer, curator, tmp_path):
    imported(a_file(tmp_path, "a.jsonl", TASK, LIKE_TASK, "Parse a date."), "one")
    benchmark = tmp_path / "cats.jsonl"
    task = {"task_id": "cats/1", "prompt": TASK, "canonical_solution": "pass", "test": "assert f", "entry_point": "f"}
    benchmark.write_text(json.dumps(task) + "\n")
    assert run_command("import_benchmark", benchmark, "--name", "cats").exit_code == 0
    assert run_command("check_contamination", "--nearest", 0).exit_code == 0
    walk(set_aside=1)
    suspect = Query.objects.get(contamination="suspect")
    judged(suspect, Contamination.SET_ASIDE, reviewer)
    walk(set_aside=2)
    suspects.take_back(suspect.pk, by=reviewer)
    judged(suspect, Contamination.CLEARED, reviewer)
    walk(set_aside=1)
    suspects.take_back(suspect.pk, by=reviewer)
    undo(newest("check contamination"), by=curator)
    walk(in_play=3)

    disputed = Query.objects.get(text="Parse a date.")
    Query.objects.filter(pk=disputed.pk).update(scoring="readable", disputed=True, linked_gap=3.0)
    auditing.take(disputed.pk, by=reviewer, at=timezone.now())
    auditing.give_verdict(
        disputed.pk,
        version=Query.objects.get(pk=disputed.pk).version,
        value=5,
        keep=True,
        who_was_right="a",
        note="",
        seconds=3.0,
        by=reviewer,
        at=timezone.now(),
    )
    walk(kept=1)
    auditing.withdraw_verdict(disputed.pk, by=reviewer)
    walk(undecided=1)
    assert "cats" not in funnel()


@pytest.mark.once
def test_numbers_open_their_rows_when_clusters_are_settled_and_a_benchmark_goes(walk, curator, tmp_path):
    texts = [f"Write a function that sorts the heaviest {things} of a van." for things in ("parcels", "letters")]
    asked_again = [f"Please, {text[0].lower()}{text[1:]}" for text in texts]
    imported(a_file(tmp_path, "a.jsonl", *texts, TASK), "one")
    imported(a_file(tmp_path, "b.jsonl", *asked_again), "two")
    find_duplicates(by=curator, door=Door.PAGE)
    walk(near_duplicates=2)
    first, second = DuplicateCluster.objects.order_by("pk")
    other = first.members.exclude(query=first.representative).get().query_id
    for settle, left in (
        (lambda: settling.represent(first.pk, other, by=curator), 2),
        (lambda: settling.part(first.pk, other, by=curator), 1),
        (lambda: settling.dissolve(first.pk, by=curator), 1),
        (lambda: settling.join(first.pk, second.pk, by=curator), 3),
    ):
        action = settle()
        walk(near_duplicates=left)
        undo(action, by=curator)
        walk(near_duplicates=2)

    benchmark = tmp_path / "cats.jsonl"
    task = {"task_id": "cats/1", "prompt": TASK, "canonical_solution": "pass", "test": "assert f", "entry_point": "f"}
    benchmark.write_text(json.dumps(task) + "\n")
    run_command("import_benchmark", benchmark, "--name", "cats")
    run_command("check_contamination", "--nearest", 0)
    walk(set_aside=1)
    run_command("withdraw_benchmark", "cats")
    walk(set_aside=0)
    undo(newest("withdraw benchmark"), by=curator)
    walk(set_aside=1)


@pytest.mark.once
def test_numbers_open_their_rows_when_an_import_stops_half_way_and_goes_on(walk, tmp_path, monkeypatch):
    monkeypatch.setattr("curation.intake.batches.CHUNK_CHARACTERS", 50_000)
    path = tmp_path / "long.jsonl"
    records = [{"instruction": f"Sort the {number} parcels of a van.", "output": "x" * 10_000} for number in range(60)]
    path.write_text("".join(json.dumps(one) + "\n" for one in [records[0], *records]) + "{bad\n" * 5)

    def stop(position):
        if ImportBatch.objects.filter(read__gt=0).exists():
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_queries(path, source="one", by=None, on_bytes=stop)
    read = ImportBatch.objects.get().read
    assert 0 < read < 66
    walk(read=read, duplicates=1, accepted=read - 1)
    imported(path, "one")
    walk(read=66, duplicates=1, accepted=60, rejected=5)


@pytest.mark.once
def test_numbers_open_their_rows_when_files_and_sources_are_withdrawn(walk, curator, tmp_path):
    texts = [f"Write a function that sorts the {number} heaviest parcels of a van." for number in range(5)]
    imported(a_file(tmp_path, "gone.jsonl", *texts, texts[0], None), "gone")
    imported(a_file(tmp_path, "first.jsonl", texts[0], texts[0], "Parse a date.", "Open a door."), "one")
    imported(a_file(tmp_path, "second.jsonl", texts[1], "Parse a date.", None), "one")
    imported(a_file(tmp_path, "third.jsonl", texts[1], "Parse a date."), "two")
    keys = {query.text: query.pk for query in Query.objects.all()}
    auditing.keep_many(keys.values(), by=curator, door=Door.PAGE)
    run = Run.objects.create(kind="packing", title="x", parameters={}, state="done")
    packs = [
        [keys[texts[0]], keys["Open a door."]],  # of a query that moves and one that stays
        [keys[texts[2]], keys["Parse a date."]],  # left in an export; one of its queries goes
        [keys[texts[3]]],  # goes
    ]
    items = [WorkItem.objects.create(run=run, key=str(number), payload={}) for number in range(3)]
    save_packs([Finished(item, seeds) for item, seeds in zip(items, packs, strict=True)])
    stays, left, _ = Dialogue.objects.order_by("pk")
    reviewing.approve_many([left.pk], by=curator, door=Door.PAGE)
    export_dialogues(tmp_path / "out.jsonl", layout="openai", choice=Choice(), by=curator)
    walk(used=5, unused=2, dialogues=3, exported=1)

    withdrawn(Scope(Source.objects.get(slug="gone")), still_adds_up)

    walk(read=9, duplicates=4, rejected=1, accepted=4, used=2, unused=2, dialogues=1, withdrawn=1, exported=0)
    stays.refresh_from_db()
    assert stays.source.slug == "one"
    assert Seed.objects.filter(dialogue=stays).count() == 2

    withdrawn(Scope(Source.objects.get(slug="one"), ImportBatch.objects.get(file_name="first.jsonl")), still_adds_up)

    walk(read=5, accepted=2, dialogues=0, unused=2)
    rows = funnel()
    assert (rows["one"]["accepted"], rows["two"]["duplicates"]) == (2, 2)
    imported(tmp_path / "gone.jsonl", "gone")
    walk(accepted=6, unscored=4)
