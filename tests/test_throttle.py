"""The window at an endpoint: wider while it answers, narrower when it complains, one by one while it is in trouble."""

import asyncio

from runs.throttle import FIRST, MOST, TROUBLE_AFTER, Throttle


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


def a_throttle(named=None):
    clock = Clock()
    return Throttle(named, clock=clock), clock


def test_without_a_named_concurrency_the_window_doubles_with_each_round_until_somebody_complains():
    throttle, clock = a_throttle()
    widths = []
    for _ in range(8):
        widths.append(int(throttle.limit))
        for _ in range(int(throttle.limit)):
            throttle.answered()
    assert widths == [FIRST, 32, 64, 128, 256, MOST, MOST, MOST]
    throttle.failed(clock.now, "rate_limited")
    lowered = throttle.limit
    assert lowered < MOST * 0.8
    for _ in range(int(lowered)):
        throttle.answered()
    assert lowered < throttle.limit < lowered + 2


def test_a_named_concurrency_is_never_exceeded():
    throttle, _ = a_throttle(named=24)
    for _ in range(100):
        throttle.answered()
    assert throttle.limit == 24


def test_complaints_about_one_moment_count_once():
    throttle, clock = a_throttle(named=100)
    for _ in range(5):
        throttle.failed(clock.now - 1, "rate_limited")
    assert throttle.limit == 70
    clock.now += 5
    throttle.failed(clock.now - 1, "rate_limited")
    assert throttle.limit == 49


def test_a_single_error_and_faults_of_the_question_say_nothing_about_the_pace():
    throttle, clock = a_throttle(named=100)
    throttle.failed(clock.now, "server")
    throttle.answered()
    for _ in range(50):
        throttle.failed(clock.now, "bad_request")
        throttle.failed(clock.now, "broken_reply")
    assert throttle.limit == 100


def test_in_trouble_one_question_at_a_time_goes_with_growing_pauses_and_an_answer_ends_it():
    throttle, clock = a_throttle(named=100)
    pauses = []
    for _ in range(TROUBLE_AFTER + 8):
        throttle.failed(clock.now, "not_sent")
        pauses.append(throttle.pause_s())
        clock.now += pauses[-1] + 1
    assert throttle.in_trouble and int(throttle.limit) == 1
    assert pauses[:9] == [0] * 9
    assert pauses[9:] == [0.5, 1, 2, 4, 8, 10, 10, 10, 10]
    throttle.answered()
    assert not throttle.in_trouble
    for _ in range(120):
        throttle.answered()
    assert throttle.limit == 100


def test_a_wished_pause_is_kept():
    throttle, clock = a_throttle()
    throttle.failed(clock.now, "rate_limited", 12.0)
    assert throttle.pause_s() == 12
    clock.now += 12
    assert throttle.pause_s() == 0


def test_never_more_than_the_window_are_in_flight_and_nobody_is_forgotten():
    throttle, seen = Throttle(3), []

    async def one():
        async with throttle:
            seen.append(throttle.in_flight)
            await asyncio.sleep(0)

    async def many():
        tasks = [asyncio.create_task(one()) for _ in range(50)]
        await asyncio.sleep(0)
        for task in tasks[10:20]:  # who gives up while waiting holds nobody back
            task.cancel()
        await asyncio.wait_for(asyncio.gather(*tasks, return_exceptions=True), timeout=20)

    asyncio.run(many())
    assert (len(seen), max(seen), throttle.in_flight) == (40, 3, 0)
