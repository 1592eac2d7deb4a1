"""Claims about reading the demo bank: a problem that is not whole is refused by name."""

import pytest

from dialogues.feedback import CATEGORIES
from llm import demo_bank
from llm.demo_bank import BankError, load_bank

PROBLEM = """
[[problem]]
slug = "{slug}"
level = 3
query = '''
{query}'''
draft = '''
Try this.

```python
print(1)
```'''
fixed = '''
```python
print(2)
```'''
category = "Efficiency"
satisfied = "It runs."
not_satisfied = "It is slow."
feedback = "Faster, please."
final = '''
```python
print(3)
```'''
"""
TWO = PROBLEM.format(slug="one", query="Print  the\nnumber one.") + PROBLEM.format(slug="two", query="Print two.")


@pytest.fixture
def bank_of(tmp_path):
    def load(text):
        (tmp_path / "problems.toml").write_text(text)
        return load_bank(tmp_path)

    return load


def test_a_problem_is_found_however_its_white_space_falls_and_whatever_stands_around(bank_of):
    bank = bank_of(TWO)
    assert bank.find("Print the number   one.\n").slug == "one"
    assert bank.find("<query>\nPrint\ntwo.\n</query> Answer!").slug == "two"
    assert bank.find("Print three.") is None
    assert bank.find("") is None


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("level = 3", "level = 6", "problem one: level 6 is not within 1-5"),
        ("level = 3", 'level = "3"', "problem one: level is empty or of the wrong type"),
        ("Efficiency", "Speed", "problem one: 'Speed' is none of the ten categories"),
        ('feedback = "Faster, please."', "", "problem one: missing or unknown: feedback"),
        ("print(2)", "print(1)", "must differ in their code"),
        ("```python\nprint(3)", "```js\nprint(3)", r"final holds the blocks \['javascript'\]"),
        ('slug = "two"', 'slug = "one"', "one stands in the bank twice"),
        ("Print two.", "Print the number one.", "two stands in the bank twice"),
        ("level = 3", "level = ", "problems.toml: not valid TOML"),
    ],
)
def test_a_problem_that_is_not_whole_is_refused_by_name(bank_of, old, new, message):
    assert old in TWO
    with pytest.raises(BankError, match=message):
        bank_of(TWO.replace(old, new, 1))


def test_the_bank_and_the_program_know_the_same_ten_categories():
    assert demo_bank.CATEGORIES == CATEGORIES
