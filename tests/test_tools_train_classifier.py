"""Training: what is measured, and samples of every odd shape."""

import json
from dataclasses import replace

import numpy as np
import pytest
from tnt_llm.classifiers.encoders.representation import Representation
from tnt_llm.taxonomy.errors import SettingsError
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.tools import choose_classifier as choosing
from tnt_llm.tools import relearn as relearning
from tnt_llm.tools import train_classifier as training
from tnt_llm.tools.train_classifier import ClassMetrics, Metrics, train_classifier
from toy_texts import WordEncoder, sample_of, taxonomy_of, texts_about

TOPICS = ("pets", "taxes", "football")


def train(texts, labels, taxonomy=None, seed=0, exemplars=(), **given):
    return train_classifier(
        texts=texts,
        labels=labels,
        taxonomy=taxonomy_of(*TOPICS) if taxonomy is None else taxonomy,
        representation=Representation((WordEncoder(),)),
        seed=seed,
        exemplars=exemplars,
        **given,
    )


def test_the_classifier_labels_unseen_texts_and_the_metrics_say_so():
    classifier, metrics = train(*sample_of(25, *TOPICS, "strange"))
    unseen, expected = sample_of(10, *TOPICS, "strange", seed=7)
    found = [prediction.primary_id for prediction in classifier.predict(unseen)]
    assert np.mean([one == two for one, two in zip(found, expected, strict=True)]) > 0.9
    assert metrics.accuracy is not None
    assert metrics.accuracy > 0.9
    assert metrics.macro_f1 == pytest.approx(np.mean([row.f1 for row in metrics.classes]))
    assert (metrics.n, metrics.folds, metrics.majority, metrics.undefined_share) == (100, 5, 0.25, 0.25)
    assert [(row.id, row.name, row.support) for row in metrics.classes] == [
        *((f"id-{name}", name.title(), 25) for name in TOPICS),
        (None, "undefined", 25),
    ]


def test_labels_that_mean_nothing_measure_no_better_than_the_majority():
    texts, _ = sample_of(30, *TOPICS)
    draw = np.random.default_rng(0)
    labels = [f"id-{TOPICS[number]}" for number in draw.integers(0, 3, len(texts))]
    metrics = train(texts, labels, head="logistic")[1]
    assert metrics.accuracy is not None
    assert metrics.accuracy < metrics.majority + 0.1


def test_the_same_input_gives_the_same_classifier_and_metrics():
    sample = sample_of(15, *TOPICS)
    (one, first), (two, second) = train(*sample), train(*sample)
    assert first == second
    assert one.predict(sample[0]) == two.predict(sample[0])


def test_the_metrics_travel_with_the_classifier_as_json():
    classifier, metrics = train(*sample_of(15, *TOPICS))
    assert json.loads(json.dumps(classifier.metrics)) == json.loads(json.dumps(metrics.as_dict()))
    assert classifier.metrics["classes"][0]["f1"] == metrics.classes[0].f1


def test_only_categories_with_a_labelled_text_are_known_in_the_taxonomys_order():
    texts, labels = sample_of(10, "taxes", "pets")
    classifier, _ = train(texts, labels, taxonomy_of("pets", "football", "taxes"))
    assert [label.id for label in classifier.labels] == ["id-pets", "id-taxes"]
    assert classifier.labels[0].description == "About pets."


def test_exemplars_teach_a_category_that_no_label_names_and_are_not_measured():
    texts, labels = sample_of(15, "pets", "taxes")
    shown = [(text, "id-football") for text in texts_about("football", 15)]
    classifier, metrics = train(texts, labels, exemplars=shown)
    unseen = texts_about("football", 8, seed=7)
    found = [prediction.primary_id for prediction in classifier.predict(unseen)]
    assert found.count("id-football") >= 6
    assert metrics.n == 30
    assert [row.id for row in metrics.classes] == ["id-pets", "id-taxes"]


def test_an_exemplar_of_no_category_is_refused_by_name():
    texts, labels = sample_of(5, "pets", "taxes")
    with pytest.raises(SettingsError, match="id-nowhere"):
        train(texts, labels, exemplars=[("a text", "id-nowhere")])


