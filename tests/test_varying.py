"""What may be called a change by nature, and what may not."""

from datetime import UTC, datetime, timedelta

import pytest

from dialogues.varying import MOST_RUNS, Seen, natural_changes

THEN = datetime(2026, 3, 1, 14, 3, 22, 500_000, tzinfo=UTC)
NOW = datetime(2026, 4, 9, 8, 45, 10, tzinfo=UTC)
CLOCK = "import datetime\nprint(datetime.datetime.now())"
TIMER = "import time\nstart = time.perf_counter()"
DICE = "import random\nprint(random.choice(['red', 'green', 'blue']))"
ORDER = "print(set(words))"


def seen(text, at=NOW, status="ok", exit_code=0, stderr=""):
    return Seen(status, exit_code, text, stderr, at)


def natures(code, stood, now, *further, language="python"):
    """The names, when the further runs are repeated as long as the program is run again."""
    later = [now, *further]
    runs = iter((later * MOST_RUNS)[1:])
    return natural_changes(code, language, seen(stood, THEN), seen(now), lambda: seen(next(runs)))


@pytest.mark.parametrize(
    ("code", "stood", "now", "nature"),
    [
        ("print(f)", "<function f at 0x7f3a5c0d1e50>", "<function f at 0x7f01aa31ce50>", "memory address"),
        ("print(id(x))", "id 140172359810640", "id 139812001837200", "memory address"),
        (CLOCK, "2026-03-01 14:03:22.500000", "2026-04-09 08:45:10.000001", "date or time"),
        (CLOCK, "Sun Mar  1 14:03:22 2026", "Thu Apr  9 08:45:10 2026", "date or time"),
        (CLOCK, "2026-03-01T14:03:22.5+00:00", "2026-04-09T08:45:10+00:00", "date or time"),
        (CLOCK, "1 March 2026, 15:33", "9 April 2026, 10:15", "date or time"),
        (CLOCK, f"{THEN.timestamp():.3f}", f"{NOW.timestamp():.3f}", "date or time"),
        (CLOCK, "open 09:00-17:30, now 14:03", "open 09:00-17:30, now 08:45", "date or time"),
        (TIMER, "done in 0.25 s", "done in 1.5 s", "duration"),
        (TIMER, "Elapsed time: 1.2e-05", "Elapsed time: 0.0003", "duration"),
        ("import unittest", "Ran 3 tests in 0.001s", "Ran 3 tests in 0.012s", "duration"),
    ],
)
def test_a_form_that_changes_by_nature_is_named(code, stood, now, nature):
    assert natures(code, f"total 42\n{stood}", f"total 42\n{now}") == [nature]


@pytest.mark.parametrize(
    ("code", "stood", "now"),
    [
        ("print(f)", "0xdeadbeef", "0xdeadbee0"),  # a number in hexadecimal is no address
        ("print(n)", "140172359810640", "139812001837200"),  # nobody asked for an id
        ("print(day)", "2026-03-01", "2026-04-09"),  # nobody asked for the time
        (CLOCK, "2020-01-01", "2021-01-01"),  # not the day of the run
        (CLOCK, "due 2026-03-31", "due 2026-05-09"),  # thirty days later: a result
        (CLOCK, "at 11:17:00", "at 12:51:00"),  # not the time of the run, in any zone
        (CLOCK, "1500000000", "1600000000"),
        ("print(speed)", "0.25 s", "1.5 s"),  # nothing is timed
        (TIMER, "pi is 3.14159", "pi is 3.14160"),  # not a duration
        (TIMER, "done in 0.25 s, 10 found", "done in 0.27 s, 11 found"),
    ],
)
def test_what_only_looks_like_nature_is_a_real_change(code, stood, now):
    assert natures(code, stood, now) == []


def test_a_change_beside_a_natural_one_is_real():
    assert natures(CLOCK, "2026-03-01\ntotal 41", "2026-04-09\ntotal 42") == []


def test_several_natures_are_all_named():
    code = f"{CLOCK}\nprint(object())"
    assert natures(code, "2026-03-01 <x at 0x7f3a5c0d1e50>", "2026-04-09 <x at 0x7f01aa31ce50>") == [
        "memory address",
        "date or time",
    ]


