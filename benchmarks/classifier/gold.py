"""BANKING77 with gold labels: what a run's own cross-validation on the training texts chooses, and the fast one.

The test texts are read once for each of the two, after the choice. A longer list of configurations is compared on the
training texts alone, by

    python -m benchmarks.classifier.gold --out DIR
"""

import argparse
import time
from itertools import product
from pathlib import Path

import numpy as np
from tnt_llm.classifiers.folds import deal_folds
from tnt_llm.classifiers.heads.head import make_head

from benchmarks.classifier.encoded import representation
from benchmarks.classifier.gold_data import Gold, banking77
from benchmarks.classifier.measure import DATA
from benchmarks.classifier.results import Options, Row
from benchmarks.classifier.student import AUTO, FAST, agree, names, train

FEATURES = ("static+tfidf", "minilm", "minilm+tfidf", "minilm+static+tfidf")
HEADS = ("linear", "logistic")
FOLDS = 5


def measure(options: Options) -> list[Row]:
    """Train on everything, and read the test once for each."""
    gold = banking77(options)
    return [
        _row(options, gold, "chosen by cross-validation", AUTO, 0.935),
        _row(options, gold, "the fast one", FAST, 0.92),
    ]


def cross_validate(options: Options, gold: Gold, features: str, head: str) -> tuple[float, float]:
    """(accuracy on the training texts, each predicted by what never saw it; seconds). Vocabularies are learned in the
    folds, and the head chooses its regularization there.
    """
    began = time.perf_counter()
    known = sorted({str(label) for label in gold.labels})
    classes = np.array([known.index(str(label)) for label in gold.labels], dtype=np.int64)
    fold = deal_folds(classes, FOLDS, 0)
    right = 0
    for held in range(FOLDS):
        learned, held_out = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        texts = [gold.texts[row] for row in learned]
        seen = representation(features, options).fit(texts)
        fitted = make_head(head, len(known), seed=0).fit(seen.encode(texts), classes[learned])
        chances = fitted.predict_proba(seen.encode([gold.texts[row] for row in held_out]))
        right += int((chances.argmax(axis=1) == classes[held_out]).sum())
    return right / len(classes), time.perf_counter() - began


def _row(options: Options, gold: Gold, how: str, wanted: tuple[str, str], bar: float) -> Row:
    began = time.perf_counter()
    classifier = train(options, gold.texts, gold.labels, *wanted)
    seconds = time.perf_counter() - began
    found, _ = names(classifier, gold.test_texts)
    accuracy = float(agree(found, gold.test_labels).mean())
    # No gold text is undefined: what the head alone has right says what the novelty gate costs.
    chances = classifier.probabilities(classifier.representation.encode(gold.test_texts))
    top = [classifier.labels[column].name for column in chances[:, : len(classifier.labels)].argmax(axis=1)]
    chosen = f"{classifier.representation.id}/{classifier.head.kind}"
    details = {
        "configuration": chosen,
        "accuracy": accuracy,
        "accuracy_without_gate": float(agree(top, gold.test_labels).mean()),
        "undefined": found.count(None) / len(found),
        "train_seconds": seconds,
        "texts": len(gold.texts),
        "test_texts": len(found),
        "metrics": dict(classifier.metrics),
    }
    words = f"{accuracy:.4f} (without the gate {details['accuracy_without_gate']:.4f})"
    return Row(f"banking77 gold, {how}: {chosen}", f">= {bar}", words, accuracy >= bar, details)


def main() -> None:
    """Cross-validate every configuration on the training texts."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.classifier.gold", description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--out", type=Path, default=Path("bench") / "classifier")
    given = parser.parse_args()
    options = Options(given.data, given.out)
    gold = banking77(options)
    for features, head in product(FEATURES, HEADS):
        accuracy, seconds = cross_validate(options, gold, features, head)
        print(f"{features:20} {head:9} {accuracy:.4f}  {seconds:.0f} s", flush=True)


if __name__ == "__main__":
    main()
