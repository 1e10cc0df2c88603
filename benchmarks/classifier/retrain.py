"""Retraining after a merge on 50,000 labelled texts, with what a run has by then: the configuration, and vectors."""

import time

import numpy as np

from benchmarks.classifier.gold_data import banking77, taxonomy_of
from benchmarks.classifier.results import Options, Row
from benchmarks.classifier.student import AUTO, FAST, train_on

TEXTS = 50_000
MERGED = ("card_arrival", "card_delivery_estimate")
CONFIGURATIONS = (FAST, ("minilm", "linear"), ("minilm+tfidf", "linear"))


def measure(options: Options) -> list[Row]:
    """50,000 different texts out of banking77's; two of its intents become one, and the classifier is trained anew."""
    from tnt_llm.taxonomy.edits import Merge
    from tnt_llm.taxonomy.version import Author, Version

    gold = banking77(options)
    texts, labels = noisy_texts(gold.texts, gold.labels, 2_000 if options.quick else TEXTS)
    taxonomy, ids = taxonomy_of(labels)
    root = Version.first().model_copy(update={"taxonomy": taxonomy})
    merged = root.then([Merge(ids=MERGED)], author=Author.HUMAN)
    survivors = {str(ids[name]): str(ids[MERGED[0]]) for name in MERGED}
    old = [ids[label] for label in labels]
    new = [survivors.get(str(label), label) for label in old]
    rows = []
    for features, head in CONFIGURATIONS[: 1 if options.quick else None]:
        # It has made the vectors, and what it chose is kept. Retraining is left to choose and finds that out.
        first = time.perf_counter()
        earlier = train_on(options, texts, old, taxonomy, features, head)
        again = time.perf_counter()
        classifier = train_on(options, texts, new, merged.taxonomy, *AUTO, earlier=earlier)
        seconds = time.perf_counter() - again
        rows.append(
            Row(
                f"retrain after a merge, {len(texts):,} texts, {len(classifier.labels)} categories, {features}/{head}",
                "< 10 s" if (features, head) == FAST else "",
                f"{seconds:.1f} s (the first time {again - first:.1f} s)",
                seconds < 10 if (features, head) == FAST else None,
                {"seconds": seconds, "first_seconds": again - first, "texts": len(texts)},
            )
        )
    return rows


def noisy_texts(
    texts: list[str], labels: list[str | None], count: int, seed: int = 0
) -> tuple[list[str], list[str | None]]:
    """So many different texts: the given ones, then again with a word left out and two neighbours exchanged."""
    rng = np.random.default_rng(seed)
    made = dict(zip(texts, labels, strict=True))
    while len(made) < count:
        row = int(rng.integers(len(texts)))
        words = texts[row].split()
        if len(words) > 3:
            del words[int(rng.integers(len(words)))]
        if len(words) > 1:
            place = int(rng.integers(len(words) - 1))
            words[place : place + 2] = words[place : place + 2][::-1]
        made.setdefault(" ".join(words), labels[row])
    chosen = list(made)[:count]
    return chosen, [made[text] for text in chosen]
