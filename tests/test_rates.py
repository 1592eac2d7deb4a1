"""Rates: what an endpoint allows a minute, shared by all processes through the database."""

import threading
from dataclasses import replace
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from llm.catalog import Endpoint
from runs import rates
from runs.desk import seconds_left
from runs.models import EndpointBucket

pytestmark = pytest.mark.django_db(transaction=True)
NOW = timezone.now()


def endpoint(requests=None, tokens=None):
    return Endpoint(
        name="house", base_url="http://127.0.0.1:1/v1", requests_per_minute=requests, tokens_per_minute=tokens
    )


def take(house, *, tokens=0, after_s=0.0):
    """When the request may leave, in seconds after NOW."""
    with transaction.atomic():
        (wait_s,) = rates.take([rates.Wanted(house, tokens)], at=NOW + timedelta(seconds=after_s))
    return round(after_s + wait_s, 3)


def test_wishes_that_come_together_wait_as_if_they_had_come_one_by_one():
    houses = [endpoint(requests=600), replace(endpoint(requests=60), name="other")]
    with transaction.atomic():
        waits = rates.take([rates.Wanted(house, 0) for house in houses * 12], at=NOW)
    assert [round(wait_s, 3) for wait_s in waits[::2]] == [0] * 5 + [round(0.1 * late, 3) for late in range(1, 8)]
    assert waits[1::2] == list(range(12))


def test_no_minute_sees_more_than_the_allowance_and_one_burst():
    house = endpoint(requests=600)
    leaving = [take(house) for _ in range(700)]
    assert leaving[:5] == [0] * 5
    assert leaving[5:9] == [0.1, 0.2, 0.3, 0.4]
    fullest = max(sum(start <= at < start + 60 for at in leaving) for start in leaving)
    assert fullest <= 600 + 5


def test_a_quiet_hour_is_not_followed_by_a_doubled_minute():
    house = endpoint(requests=600)
    take(house)
    assert sum(take(house, after_s=3600) == 3600 for _ in range(50)) == 5


def test_a_slow_endpoint_still_lets_one_request_go():
    house = endpoint(requests=6)
    assert [take(house) for _ in range(3)] == [0, 10, 20]


def test_tokens_are_counted_too_and_a_request_larger_than_the_bucket_leaves_a_debt():
    house = endpoint(tokens=6000)  # 100 a second
    assert [take(house, tokens=50), take(house, tokens=1000), take(house, tokens=10)] == [0, 0.5, 10.1]


def test_a_large_request_is_not_passed_by_by_small_ones():
    house = endpoint(tokens=6000)
    take(house, tokens=50)
    large = take(house, tokens=500)
    assert large == 0.5
    assert all(take(house, tokens=1, after_s=0.01 * number) > large for number in range(20))


def test_two_workers_share_one_bucket():
    house, leaving, start = endpoint(requests=600), [], threading.Barrier(2)

    def work():
        start.wait()
        leaving.extend([take(house) for _ in range(30)])
        connections.close_all()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leaving) == 60
    assert sum(at == 0 for at in leaving) == 5
    assert max(leaving) == 5.5


def test_a_turn_that_is_not_used_goes_back():
    house = endpoint(requests=60, tokens=6000)
    take(house, tokens=50)
    assert take(house, tokens=50) == 1
    rates.put_back(rates.Wanted(house, 50))
    assert take(house, tokens=50) == 1


def test_a_pause_that_an_endpoint_wishes_for_is_known_to_all_until_it_ends():
    house = endpoint()
    rates.block(house, seconds=30, at=NOW)
    row = EndpointBucket.objects.get()
    assert seconds_left(row.blocked_until, NOW + timedelta(seconds=5)) == 25
    assert seconds_left(row.blocked_until, NOW + timedelta(seconds=31)) == 0


def test_a_shorter_wish_does_not_end_a_longer_pause():
    house = endpoint()
    rates.block(house, seconds=60, at=NOW)
    rates.block(house, seconds=1, at=NOW)
    assert seconds_left(EndpointBucket.objects.get().blocked_until, NOW) == 60
    rates.block(house, seconds=90, at=NOW)
    assert seconds_left(EndpointBucket.objects.get().blocked_until, NOW) == 90


def test_an_allowance_learns_what_questions_took_in_place_of_what_was_expected():
    house = endpoint(tokens=60_000)
    assert take(house, tokens=1_000) == 0
    rates.correct([rates.Wanted(house, 1_500), rates.Wanted(house, 500)])
    # A bucket of 500 is 2,500 in debt: a thousand a second pays for that, and then the next 500 are there.
    assert take(house, tokens=500) == 3
    rates.correct([rates.Wanted(house, -3_500)])
    assert take(house, tokens=500) == 0


def test_a_host_whose_clock_is_behind_does_not_fill_the_same_time_in_twice():
    house = endpoint(requests=60)
    assert take(house, after_s=10) == 10
    assert take(house, after_s=0) == 1  # one second after the turn before it, by its own clock
    assert take(house, after_s=10) == 12


def test_a_limit_that_is_named_later_finds_no_debt_from_before():
    for _ in range(1000):
        take(endpoint(requests=60_000), tokens=500)
    assert take(endpoint(requests=60_000, tokens=60_000), tokens=500, after_s=1) == 1
