"""One against the rest: probabilities and thresholds of labels that are frequent, rare, never or always there."""

from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import csr_matrix
from sklearn.metrics import f1_score
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.multilabel import DEFAULT_C, DEFAULT_THRESHOLD, GRID, OneVsRest
from tnt_llm.taxonomy.errors import BundleError, SettingsError

LABELS = 8


def texts(
    count: int, seed: int = 0, noise: float = 1.0, blocks: str = "dense"
) -> tuple[Features, np.ndarray]:
    """Unit rows that lie towards the directions of their labels; a fifth of the texts bears none."""
    world, draw = np.random.default_rng(7), np.random.default_rng(seed)
    directions = world.normal(size=(LABELS, 32))
    applies = draw.random((count, LABELS)) < np.linspace(0.3, 0.06, LABELS)
    rows = applies @ directions + noise * draw.normal(size=(count, 32))
    unit = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    if blocks == "dense":
        return Features(unit), applies
    if blocks == "sparse":
        return Features(None, csr_matrix(unit)), applies
    return Features(unit[:, :10], csr_matrix(unit[:, 10:])), applies


@pytest.mark.parametrize("blocks", ["dense", "sparse", "both"])
def test_labels_of_unseen_texts_are_found(blocks):
    head = OneVsRest(LABELS).fit(*texts(600, blocks=blocks))
    unseen, truth = texts(400, seed=1, blocks=blocks)
    chances = head.predict_proba(unseen)
    assert chances.shape == (400, LABELS)
    assert chances.dtype == np.float64
    assert ((chances >= 0) & (chances <= 1)).all()
    assert f1_score(truth, head.predict(unseen), average="micro") > 0.85
    assert head.c in GRID


def test_rows_need_not_add_up_to_one():
    head = OneVsRest(LABELS).fit(*texts(600))
    unseen, truth = texts(200, seed=1)
    sums = head.predict_proba(unseen).sum(axis=1)
    assert sums[truth.sum(axis=1) == 0].mean() < 0.5
    assert sums[truth.sum(axis=1) >= 3].mean() > 2


def test_it_is_at_least_as_good_as_scikit_learn_at_its_defaults():
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    known, applies = texts(400, noise=2)
    unseen, truth = texts(600, seed=1, noise=2)
    plain = OneVsRestClassifier(LogisticRegression()).fit(known.dense, applies.astype(int))
    ours = OneVsRest(LABELS).fit(known, applies).predict(unseen)
    theirs = plain.predict(unseen.dense)
    for average in ("micro", "macro"):
        assert f1_score(truth, ours, average=average) > f1_score(truth, theirs, average=average) + 0.02


def test_a_label_that_no_text_bears_has_probability_zero_and_one_that_all_bear_nearly_one():
    known, applies = texts(100)
    applies[:, 0], applies[:, 1] = False, True
    head = OneVsRest(LABELS).fit(known, applies)
    chances = head.predict_proba(texts(50, seed=1)[0])
    assert (chances[:, 0] == 0).all()
    assert ((chances[:, 1] > 0.98) & (chances[:, 1] < 1)).all()
    found = head.predict(texts(50, seed=1)[0])
    assert not found[:, 0].any()
    assert found[:, 1].all()


@pytest.mark.parametrize("bearing", [1, 2])
def test_a_label_of_one_or_two_texts_keeps_close_to_the_common_threshold(bearing):
    known, applies = texts(300)
    applies[:, 0] = False
    applies[:bearing, 0] = True
    head = OneVsRest(LABELS).fit(known, applies)
    common = np.median(head.thresholds)
    assert 0.05 < head.thresholds[0] <= common + 0.15
    assert np.isfinite(head.predict_proba(known)).all()
    assert head.predict_proba(known)[:bearing, 0].min() > head.predict_proba(known)[bearing:, 0].mean()


