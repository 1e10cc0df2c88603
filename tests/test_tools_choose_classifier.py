"""The choice of a configuration: which are tried, which one is taken, and at what speed."""

import numpy as np
import pytest
from tnt_llm.classifiers.encoders.representation import Representation
from tnt_llm.taxonomy.errors import MissingPartError, SettingsError
from tnt_llm.tools import choose_classifier as module
from tnt_llm.tools.choose_classifier import (
    HELD_OUT,
    MOST,
    Held,
    Memory,
    Sample,
    check_head,
    choose,
    forgetting,
    open_candidates,
    pairs,
    splits,
)
from tnt_llm.tools.classifier_metrics import Candidate, macro_f1, reliability
from toy_texts import WordEncoder


def scored(true, *accuracies, speeds=None, seed=0):
    """Candidates that give so many of the texts their class, and another class to the others."""
    draw = np.random.default_rng(seed)
    found = []
    for place, accuracy in enumerate(accuracies):
        right = draw.permutation(len(true)) < accuracy * len(true)
        given = np.where(right, true, (true + 1) % 4)
        speed = speeds[place] if speeds else 100.0 - place
        held = Held(np.arange(len(true)), np.zeros((len(true), 4)), np.ones(len(true), bool), given)
        found.append((Candidate(f"f{place}", "linear", docs_per_second=speed), held))
    return found


TRUE = np.arange(200) % 4


@pytest.mark.parametrize(
    ("features", "head", "base", "expected"),
    [
        ("auto", "auto", "minilm", ["static+tfidf/linear", "minilm/logistic", "minilm+tfidf/linear"]),
        ("auto", "knn", "minilm", ["static+tfidf/knn", "minilm/knn", "minilm+tfidf/knn"]),
        ("tfidf", "auto", "minilm", ["tfidf/linear", "tfidf/logistic"]),
        ("tfidf", "mlp", "minilm", ["tfidf/mlp"]),
        ("auto", "auto", "openai:big", ["static+tfidf/linear", "minilm/logistic", "minilm+tfidf/linear"]),
    ],
)
def test_what_is_left_open_is_tried_the_fastest_first(features, head, base, expected):
    assert [f"{one}/{two}" for one, two in pairs(features, head, base=base)] == expected


def test_a_clearly_better_candidate_is_taken_however_slow():
    assert choose(scored(TRUE, 0.6, 0.9), TRUE, 4, floor=None) == (1, "")


def test_of_candidates_that_differ_by_chance_the_fastest_is_taken():
    assert choose(scored(TRUE, 0.895, 0.9), TRUE, 4, floor=None) == (0, "")


@pytest.mark.parametrize("seed", range(8))
def test_of_equal_candidates_none_is_taken_that_is_slower_than_the_best(seed):
    equal = scored(TRUE[:60], 0.8, 0.8, 0.8, seed=seed)
    place, _ = choose(equal, TRUE[:60], 4, floor=None)
    assert place <= int(np.argmax([macro_f1(TRUE[:60], held.found, 4) for _, held in equal]))


def test_what_is_slower_than_the_floor_is_left_out():
    assert choose(scored(TRUE, 0.6, 0.9, speeds=(5000.0, 90.0)), TRUE, 4, floor=1000.0)[0] == 0


def test_where_nothing_is_fast_enough_the_fastest_is_taken_with_a_warning():
    place, warning = choose(scored(TRUE, 0.9, 0.6, speeds=(50.0, 90.0)), TRUE, 4, floor=1000.0)
    assert place == 1
    assert "no candidate labels 1,000 texts in a second" in warning


def test_an_encoder_that_is_not_installed_leaves_its_candidates_out():
    def opening(spec):
        if "static" in spec:
            raise MissingPartError("static needs torch")
        return Representation((WordEncoder(),))

    opened, missing = open_candidates([("static+tfidf", "linear"), ("words", "linear")], opening)
    assert [(one.id, kind) for one, kind in opened] == [("words", "linear")]
    assert [(each.features, each.note) for each in missing] == [("static+tfidf", "static needs torch")]
    with pytest.raises(MissingPartError):
        open_candidates([("static", "linear")], opening)


def test_each_text_is_encoded_once_for_all_candidates():
    encoder = WordEncoder()
    opened, _ = open_candidates([("a", "linear"), ("a", "logistic")], lambda spec: Representation((encoder,)))
    for representation, _ in opened:
        representation.encode(["cat dog", "tax"])
        representation.encode(["tax", "goal"])
    assert sorted(encoder.seen) == ["cat dog", "goal", "tax"]
    assert forgetting(opened[0][0]).dense == (encoder,)
    assert np.array_equal(Memory(encoder).encode(["tax", "cat"]), encoder.encode(["tax", "cat"]))


def test_every_text_is_held_out_once_and_of_very_many_one_part():
    few = Sample(["a"] * 23, np.arange(23) % 3)
    assert sorted(np.concatenate([test for _, test in splits(few, 0)]).tolist()) == list(range(23))
    many = Sample(["a"] * (MOST + 1), np.arange(MOST + 1) % 3)
    ((rest, test),) = splits(many, 0)
    assert len(test) == HELD_OUT
    assert sorted([*rest, *test]) == list(range(MOST + 1))
    assert splits(Sample(["a"], np.zeros(1, np.int64)), 0) == []


def test_a_head_that_there_is_not_is_refused_before_any_work():
    check_head("auto")
    with pytest.raises(SettingsError, match="no head 'forest'"):
        check_head("forest")


def test_macro_f1_is_the_mean_over_the_classes_that_occur():
    true, found = np.array([0, 0, 1, 1, 2]), np.array([0, 1, 1, 1, 3])
    assert macro_f1(true, found, 5) == pytest.approx((2 / 3 + 4 / 5 + 0) / 3)


def test_bins_of_reliability_hold_every_text_once_the_least_sure_first():
    confidence = np.linspace(0.1, 0.9, 83)
    bins = reliability(confidence, confidence > 0.5)
    assert sum(each.texts for each in bins) == 83
    assert [each.confidence for each in bins] == sorted(each.confidence for each in bins)
    assert (bins[0].agreement, bins[-1].agreement) == (0, 1)


def test_speed_is_measured_without_the_memory():
    encoder = WordEncoder()
    opened, _ = open_candidates([("words", "logistic")], lambda spec: Representation((encoder,)))
    sample = Sample(["cat dog", "tax refund"], np.array([0, 1]))
    none = Sample([], np.zeros(0, np.int64))
    trained = module.train(*opened[0], sample, none, categories=2, learned=False, seed=0)
    encoder.seen.clear()
    assert module.measure_speed(trained, sample.texts) > 0
    assert len(encoder.seen) > 2
