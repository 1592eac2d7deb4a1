"""Malformed, hostile and odd files: each is imported, rejected record by record, or refused with a remedy."""

import gzip
import itertools
import json

import pytest

from curation.management.file_command import COUNTS
from curation.models import ImportBatch, Query, RejectedRecord, Sighting
from dialogues.models import Dialogue
from tests.running import run_command
from tests.sizes import sized

pytestmark = [pytest.mark.django_db, pytest.mark.needs("sample_pool")]

# file: exit code, read, accepted, duplicates, rejected, what is said first
TAKEN = {
    "ok_control.jsonl": (0, 50, 50, 0, 0, ""),
    "ok_control.jsonl.gz": (0, 50, 50, 0, 0, ""),
    "bom.jsonl": (0, 50, 50, 0, 0, ""),
    "crlf.jsonl": (0, 50, 50, 0, 0, ""),
    "blank_lines.jsonl": (0, 50, 50, 0, 0, ""),
    "no_final_newline.jsonl": (0, 50, 50, 0, 0, ""),
    "json_array.jsonl": (0, 50, 50, 0, 0, ""),
    "json_array_indented.json": (0, 50, 50, 0, 0, ""),
    "lines_named.json": (0, 50, 50, 0, 0, ""),
    "wrong_extension.txt": (0, 3, 3, 0, 0, ""),
    "not_really_gzip.jsonl.gz": (0, 3, 3, 0, 0, ""),
    "extra_fields.jsonl": (0, 10, 10, 0, 0, ""),
    "unicode_line_separators.jsonl": (0, 10, 10, 0, 0, ""),
    "unicode_bidi_zero_width.jsonl": (0, 13, 13, 0, 0, ""),
    "html_injection.jsonl": (0, 16, 16, 0, 0, ""),
    "deep_nesting_500.jsonl": (0, 3, 3, 0, 0, ""),
    "lone_surrogate.jsonl": (0, 3, 3, 0, 0, ""),
    "nul_escaped.jsonl": (0, 6, 6, 0, 0, ""),
    "duplicate_keys.jsonl": (0, 1, 1, 0, 0, ""),
    "duplicate_ids.jsonl": (0, 20, 20, 0, 0, ""),
    "duplicate_records.jsonl": (0, 30, 10, 20, 0, ""),
    "quotes_newlines.csv": (0, 21, 21, 0, 0, ""),
    "csv_bom_semicolon.csv": (0, 1, 1, 0, 0, ""),
    "csv_formula.csv": (0, 2, 2, 0, 0, ""),
    "csv_huge_field.csv": (0, 1, 1, 0, 0, ""),
    "many_20k.jsonl.gz": (0, 20000, 20000, 0, 0, ""),
    "empty.jsonl": (0, 0, 0, 0, 0, "empty, nothing to import"),
    "only_newlines.jsonl": (0, 0, 0, 0, 0, "empty, nothing to import"),
    "empty_array.json": (0, 0, 0, 0, 0, "empty, nothing to import"),
    "ok_control.parquet": (0, 50, 50, 0, 0, ""),
    "name with spaces & ünïcode'\"<b>.jsonl": (0, 3, 3, 0, 0, ""),
    "..%2f..%2fetc%2fpasswd.jsonl": (0, 1, 1, 0, 0, ""),
}
TAKEN_IN_PART = {
    "one_bad_line_middle.jsonl": (0, 50, 49, 0, 1, "line 26: not JSON"),
    "three_bad_lines.jsonl": (0, 50, 47, 0, 3, "line 11: not JSON"),
    "thirty_percent_bad_1000.jsonl": (0, 1000, 700, 0, 300, "line 1: not JSON"),
    "mixed_encoding.jsonl": (0, 6, 5, 0, 1, "line 5: byte 0xf6 is not UTF-8"),
    "nul_bytes_raw.jsonl": (0, 6, 5, 0, 1, "line 6: not JSON: Invalid control character"),
    "deep_nesting_100k.jsonl": (0, 3, 2, 0, 1, "line 3: nested too deeply"),
    "big_numbers.jsonl": (0, 4, 3, 0, 1, "line 4: holds a number with thousands of digits"),
    "field_5MB.jsonl": (0, 4, 2, 0, 2, "line 3: field 'instruction' has 5,000,009 characters, the limit is 1,000,000"),
    "non_object_lines.jsonl": (0, 7, 1, 0, 6, "line 1: not a JSON object"),
    "missing_fields.jsonl": (0, 6, 1, 0, 5, "line 1: field 'output' is missing"),
    "wrong_types.jsonl": (0, 20, 0, 0, 20, "line 1: field 'instruction' is null, not text"),
    "whitespace_only_values.jsonl": (0, 3, 0, 0, 3, "line 1: field 'instruction' is blank"),
    "csv_ragged.csv": (0, 2, 0, 0, 2, "record 1: 1 columns where the header names 2"),
    "sharegpt_odd.json": (0, 7, 1, 2, 4, "record 2: field 'conversations' holds assistant then user"),
    "wrong_types.parquet": (0, 3, 0, 0, 3, "record 1: field 'instruction' is a number, not text"),
    "truncated.jsonl.gz": (2, 24, 24, 0, 0, "gzip ended early"),
    "truncated_array.json": (2, 49, 49, 0, 0, "the array is cut off in record 50"),
}
REFUSED = {
    "gzip_bomb_100MB.jsonl.gz": "unpacks to more than 200 times its size",
    "utf16.jsonl": "convert it to UTF-8",
    "latin1.jsonl": "line 1: byte 0xfc is not UTF-8",
    "cr_only.jsonl": "more than one JSON value on the line",
    "concatenated_objects.jsonl": "more than one JSON value on the line",
    "empty_object.json": "no known layout; fields seen: none",
    "wrapped.json": "field 'data' is a list; give that list as a file of its own",
    "csv_unclosed_quote.csv": "record 1 is not CSV",
    "png_named.jsonl": "not text",
    "renamed_zip.parquet": "a zip archive",
    "messages_nested.parquet": "use import_dialogues",
    "truncated.parquet": "not a whole Parquet file after row 0",
    "code_fences.jsonl": "use import_dialogues",
    "consecutive_same_role.jsonl": "use import_dialogues",
    "dialogue_200_turns.jsonl": "use import_dialogues",
    "hostile_code.jsonl": "use import_dialogues",
    "html_injection_dialogue.jsonl": "use import_dialogues",
    "messages_bad_shape.jsonl": "use import_dialogues",
    "unknown_roles.jsonl": "use import_dialogues",
}
# What the command for dialogues makes of those that the one for queries refuses.
DIALOGUES = {
    "code_fences.jsonl": (0, 19, 19, 0, 0, ""),
    "hostile_code.jsonl": (0, 22, 22, 0, 0, ""),
    "html_injection_dialogue.jsonl": (0, 16, 16, 0, 0, ""),
    "dialogue_200_turns.jsonl": (0, 1, 1, 0, 0, ""),
    "messages_nested.parquet": (0, 10, 10, 0, 0, ""),
    "messages_bad_shape.jsonl": (0, 10, 2, 0, 8, "line 1: field 'messages' is text, not a list of messages"),
    "consecutive_same_role.jsonl": (0, 8, 0, 0, 8, "line 1: message 1 is the user's where the assistant's is due"),
    "unknown_roles.jsonl": (0, 11, 1, 0, 10, "line 2: message 0 is the assistant's where the user's is due"),
}
# Named in EXPECT.json only: no archive carries such names. They hold the first records of a good file.
ODDLY_NAMED = {"name with spaces & ünïcode'\"<b>.jsonl": 3, "..%2f..%2fetc%2fpasswd.jsonl": 1}
QUERIES = TAKEN | TAKEN_IN_PART | {name: (2, 0, 0, 0, 0, said) for name, said in REFUSED.items()}
# Nothing is wrong with it but its length: whole under SOAK=1.
MANY = "many_20k.jsonl.gz"
ROWS = [("import_queries", *row) for row in QUERIES.items()] + [("import_dialogues", *row) for row in DIALOGUES.items()]


