"""Predictions, and the three ways to be undefined."""

from dataclasses import replace

import numpy as np
import pytest
from tnt_llm.classifiers.agreement import Agreement
from tnt_llm.classifiers.calibration import Calibration
from tnt_llm.classifiers.classifier import NEVER, Classifier
from tnt_llm.classifiers.encoders.representation import Representation
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.gate import Gate
from tnt_llm.classifiers.heads.logistic import LogisticHead
from tnt_llm.classifiers.index import EmbeddingIndex
from tnt_llm.classifiers.predictions import Label, Prediction
from tnt_llm.taxonomy.errors import SettingsError
from toy_texts import WordEncoder, sample_of, texts_about

LABELS = tuple(Label(f"id-{name}", name.title(), f"About {name}.") for name in ("pets", "taxes", "football"))
TOPICS = ("pets", "taxes", "football")


def trained(*, undefined: bool = False, gate: Gate | None = None) -> Classifier:
    """A classifier of three topics, with a fourth class of strange texts if `undefined`."""
    encoder = WordEncoder()
    texts, _ = sample_of(20, *TOPICS)
    inside = encoder.encode(texts)
    every = encoder.encode([*texts, *(texts_about("strange", 20) if undefined else [])])
    head = LogisticHead(3 + undefined).fit(Features(every), np.arange(len(every)) // 20)
    index = EmbeddingIndex.build(inside)
    encoder.seen.clear()
    fitted = Gate.fit(inside, np.arange(len(inside)) // 20, 3, rate=0.03)
    return Classifier(
        LABELS,
        Representation((encoder,)),
        head,
        index,
        gate=fitted if gate is None else gate,
        learned_undefined=undefined,
    )


def test_unseen_texts_get_their_topic_with_its_id_name_and_probability():
    classifier = trained(gate=Gate())
    for label, topic in zip(LABELS, TOPICS, strict=True):
        for found in classifier.predict(texts_about(topic, 10, seed=1)):
            assert (found.primary_id, found.primary) == (label.id, label.name)
            assert found.all[0] == label.name
            assert found.all_ids[0] == label.id
            assert 0.3 < found.confidence <= 1


def test_predictions_come_in_the_order_of_the_texts_and_depend_on_nothing_else():
    classifier = trained()
    texts, _ = sample_of(5, *TOPICS, "strange", seed=2)
    alone = [classifier.predict([text])[0] for text in texts]
    together = classifier.predict(texts)
    backwards = classifier.predict(texts[::-1])[::-1]
    for one, two, three in zip(alone, together, backwards, strict=True):
        assert one.primary_id == two.primary_id == three.primary_id
        assert one.confidence == pytest.approx(two.confidence, abs=1e-4)
        assert one.confidence == pytest.approx(three.confidence, abs=1e-4)


def test_equal_and_blank_texts_are_encoded_once_or_never():
    classifier = trained()
    classifier.predict(["cat dog vet", "", "cat dog vet", "  \n", "tax refund"])
    assert classifier.representation.dense[0].seen == ["cat dog vet", "tax refund"]  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["", "   ", "\n\t ", "\u2003"])
def test_a_blank_text_is_undefined_for_sure(text):
    assert trained().predict([text]) == [Prediction(None, "undefined", (), 1.0)]


def test_no_texts_give_no_predictions():
    assert trained().predict([]) == []
    assert len(trained().predict_features(Features(np.zeros((0, 48), dtype=np.float32)))) == 0


def test_texts_unlike_all_known_ones_are_undefined_and_the_known_ones_are_not():
    classifier = trained()
    strange = classifier.predict(texts_about("strange", 20))
    assert all(found == Prediction(None, "undefined", (), found.confidence) for found in strange)
    assert all(0.97 <= found.confidence <= 1 for found in strange)
    known = classifier.predict(sample_of(20, *TOPICS)[0])
    assert all(found.primary_id for found in known)


def test_the_head_says_undefined_where_it_learned_that_class():
    open_gate = trained(undefined=True, gate=Gate())
    strange = open_gate.predict(texts_about("strange", 10, seed=1))
    assert [found.primary_id for found in strange] == [None] * 10
    assert all(found.all == found.all_ids == () and 0.25 < found.confidence <= 1 for found in strange)
    assert all(found.primary_id for found in open_gate.predict(sample_of(5, *TOPICS, seed=1)[0]))


def test_a_text_on_two_topics_bears_both_the_likelier_first():
    found = trained(gate=Gate()).predict(["cat dog hamster leash tax refund invoice deduction"])[0]
    assert set(found.all) == {"Pets", "Taxes"}
    assert found.all[0] == found.primary
    assert found.all_ids == tuple(f"id-{name.lower()}" for name in found.all)


def test_the_gate_lets_the_wanted_share_of_the_training_texts_fall_below():
    rows = np.random.default_rng(0).normal(size=(400, 12)).astype(np.float32)
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    gate = Gate.fit(rows, np.zeros(400, dtype=np.int64), 1, rate=0.1)
    others = rows @ rows.T
    np.fill_diagonal(others, -1)
    assert (others.max(axis=1) < gate.threshold).mean() == pytest.approx(0.1, abs=0.01)


@pytest.mark.parametrize("count", [0, 1])
def test_the_gate_stays_open_where_there_is_nothing_to_compare(count):
    gate = Gate.fit(np.eye(4, dtype=np.float32)[:count], np.zeros(count, dtype=np.int64), 1)
    assert gate.threshold == -1


def test_texts_that_are_all_alike_pass_the_gate_they_made():
    rows = np.tile(WordEncoder().encode(["cat dog"]), (9, 1))
    index = EmbeddingIndex.build(rows)
    head = LogisticHead(1).fit(Features(rows), np.zeros(9, dtype=np.int64))
    gate = Gate.fit(rows, np.zeros(9, dtype=np.int64), 1)
    classifier = Classifier(LABELS[:1], Representation((WordEncoder(),)), head, index, gate=gate)
    assert classifier.predict(["cat dog"])[0].primary == "Pets"


def test_a_classifier_that_knows_no_text_calls_everything_undefined():
    nothing = np.zeros((0, 48), dtype=np.float32)
    head = LogisticHead(1).fit(Features(nothing), np.zeros(0, dtype=np.int64))
    words = Representation((WordEncoder(),))
    classifier = Classifier((), words, head, EmbeddingIndex.build(nothing), learned_undefined=True)
    assert [found.primary for found in classifier.predict(["cat", "tax"])] == ["undefined"] * 2


def test_a_classifier_is_frozen():
    with pytest.raises(AttributeError):
        trained().gate = Gate()  # type: ignore[misc]


def test_below_the_least_confidence_it_abstains_and_nothing_else_changes():
    every = trained(gate=Gate())
    texts, _ = sample_of(10, *TOPICS, seed=1)
    mixed = [*texts, "cat dog tax refund goal league", "", "cat dog football striker"]
    bar = 0.7
    careful = replace(every, least_confidence=bar).predict(mixed)
    assert any(found.abstained for found in careful)
    for found, free in zip(careful, every.predict(mixed), strict=True):
        assert found.abstained == (free.primary_id is not None and free.confidence < bar)
        expected = replace(free, primary_id=None, primary="undefined", all=(), all_ids=(), abstained=True)
        assert found == (expected if found.abstained else free)


def test_columns_say_what_single_predictions_say_with_and_without_deduplication():
    classifier = trained(gate=Gate())
    texts = ["cat dog hamster leash tax refund invoice deduction", "", "goal league", "goal league", "  "]
    one, two = classifier.predict_many(texts), classifier.predict_many(texts, deduplicate=False)
    assert one.one_by_one(LABELS) == two.one_by_one(LABELS) == classifier.predict(texts)
    assert one.primary.tolist()[1::3] == [-1, -1]
    assert np.diff(one.offsets).tolist() == [1, 0, 0, 0, 0]


def test_a_label_knows_what_it_is_part_of():
    labels = tuple(replace(label, parent="Everyday life") for label in LABELS)
    found = replace(trained(gate=Gate()), labels=labels).predict(["cat dog vet", ""])
    assert [prediction.parent for prediction in found] == ["Everyday life", None]


def evidence(right: float, count: int = 2000) -> Agreement:
    """Predictions of every confidence, of which those above 1 - `right` agree."""
    confidence = np.linspace(0, 1, count)
    return Agreement(confidence.astype(np.float32), confidence > 1 - right)


def test_an_agreement_is_kept_by_abstaining_below_its_threshold():
    careful = replace(trained(gate=Gate()), agreement=evidence(0.6)).with_agreement(0.9)
    assert 0.2 < careful.least_confidence < 0.5
    found = careful.predict(["cat dog vet leash", "cat dog tax refund goal league"])
    assert [each.abstained for each in found] == [each.primary_id is None for each in found]


def test_where_nothing_can_be_promised_every_text_is_abstained_from():
    careful = replace(trained(gate=Gate()), agreement=evidence(0.0)).with_agreement(0.9)
    assert careful.least_confidence == NEVER
    assert all(found.abstained and found.primary == "undefined" for found in careful.predict(["cat dog vet"]))


@pytest.mark.parametrize("level", [0.0, 1.0, -0.2, 90.0])
def test_an_agreement_that_makes_no_sense_is_refused(level):
    with pytest.raises(SettingsError, match="makes no sense"):
        replace(trained(), agreement=evidence(0.6)).with_agreement(level)


def test_without_evidence_nothing_is_promised():
    with pytest.raises(SettingsError, match="promises no agreement"):
        trained().with_agreement(0.9)


def test_the_calibration_changes_the_confidence_and_not_the_label():
    plain = trained(gate=Gate())
    softer = replace(plain, calibration=Calibration(temperature=3.0))
    texts = sample_of(5, *TOPICS, seed=4)[0]
    for one, two in zip(plain.predict(texts), softer.predict(texts), strict=True):
        assert one.primary_id == two.primary_id
        assert two.confidence < one.confidence


def test_what_was_learned_of_several_labels_decides_what_applies():
    class Both:
        thresholds = np.array([0.5, 0.5, 0.5])

        def predict_proba(self, features):
            return np.tile([0.6, 0.9, 0.1], (len(features), 1))

    found = replace(trained(gate=Gate()), multi=Both()).predict(texts_about("pets", 1, seed=5))[0]  # type: ignore[arg-type]
    assert found.all == ("Pets", "Taxes")


def test_rows_that_an_llm_labelled_are_told_apart_and_travel():
    found = trained(gate=Gate()).predict_many(["cat dog vet", "tax refund", "goal league"])
    changed = found.with_labels({1: ([2, 0], 0.8), 2: ([], 0.6)})
    assert changed.primary.tolist() == [found.primary[0], 2, -1]
    assert changed.asked is not None
    assert changed.asked.tolist() == [False, True, True]
    assert changed.one_by_one(LABELS)[1].all == ("Football", "Pets")
    again = changed.take(np.array([2, 1]))
    assert again.one_by_one(LABELS) == changed.one_by_one(LABELS)[:0:-1]
    assert again.asked is not None
    assert again.asked.tolist() == [True, True]
