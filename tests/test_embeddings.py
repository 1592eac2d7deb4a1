"""Vectors and exact neighbours."""

import pytest

import embeddings
from embeddings import Embedder, MissingExtra, nearest, require

pytestmark = [pytest.mark.needs("embeddings"), pytest.mark.xdist_group("the embedding model")]

TEXTS = [
    "Write a Python function that reverses a linked list.",
    "Implement reversal of a singly linked list in Python.",
    "Explain how to bake sourdough bread.",
    "",
]


@pytest.fixture(scope="module")
def embedder():
    return Embedder()


def unit_rows(count, width=16, seed=3):
    import numpy as np

    rows = np.random.default_rng(seed).normal(size=(count, width)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def by_brute_force(rows, k):
    import numpy as np

    exact = rows.astype(np.float64) @ rows.astype(np.float64).T
    np.fill_diagonal(exact, -np.inf)
    order = np.lexsort((np.broadcast_to(np.arange(len(rows)), exact.shape), -np.round(exact, 9)), axis=-1)
    return order[:, :k]


def test_vectors_have_unit_length_and_near_texts_lie_near(embedder):
    import numpy as np

    heard = []
    vectors = embedder.embed(TEXTS, heard.append)
    assert vectors.shape == (4, 384) and vectors.dtype == np.float32
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)
    assert vectors[0] @ vectors[1] > 0.7 > 0.3 > vectors[0] @ vectors[2]
    assert heard == [4]


def test_no_texts_give_no_vectors(embedder):
    assert embedder.embed([]).shape == (0, 384)


@pytest.mark.parametrize("count", [1, 2, 4, 5, 200, 1500])
def test_neighbours_are_those_of_brute_force(count):
    rows = unit_rows(count)
    indices, similarities = nearest(rows, 4, block=128)
    assert indices.tolist() == by_brute_force(rows, min(4, count - 1)).tolist()
    for row, found in enumerate(indices):
        assert similarities[row].tolist() == pytest.approx((rows[found] @ rows[row]).tolist(), abs=1e-6)


def test_ties_go_to_the_lower_index_however_many_there_are():
    import numpy as np

    rows = np.concatenate([np.repeat(unit_rows(1), 40, axis=0), unit_rows(30, seed=5)])
    indices, _ = nearest(rows, 4, block=16)
    assert indices[39].tolist() == [0, 1, 2, 3]
    assert indices[2].tolist() == [0, 1, 3, 4]
    assert indices.tolist() == by_brute_force(rows, 4).tolist()


def test_the_size_of_the_blocks_changes_nothing():
    rows = unit_rows(300)
    assert nearest(rows, 4, block=7)[0].tolist() == nearest(rows, 4, block=300)[0].tolist()


def test_a_missing_package_is_an_error_that_names_the_extra():
    with pytest.raises(MissingExtra, match=r"no_such_package_here not found.*extra `embeddings`.*pip install"):
        require(("numpy", "no_such_package_here"))


def test_importing_the_package_loads_neither_torch_nor_faiss():
    import subprocess
    import sys
    from pathlib import Path

    code = "import sys, embeddings; embeddings.require(); print(sorted({'torch', 'faiss', 'numpy'} & set(sys.modules)))"
    root = Path(embeddings.__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", code], cwd=root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
