"""Monitoring a finished run: incoming texts against the texts that its classifier was trained on."""

import json
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checkpoints.readers import read_corpus
from ..checkpoints.workspace import Workspace
from ..taxonomy.errors import RunStateError, SettingsError

if TYPE_CHECKING:
    from ..classifiers.classifier import Classifier
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
    from ..tools.monitor import monitor

    if not 0 < rate < 1:
        raise SettingsError(
            f"a rate of false alarms of {rate} makes no sense: give one between 0 and 1, such as 0.05"
        )
    with Workspace.open(workspace) as tables:
        classifier, _, reference = finished_outputs(tables, run)
    documents = read_corpus(corpus, text_column=text_column, id_column=id_column)
    return monitor(documents, classifier, reference, rate=rate)


def finished_outputs(tables: Workspace, run: str) -> "tuple[Classifier, str, Reference]":
    """The classifier of a run's outputs on disk, the version they are of, and what is known of its training texts.

    Raises:
        RunStateError: there are none.
        BundleError, RunNotFoundError, MissingPartError: as they say.
    """
    from ..classifiers.classifier import Classifier
    from ..classifiers.encoders.cached import CachedEncoder
    from ..nodes.train_classifier import VECTORS
    from ..tools.known_texts import known_texts

    folder, version = published(tables, run)
    classifier = Classifier.load(folder / "classifier")
    rows = list(tables.labels.taught(run, version))
    documents = tables.documents.get([row.number for row in rows])
    stored = replace(
        classifier.representation,
        dense=tuple(
            part if part.id == "static" else CachedEncoder(part, tables.path / VECTORS)
            for part in classifier.representation.dense
        ),
    )
    # The vectors of the training texts were kept when it was trained.
    reference = known_texts(
        replace(classifier, representation=stored),
        [document.text for document in documents],
        [row.primary for row in rows],
    )
    return classifier, version, reference


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
