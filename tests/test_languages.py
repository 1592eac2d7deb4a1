"""Claims about languages: one name each, and who is believed about it."""

import pytest

from curation.intake.languages import canonical, language_of


@pytest.mark.parametrize(
    ("stated", "known"),
    [("Python", "python"), ("py", "python"), ("C++", "cpp"), ("c#", "csharp"), ("JS", "javascript"), (" SQL ", "sql")],
)
def test_a_language_goes_by_one_name(stated, known):
    assert canonical(stated) == known


@pytest.mark.parametrize("name", ["text", "output", "json", "", "english", "10"])
def test_what_is_no_programming_language_is_unknown(name):
    assert canonical(name) == ""


@pytest.mark.parametrize(
    ("stated", "response", "language"),
    [
        ("rust", "```python\nprint(1)\n```", "rust"),
        ("text", "```go\npackage main\n```", "go"),
        ("", "Run:\n```text\nhello\n```\nwith\n~~~ruby\nputs 1\n~~~", "ruby"),
        ("", "1. First:\n   ```js\n   let a\n   ```", "javascript"),
        ("", "print(1)", ""),
        ("", "```\nprint(1)\n```", ""),
    ],
)
def test_the_source_speaks_first_then_the_fence_then_nobody(stated, response, language):
    assert language_of(stated, response) == language
