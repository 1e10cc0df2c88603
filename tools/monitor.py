"""Monitoring: how incoming texts differ from those that a classifier was trained on. Pure: no LLM, no tables.

Three questions, each with a stated rate of false alarms where nothing has changed: which texts are new (a share `rate`
of known ones is called so), whether more texts are new than that, and which labels have become more or less frequent
(with a probability of `rate` any label is said to have, over all labels together: Holm 1979).
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..classifiers.classifier import Classifier
from ..classifiers.encoders.encoder import Encoder
from ..classifiers.features import Features
from ..classifiers.novelty import MOST, RATE, Reference
from ..classifiers.predictions import UNDEFINED
from ..taxonomy.document import Document
from .novel_groups import NovelGroup, NovelText, Usual, apartness, group_novel, words_in

DISCOVERY_RATE = 0.3
"""Of the texts that are picked out as new together, known ones may be this share (Benjamini and Hochberg 1995)."""
MOST_KEPT = 2_000
"""New texts that are kept to be grouped and shown, the newest first."""


@dataclass(frozen=True, slots=True)
class LabelShift:
    """How frequent a label is, then and now.

    Attributes:
        id: category id; None is undefined.
        name: the category's, or "undefined".
        then: share of the training texts that have it, each labelled by a classifier that had not seen it.
        now: share of the different incoming texts.
        count: different incoming texts that have it.
        p: how probable such a difference is where nothing has changed, for this label alone.
        has_shifted: whether it counts, all labels together.
    """

    id: str | None
    name: str
    then: float
    now: float
    count: int
    p: float
    has_shifted: bool


@dataclass(frozen=True, slots=True)
class Length:
    """How long texts are.

    Attributes:
        then, now: median number of words.
        p: how probable such a difference of lengths is where nothing has changed.
        has_shifted: whether it counts.
    """

    then: float
    now: float
    p: float
    has_shifted: bool


@dataclass(frozen=True, eq=False)
class Rows:
    """The incoming texts in columns, in order.

    Attributes:
        ids: the user's.
        primary: int64, row of the label in `names`, the last of which is undefined.
        names: of the labels.
        category_ids: of the labels; None is undefined.
        confidence: float64, 0..1.
        novelty: float64, 0..1; 0 for blank texts.
        is_novel: bool.
    """

    ids: Sequence[str]
    primary: NDArray[np.int64]
    names: Sequence[str]
    category_ids: Sequence[str | None]
    confidence: NDArray[np.float64]
    novelty: NDArray[np.float64]
    is_novel: NDArray[np.bool_]


@dataclass(frozen=True)
class MonitorReport:
    """What is different about incoming texts.

    Attributes:
        documents: incoming texts.
        blank: those without a word; they count in nothing else.
        different: different texts among the others: shares, lengths and tests are of these.
        known: training texts that they are compared with.
        rate: of false alarms.
        compared_by: the features that novelty is told by.
        novel: texts that are called new.
        expected: as many would be if nothing were new.
        novel_p: how probable it is that so many are so new, where nothing is.
        has_novelty: whether that calls for a look.
        discovered: those that are new as a group; of them at most `DISCOVERY_RATE` are false alarms, on average.
        groups: new texts that are alike, large groups first; a text that is alone is a group of one.
        labels: in the taxonomy's order, undefined last.
        distance: half the sum of all differences of shares, 0..1: the share of texts that would have to change label.
        length: of texts.
        rows: all texts.
    """

    documents: int
    blank: int
    different: int
    known: int
    rate: float
    compared_by: str
    novel: int
    expected: float
    novel_p: float
    has_novelty: bool
    discovered: int
    groups: tuple[NovelGroup, ...]
    labels: tuple[LabelShift, ...]
    distance: float
    length: Length
    rows: Rows

    @property
    def shifted(self) -> tuple[LabelShift, ...]:
        """The labels whose share has changed, the largest change first."""
        changed = [label for label in self.labels if label.has_shifted]
        return tuple(sorted(changed, key=lambda label: -abs(label.now - label.then)))

    @property
    def has_changed(self) -> bool:
        """Whether anything calls for a look."""
        return self.has_novelty or bool(self.shifted) or self.length.has_shifted

    def to_dict(self) -> dict[str, Any]:
        """JSON types; without the rows."""
        return {
            **{
                name: value
                for name, value in vars(self).items()
                if name not in ("groups", "labels", "length", "rows")
            },
            "has_changed": self.has_changed,
            "length": asdict(self.length),
            "labels": [asdict(label) for label in self.labels],
            "groups": [asdict(group) for group in self.groups],
        }


def monitor(
    documents: Iterable[Document],
    classifier: Classifier,
    reference: Reference,
    *,
    rate: float = RATE,
    encoder: Encoder | None = None,
) -> MonitorReport:
    """Compare incoming texts with the training texts of a classifier.

    They are read in portions of at most `classifiers.novelty.MOST`; texts of one portion bear on each other's novelty.

    Args:
        documents: the incoming texts, numbered from 0.
        classifier: labels them.
        reference: of its training texts.
        rate: of false alarms, for each of the questions.
        encoder: made the reference's vectors; None where they are the classifier's own features.
    """
    # What it abstains from is as frequent as it was: the shares are compared before that.
    sure = replace(classifier, least_confidence=0.0)
    ids: list[str] = []
    parts: list[_Portion] = []
    kept, spoken, apart = _Kept(), Counter[str](), 1.0
    for some in _portions(documents, MOST):
        ids += [document.id for document in some]
        part = _score(some, sure, reference, encoder)
        parts.append(part)
        if not kept.texts and part.features is not None:
            apart = apartness(part.features)
        kept = kept.with_portion(some, part, rate)
        spoken.update(
            word
            for document, is_copy in zip(some, part.is_copy, strict=True)
            if not is_copy
            for word in words_in(document.text)
        )
    columns = (
        [np.concatenate([getattr(part, name) for part in parts]) for name in _Portion.COLUMNS]
        if parts
        else [np.zeros(0, dtype=kind) for kind in (np.int64, np.int64, float, float, np.int64, bool)]
    )
    primary, found, confidence, novelty, words, is_copy = columns
    filled = words > 0
    different = filled & ~is_copy
    is_novel = filled & (novelty > 1 - rate)
    selected = discovered(novelty[different])
    names = [*(label.name for label in classifier.labels), UNDEFINED]
    category_ids = [*(label.id for label in classifier.labels), None]
    novel_p = _more(novelty[different], rate, len(reference))
    threshold = selected if selected is not None and kept.above(selected) else 1 - rate
    labels = _shifts(reference.found, found[different], names, category_ids, rate)
    return MonitorReport(
        documents=len(ids),
        blank=int((~filled).sum()),
        known=len(reference),
        rate=rate,
        compared_by=classifier.representation.id if encoder is None else encoder.id,
        different=int(different.sum()),
        novel=int(is_novel.sum()),
        expected=rate * int(filled.sum()),
        novel_p=novel_p,
        has_novelty=novel_p <= rate,
        discovered=0 if selected is None else int((novelty[filled] >= selected).sum()),
        groups=group_novel(*kept.most_novel(threshold), names, Usual(int(different.sum()), spoken, apart)),
        labels=labels,
        distance=sum(abs(label.now - label.then) for label in labels) / 2,
        length=_length(reference.words, words[different], rate),
        rows=Rows(ids, primary % len(names), names, category_ids, confidence, novelty, is_novel),
    )


def discovered(novelty: NDArray[np.float64], rate: float = DISCOVERY_RATE) -> float | None:
    """The novelty from which texts are new together: of those that reach it about a share `rate` is known.

    None where no text can be picked out: the rule of Benjamini and Hochberg over p-values of 1 - novelty.
    """
    return discovered_among(novelty, len(novelty), rate)


def discovered_among(
    newest: Sequence[float] | NDArray[np.float64], count: int, rate: float = DISCOVERY_RATE
) -> float | None:
    """As `discovered`, where of `count` texts only the newest are at hand."""
    p = np.sort(1 - np.asarray(newest, dtype=np.float64))
    passed = np.flatnonzero(p <= rate * np.arange(1, len(p) + 1) / max(count, 1) + 1e-12)
    return float(1 - p[passed[-1]]) if len(passed) else None


def words_of(text: str) -> int:
    """How many words a text has; at least 1 where there is anything but space."""
    return len(text.split())


def raw_classes(classifier: Classifier, features: Features) -> NDArray[np.int64]:
    """int64 [n]: what the head says, however far away a text is; -1 is undefined."""
    if not len(features):
        return np.zeros(0, dtype=np.int64)
    top = classifier.head.predict_proba(features).argmax(axis=1)
    return np.where(top < len(classifier.labels), top, -1).astype(np.int64)


# --- portions


@dataclass(frozen=True, eq=False)
class _Portion:
    """Columns of some texts; `features` are those of the different texts that are not blank."""

    COLUMNS = ("primary", "found", "confidence", "novelty", "words", "is_copy")

    primary: NDArray[np.int64]
    found: NDArray[np.int64]
    confidence: NDArray[np.float64]
    novelty: NDArray[np.float64]
    words: NDArray[np.int64]
    is_copy: NDArray[np.bool_]
    features: Features | None


def _portions(documents: Iterable[Document], size: int) -> Iterator[list[Document]]:
    stream = iter(documents)
    while some := list(islice(stream, size)):
        yield some


def _score(
    some: Sequence[Document], classifier: Classifier, reference: Reference, encoder: Encoder | None
) -> _Portion:
    words = np.array([words_of(document.text) for document in some], dtype=np.int64)
    filled = np.flatnonzero(words)
    primary, found = np.full(len(some), -1), np.full(len(some), -1)
    confidence, novelty = np.ones(len(some)), np.zeros(len(some))
    copies = np.zeros(len(some), dtype=bool)
    features = None
    if len(filled):
        # Each different text once: copies would lie together, whatever they say.
        place: dict[str, int] = {}
        of = np.array([place.setdefault(some[row].text, len(place)) for row in filled.tolist()])
        copies[filled] = np.concatenate([[False], of[1:] <= np.maximum.accumulate(of)[:-1]])
        features = classifier.representation.encode(list(place))
        predictions = classifier.predict_features(features)
        raw = raw_classes(classifier, features)
        primary[filled], confidence[filled] = predictions.primary[of], predictions.confidence[of]
        if encoder is not None:
            features = Features(encoder.encode(list(place)))
        found[filled], novelty[filled] = raw[of], reference.score(features, raw)[of]
    return _Portion(primary, found, confidence, novelty, words, copies, features)


@dataclass(frozen=True, eq=False)
class _Kept:
    """The newest texts of all portions so far, with their features."""

    texts: tuple[NovelText, ...] = ()
    features: Features | None = None

    def with_portion(self, some: Sequence[Document], part: _Portion, rate: float) -> "_Kept":
        if part.features is None:
            return self
        filled = np.flatnonzero((part.words > 0) & ~part.is_copy)
        new = np.flatnonzero(part.novelty[filled] > 1 - rate)
        if not len(new):
            return self
        texts = [
            NovelText(
                some[row].number, some[row].id, some[row].text, float(part.novelty[row]), int(part.found[row])
            )
            for row in filled[new].tolist()
        ]
        features = part.features.take(new)
        if self.features is not None:
            texts, features = [*self.texts, *texts], Features.concatenate([self.features, features])
        order = sorted(range(len(texts)), key=lambda place: (-texts[place].novelty, texts[place].number))[
            :MOST_KEPT
        ]
        return _Kept(tuple(texts[place] for place in order), features.take(np.array(order)))

    def above(self, threshold: float) -> bool:
        return bool(self.texts) and self.texts[0].novelty >= threshold

    def most_novel(self, threshold: float) -> tuple[Sequence[NovelText], Features | None]:
        """Those from a novelty on; they are sorted."""
        count = sum(text.novelty >= threshold for text in self.texts)
        return self.texts[:count], None if self.features is None else self.features.take(slice(count))


# --- tests


def _more(novelty: NDArray[np.float64], rate: float, known: int) -> float:
    """p-value of so many new texts, one-sided: against the training texts, of which a share `rate` is so.

    Looked at twice, for many that are new and for fewer that are newer still; so the smaller p counts double.
    """
    from scipy.stats import fisher_exact

    of, smallest = len(novelty), 1.0
    if not of or not known:
        return 1.0
    for share in (rate, rate / 5):
        found, usual = int((novelty > 1 - share).sum()), round(share * known)
        p = fisher_exact(np.array([[found, of - found], [usual, known - usual]]), alternative="greater")[1]
        smallest = min(smallest, 2 * float(p))
    return smallest


def _shifts(
    then: NDArray[np.int64],
    now: NDArray[np.int64],
    names: Sequence[str],
    category_ids: Sequence[str | None],
    rate: float,
) -> tuple[LabelShift, ...]:
    """Fisher's exact test for each label, and Holm's correction over all of them."""
    from scipy.stats import fisher_exact

    before, after = (np.bincount(found % len(names), minlength=len(names)) for found in (then, now))
    n, m = len(then), len(now)
    p = np.ones(len(names))
    if n and m:
        p = np.array(
            [fisher_exact(np.array([[a, m - a], [b, n - b]]))[1] for a, b in zip(after, before, strict=True)]
        )
    shifted = np.zeros(len(names), dtype=bool)
    for place, row in enumerate(np.argsort(p, kind="stable")):
        if p[row] > rate / (len(names) - place):
            break
        shifted[row] = True
    return tuple(
        LabelShift(
            id=category_ids[row],
            name=names[row],
            then=float(before[row] / max(n, 1)),
            now=float(after[row] / max(m, 1)),
            count=int(after[row]),
            p=float(p[row]),
            has_shifted=bool(shifted[row]),
        )
        for row in range(len(names))
    )


def _length(then: NDArray[np.int64], now: NDArray[np.int64], rate: float) -> Length:
    """Mann and Whitney's rank test."""
    from scipy.stats import mannwhitneyu

    if not len(then) or not len(now):
        return Length(0.0, 0.0, 1.0, has_shifted=False)
    p = 1.0
    if len(np.unique(np.concatenate([then, now]))) > 1:
        p = float(mannwhitneyu(then, now).pvalue)
    return Length(float(np.median(then)), float(np.median(now)), p, has_shifted=p <= rate)
