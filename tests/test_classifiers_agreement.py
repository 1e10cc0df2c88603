"""The promise of agreement: kept on texts that were not there when it was made, and no stricter than it must be."""

from pathlib import Path

import numpy as np
import pytest
from tnt_llm.classifiers.agreement import Agreement
from tnt_llm.taxonomy.errors import BundleError, SettingsError


def drawn(count: int, seed: int, shape: tuple[float, float] = (5, 0.43)) -> Agreement:
    """Confidences that mean what they say, .92 on average."""
    draw = np.random.default_rng(seed)
    confidence = draw.beta(*shape, count)
    return Agreement(confidence.astype(np.float32), draw.random(count) < confidence)


@pytest.mark.parametrize(
    ("shape", "evidence", "level"),
    [((5, 0.43), 500, 0.95), ((5, 0.43), 2_500, 0.97), ((2.4, 0.6), 2_500, 0.9), ((1.3, 0.7), 1_000, 0.85)],
)
def test_over_random_splits_of_one_pool_the_promise_is_broken_in_at_most_eight_percent(
    shape, evidence, level
):
    broken = 0
    covered = []
    for turn in range(200):
        if turn % 50 == 0:
            pool = drawn(evidence + 2_000, 10 + turn, shape)
        rows = np.random.default_rng(turn).permutation(len(pool))
        known, unseen = (
            Agreement(pool.confidence[part], pool.agrees[part]) for part in (rows[:evidence], rows[evidence:])
        )
        threshold = known.threshold(level)
        if threshold is None:
            continue
        covered.append(unseen.coverage(threshold))
        broken += (unseen.observed(threshold) or 0) < level
    assert broken <= 0.08 * 200
    assert len(covered) > 100
    assert np.mean(covered) > 0.25


def test_a_classifier_that_always_agrees_is_always_accepted():
    evidence = Agreement(np.linspace(0.3, 1, 1_000, dtype=np.float32), np.ones(1_000, dtype=bool))
    threshold = evidence.threshold(0.95)
    assert threshold is not None
    assert evidence.coverage(threshold) == 1


def test_one_that_never_agrees_cannot_promise_anything():
    evidence = Agreement(np.linspace(0.3, 1, 1_000, dtype=np.float32), np.zeros(1_000, dtype=bool))
    assert evidence.threshold(0.5) is None


def test_confidence_that_says_nothing_cannot_lift_agreement_above_the_average():
    draw = np.random.default_rng(0)
    evidence = Agreement(draw.random(2_000).astype(np.float32), draw.random(2_000) < 0.8)
    assert evidence.threshold(0.9) is None
    low = evidence.threshold(0.75)
    assert low is not None
    assert evidence.coverage(low) > 0.9


@pytest.mark.parametrize("count", [0, 1, 20])
def test_too_little_evidence_promises_nothing(count):
    assert Agreement(np.ones(count, np.float32), np.ones(count, bool)).threshold(0.9) is None


def test_a_level_of_zero_accepts_everything():
    evidence = drawn(100, 0)
    threshold = evidence.threshold(0)
    assert threshold is not None
    assert evidence.coverage(threshold) == 1


def test_a_higher_level_a_smaller_risk_and_a_smaller_batch_each_ask_for_more():
    evidence = drawn(3_000, 0)
    plain = evidence.threshold(0.95)
    assert plain is not None
    assert (evidence.threshold(0.97) or 2) > plain
    assert (evidence.threshold(0.95, risk=0.001) or 2) > plain
    assert (evidence.threshold(0.95, batch=100) or 2) > plain
    assert (evidence.threshold(0.95, batch=1_000_000) or 2) <= plain


def test_more_evidence_covers_more():
    few, many = drawn(300, 0), drawn(6_000, 0)
    unseen = drawn(6_000, 1)
    assert unseen.coverage(many.threshold(0.95) or 2) > unseen.coverage(few.threshold(0.95) or 2)


def test_without_limit_the_batch_leaves_the_test_of_clopper_and_pearson():
    from scipy.stats import binom

    # All texts are equally confident, so there is one threshold: it stands or falls with the binomial test.
    for good in range(180, 200):
        evidence = Agreement(np.full(200, 0.7, np.float32), np.arange(200) < good)
        p = binom.sf(good - 1, 200, 0.9)
        if abs(p - 0.05) > 0.002:
            assert (evidence.threshold(0.9, risk=0.05, batch=3_000_000) is not None) == (p < 0.05), good


def test_a_confidence_equal_to_the_threshold_is_accepted_in_double_precision_too():
    confidence = np.full(500, 0.7)
    threshold = Agreement(confidence.astype(np.float32), np.ones(500, bool)).threshold(0.9)
    assert threshold is not None
    assert (confidence >= threshold).all()
    assert threshold == pytest.approx(0.7, abs=1e-6)


def test_coverage_and_observed_agreement_count_what_is_at_or_above():
    evidence = Agreement(np.array([0.2, 0.5, 0.5, 0.9], np.float32), np.array([True, False, True, True]))
    assert evidence.coverage(0.5) == 0.75
    assert evidence.observed(0.5) == pytest.approx(2 / 3)
    assert evidence.coverage(0.95) == 0
    assert evidence.observed(0.95) is None
    assert Agreement(np.zeros(0, np.float32), np.zeros(0, bool)).coverage(0) == 0


@pytest.mark.parametrize(
    ("level", "risk", "batch"), [(1.2, 0.05, 1), (-0.1, 0.05, 1), (0.9, 0, 1), (0.9, 0.05, 0)]
)
def test_arguments_out_of_range_are_refused(level, risk, batch):
    with pytest.raises(SettingsError, match="makes no sense"):
        drawn(10, 0).threshold(level, risk=risk, batch=batch)


def test_it_goes_through_a_file_unchanged_and_equal_evidence_is_equal_bytes(tmp_path: Path):
    evidence = drawn(50, 0)
    evidence.save(tmp_path / "one.npz")
    evidence.save(tmp_path / "two.npz")
    assert (tmp_path / "one.npz").read_bytes() == (tmp_path / "two.npz").read_bytes()
    loaded = Agreement.load(tmp_path / "one.npz")
    np.testing.assert_array_equal(loaded.confidence, evidence.confidence)
    np.testing.assert_array_equal(loaded.agrees, evidence.agrees)


def test_a_damaged_file_is_refused(tmp_path: Path):
    file = tmp_path / "agreement.npz"
    drawn(50, 0).save(file)
    whole = file.read_bytes()
    for part in (whole[: len(whole) // 2], b"", b"{}"):
        file.write_bytes(part)
        with pytest.raises(BundleError, match="agreement"):
            Agreement.load(file)
    np.savez(file, confidence=np.ones(3, np.float32), agrees=np.ones(4, bool))
    with pytest.raises(BundleError, match="inconsistent"):
        Agreement.load(file)
    np.savez(file, confidence=np.ones(3), agrees=np.ones(3))
    with pytest.raises(BundleError, match="inconsistent"):
        Agreement.load(file)
    file.unlink()
    with pytest.raises(BundleError, match="cannot be read"):
        Agreement.load(file)
