"""The novelty gate: with few texts against all of them, with many against those of the same class."""

from pathlib import Path

import numpy as np
import pytest
from planted import about, axis
from tnt_llm.classifiers.gate import OPEN, Gate
from tnt_llm.taxonomy.errors import BundleError


def planted(each=40):
    return about([0, 1, 2], each), np.repeat(np.arange(3), each)


@pytest.mark.parametrize("few", [1000, 10], ids=["against all", "within the class"])
def test_the_wanted_share_falls_below_and_what_is_foreign_does(few):
    vectors, classes = planted(200)
    gate = Gate.fit(vectors, classes, 3, rate=0.05, few=few)
    fresh, labels = about([0, 1, 2], 300, seed=9), np.repeat(np.arange(3), 300)
    assert (gate.nearest(fresh, labels) < gate.threshold).mean() == pytest.approx(0.05, abs=0.04)
    foreign = about([7], 50)
    assert (gate.nearest(foreign, np.zeros(50, dtype=np.int64)) < gate.threshold).all()


def test_of_many_texts_a_bounded_number_of_each_class_is_kept():
    vectors, classes = planted(300)
    gate = Gate.fit(vectors, classes, 4, few=100, each=20)
    assert gate.offsets.tolist() == [0, 20, 40, 60, 60]
    assert len(Gate.fit(vectors, classes, 3, few=1000).prototypes) == 900


def test_a_class_without_prototypes_lets_nothing_pass():
    vectors, classes = planted(300)
    gate = Gate.fit(vectors, classes, 4, few=100)
    assert (gate.nearest(axis(0)[None], np.array([3])) < gate.threshold).all()


def test_the_order_of_the_rows_changes_nothing():
    vectors, classes = planted(300)
    gate = Gate.fit(vectors, classes, 3, few=100)
    shuffled = np.random.default_rng(0).permutation(900)
    assert np.allclose(
        gate.nearest(vectors, classes)[shuffled], gate.nearest(vectors[shuffled], classes[shuffled])
    )


@pytest.mark.parametrize("few", [1000, 10])
def test_a_saved_gate_comes_back(tmp_path: Path, few):
    vectors, classes = planted()
    gate = Gate.fit(vectors, classes, 3, few=few)
    gate.save(tmp_path)
    loaded = Gate.load(tmp_path)
    assert (loaded.threshold, loaded.rate) == (gate.threshold, gate.rate)
    assert np.allclose(loaded.nearest(vectors, classes), gate.nearest(vectors, classes), atol=1e-6)


def test_an_open_gate_needs_no_file(tmp_path: Path):
    OPEN.save(tmp_path)
    assert list(tmp_path.iterdir()) == []
    assert Gate.load(tmp_path).prototypes is None


@pytest.mark.parametrize("content", [b"", b"half a file"])
def test_a_damaged_file_is_refused(tmp_path: Path, content):
    (tmp_path / "gate.npz").write_bytes(content)
    with pytest.raises(BundleError, match="gate"):
        Gate.load(tmp_path)


def test_offsets_that_do_not_fit_are_refused(tmp_path: Path):
    vectors, classes = planted()
    gate = Gate.fit(vectors, classes, 3, few=10)
    Gate(gate.prototypes, gate.offsets + 5, 0.5, 0.1).save(tmp_path)
    with pytest.raises(BundleError, match="makes no sense"):
        Gate.load(tmp_path)
