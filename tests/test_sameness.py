"""Whether two queries ask the same thing: harmless differences, and words that make another question."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from curation.duplicates.meanings import OPPOSITES, opposed
from curation.duplicates.renaming import NamesOfTask
from curation.duplicates.sameness import Kind, Wording, compare, contradict, names_alike

LONG = (
    "Write a function that reads the lines of a file, counts how often each word stands in it and prints the words "
    "that are found more than {number} times, sorted by how often they were found."
)
CODED = (
    "Complete the function so that it gives back the lines of a text that hold a word:\n\n"
    "def {name}({first}, word):\n    return [line for line in {first} if word in line]"
)


def kind(first, second):
    return compare(Wording.of(first), Wording.of(second))


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        ("Sort a list of numbers.", "Please sort a list of numbers!", Kind.FORM),
        ("Sort the values of a list.", "Sort the vaules of a list.", Kind.TYPO),
        ("Read each line of a file.", "Read each lien of a file.", Kind.TYPO),
        ("Convert a string to a date.", "Conver ta string to a date.", Kind.TYPO),
        ("Implement the algorithm.", "Implement the algoritm.", Kind.TYPO),
        ("Write the function that sorts.", "Write a function that sorts.", Kind.TYPO),
        ("Print the first 10 primes.", "Print the first 20 primes.", Kind.NUMBERS),
        ("Print three primes.", "Print seven primes.", Kind.NUMBERS),
        ("Add up [3, 10, 7].", "Add up [3, 10, 7, 12].", Kind.NUMBERS),
        ("Add up file1 and file2.", "Add up file1 and file3.", Kind.NUMBERS),
        (LONG.format(number=3), LONG.format(number="12.5").replace("reads", "raeds"), Kind.NUMBERS),
        (CODED.format(name="found", first="lines"), CODED.format(name="hits", first="lines"), Kind.NAMES),
        (
            CODED.format(name="found", first="lines"),
            CODED.format(name="found", first="lines").replace("found", "var0x"),
            Kind.NAMES,
        ),
    ],
)
def test_what_is_harmless_is_told_by_its_kind(first, second, expected):
    assert kind(first, second) == expected


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Find the smallest number in a list.", "Find the largest number in a list."),
        ("Sort the list in ascending order.", "Sort the list in descending order."),
        ("Check that it is a valid date.", "Check that it is a invalid date."),
        ("Print the even numbers.", "Print the ever numbers."),
        ("Write an async function.", "Write a sync function."),
        ("Write it in Java.", "Write it in JavaScript."),
        ("Write it in C.", "Write it in C++."),
        ("Turn it on when it is dark.", "Turn it no when it is dark."),
        ("It should be sorted.", "It should not be sorted."),
        ("Parse the matrix of numbers.", "Sparse the matrix of numbers."),
        ("Read the form of the page.", "Read the from of the page."),
        ("Find the angle of the line.", "Find the angel of the line."),
        ("Sum the rows of a matrix.", "Sum the columns of a matrix."),
        ("Print the letter A.", "Print the letter B."),
        ("Is a < b?", "Is a > b?"),
        (CODED.format(name="first_lines", first="lines"), CODED.format(name="last_lines", first="lines")),
        ("SELECT name FROM staff WHERE age = 5", "SELECT name FROM staff WHERE pay = 5"),
        (LONG.format(number=3), LONG.format(number=3) + " Write it recursively and test it with several files."),
    ],
)
def test_another_question_stays_another(first, second):
    assert kind(first, second) is None


NAMED = (
    "Complete the Python code below. Handle empty input, raise a ValueError for input of another type, and write three "
    "tests for it.\n\ndef {}(text):\n    pass"
)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("encode", "decode"),
        ("encrypt", "decrypt"),
        ("compress", "decompress"),
        ("serialize", "deserialize"),
        ("is_valid", "is_invalid"),
        ("isValid", "isInvalid"),
        ("lock", "unlock"),
        ("show", "hide"),
        ("ceil", "floor"),
        ("Stack", "Queue"),
        ("to_java", "to_python"),
        ("toJava", "toPython"),
        ("java_to_python", "python_to_java"),
        ("csv_to_xml", "json_to_xml"),
        ("to_celsius", "to_fahrenheit"),
        ("to_upper", "to_lower"),
        ("findMaxValue", "findMinValue"),
        ("is_sorted", "isnt_sorted"),
        ("is_prime", "is_palindrome"),
        ("subscribe", "unsubscribe"),
        ("isRegular", "isIrregular"),
        ("sync_all", "async_all"),
        ("md5_of", "sha1_of"),
    ],
)
def test_a_name_that_asks_for_something_else_makes_another_question(first, second):
    assert kind(NAMED.format(first), NAMED.format(second)) is None
    assert not names_alike(Wording.of(NAMED.format(first)), Wording.of(NAMED.format(second)))


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("calculate_area", "compute_size"),
        ("evaluate", "solution"),
        ("reverseWords", "reverse_text"),
        ("find_max", "findMax"),
        ("decode", "var0x"),
    ],
)
def test_any_other_name_asks_the_same(first, second):
    assert kind(NAMED.format(first), NAMED.format(second)) == Kind.NAMES


parts = st.sampled_from(["un", "in", "a", "re", "sub", "subscribe", "regular", "max", "min", "all", "_", "3", "to"])
names = st.lists(parts, min_size=1, max_size=3).map(lambda some: "f" + "".join(some))
declared_by_a_text = st.lists(names, max_size=2, unique=True)


@given(st.lists(declared_by_a_text, min_size=1, max_size=4), declared_by_a_text)
def test_names_gathered_judge_one_more_as_each_pair_does(known, later):
    def wording(declared):
        return Wording(declared, frozenset(declared))

    gathered = NamesOfTask()
    for one in known:
        gathered.add(one)
    assert gathered.may_be(later) == all(names_alike(wording(one), wording(later)) for one in known)


def test_names_with_other_numbers_are_variants():
    assert kind(NAMED.format("top_3"), NAMED.format("top_5")) == Kind.NUMBERS


def test_a_name_has_to_be_renamed_everywhere_and_one_to_one():
    first = CODED.format(name="found", first="lines")
    assert kind(first, first.replace("lines", "var1x")) == Kind.NAMES
    assert kind(first, first.replace("lines", "var1x", 2)) is None
    assert kind(first, first.replace("lines", "var1x").replace("word", "var1x")) is None


words = st.sampled_from(
    ["sort", "print", "the", "list", "10", "20", "not", "vaules", "values", "smallest", "largest", "python", "java"]
)


@given(st.lists(words, max_size=12), st.lists(words, max_size=12))
def test_the_check_is_symmetric_and_every_text_is_like_itself(first, second):
    one, other = " ".join(first), " ".join(second)
    assert kind(one, other) == kind(other, one)
    assert kind(one, one) == Kind.FORM
    assert contradict(Wording.of(one), Wording.of(other)) == contradict(Wording.of(other), Wording.of(one))


def test_opposites_are_opposed_both_ways_and_no_word_to_itself():
    every = {word for line in OPPOSITES.strip().splitlines() for word in line.replace("|", " ").split()}
    for word in every:
        assert not opposed(word, word)
        assert all(opposed(other, word) for other in every if opposed(word, other))


@pytest.mark.parametrize(
    ("first", "second", "turned_round"),
    [
        ("Give the biggest element.", "Which one is smallest?", True),
        ("Do it in Python.", "A Ruby way to do it.", True),
        ("Remove the blanks.", "Do not touch the blanks.", True),
        ("How often does x stand in the list?", "Count the occurrences of a value.", False),
    ],
)
def test_a_paraphrase_is_contradicted_by_opposites_languages_and_negations(first, second, turned_round):
    assert contradict(Wording.of(first), Wording.of(second)) == turned_round
