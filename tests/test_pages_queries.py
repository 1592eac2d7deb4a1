"""The list of queries, the page of one query, and the pages of imports."""

import re

import pytest
from django.urls import reverse

from accounts.models import Action, Door
from curation.audits import auditing
from curation.models import (
    Benchmark,
    BenchmarkTask,
    ContaminationHit,
    ImportBatch,
    Judge,
    RejectedRecord,
    Score,
    Sighting,
    Template,
    Verdict,
)
from tests.making import a_batch, a_kept_query, a_query, a_source
from tests.page_text import words
from web.paging import PAGE_SIZE

pytestmark = pytest.mark.django_db
HTMX = {"HX-Request": "true"}


def listed(client, query_string=""):
    """The keys of the queries on the page, in order."""
    html = client.get(f"/queries/{query_string}").content.decode()
    return [int(pk) for pk in re.findall(r'class="clamp"\s+href="/queries/(\d+)/"', html)]


def scored(query, *values, name="complexity"):
    """Scores of one judge per value, all of which count."""
    for number, value in enumerate(values):
        template = Template.objects.get_or_create(
            name=f"{name}{number or ''}", level_labels=["a", "b", "c", "d", "e"], body="x"
        )[0]
        judge = Judge.objects.get_or_create(template=template, model="demo-scorer", sampling={}, counts=True)[0]
        Score.objects.create(
            query=query, judge=judge, value=value, state="ok" if value else "unreadable", explanation="It nests loops."
        )


def test_the_list_shows_the_newest_first(reviewer_client):
    first, second = a_query(), a_query()
    assert listed(reviewer_client) == [second.pk, first.pk]


def test_each_filter_leaves_what_it_names(reviewer_client):
    kept = a_kept_query(language="python")
    dropped = a_query(
        decision="drop",
        decision_rule="mean_at_least 4.0",
        decided_at=kept.decided_at,
        scoring="readable",
        language="go",
    )
    unreadable = a_query(scoring="unreadable", disputed=True)
    suspect = a_query(contamination="suspect", source=a_source("other"))
    duplicate = a_query(duplicate_of=kept)
    assert listed(reviewer_client, "?stage=kept") == [kept.pk]
    assert listed(reviewer_client, "?stage=unique") == [suspect.pk, unreadable.pk, dropped.pk, kept.pk]
    assert listed(reviewer_client, "?stage=answered") == [unreadable.pk, dropped.pk, kept.pk]
    assert listed(reviewer_client, "?language=go") == [dropped.pk]
    assert listed(reviewer_client, "?language=unknown") == [duplicate.pk, suspect.pk, unreadable.pk]
    assert listed(reviewer_client, "?disputed=on") == [unreadable.pk]
    assert listed(reviewer_client, "?contamination=suspect") == [suspect.pk]
    assert listed(reviewer_client, "?source=other") == [suspect.pk]
    assert listed(reviewer_client, "?source=sample&stage=kept") == [kept.pk]


def test_filters_that_make_no_sense_are_left_out(reviewer_client):
    query = a_query()
    assert listed(reviewer_client, "?stage=nowhere&language=klingon&source=x&contamination=none&after=abc") == [
        query.pk
    ]


def test_disputed_ones_stand_in_the_order_of_the_dispute(reviewer_client):
    narrow, wide = a_query(disputed=True, linked_gap=1.0), a_query(disputed=True, linked_gap=3.0)
    unreadable = a_query(disputed=True, scoring="unreadable")
    assert listed(reviewer_client, "?disputed=on") == [unreadable.pk, wide.pk, narrow.pk]


def test_a_search_finds_words_in_query_and_answer(reviewer_client):
    found = a_query("merge intervals", response="use heapq")
    a_query("something else")
    assert listed(reviewer_client, "?q=intervals heapq") == [found.pk]
    assert "1 query" in words(reviewer_client.get("/queries/?q=heapq"))


