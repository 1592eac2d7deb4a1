"""Languages told from content: what is looked at, what is left alone, and how well the detectors tell."""

import re
import sys

import pytest
from django.urls import reverse

from accounts.actions import undo
from accounts.models import Door
from curation import pool_passes, tasks
from curation.intake.detectors import NATURAL, Detectors, MissingDetectors, load_detectors, prose_of
from curation.intake.finding_languages import ask_for_languages, find_languages, look
from curation.models import LanguagePass, Query
from tests.making import a_query
from tests.page_text import words
from tests.running import run_command

SAID = {
    "en": "Write a function that sorts a list of numbers and returns the result.",
    "de": "Schreibe eine Funktion, die eine Liste sortiert und das Ergebnis zurückgibt.",
    "fr": "Écris une fonction qui trie une liste d'entiers et renvoie le résultat.",
    "es": "Escribe una función que ordene una lista de enteros y devuelva el resultado.",
    "zh": "编写一个函数，对整数列表进行排序并返回结果。",
    "ja": "整数のリストをソートして結果を返す関数を書いてください。",
    "ru": "Напишите функцию, которая сортирует список целых чисел и возвращает результат.",
    "ar": "اكتب دالة تقوم بفرز قائمة من الأعداد الصحيحة وإرجاع النتيجة.",
    "hi": "एक फ़ंक्शन लिखें जो पूर्णांकों की सूची को क्रमबद्ध करे।",
    "th": "เขียนฟังก์ชันที่เรียงลำดับรายการตัวเลขแล้วส่งคืนผลลัพธ์",
}
CODE = {
    "python": "import sys\n\ndef total(numbers):\n    return sum(n for n in numbers if n > 0)\n\nprint(total([1]))\n",
    "java": "import java.util.List;\n\npublic class Sum {\n    public static void main(String[] args) {\n"
    '        System.out.println("sum " + List.of(1, 2).size());\n    }\n}\n',
    "sql": "SELECT name, COUNT(*) AS orders\nFROM customers\nJOIN orders ON orders.customer = customers.id\n"
    "WHERE city = 'Rome'\nGROUP BY name\nORDER BY orders DESC;\n",
    "": "You can sort the list in place or make a new one; the second is easier to follow, so prefer that.",
}


@pytest.fixture(scope="module")
def detectors():
    pytest.importorskip("magika", reason="the extra `dedup` is not installed")
    pytest.importorskip("py3langid", reason="the extra `dedup` is not installed")
    return load_detectors()


def scripted(code="", prose=""):
    return Detectors(code=lambda answer: code, prose=lambda query: prose)


def find(tell):
    return find_languages(by=None, door=Door.COMMAND, tell=tell)


def languages(query):
    return Query.objects.values_list("language", "natural_language").get(pk=query.pk)


@pytest.mark.django_db
def test_a_stated_language_stays_and_an_unknown_one_is_told_from_the_answer():
    stated, unknown = a_query(language="rust"), a_query()

    found = find(scripted(code="go", prose="fr"))

    assert (languages(stated), languages(unknown)) == (("rust", "fr"), ("go", "fr"))
    assert (found.checked, found.code, found.prose) == (2, {"go": 1}, {"fr": 2})


@pytest.mark.django_db
def test_what_cannot_be_told_stays_unknown_and_is_not_looked_at_again():
    query = a_query()

    find(scripted())

    assert languages(query) == ("", "und")
    again = find(scripted(code="go", prose="fr"))
    assert (again.checked, again.action) == (0, None)
    assert languages(query) == ("", "und")


@pytest.mark.django_db
def test_a_pass_that_is_stopped_keeps_its_blocks_and_goes_on_with_the_rest():
    queries = [a_query() for _ in range(3)]

    def stop_after_one(blocks, total):
        first = next(iter(blocks))
        yield first[:2]
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        find_languages(by=None, door=Door.COMMAND, tell=scripted(prose="de"), watch=stop_after_one)

    assert find(scripted(prose="fr")).checked == 1
    assert [languages(query)[1] for query in queries] == ["de", "de", "fr"]


@pytest.mark.django_db
def test_the_pass_is_one_action_that_can_be_undone():
    query = a_query()

    undo(find(scripted(code="go", prose="fr")).action, by=None)

    assert languages(query) == ("", None)


@pytest.mark.django_db
def test_the_pages_filter_by_the_language_of_the_prose(reviewer_client, administrator_client):
    french, german = a_query(natural_language="fr"), a_query(natural_language="de")

    page = reviewer_client.get("/queries/?natural_language=fr")
    assert [row.pk for row in page.context["page"].rows] == [french.pk]
    assert "Written in" in page.content.decode()
    assert "German" in reviewer_client.get(german.get_absolute_url()).content.decode()
    listed = administrator_client.get("/admin/curation/query/?natural_language=de")
    assert [row.pk for row in listed.context["cl"].result_list] == [german.pk]


