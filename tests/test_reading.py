"""Claims about reading files: every form by its content, whole records, broken ones named."""

import csv
import gzip
import io
import json
import random

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from curation.intake.arrays import array_records
from curation.intake.reading import read_records
from curation.intake.records import RECORD_LIMIT, BrokenFile, Record, Refused

RECORDS = [{"instruction": f"Number {n}: print\u2028it", "output": "print(1)\r\nok \u00e9"} for n in range(60)]

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


def as_lines(records):
    return "\n".join(json.dumps(one, ensure_ascii=False) for one in records).encode()


def as_csv(records, delimiter=","):
    out = io.StringIO(newline="")
    writer = csv.DictWriter(out, fieldnames=list(records[0]), delimiter=delimiter)
    writer.writeheader()
    writer.writerows(records)
    return out.getvalue().encode()


def write(tmp_path, content):
    path = tmp_path / "file.whatever"
    path.write_bytes(content)
    return path


def values(path):
    return [one.value for one in read_records(path)]


FORMS = {
    "lines": as_lines(RECORDS),
    "lines with CR LF": as_lines(RECORDS).replace(b"\n", b"\r\n"),
    "lines after a BOM": b"\xef\xbb\xbf" + as_lines(RECORDS),
    "array": json.dumps(RECORDS).encode(),
    "indented array": json.dumps(RECORDS, indent=4, ensure_ascii=False).encode(),
    "array after a BOM": b"\xef\xbb\xbf" + json.dumps(RECORDS).encode(),
    "csv": as_csv(RECORDS),
    "csv with semicolons after a BOM": b"\xef\xbb\xbf" + as_csv(RECORDS, ";"),
    "tab-separated": as_csv(RECORDS, "\t"),
}


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("form", FORMS)
def test_every_form_is_told_by_its_content_and_reads_the_same(tmp_path, form, packed):
    content = gzip.compress(FORMS[form], mtime=0) if packed else FORMS[form]

    assert values(write(tmp_path, content)) == RECORDS


@example(elements=[0.0], indent=None, size=1)
@given(elements=st.lists(json_values, max_size=6), indent=st.sampled_from([None, 2]), size=st.integers(1, 40))
def test_an_array_reads_the_same_wherever_its_blocks_are_cut(elements, indent, size):
    content = json.dumps(elements, indent=indent, ensure_ascii=False).encode(errors="surrogatepass")
    content = content.decode(errors="replace").encode()
    blocks = (content[start : start + size] for start in range(0, len(content), size))

    assert [one.value for one in array_records(blocks)] == json.loads(content)


@example(elements=[10], cut=2)
@given(elements=st.lists(json_values, min_size=1, max_size=6), cut=st.integers(1, 60))
def test_a_cut_off_array_yields_whole_elements_and_then_says_so(elements, cut):
    content = json.dumps(elements).encode()[:-cut]
    seen = []

    with pytest.raises(BrokenFile, match="cut off"):
        seen.extend(array_records(iter([content[:1] or b"[", content[1:]])))

    assert seen == [] or [one.value for one in seen if isinstance(one, Record)] == elements[: len(seen)]


@pytest.mark.parametrize(
    ("element", "reason"),
    [
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": ' + b"9" * 5000 + b"}", "thousands of digits"),
        (b'{"a": "raw \x01 control"}', "Invalid control character"),
        (b'{"a": "caf\xe9"}', "byte 0xe9 is not UTF-8"),
    ],
)
def test_an_array_goes_on_after_an_element_that_is_not_json(element, reason):
    found = list(array_records(iter([b'[{"a": 1}, ' + element + b', {"a": 3}]'])))

    assert [type(one) for one in found] == [Record, Refused, Record]
    assert found[1].line == 2
    assert reason in found[1].reason


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b'[{"a": 1}, {a: 2}, {"a": 3, "b": "long enough to show that it is no cut"}]', "record 2 is not JSON"),
        (b'[{"a": 1} {"a": 2}]', "must follow record 1"),
        (b'[{"a": 1}] []', "text follows the end"),
        (b'[{"a": 1}, ' + b"[" * 100_000, "record 2 is nested too deeply"),
    ],
)
def test_an_array_whose_next_element_cannot_be_found_breaks_off(content, message):
    with pytest.raises(BrokenFile, match=message):
        list(array_records(iter([content])))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{bad", "not JSON: Expecting property name"),
        (b'{"a": 1}{"a": 2}', "more than one JSON value on the line"),
        (b'{"a": "caf\xe9"}', "byte 0xe9 is not UTF-8"),
        (b'{"a": 2},', "a comma follows the record; take the commas away"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": "\x00"}', "Invalid control character at column 8"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
        (b'{"a": ' + b"9" * 5000 + b"}", "thousands of digits"),
    ],
)
def test_a_bad_line_is_refused_with_its_number_and_the_rest_is_read(tmp_path, line, reason):
    found = list(read_records(write(tmp_path, b'{"a": 1}\n\n' + line + b'\n{"a": 4}\n')))

    assert [one.line for one in found] == [1, 3, 4]
    assert reason in found[1].reason
    assert found[2].value == {"a": 4}


