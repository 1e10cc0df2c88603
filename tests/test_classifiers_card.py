"""The model card: what it tells, and that whatever stands in a label stays text."""

from dataclasses import replace

import numpy as np
import pytest
from tnt_llm.classifiers.agreement import Agreement
from tnt_llm.classifiers.card import model_card
from tnt_llm.classifiers.predictions import Label
from tnt_llm.tools.classifier_metrics import Candidate, ClassMetrics, Metrics, Promise
from toy_classifier import LABELS, classifier

METRICS = Metrics(
    n=400,
    folds=5,
    accuracy=0.85,
    macro_f1=0.8123,
    majority=0.2,
    undefined_share=0.1,
    classes=(
        ClassMetrics("id-pets", "Pets", 120, 110, 0.9, 0.8),
        ClassMetrics(None, "undefined", 40, 39, 0.7, 0.7),
    ),
    candidates=(
        Candidate("static+tfidf", "linear", 0.8123, 0.85, 21000.0, True),
        Candidate("minilm", "logistic", 0.82, 0.86, 150.0),
    ),
    calibration_error=0.021,
    warnings=("mind this",),
)


def card(**changes):
    return model_card(replace(classifier(), metrics=METRICS.as_dict(), **changes))


def test_it_tells_data_use_case_categories_figures_and_use():
    text = card(labelled_by="openai:small", corpus="mails.csv")
    for part in (
        "# Classifier: sort messages",
        "400 texts of mails\\.csv, labelled by openai\\:small",
        "| Pets | About pets\\. | 120 | 0.85 |",
        "| *undefined* | fits no category | 40 | 0.70 |",
        "the same label to 85.0% of the texts",
        "macro-F1 0.812",
        "| `static+tfidf`/`linear` (chosen) | 0.812 | 85.0% | 21,000 |  |",
        "off by 0.021",
        "> mind this",
        "tnt classify TEXTS.csv -c FOLDER",
        "Classifier.load(",
    ):
        assert part in text, part


def test_it_says_what_agreement_can_be_promised():
    evidence = Agreement(np.linspace(0, 1, 2000).astype(np.float32), np.linspace(0, 1, 2000) > 0.2)
    metrics = METRICS.promising(Promise(0.9, 0.4, 0.6))
    text = model_card(replace(classifier(), agreement=evidence, metrics=metrics.as_dict()))
    assert "| 90% | " in text
    assert "It is set to 90%: below 0.400 it abstains." in text
    assert "cannot be promised" in model_card(
        replace(classifier(), agreement=Agreement(np.ones(30, np.float32), np.zeros(30, bool)))
    )


def test_a_category_of_another_is_shown_with_it():
    labels = (replace(LABELS[0], parent="Animals"), *LABELS[1:])
    assert "| Pets | Animals | About pets\\. | 120 | 0.85 |" in card(labels=labels)


@pytest.mark.parametrize(
    "name",
    [
        "a | b",
        "<script>alert(1)</script>",
        "[click](http://evil)",
        "`code`",
        "# heading",
        "line\nbreak\n| x |",
        "\u202eflipped",
        "half \ud800 pair",
        "**bold** _it_ ![i](j)",
    ],
)
def test_what_people_wrote_is_text_and_nothing_else(name):
    labels = (Label("id-pets", name, name), *LABELS[1:])
    text = card(labels=labels, use_case=name)
    text.encode("utf-8")
    rows = [line for line in text.splitlines() if line.endswith("| 120 | 0.85 |")]
    assert len(rows) == 1
    plain = rows[0].replace("\\|", "")
    assert plain.count("|") == 5
    assert "<script" not in text
    assert "](" not in text
    assert "\u202e" not in text


def test_without_measurements_it_says_so():
    text = model_card(classifier())
    assert "Too few texts were labelled to measure it." in text
    assert "Nothing is on record." in text
