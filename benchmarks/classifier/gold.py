"""BANKING77 with gold labels: the configuration that cross-validation on the training texts chooses, and the fast one.

The test texts are read once for each of the two, after the choice. `python -m benchmarks.classifier.gold` prints the
whole cross-validation, and reads no test text.
"""

import time
from itertools import product

import numpy as np
from tnt_llm.classifiers.folds import deal_folds
from tnt_llm.classifiers.heads.head import make_head

from benchmarks.classifier.encoded import representation
from benchmarks.classifier.gold_data import Gold, banking77
from benchmarks.classifier.results import Options, Row
from benchmarks.classifier.student import FAST, agree, names, train

FEATURES = ("static+tfidf", "minilm", "minilm+tfidf", "minilm+static+tfidf")
HEADS = ("linear", "logistic")
FOLDS = 5


def measure(options: Options) -> list[Row]:
    """Choose, train on everything, and read the test once for each of the two."""
    gold = banking77(options)
    accuracies = {}
    for features, head in product(FEATURES, HEADS):
        accuracies[features, head], seconds = cross_validate(options, gold, features, head)
        print(f"  {features:20} {head:9} {accuracies[features, head]:.4f}  {seconds:.0f} s", flush=True)
    best = max(accuracies, key=lambda pair: accuracies[pair])
    return [
        _row(options, gold, "chosen by cross-validation", best, 0.935, accuracies[best]),
        _row(options, gold, "the fast one", FAST, 0.92, accuracies[FAST]),
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


def _row(
    options: Options, gold: Gold, how: str, chosen: tuple[str, str], bar: float, validated: float
) -> Row:
    began = time.perf_counter()
    classifier = train(options, gold.texts, gold.labels, *chosen)
    seconds = time.perf_counter() - began
    found, _ = names(classifier, gold.test_texts)
    accuracy = float(agree(found, gold.test_labels).mean())
    # The gate may call a gold text undefined: what the head alone would have had right says what that costs.
    chances = classifier.head.predict_proba(classifier.representation.encode(gold.test_texts))
    top = [classifier.labels[column].name for column in chances[:, : len(classifier.labels)].argmax(axis=1)]
    details = {
        "features": chosen[0],
        "head": chosen[1],
        "accuracy": accuracy,
        "accuracy_without_undefined": float(agree(top, gold.test_labels).mean()),
        "undefined": found.count(None) / len(found),
        "cross_validated": validated,
        "train_seconds": seconds,
        "texts": len(gold.texts),
        "test_texts": len(found),
    }
    words = f"{accuracy:.4f} (without undefined {details['accuracy_without_undefined']:.4f}, validated {validated:.4f})"
    return Row(f"banking77 gold, {how}: {'/'.join(chosen)}", f">= {bar}", words, accuracy >= bar, details)