def test_one_category_alone_is_predicted_where_it_fits():
    texts, labels = sample_of(20, "pets")
    classifier, metrics = train(texts, labels)
    assert classifier.predict(texts_about("pets", 1, seed=4))[0].primary == "Pets"
    assert classifier.predict(texts_about("strange", 1))[0].primary == "undefined"
    assert metrics.majority == 1
    assert metrics.accuracy is not None
    assert metrics.accuracy > 0.8


@pytest.mark.parametrize("each", [1, 2])
def test_categories_of_one_or_two_texts_are_learned_beside_larger_ones(each):
    texts, labels = sample_of(20, "pets", "taxes")
    few = texts_about("football", each)
    classifier, metrics = train([*texts, *few], [*labels, *["id-football"] * each], head="logistic")
    assert [found.primary for found in classifier.predict(few)] == ["Football"] * each
    assert metrics.classes[-1].support == each


@pytest.mark.parametrize("count", [1, 4, 5, 30])
def test_a_sample_that_is_all_undefined_makes_a_classifier_that_says_so(count):
    classifier, metrics = train(*sample_of(count, "strange"))
    assert classifier.labels == ()
    found = classifier.predict([*texts_about("strange", 3), "cat dog vet"])
    assert [(prediction.primary_id, prediction.all) for prediction in found] == [(None, ())] * 4
    assert metrics.undefined_share == 1
    assert metrics.accuracy == (1.0 if count > 1 else None)


@pytest.mark.parametrize("texts", [[], ["", "  "]])
def test_a_sample_of_nothing_makes_a_classifier_that_says_undefined(texts):
    classifier, metrics = train(texts, ["id-pets"] * len(texts))
    assert [found.primary for found in classifier.predict(["cat dog", ""])] == ["undefined"] * 2
    assert (metrics.n, metrics.folds, metrics.accuracy, metrics.macro_f1) == (0, 0, None, None)
    assert (metrics.majority, metrics.undefined_share, metrics.classes) == (0.0, 0.0, ())


def test_one_text_is_learned_and_nothing_is_measured():
    classifier, metrics = train(["cat dog vet"], ["id-pets"])
    assert classifier.predict(["cat dog vet"])[0].primary == "Pets"
    assert (metrics.n, metrics.folds, metrics.accuracy, metrics.classes) == (1, 0, None, ())


@pytest.mark.parametrize(("strange", "learned"), [(4, False), (5, True)])
def test_undefined_becomes_a_class_from_five_texts_on(strange, learned):
    texts, labels = sample_of(15, *TOPICS)
    classifier, _ = train([*texts, *texts_about("strange", strange)], [*labels, *[None] * strange])
    assert classifier.learned_undefined is learned
    assert len(classifier.index) == 45


def test_duplicates_do_not_shut_the_gate_to_everything_new():
    texts, labels = sample_of(15, *TOPICS)
    classifier, _ = train(texts * 4, labels * 4)
    assert len(classifier.index) == 45
    unseen, expected = sample_of(10, *TOPICS, seed=8)
    found = [prediction.primary_id for prediction in classifier.predict(unseen)]
    assert np.mean([one == two for one, two in zip(found, expected, strict=True)]) > 0.85


def test_all_duplicates_of_one_text_are_learned():
    classifier, _ = train(["cat dog vet"] * 12, ["id-pets"] * 12)
    assert classifier.predict(["cat dog vet"])[0].primary == "Pets"


def test_duplicates_with_contrary_labels_end_in_one_of_them():
    classifier, metrics = train(["cat dog vet"] * 12, ["id-pets", "id-taxes"] * 6)
    assert classifier.predict(["cat dog vet"])[0].primary in {"Pets", "Taxes"}
    assert metrics.accuracy is not None
    assert metrics.accuracy <= 0.5 + 0.1


def test_five_hundred_categories_are_learned():
    names = [f"topic{number}" for number in range(500)]
    taxonomy = Taxonomy(
        categories=tuple(Category(id=name, name=name, description=f"About {name}.") for name in names)
    )
    texts = [f"{name} {name} word{row}" for name in names for row in range(2)]
    classifier, metrics = train(texts, [name for name in names for _ in range(2)], taxonomy)
    assert len(classifier.labels) == len(metrics.classes) == 500
    found = [prediction.primary_id for prediction in classifier.predict(texts[::40])]
    assert np.mean([one == two for one, two in zip(found, names[::20], strict=True)]) > 0.8


