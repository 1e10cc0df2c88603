"""The head of boosted trees: what it needs, what it refuses, and how it is saved."""

import builtins
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.heads.lightgbm import DEFAULT_DEPTH, GRID, LightgbmHead
from tnt_llm.taxonomy.errors import BundleError, MissingPartError, SettingsError


def blobs(count: int, classes: int, spread: float = 0.3) -> tuple[Features, np.ndarray]:
    """Rows around one direction per class, classes in turn."""
    centres = np.random.default_rng(99).normal(size=(classes, 12))
    owners = np.arange(count) % classes
    rows = centres[owners] + spread * np.random.default_rng(0).normal(size=(count, 12))
    return Features((rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)), owners


def test_without_the_library_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    with pytest.raises(MissingPartError, match="pip install lightgbm"):
        LightgbmHead(2).fit(*blobs(20, 2))


def test_without_openmp_it_names_the_package_of_the_system(monkeypatch: pytest.MonkeyPatch):
    original = builtins.__import__

    def importing(name: str, *given: Any, **more: Any) -> Any:
        if name == "lightgbm":
            raise OSError("libgomp.so.1: cannot open shared object file")
        return original(name, *given, **more)

    monkeypatch.setattr(builtins, "__import__", importing)
    with pytest.raises(MissingPartError, match="apt-get install libgomp1"):
        LightgbmHead(2).fit(*blobs(20, 2))


def test_the_number_of_threads_changes_neither_trees_nor_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    saved = []
    for threads in ("1", "2", "none of your business"):
        monkeypatch.setenv("OMP_NUM_THREADS", threads)
        LightgbmHead(3, depth=3, rounds=2).fit(*blobs(30, 3)).save(tmp_path)
        saved.append((tmp_path / "head.txt").read_bytes())
    assert saved[0] == saved[1] == saved[2]
    assert b"num_threads" not in saved[0]


def test_depth_and_rounds_are_chosen_where_there_are_examples_enough():
    chosen = LightgbmHead(3).fit(*blobs(60, 3))
    assert chosen.depth in GRID
    assert chosen.rounds is not None
    too_few = LightgbmHead(5).fit(*blobs(10, 5))
    assert (too_few.depth, too_few.rounds) == (DEFAULT_DEPTH, None)


def test_rounds_stop_early_where_labels_are_noise():
    texts, owners = blobs(120, 2)
    noise = np.random.default_rng(0).integers(0, 2, 120)
    clear, noisy = LightgbmHead(2).fit(texts, owners).rounds, LightgbmHead(2).fit(texts, noise).rounds
    assert clear is not None
    assert noisy is not None
    assert noisy < clear / 2


def test_features_of_another_width_are_refused():
    head = LightgbmHead(2, depth=3, rounds=5).fit(*blobs(20, 2))
    texts = blobs(4, 2)[0]
    for other in (Features(texts.dense[:, :8]), Features(texts.dense[:, :8], csr_matrix(texts.dense[:, 8:]))):
        with pytest.raises(SettingsError, match="encode with what it was trained with"):
            head.predict_proba(other)


@pytest.mark.parametrize("change", [(b"Tree=0", b"Tree=7"), (b"leaf_value=", b"leaf_value=9")])
def test_trees_that_are_not_those_that_were_saved_are_refused(tmp_path: Path, change: tuple[bytes, bytes]):
    LightgbmHead(2, depth=3, rounds=5).fit(*blobs(20, 2)).save(tmp_path)
    text = (tmp_path / "head.txt").read_bytes()
    (tmp_path / "head.txt").write_bytes(text.replace(*change, 1))
    with pytest.raises(BundleError, match="not those that were saved"):
        LightgbmHead.load(tmp_path)
