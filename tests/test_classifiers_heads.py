"""The contract that every head keeps, and what is particular to logistic regression. Folds too."""

from pathlib import Path

import numpy as np
import pytest
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.folds import deal_folds
from tnt_llm.classifiers.heads.head import load_head
from tnt_llm.classifiers.heads.logistic import DEFAULT_C, GRID, LogisticHead
from tnt_llm.taxonomy.errors import BundleError

HEADS = [LogisticHead]


def blobs(count: int, classes: int, seed: int = 0, spread: float = 0.5) -> tuple[Features, np.ndarray]:
    """Unit rows around one direction per class, classes in turn."""
    centres = np.random.default_rng(99).normal(size=(classes, 24))
    owners = np.arange(count) % classes
    rows = centres[owners] + spread * np.random.default_rng(seed).normal(size=(count, 24))
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    return Features(unit), owners.astype(np.int64)


@pytest.fixture(params=HEADS, ids=lambda head: head.kind)
def head_class(request: pytest.FixtureRequest):
    return request.param


@pytest.mark.parametrize("classes", [2, 3, 9])
def test_probabilities_add_up_to_one_and_find_unseen_members(head_class, classes):
    head = head_class(classes).fit(*blobs(20 * classes, classes))
    unseen, owners = blobs(30 * classes, classes, seed=1)
    chances = head.predict_proba(unseen)
    assert chances.shape == (30 * classes, classes)
    np.testing.assert_allclose(chances.sum(axis=1), 1, atol=1e-6)
    assert (chances.argmax(axis=1) == owners).mean() > 0.95


def test_the_same_input_gives_the_same_head(head_class):
    sample, unseen = blobs(60, 4, spread=2), blobs(20, 4, seed=1)[0]
    one, two = head_class(4).fit(*sample), head_class(4).fit(*sample)
    np.testing.assert_array_equal(one.predict_proba(unseen), two.predict_proba(unseen))


@pytest.mark.parametrize("which", [0, 2])
def test_a_single_class_with_examples_gets_everything(head_class, which):
    vectors = blobs(5, 3)[0]
    chances = head_class(3).fit(vectors, np.full(5, which)).predict_proba(vectors)
    np.testing.assert_array_equal(chances, np.eye(3)[np.full(5, which)])


@pytest.mark.parametrize("seen", [(0, 3), (1, 2, 4)])
def test_a_class_without_examples_has_probability_zero(head_class, seen):
    vectors, owners = blobs(50, 5)
    kept = np.isin(owners, seen)
    chances = head_class(5).fit(vectors.take(kept), owners[kept]).predict_proba(vectors)
    absent = [label for label in range(5) if label not in seen]
    assert (chances[:, absent] == 0).all()
    assert (chances[kept].argmax(axis=1) == owners[kept]).all()


def test_classes_of_one_example_each_are_learned(head_class):
    vectors, owners = blobs(30, 30)
    chances = head_class(30).fit(vectors, owners).predict_proba(vectors)
    assert (chances.argmax(axis=1) == owners).all()


def test_hundreds_of_classes_are_learned(head_class):
    vectors = Features(np.eye(300, dtype=np.float32))
    owners = np.arange(300) // 2 * 2
    chances = head_class(300).fit(vectors, owners).predict_proba(vectors)
    assert (chances.argmax(axis=1) == owners).all()


def test_without_examples_all_classes_are_alike(head_class):
    head = head_class(4).fit(Features(np.zeros((0, 24), dtype=np.float32)), np.zeros(0, dtype=np.int64))
    np.testing.assert_allclose(head.predict_proba(blobs(3, 3)[0]), 0.25)


def test_an_example_of_weight_zero_teaches_nothing(head_class):
    vectors, owners = blobs(60, 3, spread=1.0)
    wrong = np.concatenate([owners, (owners + 1) % 3])
    weights = np.concatenate([np.ones(60), np.zeros(60)])
    plain = head_class(3, c=1.0).fit(vectors, owners).predict_proba(vectors)
    weighted = (
        head_class(3, c=1.0)
        .fit(Features.concatenate([vectors, vectors]), wrong, weights)
        .predict_proba(vectors)
    )
    np.testing.assert_allclose(weighted, plain, atol=1e-3)


