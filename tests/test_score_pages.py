"""The pages about scores: each number opens its queries, nothing changes before the button, undo puts it back."""

import re
from urllib.parse import parse_qs, urlsplit

import pytest
from django.core.cache import cache
from django.utils import timezone

from accounts.models import Action
from curation.decisions import ruling
from curation.decisions.deciding import decide
from curation.decisions.rules import RULES, Rule
from curation.models import Query, RulePass, Verdict
from tests.judged import a_judge
from tests.test_foreseeing import a_pool, audited

pytestmark = pytest.mark.django_db
PAGES = ("/scores/", "/scores/linking/", "/scores/what-if/", "/scores/verdicts/", "/scores/behind/")


def links_in(page, part):
    """The addresses that a page links to and that hold this part."""
    found = re.findall(r'href="([^"]+)"', page.content.decode())
    return [address.replace("&amp;", "&") for address in found if part in address]


def text_of(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.content.decode()))


def rows_behind(client, address):
    return len(client.get(address).context["page"].rows)


@pytest.mark.parametrize("address", PAGES)
def test_a_pool_without_scores_says_what_to_do_next(reviewer_client, address):
    page = reviewer_client.get(address)
    assert page.status_code == 200
    assert 'class="empty"' in page.content.decode()


@pytest.mark.parametrize("address", PAGES)
def test_the_count_of_database_queries_does_not_grow_with_rows(
    reviewer_client, reviewer, address, django_assert_max_num_queries
):
    a_pool(60)
    audited(reviewer)
    with django_assert_max_num_queries(22):
        assert reviewer_client.get(address).status_code == 200


def test_each_cell_of_the_matrix_opens_its_queries(reviewer_client):
    a_pool(60)
    page = reviewer_client.get("/scores/")
    cells = [cell for _, row in page.context["rows"] for cell in row if cell.count]
    assert sum(cell.count for cell in cells) == page.context["whole"].answered > 40
    assert sorted(links_in(page, "behind")) == sorted(cell.address for cell in cells)
    for cell in cells:
        assert rows_behind(reviewer_client, cell.address) == cell.count
    assert any(cell.a is None for cell in cells)


def test_a_judge_that_does_not_count_can_be_compared_and_linked(reviewer_client):
    first, second = a_pool(60)
    a_judge("challenge-reason-first", counts=False)
    type(second).objects.filter(pk=second.pk).update(counts=False)
    page = reviewer_client.get(f"/scores/?a={first.pk}&b={second.pk}")
    cells = [cell for _, row in page.context["rows"] for cell in row if cell.count]
    assert cells
    assert all(rows_behind(reviewer_client, cell.address) == cell.count for cell in cells)
    assert reviewer_client.get(f"/scores/linking/?a={second.pk}&b={first.pk}").context["table"].n > 40
    assert reviewer_client.get(f"/scores/?a={first.pk}&b={first.pk}").context["chosen"].second != first
    assert reviewer_client.get("/scores/?a=x&b=99999").status_code == 200


def test_groups_add_up_to_the_pool_and_small_languages_are_left_out(reviewer_client):
    a_pool(80)
    page = reviewer_client.get("/scores/")
    sources, languages = (groups for _, groups in page.context["tables"])
    assert sum(group.answered for group in sources) == page.context["whole"].answered
    assert all(group.answered >= 30 for group in languages)


def test_linking_shows_the_gaps_before_and_after(reviewer_client):
    a_pool(80)
    page = reviewer_client.get("/scores/linking/")
    assert page.context["table"].method == "equipercentile"
    raw, linked = page.context["raw"], page.context["linked"]
    assert sum(raw.counts) == sum(linked.counts) == page.context["table"].n
    assert linked.mean < raw.mean  # the second scale is shifted, and linking sees it


@pytest.mark.parametrize("name", RULES)
def test_what_if_lists_the_queries_that_would_flip_and_changes_nothing(reviewer_client, reviewer, name):
    a_pool(40)
    audited(reviewer, count=30)
    before = dict(Query.objects.values_list("pk", "version"))
    page = reviewer_client.get(f"/scores/what-if/?rule={name}&threshold=3.5")
    flips = page.context["flips"]
    assert flips
    for _, count, address in flips:
        assert rows_behind(reviewer_client, address) == count
        assert parse_qs(urlsplit(address).query)["rule"] == [name]
    assert dict(Query.objects.values_list("pk", "version")) == before
    assert not Action.objects.exists()
    assert "Decide by this rule" not in text_of(page)  # a reviewer only looks


