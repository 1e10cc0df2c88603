"""The perceptron: what it needs, what it leaves alone in the process, and how it chooses."""

import sys

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.heads.mlp import DEFAULT_HIDDEN, DEFAULT_STEPS, GRID, MlpHead
from tnt_llm.taxonomy.errors import MissingPartError, SettingsError


def ring(count: int) -> tuple[Features, np.ndarray]:
    """Texts on a circle, of class 1 in two opposite quarters: no line parts the classes."""
    angles = np.random.default_rng(0).uniform(0, 2 * np.pi, count)
    rows = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    return Features(rows), (rows[:, 0] * rows[:, 1] > 0).astype(np.int64)


def test_without_torch_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingPartError, match="pip install torch"):
        MlpHead(2).fit(*ring(20))


def test_it_learns_what_no_line_parts():
    texts, owners = ring(200)
    found = MlpHead(2, hidden=64, steps=400).fit(texts, owners).predict_proba(texts).argmax(axis=1)
    assert (found == owners).mean() > 0.95


def test_the_words_of_a_text_do_as_well_as_its_vector():
    texts, owners = ring(200)
    words = Features(None, csr_matrix(texts.dense))
    found = MlpHead(2, hidden=64, steps=400).fit(words, owners).predict_proba(words).argmax(axis=1)
    assert (found == owners).mean() > 0.95


def test_torchs_generator_and_threads_are_as_they_were():
    import torch

    torch.manual_seed(0)
    before, threads = torch.random.get_rng_state().clone(), torch.get_num_threads()
    MlpHead(2, hidden=8, steps=5).fit(*ring(20))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert torch.get_num_threads() == threads


def test_the_seed_decides_the_weights():
    texts, owners = ring(40)
    one, two, other = (
        MlpHead(2, hidden=8, steps=5, seed=seed).fit(texts, owners).predict_proba(texts) for seed in (0, 0, 1)
    )
    np.testing.assert_array_equal(one, two)
    assert (one != other).any()


def test_size_and_steps_are_chosen_where_there_are_examples_enough():
    chosen = MlpHead(2).fit(*ring(100))
    assert chosen.hidden in GRID
    texts = Features(np.eye(6, dtype=np.float32))
    too_few = MlpHead(6).fit(texts, np.arange(6))
    assert (too_few.hidden, too_few.steps) == (DEFAULT_HIDDEN, DEFAULT_STEPS)


def test_features_of_another_width_are_refused():
    head = MlpHead(2, hidden=8, steps=5).fit(*ring(20))
    with pytest.raises(SettingsError, match="encode with what it was trained with"):
        head.predict_proba(Features(np.ones((1, 3), dtype=np.float32)))
