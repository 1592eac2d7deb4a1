"""The rejected records of an import as files to take home."""

import csv
import io
import json

import pytest

from curation.intake.importing import import_queries
from tests.uploading import EVOL, lines

pytestmark = pytest.mark.django_db


def test_all_rejected_records_come_as_a_file_that_no_spreadsheet_calculates_with(curator_client, tmp_path):
    path = tmp_path / "a.jsonl"
    path.write_text(lines(EVOL) + "".join(f"=1+{n}\n" for n in range(1200)) + "+1\n@x\n-2\n\t=3\n")
    batch = import_queries(path, source="sample", layout="evol_instruct_code", by=None)
    assert batch is not None
    assert batch.rejected == 1204

    as_csv = curator_client.get(f"/imports/{batch.pk}/rejected.csv")
    text = b"".join(as_csv.streaming_content).decode("utf-8-sig")
    rows = list(csv.reader(io.StringIO(text)))
    assert rows[0] == ["line", "reason", "excerpt"]
    assert len(rows) == 1205
    assert rows[1][::2] == ["2", "'=1+0"]
    assert all(row[2].startswith("'") for row in rows[1:])
    assert as_csv.headers["Content-Disposition"] == f'attachment; filename="rejected-{batch.pk}.csv"'

    as_lines = b"".join(curator_client.get(f"/imports/{batch.pk}/rejected.jsonl").streaming_content).decode()
    records = [json.loads(line) for line in as_lines.splitlines()]
    assert len(records) == 1204
    assert records[0]["excerpt"] == "=1+0"
