"""Vectors stored with the text they belong to."""

import pytest

from curation.models import Query, Vector
from curation.vectors import embed_missing, fill_vectors, read_vectors
from tests.making import a_query

pytestmark = [pytest.mark.django_db, pytest.mark.needs("embeddings")]


class CountingEmbedder:
    """Unit vectors made from the length of a text; remembers every text it was given."""

    name = "by-length"

    def __init__(self):
        self.given = []

    def embed(self, texts, progress=None):
        import numpy as np

        self.given.extend(texts)
        rows = np.array([[len(text), 1.0, 0.0] for text in texts], dtype=np.float32)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_each_text_is_embedded_once():
    embedder = CountingEmbedder()
    first = a_query("Sort a list.")
    assert fill_vectors(Query.objects.all(), embedder) == 1
    second = a_query("Sort a longer list.")
    assert fill_vectors(Query.objects.all(), embedder) == 1
    assert fill_vectors(Query.objects.all(), embedder) == 0
    assert embedder.given == [first.text, second.text]


def test_vectors_come_back_exactly_and_in_the_order_asked_for():
    queries = [a_query(f"Query {'x' * number}") for number in range(7)]
    embedder = CountingEmbedder()
    fill_vectors(Query.objects.all(), embedder)
    backwards = queries[::-1]
    read = read_vectors([query.text_hash for query in backwards], embedder.name)
    assert read.tolist() == embedder.embed([query.text for query in backwards]).tolist()


def test_another_model_has_vectors_of_its_own():
    query = a_query()
    fill_vectors(Query.objects.all(), CountingEmbedder())
    other = CountingEmbedder()
    other.name = "another"
    assert fill_vectors(Query.objects.all(), other) == 1
    assert Vector.objects.filter(text_hash=query.text_hash).count() == 2


def test_what_was_stored_before_a_stop_stays_stored():
    queries = [a_query() for _ in range(3)]
    stopped = embed_missing(Query.objects.all(), CountingEmbedder())
    assert next(stopped) == queries[0].pk
    stopped.close()
    assert fill_vectors(Query.objects.all(), CountingEmbedder()) == 0
