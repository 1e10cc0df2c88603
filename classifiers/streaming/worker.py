"""A process that labels batches: it loads the classifier once, then answers one frame with one.

It is told what to load by the first frame, `Work` as JSON. It ends when its owner closes the pipe, or dies.
"""

import os
import sys
import traceback
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..classifier import Classifier
from ..encoders import CachedEncoder
from ..encoders.static import StaticEncoder
from .frames import receive, send
from .results import Labelled, Names, labelled

if TYPE_CHECKING:
    from pyarrow import StringArray


@dataclass(frozen=True, slots=True)
class Work:
    """How batches are labelled.

    Attributes:
        classifier: a bundle's folder.
        agreement: the classifier abstains where it cannot promise this agreement; None: it never does.
        deduplicate: equal texts of a batch are encoded once.
        cache: folder where vectors that a neural network or an endpoint makes are looked up and kept; None: nowhere.
    """

    classifier: str
    agreement: float | None = None
    deduplicate: bool = True
    cache: str | None = None

    def open(self) -> Classifier:
        """The classifier as it is to be used.

        Raises:
            BundleError, MissingPartError: it cannot be loaded.
            SettingsError: it cannot promise anything about its agreement.
        """
        return self.fit(Classifier.load(Path(self.classifier)))

    def fit(self, classifier: Classifier) -> Classifier:
        """A classifier that is loaded already, as it is to be used."""
        if self.agreement is not None:
            classifier = classifier.with_agreement(self.agreement)
        if self.cache is not None:
            classifier = _cached(classifier, Path(self.cache))
        return classifier

    def label(self, classifier: Classifier, ids: "StringArray", texts: "StringArray") -> Labelled:
        """Label one batch."""
        return labelled(ids, classifier.predict_many(texts.to_pylist(), deduplicate=self.deduplicate))


def _cached(classifier: Classifier, folder: Path) -> Classifier:
    """The same, with its vectors kept; those of `static` are made in less time than it takes to look them up."""
    known = classifier.representation
    dense = [each if each.id == StaticEncoder.id else CachedEncoder(each, folder) for each in known.dense]
    return replace(classifier, representation=replace(known, dense=tuple(dense)))


def names_of(classifier: Classifier) -> Names:
    """Ids and names of the classifier's labels."""
    return Names(
        tuple(label.id for label in classifier.labels), tuple(label.name for label in classifier.labels)
    )


def main() -> None:
    """Work until standard input ends. What libraries print goes to standard error."""
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    try:
        serve(sys.stdin.buffer, answers)
    except BrokenPipeError:
        os._exit(0)  # the owner is gone, and nobody is left to be told


def serve(requests: IO[bytes], answers: IO[bytes]) -> None:
    """Answer frames: first that the classifier is loaded, with its labels, then one for each batch."""
    first = receive(requests)
    if first is None:
        return
    try:
        work = Work(**first[0])
        classifier = work.open()
        # Encoders and heads load when they are first used: that belongs to getting ready, and so do their faults.
        classifier.predict_many(["ready"])
        send(answers, asdict(names_of(classifier)))
    except Exception as error:  # noqa: BLE001  # told to the owner, which raises it
        send(answers, _fault(error))
        return
    while (frame := receive(requests)) is not None:
        try:
            done = _answer(work, classifier, frame[1])
        except Exception as error:  # noqa: BLE001  # likewise
            send(answers, _fault(error))
        else:
            counts = {"rows": done.rows, "undefined": done.undefined, "abstained": done.abstained}
            send(answers, counts, done.stream)


def _answer(work: Work, classifier: Classifier, body: bytes) -> Labelled:
    import pyarrow as pa

    batch = pa.ipc.open_stream(body).read_next_batch()
    return work.label(classifier, batch.column("id"), batch.column("text"))


def _fault(error: Exception) -> dict[str, Any]:
    return {
        "error": type(error).__name__,
        "message": str(error),
        "notes": list(getattr(error, "__notes__", [])),
        "trace": "".join(traceback.format_exception(error)),
    }
