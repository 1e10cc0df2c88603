"""How often a promised agreement is broken: 200 times other texts set the threshold than those it is tried on."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from tnt_llm.classifiers.agreement import Agreement

from benchmarks.classifier.gold_data import Gold, banking77, drawn, noisy
from benchmarks.classifier.results import Options, Row
from benchmarks.classifier.student import FAST, agree, names, train

LEVEL = 0.9
RESPLITS = 200
TEST = 2_000
MOST_BROKEN = 0.08


@dataclass(frozen=True, slots=True)
class Resplits:
    """What came of them.

    Attributes:
        broken: share of the resplits in which the test texts that were not abstained on agreed less often.
        silent: share in which no threshold could promise it, and all was abstained on.
        coverage: mean share of the test texts that were not abstained on, silent ones included.
        agreement: mean agreement on those, over the resplits that had any.
    """

    broken: float
    silent: float
    coverage: float
    agreement: float


def measure(options: Options) -> list[Row]:
    """Students of few texts, which are right less often than is promised, on three corpora."""
    whole = banking77(options, shuffle=0)
    few = 300 if options.quick else 1_000
    tickets = drawn(options, "it_tickets", "topic", held_out=6_000, catch_all="Miscellaneous")
    requests = drawn(options, "hwu64", "intent", held_out=6_000, catch_all=None)
    corpora = [_hold_more_out(whole, few), requests.first(few), tickets.first(3 * few)]
    rows = [_row(options, gold, 0.0) for gold in corpora]
    return [*rows, _row(options, corpora[0], 0.05)]


def resplit(confidence: NDArray[np.float64], agrees: NDArray[np.bool_], test: int) -> Resplits:
    """Set the threshold on what `test` texts leave over, and try it on those.

    Args:
        confidence, agrees: [n], of texts that the classifier has not seen.
        test: texts that it is tried on.
    """
    rng = np.random.default_rng(0)
    broken, silent, covered, agreed = 0, 0, [], []
    for _ in range(RESPLITS):
        order = rng.permutation(len(confidence))
        kept, tried = order[test:], order[:test]
        evidence = Agreement(confidence[kept].astype(np.float32), agrees[kept])
        threshold = evidence.threshold(LEVEL)
        inside = np.zeros(test, dtype=bool) if threshold is None else confidence[tried] >= threshold
        covered.append(float(inside.mean()))
        silent += threshold is None
        if inside.any():
            agreed.append(float(agrees[tried][inside].mean()))
            broken += agreed[-1] < LEVEL
    mean = float(np.mean(agreed)) if agreed else float("nan")
    return Resplits(broken / RESPLITS, silent / RESPLITS, float(np.mean(covered)), mean)


def _hold_more_out(gold: Gold, learned: int) -> Gold:
    return Gold(
        gold.name,
        gold.texts[:learned],
        gold.labels[:learned],
        gold.texts[learned:] + gold.test_texts,
        gold.labels[learned:] + gold.test_labels,
    )


def _row(options: Options, gold: Gold, noise: float) -> Row:
    classifier = train(options, gold.texts, noisy(gold.labels, noise, 1), *FAST)
    found, confidence = names(classifier, gold.test_texts)
    agrees = agree(found, noisy(gold.test_labels, noise, 2))
    # What is undefined is not answered: nothing is promised of it.
    given = np.array([label is not None for label in found])
    confidence, agrees = confidence[given].astype(np.float64), agrees[given]
    test = min(TEST, len(agrees) // 2)
    outcome = resplit(confidence, agrees, test)
    details = {
        "broken": outcome.broken,
        "silent": outcome.silent,
        "coverage": outcome.coverage,
        "agreement": outcome.agreement,
        "agreement_of_all": float(agrees.mean()),
        "test_texts": test,
        "calibration_texts": len(agrees) - test,
        "learned_from": len(gold.texts),
        "noise": noise,
    }
    labels = f"{noise:.0%} of the labels wrong" if noise else "gold labels"
    words = (
        f"{outcome.broken:.1%}; covers {outcome.coverage:.1%} at {outcome.agreement:.3f} "
        f"(all: {agrees.mean():.3f}; {outcome.silent:.0%} promise nothing)"
    )
    return Row(
        f"--agreement {LEVEL}, {gold.name}, {labels}, {len(gold.texts):,} learned from, {test:,} tested",
        f"broken in <= {MOST_BROKEN:.0%} of {RESPLITS}",
        words,
        outcome.broken <= MOST_BROKEN,
        details,
    )
