"""Server time of a page, asked through Django's test client: middleware, view, database and template."""

import statistics
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from django.test import Client


def signed_in() -> "Client":
    """A client of a person who may see and do everything."""
    from django.test import Client

    from accounts.models import User

    person, _ = User.objects.get_or_create(username="bench", is_superuser=True, is_staff=True)
    # By a name that the site answers to, so that nothing of a test's environment, which slows templates, is needed.
    client = Client(SERVER_NAME="localhost")
    client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def median_ms(client: "Client", address: str, rounds: int, *, headers: dict[str, str] | None = None) -> float:
    """The median of so many times, after one that warms up; counts that a page keeps are counted anew each time."""
    return medians_ms(client, [address], rounds, headers=headers)[0]


def medians_ms(
    client: "Client", addresses: Sequence[str], rounds: int, *, headers: dict[str, str] | None = None
) -> list[float]:
    """The same of several pages by turns, so that what slows the machine for a while slows all of them."""
    from django.core.cache import cache

    times: list[list[float]] = [[] for _ in addresses]
    for _ in range(rounds + 1):
        for address, of_page in zip(addresses, times, strict=True):
            cache.clear()
            began = time.perf_counter()
            answer = client.get(address, headers=headers)
            of_page.append(1000 * (time.perf_counter() - began))
            if answer.status_code != 200:
                raise SystemExit(f"{address} was answered with {answer.status_code}")
    return [round(statistics.median(of_page[1:]), 2) for of_page in times]
