"""The pace of a run and the time left, from its samples."""

from runs.pace import LOOKED_BACK_S, SILENT_AFTER_S, pace_of, silence_s


def test_the_pace_is_items_over_time_between_the_samples():
    pace = pace_of([[100.0, 0], [110.0, 50]], items_open=100, at=111.0)
    assert (pace.items_per_s, pace.left_s) == (5.0, 20.0)


def test_only_the_last_minutes_count():
    long_ago, newest_at = [0.0, 0], 10_000.0 + LOOKED_BACK_S
    pace = pace_of([long_ago, [10_000.0, 10], [newest_at, 190]], items_open=10, at=newest_at)
    assert pace.items_per_s == 1.0


def test_nothing_is_said_before_something_moved():
    assert pace_of([], items_open=5, at=1.0) is None
    assert pace_of([[1.0, 3]], items_open=5, at=1.0) is None
    assert pace_of([[1.0, 3], [9.0, 3]], items_open=5, at=9.0) is None


def test_the_pace_of_a_worker_that_is_gone_is_no_pace():
    samples = [[100.0, 0], [110.0, 50]]
    assert pace_of(samples, items_open=5, at=110.0 + SILENT_AFTER_S) is not None
    assert pace_of(samples, items_open=5, at=111.0 + SILENT_AFTER_S) is None
    assert silence_s(samples, at=115.0) == 5.0
    assert silence_s([], at=115.0) == float("inf")