def test_thresholds_of_frequent_labels_are_their_own():
    # One label is borne by a tenth of the texts whatever they say, the others are plain to see.
    known, applies = texts(800, noise=0.3)
    applies[:, 0] = np.random.default_rng(5).random(800) < 0.25
    thresholds = OneVsRest(LABELS).fit(known, applies).thresholds
    assert thresholds[0] < thresholds[1:].min()


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_handful_of_texts_is_learned_without_a_choice(count):
    known, applies = texts(count) if count else (texts(3)[0].take(slice(0)), np.zeros((0, LABELS), bool))
    head = OneVsRest(LABELS).fit(known, applies)
    assert head.c == DEFAULT_C
    assert (head.thresholds == DEFAULT_THRESHOLD).all()
    chances = head.predict_proba(texts(4, seed=1)[0])
    assert chances.shape == (4, LABELS)
    assert np.isfinite(chances).all()
    if not count:
        assert (chances == 0).all()


def test_a_text_of_weight_zero_teaches_nothing():
    known, applies = texts(100)
    twice = Features.concatenate([known, known])
    weight = np.concatenate([np.ones(100), np.zeros(100)])
    plain = OneVsRest(LABELS).fit(known, applies)
    weighted = OneVsRest(LABELS).fit(twice, np.concatenate([applies, ~applies]), weight)
    np.testing.assert_array_equal(weighted.predict_proba(known), plain.predict_proba(known))
    np.testing.assert_array_equal(weighted.thresholds, plain.thresholds)


def test_a_heavy_text_outweighs_light_ones_that_contradict_it():
    known, applies = texts(200, noise=0.3)
    twice, mixed = Features.concatenate([known, known]), np.concatenate([applies, ~applies])
    weight = np.concatenate([np.ones(200), np.full(200, 0.05)])
    found = OneVsRest(LABELS).fit(twice, mixed, weight).predict_proba(known) > 0.5
    assert (found == applies).mean() > 0.95


def test_the_same_input_gives_the_same_bytes_and_a_file_the_same_probabilities(tmp_path: Path):
    known, applies = texts(100)
    folders = [tmp_path / "one", tmp_path / "two"]
    for folder in folders:
        folder.mkdir()
        head = OneVsRest(LABELS).fit(known, applies)
        head.save(folder)
    for file in folders[0].iterdir():
        assert file.read_bytes() == (folders[1] / file.name).read_bytes()
    loaded = OneVsRest.load(folders[0])
    np.testing.assert_array_equal(loaded.predict_proba(known), head.predict_proba(known))
    np.testing.assert_array_equal(loaded.thresholds, head.thresholds)


def test_a_damaged_file_is_refused(tmp_path: Path):
    OneVsRest(LABELS).fit(*texts(40)).save(tmp_path)
    for file in sorted(tmp_path.iterdir()):
        whole = file.read_bytes()
        for part in (whole[: len(whole) // 2], b"", b"[1]"):
            file.write_bytes(part)
            with pytest.raises(BundleError):
                OneVsRest.load(tmp_path)
        file.unlink()
        with pytest.raises(BundleError):
            OneVsRest.load(tmp_path)
        file.write_bytes(whole)
    settings = tmp_path / "multilabel.json"
    settings.write_text(settings.read_text().replace(f'"labels": {LABELS}', '"labels": 3'))
    with pytest.raises(BundleError, match="inconsistent"):
        OneVsRest.load(tmp_path)


def test_a_refit_keeps_c_and_thresholds():
    known, applies = texts(200)
    head = OneVsRest(LABELS).fit(known, applies)
    again = head.refit().fit(*texts(150, seed=3))
    assert again.c == head.c
    np.testing.assert_array_equal(again.thresholds, head.thresholds)


def test_arguments_that_do_not_go_together_are_refused():
    known, applies = texts(10)
    with pytest.raises(SettingsError, match=f"for {LABELS} labels"):
        OneVsRest(LABELS).fit(known, applies[:, :3])
    with pytest.raises(SettingsError, match="do not go together"):
        OneVsRest(LABELS).fit(known, applies, np.ones(3))
    with pytest.raises(SettingsError, match="from 0 on"):
        OneVsRest(LABELS).fit(known, applies, np.full(10, np.inf))


def test_features_with_other_blocks_than_it_was_trained_on_are_refused():
    head = OneVsRest(LABELS).fit(*texts(40))
    with pytest.raises(SettingsError, match="10 dense and 22 sparse"):
        head.predict_proba(texts(4, blocks="both")[0])
