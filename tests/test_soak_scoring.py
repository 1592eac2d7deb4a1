"""Long runs whose worker is killed again and again: every item ends, and every answer paid for is accounted for."""

import pytest

from curation.models import Query
from curation.texts import text_hash
from tests.leftovers import astray, until_none
from tests.making import a_batch, a_source
from tests.sites import DemoModel, Site
from tests.sizes import SOAK, sized
from tests.soaking import assert_accounts_agree, finish, kill_workers, left_behind, start_toys

pytestmark = pytest.mark.soak

RUN = "Run.objects.values('state', 'items_total', 'items_done', 'items_failed', 'calls', 'calls_lost', 'spent').get()"
TEMPLATES = 2
KILLS = 20 if SOAK else 3
IN_FLIGHT = 128
WINDOW = {"concurrency = 64": f"concurrency = {IN_FLIGHT}"}


@pytest.fixture
def slow_model(tmp_path, request):
    server = DemoModel("--latency", request.param, log=tmp_path / "arrivals.jsonl")
    yield server
    server.stop()


@pytest.mark.parametrize("slow_model", ["0.2-2"], indirect=True)
def test_scoring_survives_kills_and_the_ledger_equals_the_servers_own_count(tmp_path, slow_model):
    calls = sized(20_000)
    site = Site(tmp_path, slow_model.models_file(tmp_path, **WINDOW))
    fill(site, calls // TEMPLATES)
    assert site.manage("score", "--json")["items"] == calls
    in_flight = kill_workers(site, slow_model, kills=KILLS, questions=calls, at_least=64)
    finish(site)
    run = site.ask_database(RUN)
    assert (run["state"], run["items_done"], run["items_failed"]) == ("done", calls, 0)
    assert min(in_flight) >= 64
    assert site.ask_database("Score.objects.values('query', 'judge').distinct().count()") == calls
    assert_accounts_agree(site, slow_model, run, lost_at_most=KILLS * IN_FLIGHT)
    assert left_behind(site) == []


@pytest.mark.needs("bubblewrap")
@pytest.mark.parametrize("slow_model", ["0.2-2" if SOAK else "0.1-0.5"], indirect=True)
def test_a_chain_of_calls_and_programs_survives_kills_in_the_same_way(tmp_path, slow_model):
    items = sized(500)
    site = Site(tmp_path, slow_model.models_file(tmp_path, **WINDOW))
    start_toys(site, "long_chain", items)
    at_least, astray_before = 64 if SOAK else 8, astray()
    assert min(kill_workers(site, slow_model, kills=KILLS, questions=8 * items, at_least=at_least)) >= at_least
    finish(site)
    run = site.ask_database(RUN)
    assert (run["state"], run["items_done"], run["items_failed"]) == ("done", items, 0)
    assert site.ask_database("[Source.objects.count(), Execution.objects.count()]") == [items, 2 * items]
    assert_accounts_agree(site, slow_model, run, lost_at_most=KILLS * IN_FLIGHT)
    assert left_behind(site) == []
    until_none(lambda: astray() - astray_before)


def fill(site, count):
    """Queries in the site's database, as an import leaves them."""
    texts = [f"Write a function, variant {n}, that merges {n} sorted lists." for n in range(count)]
    with site.as_own_database():
        batch = a_batch(a_source())
        every = {"source": batch.source, "batch": batch, "response": "heapq.merge"}
        Query.objects.bulk_create([Query(text=text, text_hash=text_hash(text), **every) for text in texts])
