"""Figures and their intervals, and every measure against tables computed by hand and against scikit-learn."""

import time
import warnings
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn import metrics as reference
from tnt_llm.classifiers.calibration import expected_calibration_error
from tnt_llm.classifiers.encoders.representation import Representation
from tnt_llm.tools.evaluation import classes, hierarchy, partition, several, trust
from tnt_llm.tools.evaluation.bootstrap import Bootstrap, Profiles, figures, tables
from tnt_llm.tools.evaluation.by_itself import balance
from tnt_llm.tools.evaluation.figure import Figure
from tnt_llm.tools.evaluation.held_out import predict_held_out
from tnt_llm.tools.train_classifier import train_classifier
from toy_texts import WordEncoder, sample_of, taxonomy_of

QUICK = Bootstrap(resamples=200)


def codes(*values):
    return np.array(values, dtype=np.int64)


def table_of(gold, given, g, k):
    """One table [1, g + 1, k + 1] with the places that `partition` wants."""
    profiles = Profiles.of(gold, given)
    weights = profiles.counts[None, :].astype(float)
    return tables(weights, profiles.column(0), profiles.column(1), (g + 1, k + 1))


def one(measure, gold, given, g, k):
    (value,) = measure(table_of(gold, given, g, k))
    return float(value)


# --- figures ---


def test_a_figure_comes_back_from_json_and_prints_its_interval():
    figure = Figure(0.5, 0.4, 0.625, 120)
    assert Figure.from_dict(figure.as_dict()) == figure
    assert str(figure) == "0.500 [0.400, 0.625]"


@pytest.mark.parametrize(
    ("low", "is_above", "is_not_below"),
    [(0.01, True, True), (0.0, False, True), (-0.029, False, True), (-0.03, False, False)],
)
def test_above_excludes_zero_and_not_below_allows_three_hundredths(low, is_above, is_not_below):
    figure = Figure(0.1, low, 0.2, 10)
    assert (figure.is_above, figure.is_not_below) == (is_above, is_not_below)


# --- the bootstrap ---


def mean_of(profiles):
    values = profiles.column(0).astype(float)
    return lambda weights: {"mean": weights @ values / weights.sum(axis=1)}


def test_an_interval_of_a_share_is_the_binomial_one():
    profiles = Profiles.of(np.repeat(codes(0, 1), [600, 400]))
    figure = figures(profiles, mean_of(profiles), Bootstrap())["mean"]
    error = np.sqrt(0.4 * 0.6 / 1000)
    assert figure.value == pytest.approx(0.4)
    assert figure.n == 1000
    assert figure.low == pytest.approx(0.4 - 1.96 * error, abs=0.003)
    assert figure.high == pytest.approx(0.4 + 1.96 * error, abs=0.003)


def test_intervals_hold_the_truth_about_as_often_as_they_say():
    draw, held = np.random.default_rng(1), 0
    for trial in range(200):
        profiles = Profiles.of(draw.binomial(1, 0.3, 150).astype(np.int64))
        figure = figures(profiles, mean_of(profiles), Bootstrap(resamples=300, seed=trial))["mean"]
        held += figure.low <= 0.3 <= figure.high
    assert 0.90 <= held / 200 <= 0.99


def test_the_same_seed_gives_the_same_interval_and_another_one_another():
    profiles = Profiles.of(np.arange(50, dtype=np.int64) % 7)
    first, again, other = (
        figures(profiles, mean_of(profiles), Bootstrap(resamples=100, seed=seed)) for seed in (3, 3, 4)
    )
    assert first == again
    assert first["mean"].low != other["mean"].low


def test_a_difference_on_the_same_resamples_is_narrower_than_two_intervals():
    draw = np.random.default_rng(0)
    right = draw.random(400) < 0.6
    better = right | (draw.random(400) < 0.1)
    profiles = Profiles.of(right.astype(np.int64), better.astype(np.int64))

    def statistic(weights):
        a, b = (weights @ profiles.column(place) / weights.sum(axis=1) for place in (0, 1))
        return {"a": a, "b": b, "difference": b - a}

    found = figures(profiles, statistic, Bootstrap(resamples=1000))
    assert found["difference"].is_above
    width = found["difference"].high - found["difference"].low
    assert width < 0.6 * (found["a"].high - found["a"].low)


