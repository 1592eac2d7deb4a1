"""Decide a scored pool, time the pages that people judge it by, draw a sample: python -m bench.auditing [--rounds N].

Runs in this process, on the site of this environment; prints one JSON object.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any

from bench.blocks import timed_blocks
from bench.clocking import median_ms, signed_in
from bench.filling import tidy

SAMPLE = 2_000
# As htmx asks: the desk itself in place of an address to go to.
AS_PART = {"HX-Request": "true"}


def main() -> None:
    """Decide twice, then pages and desk, then draw and undo."""
    parser = argparse.ArgumentParser("bench.auditing", description="Decide a pool, time what people judge it by.")
    parser.add_argument("--rounds", type=int, default=5)
    rounds = parser.parse_args().rounds
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    import django

    django.setup()
    told: dict[str, dict[str, float]] = {
        "decide": _decide("mean_at_least", 4.0),
        "decide_again": _decide("linked_mean_at_least", 3.5),
    }
    told["draw"], told["undo_draw"] = _draw()
    tidy()
    client = signed_in()
    told["pages"] = {name: median_ms(client, address, rounds) for name, address in _pages()}
    told["desk"] = {name: median_ms(client, address, rounds, headers=AS_PART) for name, address in _desk()}
    told["desk"]["verdict and next"] = statistics.median(_verdicts(client, rounds))
    for part in ("pages", "desk"):
        for name, ms in sorted(told[part].items(), key=lambda item: item[1]):
            print(f"{ms:8.1f} ms  {name}", file=sys.stderr)
    print(json.dumps(told))


def _timed(what: str, work: Callable[[], object]) -> dict[str, float]:
    """Seconds, and how long its transactions lasted."""
    began, cpu_began = time.perf_counter(), time.process_time()
    with timed_blocks() as blocks:
        work()
    took = {
        "seconds": round(time.perf_counter() - began, 2),
        "cpu_s": round(time.process_time() - cpu_began, 2),
        "blocks": len(blocks),
        "median_ms": round(statistics.median(blocks), 1),
        "most_ms": round(sorted(blocks)[len(blocks) * 19 // 20], 1),
        "slowest_ms": round(max(blocks), 1),
        "over_100_ms": sum(ms > 100 for ms in blocks),
    }
    print(f"{what}: {took}", file=sys.stderr)
    return took


def _decide(name: str, threshold: float) -> dict[str, float]:
    from django.utils import timezone

    from accounts.models import Door
    from curation.decisions.deciding import decide
    from curation.decisions.rules import Rule

    rule = Rule(name, threshold)
    return _timed(str(rule), lambda: decide(rule, by=None, door=Door.COMMAND, at=timezone.now()))


def _draw() -> tuple[dict[str, float], dict[str, float]]:
    """A sample of the largest size, drawn, undone, and drawn again for the desk."""
    from django.utils import timezone

    from accounts.actions import undo
    from accounts.models import Action, Door
    from curation.audits.drawing import draw_sample

    def draw() -> Action:
        return draw_sample(SAMPLE, seed=1, by=None, door=Door.COMMAND, at=timezone.now())[1]

    drawn: list[Action] = []
    took = _timed("draw", lambda: drawn.append(draw()))
    undone = _timed("undo the draw", lambda: undo(drawn[0], by=None, door=Door.COMMAND))
    draw()
    return took, undone


def _pages() -> Iterator[tuple[str, str]]:
    """(name, address) of the pages about scores."""
    from curation.decisions.rules import EXPECTED, RULES
    from curation.models import Judge

    first, second = Judge.objects.filter(counts=True).order_by("pk").values_list("pk", flat=True)[:2]
    yield from (
        ("matrix and agreement", "/scores/"),
        ("linking", "/scores/linking/"),
        ("verdicts", "/scores/verdicts/"),
    )
    for rule in (name for name in RULES if not name.startswith("calibrated")):
        yield f"what-if {rule}", f"/scores/what-if/?rule={rule}&threshold=4.5"
    for to in ("keep", "drop"):
        yield f"flips to {to}", f"/scores/behind/?rule=mean_at_least&threshold={'2' if to == 'keep' else '4.5'}&to={to}"
        yield f"flips to {to}, expected", f"/scores/behind/?rule={EXPECTED}&threshold=3&to={to}"
    for a, b in ((4, 4), (1, 5)):
        yield f"cell {a} {b}", f"/scores/behind/?a={first}&b={second}&level_a={a}&level_b={b}"


def _desk() -> Iterator[tuple[str, str]]:
    """The next item of the queue, however it is narrowed: each hands out a query and shows it."""
    from curation.models import Judge, Source

    first, second = Judge.objects.filter(counts=True).order_by("pk").values_list("pk", flat=True)[:2]
    yield "next", "/audit/"
    yield "next by source", f"/audit/?source={Source.objects.order_by('pk')[0].slug}"
    for language in ("python", "fortran"):
        yield f"next by language {language}", f"/audit/?language={language}"
    yield "next of a cell", f"/audit/?cell={first}%3D4+{second}%3D4"


def _verdicts(client: Any, count: int) -> Iterable[float]:
    """Rate, reveal, judge: the milliseconds of the last request, which brings the next query."""
    from curation.models import Query

    for _ in range(count):
        own_address = client.get("/audit/", headers=AS_PART).headers["HX-Push-Url"]
        pk = int(own_address.rstrip("/").rpartition("/")[2])
        fields = {"version": Query.objects.get(pk=pk).version, "value": 4, "who_was_right": "a", "keep": "yes"}
        began = time.perf_counter()
        answer = client.post(f"/audit/{pk}/", fields, headers=AS_PART)
        yield 1000 * (time.perf_counter() - began)
        if answer.status_code != 200:
            raise SystemExit(f"a verdict on query {pk} was answered with {answer.status_code}")


if __name__ == "__main__":
    main()
