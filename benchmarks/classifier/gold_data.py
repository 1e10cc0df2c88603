"""The corpora with their gold labels, as texts and labels to learn from and to be measured on."""

import csv
import json
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tnt_llm.taxonomy.edits import Add
from tnt_llm.taxonomy.values import Taxonomy
from tnt_llm.taxonomy.version import Author, Version

from benchmarks.classifier.results import Options

QUICK = 600


@dataclass(frozen=True, slots=True)
class Gold:
    """Texts with one gold label each; None is the catch-all, which is no category.

    Attributes:
        name: of the corpus, and of its labels.
        texts, labels: to learn from.
        test_texts, test_labels: held out.
    """

    name: str
    texts: list[str]
    labels: list[str | None]
    test_texts: list[str]
    test_labels: list[str | None]

    def first(self, texts: int) -> "Gold":
        """With so many texts to learn from; the test is the same."""
        return Gold(self.name, self.texts[:texts], self.labels[:texts], self.test_texts, self.test_labels)


def banking77(options: Options, *, shuffle: int | None = None) -> Gold:
    """Its own split: 10,003 texts to learn from, 3,080 held out; 77 intents.

    Args:
        options: where it is.
        shuffle: seed of an order for the training texts; None leaves them sorted by intent.
    """
    rows = _read(options, "banking77")
    train = [row for row in rows if row["split"] == "train"]
    test = [row for row in rows if row["split"] == "test"]
    if shuffle is not None or options.quick:
        train = [train[row] for row in np.random.default_rng(shuffle or 0).permutation(len(train))]
        test = [test[row] for row in np.random.default_rng(shuffle or 0).permutation(len(test))]
    if options.quick:
        train, test = train[: 2 * QUICK], test[:QUICK]
    texts, labels = [row["text"] for row in train], [row["intent"] for row in train]
    return Gold("banking77", texts, [*labels], [row["text"] for row in test], [row["intent"] for row in test])


def drawn(
    options: Options, name: str, column: str, *, held_out: int, catch_all: str | None, seed: int = 0
) -> Gold:
    """The different texts of a corpus that has no split of its own, shuffled, so many of them held out.

    Args:
        options: where it is.
        name: of the file, without its suffix.
        column: where the gold label is.
        held_out: texts that are not learned from.
        catch_all: the label that is no category.
        seed: of the order.
    """
    known = {row["text"]: row[column] for row in _read(options, name) if row["text"].strip()}
    texts = list(known)
    order = [texts[row] for row in np.random.default_rng(seed).permutation(len(texts))]
    if options.quick:
        order, held_out = order[: 3 * QUICK], QUICK
    labels = [None if known[text] == catch_all else known[text] for text in order]
    return Gold(f"{name} {column}", order[held_out:], labels[held_out:], order[:held_out], labels[:held_out])


def nlupp(options: Options) -> tuple[list[str], list[list[str]]]:
    """NLU++: texts, and the intents of each; blank texts left out."""
    lines = options.corpus("nlupp.jsonl").read_text(encoding="utf-8").splitlines()
    rows = [row for row in map(json.loads, lines) if row["text"].strip()]
    if options.quick:
        rows = [rows[row] for row in np.random.default_rng(0).permutation(len(rows))[:QUICK]]
    return [row["text"] for row in rows], [row["intents"] for row in rows]


def taxonomy_of(labels: Sequence[str | None]) -> tuple[Taxonomy, dict[str | None, str | None]]:
    """Gold labels as categories, and the id of each label; None stays None."""
    names = sorted({label for label in labels if label is not None})
    edits = [Add(name=name, description=name.replace("_", " ")) for name in names]
    version = Version.first().then(edits, author=Author.IMPORTED, cap=len(names))
    if version.refused:
        raise ValueError(f"gold labels that are no names of categories: {version.refused}")
    ids: dict[str | None, str | None] = {category.name: category.id for category in version.taxonomy}
    return version.taxonomy, ids | {None: None}


def noisy(labels: Sequence[str | None], share: float, seed: int = 0) -> list[str | None]:
    """The labels with a share of them replaced by another one, drawn as often as that one occurs."""
    rng = np.random.default_rng(seed)
    changed = list(labels)
    for row in rng.permutation(len(labels))[: round(share * len(labels))]:
        other = labels[row]
        while other == labels[row]:
            other = labels[rng.integers(len(labels))]
        changed[row] = other
    return changed


def _read(options: Options, name: str) -> list[dict[str, str]]:
    with options.corpus(f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