def test_an_interval_holds_its_value_where_resamples_are_all_higher():
    draw = np.random.default_rng(0)
    gold, given = draw.integers(0, 20, 100), draw.integers(0, 20, 100)
    profiles = Profiles.of(gold, given)

    def statistic(weights):
        found = tables(weights, profiles.column(0), profiles.column(1), (21, 21))
        return {"nmi": partition.normalized_mutual_information(found)}

    figure = figures(profiles, statistic, QUICK)["nmi"]
    weights = np.random.default_rng(0).multinomial(100, profiles.counts / 100, size=200).astype(float)
    drawn = statistic(weights)["nmi"]
    assert np.quantile(drawn, 0.025) > figure.value  # what plain percentiles would do
    assert figure.low < figure.value < figure.high


def test_thirty_documents_without_an_exception_leave_room_for_some():
    profiles = Profiles.of(np.ones(30, dtype=np.int64))
    figure = figures(profiles, mean_of(profiles), QUICK)["mean"]
    assert (figure.value, figure.high) == (1.0, 1.0)
    assert figure.low**30 == pytest.approx(0.025)  # so likely is it to see none


def test_two_that_never_differ_on_a_few_documents_are_not_shown_to_be_alike():
    few, many = (Profiles.of(np.ones(n, dtype=np.int64)) for n in (30, 3_000))

    def nothing(weights):
        return {"difference": np.zeros(len(weights))}

    assert not figures(few, nothing, QUICK, signed=("difference",))["difference"].is_not_below
    assert figures(many, nothing, QUICK, signed=("difference",))["difference"].is_not_below


def test_an_interval_does_not_leave_what_resamples_can_reach():
    profiles = Profiles.of(np.repeat(codes(0, 1), [1, 30]))
    figure = figures(profiles, mean_of(profiles), Bootstrap())["mean"]
    assert figure.low < figure.value < figure.high <= 1


def test_what_is_not_defined_is_left_out_and_without_documents_there_is_nothing():
    profiles = Profiles.of(codes(0, 1))
    assert figures(profiles, lambda w: {"no": np.full(len(w), np.nan)}, QUICK) == {}
    assert figures(Profiles.of(codes()), mean_of(profiles), QUICK) == {}


def test_two_thousand_resamples_of_ten_thousand_documents_are_quick():
    draw = np.random.default_rng(0)
    gold = draw.integers(0, 20, 10_000)
    given = np.where(draw.random(10_000) < 0.7, gold, draw.integers(0, 25, 10_000))
    profiles = Profiles.of(gold, given)

    def statistic(weights):
        found = tables(weights, profiles.column(0), profiles.column(1), (21, 26))
        return partition.measure(found)

    began = time.process_time()
    assert len(figures(profiles, statistic, Bootstrap())) == 9
    assert time.process_time() - began < 10  # about a second on a quiet machine


# --- partitions ---

# Two gold classes and a catch-all (2); three categories and undefined (3).
GOLD = codes(0, 0, 0, 0, 1, 1, 1, 2, 2, 1)
GIVEN = codes(0, 0, 0, 1, 1, 1, 2, 3, 0, 3)


def test_partition_measures_of_a_table_computed_by_hand():
    found = {
        name: float(values[0]) for name, values in partition.measure(table_of(GOLD, GIVEN, 2, 3)).items()
    }
    assert found["accuracy"] == pytest.approx((3 + 2 + 1) / 10)  # 0-0, 1-1, the catch-all's undefined
    assert found["purity"] == pytest.approx((3 + 2 + 1 + 1) / 10)
    assert found["inverse_purity"] == pytest.approx((3 + 2 + 1) / 10)
    assert found["purity_f1"] == pytest.approx(2 * 0.7 * 0.6 / 1.3)
    # F1: class 0 with category 0 is 6/8, class 1 with category 1 is 4/7, the catch-all 2/4.
    assert found["recovered"] == 1
    assert found["coverage"] == pytest.approx(0.8)


def test_undefined_is_right_about_a_catch_all_and_about_nothing_else():
    every = np.zeros(6, dtype=np.int64)
    for measure in (
        partition.matched_accuracy,
        partition.purity,
        partition.inverse_purity,
        partition.recovered,
    ):
        assert one(measure, every, every + 1, 1, 1) == 0  # a real class, all undefined
        assert one(measure, every + 1, every + 1, 1, 1) == 1  # a catch-all, all undefined
        assert one(measure, every + 1, every, 1, 1) == 0  # a catch-all, all in a category


def test_a_category_that_is_matched_with_nothing_is_wrong():
    gold, given = np.repeat(0, 10), np.repeat(codes(0, 1), 5)
    assert one(partition.matched_accuracy, gold, given, 1, 2) == 0.5
    assert one(partition.purity, gold, given, 1, 2) == 1