def test_prose_is_what_is_left_of_a_query_without_its_code():
    query = "Sortiere die Liste `items`.\n```python\nfor x in y:\n    pass\n```\n    x = {1: [2]};\nDanke!"

    assert prose_of(query) == "Sortiere die Liste  .\n \nDanke!"
    assert prose_of("```\nnever closed") == ""


@pytest.mark.parametrize("language", SAID)
def test_prose_is_told_with_code_around_it(detectors, language):
    assert language in NATURAL
    assert detectors.prose(f"{SAID[language]}\n```python\ndef sort(items):\n    return sorted(items)\n```") == language


@pytest.mark.parametrize("text", ["", "```go\nx\n```", "x = 1;"])
def test_a_query_without_prose_is_not_guessed_at(detectors, text):
    assert detectors.prose(text) == ""


@pytest.mark.parametrize("language", CODE)
def test_code_without_a_fence_is_told_and_prose_is_not(detectors, language):
    assert detectors.code(CODE[language]) == language


@pytest.mark.once
@pytest.mark.django_db
def test_the_command_counts_what_it_found(detectors):
    a_query(SAID["fr"], response=CODE["java"])

    ran = run_command("find_languages")

    assert (ran.exit_code, ran.result["checked"]) == (0, 1)
    assert (ran.result["code"], ran.result["prose"]) == ({"java": 1}, {"fr": 1})
    assert "French: 1" in ran.said
    assert "no query waits to be looked at" in run_command("find_languages").said


def test_without_the_extra_its_name_is_said(monkeypatch):
    monkeypatch.setitem(sys.modules, "py3langid", None)

    with pytest.raises(MissingDetectors, match=r"py3langid not found: the extra `dedup` is not installed"):
        load_detectors()


PAGE = "curation:languages"


@pytest.mark.django_db
def test_a_page_counts_the_languages_and_hands_the_search_to_the_worker(
    curator_client, curator, reviewer_client, monkeypatch
):
    a_query(language="go"), a_query(), a_query(natural_language="fr")
    page = words(reviewer_client.get(reverse(PAGE)))
    assert "2 of 3 queries not looked at yet" in page and "unknown 2 66 %" in page and "French 1 33 %" in page
    assert "Find languages" not in page and "Find languages" in words(curator_client.get(reverse(PAGE)))

    assert "handed to the worker" in words(curator_client.post(reverse("curation:find_languages"), follow=True))

    monkeypatch.setattr("curation.tasks.load_detectors", lambda: scripted(code="rust", prose="de"))
    one = LanguagePass.objects.get()
    tasks.find_languages(one.pk)
    tasks.find_languages(one.pk)
    one.refresh_from_db()
    assert (one.state, one.by, one.action.door) == ("done", curator, Door.PAGE)
    assert one.found == {"checked": 2, "told": 1, "code": {"rust": 1}, "prose": {"de": 2}}
    page = reviewer_client.get(reverse(PAGE))
    assert "3 of 3 queries looked at" in words(page) and "see or undo" in words(page)
    lists = re.findall(r'<a href="(/queries/[^"]+)">([0-9,]+)</a>', page.content.decode())
    assert len(lists) == 5
    for address, count in lists:
        assert f"{count} quer" in words(reviewer_client.get(address.replace("&amp;", "&")))
    undo(one.action, by=curator)
    assert "2 of 3 queries not looked at yet" in words(reviewer_client.get(reverse(PAGE)))


@pytest.mark.django_db
def test_one_search_for_languages_at_a_time_and_a_cancelled_one_keeps_what_it_wrote(curator_client, curator):
    queries = [a_query() for _ in range(3)]
    one = ask_for_languages(by=curator)
    assert "one is at work already" in words(curator_client.post(reverse("curation:find_languages"), follow=True))
    assert "one is at work already" in run_command("find_languages").said

    def cancelled_after_one(blocks, *, total, what):
        for pk in next(iter(blocks)):
            yield [pk]
            curator_client.post(reverse("curation:cancel_languages", args=[one.pk]))
            pool_passes.tell(one, what, 1, total)

    tell = scripted(prose="de")
    pool_passes.carry_out(one, lambda: look(one, door=Door.PAGE, tell=tell, progress=cancelled_after_one))
    assert (one.state, one.action is None) == ("cancelled", False)
    assert [languages(query)[1] for query in queries] == ["de", None, None]


@pytest.mark.django_db
def test_without_the_extra_the_page_says_how_to_get_it(curator_client, monkeypatch):
    a_query()
    monkeypatch.setattr("curation.intake.detectors.MODULES", ("no_such_module",))
    said = words(curator_client.post(reverse("curation:find_languages"), follow=True))
    assert "Not started: no_such_module not found" in said and "the extra `dedup` is not installed; run" in said
    assert not LanguagePass.objects.exists()
