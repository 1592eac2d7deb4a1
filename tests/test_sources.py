"""Claims about the published layouts: told by their fields, read strictly."""

import re

import pytest

from curation.intake.records import BadRecord
from curation.intake.sources import LAYOUTS, UnknownLayout, detect

PUBLISHED = {
    "oss_instruct": {
        "lang": "cpp",
        "raw_index": 7,
        "index": 3,
        "seed": "int n;",
        "openai_fingerprint": "fp",
        "problem": "Q",
        "solution": "A",
    },
    "magicoder_evol": {"instruction": "Q", "response": "A"},
    "evol_instruct_code": {"instruction": "Q", "output": "A"},
    "code_alpaca": {"instruction": "Q", "input": "", "output": "A"},
    "sharegpt": {"id": "0", "conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}]},
    "code_feedback_filtered": {"query": "Q", "answer": "A", "resource": "evolinstruct", "lang": "sql"},
}
MANY_EXCHANGES = {"conversations": [{"from": "human", "value": "Q"}, {"from": "gpt", "value": "A"}] * 2}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_each_published_layout_is_told_by_its_fields_and_read(layout):
    record = PUBLISHED[layout]

    assert detect([record]) == layout
    found = LAYOUTS[layout].read(record)
    assert (found.text, found.response) == ("Q", "A")


def test_a_record_keeps_the_language_the_id_and_the_origin_its_source_names():
    assert LAYOUTS["oss_instruct"].read(PUBLISHED["oss_instruct"]).language == "cpp"
    assert LAYOUTS["oss_instruct"].read(PUBLISHED["oss_instruct"]).external_id == "3"
    assert LAYOUTS["code_feedback_filtered"].read(PUBLISHED["code_feedback_filtered"]).tags == ["evolinstruct"]


@pytest.mark.parametrize("layout", ["code_alpaca", "evol_instruct_code", "magicoder_evol"])
def test_an_input_follows_the_instruction_on_its_own_line_whatever_the_other_records_hold(layout):
    record = {"instruction": "Sort it.", "input": "[2, 1]", "output": "[1, 2]", "response": "[1, 2]"}

    assert LAYOUTS[layout].read(record).text == "Sort it.\n[2, 1]"


def test_the_layout_is_told_although_half_the_records_are_broken():
    records = [{"instruction": "only a query"}, {}, 5, {"query": "x", "answer": "y"}, PUBLISHED["evol_instruct_code"]]

    assert detect(records) == "evol_instruct_code"


@pytest.mark.parametrize(
    ("record", "message"),
    [
        ({"messages": []}, "holds dialogues; use import_dialogues"),
        (MANY_EXCHANGES, "holds dialogues; use import_dialogues"),
        ({"question": "", "solutions": "[]", "input_output": "{}"}, "holds problems; use import_problems"),
        ({"task_id": "HumanEval/0", "prompt": "", "test": ""}, "holds benchmark tasks; use import_benchmark"),
        ({"data": [{"instruction": "Q"}]}, "field 'data' is a list"),
        ({"title": "x"}, "no known layout; fields seen: title"),
        (17, "no record is a JSON object"),
    ],
)
def test_a_file_of_another_kind_is_refused_with_the_right_command(record, message):
    with pytest.raises(UnknownLayout, match=message):
        detect([record])


@pytest.mark.parametrize(
    ("layout", "changes", "reason"),
    [
        ("evol_instruct_code", {"output": None}, "field 'output' is null, not text"),
        ("evol_instruct_code", {"output": {"text": "A"}}, "field 'output' is an object, not text"),
        ("evol_instruct_code", {"instruction": ["A"]}, "field 'instruction' is a list, not text"),
        ("evol_instruct_code", {"instruction": True}, "field 'instruction' is true or false, not text"),
        ("evol_instruct_code", {"instruction": " \n\t"}, "field 'instruction' is blank"),
        ("evol_instruct_code", {"instruction": "\u200b\ufeff"}, "field 'instruction' is blank"),
        ("evol_instruct_code", {"instruction": "x" * 1_000_001}, "has 1,000,001 characters, the limit is 1,000,000"),
        ("code_alpaca", {"input": 5}, "field 'input' is a number, not text"),
        ("oss_instruct", {"index": "9" * 129}, "field 'index' has 129 characters, the limit of an id is 128"),
        ("magicoder_evol", {"history": [["Q", "A"]]}, "field 'history' belongs to the question"),
        ("sharegpt", {"system": "Be brief."}, "field 'system' belongs to the question"),
        ("oss_instruct", {"index": {}}, "field 'index' is an object, not an id"),
        ("sharegpt", {"conversations": "Q"}, "field 'conversations' is text, not a list"),
        ("sharegpt", {"conversations": ["Q"]}, "field 'conversations[0]' is text, not an object"),
        ("sharegpt", {"conversations": []}, "holds nothing, not one human and one gpt turn"),
        ("sharegpt", MANY_EXCHANGES, "longer conversations go through import_dialogues"),
        ("sharegpt", {"conversations": [{"from": "bing", "value": "x"}]}, "is 'bing', not human, gpt or system"),
    ],
)
def test_a_record_that_breaks_its_layout_is_refused_naming_the_field(layout, changes, reason):
    with pytest.raises(BadRecord) as refusal:
        LAYOUTS[layout].read(PUBLISHED[layout] | changes)

    assert reason in str(refusal.value)
    assert re.search("; (mend|add|write|fill|cut|shorten|rename|take|longer)", str(refusal.value)), "it says what to do"


def test_a_missing_field_is_named():
    with pytest.raises(BadRecord, match="field 'output' is missing"):
        LAYOUTS["evol_instruct_code"].read({"instruction": "Q"})
