"""Claims about the funnel: each number counts what it says, and they add up."""

import json

import pytest
from django.utils import timezone

from curation.models import Contamination, ImportBatch, Problem, Query, Source
from dialogues.metrics import STEPS, funnel, totals
from dialogues.models import Export, Seed
from dialogues.versions import write_version
from tests.making import a_batch, a_dialogue, a_kept_query, a_query, a_source
from tests.running import run_command

pytestmark = pytest.mark.django_db

STAGES = ("near_duplicates", "set_aside", "unscored", "unreadable", "scored", "kept", "dropped")


def of(row, *steps):
    return {step: row[step] for step in steps}


def nonzero(row):
    return {step: count for step, count in row.items() if count}


def an_export_of(*dialogues):
    versions = [write_version(dialogue, by=None).pk for dialogue in dialogues]
    return Export.objects.create(
        file_name="a.jsonl", layout="code_feedback", state="done", version_ids=versions, sha256="a"
    )


def test_the_funnel_counts_what_the_import_read(tmp_path):
    path = tmp_path / "a.jsonl"
    record = {"instruction": "Sort a list.", "output": "sorted(x)"}
    path.write_text("\n".join([json.dumps(record), json.dumps(record), "{bad"]))
    run_command("import_queries", path, "--source", "one")
    run_command("import_queries", path, "--source", "two")

    rows = funnel()

    assert nonzero(rows["one"]) == {"read": 3, "rejected": 1, "duplicates": 1, "accepted": 1, "unscored": 1}
    assert nonzero(rows["two"]) == {"read": 3, "rejected": 1, "duplicates": 2}


def test_every_accepted_query_stands_in_exactly_one_stage():
    source = a_source()
    decided = {"decision_rule": "mean_at_least 4.0", "decided_at": timezone.now(), "source": source}
    kept = a_kept_query(source=source)
    a_query(source=source, duplicate_of=kept)
    a_query(source=source, contamination=Contamination.SET_ASIDE)
    a_query(source=source)
    a_query(source=source, scoring="unreadable")
    a_query(source=source, scoring="readable")
    a_query(decision="drop", scoring="readable", **decided)

    row = funnel()["sample"]

    assert of(row, *STAGES) == dict.fromkeys(STAGES, 1)
    assert sum(row[step] for step in STAGES) == Query.objects.count()


def test_a_query_in_two_dialogues_is_used_once():
    query = a_kept_query()
    for method in ("packing", "simulation"):
        Seed.objects.create(dialogue=a_dialogue(method=method), position=0, query=query, use=method)

    assert of(funnel()["sample"], "used", "dialogues", "in_review") == {"used": 1, "dialogues": 2, "in_review": 2}


def test_a_dialogue_counts_once_for_the_source_of_its_first_seed():
    first, second = a_source("first"), a_source("second")
    dialogue = a_dialogue(method="packing", state="approved")
    for position, source in enumerate((first, second)):
        Seed.objects.create(dialogue=dialogue, position=position, query=a_kept_query(source=source), use="packing")
    problem = Problem.objects.create(source=second, text="Sort.", text_hash="h")
    Seed.objects.create(dialogue=a_dialogue(method="similar"), position=0, problem=problem, use="similar")
    a_dialogue(method="imported", source=second, state="needs_work")
    an_export_of(dialogue)

    rows = funnel()

    assert of(rows["first"], "used", "dialogues", "approved", "exported") == {
        "used": 1,
        "dialogues": 1,
        "approved": 1,
        "exported": 1,
    }
    assert of(rows["second"], "used", "dialogues", "in_review", "needs_work", "exported") == {
        "used": 1,
        "dialogues": 2,
        "in_review": 1,
        "needs_work": 1,
        "exported": 0,
    }


def test_only_the_newest_finished_export_counts():
    source = a_source()
    older, newer = a_dialogue(source=source), a_dialogue(source=source)
    an_export_of(older, newer)
    an_export_of(newer)
    Export.objects.create(file_name="b.jsonl", layout="code_feedback", version_ids=[1, 2])

    assert funnel()["sample"]["exported"] == 1


def test_the_number_of_statements_does_not_grow_with_rows(django_assert_num_queries):
    a_kept_query()
    with django_assert_num_queries(7):
        funnel()
    for number in range(5):
        source = a_source(f"source-{number}")
        Seed.objects.create(dialogue=a_dialogue(), position=0, query=a_kept_query(source=source), use="simulation")
    with django_assert_num_queries(7):
        funnel()


def test_the_command_gives_each_source_and_the_total():
    ImportBatch.objects.filter(pk=a_batch(a_source("one")).pk).update(read=5, accepted=3, rejected=2)
    ImportBatch.objects.filter(pk=a_batch(a_source("two")).pk).update(read=1, duplicates=1)
    a_batch(a_source("two"), holds="dialogues")

    ran = run_command("funnel")

    assert ran.exit_code == 0
    assert [row["source"] for row in ran.result["sources"]] == ["one", "two"]
    assert nonzero(ran.result["total"]) == {"read": 6, "accepted": 3, "rejected": 2, "duplicates": 1}
    assert ran.result["total"] == totals(funnel())
    assert "near duplicates" in ran.said


def test_the_command_says_when_there_is_nothing_to_count():
    ran = run_command("funnel")

    assert (ran.exit_code, ran.result) == (0, {"sources": [], "total": dict.fromkeys(STEPS, 0)})
    assert "import_queries makes the first" in ran.said
    assert not Source.objects.exists()