@pytest.mark.parametrize("n", [1, 5, 60, 400])
def test_information_and_rand_are_those_of_scikit_learn(n):
    draw = np.random.default_rng(n)
    gold = draw.integers(0, 6, n)
    given = np.where(draw.random(n) < 0.5, gold, draw.integers(0, 8, n))
    ours = [
        one(measure, gold, given, 6, 8)
        for measure in (
            partition.normalized_mutual_information,
            partition.adjusted_mutual_information,
            partition.adjusted_rand,
        )
    ]
    theirs = [
        reference.normalized_mutual_info_score(gold, given),
        reference.adjusted_mutual_info_score(gold, given),
        reference.adjusted_rand_score(gold, given),
    ]
    assert ours == pytest.approx(theirs, abs=1e-9)


PAIRS = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=40)


@given(PAIRS, st.permutations(range(4)), st.permutations(range(4)))
def test_names_do_not_matter(pairs, classes_order, categories_order):
    gold, given = (np.array(side) for side in zip(*pairs, strict=True))
    renamed = np.array([*categories_order, 4])[given]
    before = partition.measure(table_of(gold, given, 4, 4))
    after = partition.measure(table_of(np.array(classes_order)[gold], renamed, 4, 4))
    for name, values in before.items():
        assert after[name] == pytest.approx(values, abs=1e-9), name


@given(PAIRS)
def test_every_measure_keeps_its_bounds(pairs):
    gold, given = (np.array(side) for side in zip(*pairs, strict=True))
    for name, (value,) in partition.measure(table_of(gold, given, 4, 4)).items():
        lowest = -1 if name in ("ami", "ari") else 0
        assert lowest <= value <= 1 + 1e-9, name


@given(st.lists(st.integers(0, 4), min_size=1, max_size=40))
def test_what_is_perfect_is_one(gold):
    places = np.array(gold)
    for name, (value,) in partition.measure(table_of(places, places, 4, 4)).items():
        assert name == "coverage" or value == pytest.approx(1), name


def test_chance_is_hardly_off_where_it_is_computed_once_for_all_resamples():
    draw = np.random.default_rng(0)
    gold = draw.integers(0, 8, 4_000)
    given = np.where(draw.random(4_000) < 0.5, gold, draw.integers(0, 10, 4_000))
    profiles = Profiles.of(gold, given)
    weights = draw.multinomial(4_000, profiles.counts / 4_000, size=5).astype(float)
    found = tables(weights, profiles.column(0), profiles.column(1), (9, 11))
    each = np.concatenate([partition.adjusted_mutual_information(table[None]) for table in found])
    assert partition.adjusted_mutual_information(found) == pytest.approx(each, abs=1e-4)


# --- classes ---


def square(right, given, size):
    return tables(np.ones((1, len(right))), np.array(right), np.array(given), (size, size))


def test_accuracy_f1_and_kappa_are_those_of_scikit_learn():
    draw = np.random.default_rng(2)
    right = draw.integers(0, 5, 200)
    given = np.where(draw.random(200) < 0.6, right, draw.integers(0, 5, 200))
    found = square(right, given, 5)
    assert classes.accuracy(found)[0] == pytest.approx(reference.accuracy_score(right, given))
    assert classes.macro_f1(found)[0] == pytest.approx(reference.f1_score(right, given, average="macro"))
    assert classes.kappa(found)[0] == pytest.approx(reference.cohen_kappa_score(right, given))


def test_macro_f1_counts_the_classes_that_are_right_for_something():
    # Class 2 is given once and never right: it costs class 0 recall, and is no class of its own.
    assert classes.macro_f1(square([0, 0, 1], [0, 2, 1], 3))[0] == pytest.approx((2 / 3 + 1) / 2)


def test_kappa_of_a_table_from_a_textbook():
    # 20 yes/yes, 5 yes/no, 10 no/yes, 15 no/no: .7 agree, .5 by chance.
    assert classes.kappa(np.array([[[20.0, 5.0], [10.0, 15.0]]]))[0] == pytest.approx(0.4)


def test_kappa_is_one_where_both_always_say_the_same_and_not_defined_without_documents():
    assert classes.kappa(square([1, 1], [1, 1], 3))[0] == 1
    assert np.isnan(classes.kappa(np.zeros((1, 2, 2)))[0])


