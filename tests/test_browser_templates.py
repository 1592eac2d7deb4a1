"""The pages of templates, judges and the rubric lab in a browser: without scripts, without a complaint of axe."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connections

from curation.models import Judge, Template
from curation.scores.judges import newest_template
from curation.scores.rubric_lab import DEFAULT_ARMS
from runs.models import Run, WorkItem
from tests.browsing import BROWSERS, PHONE, complaints
from tests.judged import a_judge, a_score
from tests.making import a_query
from tests.running import run_command

pytestmark = [
    pytest.mark.once,
    pytest.mark.needs("chromium"),
    pytest.mark.xdist_group(BROWSERS),
    pytest.mark.django_db(transaction=True),
]


def work():
    """What a worker does; in a thread of its own, because the browser's loop runs in this one."""

    def until_idle():
        run_command("work", "--until-idle")
        connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        pool.submit(until_idle).result()


def a_lab(queries, judges):
    """A lab that has ended, with scores."""
    parameters = {"judges": [judge.pk for judge in judges], "seed": 0}
    run = Run.objects.create(kind="rubric_lab", title="Rubric lab: 4 arms", state="done", parameters=parameters)
    for number, query in enumerate(queries):
        for judge in judges:
            WorkItem.objects.create(run=run, key=f"{query.pk}:{judge.pk}", payload={}, state="done")
            a_score(query, judge, 2 + number)
    return run


def test_without_scripts_a_template_is_edited_tried_for_one_call_and_its_judge_chosen(a_tab, models_file, demo_model):
    query, judge = a_query("Write a lock-free queue."), a_judge("complexity", counts=False)
    tab = a_tab(java_script_enabled=False, viewport=PHONE)
    tab.goto("/scores/templates/")
    tab.click(f"#template-{judge.template_id}")
    tab.click("#edit-template")
    tab.fill("input[name=label_1]", "Trivial")
    tab.check("input[name=answer_order][value=reason_first]")
    tab.check("input[name=shows_response]")
    tab.click("#template-form button[type=submit]")
    template = newest_template("complexity")
    assert (template.version, template.level_labels[0], template.shows_response) == (2, "Trivial", True)
    assert Template.objects.get(pk=judge.template_id).level_labels[0] != "Trivial"
    before = demo_model.stats()["requests"]
    tab.click("#preview-template")
    assert query.text in tab.locator(".prompt").inner_text()
    assert tab.locator("#ask-once").inner_text().startswith("Ask once: about $0.0")
    tab.click("#ask-once")
    work()
    tab.click("#preview .button")
    assert tab.locator("#preview-score strong").inner_text() in "12345"
    assert tab.locator("#preview-cost").inner_text().startswith("$0.0")
    assert demo_model.stats()["requests"] == before + 1
    tab.goto("/scores/judges/")
    tab.click(f"#count-{judge.pk}")
    assert Judge.objects.get(pk=judge.pk).counts


def test_axe_finds_nothing_and_no_page_runs_sideways(a_tab):
    query, judge = a_query("Write a lock-free queue."), a_judge("complexity")
    lab = a_lab([query, a_query()], [a_judge(name, counts=False, lab=True) for name in DEFAULT_ARMS])
    own = f"/scores/templates/{judge.template_id}/"
    pages = ["/scores/templates/", "/scores/templates/new/", "/scores/templates/import/", "/scores/judges/"]
    pages += ["/scores/lab/", "/scores/lab/new/", f"/scores/lab/{lab.pk}/"]
    assert complaints(a_tab(bypass_csp=True), [*pages, own, f"{own}edit/", f"{own}preview/"]) == []
