"""Claims about finding the code of an answer."""

import json

import pytest

from llm.python_code import names_of
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
        ("c++17", "cpp"),
        ("python3.11", "python"),
        ("language-js", "javascript"),
        ("{.python .numberLines}", "python"),
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


def test_code_further_left_than_its_fence_in_a_list_stays_in_its_block():
    answer = "1. First:\n\n   ```python\nif True:\n    print(1)\n   ```\n2. Then:\n\n   ```js\n   f()\n   ```\n"
    assert code_blocks(answer) == [
        CodeBlock("python", "if True:\n    print(1)\n"),
        CodeBlock("javascript", "f()\n"),
    ]


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


def test_an_unlabelled_block_beside_a_labelled_program_is_what_it_printed():
    assert last_code("```c\nint main(void) {}\n```\nOutput:\n```\nz = 8\n```", ("python",)) is None
    assert last_code(f"```bash\npip list\n```\n```\n{PROGRAM}```") == CodeBlock("python", PROGRAM)


@pytest.mark.parametrize("shown", [">>> double(2)\n4\n", "42\n", "[1, 2]\n", "# 42\n", "\n", ""])
def test_what_a_program_showed_is_not_run_though_it_is_labelled_as_code(shown):
    assert last_code(f"```python\n{PROGRAM}```\nThis prints:\n```python\n{shown}```") == CodeBlock("python", PROGRAM)


DOUBLE = "def double(n):\n    return 2 * n\n"
USE = "print(double(4))\n"


def fenced(*parts, language="python"):
    return "\n".join(part if part.endswith(":") else f"```{language}\n{part}```" for part in parts)


def run_of(*parts, language="python"):
    return last_code(fenced(*parts, language=language), (language,)).code


def test_a_block_that_uses_what_an_earlier_one_defines_runs_after_it():
    assert run_of(DOUBLE, "Use it like this:", USE) == f"{DOUBLE}\n{USE}"
    assert run_of("import math\n", "def area(r):\n    return math.pi * r\n", "print(1)\n", "print(area(1))\n") == (
        "import math\n\ndef area(r):\n    return math.pi * r\n\nprint(area(1))\n"
    )


def test_of_two_definitions_the_later_one_runs():
    better = "def double(n):\n    return n + n\n"
    assert run_of(DOUBLE, "Better:", better, USE) == f"{better}\n{USE}"


@pytest.mark.parametrize(
    "last", ["def double(n):\n    return n << 1\nprint(double(3))\n", "for double in range(3): print(double)\n"]
)
def test_a_block_that_stands_alone_runs_alone(last):
    assert run_of(DOUBLE, last) == last


@pytest.mark.parametrize(
    "words",
    [
        "Then add the following below the class:",
        "In the same file:",
        "We continue the script with this:",
        "Paste this at the end:",
    ],
)
def test_blocks_run_together_when_the_answer_says_that_they_belong_together(words):
    assert run_of("print(1)\n", words, "print(2)\n") == "print(1)\n\nprint(2)\n"
    assert run_of("int f(void);\n", words, "int main(void) {}\n", language="c") == "int f(void);\n\nint main(void) {}\n"


@pytest.mark.parametrize(
    "words",
    ["In another file:", "Replace the code above instead:", "Do not put this below it:", "The same idea:", "Then:"],
)
def test_blocks_that_the_answer_keeps_apart_stay_apart(words):
    assert run_of("print(1)\n", words, "print(2)\n") == "print(2)\n"


@pytest.mark.parametrize(
    ("language", "first", "last"),
    [
        ("javascript", "function twice(n) { return 2 * n }\n", "console.log(twice(4))\n"),
        ("ruby", "def twice(n)\n  2 * n\nend\n", "puts twice(4)\n"),
        ("lua", "function twice(n) return 2 * n end\n", "print(twice(4))\n"),
        ("perl", "sub twice { 2 * shift }\n", "print twice(4);\n"),
        ("bash", "twice() { echo $1$1; }\n", "twice 4\n"),
        ("sql", "CREATE TABLE numbers (n int);\n", "select count(*) from numbers;\n"),
        ("php", "<?php\nfunction twice($n) { return 2 * $n; }\n", "\necho twice(4);\n"),
    ],
)
def test_scripts_of_other_languages_run_after_what_they_use(language, first, last):
    assert run_of(first, last, language=language) == f"{first}\n{last}"
    assert run_of(first, language=language) == first


def test_php_opens_once_and_javascript_binds_no_name_twice():
    opened = "<?php\nfunction twice($n) { return 2 * $n; }\n"
    assert run_of(opened, "<?php\necho twice(4);\n", language="php").count("<?php") == 1
    last = "const twice = n => 2 * n;\nconsole.log(twice(unit));\n"
    assert run_of("const unit = 1;\nconst twice = 2;\n", last, language="javascript") == last


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
        "import builtins\nbuiltins.input('n?')",
        "def f(input):\n    return input\nf(input())",
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
        "def f(input):\n    return input()",
        "from typed import input\nprint(input())",
        "from unittest.mock import patch\nwith patch('builtins.input', return_value='3'):\n    print(input())",
        "import io, sys\nsys.stdin = io.StringIO('3')\nprint(input())",
        "this does not parse: input()",
    ],
)
def test_the_mere_word_input_does_not_count(code):
    assert not calls_input(code)


# What each answer of the probe file gives to run, by its number; None where it holds no Python program.
PROBES = {
    0: PROGRAM.rstrip(),  # left open
    1: None,  # tildes around a single word
    2: None,  # an example inside a longer fence
    3: None,  # an opening fence as the content of another
    4: PROGRAM,  # a title in the info string
    5: PROGRAM,  # PYTHON3
    6: "def f():\n    return 1\n",  # fence and code indented alike
    7: None,  # words
    8: None,  # inline code
    9: None,  # an empty block
    10: 'print("```")\n',  # backticks in a string
    11: None,  # a fence in the middle of a line
    12: "print(2)\n",  # between two other languages
    13: PROGRAM,  # CRLF
    14: None,  # HTML tags in place of a fence
    15: None,  # a session with its answers
    16: f"%pip install x\n!ls\n{PROGRAM}",  # a notebook's commands: as they stand, so that the run says what is wrong
    17: None,  # a diff
    18: PROGRAM,  # in a list
}


@pytest.mark.needs("sample_pool")
@pytest.mark.parametrize("number", PROBES)
def test_each_probe_gives_what_it_should(pool, number):
    lines = (pool / "probes" / "bad" / "code_fences.jsonl").read_text().split("\n")
    answer = json.loads(lines[number])["messages"][1]["content"]
    found = last_code(answer)
    assert (found and found.code) == PROBES[number]


@pytest.mark.needs("sample_pool")
def test_real_answers_in_several_parts_give_programs_that_compile(pool):
    path = pool / "reshaped" / "dev" / "CodeFeedback-Filtered-Instruction.reshaped.jsonl"
    answers = [json.loads(line)["answer"] for line in path.read_text().split("\n") if line]
    answers = [answer for answer in answers if answer.count("```python") > 1]
    programs = [(last_code(answer).code, code_blocks(answer)) for answer in answers]
    joined = [names_of(code) for code, blocks in programs if code not in [block.code for block in blocks]]
    assert len(joined) > 0.75 * len(answers) > 150
    assert None not in joined
    assert sum(bool(names.needed) for names in joined) < 0.05 * len(joined)
