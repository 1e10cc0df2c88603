"""Which texts to label, which to label next, and which labels are wrong: against gold labels, without an LLM.

    python -m benchmarks labels coverage active cleaning --data DIR --out DIR

MiniLM vectors, a plain logistic regression (C = 10) as the student, mean of some seeds; the vectors stay in DIR.
"""

import argparse
import csv
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tnt_llm.classifiers.encoders import open_encoder
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.heads.logistic import LogisticHead
from tnt_llm.tools.active import choose_unsure
from tnt_llm.tools.cleaning import find_suspects
from tnt_llm.tools.coverage import cover

CORPORA = {"banking77": "intent", "hwu64": "scenario", "it_tickets": "topic"}
TEXTS, POOL, TEST = 7_000, 2_000, 4_000
NOISE = 0.25

Vectors = NDArray[np.float32]
Classes = NDArray[np.int64]
Gold = tuple[Vectors, Classes]


def load(data: Path, out: Path, name: str) -> Gold:
    """7,000 different texts of a corpus, drawn with a fixed seed: their vectors, kept in `out`, and gold classes."""
    with (data / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        found = {row["text"]: row[CORPORA[name]] for row in csv.DictReader(file) if row["text"].strip()}
    texts = list(found)
    drawn = np.sort(np.random.default_rng(0).permutation(len(texts))[:TEXTS])
    chosen = [texts[row] for row in drawn]
    kept = out / f"labels-{name}.npy"
    if not kept.exists():
        out.mkdir(parents=True, exist_ok=True)
        np.save(kept, open_encoder("minilm").encode(chosen))
    classes = np.unique([found[text] for text in chosen], return_inverse=True)[1]
    return np.load(kept), classes.astype(np.int64)


def student(known: Gold, test: Gold) -> tuple[float, float]:
    """Accuracy and macro-F1 of what learnt from the one on the other."""
    from sklearn.metrics import f1_score

    k = int(max(known[1].max(), test[1].max())) + 1
    head = LogisticHead(k, c=10.0).fit(Features(known[0]), known[1])
    found = head.predict_proba(Features(test[0])).argmax(axis=1)
    return float((found == test[1]).mean()), float(f1_score(test[1], found, average="macro", zero_division=0))


def splits(gold: Gold, pool: int, seeds: int) -> Iterator[tuple[int, Gold, Gold]]:
    """(seed, texts to choose from, texts to test on)."""
    for seed in range(seeds):
        order = np.random.default_rng(100 + seed).permutation(len(gold[1]))
        parts = order[:pool], order[pool : pool + TEST]
        first, test = ((gold[0][rows], gold[1][rows]) for rows in parts)
        yield seed, first, test


def coverage(name: str, gold: Gold, seeds: int) -> Iterator[list[object]]:
    """Texts chosen at random, as the product does it, and none at random."""
    for count in (100, 300, 1_000):
        for what, share in (("all at random", 1.0), ("as it is", 0.3), ("none at random", 0.0)):
            scores = []
            for seed, (vectors, classes), test in splits(gold, POOL, seeds):
                rows, _ = cover(vectors, count, seed, at_random=share)
                scores.append(student((vectors[rows], classes[rows]), test))
            yield [name, count, what, *_mean(scores)]


def active(name: str, gold: Gold, seeds: int) -> Iterator[list[object]]:
    """Three rounds of a quarter each after the first choice: at random, and as the product does it."""
    ways: dict[str, Callable[[Vectors, Gold, int, int], NDArray[np.int64]]] = {
        "at random": lambda pool, _, count, seed: np.random.default_rng(seed).permutation(len(pool))[:count],
        "as it is": lambda pool, known, count, seed: choose_unsure(pool, *known, count, seed=seed),
    }
    for count in (100, 300):
        for what, way in ways.items():
            scores = []
            for seed, (vectors, classes), test in splits(gold, POOL + 1_000, seeds):
                have = cover(vectors[:POOL], count, seed)[0]
                for number in range(3):
                    rest = np.setdiff1d(np.arange(len(vectors)), have)
                    new = way(vectors[rest], (vectors[have], classes[have]), count // 4, 10 * seed + number)
                    have = np.concatenate([have, rest[new]])
                scores.append(student((vectors[have], classes[have]), test))
            yield [name, f"{count} + 3 x {count // 4}", what, *_mean(scores)]


def cleaning(name: str, gold: Gold, seeds: int) -> Iterator[list[object]]:
    """A quarter of the labels replaced; precision and recall of the suspects, and the student without them."""
    for count in (300, 1_000):
        for kind in ("none", "random", "confusable"):
            for share in (0.1, 0.2):
                scores = []
                for seed, (vectors, classes), test in splits(gold, count, seeds):
                    noisy = _spoil(vectors, classes, kind, np.random.default_rng(seed))
                    wrong = noisy != classes
                    rows = [each.row for each in find_suspects(vectors, noisy, share=share, seed=seed)]
                    kept = np.setdiff1d(np.arange(count), rows)
                    scores.append(
                        (
                            float(wrong[rows].mean()) if rows else 0.0,
                            float(wrong[rows].sum() / max(wrong.sum(), 1)),
                            student((vectors, noisy), test)[0],
                            student((vectors[kept], noisy[kept]), test)[0],
                            student((vectors[~wrong], noisy[~wrong]), test)[0],
                        )
                    )
                yield [name, count, kind, share, *_mean(scores)]


def _spoil(vectors: Vectors, classes: Classes, kind: str, draw: np.random.Generator) -> Classes:
    """Labels of which a quarter are replaced: by any other class, or by one of the two nearest."""
    noisy, k = classes.copy(), int(classes.max()) + 1
    middles = np.array(
        [vectors[classes == c].mean(axis=0) if (classes == c).any() else 0 * vectors[0] for c in range(k)]
    )
    near = middles @ middles.T
    np.fill_diagonal(near, -1.0)
    nearest = np.argsort(-near, axis=1)[:, :2]
    for row in [] if kind == "none" else draw.permutation(len(classes))[: int(NOISE * len(classes))]:
        if kind == "random":
            noisy[row] = (classes[row] + 1 + draw.integers(k - 1)) % k
        else:
            noisy[row] = nearest[classes[row], draw.integers(2)]
    return noisy


def _mean(scores: Sequence[Sequence[float]]) -> list[str]:
    return [f"{value:.3f}" for value in np.mean(scores, axis=0)]


PARTS: dict[str, tuple[Any, Sequence[str]]] = {
    "coverage": (coverage, ("corpus", "labelled", "chosen", "accuracy", "macro-F1")),
    "active": (active, ("corpus", "labelled", "added", "accuracy", "macro-F1")),
    "cleaning": (
        cleaning,
        (
            "corpus",
            "labels",
            "noise",
            "share",
            "precision",
            "recall",
            "with all",
            "without",
            "without the wrong",
        ),
    ),
}


def main(arguments: Sequence[str]) -> None:
    """Measure the parts that are named, all by default."""
    parser = argparse.ArgumentParser("python -m benchmarks labels", description=__doc__)
    parser.add_argument("parts", nargs="*", help=f"of {', '.join(PARTS)}; all by default")
    parser.add_argument("--data", type=Path, required=True, help="folder with the corpora")
    parser.add_argument("--out", type=Path, required=True, help="folder where vectors are kept")
    parser.add_argument("--only", nargs="*", default=list(CORPORA), choices=list(CORPORA))
    parser.add_argument("--seeds", type=int, default=3)
    options = parser.parse_args(arguments)
    for part in options.parts or PARTS:
        measure, head = PARTS[part]
        print(" | ".join(head))
        for name in options.only:
            gold = load(options.data, options.out, name)
            for row in measure(name, gold, options.seeds):
                print(" | ".join(map(str, row)), flush=True)
