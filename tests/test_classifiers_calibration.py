"""Calibration: what it repairs, what it leaves alone, and that few rows do not lead it astray."""

import json

import numpy as np
import pytest
from tnt_llm.classifiers.calibration import Calibration, expected_calibration_error
from tnt_llm.classifiers.temperature import fit_scale
from tnt_llm.taxonomy.errors import BundleError


def drawn(count: int, classes: int, seed: int, sharpness: float = 2.0) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities that are right, and classes drawn by them."""
    draw = np.random.default_rng(seed)
    scores = sharpness * draw.normal(size=(count, classes))
    true = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
    return true, (true.cumsum(axis=1) < draw.random((count, 1))).sum(axis=1).clip(max=classes - 1)


def tempered(probabilities: np.ndarray, factor: float) -> np.ndarray:
    powers = probabilities**factor
    return powers / powers.sum(axis=1, keepdims=True)


def error(probabilities: np.ndarray, classes: np.ndarray) -> float:
    return expected_calibration_error(
        probabilities.max(axis=1), probabilities.argmax(axis=1) == classes, bins=15
    )


@pytest.mark.parametrize("factor", [0.3, 3.0])
def test_probabilities_too_timid_or_too_bold_are_repaired(factor):
    true, classes = drawn(2_000, 10, seed=0)
    calibration = Calibration.fit(tempered(true, factor), classes)
    assert calibration.temperature == pytest.approx(factor, rel=0.1)
    true, classes = drawn(20_000, 10, seed=1)
    wrong = tempered(true, factor)
    assert error(wrong, classes) > 0.1
    assert error(calibration.apply(wrong), classes) < 0.02


def test_what_no_temperature_repairs_the_map_does():
    # Sure answers are worth what they say, unsure ones are wrong twice as often as they say.
    def distort(true: np.ndarray) -> np.ndarray:
        top = true.max(axis=1, keepdims=True)
        wanted = np.sqrt(top)
        rest = true * (1 - wanted) / (1 - top)
        return np.where(true == top, wanted, rest)

    true, classes = drawn(3_000, 3, seed=0)
    calibration = Calibration.fit(distort(true), classes)
    true, classes = drawn(20_000, 3, seed=1)
    assert error(Calibration(calibration.temperature).apply(distort(true)), classes) > 0.03
    assert error(calibration.apply(distort(true)), classes) < 0.02


def test_good_probabilities_stay_as_they_are():
    true, classes = drawn(3_000, 8, seed=0)
    fitted = Calibration.fit(true, classes)
    assert fitted.temperature == pytest.approx(1, abs=0.1)
    np.testing.assert_allclose(fitted.apply(true).max(axis=1), true.max(axis=1), atol=0.04)


@pytest.mark.parametrize(
    "calibration",
    [
        Calibration(),
        Calibration(0.2),
        Calibration(5.0),
        Calibration(1.3, 0.4, 2.0, -1.0),
        Calibration(1, 0, 0, -4),
    ],
)
def test_rows_add_up_to_one_and_the_top_class_stays_on_top(calibration):
    given = drawn(500, 6, seed=2)[0]
    given[:100, 2:] = 0
    given[100:120] = np.eye(6)[0]
    given[120:140] = 1 / 6
    given /= given.sum(axis=1, keepdims=True)
    before = given.copy()
    found = calibration.apply(given)
    np.testing.assert_array_equal(given, before)
    np.testing.assert_allclose(found.sum(axis=1), 1, atol=1e-9)
    top = found[np.arange(500), given.argmax(axis=1)]
    assert (top >= found.max(axis=1) - 1e-12).all()
    assert (found[given == 0] == 0).all()


def test_a_surer_top_is_never_mapped_below_a_less_sure_one():
    tops = np.linspace(0.55, 1, 200)
    found = Calibration(1.5, 0.3, 0.2, 1.0).apply(np.stack([tops, 1 - tops], axis=1))[:, 0]
    assert (np.diff(found) >= -1e-12).all()


def test_without_rows_nothing_changes():
    assert Calibration.fit(np.zeros((0, 4)), np.zeros(0, dtype=np.int64)) == Calibration()
    assert Calibration(2.0, 0.5, 1.0, 0.1).apply(np.zeros((0, 4))).shape == (0, 4)


@pytest.mark.parametrize("count", [1, 5, 20])
def test_a_few_rows_that_are_all_right_do_not_make_everything_certain(count):
    given = np.tile([0.5, 0.3, 0.2], (count, 1))
    top = Calibration.fit(given, np.zeros(count, dtype=np.int64)).apply(given)[0, 0]
    assert 0.5 < top < 1 - 1 / (count + 3)


@pytest.mark.parametrize("count", [10, 30, 49, 60])
def test_on_few_rows_it_does_not_harm(count):
    unseen, truth = drawn(4_000, 5, seed=100)
    before = error(unseen, truth)
    after = [error(Calibration.fit(*drawn(count, 5, seed=s)).apply(unseen), truth) for s in range(10)]
    assert np.median(after) < before + 0.05
    assert max(after) < before + 0.12


def test_fewer_than_fifty_rows_fit_a_temperature_alone():
    fitted = Calibration.fit(*drawn(49, 5, seed=0))
    assert (fitted.low, fitted.high, fitted.shift) == (1, 1, 0)


@pytest.mark.parametrize("right", [True, False])
def test_all_right_or_all_wrong_stays_finite(right):
    given = drawn(300, 4, seed=3)[0]
    classes = given.argmax(axis=1) if right else given.argmin(axis=1)
    found = Calibration.fit(given, classes).apply(given)
    assert np.isfinite(found).all()
    assert (found.max(axis=1).mean() > 0.9) == right


def test_a_class_with_probability_zero_that_was_right_is_survived():
    given = np.tile([0.7, 0.3, 0.0], (200, 1))
    classes = np.array([0, 2] * 100)
    found = Calibration.fit(given, classes).apply(given)
    assert found[0, 0] == pytest.approx(0.5, abs=0.06)


def test_it_goes_through_json_unchanged():
    fitted = Calibration.fit(*drawn(200, 5, seed=0))
    assert Calibration.from_dict(json.loads(json.dumps(fitted.as_dict()))) == fitted


@pytest.mark.parametrize(
    "change",
    [{"temperature": 0}, {"temperature": "warm"}, {"low": -1}, {"shift": float("nan")}, {"high": None}],
)
def test_values_that_make_no_sense_are_refused(change):
    with pytest.raises(BundleError, match="calibration"):
        Calibration.from_dict(Calibration().as_dict() | change)
    with pytest.raises(BundleError, match="calibration"):
        Calibration.from_dict({"temperature": 1.0})


def test_the_calibration_error_is_the_mean_gap_over_bins_of_equal_mass():
    confidence = np.array([0.5, 0.6, 0.9, 1.0])
    right = np.array([True, False, True, True])
    assert expected_calibration_error(confidence, right, bins=2) == pytest.approx((0.05 + 0.05) / 2)
    assert expected_calibration_error(confidence, right, bins=1) == pytest.approx(0.0)
    assert expected_calibration_error(confidence, right, bins=4) == pytest.approx((0.5 + 0.6 + 0.1) / 4)
    assert expected_calibration_error(confidence, right) == pytest.approx((0.5 + 0.6 + 0.1) / 4)
    assert expected_calibration_error(np.zeros(0), np.zeros(0, dtype=bool)) == 0


def test_a_scale_is_found_and_rows_whose_class_is_ruled_out_are_only_paid_for():
    true, classes = drawn(2_000, 5, seed=0)
    scores = np.log(true) / 7
    factor, loss = fit_scale(scores, classes)
    assert factor == pytest.approx(7, rel=0.1)
    ruled_out = np.vstack([scores, [-np.inf, 0, 0, 0, 0]])
    again, more = fit_scale(ruled_out, np.append(classes, 0))
    assert again == factor
    assert more == pytest.approx((2_000 * loss + np.log(1e6)) / 2_001)