def test_a_label_of_no_category_is_refused_by_name():
    with pytest.raises(SettingsError, match="id-nobody"):
        train(["cat"], ["id-nobody"])


def test_lengths_that_differ_are_refused_with_the_numbers():
    with pytest.raises(SettingsError, match="do not go together"):
        train(["cat", "dog"], ["id-pets"])


def test_f1_is_the_harmonic_mean_and_zero_where_nothing_was_hit():
    assert ClassMetrics("a", "A", 4, 4, 0.5, 1.0).f1 == pytest.approx(2 / 3)
    assert ClassMetrics("a", "A", 4, 0, 0.0, 0.0).f1 == 0


def test_calibration_and_agreement_are_measured_on_what_was_drawn_at_random_where_that_is_enough():
    texts, labels = sample_of(40, *TOPICS)
    # Labels at odds with their texts, on every other one: what was not drawn at random is hard.
    hard = [f"id-{TOPICS[(row + 1) % 3]}" if row % 2 else label for row, label in enumerate(labels)]
    easy = [not row % 2 for row in range(len(texts))]
    given = {"head": "logistic", "agreement": 0.8}
    every = train(texts, hard, **given)[0]
    drawn = train(texts, hard, representative=easy, **given)[0]
    few = train(texts, hard, representative=[row < 20 for row in range(len(texts))], **given)[0]
    assert len(drawn.agreement.agrees) < len(every.agreement.agrees) == len(few.agreement.agrees)
    assert drawn.agreement.agrees.mean() > every.agreement.agrees.mean()
    assert few.calibration == every.calibration != drawn.calibration


def test_a_predicted_child_comes_with_its_parent():
    flat = taxonomy_of(*TOPICS)
    above = Category(id="id-life", name="Life", description="Everyday matters.")
    children = [category.model_copy(update={"parent": "id-life"}) for category in flat.categories[:2]]
    taxonomy = Taxonomy(categories=(above, *children, flat.categories[2]))
    classifier, _ = train(*sample_of(15, *TOPICS), taxonomy, head="logistic")
    assert [label.parent for label in classifier.labels] == ["Life", "Life", None]
    found = classifier.predict([text for topic in TOPICS for text in texts_about(topic, 5, seed=3)])
    assert {(each.primary, each.parent) for each in found if each.primary_id} == {
        ("Pets", "Life"),
        ("Taxes", "Life"),
        ("Football", None),
    }


def test_a_promise_is_kept_as_threshold_and_told():
    classifier, metrics = train(*sample_of(60, *TOPICS), head="logistic", agreement=0.8)
    assert metrics.promise is not None
    assert metrics.promise.level == 0.8
    assert metrics.promise.least_confidence == classifier.least_confidence
    assert metrics.promise.coverage > 0.5
    assert metrics.warnings == ()
    assert Metrics.from_dict(json.loads(json.dumps(metrics.as_dict()))) == metrics


def test_what_cannot_be_promised_leaves_everything_undefined_with_a_warning():
    classifier, metrics = train(*sample_of(4, *TOPICS), head="logistic", agreement=0.99)
    assert metrics.promise is not None
    assert metrics.promise.least_confidence is None
    assert "no threshold can promise an agreement of 0.99" in metrics.warnings[0]
    found = classifier.predict(["cat dog vet", "tax refund vat"])
    assert [each.primary for each in found] == ["undefined"] * 2
    assert json.loads(json.dumps(classifier.metrics))["warnings"] == list(metrics.warnings)


def test_labels_that_apply_beside_the_first_are_learned_from_texts_that_bear_several():
    pets, taxes = texts_about("pets", 40), texts_about("taxes", 40)
    both = [f"{one} {two}" for one, two in zip(pets[:25], taxes[:25], strict=True)]
    texts = [*pets, *taxes, *both]
    labels = ["id-pets"] * 40 + ["id-taxes"] * 40 + ["id-pets"] * 25
    applicable = [[label] for label in labels[:80]] + [["id-pets", "id-taxes"]] * 25
    classifier, metrics = train(texts, labels, head="logistic", applicable=applicable)
    assert metrics.several_labels == pytest.approx(25 / 105)
    assert classifier.multi is not None
    found = classifier.predict(["cat dog vet leash tax refund invoice deduction", pets[30]])
    assert set(found[0].all) == {"Pets", "Taxes"}
    assert found[1].all == ("Pets",)
    assert train(texts, labels, head="logistic", applicable=[[label] for label in labels])[0].multi is None


