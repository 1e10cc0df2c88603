"""Calibration, and the evidence for what can be promised: from predictions of texts that were held out."""

import numpy as np
from numpy.typing import NDArray

from ..classifiers.agreement import Agreement
from ..classifiers.calibration import Calibration
from .choose_classifier import Held, Sample

LEAST_REPRESENTATIVE = 50
"""With fewer texts that were drawn at random, calibration and agreement are measured on all."""


def only(held: Held, wanted: NDArray[np.bool_]) -> Held:
    """What was held out of the wanted texts, mask [m]; of all, where those are too few to measure anything on."""
    if wanted.sum() < min(LEAST_REPRESENTATIVE, len(wanted)):
        return held
    return Held(held.rows[wanted], held.chances[wanted], held.passed[wanted], held.found[wanted])


def calibrate(sample: Sample, categories: int, held: Held) -> tuple[Calibration, Agreement | None]:
    """From held-out predictions: of the texts that the head has a class for, and of those that get a category."""
    true = sample.classes[held.rows]
    taught = true < held.chances.shape[1]
    calibration = Calibration.fit(held.chances[taught], true[taught])
    given = held.found < categories
    if not given.any():
        return calibration, None
    confidence = calibration.apply(held.chances[given]).max(axis=1)
    return calibration, Agreement(confidence.astype(np.float32), held.found[given] == true[given])
