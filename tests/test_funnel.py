"""What the funnel counts, from the tables alone."""

import json

import pytest
from django.utils import timezone

from curation.models import Contamination, Query, RejectedRecord, Source
from dialogues.metrics import STEPS, funnel, totals
from tests.making import a_batch, a_dialogue, a_kept_query, a_query, a_source
from tests.running import run_command

pytestmark = pytest.mark.django_db

STAGES = ("near_duplicates", "set_aside", "unscored", "unreadable", "undecided", "kept", "dropped")


def of(row, *steps):
    return {step: row[step] for step in steps}


def nonzero(row):
    return {step: count for step, count in row.items() if count}


def test_the_funnel_counts_what_the_import_read(tmp_path):
    path = tmp_path / "a.jsonl"
    record = {"instruction": "Sort a list.", "output": "sorted(x)"}
    path.write_text("\n".join([json.dumps(record), json.dumps(record), "{bad"]))
    run_command("import_queries", path, "--source", "one")
    run_command("import_queries", path, "--source", "two")

    rows = funnel()

    taken = dict.fromkeys(("accepted", "in_play", "unscored"), 1)
    assert nonzero(rows["one"]) == {"read": 3, "rejected": 1, "duplicates": 1, **taken}
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


def test_only_a_kept_query_that_is_used_counts_as_a_part_of_what_is_kept():
    a_kept_query(used=True)
    a_kept_query()
    a_query(used=True)

    assert of(funnel()["sample"], "kept", "used", "unused", "used_not_kept") == {
        "kept": 2,
        "used": 1,
        "unused": 1,
        "used_not_kept": 1,
    }


def test_a_dialogue_counts_once_for_its_own_source():
    first, second = a_source("first"), a_source("second")
    a_dialogue(method="packing", state="approved", source=first, exported=True)
    a_dialogue(method="imported", source=second, state="needs_work", exported=True)
    a_dialogue(method="imported", source=second, state="draft")

    rows = funnel()

    assert nonzero(rows["first"]) == {"dialogues": 1, "approved": 1, "exported": 1}
    assert nonzero(rows["second"]) == {"dialogues": 2, "needs_work": 1, "drafts": 1, "exported_not_approved": 1}


def test_the_number_of_statements_does_not_grow_with_rows(django_assert_num_queries):
    a_kept_query()
    with django_assert_num_queries(7):
        funnel()
    for number in range(5):
        a_kept_query(source=a_source(f"source-{number}"))
        a_dialogue(source=a_source(f"source-{number}"))
    with django_assert_num_queries(7):
        funnel()


def test_the_command_gives_each_source_and_the_total_with_the_reasons():
    for slug, count in (("one", 2), ("two", 1)):
        batch = a_batch(a_source(slug))
        for line in range(count):
            RejectedRecord.objects.create(batch=batch, line=line, reason="not JSON")
    dialogues = a_batch(a_source("two"), holds="dialogues")
    RejectedRecord.objects.create(batch=dialogues, line=1, reason="two turns of one role")

    ran = run_command("funnel")

    assert ran.exit_code == 0
    assert [row["source"] for row in ran.result["sources"]] == ["one", "two"]
    assert nonzero(ran.result["total"]) == {"read": 3, "rejected": 3, "reasons": {"not JSON": 3}}
    assert ran.result["sources"][1]["reasons"] == {"not JSON": 1}
    assert of(ran.result["total"], *STEPS) == totals(funnel())
    assert "near duplicates" in ran.said


def test_reasons_beyond_the_most_frequent_stand_together(monkeypatch):
    monkeypatch.setattr("dialogues.management.commands.funnel.REASONS_TOLD", 1)
    batch = a_batch()
    for line, reason in enumerate(["not JSON", "blank", "not JSON", "too long"]):
        RejectedRecord.objects.create(batch=batch, line=line, reason=reason)

    assert run_command("funnel").result["total"]["reasons"] == {"not JSON": 2, "other": 2}


def test_the_command_says_when_there_is_nothing_to_count():
    ran = run_command("funnel")

    assert (ran.exit_code, ran.result) == (0, {"sources": [], "total": {**dict.fromkeys(STEPS, 0), "reasons": {}}})
    assert "import_queries makes the first" in ran.said
    assert not Source.objects.exists()
