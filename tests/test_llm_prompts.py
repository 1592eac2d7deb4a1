"""Claims about filling in templates and guessing tokens."""

import pytest

from llm.prompts import PromptError, estimate_tokens, placeholders, render


def test_values_take_their_places():
    assert render("Rate {{query}} by {{ scale }}.", query="this", scale="levels") == "Rate this by levels."


def test_a_value_is_never_rendered_again():
    assert render("{{query}} {{answer}}", query="{{answer}} \\1", answer="{{query}}") == "{{answer}} \\1 {{query}}"


def test_a_missing_value_and_a_value_without_a_place_are_errors():
    with pytest.raises(PromptError, match="no value for query"):
        render("{{query}}")
    with pytest.raises(PromptError, match="no place for answer"):
        render("{{query}}", query="a", answer="b")


@pytest.mark.parametrize("template", ["{{Query}}", "{{query", "{{query.text}}", "{{}}"])
def test_a_malformed_placeholder_is_an_error(template):
    with pytest.raises(PromptError, match="is no placeholder"):
        render(template, query="a")


def test_single_braces_are_text():
    assert placeholders('Answer with {"score": 1, "why": {"a": {}}}') == set()


def test_tokens_grow_with_the_text_in_any_script():
    assert estimate_tokens("") == 0
    assert 20 <= estimate_tokens("def add(first, second):\n    return first + second\n" * 2) <= 40
    assert estimate_tokens("排序算法") == 4
    assert estimate_tokens("\ud800") == 1
