"""Counts that the database keeps by itself equal those of the rows, whatever happened to these."""

import random
from collections import Counter

import pytest
from django.db import connection, transaction
from django.db.models import Count, F, Q
from django.utils import timezone

from curation.models import (
    Contamination,
    Decision,
    ExpectedCount,
    ImportBatch,
    LineCount,
    Query,
    QueryCount,
    RatingCount,
    RejectedRecord,
    Scoring,
    Sighting,
)
from curation.models.counts import KEPT_COUNTS
from tests.making import a_batch, a_query, a_source, many_queries
from web.kept_counts import fold, summed, total

pytestmark = pytest.mark.django_db
QUERY_COLUMNS = ("source", "language", "natural_language", "stage", "disputed", "used")
RATING_COLUMNS = ("source", "language", "ratings", "decision", "by_person", "queued", "judged")


def counted(rows, *columns):
    return Counter({row[:-1]: row[-1] for row in rows.order_by().values_list(*columns).annotate(rows_of=Count("*"))})


def whole_counts():
    """What the tables of counts should hold, counted row by row."""
    queries = [
        (one.source_id, one.language, one.natural_language or "", one.stage, one.disputed, one.used)
        for one in Query.objects.all()
    ]
    in_play = Query.objects.filter(duplicate_of=None).exclude(contamination=Contamination.SET_ASIDE)
    ratings = [
        (
            *(one.source_id, one.language, one.ratings, one.decision, one.decision_rule == "verdict"),
            *(one.audit_order is not None, one.reviews_given >= one.reviews_wanted),
        )
        for one in in_play.exclude(ratings="", audit_order=None)
    ]
    return Counter(queries), Counter(ratings), counted(Sighting.objects.all(), "batch_id", "repeats")


def expect_the_same():
    queries, ratings, lines = whole_counts()
    assert summed(QueryCount.objects.all(), *QUERY_COLUMNS) == queries
    assert summed(RatingCount.objects.all(), *RATING_COLUMNS) == ratings
    assert summed(LineCount.objects.all(), "batch_id", "repeats") == lines
    known = Query.objects.filter(expected__isnull=False, duplicate_of=None).exclude(contamination="set_aside")
    assert total(ExpectedCount.objects.all()) == known.count()
    # A value that lies a rounding error below a threshold counts as one that reaches it.
    for hundredth, count in summed(ExpectedCount.objects.all(), "hundredth").items():
        least = hundredth / 100 - 1e-6
        assert known.filter(expected__gte=least, expected__lt=least + 0.01).count() == count


def some_columns(rng):
    rule = rng.choice(["mean_at_least 4.0", "verdict"])
    return rng.choice(
        [
            {"language": rng.choice(["", "python", "rust"])},
            {"natural_language": rng.choice([None, "en", "und"])},
            {"disputed": rng.random() < 0.5},
            {"used": rng.random() < 0.5},
            {"contamination": rng.choice(Contamination.values)},
            {"scoring": Scoring.UNREADABLE, "decision": Decision.NONE},
            {
                "ratings": rng.choice(["", "1=4 2=5", "1=1 2=-"]),
                "expected": rng.choice([None, 3.999999999, 4.0, 2.126]),
            },
            {
                "decision": rng.choice([Decision.KEEP, Decision.DROP]),
                "decision_rule": rule,
                "decided_at": timezone.now(),
                "scoring": Scoring.READABLE,
            },
            {"version": F("version") + 1},
            {"audit_place": rng.choice([None, 7])},
            {"reviews_given": rng.randrange(3), "reviews_wanted": rng.randrange(1, 3)},
            {"source": a_source(rng.choice(["one", "two", "three"]))},
            {"duplicate_of": None},
        ]
    )


def do_something(rng, turn):
    keys = list(Query.objects.values_list("pk", flat=True))
    some = Query.objects.filter(pk__in=rng.sample(keys, min(len(keys), rng.randrange(1, 6))))
    act = rng.randrange(8)
    if act == 0 or len(keys) < 6:
        made = [some_columns(rng) | {"duplicate_of": None} for _ in range(rng.randrange(1, 5))]
        many_queries(
            [{name: value for name, value in one.items() if name not in ("source", "version")} for one in made]
        )
    elif act == 1:
        some.filter(Q(duplicates=None) & Q(sightings=None)).delete()
    elif act == 2:
        first, second = rng.sample(keys, 2)
        Query.objects.filter(pk=first).update(duplicate_of=second)
    elif act == 3:
        batch = rng.choice([a_batch(), *ImportBatch.objects.all()[:3]])
        Sighting.objects.bulk_create(
            [Sighting(query_id=key, batch=batch, line=1000 * turn + key, repeats=key % 2 == 0) for key in keys[:3]]
        )
    elif act == 4:
        Sighting.objects.filter(line__gte=1000 * rng.randrange(turn + 1)).delete()
    else:
        some.update(**some_columns(rng))


@pytest.mark.parametrize("seed", range(3))
def test_after_any_changes_they_equal_a_count_of_the_rows(seed):
    rng = random.Random(seed)
    for turn in range(60):
        do_something(rng, turn)
        if turn % 10 == 9:
            expect_the_same()
    for model in KEPT_COUNTS:
        fold(model)
    expect_the_same()


def test_what_is_rolled_back_was_never_counted():
    a_query(language="python")
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        a_query(language="python")
        Query.objects.update(language="rust")
        _ = 1 / 0
    expect_the_same()


def test_a_row_that_is_left_out_as_known_is_not_counted_twice():
    known = a_query(language="python")
    again = Query(text=known.text, text_hash=known.text_hash, source=known.source, batch=known.batch, language="rust")
    Query.objects.bulk_create([again], ignore_conflicts=True)
    expect_the_same()


def test_folding_leaves_one_row_a_cell_and_none_of_what_counts_nothing(monkeypatch):
    monkeypatch.setattr("web.kept_counts.LOOSE_ROWS", 0)
    for language in ("python", "rust", "python", ""):
        a_query(language=language)
    Query.objects.filter(language="").update(language="rust")
    fold(QueryCount)
    assert sorted(QueryCount.objects.values_list("language", "n")) == [("python", 2), ("rust", 2)]
    expect_the_same()


def test_no_source_is_kept_by_a_count_of_nothing():
    query = a_query()
    source = query.source
    query.delete()
    ImportBatch.objects.all().delete()
    source.delete()
    assert summed(QueryCount.objects.all(), "source_id") == {}


def test_rejected_lines_are_none_that_hold_a_query():
    batch = a_batch()
    RejectedRecord.objects.create(batch=batch, line=1, reason="empty")
    assert total(LineCount.objects.filter(batch=batch)) == 0


@pytest.mark.skipif(connection.vendor != "postgresql", reason="SQLite changes a cell's own row")
def test_few_loose_rows_are_left_alone():
    a_query()
    a_query()
    assert fold(QueryCount) == 0
    assert QueryCount.objects.count() == 2