def test_fleiss_kappa_of_the_table_in_wikipedia():
    votes = np.array(
        [
            [0, 0, 0, 0, 14],
            [0, 2, 6, 4, 2],
            [0, 0, 3, 5, 6],
            [0, 3, 9, 2, 0],
            [2, 2, 8, 1, 1],
            [7, 7, 0, 0, 0],
            [3, 2, 6, 3, 0],
            [2, 5, 3, 2, 2],
            [6, 5, 2, 1, 0],
            [0, 2, 2, 3, 7],
        ],
        dtype=float,
    )
    assert classes.fleiss_kappa(np.ones((1, 10)), votes)[0] == pytest.approx(0.210, abs=0.0005)


def test_fleiss_of_two_raters_who_use_labels_alike_is_cohen():
    right, given = [0, 0, 1, 1, 0, 1], [0, 1, 1, 1, 0, 0]
    votes = np.array(
        [[(a == label) + (b == label) for label in (0, 1)] for a, b in zip(right, given, strict=True)]
    )
    fleiss = classes.fleiss_kappa(np.ones((1, 6)), votes.astype(float))[0]
    assert fleiss == pytest.approx(classes.kappa(square(right, given, 2))[0])


# --- confidence ---


def test_calibration_error_is_that_of_the_classifier_room():
    draw = np.random.default_rng(0)
    confidence = draw.permutation(np.arange(1, 901)) / 1000
    right = draw.random(900) < confidence**2
    profiles = trust.profiles_of(confidence, right)
    ours = trust.measure(profiles, profiles.counts[None, :].astype(float))["ece"][0]
    assert ours == pytest.approx(expected_calibration_error(confidence, right, bins=trust.BINS), abs=1e-9)


def test_area_under_risk_coverage_by_hand():
    # The surest is right, the second wrong, the third right: risks 0, then 1/2 and 1/3 at the ends.
    profiles = trust.profiles_of(np.array([0.9, 0.8, 0.7]), np.array([True, False, True]))
    area = trust.measure(profiles, np.ones((1, 3)))["aurc"][0]
    # From 1 to 2 documents the risk is (m - 1) / m, from 2 to 3 it is 1 / m.
    assert area == pytest.approx(((1 - np.log(2)) + np.log(3 / 2)) / 3)


def test_the_curve_goes_from_the_surest_on():
    profiles = trust.profiles_of(np.array([0.9, 0.8, 0.7]), np.array([True, False, False]))
    curve = [(point.threshold, point.coverage, point.risk) for point in trust.risk_coverage(profiles)]
    expected = ((0.9, 1 / 3, 0), (0.8, 2 / 3, 1 / 2), (0.7, 1, 2 / 3))
    assert curve == [pytest.approx(point) for point in expected]


def test_equal_confidences_are_accepted_together():
    right = np.array([True, False, True, False])
    profiles = trust.profiles_of(np.full(4, 0.6), right)
    assert trust.measure(profiles, profiles.counts[None, :].astype(float))["aurc"][0] == pytest.approx(0.5)
    (point,) = trust.risk_coverage(profiles)
    assert (point.threshold, point.coverage, point.risk) == (0.6, 1.0, 0.5)


def test_the_curve_ends_with_everything_answered_and_bins_hold_everything():
    draw = np.random.default_rng(0)
    confidence = draw.random(5_000)
    right = draw.random(5_000) < confidence
    profiles = trust.profiles_of(confidence, right)
    curve, bins = trust.risk_coverage(profiles), trust.reliability(profiles)
    assert 90 <= len(curve) <= 101
    assert [point.coverage for point in curve] == sorted(point.coverage for point in curve)
    assert curve[-1].coverage == 1
    assert curve[-1].risk == pytest.approx(1 - right.mean())
    assert len(bins) == trust.BINS
    assert sum(one.n for one in bins) == pytest.approx(5_000)
    assert sum(one.n * one.accuracy for one in bins) == pytest.approx(right.sum())
    assert all(abs(one.confidence - one.accuracy) < 0.1 for one in bins)


def test_what_a_classifier_says_of_its_own_training_texts_is_said_by_copies_that_never_saw_them():
    texts, _ = sample_of(30, "pets", "taxes")
    draw = np.random.default_rng(0)
    names = ("id-pets", "id-taxes")
    labels = [names[place] for place in draw.integers(0, 2, len(texts))]
    classifier, _ = train_classifier(
        texts=texts,
        labels=labels,
        taxonomy=taxonomy_of("pets", "taxes"),
        representation=Representation((WordEncoder(),)),
        head="knn",
        seed=0,
    )
    places = np.array([names.index(label) for label in labels])
    held = predict_held_out(classifier, texts, labels, seed=0)
    assert held is not None
    assert held.rows.tolist() == list(range(60))
    assert (held.primary == places).mean() < 0.7  # labels by chance cannot be learned
    assert predict_held_out(classifier, texts[:1], labels[:1], seed=0) is None
    assert predict_held_out(classifier, texts[:2], ["id-pets", "id-strange"], seed=0) is None


