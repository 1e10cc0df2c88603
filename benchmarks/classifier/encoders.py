"""How fast the encoders are, minilm beside `SentenceTransformer.encode` at its defaults in the same run, and what they
are worth to a linear SVM.

    python -m benchmarks classifier encoders [--quick] [--data DIR]

The two are timed in turn, three times each, and the best of each counts. Accuracy is that of cross-validation on the
training texts: no test text is read.
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.svm import LinearSVC
from tnt_llm.classifiers.encoders import (
    CachedEncoder,
    Representation,
    Vectors,
    minilm_folder,
    open_encoder,
    open_representation,
)
from tnt_llm.classifiers.folds import deal_folds

from benchmarks.classifier.gold_data import Gold, banking77
from benchmarks.classifier.results import Options, Row

ROUNDS = 3
REPRESENTATIONS = ("static", "tfidf", "static+tfidf", "minilm", "minilm+tfidf")


def measure(options: Options) -> list[Row]:
    """Speeds and accuracies; the bar is that of minilm, twice as fast at equal accuracy to half a point."""
    gold = banking77(options, shuffle=0)
    short = gold.texts[: 256 if options.quick else 2000]
    # Forty texts in one: longer than minilm reads.
    long = [" ".join(short[start : start + 40]) for start in range(0, len(short) // 4, 10)]
    rows = [
        _against_sentence_transformers(short, "short texts", bar=2.0),
        _against_sentence_transformers(long, "texts of 256 tokens", bar=1.0),
        *_speeds(gold.texts),
        _cache(short),
        _loading(gold.texts),
    ]
    return [*rows, *_accuracies(gold, options)]


def _against_sentence_transformers(texts: list[str], what: str, bar: float) -> Row:
    from sentence_transformers import SentenceTransformer

    theirs = SentenceTransformer(str(minilm_folder()), device="cpu")
    ours = open_encoder("minilm")
    theirs.encode(texts[:32], show_progress_bar=False)
    ours.encode(texts[:32])
    best, vectors = timed(
        [lambda: theirs.encode(texts, show_progress_bar=False), lambda: ours.encode(texts)], len(texts)
    )
    ratio = best[1] / best[0]
    cosine = float((vectors[0] * vectors[1]).sum(axis=1).min())
    details = {
        "sentence_transformers": best[0],
        "minilm": best[1],
        "ratio": ratio,
        "least_cosine": cosine,
        "texts": len(texts),
    }
    words = f"{ratio:.2f} ({best[1]:.0f} against {best[0]:.0f} docs/s; least cosine {cosine:.6f})"
    return Row(
        f"minilm / SentenceTransformer.encode, {what}",
        f">= {bar:g}",
        words,
        ratio >= bar and cosine > 0.999,
        details,
    )


def _speeds(texts: list[str]) -> list[Row]:
    """One core: nothing here uses a second."""
    rows = []
    for spec in ("static", "tfidf", "static+tfidf"):
        made = open_representation(spec).fit(texts)
        (speed,), _ = timed([lambda made=made: made.encode(texts)], len(texts))  # type: ignore[misc]
        rows.append(Row(f"{spec}, one core", "", f"{speed:,.0f} docs/s", None, {"docs_per_second": speed}))
    return rows


def _cache(texts: list[str]) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        cached = CachedEncoder(open_encoder("static"), Path(folder))
        cached.encode(texts)
        (speed,), _ = timed([lambda: cached.encode(texts)], len(texts))
    return Row(
        "look-up of vectors that are stored",
        ">= 200,000",
        f"{speed:,.0f} texts/s",
        speed >= 200_000,
        {"texts_per_second": speed},
    )


def _loading(texts: list[str]) -> Row:
    with tempfile.TemporaryDirectory() as folder:
        open_representation("static+tfidf").fit(texts).save(Path(folder))
        began = time.perf_counter()
        Representation.load("static+tfidf", Path(folder)).encode(texts[:1])
        seconds = time.perf_counter() - began
    return Row(
        "loading static+tfidf, with the first text", "", f"{seconds:.2f} s", None, {"seconds": seconds}
    )


def _accuracies(gold: Gold, options: Options) -> list[Row]:
    """Cross-validated accuracy of a linear SVM, and of a logistic regression on the vectors of both minilms."""
    _, classes = np.unique(np.array([str(label) for label in gold.labels]), return_inverse=True)
    fold = deal_folds(classes.astype(np.int64), 5, 0)
    dense = {name: open_encoder(name).encode(gold.texts) for name in ("static", "minilm")}
    rows = []
    for spec in REPRESENTATIONS:
        right = 0
        for held in range(1 if options.quick else 5):
            learned, held_out = np.flatnonzero(fold != held), np.flatnonzero(fold == held)
            matrices = _matrices(spec, gold.texts, dense, learned, held_out)
            fitted = LinearSVC(random_state=0).fit(matrices[0], classes[learned])
            right += int((fitted.predict(matrices[1]) == classes[held_out]).sum())
        seen = int((fold == 0).sum()) if options.quick else len(classes)
        rows.append(
            Row(
                f"{spec}, LinearSVC, cross-validated",
                "",
                f"{right / seen:.4f}",
                None,
                {"accuracy": right / seen},
            )
        )
    learned, held_out = np.flatnonzero(fold != 0), np.flatnonzero(fold == 0)
    fitted = LogisticRegression(C=10, max_iter=300).fit(dense["minilm"][learned], classes[learned])
    accuracy = float((fitted.predict(dense["minilm"][held_out]) == classes[held_out]).mean())
    rows.append(
        Row("minilm, logistic regression, one fold", "", f"{accuracy:.4f}", None, {"accuracy": accuracy})
    )
    return rows


def _matrices(
    spec: str, texts: list[str], dense: dict[str, Vectors], learned: np.ndarray, held_out: np.ndarray
) -> list[object]:
    """What the SVM sees of the two parts; the vocabulary is that of the first."""
    from scipy.sparse import csr_matrix, hstack

    blocks: list[list[object]] = [[], []]
    for part in spec.split("+"):
        if part == "tfidf":
            made = open_representation("tfidf").fit([texts[row] for row in learned])
        for block, rows in zip(blocks, (learned, held_out), strict=True):
            block.append(
                made.encode([texts[row] for row in rows]).sparse
                if part == "tfidf"
                else csr_matrix(dense[part][rows])
            )
    return [hstack(block, format="csr") if len(block) > 1 else block[0] for block in blocks]


def timed(calls: list[Callable[[], object]], texts: int) -> tuple[list[float], list[object]]:
    """(docs/s of each, the best of three rounds in which they take turns; what each returned)."""
    best, made = [0.0] * len(calls), [None] * len(calls)
    for _ in range(ROUNDS):
        for number, call in enumerate(calls):
            began = time.perf_counter()
            made[number] = call()  # type: ignore[func-returns-value, call-overload]
            best[number] = max(best[number], texts / (time.perf_counter() - began))
    return best, made  # type: ignore[return-value]
