"""Parquet files: read row by row, refused with a remedy where they cannot be."""

import gzip
import sys

import pytest

from curation.intake.fields import kind_of
from curation.intake.importing import import_queries
from curation.intake.reading import read_records
from curation.intake.records import BrokenFile, Unreadable

RECORDS = [{"instruction": f"Number {n}: print\u2028it", "output": "é" * 300, "n": n, "m": [n]} for n in range(230)]


@pytest.fixture
def pyarrow():
    """Loaded for these tests alone: with the library that it loads in turn it takes a second in every process."""
    return pytest.importorskip("pyarrow", reason="the extra `parquet` is not installed")


@pytest.fixture
def write(tmp_path, pyarrow):
    from pyarrow import parquet

    def run(table=None, *, change=lambda content: content, **options):
        path = tmp_path / "file.whatever"
        parquet.write_table(table or pyarrow.Table.from_pylist(RECORDS), path, **options)
        path.write_bytes(change(path.read_bytes()))
        return path

    return run


@pytest.mark.parametrize("change", [bytes, gzip.compress])
def test_rows_are_read_in_order_whatever_the_name_and_the_size_of_row_groups(write, change):
    for rows in (7, 1000):
        found = list(read_records(write(change=change, row_group_size=rows)))

        assert [one.value for one in found] == RECORDS
        assert [one.line for one in found] == list(range(1, len(RECORDS) + 1))
        assert found[3].excerpt.startswith("instruction: Number 3: print")


def test_reading_tells_how_far_it_is_in_bytes(write):
    path, positions = write(), []

    list(read_records(path, positions.append))

    assert positions == sorted(positions)
    assert positions[-1] == path.stat().st_size


def times(pyarrow, unit, *values, zone=None):
    return pyarrow.array(values, pyarrow.timestamp(unit, tz=zone))


def not_utf8(pyarrow):
    return pyarrow.array([b"fine", b"caf\xe9"]).view(pyarrow.string())


def one_name_twice(pyarrow):
    return pyarrow.StructArray.from_arrays([pyarrow.array(["a", "b"])] * 2, names=["x", "x"])


# Columns of two rows, and what is said of the second; the first can be read where the third part says so.
ODD = {
    "not UTF-8": (not_utf8, "bytes that are not UTF-8", True),
    "far date": (
        lambda arrow: arrow.array([1, 10**8], arrow.date32()),
        "a value that cannot be read, date value",
        True,
    ),
    "far time": (lambda arrow: times(arrow, "s", 1, 10**15), "a value that cannot be read, ", True),
    "no such zone": (
        lambda arrow: times(arrow, "us", 1, 1, zone="Mars/Olympus"),
        "a value that cannot be read, ",
        False,
    ),
    "one name twice": (one_name_twice, "a value that cannot be read, Converting", False),
}


@pytest.mark.parametrize("kind", ODD)
def test_a_value_that_cannot_be_read_spoils_its_own_field_alone(write, pyarrow, kind):
    column, said, is_first_fine = ODD[kind]
    fine = {"instruction": ["Sort.", "Add."], "output": ["x", "y"]}

    found = list(read_records(write(pyarrow.table(fine | {"odd": column(pyarrow)}))))

    assert [(one.value["instruction"], one.value["output"]) for one in found] == [("Sort.", "x"), ("Add.", "y")]
    assert kind_of(found[1].value["odd"]).startswith(said)
    assert isinstance(found[0].value["odd"], Unreadable) != is_first_fine


@pytest.mark.django_db
def test_a_record_is_refused_only_where_the_value_that_cannot_be_read_is_wanted(write, pyarrow):
    columns = {"instruction": not_utf8(pyarrow), "output": ["x", "y"]}
    table = pyarrow.table(columns | {"created": times(pyarrow, "us", 1, 10**18)})

    batch = import_queries(write(table), source="sample", by=None)

    assert (batch.read, batch.accepted) == (2, 1)
    reason = "field 'instruction' is bytes that are not UTF-8, not text; write it as text or remove the record"
    assert batch.rejected_records.get().reason == reason


@pytest.mark.parametrize("change", [lambda content: content[:-100], lambda content: content[:200] + content[-8:]])
def test_a_file_that_is_cut_off_or_damaged_says_so(write, change):
    with pytest.raises(BrokenFile, match="not a whole Parquet file after row 0"):
        list(read_records(write(change=change)))


def test_a_file_damaged_in_its_middle_gives_what_came_before(write, pyarrow):
    def damage(content):
        half = len(content) // 2
        return content[:half] + b"\xff" * 2000 + content[half + 2000 :]

    found = []
    records = [record | {"output": f"{record['n']:05d}" * 100} for record in RECORDS]
    with pytest.raises(BrokenFile, match="not a whole Parquet file after row"):
        for one in read_records(write(pyarrow.Table.from_pylist(records), change=damage, row_group_size=50)):
            found.append(one.value)

    assert found == records[: len(found)]
    assert len(found) >= 50


def test_a_file_that_unpacks_to_far_more_than_its_size_is_refused(write, pyarrow):
    table = pyarrow.table({"instruction": ["x" * 1_000_000 + str(n) for n in range(20)]})

    with pytest.raises(BrokenFile, match="more than 200 times its size"):
        list(read_records(write(table, compression="zstd", use_dictionary=False)))


def test_without_the_extra_its_name_is_said(write, monkeypatch):
    path = write()
    monkeypatch.setitem(sys.modules, "pyarrow", None)

    with pytest.raises(BrokenFile, match=r"the extra `parquet` is not installed; install it \(pip install -e"):
        list(read_records(path))


@pytest.mark.parametrize(("value", "kind"), [(b"x", "of type bytes"), (1.5, "a number"), ("x", "text")])
def test_kinds_that_json_does_not_have_are_named(value, kind):
    assert kind_of(value) == kind


@pytest.mark.django_db
def test_queries_come_in_from_parquet(write):
    batch = import_queries(write(), source="sample", by=None)

    assert (batch.layout, batch.read, batch.accepted, batch.rejected) == ("evol_instruct_code", 230, 230, 0)
