"""Search by words over queries and turns, kept up to date by the database."""

import pytest
from django.db import connection

from curation.models import Query
from dialogues.models import Turn
from tests.making import a_dialogue, a_query
from web.search import matching

pytestmark = pytest.mark.django_db


def found(words):
    return set(matching(Query.objects.all(), words).values_list("pk", flat=True))


def test_every_word_has_to_stand_in_the_row():
    both, one = a_query("merge sorted intervals"), a_query("merge two dictionaries")
    assert found("merge") == {both.pk, one.pk}
    assert found("intervals merge") == {both.pk}
    assert found("intervals dictionaries") == set()


def test_the_answer_is_searched_as_well_as_the_query():
    query = a_query("anything", response="use heapq.merge")
    assert found("heapq") == {query.pk}


@pytest.mark.parametrize("code", ["os.path.join(a)", "List<String> a", "a/path/b", "user@path", "x=path", "--path"])
def test_the_words_of_code_are_found_one_by_one(code):
    query = a_query(code)
    assert found("path" if "path" in code else "String") == {query.pk}


def test_case_does_not_matter():
    query = a_query("Merge intervals")
    assert found("MERGE") == {query.pk}


def test_a_search_without_words_finds_all_rows():
    query = a_query()
    assert found("") == found("  ?!  ") == {query.pk}


@pytest.mark.parametrize(
    "words", ['"', "a AND", "NOT", "(", "*", "text:x", "a & b", "a' | b", "NEAR(a b)", "-", "\x00"]
)
def test_operators_of_the_database_are_plain_text(words):
    a_query("nothing of the kind")
    found(words)


def test_the_index_follows_changes_and_deletions():
    query = a_query("first words")
    Query.objects.filter(pk=query.pk).update(text="second words")
    assert found("first") == set()
    assert found("second") == {query.pk}
    Query.objects.filter(pk=query.pk).delete()
    assert found("second") == set()


def test_turns_of_dialogues_are_searched():
    dialogue = a_dialogue("Sort by frequency.", "Use a counter.", "It is slow.", "Then a heap.")
    a_dialogue()
    turns = matching(Turn.objects.all(), "counter")
    assert set(turns.values_list("dialogue", flat=True)) == {dialogue.pk}


def test_an_update_that_leaves_the_text_alone_keeps_the_row_findable():
    query = a_query("merge intervals")
    Query.objects.filter(pk=query.pk).update(disputed=True)
    assert found("intervals") == {query.pk}


@pytest.mark.parametrize("table", ["curation_query", "dialogues_turn"])
def test_no_migration_has_cost_the_index_what_keeps_it(table):
    kept = {
        "sqlite": ("SELECT count(*) FROM sqlite_master WHERE sql LIKE 'CREATE TRIGGER%%_fts%%' AND tbl_name = %s", 3),
        "postgresql": ("SELECT count(*) FROM pg_trigger WHERE tgname LIKE '%%search%%' AND tgrelid = %s::regclass", 4),
    }
    sql, count = kept[connection.vendor]

    with connection.cursor() as cursor:
        cursor.execute(sql, [table])
        assert cursor.fetchone() == (count,), "follow the migration with web.search.RestoreSearch"
