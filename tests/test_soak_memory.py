"""A worker takes no more memory for ten times the calls."""

from pathlib import Path

import pytest

from tests.sites import DemoModel, Site
from tests.sizes import SOAK
from tests.soaking import a_worker, has_ended, peak_bytes, start_toys, wait_for

pytestmark = [pytest.mark.once, pytest.mark.soak]

# Everyday runs are too short for ten times; there the growth is held to what a leak of 1 KB a call would make of it,
# from where the database's own caches are full: until then they take as much.
FEW, MANY = (57_400, 574_000) if SOAK else (3_000, 6_000)


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads a worker's memory from /proc")
def test_a_workers_memory_does_not_grow_with_the_number_of_calls(tmp_path):
    model = DemoModel()
    site = Site(tmp_path, model.models_file(tmp_path, **{"concurrency = 64": "concurrency = 16"}))
    start_toys(site, "once", MANY)
    peaks = []
    with a_worker(site) as worker:
        wait_for(lambda: model.stats()["requests"] >= FEW, f"{FEW} calls", worker=worker, seconds=7200)
        few = peak_bytes(worker)
        wait_for(lambda: has_ended(worker, peaks), "the run's end", seconds=7200)
        assert site.ask_database("Run.objects.get().calls") == MANY, worker.said()
    model.stop()
    many = max(peaks)
    print(f"{few / 2**20:.1f} MiB at {FEW} calls, {many / 2**20:.1f} MiB at {MANY}")
    assert many <= 1.2 * few
    assert many - few < 1024 * (MANY - FEW)
