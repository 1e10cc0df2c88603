"""Monitoring a finished run: incoming texts against the texts that its classifier was trained on."""

import json
from dataclasses import replace
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checkpoints.readers import read_corpus
from ..checkpoints.workspace import Workspace
from ..taxonomy.errors import MissingPartError, RunStateError, SettingsError

if TYPE_CHECKING:
    from ..classifiers.classifier import Classifier
    from ..classifiers.encoders import Encoder
    from ..classifiers.novelty import Reference
    from ..tools.monitor import MonitorReport


def monitor_run(
    workspace: Path | str,
    run: str,
    corpus: Any,
    *,
    text_column: str = "text",
    id_column: str | None = None,
    rate: float = 0.05,
) -> "MonitorReport":
    """Compare incoming texts with those that a run was trained on; nothing of the run changes, and no LLM is asked.

    Args:
        workspace, run: which one; it must have been finished once.
        corpus: the texts, in any form that `Run.start` takes.
        text_column, id_column: where they have columns.
        rate: of false alarms, above 0 and below 1.

    Raises:
        RunStateError: the run has no classifier yet.
        SettingsError: the rate makes no sense.
        CorpusError: the texts cannot be read.
        BundleError, RunNotFoundError, WorkspaceError, StorageError, MissingPartError: as they say.
    """
    from ..classifiers.novelty import MOST
    from ..tools.monitor import monitor

    if not 0 < rate < 1:
        raise SettingsError(
            f"a rate of false alarms of {rate} makes no sense: give one between 0 and 1, such as 0.05"
        )
    documents = read_corpus(corpus, text_column=text_column, id_column=id_column)
    first = list(islice(documents, MOST + 1))
    with Workspace.open(workspace) as tables:
        # The loop's encoder tells more than quick features do; of many texts it would take too long.
        classifier, reference, encoder = finished_outputs(tables, run, thorough=len(first) <= MOST)
    return monitor(chain(first, documents), classifier, reference, rate=rate, encoder=encoder)


def finished_outputs(
    tables: Workspace, run: str, *, thorough: bool
) -> "tuple[Classifier, Reference, Encoder | None]":
    """The classifier of a run's outputs on disk, what is known of its training texts, and the encoder that made the
    vectors of those; None where they are the classifier's own features.

    Args:
        tables, run: which one.
        thorough: let the run's encoder make the vectors, if it is installed.

    Raises:
        RunStateError: there are none.
        BundleError, RunNotFoundError, MissingPartError: as they say.
    """
    from ..classifiers.classifier import Classifier
    from ..classifiers.encoders import open_encoder
    from ..classifiers.encoders.cached import CachedEncoder
    from ..nodes.train_classifier import VECTORS
    from ..tools.known_texts import known_texts

    folder, version = published(tables, run)
    classifier = Classifier.load(folder / "classifier")
    rows = list(tables.labels.taught(run, version))
    documents = tables.documents.get([row.number for row in rows])
    encoder, store = None, tables.path / VECTORS
    if thorough:
        try:
            encoder = open_encoder(tables.runs.get(run).settings["settings"]["encoder"])
        except MissingPartError:
            encoder = None
    own = classifier.representation
    stored = replace(
        own, dense=tuple(part if part.id == "static" else CachedEncoder(part, store) for part in own.dense)
    )
    # The vectors of the training texts were kept when it was trained.
    reference = known_texts(
        replace(classifier, representation=stored),
        [document.text for document in documents],
        [row.primary for row in rows],
        None if encoder is None else CachedEncoder(encoder, store),
    )
    return classifier, reference, encoder


def published(tables: Workspace, run: str) -> tuple[Path, str]:
    """The folder of a run's outputs on disk, and the version that they are of.

    Raises:
        RunStateError: there are none.
        RunNotFoundError: there is no such run.
    """
    status = tables.runs.get(run).status
    # Resolved once: taxonomy and classifier of one edition, whatever is published meanwhile.
    folder = tables.run_folder(run).resolve()
    try:
        return folder, str(json.loads((folder / "taxonomy.json").read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunStateError(
            f"the run {run!r} is {status} and has no results yet: resume or approve it first"
        ) from error