@pytest.fixture
def bad_file(pool, tmp_path):
    def find(name):
        if name == MANY:
            with gzip.open(pool / "probes" / "bad" / name) as whole:
                beginning = b"".join(itertools.islice(whole, sized(QUERIES[name][1])))
            path = tmp_path / name
            path.write_bytes(gzip.compress(beginning))
            return path
        if name not in ODDLY_NAMED:
            return pool / "probes" / "bad" / name
        lines = (pool / "probes" / "bad" / "ok_control.jsonl").read_text().split("\n")
        path = tmp_path / name
        path.write_text("\n".join(lines[: ODDLY_NAMED[name]]))
        return path

    return find


@pytest.mark.parametrize(
    ("command", "name", "expected"), ROWS, ids=lambda value: value if isinstance(value, str) else ""
)
def test_each_bad_file_gets_what_it_should(bad_file, command, name, expected):
    exit_code, *counts, said = expected
    if name == MANY:
        counts = [count and sized(count) for count in counts]

    ran = run_command(command, bad_file(name), "--source", "probe")

    assert (ran.exit_code, [ran.result[column] for column in COUNTS]) == (exit_code, counts), ran.said
    assert said in (first_said(name) or ran.said)
    stored = Query if command == "import_queries" else Dialogue
    assert stored.objects.count() == ran.result["accepted"]
    assert not ImportBatch.objects.filter(state="running").exists()
    if command == "import_queries":
        assert Sighting.objects.count() == ran.result["accepted"] + ran.result["duplicates"]


def first_said(name):
    """The reason that is kept: of the first rejected record, or of the file."""
    first = RejectedRecord.objects.order_by("line").first()
    return str(first) if first else "".join(ImportBatch.objects.values_list("error", flat=True))


def test_the_table_keeps_the_contract_and_leaves_no_file_out(pool):
    bad = pool / "probes" / "bad"
    contract = json.loads((bad / "EXPECT.json").read_text())
    present = {path.name for path in bad.iterdir()} - {"EXPECT.json"}

    assert present | set(ODDLY_NAMED) == set(QUERIES) == set(contract)
    for name, due in contract.items():
        _, read, accepted, duplicates, rejected, said = DIALOGUES.get(name) or QUERIES[name]
        assert due.get("records", accepted + duplicates) == accepted + duplicates, name
        assert due.get("bad", rejected) == rejected, name
        assert read == accepted + duplicates + rejected
        if lines := [due["bad_line"]] if "bad_line" in due else due.get("bad_lines"):
            assert f"line {lines[0]}:" in said, name
