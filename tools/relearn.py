"""Training anew after an edit, where nothing but some categories has changed: only those are learned again.

A linear head holds one problem for each class, this class against all other texts. Where the texts are the very same
and a class has kept its own, its problem is the same, and so is its solution: it is taken over. After a merge of two
of 77 categories that leaves one problem out of 76.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import blake2b
from pathlib import Path
from typing import Any

import numpy as np

from ..classifiers.classifier import Classifier
from ..classifiers.heads.linear import LinearHead
from .choose_classifier import MOST, Sample, Trained, fit_gate, storing
from .classifier_metrics import Metrics

EVERYTHING = "*"
MOST_CHANGED = 0.1
"""Share of the classes; with more changed, calibration and figures are measured anew."""


def digests(sample: Sample, names: Sequence[str]) -> dict[str, str]:
    """By name of the class, and `EVERYTHING`, a hash of the texts that are learned from.

    Args:
        sample: the texts, in any order.
        names: of the classes, by number; a class without texts has no hash.
    """
    keys = np.array(
        [blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest() for text in sample.texts]
    )
    found = {EVERYTHING: _digest(keys)}
    for number, name in enumerate(names):
        if (inside := sample.classes == number).any():
            found[name] = _digest(keys[inside])
    return found


def _digest(keys: Any) -> str:
    return blake2b(b"".join(sorted(keys.tolist())), digest_size=12).hexdigest()


def relearn(
    earlier: Classifier,
    learned_from: Mapping[str, str],
    sample: Sample,
    names: Sequence[str],
    *,
    learned: bool,
    seed: int,
    store: Path | None,
) -> Trained | None:
    """What `earlier` becomes for other categories of the same texts; None where it must be trained as a whole.

    Args:
        earlier: what was trained before, on more than `MOST` texts, with the head ``linear``.
        learned_from: the `digests` of what is to be learned from now.
        sample: that itself.
        names: ids of the categories, and behind them what undefined is called.
        learned: whether undefined is a class of the head.
        seed: of what is drawn.
        store: folder where vectors are kept.
    """
    head, before = earlier.head, earlier.learned_from
    categories = len(names) - 1
    classes = categories + learned
    if len(sample) <= MOST or not isinstance(head, LinearHead) or earlier.learned_undefined != learned:
        return None
    if not before or before.get(EVERYTHING) != learned_from[EVERYTHING]:
        return None
    old = [label.id for label in earlier.labels] + [names[-1]] * learned
    same = {name: place for place, name in enumerate(old) if before.get(name) == learned_from.get(name)}
    kept = np.array([same.get(name, -1) for name in names[:classes]], dtype=np.int64)
    if (kept < 0).sum() > max(1, MOST_CHANGED * classes):
        return None
    if not learned and before.get(names[-1]) != learned_from.get(names[-1]):
        return None  # such texts are left out then, and others are: no problem is the same
    representation = storing(lambda _: earlier.representation, store)("")
    features = representation.encode(sample.texts)
    rows = np.arange(len(sample)) if learned else np.flatnonzero(sample.classes < categories)
    fitted = LinearHead(classes, c=head.c, scale=head.scale, seed=seed).fit_changed(
        features.take(rows), sample.classes[rows], head, kept
    )
    gate = fit_gate(features, sample, categories, seed=seed)
    return Trained(representation, features, fitted, gate)


def carried_over(earlier: Classifier, now: Classifier) -> Metrics:
    """The figures of the classifier that this one was made from, saying so."""
    before = Metrics.from_dict(earlier.metrics)
    known = {label.id for label in now.labels} | {None}
    classes = tuple(row for row in before.classes if row.id in known)
    note = (
        "only the categories that were edited have been learned anew; the figures are those from before, and a new "
        "category has none yet."
    )
    warnings = tuple(each for each in before.warnings if each != note)
    return replace(before, classes=classes, promise=None, warnings=(*warnings, note))
