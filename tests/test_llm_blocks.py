"""Claims about finding the code of an answer."""

import pytest

from llm.replies import CodeBlock, calls_input, code_blocks, last_code

PROGRAM = "print(1)\n"


def test_backticks_tildes_and_longer_fences_are_found_in_order():
    answer = "a\n```python\nx = 1\n```\n~~~js\ny\n~~~\n`````c++\nint a;\n`````\n"
    assert code_blocks(answer) == [
        CodeBlock("python", "x = 1\n"),
        CodeBlock("javascript", "y\n"),
        CodeBlock("cpp", "int a;\n"),
    ]


@pytest.mark.parametrize(
    ("info", "language"),
    [
        ("py", "python"),
        ("Python3", "python"),
        ("python title=x.py", "python"),
        ("{.python}", "python"),
        ("python:main.py", "python"),
        ("py,linenos", "python"),
        ("c#", "csharp"),
        ("golang", "go"),
        ("", ""),
        ("brainfuck", "brainfuck"),
    ],
)
def test_a_language_has_one_name(info, language):
    assert code_blocks(f"```{info}\nx\n```")[0].language == language


def test_a_fence_inside_a_longer_fence_is_text():
    answer = "````markdown\n```python\nprint(1)\n```\n````\n"
    assert code_blocks(answer) == [CodeBlock("markdown", "```python\nprint(1)\n```\n")]


def test_a_fence_in_a_list_loses_the_indent_of_the_list_only():
    answer = "1. First:\n\n   ```python\n   if True:\n       print(1)\n   ```\n2. Then\n"
    assert code_blocks(answer) == [CodeBlock("python", "if True:\n    print(1)\n")]


def test_backticks_indented_in_a_docstring_do_not_close_the_block():
    code = 'def f():\n    """Example.\n\n    ```\n    f()\n    ```\n    """\n'
    assert code_blocks(f"```python\n{code}```\n") == [CodeBlock("python", code)]


def test_a_block_left_open_runs_to_the_end():
    assert code_blocks("Here:\n```python\nprint(1)") == [CodeBlock("python", "print(1)")]


def test_a_block_right_under_an_html_tag_is_found():
    assert code_blocks("<details>\n```python\nprint(1)\n```\n</details>") == [CodeBlock("python", PROGRAM)]


def test_inline_code_and_indented_text_are_no_blocks():
    assert code_blocks("Use `x`.\n\n    indented\n\n``` not a ``` fence") == []


def test_the_last_block_in_a_supported_language_runs():
    answer = "```python\nprint(0)\n```\n```python\nprint(1)\n```\n```bash\npip list\n```\n```\n1\n```\n"
    assert last_code(answer) == CodeBlock("python", PROGRAM)


def test_an_unlabelled_block_runs_when_it_is_python_that_does_something():
    assert last_code("```\nprint(1)\n```") == CodeBlock("python", PROGRAM)
    assert last_code("```\nDone\n```") is None
    assert last_code("```\n42\n```") is None


def test_other_languages_run_only_when_asked_for():
    answer = "```js\nlet a = 1\n```"
    assert last_code(answer) is None
    assert last_code(answer, ("python", "javascript")) == CodeBlock("javascript", "let a = 1\n")


@pytest.mark.parametrize("answer", ["import os", "x = 1", "def f(): pass", "print('hello')", "n: int = 3"])
def test_an_answer_that_is_bare_python_counts_as_one_block(answer):
    assert last_code(answer) == CodeBlock("python", answer)


@pytest.mark.parametrize(
    "answer", ["", "Done", "yes, no", "42", "Note: important", "Sure (yes)", "# only a comment", "a\0b", "(" * 10_000]
)
def test_words_that_happen_to_parse_are_no_code(answer):
    assert last_code(answer) is None


@pytest.mark.parametrize(
    "code",
    [
        "name = input()",
        "a, b = map(int, input('two numbers').split())",
        "for line in iter(input, ''):\n    print(line)",
        "def main():\n    return [int(x) for x in input().split()]",
    ],
)
def test_code_that_waits_for_someone_to_type_is_found_in_the_tree(code):
    assert calls_input(code)


@pytest.mark.parametrize(
    "code",
    [
        "print('call input() to begin')",
        "# input()\nx = 1",
        "def input():\n    return '3'\nprint(input())",
        "input = lambda: '3'\nprint(input())",
        "def f(input):\n    return input + 1",
        "reader.input()",
        "this does not parse: input()",
    ],
)
def test_the_mere_word_input_does_not_count(code):
    assert not calls_input(code)
