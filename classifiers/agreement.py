"""Agreement: from which confidence on the classifier can be trusted to say what the LLM would have said."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from ..taxonomy.errors import BundleError, SettingsError
from .arrays import read_arrays, write_arrays

RISK = 0.04
"""Chance that a promise is broken, where nothing else is said."""

BATCH = 2_000
"""Texts that a promise is about, where nothing else is said; over fewer, chance alone may break it more often."""

# Thresholds that are looked at: each accepts so much more of the evidence than the one before.
_STEP = 0.02
_WHAT = "the evidence of agreement"


@dataclass(frozen=True)
class Agreement:
    """Held-out evidence: texts that the LLM labelled and that the classifier predicted without having seen them.

    Attributes:
        confidence: float32 [n], of the prediction.
        agrees: bool [n], whether it was the LLM's label.
    """

    confidence: NDArray[np.float32]
    agrees: NDArray[np.bool_]

    def __post_init__(self) -> None:
        if self.confidence.ndim != 1 or self.confidence.shape != self.agrees.shape:
            raise ValueError("one confidence and one truth value for each text")
        object.__setattr__(self, "confidence", np.asarray(self.confidence, dtype=np.float32))
        object.__setattr__(self, "agrees", np.asarray(self.agrees, dtype=np.bool_))

    def __len__(self) -> int:
        """Texts."""
        return len(self.confidence)

    def threshold(self, level: float, *, risk: float = RISK, batch: int = BATCH) -> float | None:
        """The least confidence from which on predictions agree with the LLM's labels as often as wanted.

        The promise is about what will be *observed*: of the next `batch` texts of this kind, those at or above
        the threshold agree in a share of at least `level`, except with probability `risk`. So it allows for
        the fluctuation of the evidence and for that of the batch. With `batch` beyond all bounds it is the
        Clopper-Pearson test of "the true agreement is below `level`".

        Thresholds are tested from the strictest on, each accepting 2 % of the texts more, and the last one
        before the first failure is taken: fixed-sequence testing, which needs no correction for the number
        of tests (Angelopoulos et al., Learn then Test, 2021; the same promise as Geifman and El-Yaniv's
        selection with guaranteed risk, NeurIPS 2017, which pays for a binary search). Strict thresholds that
        fail because they accept too few texts to prove anything are passed over until the first success. The
        theorem does not cover that; how often promises were broken with it was simulated (docs/decisions.md).

        Args:
            level: wanted agreement, 0..1.
            risk: accepted chance that the promise is broken, above 0.
            batch: texts that will be classified, accepted or not.

        Returns:
            The threshold; predictions at or above it are accepted. None: no threshold can promise it, for
            want of agreement or of evidence.

        Raises:
            SettingsError: an argument is out of its range.
        """
        if not (0 <= level <= 1 and 0 < risk < 1 and batch >= 1):
            raise SettingsError(
                f"agreement {level} with risk {risk} over {batch} texts makes no sense: "
                "the agreement is in 0..1, the risk between 0 and 1, the batch at least 1"
            )
        count = len(self)
        if not count:
            return None
        order = np.argsort(-self.confidence, kind="stable")
        sorted_confidence = self.confidence[order]
        agreeing = np.cumsum(self.agrees[order])
        # Equal confidences are accepted together.
        ends = np.flatnonzero(np.append(np.diff(sorted_confidence) != 0, True))
        wanted = np.ceil(np.arange(_STEP, 1 + _STEP / 2, _STEP) * count).astype(np.int64) - 1
        passed = None
        for end in np.unique(ends[np.searchsorted(ends, np.minimum(wanted, count - 1))]):
            accepted, good = int(end) + 1, int(agreeing[end])
            future = max(1, round(batch * accepted / count))
            if _chance_of_less(good, accepted - good, future, level) <= risk:
                passed = float(sorted_confidence[end])
            elif passed is not None:
                break
        # One step of single precision lower: a confidence is rounded when it is kept.
        return None if passed is None else float(np.nextafter(np.float32(passed), np.float32(-1)))

    def coverage(self, threshold: float) -> float:
        """Share of the texts whose confidence is at least `threshold`, 0..1; 0 without evidence."""
        return float((self.confidence >= threshold).mean()) if len(self) else 0.0

    def observed(self, threshold: float) -> float | None:
        """Share of the texts at or above `threshold` that agree; None where there are none."""
        accepted = self.agrees[self.confidence >= threshold]
        return float(accepted.mean()) if len(accepted) else None

    def save(self, path: Path) -> None:
        """Write an npz; equal evidence gives equal bytes."""
        write_arrays(path, {"confidence": self.confidence, "agrees": self.agrees})

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            BundleError: the file is absent, damaged, or holds something else.
        """
        arrays = read_arrays(path, _WHAT, {"confidence": (None,), "agrees": (None,)})
        confidence, agrees = arrays["confidence"], arrays["agrees"]
        if len(confidence) != len(agrees) or confidence.dtype != np.float32 or agrees.dtype != np.bool_:
            raise BundleError(
                f"{_WHAT} in {path} is inconsistent: {len(confidence)} times {confidence.dtype}, "
                f"{len(agrees)} times {agrees.dtype}"
            )
        return cls(confidence, agrees)


def _chance_of_less(good: int, bad: int, future: int, level: float) -> float:
    """How likely it is that of `future` texts less than `level` agree, after `good` did and `bad` did not.

    Beta-binomial. The beta distribution is the one whose quantiles are Clopper and Pearson's lower bounds.
    """
    if not good:
        return 1.0 if level > 0 else 0.0
    from scipy.special import betaln, gammaln

    allowed = future - int(np.ceil(level * future - 1e-9))
    failures = np.arange(allowed + 1)
    chances = (
        gammaln(future + 1)
        - gammaln(failures + 1)
        - gammaln(future - failures + 1)
        + betaln(good + future - failures, bad + 1 + failures)
        - betaln(good, bad + 1)
    )
    return max(0.0, 1.0 - float(np.exp(chances).sum()))
