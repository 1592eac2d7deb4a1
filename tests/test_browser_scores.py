"""The pages about scores in a browser: from a cell to its queries; what if, decide, undo by keys or without scripts."""

import pytest
from django.utils import timezone

from accounts.models import Door
from curation.audits import auditing
from curation.audits.drawing import draw_sample
from curation.decisions.deciding import decide
from curation.decisions.foreseeing import ground, outlook
from curation.decisions.rules import Rule
from curation.models import AuditSample, Query, RulePass, Verdict
from curation.models.queries import SAMPLES_FROM
from curation.readings import store_facts
from curation.scores.cells import cell_of
from runs.models import Proposal
from tests.browsing import BROWSERS, PHONE, complaints
from tests.judged import a_scored_query, two_judges
from tests.test_auditing import a_verdict
from tests.test_foreseeing import a_pool

pytestmark = [
    pytest.mark.once,
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group(BROWSERS),
    pytest.mark.django_db(transaction=True),
]


def a_decided_pool(cells):
    """Queries by the scores of two judges, decided by the usual rule."""
    judges = two_judges()
    for values, count in cells.items():
        for _ in range(count):
            a_scored_query(dict(zip(judges, values, strict=True)))
    store_facts(list(Query.objects.order_by("pk").values_list("pk", flat=True)), judges)
    decide(Rule(), by=None, door=Door.COMMAND, at=timezone.now())
    return judges


def test_without_scripts_a_cell_opens_its_queries_and_a_rule_decides_and_is_undone(a_tab):
    a_pool(40)
    foreseen = outlook(Rule("both_at_least", 3.0), ground())
    tab = a_tab(java_script_enabled=False, viewport=PHONE)
    tab.goto("/scores/")
    cell = tab.locator("#matrix td a").first
    count = int(cell.inner_text())
    cell.click()
    assert tab.locator("tbody tr").count() == count

    tab.goto("/scores/what-if/")
    tab.select_option("select[name=rule]", "both_at_least")
    tab.fill("input[name=threshold]", "3")
    tab.click("#rule-form button")
    tab.click("#decide-button")
    assert tab.locator("#rule-pass .badge").inner_text() == "done"
    assert Query.objects.filter(decision="keep").count() == foreseen.kept > 0
    tab.click("#undo-pass")
    assert not Query.objects.filter(decision="keep").exists()


def test_without_scripts_guidelines_are_written_a_sample_is_drawn_and_undone_and_a_lab_asked_for(a_tab, models_file):
    a_decided_pool({(4, 2): 12, (4, 4): 20})
    tab = a_tab(java_script_enabled=False, viewport=PHONE)
    tab.goto("/audit/guidelines/")
    tab.fill("#guidelines-form textarea", "A five wants **three** ideas at once.")
    tab.click("#save-guidelines")
    assert tab.locator("#standing strong").inner_text() == "three"

    tab.goto("/scores/verdicts/")
    tab.fill("#sample-form input[name=size]", "20")
    tab.click("#draw-sample")
    assert "20 judged" in tab.locator("#sample .meter-words").inner_text()
    tab.click("#notices button")
    assert not AuditSample.objects.filter(withdrawn=False).exists()
    assert not Query.objects.filter(audit_place__gte=SAMPLES_FROM).exists()

    tab.goto("/scores/lab/new/")
    tab.fill("#ask-form input[name=sample]", "3")
    tab.click("#ask-form button[type=submit]")
    proposal = Proposal.objects.get()
    assert tab.url.endswith(proposal.get_absolute_url())
    assert proposal.kind == "rubric_lab"


def test_a_decision_is_reached_by_keys_alone(a_tab):
    a_pool(40)
    tab = a_tab(viewport=PHONE)
    tab.goto("/scores/what-if/")
    tab.focus("select[name=rule]")
    tab.keyboard.type("any")
    tab.keyboard.press("Tab")
    tab.keyboard.type("3.5")
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    tab.focus("#decide-button")
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    tab.wait_for_selector("#undo-pass")
    asked = RulePass.objects.get()
    assert (asked.rule, asked.threshold, asked.state) == ("any_at_least", 3.5, "done")


def test_ten_queries_of_a_cell_are_audited_by_keys_with_one_key_and_one_request_each(a_tab):
    judges = a_decided_pool({(4, 2): 12, (4, 4): 6, (1, 1): 6})
    tab = a_tab(viewport={"width": 1280, "height": 900})
    tab.goto("/scores/")
    tab.focus("[aria-label='Audit A 4, B 2']")
    tab.keyboard.press("Enter")
    asked = []

    def note(request):
        if "/static/" not in request.url:  # a browser asks for the icon whenever it likes
            asked.append(request)

    for number in range(1, 11):
        tab.locator("#item-heading:focus").wait_for()
        rated = tab.locator("#item-heading").inner_text()
        tab.keyboard.press("4")
        tab.locator("#sides-heading:focus").wait_for()
        assert tab.locator("#right-a").is_checked()
        asked.clear()
        tab.on("request", note)
        tab.keyboard.press("a")
        tab.locator("#rating").wait_for()
        tab.remove_listener("request", note)
        assert [request.method for request in asked] == ["POST"]
        assert Verdict.objects.filter(withdrawn=False, who_was_right="a", keep=True).count() == number
        assert tab.locator("#item-heading").inner_text() != rated
    assert set(Verdict.objects.values_list("query__ratings", flat=True)) == {
        cell_of(dict(zip(judges, (4, 2), strict=True)))
    }
    tab.locator("#item-heading:focus").wait_for()
    tab.keyboard.press("u")
    tab.wait_for_url(f"**/audit/{Verdict.objects.order_by('pk').last().query_id}/**")
    assert Verdict.objects.filter(withdrawn=False).count() == 9
    # What the verdicts changed stays when a rule decides, and comes back as it was with undo.
    tab.goto("/scores/what-if/?rule=any_at_least&threshold=1")
    tab.focus("#decide-button")
    tab.keyboard.press("Enter")
    tab.wait_for_selector("#undo-pass")
    assert Query.objects.filter(decision="keep").count() == 24
    tab.focus("#undo-pass")
    with tab.expect_navigation():
        tab.keyboard.press("Enter")
    assert Query.objects.filter(decision="keep").count() == 9 + 6


def test_axe_finds_nothing_on_scores_and_audit_and_no_page_runs_sideways(a_tab, curator, reviewer):
    judges = a_decided_pool({(4, 2): 12, (4, 4): 40, (1, 1): 6, (4, None): 2})
    draw_sample(20, seed=1, by=curator, door=Door.PAGE, at=timezone.now(), double=1.0)
    for person in (curator, reviewer):
        for value in (4, 3, 5):
            a_verdict(auditing.next_dispute(by=person, at=timezone.now()), person, value=value, keep=value > 3)
    mine, waiting = Verdict.objects.filter(by=curator)[0].query_id, Query.objects.filter(reviews_given=0).first().pk
    pages = ["/scores/", "/scores/linking/", "/scores/verdicts/", "/scores/what-if/", "/audit/guidelines/"]
    pages += [f"/scores/behind/?a={judges[0].pk}&b={judges[1].pk}&level_a=4&level_b=2", f"/audit/{mine}/"]
    pages += [f"/audit/?cell={judges[0].pk}%3D4+{judges[1].pk}%3D2", f"/audit/{waiting}/", f"/audit/{waiting}/?value=4"]
    assert complaints(a_tab(bypass_csp=True), pages) == []