def test_facets_count_under_the_other_filters(reviewer_client):
    a_kept_query(language="go")
    a_kept_query(language="python")
    a_query(language="go")
    page = words(reviewer_client.get("/queries/?language=go"))
    assert "all 2" in page and "kept 1" in page and "unscored 1" in page


def test_pages_follow_one_another_with_their_filters(reviewer_client):
    queries = [a_kept_query() for _ in range(PAGE_SIZE + 3)]
    first = reviewer_client.get("/queries/?stage=kept").content.decode()
    address = re.search(r'rel="next"\s+href="([^"]+)"', first)[1].replace("&amp;", "&")
    assert "stage=kept" in address
    assert listed(reviewer_client, address) == [query.pk for query in queries[2::-1]]


def test_htmx_gets_the_list_alone_and_the_browser_keeps_the_two_apart(reviewer_client):
    a_query()
    part = reviewer_client.get("/queries/", headers=HTMX)
    assert part.content.decode().strip().startswith('<div id="query-list">')
    assert "HX-Request" in part["Vary"]
    assert "<html" in reviewer_client.get("/queries/").content.decode()


def test_an_empty_list_says_what_to_do(reviewer_client):
    assert "import_queries" in words(reviewer_client.get("/queries/"))
    a_query()
    assert "No query fits these filters" in words(reviewer_client.get("/queries/?q=unheard"))


def test_the_list_asks_the_database_as_often_for_a_page_as_for_one_row(reviewer_client, django_assert_max_num_queries):
    for number in range(PAGE_SIZE):
        a_query(source=a_source(f"source-{number % 5}"))
    for address in ("/queries/", "/queries/?q=function", "/queries/?disputed=on&stage=kept"):
        with django_assert_max_num_queries(11):
            reviewer_client.get(address)


def test_model_text_in_the_list_is_only_text(reviewer_client):
    a_query("<script>alert(1)</script> sort")
    assert "<script>alert" not in reviewer_client.get("/queries/").content.decode()


def test_the_line_tells_all_facts_of_a_kept_query_in_order(reviewer_client):
    query = a_kept_query(linked_gap=0.5, raw_gap=1)
    scored(query, 4, 5)
    page = words(reviewer_client.get(query.get_absolute_url()))
    facts = [
        "imported from sample",
        "not a duplicate",
        "no benchmark task found in it",
        "complexity 4, complexity1 5",
        "mean 4.50",
        "not disputed (gap 0.5 on one scale, 1 as given)",
        "kept by the rule mean_at_least 4.0",
    ]
    places = [page.index(fact) for fact in facts]
    assert places == sorted(places)


def test_the_fact_that_decides_is_marked(reviewer_client):
    original = a_query()
    query = a_query(
        duplicate_of=original,
        duplicate_reason="same words",
        decision="keep",
        decision_rule="verdict",
        decided_at=original.created_at,
    )
    html = reviewer_client.get(query.get_absolute_url()).content.decode()
    decisive = re.search(r'<li class="decides">\s*(.*?)\s*</li>', html, re.DOTALL)[1]
    assert f"duplicate of query {original.pk} (same words)" in decisive


def test_a_query_set_aside_names_the_task_it_holds(reviewer_client):
    query = a_query(contamination="set_aside")
    benchmark = Benchmark.objects.create(name="humaneval", sha256="x")
    task = BenchmarkTask.objects.create(benchmark=benchmark, external_id="HumanEval/7", prompt="p")
    ContaminationHit.objects.create(query=query, task=task, tier="exact", score=1.0, matched_text="the very words")
    page = words(reviewer_client.get(query.get_absolute_url()))
    assert "set aside, it holds HumanEval/7" in page and "the very words" in page


def test_an_unreadable_score_is_told_and_never_a_number(reviewer_client):
    query = a_query(scoring="unreadable", disputed=True)
    scored(query, 4, None)
    page = words(reviewer_client.get(query.get_absolute_url()))
    assert "complexity 4, complexity1 unreadable" in page and "waits for an audit" in page


