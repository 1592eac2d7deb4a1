"""An import that ended early goes on in its batch; one that lives is left alone."""

import json

import pytest

from curation.intake.batches import Overtaken
from curation.intake.importing import import_queries
from curation.intake.opening import Reading, opened_batch
from curation.intake.problems import import_problems
from curation.models import ImportBatch, Problem, Query, RejectedRecord, Sighting, Solution, Source
from dialogues.importing_dialogues import import_dialogues
from dialogues.models import Dialogue, Turn
from tests.running import run_command

pytestmark = pytest.mark.django_db
RECORDS = 2000


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "a.jsonl"
    lines = [json.dumps({"instruction": f"Task {n % 1500}.", "output": "x" * 1000}) for n in range(RECORDS)]
    lines[5] = lines[1700] = "{bad"
    path.write_text("\n".join(lines))
    return path


def take(path, source="sample", **options):
    return import_queries(path, source=source, by=None, **options)


def stopped(path, *, at_block, how=OSError, run=import_queries, **options):
    """Import until so many blocks of bytes have been read."""
    seen = []

    def stop(position):
        seen.append(position)
        if len(seen) == at_block:
            raise how("disk gone")

    with pytest.raises(how):
        run(path, source="sample", by=None, on_bytes=stop, **options)


def counts(batch):
    return batch.read, batch.accepted, batch.duplicates, batch.rejected


def test_a_stopped_import_goes_on_in_its_batch_when_the_file_is_given_again(path):
    stopped(path, at_block=5)
    left = ImportBatch.objects.get()
    assert 0 < left.read < RECORDS
    assert (left.state, left.finished_at) == ("failed", None)
    assert left.error == "stopped by OSError: disk gone; give the same file again, it goes on where it stopped"

    stopped(path, at_block=7, how=KeyboardInterrupt)
    batch = take(path)

    assert batch == left
    assert counts(batch) == (RECORDS, 1500, 498, 2)
    assert (batch.state, batch.error) == ("done", "")
    assert Query.objects.count() == 1500
    assert sorted(Sighting.objects.values_list("line", flat=True)) == [
        line for line in range(1, RECORDS + 1) if line not in (6, 1701)
    ]
    assert list(RejectedRecord.objects.values_list("line", flat=True)) == [6, 1701]


def test_another_file_source_or_layout_starts_a_batch_of_its_own(path, tmp_path):
    stopped(path, at_block=5)
    other = tmp_path / "b.jsonl"
    other.write_text(path.read_text() + "\n")

    for batch in (take(other), take(path, source="two"), take(path, layout="code_alpaca")):
        assert batch.read == RECORDS
    assert ImportBatch.objects.count() == 4
    assert take(path).pk == ImportBatch.objects.order_by("pk").first().pk


def test_a_file_that_breaks_off_was_read_to_its_end_and_is_not_gone_on_with(tmp_path):
    path = tmp_path / "broken.json"
    path.write_text(json.dumps([{"instruction": f"Task {n}.", "output": "x"} for n in range(20)])[:-10])

    first, second = take(path), take(path)

    assert first != second
    assert counts(first) == (19, 19, 0, 0)
    assert counts(second) == (19, 0, 19, 0)


def test_a_batch_whose_import_lives_is_left_alone(path):
    with opened(path) as living:
        batch = take(path)

    assert batch != living
    assert counts(batch) == (RECORDS, 1500, 498, 2)
    living.refresh_from_db()
    assert (living.read, living.state) == (0, "running")


def test_whoever_goes_on_in_a_batch_beside_another_process_stores_nothing_twice(path):
    elsewhere = {"read": RECORDS, "duplicates": RECORDS, "accepted": 0, "rejected": 0, "state": "done"}

    def overtake(position):
        if position > 1_000_000:
            ImportBatch.objects.update(**elsewhere)

    with pytest.raises(Overtaken, match="no longer stands at record"):
        take(path, on_bytes=overtake)

    assert ImportBatch.objects.values(*elsewhere).get() == elsewhere
    assert Sighting.objects.count() < RECORDS


def spoken(number):
    messages = [("user", f"Task {number % 60}."), ("assistant", "x" * 4000)]
    return {"messages": [{"role": role, "content": content} for role, content in messages]}


def posed(number):
    code = f"def f{number}():\n    return {number}\n# {'x' * 4000}\n"
    return {
        "slug": f"task-{number % 60}",
        "title": f"Task {number % 60}",
        "solutions": [{"lang": "python", "code": code}],
    }


@pytest.mark.parametrize(
    ("command", "run", "made", "rows"),
    [
        ("import_dialogues", import_dialogues, spoken, (Dialogue, Turn)),
        ("import_problems", import_problems, posed, (Problem, Solution)),
    ],
)
def test_dialogues_and_problems_go_on_as_queries_do_and_the_command_says_where(tmp_path, command, run, made, rows):
    path = tmp_path / "a.jsonl"
    lines = [json.dumps(made(number)) for number in range(400)]
    lines[7] = "{bad"
    path.write_text("\n".join(lines))
    stopped(path, at_block=4, run=run)
    left = ImportBatch.objects.get()
    assert 0 < left.read < 400

    ran = run_command(command, path, "--source", "sample")

    assert f"a.jsonl: goes on after record {left.read} (import batch {left.pk})" in ran.said
    assert ran.result["files"][0]["goes_on_after"] == left.read
    assert [ran.result[name] for name in ("read", "accepted", "duplicates", "rejected")] == [400, 60, 339, 1]
    stored = [model.objects.count() for model in rows]
    assert stored == ([60, 120] if command == "import_dialogues" else [60, 399])
    again = run_command(command, path, "--source", "sample")
    assert [again.result[name] for name in ("read", "accepted", "duplicates", "rejected")] == [400, 0, 399, 1]
    assert "goes on" not in again.said
    assert [model.objects.count() for model in rows] == stored


def opened(path):
    source = Source.objects.get_or_create(slug="sample")[0]
    return opened_batch(path, source=source, reading=Reading("queries", "evol_instruct_code"), by=None)
