"""The pace of a run and the time left, from its samples."""

from runs.pace import LOOKED_BACK_S, pace_of


def test_the_pace_is_items_over_time_between_the_samples():
    pace = pace_of([[100.0, 0], [110.0, 50]], items_open=100)
    assert (pace.items_per_s, pace.left_s) == (5.0, 20.0)


def test_only_the_last_minutes_count():
    long_ago = [0.0, 0]
    pace = pace_of([long_ago, [10_000.0, 10], [10_000.0 + LOOKED_BACK_S, 190]], items_open=10)
    assert pace.items_per_s == 1.0


def test_nothing_is_said_before_something_moved():
    assert pace_of([], items_open=5) is None
    assert pace_of([[1.0, 3]], items_open=5) is None
    assert pace_of([[1.0, 3], [9.0, 3]], items_open=5) is None
