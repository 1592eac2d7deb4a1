"""Imports in processes of their own: killed again and again, and of files of any length."""

import hashlib
import json
import random
from pathlib import Path

import pytest

from curation.intake.importing import import_queries
from curation.models import ImportBatch, Query, RejectedRecord, Sighting
from tests.sizes import sized
from tests.soaking import a_worker, has_ended, wait_for

KILLS, RECORDS = 5, sized(300_000)
FEW, MANY = 1_000, sized(287_000)
WORDS = ["sort", "merge", "filter", "graph", "cache", "parse", "token", "stream", "window", "matrix", "queue", "tree"]


@pytest.fixture
def pool_of(tmp_path):
    """A file of that many records, among them the same text again, with the same or another answer, and bad lines."""

    def write(records):
        rng, path = random.Random(7), tmp_path / f"{records}.jsonl"
        with path.open("w") as lines:
            for number in range(records):
                text = f"Task {rng.randrange(records)}: " + " ".join(rng.choices(WORDS, k=60))
                if rng.random() < 0.3:
                    text = f"Task {number % 50} of those that come again"
                answer = " ".join(rng.choices(WORDS, k=rng.randint(1, 80)))
                record = {"instruction": text, "output": answer}
                lines.write(("{" if rng.random() < 0.02 else json.dumps(record)) + "\n")
        return path

    return write


def facts():
    """The counts of the only import, and everything that stands of it in the tables."""
    texts = dict(Query.objects.values_list("pk", "text_hash"))
    of_lines = Sighting.objects.order_by("line").values_list("line", "query_id", "response_hash", "response")
    rejected = RejectedRecord.objects.order_by("line").values_list("line", "reason")
    rows = [(line, texts[query], *rest) for line, query, *rest in of_lines] + list(rejected)
    counts = ImportBatch.objects.values("state", "error", "read", "accepted", "duplicates", "rejected").get()
    return counts | {
        "queries": len(texts),
        "rows": len(rows),
        "sha256": hashlib.sha256(repr(rows).encode()).hexdigest(),
    }


@pytest.mark.soak
@pytest.mark.django_db
def test_an_import_killed_five_times_ends_as_one_that_nobody_disturbed(site, pool_of):
    path = pool_of(RECORDS)
    command = ("import_queries", path, "--source", "sample")
    for number in range(1, KILLS + 1):
        with a_worker(site, *command) as process:
            due = RECORDS * number // (KILLS + 3)
            wait_for(lambda due=due: records_read(site) >= due, f"{due} records", worker=process)
            process.kill()
            process.wait()
        assert records_read(site) < RECORDS

    told = site.manage(*command, "--json")
    import_queries(path, source="sample", by=None)

    with site.as_own_database():
        killed = facts()
    assert killed == facts()
    assert killed["read"] == told["read"] == RECORDS
    assert not list(Path(site.environ["VAR_DIR"], "imports").iterdir())


@pytest.mark.once
@pytest.mark.soak
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads a process's memory from /proc")
def test_an_import_takes_no_more_memory_for_a_longer_file(site, pool_of):
    peaks = [peak_of_import(site, pool_of(records)) for records in (FEW, MANY)]

    print(f"{peaks[0] / 1e6:.1f} MB for {FEW} records, {peaks[1] / 1e6:.1f} MB for {MANY}")
    # The file of everyday runs is short: there the growth is held to what keeping every record would make of it.
    assert peaks[1] - peaks[0] < min(100e6, 1024 * (MANY - FEW))


def peak_of_import(site, path):
    peaks = []
    with a_worker(site, "import_queries", path, "--source", path.stem) as process:
        wait_for(lambda: has_ended(process, peaks), "the import's end", seconds=3600)
        assert process.returncode == 0, process.said()
    return max(peaks)


def records_read(site):
    return site.ask_database("ImportBatch.objects.aggregate(read=Sum('read', default=0))['read']")