def test_a_line_above_the_limit_is_refused_without_being_held(tmp_path):
    found = list(read_records(write(tmp_path, b'{"a": "' + b"x" * 17_000_000 + b'"}\n{"a": 2}')))

    assert "longer than 16,000,000 bytes" in found[0].reason
    assert found[1].value == {"a": 2}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ('{"a": 1}'.encode("utf-16"), "UTF-16"),
        ('{"a": 1}'.encode("utf-16-le"), "UTF-16"),
        (b"PK\x03\x04....", "zip archive"),
        (b"\x89PNG\r\n\x1a\n", "not text"),
        (gzip.compress(b"PK\x03\x04....", mtime=0), "zip archive"),
        (b'a,b\n"never closed,x\n', "record 1 is not CSV"),
        (b'a,"b\nc,d\n', "the header is not CSV"),
        (b"a,b\rc,d\r", "carriage returns alone; save it with line feeds"),
        (b"gr\xf6sse,b\nc,d\n", "in the header, byte 0xf6 is not UTF-8"),
        (b"a\nb\n", "first line 'a' is neither a JSON object nor a header of two or more different columns"),
        (b"a|b\nc|d\n", "comma, semicolon or tab between them"),
        (b"a,b,a\nc,d,e\n", "first line 'a,b,a' is neither a JSON object"),
        (b'{\n "a": 1,\n "b": 2\n}', "one JSON object over several lines; put each record on a line of its own"),
        (b'{"data": [\n{"a": 1},\n{"a": 2}\n]}\n', "one JSON object over several lines"),
        pytest.param(b'{"data": [\n' + b'{"a": 1},\n' * 30_000, "one JSON object over several lines", id="long object"),
    ],
)
def test_a_file_that_holds_no_records_in_utf8_is_refused_with_the_remedy(tmp_path, content, message):
    with pytest.raises(BrokenFile, match=message):
        list(read_records(write(tmp_path, content)))


def test_cut_off_gzip_gives_what_came_before_and_then_says_so(tmp_path):
    noise = random.Random(1)
    lines = as_lines([{"n": n, "noise": noise.random()} for n in range(5000)])
    found = []

    with pytest.raises(BrokenFile, match="gzip ended early"):
        for one in read_records(write(tmp_path, gzip.compress(lines, mtime=0)[:-2000])):
            found.append(one.value["n"])

    assert found == list(range(len(found)))
    assert len(found) > 1000


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(tmp_path):
    bomb = gzip.compress(b'{"a": "%s"}\n' % (b"b" * 10_000) * 4_000, mtime=0)

    with pytest.raises(BrokenFile, match="more than 200 times its size"):
        for _ in read_records(write(tmp_path, bomb)):
            pass


def test_a_row_with_too_few_columns_is_refused_under_its_field_names(tmp_path):
    found = list(read_records(write(tmp_path, b"instruction,output\na\nb,c\n")))

    assert found[0] == Refused(1, "1 columns where the header names 2; mend its quotes", "a", ("instruction", "output"))
    assert found[1].value == {"instruction": "b", "output": "c"}


@pytest.mark.parametrize(
    ("header", "delimiter", "names"),
    [
        ("best.body,score (1-5)", ",", ["best.body", "score (1-5)"]),
        ('"Question, short",Answer?', ",", ["Question, short", "Answer?"]),
        ("Question, short;Answer", ";", ["Question, short", "Answer"]),
        ("instruction, output ", ",", ["instruction", "output"]),
        ("instruction,output,", ",", ["instruction", "output"]),
        (",instruction,output", ",", ["instruction", "output"]),
        ("\u554f\u984c,\u7b54\u6848", ",", ["\u554f\u984c", "\u7b54\u6848"]),
    ],
)
def test_a_header_may_name_its_columns_as_people_do(tmp_path, header, delimiter, names):
    row = delimiter.join("x" for _ in next(csv.reader([header], delimiter=delimiter)))

    assert values(write(tmp_path, f"{header}\n{row}\n".encode())) == [dict.fromkeys(names, "x")]


@pytest.mark.parametrize("line", [b"Exported today, by hand", b'tion": "x", "b": "y"}', b'{"a": ', b"17", b"{bad"])
def test_a_first_line_that_is_no_record_costs_no_other(tmp_path, line):
    refused, *others = read_records(write(tmp_path, line + b'\n{"a": 1}\n{"a": 2}\n{"a": 3}\n'))

    assert refused.line == 1
    assert [one.value for one in others] == [{"a": 1}, {"a": 2}, {"a": 3}]


def test_blank_lines_before_the_header_and_columns_of_any_length_are_taken(tmp_path):
    assert values(write(tmp_path, b"\n\na,b\n\n1," + b"x" * 200_000)) == [{"a": "1", "b": "x" * 200_000}]


def test_a_first_line_of_any_length_is_looked_at(tmp_path):
    assert csv.field_size_limit() == RECORD_LIMIT  # from the beginning, not since the first CSV
    with pytest.raises(BrokenFile, match="its first line 'xxx"):
        list(read_records(write(tmp_path, b"x" * 200_000)))


@pytest.mark.parametrize("content", [b"", b"\n\n \n", b"[]", b"[ \n ]", gzip.compress(b"", mtime=0)])
def test_a_file_without_records_yields_none(tmp_path, content):
    assert list(read_records(write(tmp_path, content))) == []


def test_reading_tells_how_many_bytes_of_the_file_are_behind_it(tmp_path):
    path = write(tmp_path, as_lines(RECORDS * 100))
    positions = []

    list(read_records(path, positions.append))

    assert positions[-1] == path.stat().st_size
    assert positions == sorted(positions)