def test_the_button_decides_a_small_pool_at_once_and_undo_puts_it_back(curator_client):
    a_pool(40)
    page = curator_client.get("/scores/what-if/?rule=both_at_least&threshold=3")
    foreseen = page.context["foreseen"]
    assert f"Decide by this rule: {foreseen.flips} change sides" in text_of(page)
    done = curator_client.post("/scores/what-if/decide/", {"rule": "both_at_least", "threshold": "3.0"}, follow=True)
    asked = RulePass.objects.get()
    assert done.redirect_chain[-1][0] == asked.get_absolute_url()
    assert (asked.state, asked.found["kept"]) == ("done", foreseen.kept)
    assert Query.objects.filter(decision="keep").count() == foreseen.kept > 0
    [undo_address] = re.findall(r'action="(/actions/\d+/undo/)"', done.content.decode().partition("rule-pass")[2])
    curator_client.post(undo_address)
    assert not Query.objects.exclude(decision="none").exists()
    assert "undone" in text_of(curator_client.get(asked.get_absolute_url()))


def test_a_large_pool_is_decided_by_the_worker_while_the_page_asks_how_far_it_is(
    curator_client, monkeypatch, django_capture_on_commit_callbacks
):
    a_pool(40)
    one = Query.objects.first()
    columns = {"text": "Sort a list.", "source": one.source, "batch": one.batch}
    Query.objects.bulk_create(Query(text_hash=str(number), **columns) for number in range(ruling.AT_ONCE))
    handed = []
    monkeypatch.setattr("celery.current_app.send_task", lambda task, args: handed.append((task, *args)))
    with django_capture_on_commit_callbacks(execute=True):
        page = curator_client.post("/scores/what-if/decide/", {"rule": "mean_at_least", "threshold": "4"}, follow=True)
    asked = RulePass.objects.get()
    assert handed == [("curation.tasks.decide_all", asked.pk)]
    assert "data-poll" in page.content.decode()
    again = curator_client.post("/scores/what-if/decide/", {"rule": "mean_at_least", "threshold": "4"}, follow=True)
    assert "Not decided: one is at work already" in text_of(again)
    ruling.carry_out(asked)
    part = curator_client.get(asked.get_absolute_url(), headers={"HX-Request": "true"})
    assert "data-poll" not in part.content.decode()
    assert "<html" not in part.content.decode()


@pytest.mark.parametrize(("rule", "threshold"), [("best", "4"), ("mean_at_least", "9"), ("mean_at_least", "x")])
def test_a_rule_that_is_none_is_refused(curator_client, rule, threshold):
    a_pool(20)
    assert curator_client.get(f"/scores/what-if/?rule={rule}&threshold={threshold}").status_code == 422
    refused = curator_client.post("/scores/what-if/decide/", {"rule": rule, "threshold": threshold}, follow=True)
    assert "Not decided" in text_of(refused)
    assert not RulePass.objects.exists()


def test_only_curators_decide(reviewer_client):
    asked = {"rule": "mean_at_least", "threshold": "4"}
    assert reviewer_client.post("/scores/what-if/decide/", asked).status_code == 403


def test_verdicts_show_what_they_teach(reviewer_client, reviewer):
    a_pool(80)
    audited(reviewer, count=60)
    decide(Rule(), by=None, door="command", at=timezone.now())
    page = reviewer_client.get("/scores/verdicts/?precision=95")
    assert page.context["who"][1] == ("B, challenge", 60)
    assert [name for name, table in page.context["calibrations"] if table] == ["complexity", "challenge"]
    best = dict(page.context["best"])
    assert best["any_at_least"].precision.value >= 0.95
    assert "rule=any_at_least&threshold=4.0" in " ".join(links_in(page, "what-if"))
    Verdict.objects.update(stratum="")
    page = reviewer_client.get("/scores/verdicts/?precision=20")
    assert page.status_code == 422


def test_a_rule_that_nobody_has_calibrated_is_not_drawn_as_if_it_kept_nothing(reviewer_client, reviewer):
    a_pool(40)
    page = reviewer_client.get("/scores/what-if/")
    assert "calibrated_mean_at_least" not in [line.name for line in page.context["plot"].lines]
    assert "Calibrated mean is left out" in text_of(page)
    cache.clear()
    audited(reviewer, count=30)
    page = reviewer_client.get("/scores/what-if/")
    assert "calibrated_mean_at_least" in [line.name for line in page.context["plot"].lines]
