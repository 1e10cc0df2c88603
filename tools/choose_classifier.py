"""Which configuration a classifier gets: every candidate is cross-validated on the labels, and its speed is measured.

Of candidates whose macro-F1 differs from the best one's by less than that difference may come from chance, the fastest
is taken: the one-standard-error rule (Breiman et al., 1984), with the standard error of the *paired* difference, by
bootstrap over the texts. So the choice is the same wherever two are alike, and a small sample, which proves little,
gets a fast classifier.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..classifiers.classifier import Classifier
from ..classifiers.encoders import Encoder
from ..classifiers.encoders.cached import CachedEncoder, bare
from ..classifiers.encoders.representation import Representation
from ..classifiers.features import Features, Vectors
from ..classifiers.folds import deal_folds
from ..classifiers.gate import Gate
from ..classifiers.heads.head import Head, make_head
from ..taxonomy.errors import MissingPartError
from .classifier_metrics import Candidate, macro_f1

_log = logging.getLogger(__name__)

AUTO = "auto"
FOLDS = 5
MOST = 5_000
"""Labelled texts that candidates are compared on, and that are cross-validated; of more a sample is drawn."""
HELD_OUT = 2_000
"""With more texts than that, one split does: so many are held out, and all others learned from."""
_DRAWS = 200
_ENOUGH_SECONDS = 0.2
_MOST_TIMED = 4_096

Opener = Callable[[str], Representation]
Classes = NDArray[np.int64]


@dataclass(frozen=True)
class Sample:
    """Labelled texts; class k means undefined where there are k categories."""

    texts: Sequence[str]
    classes: Classes

    def __len__(self) -> int:
        return len(self.texts)

    def take(self, rows: Classes) -> "Sample":
        """These rows."""
        return Sample([self.texts[row] for row in rows], self.classes[rows])

    def with_rows(self, other: "Sample") -> "Sample":
        """The rows of both."""
        return Sample([*self.texts, *other.texts], np.concatenate([self.classes, other.classes]))


class Memory:
    """An encoder that encodes each text once, while something is trained."""

    def __init__(self, encoder: Encoder) -> None:
        self.encoder = encoder
        self._rows: dict[str, int] = {}
        self._vectors: Vectors | None = None

    @property
    def id(self) -> str:
        """That of the encoder."""
        return self.encoder.id

    @property
    def dimension(self) -> int | None:
        """That of the encoder."""
        return self.encoder.dimension

    def encode(self, texts: Sequence[str]) -> Vectors:
        """As the encoder."""
        new = [text for text in dict.fromkeys(texts) if text not in self._rows]
        if new or self._vectors is None:
            made = self.encoder.encode(new)
            self._rows |= {text: len(self._rows) + row for row, text in enumerate(new)}
            self._vectors = made if self._vectors is None else np.concatenate([self._vectors, made])
        return self._vectors[[self._rows[text] for text in texts]]


@dataclass(frozen=True)
class Trained:
    """A candidate that was fitted to the whole sample.

    Attributes:
        representation: fitted; its encoders remember what they have encoded.
        features: of the sample, and behind it of what is always learned from.
        head: fitted.
        gate: likewise.
    """

    representation: Representation
    features: Features
    head: Head
    gate: Gate


@dataclass(frozen=True)
class Held:
    """What was made of texts by classifiers that had not seen them.

    Attributes:
        rows: int64 [m], which texts of the sample.
        chances: float64 [m, k], of the head, not calibrated.
        passed: bool [m], whether the gate let them pass.
        found: int64 [m], class they were given.
    """

    rows: Classes
    chances: NDArray[np.float64]
    passed: NDArray[np.bool_]
    found: Classes


def pairs(features: str, head: str, *, base: str) -> list[tuple[str, str]]:
    """The candidates (features, head), the fastest first.

    Args:
        features, head: as in the settings; what is not ``auto`` is taken.
        base: spec of the encoder that the run places texts with. It is tried too, unless it is an endpoint: what
            sends every text to one must be asked for by name.
    """
    if features != AUTO:
        return [(features, kind) for kind in (("linear", "logistic") if head == AUTO else (head,))]
    local = "minilm" if base.startswith(("openai:", "http://", "https://")) else base
    found = [("static+tfidf", "linear"), (local, "logistic"), (f"{local}+tfidf", "linear")]
    if head != AUTO:
        found = [(spec, head) for spec, _ in found]
    return list(dict.fromkeys(found))


def open_candidates(
    wanted: Sequence[tuple[str, str]], opening: Opener
) -> tuple[list[tuple[Representation, str]], list[Candidate]]:
    """Those that can be opened, equal encoders shared and remembering, and notes on those that cannot.

    Raises:
        MissingPartError: none can.
    """
    memories: dict[str, Memory] = {}
    opened: list[tuple[Representation, str]] = []
    missing: list[Candidate] = []
    fault: MissingPartError | None = None
    for spec, head in wanted:
        try:
            representation = opening(spec)
        except MissingPartError as error:
            fault = fault or error
            missing.append(Candidate(spec, head, note=str(error)))
            continue
        dense = tuple(memories.setdefault(part.id, Memory(part)) for part in representation.dense)
        pair = (replace(representation, dense=dense), head)
        if (pair[0].id, head) not in [(other.id, kind) for other, kind in opened]:
            opened.append(pair)
    if not opened and fault is not None:
        raise fault
    return opened, missing


def storing(opening: Opener, store: Path | None) -> Opener:
    """Opens representations whose slow encoders keep their vectors in a folder; None: as they are."""
    if store is None:
        return opening

    def stored(spec: str) -> Representation:
        found = opening(spec)
        # A table is read faster than a store.
        dense = (part if part.id == "static" else CachedEncoder(part, store) for part in found.dense)
        return replace(found, dense=tuple(dense))

    return stored


def forgetting(representation: Representation) -> Representation:
    """The same with its encoders as they are, without memory and without a store."""
    plain = (part.encoder if isinstance(part, Memory) else part for part in representation.dense)
    return replace(representation, dense=tuple(bare(part) for part in plain))


def train(
    representation: Representation,
    kind: str,
    sample: Sample,
    always: Sample,
    *,
    categories: int,
    learned: bool,
    seed: int,
) -> Trained:
    """Fit one candidate to everything.

    Args:
        representation, kind: the candidate.
        sample, always: to learn from; class `categories` is undefined.
        categories: k.
        learned: whether the head has a class for undefined.
        seed: of the head and the gate.
    """
    every = sample.with_rows(always)
    fitted = representation.fit(every.texts)
    features = fitted.encode(every.texts)
    head = make_head(kind, max(categories + learned, 1), seed=seed)
    return _fit(fitted, features, head, every, categories, learned=learned, seed=seed)


def _fit(
    representation: Representation,
    features: Features,
    head: Head,
    sample: Sample,
    categories: int,
    *,
    learned: bool,
    seed: int,
) -> Trained:
    inside = np.flatnonzero(sample.classes < categories)
    rows = np.arange(len(sample)) if learned else inside
    head = head.fit(features.take(rows), sample.classes[rows])
    gate = fit_gate(features, sample, categories, seed=seed)
    return Trained(representation, features, head, gate)


def fit_gate(features: Features, sample: Sample, categories: int, *, seed: int) -> Gate:
    """The gate for these features of a sample; open where they have no vectors."""
    if features.dense is None:
        return Gate()
    inside = np.flatnonzero(sample.classes < categories)
    # Each text once: between duplicates the similarity is 1, and the gate would shut to everything new.
    first = {sample.texts[row]: int(row) for row in inside[::-1]}
    once = np.array(sorted(first.values()), dtype=np.int64)
    return Gate.fit(features.dense[once], sample.classes[once], categories, seed=seed)


def cross_validate(
    trained: Trained, sample: Sample, always: Sample, *, categories: int, learned: bool, seed: int
) -> Held | None:
    """What becomes of texts that a candidate has not seen; None with fewer than two texts.

    Every fold learns a vocabulary of its own; what the head chose for itself, on everything, is kept. With more than
    `MOST` texts there is one fold: `HELD_OUT` texts, predicted by what has learned from all others.
    """
    folds = splits(sample, seed)
    if not folds:
        return None
    chances = np.zeros((len(sample), max(categories + learned, 1)))
    passed, found = np.ones(len(sample), dtype=bool), np.full(len(sample), categories, dtype=np.int64)
    for rest, test in folds:
        inside = sample.take(rest).with_rows(always)
        student = train_fold(trained, inside, categories, learned=learned, seed=seed)
        features = student.representation.encode([sample.texts[row] for row in test])
        chances[test] = student.head.predict_proba(features)
        top = chances[test].argmax(axis=1)
        if student.gate.prototypes is not None and features.dense is not None:
            passed[test] = student.gate.nearest(features.dense, top) >= student.gate.threshold
        found[test] = np.where(passed[test], np.minimum(top, categories), categories)
    rows = np.sort(np.concatenate([test for _, test in folds]))
    return Held(rows, chances[rows], passed[rows], found[rows])


def splits(sample: Sample, seed: int) -> list[tuple[Classes, Classes]]:
    """Rows to learn from and rows held out, for each fold; none with fewer than two texts."""
    if len(sample) > MOST:
        shuffled = np.random.default_rng(seed).permutation(len(sample))
        return [(np.sort(shuffled[HELD_OUT:]), np.sort(shuffled[:HELD_OUT]))]
    folds = min(FOLDS, len(sample))
    if folds < 2:
        return []
    fold = deal_folds(sample.classes, folds, seed)
    return [(np.flatnonzero(fold != held), np.flatnonzero(fold == held)) for held in range(folds)]


def train_fold(trained: Trained, sample: Sample, categories: int, *, learned: bool, seed: int) -> Trained:
    """The same candidate, fitted to other texts."""
    fitted = trained.representation.fit(sample.texts)
    features = fitted.encode(sample.texts)
    return _fit(fitted, features, trained.head.refit(), sample, categories, learned=learned, seed=seed)


def choose(
    scored: Sequence[tuple[Candidate, Held | None]], classes: Classes, count: int, *, floor: float | None
) -> tuple[int, str]:
    """Which of the candidates is taken, and a warning or "".

    Args:
        scored: the candidates, the fastest first, with what was made of held-out texts; all of the same ones.
        classes: int64 [n], of the whole sample.
        count: how many classes there are, undefined included.
        floor: texts that must be labelled in a second; None for no floor.
    """
    speeds = [candidate.docs_per_second or 0.0 for candidate, _ in scored]
    quick = [place for place, speed in enumerate(speeds) if floor is None or speed >= floor]
    if not quick:
        fastest = int(np.argmax(speeds))
        return fastest, (
            f"no candidate labels {floor:,.0f} texts in a second on this machine: "
            f"{scored[fastest][0].features}/{scored[fastest][0].head} was taken, the fastest, "
            f"with {speeds[fastest]:,.0f}."
        )
    held = [scored[place][1] for place in quick]
    if len(quick) == 1 or any(each is None for each in held):
        return quick[0], ""
    true = classes[held[0].rows]  # type: ignore[union-attr]  # none is None
    found = [each.found for each in held]  # type: ignore[union-attr]
    scores = np.array([macro_f1(true, each, count) for each in found])
    best = int(np.argmax(scores))
    rng = np.random.default_rng(0)
    draws = np.zeros((_DRAWS, len(quick)))
    for draw in range(_DRAWS):
        rows = rng.integers(0, len(true), len(true))
        draws[draw] = [macro_f1(true[rows], each[rows], count) for each in found]
    error = (draws[:, [best]] - draws).std(axis=0)
    alike = np.flatnonzero(scores[best] - scores <= error)
    return quick[int(alike[0])], ""


def measure_speed(trained: Trained, texts: Sequence[str]) -> float:
    """Texts that are encoded and given to the head in a second, on this machine, by one process.

    The sample is repeated until it takes long enough to be measured.
    """
    representation = forgetting(trained.representation)
    texts = [text for text in texts if text.strip()] or ["text"]
    _run(representation, trained.head, texts[:8])  # what is loaded at the first call
    count, rate = 16, 0.0
    while True:
        some = [texts[place % len(texts)] for place in range(count)]
        began = time.perf_counter()
        _run(representation, trained.head, some)
        seconds = max(time.perf_counter() - began, 1e-9)
        rate = count / seconds
        if seconds >= _ENOUGH_SECONDS or count >= _MOST_TIMED:
            return rate
        count *= 2 if seconds > _ENOUGH_SECONDS / 4 else 4


def _run(representation: Representation, head: Head, texts: Sequence[str]) -> Any:
    return head.predict_proba(representation.encode(texts))


def known_choice(classifier: Classifier, ids: Sequence[str], *, features: str, head: str) -> bool:
    """Whether a classifier's configuration is kept when it is trained anew: it is what the settings allow, and at least
    half of the categories of both together are the same.
    """
    fits = features in (AUTO, classifier.representation.id) and head in (AUTO, classifier.head.kind)
    old, new = {label.id for label in classifier.labels}, set(ids)
    return fits and 2 * len(old & new) >= max(len(old | new), 1)


def check_head(head: str) -> None:
    """Refuse a head that there is not, before anything is encoded.

    Raises:
        SettingsError: there is none of that name.
    """
    if head != AUTO:
        make_head(head, 2)
