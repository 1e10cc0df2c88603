"""The texts that teacher and student are compared on, drawn with a fixed seed; gold labels stay here."""

import csv
from dataclasses import dataclass

import numpy as np

from benchmarks.classifier.gold_taxonomies import GoldCorpus
from benchmarks.classifier.results import Options

LABELLED = 300
UNSEEN = 4_000
_SEED = 4


@dataclass(frozen=True, slots=True)
class Drawn:
    """Different texts with what they are called in the gold taxonomy, "undefined" for the catch-all.

    Attributes:
        texts, gold: those that the LLM labels.
        unseen_texts, unseen_gold: others, that nobody sees before the student is asked.
    """

    texts: list[str]
    gold: list[str]
    unseen_texts: list[str]
    unseen_gold: list[str]


def draw(corpus: GoldCorpus, options: Options) -> Drawn:
    """The same texts at every call."""
    labelled, unseen = (24, 100) if options.quick else (LABELLED, UNSEEN)
    with options.corpus(f"{corpus.name}.csv").open(encoding="utf-8", newline="") as file:
        rows = {row["text"]: row[corpus.column] for row in csv.DictReader(file) if row["text"].strip()}
    texts = list(rows)
    order = np.random.default_rng(_SEED).permutation(len(texts))[: labelled + unseen]
    names = corpus.names
    chosen = [texts[row] for row in order]
    gold = [names[rows[text]] for text in chosen]
    return Drawn(chosen[:labelled], gold[:labelled], chosen[labelled:], gold[labelled:])
