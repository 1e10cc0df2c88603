"""From raw votes to labels: correct the LLM's liking for certain letters, and let the embedding vote too.

A small model prefers some letters whatever the text. The preference is estimated once for each order of the
letters, on texts balanced over what the embedding says they are about, and divided out; dividing by the mean of
the very texts that are being labelled would take away the truth along with it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .evidence import Placement, Rows

Distribution = NDArray[np.float64]

ALSO_FROM = 0.3
"""A category applies beside the first from this probability on."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The outcome for one document.

    Attributes:
        primary: column of its category; None for undefined.
        all: columns of all categories that apply, the likeliest first.
        confidence: 0..1.
    """

    primary: int | None
    all: tuple[int, ...]
    confidence: float


def balanced(placement: Placement, each: int) -> Rows:
    """Rows of at most `each` documents for every category, those that lie nearest to it first."""
    nearest, best = placement.nearest, placement.best
    rows = [
        row
        for column in range(placement.similarities.shape[1])
        for row in sorted(np.flatnonzero(nearest == column), key=lambda row: (-best[row], row))[:each]
    ]
    return np.array(sorted(rows), dtype=np.int64)


def prior(votes: Mapping[int, Distribution], sample: Rows, nearest: Rows, k: int) -> Distribution:
    """Mean vote over a sample, every embedding group weighing the same; float64 [k], sums to 1.

    Args:
        votes: by row, float64 [k].
        sample: rows of the balanced sample; those without a vote are passed over.
        nearest: int64 [n], the embedding's category of each row.
        k: categories.
    """
    groups: dict[int, list[Distribution]] = {}
    for row in sample:
        if int(row) in votes:
            groups.setdefault(int(nearest[row]), []).append(votes[int(row)])
    if not groups:
        return np.full(k, 1 / k)
    mean = np.mean([np.mean(members, axis=0) for members in groups.values()], axis=0)
    return np.asarray(mean / mean.sum(), dtype=np.float64)


def contested(
    votes: Mapping[int, Distribution], placement: Placement, sample: Rows, *, prior_power: float
) -> Rows:
    """Rows where the first vote, corrected for its letters, and the embedding name different categories."""
    nearest = placement.nearest
    liking = prior(votes, sample, nearest, placement.similarities.shape[1]) ** prior_power
    return np.array(
        sorted(row for row, vote in votes.items() if int(np.argmax(vote / liking)) != int(nearest[row])),
        dtype=np.int64,
    )


def settle(
    orders: Sequence[Mapping[int, Distribution]],
    placement: Placement,
    sample: Rows,
    *,
    prior_power: float,
    temperature: float,
) -> dict[int, Settled]:
    """Combine the votes of one or more letter orders with the embedding's similarities.

    Args:
        orders: for each letter order, the vote float64 [k] of each row that was asked.
        placement: of all n rows.
        sample: rows of the balanced sample, for the priors.
        prior_power: votes are divided by prior ** this; 0 trusts them as they are.
        temperature: of the softmax over similarities; the smaller, the more the embedding counts.

    Returns:
        by row, for every row that has a vote.
    """
    n, k = placement.similarities.shape
    nearest, fits = placement.nearest, placement.fits
    total = np.zeros((n, k))
    count = np.zeros(n)
    for votes in orders:
        correction = prior_power * np.log(prior(votes, sample, nearest, k) + 1e-9)
        for row, vote in votes.items():
            total[row] += _log_normal(np.log(vote + 1e-9) - correction)
            count[row] += 1
    by_embedding = placement.similarities.astype(np.float64) / temperature
    settled = {}
    for row in np.flatnonzero(count).tolist():
        logits = total[row] / count[row] + _log_normal(by_embedding[row])
        settled[row] = choose(np.exp(_log_normal(logits)), fits=bool(fits[row]))
    return settled


def choose(probabilities: Distribution, *, fits: bool) -> Settled:
    """A label from probabilities [k]; undefined where the document fits nothing."""
    first = int(np.argmax(probabilities))
    if not fits:
        return Settled(primary=None, all=(), confidence=float(1 - probabilities[first] / 2))
    also = [
        int(column)
        for column in np.argsort(-probabilities, kind="stable")
        if column == first or probabilities[column] >= ALSO_FROM
    ]
    return Settled(primary=first, all=tuple(also), confidence=float(probabilities[first]))


def _log_normal(logits: Distribution) -> Distribution:
    """Logits shifted so that their exponentials sum to 1."""
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()), dtype=np.float64)
