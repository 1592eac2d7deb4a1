"""The sample data keeps its promises: layouts, counts, duplicates, broken lines, and the bank's queries."""

import json
import tomllib
import unicodedata
from collections import Counter
from itertools import pairwise
from pathlib import Path

import pytest

from curation.duplicates.likeness import declared_names, folded_words, likeness

ROOT = Path(__file__).parent.parent
SAMPLES = ROOT / "sample_data"
INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff"))
OSS_FIELDS = {"lang", "raw_index", "index", "seed", "openai_fingerprint", "problem", "solution"}
LANGUAGE_MARKS = ("python", "javascript", "typescript", "java", "cpp", "c", "go", "rust", "ruby", "php", "sql", "bash")


def lines_of(name):
    return (SAMPLES / name).read_text(encoding="utf-8").rstrip("\n").split("\n")


def records_of(name):
    if name.endswith(".json"):
        return json.loads((SAMPLES / name).read_text(encoding="utf-8"))
    return [json.loads(line) for line in lines_of(name)]


def pairs():
    """All queries with their answers, by file."""
    return {
        "oss_instruct.jsonl": [(r["problem"], r["solution"]) for r in records_of("oss_instruct.jsonl")],
        "evol_instruct.jsonl": [(r["instruction"], r["response"]) for r in records_of("evol_instruct.jsonl")],
        "evol_code.json": [(r["instruction"], r["output"]) for r in records_of("evol_code.json")],
        "python_sharegpt.json": [
            tuple(turn["value"] for turn in r["conversations"]) for r in records_of("python_sharegpt.json")
        ],
    }


def folded(text):
    return " ".join(unicodedata.normalize("NFC", text).translate(INVISIBLE).split())


def bank_queries():
    for path in sorted((ROOT / "llm" / "bank").glob("*.toml")):
        for problem in tomllib.loads(path.read_text(encoding="utf-8"))["problem"]:
            yield problem["query"].strip()


def test_each_file_keeps_its_published_layout():
    assert all(set(record) == OSS_FIELDS for record in records_of("oss_instruct.jsonl"))
    assert all(set(record) == {"instruction", "response"} for record in records_of("evol_instruct.jsonl"))
    assert all(set(record) == {"instruction", "output"} for record in records_of("evol_code.json"))
    for record in records_of("python_sharegpt.json"):
        assert set(record) == {"id", "conversations"}
        assert isinstance(record["id"], str)
        assert [turn["from"] for turn in record["conversations"]] == ["human", "gpt"]


def test_there_are_as_many_records_as_the_readme_says():
    assert {name: len(found) for name, found in pairs().items()} == {
        "oss_instruct.jsonl": 39,
        "evol_instruct.jsonl": 41,
        "evol_code.json": 39,
        "python_sharegpt.json": 31,
    }
    assert len({folded(query) for found in pairs().values() for query, _ in found}) == 141


def test_every_query_and_every_answer_has_text():
    for found in pairs().values():
        for query, answer in found:
            assert len(query.split()) >= 10
            assert "```" in answer


def test_the_answers_are_written_in_twelve_languages():
    marks = Counter()
    for found in pairs().values():
        for _, answer in found:
            marks.update(mark for mark in LANGUAGE_MARKS if f"```{mark}\n" in answer)
    assert set(marks) == set(LANGUAGE_MARKS)
    assert min(marks.values()) >= 3


def test_exact_duplicates_stand_within_files_and_across_them():
    seen = {}
    within, across, disguised = 0, 0, 0
    for name, found in pairs().items():
        for query, _ in found:
            first_name, first_query = seen.setdefault(folded(query), (name, query))
            if first_query is query:
                continue
            within += first_name == name
            across += first_name != name
            disguised += first_query != query
    assert (within, across, disguised) == (3, 6, 6)


def test_one_query_differs_from_another_in_form_only():
    first = {}
    for found in pairs().values():
        for query, _ in found:
            alike = likeness(folded_words(query), declared_names(query))
            first.setdefault(alike, set()).add(folded(query))
    assert [len(forms) for forms in first.values() if len(forms) > 1] == [2]


def test_all_queries_of_the_bank_stand_among_them_word_for_word():
    queries = {query for found in pairs().values() for query, _ in found}
    missing = [query[:60] for query in bank_queries() if query not in queries]
    assert missing == []


def test_every_python_answer_compiles():
    for found in pairs().values():
        for _, answer in found:
            for part in answer.split("```python\n")[1:]:
                compile(part.partition("\n```")[0], "answer.py", "exec")


@pytest.mark.parametrize(
    ("line", "fault"),
    [(2, "cut off"), (4, "no query"), (5, "no text"), (7, "blank"), (9, "no object")],
)
def test_a_broken_line_is_broken_in_its_own_way(line, fault):
    assert fault_of(lines_of("broken.jsonl")[line - 1]) == fault


def test_the_other_lines_of_the_broken_file_are_sound():
    assert [line for line, text in enumerate(lines_of("broken.jsonl"), start=1) if fault_of(text) is None] == [
        1,
        3,
        6,
        8,
        10,
    ]


def fault_of(line):
    try:
        record = json.loads(line)
    except json.JSONDecodeError:
        return "cut off"
    if not isinstance(record, dict):
        return "no object"
    if "query" not in record:
        return "no query"
    if not isinstance(record["query"], str):
        return "no text"
    return None if folded(record["query"]) else "blank"


def test_the_dialogues_alternate_and_two_hold_an_execution_turn():
    dialogues = records_of("dialogues.jsonl")
    assert [dialogue["id"] for dialogue in dialogues] == [1, 2, 3, 4]
    for dialogue in dialogues:
        roles = [message["role"] for message in dialogue["messages"]]
        assert (roles[0], roles[-1]) == ("user", "assistant")
        assert all(left != right for left, right in pairwise(roles))
        assert all(message["content"].strip() for message in dialogue["messages"])
    executed = [any(m["content"].startswith("Execution result: \n") for m in d["messages"]) for d in dialogues]
    assert executed == [False, True, True, False]
