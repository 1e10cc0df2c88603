"""Expected calibration error on held-out texts, against the labels that were taught: right ones and noisy ones."""

import numpy as np
from tnt_llm.classifiers.calibration import expected_calibration_error

from benchmarks.classifier.gold_data import Gold, banking77, drawn, noisy
from benchmarks.classifier.results import Options, Row
from benchmarks.classifier.student import AUTO, FAST, agree, names, train

BINS = 15
NOISE = 0.25


def measure(options: Options) -> list[Row]:
    """Two corpora, two configurations, with gold labels and with a quarter of them wrong (held-out ones as well)."""
    rows = []
    corpora = [
        banking77(options, shuffle=0),
        drawn(options, "hwu64", "scenario", held_out=4_000, catch_all="general").first(6_000),
    ]
    for gold in corpora:
        for features, head in (AUTO, FAST):
            rows += [_row(options, gold, features, head, noise) for noise in (0.0, NOISE)]
    return rows


def _row(options: Options, gold: Gold, features: str, head: str, noise: float) -> Row:
    taught, held_out = noisy(gold.labels, noise, 1), noisy(gold.test_labels, noise, 2)
    classifier = train(options, gold.texts, taught, features, head)
    found, confidence = names(classifier, gold.test_texts)
    right = agree(found, held_out)
    # The gate's confidence is about something else, whether a text belongs to no category: with and without those.
    given = np.array([label is not None for label in found])
    error = expected_calibration_error(confidence, right, bins=BINS)
    details = {
        "features": classifier.representation.id,
        "head": classifier.head.kind,
        "ece": error,
        "ece_with_category": expected_calibration_error(confidence[given], right[given], bins=BINS),
        "agreement": float(right.mean()),
        "mean_confidence": float(confidence.mean()),
        "texts": len(gold.texts),
        "held_out": len(found),
        "noise": noise,
    }
    of = f"{details['features']}/{details['head']}" + (" (auto)" if features == "auto" else "")
    labels = f"{noise:.0%} of the labels wrong" if noise else "gold labels"
    words = f"{error:.4f} (with a category {details['ece_with_category']:.4f}; agreement {right.mean():.3f})"
    return Row(f"ECE, {gold.name}, {labels}, {of}", "<= .05", words, error <= 0.05, details)
