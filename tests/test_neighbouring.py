"""The queries nearest to each task: found in a pool read by blocks, suspected once, and left to people."""

import pytest

from accounts.models import Door
from curation.contamination.checking import ask_for_check, check_contamination
from curation.contamination.neighbouring import nearest_queries, views_of
from curation.models import Benchmark, BenchmarkTask, ContaminationHit, Query
from curation.vectors import fill_vectors
from tests.making import a_query

pytestmark = [pytest.mark.django_db, pytest.mark.needs("embeddings")]
SUBJECTS = ("sort", "sum", "tree", "name")


class SubjectEmbedder:
    """Unit vectors by how often a text speaks of each subject."""

    name = "by-subject"

    def embed(self, texts, progress=None):
        import numpy as np

        rows = np.array([[text.count(one) for one in SUBJECTS] + [0.5] for text in texts], dtype=np.float32)
        return rows.reshape(len(texts), len(SUBJECTS) + 1) / np.linalg.norm(rows, axis=-1, keepdims=True)


def tasks(*prompts):
    benchmark = Benchmark.objects.create(name="bench", sha256="0")
    return [
        BenchmarkTask.objects.create(benchmark=benchmark, external_id=f"b/{number}", prompt=prompt)
        for number, prompt in enumerate(prompts)
    ]


def check(nearest=2):
    one = ask_for_check(by=None, nearest=nearest)
    check_contamination(one, door=Door.COMMAND, embedder=SubjectEmbedder())
    return one


def suspected():
    return {
        (hit.task.external_id, hit.query.text): hit.score
        for hit in ContaminationHit.objects.filter(tier="neighbour").select_related("task", "query")
    }


def test_the_nearest_of_each_task_are_found_whatever_block_they_stand_in():
    sorting, trees = tasks("sort sort", "tree")
    texts = ["sort sort sum", "sum name", "name", "sort", "tree name", "tree tree", "sum", "sort tree"]
    keys = {a_query(text).pk: text for text in texts}
    fill_vectors(Query.objects.all(), SubjectEmbedder())

    near = [*nearest_queries(2, SubjectEmbedder(), lambda seen, total: None, block=3)]

    assert [(one.task_id, keys[one.query_id]) for one in near] == [
        (sorting.pk, "sort"),
        (sorting.pk, "sort sort sum"),
        (trees.pk, "tree tree"),
        (trees.pk, "tree name"),
    ]


def test_the_nearest_are_suspected_and_the_likeliest_stands_first():
    tasks("sort sort", "tree")
    for text in ["sort sort sum", "name", "sort", "tree name", "tree tree", "sum"]:
        a_query(text)

    found = check()

    assert found.found == {"checked": 6, "set_aside": 0, "suspect": 4, "hits": {"neighbour": 4}}
    assert Query.objects.suspects().first().suspicion == pytest.approx(max(suspected().values()))


def test_a_second_check_suspects_nothing_more_even_after_people_have_judged():
    tasks("sort sort")
    for text in ["sort sum", "sort name", "sort tree tree", "sort sum sum"]:
        a_query(text)
    check()
    first = suspected()
    cleared, set_aside = Query.objects.suspects()
    Query.objects.filter(pk=cleared.pk).update(contamination="cleared")
    Query.objects.filter(pk=set_aside.pk).update(contamination="set_aside")

    again = check()

    assert (again.found["suspect"], again.action, suspected()) == (0, None, first)
    assert Query.objects.get(pk=cleared.pk).contamination == "cleared"


def test_copies_that_are_set_aside_and_duplicates_take_no_place_among_the_nearest():
    tasks("sort the names by the length of the last one in each line")
    copy = a_query("sort the names by the length of the last one in each line")
    a_query("sort sort name", duplicate_of=copy)
    a_query("sum")

    check(nearest=1)

    assert [text for _, text in suspected()] == ["sum"]


def test_a_task_is_looked_for_by_its_words_without_the_code_around_them():
    prompt = 'import math\n\ndef area(r):\n    """ Area of a circle.\n    >>> area(1)\n    3.14\n    """\n'

    assert views_of(prompt) == ["Area of a circle.\n    >>> area(1)\n    3.14", "Area of a circle."]
    assert views_of("Find the area.") == ["Find the area."]
