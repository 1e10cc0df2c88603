"""NLU++ with gold labels: micro-F1 of ours and of scikit-learn's one-vs-rest logistic regression, same embeddings."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.multilabel import OneVsRest

from benchmarks.classifier.encoded import representation
from benchmarks.classifier.gold_data import nlupp
from benchmarks.classifier.results import Options, Row

FOLDS = 10
Applies = NDArray[np.bool_]
Predictor = Callable[[Features, Applies, Features], Applies]


def measure(options: Options) -> list[Row]:
    """Ten fixed folds; every text is predicted once by either."""
    texts, intents = nlupp(options)
    known = sorted({intent for row in intents for intent in row})
    applies = np.array([[intent in row for intent in known] for row in intents])
    rows = []
    for spec in ("minilm", "static"):
        features = representation(spec, options).encode(texts)
        ours = micro_f1(_predicted(features, applies, _ours), applies)
        theirs = micro_f1(_predicted(features, applies, _sklearn), applies)
        # No bar: the regularization that suits the data is more than its defaults give.
        tuned = micro_f1(_predicted(features, applies, lambda *given: _sklearn(*given, c=10.0)), applies)
        rows.append(
            Row(
                f"NLU++ gold, {len(texts):,} texts, {len(known)} intents, {spec}, {FOLDS} folds, micro-F1",
                f">= {theirs:.4f}, scikit-learn's",
                f"{ours:.4f} (scikit-learn's with C=10: {tuned:.4f})",
                ours >= theirs,
                {
                    "ours": ours,
                    "sklearn": theirs,
                    "sklearn_c10": tuned,
                    "texts": len(texts),
                    "intents": len(known),
                },
            )
        )
    return rows


def micro_f1(found: Applies, applies: Applies) -> float:
    """F1 over all pairs of a text and a label [n, k]."""
    return float(2 * (found & applies).sum() / max(found.sum() + applies.sum(), 1))


def _predicted(features: Features, applies: Applies, predictor: Predictor) -> Applies:
    fold = np.random.default_rng(0).permutation(len(features)) % FOLDS
    found = np.zeros_like(applies)
    for held in range(FOLDS):
        train, test = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
        found[test] = predictor(features.take(train), applies[train], features.take(test))
    return found


def _ours(train: Features, applies: Applies, test: Features) -> Applies:
    fitted = OneVsRest(applies.shape[1]).fit(train, applies)
    return np.asarray(fitted.predict_proba(test) >= fitted.thresholds)


def _sklearn(train: Features, applies: Applies, test: Features, c: float = 1.0) -> Applies:
    from sklearn.linear_model import LogisticRegression
    from sklearn.multiclass import OneVsRestClassifier

    # A label without an example among the training texts cannot be learned, and scikit-learn warns of it.
    learned = np.flatnonzero(applies.any(axis=0))
    model = OneVsRestClassifier(LogisticRegression(C=c, max_iter=1_000)).fit(
        train.matrix(), applies[:, learned]
    )
    found = np.zeros((len(test), applies.shape[1]), dtype=bool)
    found[:, learned] = model.predict(test.matrix()).astype(bool)
    return found
