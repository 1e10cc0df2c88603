"""Logistic regression: the problem it solves, and how it chooses C."""

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.heads.examples import Examples
from tnt_llm.classifiers.heads.logistic import DEFAULT_C, GRID, LogisticHead


def blobs(count: int, classes: int, spread: float = 0.5) -> tuple[Features, np.ndarray]:
    """Unit rows around one direction per class, classes in turn."""
    centres = np.random.default_rng(99).normal(size=(classes, 24))
    owners = np.arange(count) % classes
    rows = centres[owners] + spread * np.random.default_rng(0).normal(size=(count, 24))
    return Features((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)), owners


@pytest.mark.parametrize("c", [1.0, 100.0])
def test_it_solves_the_problem_that_scikit_learn_solves(c):
    from sklearn.linear_model import LogisticRegression

    texts, owners = blobs(300, 5, spread=2)
    weight = np.random.default_rng(1).uniform(0.2, 2, 300)
    wanted = LogisticRegression(C=c, tol=1e-6, max_iter=10_000).fit(texts.dense, owners, weight)
    found = LogisticHead(5, c=c).fit(texts, owners, weight)
    np.testing.assert_allclose(found.predict_proba(texts), wanted.predict_proba(texts.dense), atol=0.03)


def test_two_blocks_are_one_problem():
    texts, owners = blobs(120, 4, spread=1.5)
    halves = Features(texts.dense[:, :10], csr_matrix(texts.dense[:, 10:]))
    one, two = (LogisticHead(4, c=10.0).fit(each, owners).predict_proba(each) for each in (texts, halves))
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_c_is_chosen_from_the_papers_grid_and_goes_down_with_noise():
    clear, owners = blobs(120, 4, spread=0.3)
    draw = np.random.default_rng(0)
    noisy = np.where(draw.random(120) < 0.6, draw.integers(0, 4, 120), owners)
    from_clear, from_noisy = LogisticHead(4).fit(clear, owners).c, LogisticHead(4).fit(clear, noisy).c
    assert {from_clear, from_noisy} <= set(GRID)
    assert from_clear > from_noisy


def test_c_is_the_default_where_too_few_examples_could_choose():
    assert LogisticHead(5).fit(*blobs(10, 5)).c == DEFAULT_C


def test_c_is_chosen_on_a_part_of_many_rows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tnt_llm.classifiers.heads.logistic._ROWS_TO_CHOOSE_ON", 60)
    seen: list[int] = []
    fit = LogisticHead._fit
    monkeypatch.setattr(
        LogisticHead,
        "_fit",
        lambda self, examples, c: seen.append(len(examples)) or fit(self, examples, c),
    )
    assert LogisticHead(4).fit(*blobs(400, 4)).c in GRID
    assert set(seen[:-1]) == {40}
    assert seen[-1] == 400


def test_rows_to_choose_on_are_drawn_by_the_seed_alone():
    texts, owners = blobs(100, 4)
    examples = Examples.of(texts, owners, None, 4)
    one, two, other = (examples.at_most(30, seed) for seed in (1, 1, 2))
    assert len(one) == 30
    np.testing.assert_array_equal(one.features.dense, two.features.dense)
    assert (one.features.dense != other.features.dense).any()
