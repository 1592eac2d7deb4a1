"""Rating templates: files that read back exactly, edits that make versions, and a preview that is paid for once."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from accounts.actions import undo
from accounts.models import Action
from curation.models import AnswerOrder, Judge, Template
from curation.scores.judges import PROMPTS, install_shipped_templates, newest_template, template_names
from curation.scores.template_files import FIELDS, BadTemplate, read_template, write_template
from curation.scores.wording import add_version, bring_back, retire, with_response
from tests.judged import a_judge
from tests.making import a_query
from tests.running import run_command

GOOD = (PROMPTS / "complexity.toml").read_text()
# What is hard to write between quotes; a brace pair would be a place.
TEXTS = st.text(st.sampled_from("a \"'\\\n\r\t\0\x7f\x1b#=[]é漢𝄞\u2028"), max_size=30)
LABELS = st.text(st.sampled_from("a \"'\\#=[]é漢𝄞"), min_size=1, max_size=30).filter(str.strip)


def fields_of(template):
    return {name: getattr(template, name) for name in FIELDS}


def a_draft(**changes):
    return Template(**(fields_of(read_template(GOOD, "x")) | changes))


@given(
    st.text(st.sampled_from("aZ0_-"), min_size=1, max_size=64),
    st.lists(LABELS, min_size=5, max_size=5),
    st.sampled_from(AnswerOrder.values),
    st.tuples(TEXTS, TEXTS, TEXTS, TEXTS),
)
def test_what_is_written_reads_back_exactly(name, labels, order, texts):
    body = texts[0] + "{{query}}" + texts[1] + "{{levels}}" + texts[2] + "{{order}}" + texts[3]
    template = Template(name=name, level_labels=labels, answer_order=order, body=body)
    text = write_template(template)
    again = read_template(text, "x")
    assert fields_of(again) == fields_of(template)
    assert write_template(again) == text


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("level_labels", "lebels", "line 4: lebels is no field: the fields are name, answer_order.*take it out"),
        ('"score_first"', '"sideways"', "line 3: answer_order 'sideways' is none of score_first, reason_first"),
        ('["Very Basic", ', "[", "line 4: level_labels should be 5 texts of one line, level 1 first"),
        ('name = "complexity"', "name = 3", "line 2: name should be a text between quotes; is 3"),
        ('name = "complexity"', 'name = "a b"', "line 2: name 'a b' should be 1 to 64 letters"),
        ("{{order}}", "{{ordre}}", "line 5: the body needs the places levels, order, query.*it has levels, ordre"),
        ("{{order}}", "{{Order}}", "line 5: body: .*is no placeholder"),
        ('name = "complexity"', "name =", r"not valid TOML: .*line 2.*correct that line"),
        ('name = "complexity"\n', "", "name is missing: the fields are"),
    ],
)
def test_a_bad_file_is_refused_with_line_field_and_remedy(old, new, told):
    with pytest.raises(BadTemplate, match="own.toml: " + told):
        read_template(GOOD.replace(old, new), "own.toml")


def test_the_answer_comes_into_view_and_goes_again_without_a_trace():
    body = read_template(GOOD, "x").body
    shown = with_response(body, shown=True)
    assert "</query>\n\n<response>\n{{response}}\n</response>\n" in shown
    assert with_response(shown, shown=True) == shown
    assert with_response(shown, shown=False) == body


@pytest.mark.django_db
def test_an_edit_makes_a_version_and_leaves_the_old_one_and_its_scores_alone():
    judge = a_judge("complexity")
    old = fields_of(judge.template)
    template, action = add_version(a_draft(answer_order="reason_first"), by=None)
    assert (str(template), str(newest_template("complexity"))) == ("complexity v2", "complexity v2")
    assert fields_of(Template.objects.get(pk=judge.template_id)) == old
    assert add_version(a_draft(answer_order="reason_first"), by=None) == (template, None)
    undo(action, by=None)
    template.refresh_from_db()
    assert (template.retired, template.version, str(newest_template("complexity"))) == (True, 2, "complexity v1")
    assert add_version(a_draft(answer_order="reason_first"), by=None)[0].version == 3


@pytest.mark.django_db
def test_a_retired_template_is_offered_no_more_until_it_is_brought_back():
    add_version(a_draft(name="own"), by=None)
    own = newest_template("own")
    assert retire(own, by=None) and retire(own, by=None) is None
    assert "own" not in template_names()
    install_shipped_templates()
    retire(newest_template("challenge"), by=None)
    assert "challenge" not in template_names()
    bring_back(own, by=None)
    assert template_names()[0] == "complexity" and "own" in template_names()


@pytest.mark.django_db
def test_the_command_writes_a_file_that_it_reads_back_as_nothing_new(tmp_path):
    file = tmp_path / "own.toml"
    assert run_command("templates", "export", "complexity@1", file).exit_code == 0
    assert run_command("templates", "import", file).result["templates"][0]["new"] is False
    file.write_text(file.read_text().replace("Very Basic", "Trivial"))
    ran = run_command("templates", "import", file)
    assert (ran.result["templates"][0]["version"], ran.result["templates"][0]["new"]) == (2, True)
    assert run_command("templates", "export", "complexity").result["level_labels"][0] == "Trivial"
    file.write_text("name = 3")
    bad = run_command("templates", "import", file)
    assert bad.exit_code == 2 and "own.toml: answer_order is missing" in bad.said
    assert len(run_command("templates", "list").result["templates"]) == 5
    assert run_command("templates", "export", "complexity@9").exit_code == 2


FORM = {
    "name": "own",
    "answer_order": "reason_first",
    "body": "{{levels}}\r\n<query>\r\n{{query}}\r\n</query>\r\n{{order}}\r\n",
    **{f"label_{level}": word for level, word in enumerate(["a", "b", "c", "d", "e"], start=1)},
}


@pytest.mark.django_db
def test_a_curator_words_a_template_edits_it_and_takes_the_edit_back(curator_client):
    made = curator_client.post("/scores/templates/new/", FORM, follow=True)
    assert "own v1 is kept" in made.content.decode()
    first = newest_template("own")
    assert (first.level_labels, first.body.count("\r")) == (list("abcde"), 0)
    edited = FORM | {"name": "another", "shows_response": "on"}
    page = curator_client.post(f"/scores/templates/{first.pk}/edit/", edited, follow=True).content.decode()
    second = newest_template("own")
    assert (second.version, second.shows_response) == (2, True)
    assert "<ins>" in page and "{{response}}" in page
    curator_client.post(f"/actions/{Action.objects.latest('pk').pk}/undo/")
    assert newest_template("own") == first
    text = curator_client.get(f"/scores/templates/{second.pk}/template.toml").content.decode()
    assert fields_of(read_template(text, "x")) == fields_of(second)
    refused = curator_client.post("/scores/templates/new/", FORM | {"body": "{{query}}", "label_3": ""})
    assert refused.status_code == 422 and refused.content.decode().count('role="alert"') == 2


@pytest.mark.django_db
def test_a_file_in_the_browser_is_kept_or_refused_beside_its_field(curator_client, tmp_path):
    file = tmp_path / "own.toml"
    for text, status in ((GOOD.replace('"complexity"', '"own"'), 302), ("name = 3", 422), ("\ud800", 422)):
        file.write_bytes(text.encode("utf-8", "surrogatepass"))
        with file.open("rb") as opened:
            answer = curator_client.post("/scores/templates/import/", {"file": opened})
        assert answer.status_code == status
        assert status == 302 or "own.toml" in answer.content.decode()
    assert newest_template("own").version == 1


@pytest.mark.django_db
def test_judges_are_chosen_on_their_page_and_undo_takes_it_back(curator_client, reviewer_client):
    counting, other = a_judge("complexity"), a_judge("complexity", counts=False, model="other")
    lab = a_judge("challenge", counts=False, lab=True)
    curator_client.post(f"/scores/judges/{other.pk}/count/")
    assert list(Judge.objects.filter(counts=True)) == [other]
    curator_client.post(f"/actions/{Action.objects.latest('pk').pk}/undo/")
    assert list(Judge.objects.filter(counts=True)) == [counting]
    curator_client.post(f"/scores/judges/{counting.pk}/leave-out/")
    curator_client.post(f"/scores/judges/{lab.pk}/count/")
    assert not Judge.objects.filter(counts=True).exists()
    page = reviewer_client.get("/scores/judges/").content.decode()
    assert "Arms of the rubric lab" in page and "/count/" not in page


def test_looking_at_the_pages_of_templates_makes_none(curator_client, models_file):
    for address in ("/scores/templates/", "/scores/judges/", "/scores/lab/", "/scores/lab/new/", "/queries/score/"):
        assert curator_client.get(address, follow=True).status_code == 200, address
    assert not Template.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_preview_is_free_to_look_at_asked_once_and_then_read_from_the_ledger(curator_client, demo_model, models_file):
    query = a_query("Write a lock-free queue.")
    install_shipped_templates()
    address = f"/scores/templates/{newest_template('complexity').pk}/preview/"
    asked = {"query": query.pk, "model": "demo-scorer"}
    before = demo_model.stats()["requests"]
    page = curator_client.get(address, asked).content.decode()
    assert "Write a lock-free queue." in page and "Ask once: about $0.0" in page
    assert demo_model.stats()["requests"] == before
    waiting = curator_client.post(f"{address}ask/", asked, follow=True).content.decode()
    assert 'data-poll="1"' in waiting and 'id="ask-once"' not in waiting
    curator_client.post(f"{address}ask/", asked)
    assert run_command("work", "--until-idle").exit_code == 0
    page = curator_client.get(address, asked).content.decode()
    assert 'id="preview-score"' in page and 'id="preview-cost"' in page and "data-poll" not in page
    assert demo_model.stats()["requests"] == before + 1
    assert not query.scores.exists()
    # Another model has not been asked; a query that is not there is said beside its field.
    assert 'id="ask-once"' in curator_client.get(address, asked | {"model": "demo-critic"}).content.decode()
    assert curator_client.get(address, {"query": 0}).status_code == 422