def test_a_classifier_that_abstains_abstains_of_its_training_texts_too():
    texts, labels = sample_of(20, "pets", "taxes")
    classifier, _ = train_classifier(
        texts=texts,
        labels=labels,
        taxonomy=taxonomy_of("pets", "taxes"),
        representation=Representation((WordEncoder(),)),
        head="logistic",
        seed=0,
    )
    bold, shy = (
        predict_held_out(replace(classifier, least_confidence=least), texts, labels, seed=0)
        for least in (0.0, 2.0)
    )
    assert bold is not None
    assert shy is not None
    assert (bold.primary >= 0).mean() > 0.9
    assert (shy.primary == -1).all()


def test_where_the_novelty_gate_decides_no_confidence_is_known():
    texts, labels = sample_of(25, "pets", "taxes")
    classifier, _ = train_classifier(
        texts=[*texts, "quasar nebula comet orbit"],
        labels=[*labels, "id-pets"],
        taxonomy=taxonomy_of("pets", "taxes"),
        representation=Representation((WordEncoder(),)),
        head="logistic",
        seed=0,
    )
    held = predict_held_out(classifier, [*texts, "quasar nebula comet orbit"], [*labels, "id-pets"], seed=0)
    assert held is not None
    assert (held.primary[-1], np.isnan(held.confidence[-1])) == (-1, True)
    assert np.isfinite(held.confidence[:-1]).mean() > 0.8


# --- several labels, two levels, balance ---


def test_multi_label_measures_are_those_of_scikit_learn():
    draw = np.random.default_rng(0)
    right = draw.random((300, 5)) < 0.3
    given_ = right ^ (draw.random((300, 5)) < 0.15)
    found = several.measure(np.ones((1, 300)), right, given_)
    for average in ("micro", "macro"):
        theirs = reference.precision_recall_fscore_support(right, given_, average=average)
        names = (f"{average}_precision", f"{average}_recall", f"{average}_f1")
        assert [float(found[name][0]) for name in names] == pytest.approx(theirs[:3])
    assert found["subset_accuracy"][0] == pytest.approx(reference.accuracy_score(right, given_))
    theirs = reference.jaccard_score(right, given_, average="samples", zero_division=1.0)
    assert found["jaccard"][0] == pytest.approx(theirs)


def test_each_category_means_the_label_that_it_fits_best():
    applies = np.array([[1, 0, 0], [1, 0, 0], [0, 1, 0], [0, 1, 0]], dtype=bool)
    right = np.array([[1, 1], [1, 0], [1, 1], [1, 1]], dtype=bool)
    # Label 0 is everywhere; category 1 is label 1's (F1 .8) rather than label 0's (F1 2/3). The last one is empty.
    assert several.best_mapping(applies, right).tolist() == [0, 1, -1]


def test_hierarchical_f1_counts_a_right_parent_half():
    # Three documents: all right, only the parent right, nothing said.
    found = hierarchy.measure(np.ones((1, 3)), codes(2, 2, 2), codes(2, 2, 0), codes(2, 1, 0))
    assert found["h_precision"][0] == pytest.approx(3 / 4)
    assert found["h_recall"][0] == pytest.approx(3 / 6)
    assert found["h_f1"][0] == pytest.approx(6 / 10)


def test_balance_is_one_where_all_are_equal_and_none_where_one_holds_everything():
    found = balance(np.array([[5.0, 5.0, 5.0, 5.0], [20.0, 0.0, 0.0, 0.0], [1.0, 1.0, 2.0, 4.0]]))
    assert found["evenness"][:2] == pytest.approx([1, 0])
    assert found["gini"] == pytest.approx([0, 0.75, (3 * 4 + 2 - 1 - 3) / 32])
    assert found["evenness"][2] == pytest.approx(1.75 / 2)  # bits over log2 of 4


def test_no_measure_warns_about_empty_resamples():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        partition.measure(np.zeros((2, 3, 3)))
        several.measure(np.zeros((1, 2)), np.ones((2, 2), dtype=bool), np.zeros((2, 2), dtype=bool))
        assert np.isnan(classes.macro_f1(np.zeros((1, 3, 3)))[0])