def test_a_verdict_is_part_of_the_story(reviewer_client, reviewer):
    query = a_query(disputed=True, scoring="readable", mean=3.5)
    Verdict.objects.create(query=query, by=reviewer, value=5, keep=True, note="hard enough")
    auditing.keep_many([query.pk], by=reviewer, door=Door.PAGE)
    page = words(reviewer_client.get(query.get_absolute_url()))
    assert "rita gave 5 and said keep" in page and "kept by a person’s verdict" in page and "hard enough" in page
    assert "Keep queries" in page


def test_where_a_query_was_seen_is_listed(reviewer_client):
    query = a_query()
    for line in (3, 9):
        Sighting.objects.create(query=query, batch=query.batch, line=line)
    page = words(reviewer_client.get(query.get_absolute_url()))
    assert "seen 2 times" in page and "line 9" in page


def test_the_page_of_a_query_asks_the_database_as_often_with_more_around_it(
    reviewer_client, django_assert_max_num_queries
):
    query = a_query()
    scored(query, *[3] * 6)
    for line in range(30):
        Sighting.objects.create(query=query, batch=query.batch, line=line)
    with django_assert_max_num_queries(12):
        reviewer_client.get(query.get_absolute_url())


def test_a_query_that_is_not_there_is_a_404(reviewer_client):
    assert reviewer_client.get("/queries/4711/").status_code == 404


def test_an_import_shows_its_counts_and_each_rejected_record(reviewer_client):
    batch = a_batch()
    ImportBatch.objects.filter(pk=batch.pk).update(read=10, accepted=7, duplicates=2, rejected=1)
    RejectedRecord.objects.create(batch=batch, line=8, reason="not valid JSON", excerpt='{"instruction": <b>')
    page = reviewer_client.get(batch.get_absolute_url())
    assert "Read 10 Accepted 7 Duplicates 2 Rejected 1" in words(page)
    assert "not valid JSON" in words(page)
    assert "&lt;b&gt;" in page.content.decode()


def test_rejected_records_come_in_the_order_of_the_file(reviewer_client):
    batch = a_batch()
    for line in range(1, PAGE_SIZE + 11):
        RejectedRecord.objects.create(batch=batch, line=line, reason=f"reason {line}.")
    first = reviewer_client.get(batch.get_absolute_url()).content.decode()
    last, following = f"reason {PAGE_SIZE}.", f"reason {PAGE_SIZE + 1}."
    assert "reason 1." in first and last in first and following not in first
    address = re.search(r'rel="next"\s+href="([^"]+)"', first)[1].replace("&amp;", "&")
    assert following in reviewer_client.get(batch.get_absolute_url() + address).content.decode()


def test_the_list_of_imports_asks_the_database_as_often_for_many(reviewer_client, django_assert_max_num_queries):
    assert "Nothing was imported yet" in words(reviewer_client.get("/imports/"))
    for _ in range(30):
        a_batch()
    with django_assert_max_num_queries(7):
        reviewer_client.get(reverse("curation:batches"))


def test_a_page_changes_nothing(reviewer_client):
    query = a_query()
    for address in ("/queries/", query.get_absolute_url(), "/imports/"):
        assert reviewer_client.post(address).status_code == 405
    assert Action.objects.count() == 0


@pytest.mark.parametrize(
    ("used", "counts", "number"),
    [
        ("no", {"": 2, "kept": 2, "dropped": 0}, 2),
        ("yes", {"": 2, "kept": 1, "dropped": 1}, 2),
        ("afterwards", {"": 1, "kept": 0, "dropped": 1}, 1),
    ],
)
def test_what_is_in_a_dialogue_or_none_is_counted_as_it_is_listed(reviewer_client, used, counts, number):
    for is_used in (True, False, False, True):
        last = a_kept_query(used=is_used)
    type(last).objects.filter(pk=last.pk).update(decision="drop")
    page = reviewer_client.get("/queries/", {"used": used})
    told = {facet.stage: facet.count for facet in page.context["facets"]}
    assert {stage: told.get(stage, 0) for stage in counts} == counts
    assert len(listed(reviewer_client, f"?used={used}")) == number
