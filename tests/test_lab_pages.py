"""The rubric lab, from its page and by command: priced before it starts, paid for once whatever is asked again."""

import pytest

from curation.models import Judge, Query, Score, Scoring, Template, Verdict
from curation.scores.judges import install_shipped_templates, newest_template
from curation.scores.rubric_lab import KIND
from runs.models import Call, Proposal, Run
from runs.proposing import price, start
from runs.starting import plan_run
from tests.making import a_query
from tests.page_text import words
from tests.running import run_command

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def form(models_file):
    install_shipped_templates()
    templates = [newest_template(name).pk for name in ("complexity", "complexity-reason-first")]
    return {"templates": templates, "models": ["demo-scorer"], "temperatures": "0, 0.7", "sample": 3, "seed": 5}


def test_a_lab_is_priced_started_and_reported_and_a_second_pays_nothing(curator_client, curator, demo_model, form):
    queries = [a_query(language="go") for _ in range(3)] + [a_query(language="python")]
    for query in queries[:3]:
        Verdict.objects.create(query=query, by=curator, value=3, keep=True)
    asked = curator_client.post("/scores/lab/new/", form | {"language": "go", "judged": "on"})
    proposal = Proposal.objects.get()
    assert asked.headers["Location"] == proposal.get_absolute_url()
    price(proposal)
    proposal.refresh_from_db()
    assert (proposal.figures["items"], proposal.figures["ledger_hits"], proposal.figures["problems"]) == (12, 0, [])
    assert "Scripted demo model: demo-scorer" in words(curator_client.get(proposal.get_absolute_url()))
    run = start(proposal, by=curator)
    plan_run(run, KIND)
    assert run_command("work", "--until-idle").exit_code == 0
    run.refresh_from_db()
    assert (run.state, run.items_done, run.spent > 0) == ("done", 12, True)
    page = curator_client.get(f"/scores/lab/{run.pk}/")
    text = words(page)
    assert text.index("Scripted demo model") < text.index("Arms")
    assert "people have judged 3 of them" in text and "complexity v1, demo-scorer at 0.7" in text
    assert [panel.name for panel in page.context["panels"] if not panel.is_empty][-1] == "unreadable"
    assert f"/scores/lab/{run.pk}/" in curator_client.get(run.get_absolute_url()).content.decode()
    assert f"/scores/lab/{run.pk}/" in curator_client.get("/scores/lab/").content.decode()

    before = demo_model.stats()["requests"]
    names = ["--template", "complexity", "--template", "complexity-reason-first"]
    names += ["--temperature", "0", "--temperature", "0.7", "--language", "go", "--judged"]
    again = run_command("rubric_lab", "--sample", 3, "--seed", 5, *names, "--wait")
    assert (again.exit_code, again.result["calls"], again.result["spent"].rstrip("0.")) == (0, 0, "")
    assert (again.result["items"], again.result["done"], again.result["ledger_hits"]) == (12, 12, run.calls)
    assert (again.result["judged"], again.result["judged_queries"]) == (True, 3)
    assert [arm["n"] for arm in again.result["arms"]] == [3, 3, 3, 3]
    assert again.said.startswith("scripted")
    assert demo_model.stats()["requests"] == before
    assert not Judge.objects.filter(counts=True).exists()
    assert Score.objects.filter(judge__lab=False).count() == 0


def test_too_many_arms_and_bad_temperatures_are_refused_beside_their_field(curator_client, form):
    for wrong in (
        {"temperatures": "warm"},
        {"temperatures": "3"},
        {"temperatures": ",".join(f"0.{n}" for n in range(1, 10))},
    ):
        refused = curator_client.post("/scores/lab/new/", form | wrong)
        assert refused.status_code == 422 and 'role="alert"' in refused.content.decode(), wrong
    assert not Run.objects.exists()


def test_the_command_refuses_what_it_cannot_ask(models_file):
    a_query()
    for wrong in (("--template", "none"), ("--template", "complexity@7"), ("--by", "gpt"), ("--temperature", "3")):
        ran = run_command("rubric_lab", *wrong)
        assert ran.exit_code == 2 and wrong[1] in ran.said
    priced = run_command("rubric_lab", "--sample", 1, "--dry-run")
    assert (priced.exit_code, priced.result["items"], priced.result["scripted"]) == (0, 4, True)
    assert not Run.objects.exists()


def test_the_rubric_lab_compares_both_templates_in_both_orders_without_touching_rules(models_file):
    for _ in range(12):
        a_query()
    ran = run_command("rubric_lab", "--sample", 8, "--seed", 3, "--wait")
    result = ran.result
    assert ran.said.startswith("scripted")
    assert (result["scripted"], result["sample"], result["items"], result["done"]) == (True, 8, 32, 32)
    arms = {arm["template"]: arm for arm in result["arms"]}
    assert [arm["order"] for arm in arms.values()] == ["score_first", "reason_first"] * 2
    for arm in arms.values():
        assert (arm["n"], sum(arm["levels"]), arm["readable"]) == (8, 8, 1.0)
        assert min(arm["tokens"], arm["usd"]) > 0
        assert 0 < arm["spread"] < 2 and arm["spread_interval"][0] < arm["spread_interval"][1]
    kappa = arms["complexity v1"]["agreement"]["challenge v1"]["kappa"]
    assert kappa["low"] <= kappa["value"] <= kappa["high"]
    assert arms["challenge-reason-first v1"]["agreement"]["complexity-reason-first v1"]["n"] == 8
    assert not Judge.objects.filter(counts=True).exists()
    assert not Query.objects.exclude(scoring=Scoring.NONE).exists()


def test_scoring_after_the_lab_gets_its_answers_free_and_pays_only_for_the_rest(models_file):
    for _ in range(6):
        a_query()
    run_command("rubric_lab", "--sample", 2, "--wait")
    paid = Call.objects.count()
    result = run_command("score", "--wait").result
    # One for each question, and a reminder where a reply could not be read.
    assert result["items"] == 12
    assert result["ledger_hits"] >= 4
    assert 8 <= result["calls"] == Call.objects.count() - paid
    assert list(Judge.objects.filter(counts=True).values_list("lab", flat=True)) == [False, False]
    assert Template.objects.count() == 4