@pytest.mark.parametrize("change", [{"status": "error"}, {"exit_code": 1}])
def test_another_end_is_never_natural(change):
    stood, now = seen("2026-03-01", THEN), seen("2026-04-09", NOW, **change)
    assert natural_changes(CLOCK, "python", stood, now, lambda: now) == []


def test_an_order_is_natural_where_runs_of_today_are_ordered_otherwise():
    runs = ["{'a', 'b', 'c'}", "{'b', 'c', 'a'}", "{'c', 'a', 'b'}"]
    assert natures(ORDER, "{'b', 'a', 'c'}", *runs) == ["order of a set"]
    assert natures("print(''.join(set(s)))", "bac", "abc", "bca", "cab") == ["order of a set"]
    assert natures(ORDER, "b\na\n3", "a\nb\n3", "b\na\n3") == ["order of a set"]


@pytest.mark.parametrize("stood", ["{'b', 'a', 'd'}", "{'b', 'a'}", "{'b', 'a', 'c', 'c'}"])
def test_other_members_are_a_real_change(stood):
    assert natures(ORDER, stood, "{'a', 'b', 'c'}", "{'b', 'c', 'a'}", "{'c', 'a', 'b'}") == []


def test_an_order_that_no_run_of_today_changes_is_a_real_change():
    assert natures(ORDER, "[3, 1, 2]", "[1, 2, 3]") == []
    assert natures(ORDER, "[3, 1]\nb a", "[1, 3]\na b", "[1, 3]\nb a") == []


def test_an_order_in_code_that_makes_no_set_is_a_real_change():
    assert natures("print(words)", "b a", "a b", "b a") == []


def test_a_draw_is_natural_where_it_could_be_drawn_today():
    assert natures(DICE, "you drew green", "you drew red", "you drew blue") == ["random draw"]
    assert natures(DICE, "n=17 of 100", "n=3 of 100", "n=44 of 100") == ["random draw"]
    words = [f"you drew w{'x' * number}" for number in range(MOST_RUNS)]
    assert natures(DICE, "you drew zebra", *words) == ["random draw"]


def test_a_process_id_and_a_path_are_natural_where_they_are_seen_to_vary():
    assert natures("import os\nprint(os.getpid())", "pid 31337", "pid 4711", "pid 815") == ["process id"]
    assert natures("import os\nprint(os.getpid())", "pid 31337", "pid 4711") == []


@pytest.mark.parametrize("stood", ["you drew purple", "you drew a green", "they drew red", "you drew 7"])
def test_what_could_not_be_drawn_today_is_a_real_change(stood):
    assert natures(DICE, stood, "you drew red", "you drew blue") == []


def test_a_stopped_program_may_have_come_further():
    stood, now = (seen(text, status="timeout", exit_code=None) for text in ("1\n2\n3\n", "1\n2\n3\n4\n"))
    for pair in ((stood, now), (now, stood)):
        assert natural_changes("while True: pass", "python", *pair, lambda: now) == [
            "how far it came before it was stopped"
        ]
    other = seen("1\n7\n", status="timeout", exit_code=None)
    assert natural_changes("while True: pass", "python", other, now, lambda: now) == []


def test_the_day_before_and_after_count_as_the_day_of_the_run():
    tomorrow = (NOW + timedelta(days=1)).strftime("%d.%m.%Y")
    assert natures(CLOCK, "01.03.2026", tomorrow) == ["date or time"]


@pytest.mark.parametrize(
    ("stood", "now"),
    [
        ("14:03:22.9 then 14:03:22", "14:03:22.99 then 14:03:23"),
        ("14:03:22 then 14:03:22", "14:03:22 then 14:03:23"),
    ],
)
def test_two_runs_within_a_second_may_show_it_in_other_places(stood, now):
    soon = THEN + timedelta(seconds=0.5)
    assert natural_changes(CLOCK, "python", seen(stood, THEN), seen(now, soon), lambda: now) == ["date or time"]


def test_times_that_change_places_are_a_real_change():
    stood, now = (seen(text, THEN) for text in ("first 14:03, then 14:04", "first 14:04, then 14:03"))
    assert natural_changes(CLOCK, "python", stood, now, lambda: now) == []
