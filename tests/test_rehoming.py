"""What follows a query to the next file that holds it, and what a withdrawal leaves of clusters and hits."""

import json

import pytest
from django.utils import timezone

from curation.duplicates.finding import find_duplicates
from curation.intake.importing import import_queries
from curation.models import (
    Benchmark,
    BenchmarkTask,
    ContaminationHit,
    ContaminationPass,
    DuplicateCluster,
    Query,
    Sighting,
)
from dialogues.hanging import counted
from tests.making import a_source
from tests.withdrawals import by_text, grown, of, withdrawn

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


def test_what_began_with_a_query_that_moves_goes_on_in_the_new_source(take):
    take("gone", ("Shared", "first answer"), ("One", "1"))
    take("kept", ("Shared", "second answer"), ("Own", "4"), name="b")
    take("third", ("Shared", "first answer"), ("Shared", "second answer"), name="c")
    rows = by_text()
    grown(rows["One"], rows["Own"], source=a_source("gone"))
    begun = grown(rows["Shared"], rows["Own"], method="simulation", source=a_source("gone"))
    Query.objects.update(used=True)

    expected = counted(of("gone"))
    asked = withdrawn(of("gone"))

    assert (expected["imported"], expected["grown"]) == (0, 1)
    assert {name: n for name, n in asked.gone.items() if n} == {name: n for name, n in expected.items() if n}
    begun.refresh_from_db()
    assert (begun.source.slug, begun.state, begun.seeds.count()) == ("kept", "in_review", 2)
    assert dict(Query.objects.values_list("text", "used")) == {"Shared": True, "Own": True}
    said = Sighting.objects.filter(query=rows["Shared"]).order_by("pk").values_list("batch__source__slug", "repeats")
    assert list(said) == [("kept", False), ("third", True), ("third", True)]


def test_clusters_shrink_follow_their_representative_and_go_with_it(take):
    take("gone", ("Sort it.", "1"), ("SORT IT!", "2"), ("Close a door.", "3"), ("Add numbers.", "4"))
    take("kept", ("Sort it.", "1"), ("sort it?", "5"), ("CLOSE a door", "6"), ("Print it.", "7"), name="b")
    take("gone", ("PRINT it!", "8"), ("Print it?", "9"), name="c")
    find_duplicates(by=None, door="command", only_form=True)
    standing = DuplicateCluster.objects.filter(size__gt=0)
    assert set(standing.values_list("representative__text", "source__slug", "size")) == {
        ("Sort it.", "gone", 3),
        ("Close a door.", "gone", 2),
        ("Print it.", "kept", 3),
    }

    withdrawn(of("gone"))

    assert list(standing.values_list("representative__text", "source__slug", "size")) == [("Sort it.", "kept", 2)]
    assert [member.query.text for member in standing.get().members.all()] == ["sort it?"]
    assert dict(Query.objects.exclude(duplicate_of=None).values_list("text", "duplicate_of__text")) == {
        "sort it?": "Sort it."
    }
    # What stands alone now is found again by the next pass, which counts from what is left.
    take("kept", ("print it!", "9"), ("Close a door!", "9"), name="d")
    find_duplicates(by=None, door="command", only_form=True)
    assert {(one.representative.text, one.size) for one in standing.all()} == {
        ("Sort it.", 2),
        ("Print it.", 2),
        ("CLOSE a door", 2),
    }
    assert all(one.size == one.members.filter(stands=True).count() + 1 for one in standing.all())


def test_hits_go_with_their_queries_and_those_in_an_answer_with_the_answer(take):
    take("gone", ("One", "x"), ("By answer", "solution"), ("By text", "other"), ("Cleared", "y"), ("Same", "z"))
    take("kept", ("By answer", "new"), ("By text", "new"), ("Cleared", "new"), ("Same", "z"), name="b")
    rows = by_text()
    task = BenchmarkTask.objects.create(benchmark=Benchmark.objects.create(name="b", sha256="0"), external_id="1")
    for text, tier in [
        ("One", "exact"),
        ("By answer", "ngram_answer"),
        ("By text", "exact"),
        ("By text", "identifiers"),
        ("Same", "ngram_answer"),
    ]:
        ContaminationHit.objects.create(query=rows[text], task=task, tier=tier, score=1.0, matched_text="x")
    Query.objects.update(contamination="set_aside")
    Query.objects.filter(text="Cleared").update(contamination="cleared")
    ended = {"finished_at": timezone.now()}
    checked = ContaminationPass.objects.create(fingerprint="f", after=0, until=rows["Same"].pk, **ended)

    withdrawn(of("gone"))

    assert dict(Query.objects.values_list("text", "contamination")) == {
        "By answer": "none",
        "By text": "set_aside",
        "Cleared": "none",
        "Same": "set_aside",
    }
    assert set(ContaminationHit.objects.values_list("query__text", "tier")) == {
        ("By text", "exact"),
        ("Same", "ngram_answer"),
    }
    checked.refresh_from_db()
    assert checked.until == rows["By answer"].pk - 1  # the next check reads the new answers


def test_a_query_with_another_answer_has_the_language_of_that_answer(tmp_path):
    def take(source, **answers):
        path = tmp_path / f"{source}.jsonl"
        records = ({"instruction": text, "response": answer} for text, answer in answers.items())
        path.write_text("".join(json.dumps(one) + "\n" for one in records))
        import_queries(path, source=source, by=None)

    take("gone", Java="```python\na\n```", Plain="```python\nb\n```", Same="```go\nx\n```", Stated="puts 1", Other="c")
    take(
        "kept", Java="```java\nint x;\n```", Plain="Sort it.", Same="```go\nx\n```", Stated="p 1", Other="```c\nx\n```"
    )
    Query.objects.update(natural_language="en")
    Query.objects.filter(text__in=["Stated", "Other"]).update(language="ruby")

    withdrawn(of("gone"))

    stands = Query.objects.values_list("text", "language", "natural_language")
    told = {"Java": "java", "Plain": "", "Same": "go", "Stated": "ruby", "Other": "c"}
    assert set(stands) == {(text, language, "en") for text, language in told.items()}
