"""Claims about what is read from the JSON of an answer, whoever sent it."""

import pytest

from llm.client import Response, parse_response


def response(content, finish_reason="stop", refusal=None):
    message = {"content": content, "refusal": refusal}
    return parse_response({"choices": [{"message": message, "finish_reason": finish_reason}]}, 0.1)


def test_refusal_filter_cut_off_and_empty_are_told_apart():
    assert response("4").outcome == "answer"
    assert response(None, refusal="I cannot").outcome == "refused"
    assert response("", "content_filter").outcome == "filtered"
    assert response("The score", "length").outcome == "cut_off"
    assert response(" \n").outcome == "empty"
    assert response(None).outcome == "empty"


def test_text_in_parts_and_text_no_database_stores_are_read():
    assert response([{"type": "text", "text": "4"}, {"type": "text", "text": " yes"}]).text == "4 yes"
    assert response("a\ud800b\0c").text == "a?b\ufffdc"


@pytest.mark.parametrize("usage", [None, [], {}, {"prompt_tokens": "many", "completion_tokens": -3}])
def test_missing_or_senseless_usage_counts_as_nothing_and_loses_no_answer(usage):
    raw = {"choices": [{"message": {"content": "4"}, "finish_reason": 1, "logprobs": []}], "usage": usage}
    read = parse_response(raw, 0.1)
    assert isinstance(read, Response)
    assert (read.text, read.prompt_tokens, read.completion_tokens, read.logprobs) == ("4", 0, 0, None)
