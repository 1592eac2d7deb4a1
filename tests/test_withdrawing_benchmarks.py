"""Withdrawing a benchmark on its page: what is said before is what is done, and undo brings it back."""

import pytest
from django.urls import reverse

from accounts.models import Action
from curation.intake.benchmarks import Freed, freed_by_withdrawing
from curation.models import Benchmark, ContaminationHit, Query
from tests.making import a_batch, a_query, a_source
from tests.page_text import words
from tests.test_contamination import a_hit, a_task

pytestmark = pytest.mark.django_db


def facts():
    return dict(Query.objects.values_list("text", "contamination"))


@pytest.fixture
def old():
    """A benchmark that holds queries alone, together with another, and beside what a person cleared."""
    task, other = a_task(name="old"), a_task(name="new")
    proof = {"tier": "exact", "score": 1, "proves": True}
    for text in ("set aside", "near another", "set aside by both", "cleared"):
        query = a_query(text, contamination="cleared" if text == "cleared" else "set_aside")
        a_hit(query, task, **proof)
        if text == "near another":
            a_hit(query, other)
        elif text == "set aside by both":
            a_hit(query, other, **proof)
    a_hit(a_query("suspect", contamination="suspect", suspicion=0.5), task)
    a_hit(a_query("suspect of the other", contamination="suspect", suspicion=0.5), other)
    return task.benchmark


def address(benchmark):
    return reverse("curation:withdraw_benchmark", args=[benchmark.pk])


def test_the_page_says_what_is_then_done_and_leads_to_the_undo(old, curator_client, curator):
    before = facts()
    page = curator_client.get(address(old))
    assert page.context["freed"] == Freed(free=2, suspects=1)
    for said in ("free again 2", "from now on 1", "Its 1 task and 5 hits, as evidence", "This can be undone"):
        assert said in words(page)

    done = curator_client.post(address(old), follow=True)

    action = Action.objects.get()
    became = [row.after["contamination"] for row in action.rows.filter(table="curation.query").order_by("pk")]
    assert sorted(became) == ["none", "none", "suspect"]
    assert (action.verb, action.by, action.door, action.note) == ("withdraw benchmark", curator, "page", "old")
    assert facts() == before | {"set aside": "none", "suspect": "none", "near another": "suspect"}
    assert ContaminationHit.objects.filter(task__benchmark=old).count() == 5
    assert done.redirect_chain[-1][0] == reverse("accounts:action", args=[action.pk])
    assert "old is withdrawn" in words(done)

    again = words(curator_client.post(address(old), follow=True))
    assert "Not withdrawn: no benchmark" in again
    assert f"by {curator.username}" in again
    assert Action.objects.count() == 1

    curator_client.post(reverse("accounts:undo", args=[action.pk]))
    assert facts() == before
    assert freed_by_withdrawing(Benchmark.objects.get(name="old")) == Freed(free=2, suspects=1)


def test_a_benchmark_of_which_nothing_was_found_frees_nothing(curator_client):
    benchmark = a_task(name="alone").benchmark
    assert curator_client.get(address(benchmark)).context["freed"] == Freed(0, 0)
    curator_client.post(address(benchmark))
    assert Action.objects.get().rows_changed == 1


def test_the_page_of_its_import_leads_there_and_says_when_it_is_withdrawn(old, curator_client, reviewer_client):
    batch = a_batch(a_source("old"), holds="benchmark")
    link = f'href="{address(old)}"'
    assert link in curator_client.get(batch.get_absolute_url()).content.decode()
    assert link not in reviewer_client.get(batch.get_absolute_url()).content.decode()
    for leads in (f"/imports/{batch.pk}/withdraw/", f"/sources/{batch.source.pk}/withdraw/"):
        assert curator_client.post(leads).url == address(old)
    assert reviewer_client.post(address(old)).status_code == 403
    assert not Action.objects.exists()

    Benchmark.objects.update(withdrawn=True)

    page = curator_client.get(batch.get_absolute_url())
    assert "The benchmark old is withdrawn" in words(page)
    assert "withdraw-benchmark" not in page.content.decode()
    assert "It is withdrawn. An import under its name is refused meanwhile." in words(curator_client.get(address(old)))