def test_a_class_of_two_texts_beside_one_of_two_hundred_is_not_forgotten():
    texts, labels = sample_of(200, "pets")
    few = texts_about("taxes", 2)
    classifier, metrics = train([*texts, *few], [*labels, "id-taxes", "id-taxes"], head="logistic")
    assert [label.name for label in classifier.labels] == ["Pets", "Taxes"]
    assert metrics.majority == pytest.approx(200 / 202)
    assert [found.primary for found in classifier.predict(few)] == ["Taxes"] * 2


def test_trained_anew_a_classifier_keeps_its_configuration_while_most_categories_stay():
    sample = sample_of(15, *TOPICS)
    earlier, _ = train(*sample, head="logistic")
    again, metrics = train(*sample, earlier=earlier)
    assert again.head.kind == "logistic"
    assert len(metrics.candidates) == 1
    other = replace(earlier, labels=tuple(replace(label, id=f"old-{label.id}") for label in earlier.labels))
    assert len(train(*sample, earlier=other)[1].candidates) == 2
    assert len(train(*sample, earlier=earlier, head="linear")[1].candidates) == 1


def test_what_was_tried_is_on_record_with_its_speed():
    _, metrics = train(*sample_of(15, *TOPICS))
    assert [(each.features, each.head) for each in metrics.candidates] == [
        ("words", "linear"),
        ("words", "logistic"),
    ]
    assert sum(each.chosen for each in metrics.candidates) == 1
    assert all(each.docs_per_second and each.macro_f1 and each.accuracy for each in metrics.candidates)
    assert (metrics.features, metrics.head) in {(each.features, each.head) for each in metrics.candidates}
    assert metrics.calibration_error is not None
    assert 0 <= metrics.calibration_error <= 1


def test_a_floor_that_nothing_reaches_is_told():
    _, metrics = train(*sample_of(10, *TOPICS), min_docs_per_second=1e12)
    assert "no candidate labels" in metrics.warnings[0]


def many(monkeypatch):
    """Let forty texts be very many."""
    for module in (choosing, training, relearning):
        monkeypatch.setattr(module, "MOST", 40)
    monkeypatch.setattr(choosing, "HELD_OUT", 20)


def test_after_a_merge_only_the_merged_category_is_learned_again(monkeypatch):
    many(monkeypatch)
    topics = ("pets", "taxes", "football", "cooking")
    texts, labels = sample_of(40, *topics, "strange")
    earlier, before = train(texts, labels, taxonomy_of(*topics), head="linear")
    merged = ["id-taxes" if label == "id-football" else label for label in labels]
    taxonomy = taxonomy_of("pets", "taxes", "cooking")
    again, metrics = train(texts, merged, taxonomy, earlier=earlier)
    whole, _ = train(texts, merged, taxonomy, head="linear")
    assert "only the categories that were edited have been learned anew" in metrics.warnings[0]
    assert metrics.accuracy == before.accuracy
    assert again.calibration == earlier.calibration
    unseen = [text for topic in (*topics, "strange") for text in texts_about(topic, 20, seed=6)]
    one, two = again.predict_many(unseen), whole.predict_many(unseen)
    assert (one.primary == two.primary).mean() > 0.97
    features = again.representation.encode(unseen)
    old, new = earlier.head.predict_proba(features), again.head.predict_proba(features)
    # Pets and cooking have kept their problems: their odds are what they were.
    assert np.allclose(old[:, 0] * new[:, 2], new[:, 0] * old[:, 3], atol=1e-6)


@pytest.mark.parametrize("change", ["a text", "most labels", "the head"])
def test_where_more_than_some_categories_has_changed_everything_is_learned(monkeypatch, change):
    many(monkeypatch)
    texts, labels = sample_of(40, *TOPICS)
    earlier, _ = train(texts, labels, head="logistic" if change == "the head" else "linear")
    if change == "a text":
        texts = ["cat dog vet", *texts[1:]]
    if change == "most labels":
        labels = [*labels[40:], *labels[:40]]
    _, metrics = train(texts, labels, earlier=earlier)
    assert metrics.warnings == ()
    assert metrics.folds == 1