def test_a_saved_head_predicts_the_same(head_class, tmp_path: Path):
    sample, unseen = blobs(40, 4, spread=1.5), blobs(20, 4, seed=1)[0]
    head = head_class(4).fit(*sample)
    head.save(tmp_path)
    loaded = load_head(head.kind, tmp_path)
    assert type(loaded) is head_class
    np.testing.assert_array_equal(loaded.predict_proba(unseen), head.predict_proba(unseen))


def test_a_saved_head_is_the_same_bytes_every_time(head_class, tmp_path: Path):
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        head_class(4).fit(*blobs(40, 4)).save(folder)
    one, two = ({file.name: file.read_bytes() for file in folder.iterdir()} for folder in folders)
    assert one == two


def test_a_damaged_file_of_a_head_is_refused(head_class, tmp_path: Path):
    head = head_class(4).fit(*blobs(40, 4))
    head.save(tmp_path)
    for file in sorted(tmp_path.iterdir()):
        whole = file.read_bytes()
        file.write_bytes(whole[: len(whole) // 2])
        with pytest.raises(BundleError, match="cannot be read"):
            load_head(head.kind, tmp_path)
        file.write_bytes(whole)


def test_a_refit_keeps_what_the_head_chose_and_nothing_it_learned(head_class):
    sample = blobs(60, 3, spread=2)
    head = head_class(3).fit(*sample)
    again = head.refit()
    np.testing.assert_array_equal(again.fit(*sample).predict_proba(sample[0]), head.predict_proba(sample[0]))
    assert again is not head


def test_a_head_of_an_unknown_kind_asks_for_a_newer_tnt(tmp_path: Path):
    with pytest.raises(BundleError, match=r"'crystal ball'.*newer"):
        load_head("crystal ball", tmp_path)


def test_arrays_that_do_not_fit_the_classes_are_refused(tmp_path: Path):
    LogisticHead(4).fit(*blobs(40, 4)).save(tmp_path)
    np.save(tmp_path / "bias.npy", np.zeros(7))
    with pytest.raises(BundleError, match="inconsistent"):
        LogisticHead.load(tmp_path)


def test_pickled_arrays_are_never_loaded(tmp_path: Path):
    LogisticHead(4).fit(*blobs(40, 4)).save(tmp_path)
    np.save(tmp_path / "bias.npy", np.array([{"a": 1}] * 4, dtype=object), allow_pickle=True)
    with pytest.raises(BundleError, match="cannot be read"):
        LogisticHead.load(tmp_path)


def test_c_is_chosen_from_the_papers_grid_and_goes_down_with_noise():
    clear, owners = blobs(120, 4, spread=0.3)
    noisy = np.where(
        np.random.default_rng(0).random(120) < 0.6, np.random.default_rng(1).integers(0, 4, 120), owners
    )
    from_clear, from_noisy = LogisticHead(4).fit(clear, owners).c, LogisticHead(4).fit(clear, noisy).c
    assert {from_clear, from_noisy} <= set(GRID)
    assert from_clear > from_noisy


def test_c_is_the_default_where_too_few_examples_could_choose():
    assert LogisticHead(5).fit(*blobs(10, 5)).c == DEFAULT_C


def test_c_is_chosen_on_a_part_of_many_rows(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("tnt_llm.classifiers.heads.logistic._ROWS_TO_CHOOSE_ON", 60)
    seen: list[int] = []
    monkeypatch.setattr(
        "tnt_llm.classifiers.heads.logistic.deal_folds",
        lambda classes, folds, seed: seen.append(len(classes)) or deal_folds(classes, folds, seed),
    )
    assert LogisticHead(4).fit(*blobs(400, 4)).c in GRID
    assert seen == [60]


def test_folds_share_every_class_out_evenly():
    classes = np.repeat([0, 1, 2, 3], [11, 7, 2, 1])
    fold = deal_folds(classes, 5, seed=0)
    assert sorted(np.bincount(fold, minlength=5)) == [4, 4, 4, 4, 5]
    for label in range(4):
        counts = np.bincount(fold[classes == label], minlength=5)
        assert counts.max() - counts.min() <= 1


def test_folds_depend_on_the_seed_alone():
    classes = np.arange(100) % 7
    np.testing.assert_array_equal(deal_folds(classes, 5, 3), deal_folds(classes, 5, 3))
    assert (deal_folds(classes, 5, 3) != deal_folds(classes, 5, 4)).any()
