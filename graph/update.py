"""Updating: a new run that goes on where a finished one stands, with new documents.

The documents are added at the end of the workspace's corpus; the old run goes on seeing its own. The new run compares
them with what the classifier was trained on, and only what is new to it goes through the loop, which begins with the
old run's taxonomy. Labels of the old documents follow by lineage.
"""

import os
import shutil
from pathlib import Path
from typing import Any

from ..checkpoints.documents import CorpusInfo
from ..checkpoints.editions import Editions
from ..checkpoints.history import open_thread
from ..checkpoints.readers import describe_source, read_corpus
from ..checkpoints.run_documents import Part
from ..checkpoints.runs import RunRow, check_run_name
from ..checkpoints.sharing import share_checks, share_labels, share_rounds, share_versions
from ..checkpoints.workspace import Workspace
from ..llm.spec import choose_model
from ..nodes.reading import Reading
from ..nodes.reading_on import ReadingOn
from ..nodes.settings import Settings
from ..nodes.state import NOVEL
from ..nodes.train_classifier import FOLDER
from ..taxonomy.errors import SettingsError
from .fork import free_name
from .history import find_step
from .monitoring import published
from .session import RunStatus, check_version

_TAKEN_ALONG = ("instructions", "read_with", "label_style")
"""Keys of the state that hold on."""
SETTINGS = ("auto", "budget_tokens", "max_categories", "pause_every", "label_sample", "sample")
"""Settings that may differ; nothing that the old run rests on."""


def begin_update(
    workspace: Path | str,
    run: str,
    corpus: Any,
    *,
    name: str | None = None,
    text_column: str = "text",
    id_column: str | None = None,
    llm: str | None = None,
    **settings: Any,
) -> str:
    """Add documents to a workspace and begin a run that goes on from a finished one; returns its name.

    Nothing is worked on yet. Adding the same documents again adds nothing, and begins another run. Either the documents
    and the run are both there afterwards, or neither.

    Args:
        workspace, run: the old run; it must have been finished once. What counts is the taxonomy of its results.
        corpus: the new documents, in any form that `Run.start` takes.
        name: of the new run; None for the old one's with -2, -3, ...
        text_column, id_column: where the corpus has columns.
        llm: another one for the new run; None for the old run's.
        settings: of `SETTINGS`; the others are the old run's.

    Raises:
        RunStateError: the old run has no results yet.
        CorpusError: the documents cannot be read, or there are none.
        VersionError, RunExistsError, RunNotFoundError, WorkspaceError, SettingsError, StorageError: as they say.
    """
    if name is not None:
        check_run_name(name)
    with Workspace.open(workspace) as tables:
        row = tables.runs.get(run)
        check_version(row)
        folder, version = published(tables, run)
        with open_thread(tables.checkpoints_path, row.thread_id) as thread:
            state = find_step(thread, run, None).values
        old = tables.documents.of(row.settings.get("corpus")).info
        with tables.database.transaction():
            info = tables.documents.of(old.fingerprint).extend(
                read_corpus(corpus, text_column=text_column, id_column=id_column),
                source=describe_source(corpus),
            )
            name = name or free_name(tables, row)
            tables.runs.create(
                name,
                settings=_settings(row, settings, llm, state, old, info, version),
                graph_version=row.graph_version,
                status=RunStatus.STOPPED,
                parent=run,
            )
            share_versions(tables.database, run, name, [version])
            share_labels(tables.database, run, name, [version], all_of_them=True)
            share_checks(tables.database, run, name, [version])
            share_rounds(tables.database, run, name, state.get("counts", {}).get("rounds", 0))
            _share_sample(tables, row, name)
            # What comes last is in files: a process that is killed here has changed no table.
            target = Editions(tables.run_folder(name)).folder(1) / FOLDER
            shutil.rmtree(target, ignore_errors=True)
            shutil.copytree(folder / FOLDER, target)
    return name


def _settings(
    row: RunRow,
    changes: dict[str, Any],
    llm: str | None,
    state: Any,
    old: CorpusInfo,
    info: CorpusInfo,
    version: str,
) -> dict[str, Any]:
    """What the new run's row says."""
    from .run import checked_settings

    stored = {name: value for name, value in row.settings.items() if name not in ("fork", "update")}
    if strange := sorted(changes.keys() - set(SETTINGS)):
        raise SettingsError(f"an update cannot set {', '.join(strange)}: it can set {', '.join(SETTINGS)}.")
    new = {**stored["settings"], "auto": False, "budget_tokens": None, **changes}
    if llm is not None:
        model = choose_model(llm, os.environ)
        stored["model"] = {"text": model.text, "reason": model.reason}
    return {
        **stored,
        "settings": checked_settings(new).model_dump(mode="json"),
        "corpus": info.fingerprint,
        "update": {
            "run": row.name,
            "base": {"version": version, "count": old.count, "distinct": old.distinct},
            "state": {"phase": NOVEL, "base": version}
            | {key: state[key] for key in _TAKEN_ALONG if key in state},
        },
    }


def _share_sample(tables: Workspace, row: RunRow, name: str) -> None:
    """What the old run has read and labelled, for the new one to go on with."""
    from ..classifiers.encoders import open_encoder

    settings = Settings.model_validate(row.settings["settings"])
    given: tuple[Any, ...] = (
        settings,
        tables.of_corpus(row.settings.get("corpus")),
        open_encoder(settings.encoder),
        "",
    )
    reading = ReadingOn(*given, run=row.name) if "update" in row.settings else Reading(*given)
    for part, numbers in (
        (Part.SAMPLE, reading.sample),
        (Part.HELD_OUT, reading.held_out),
        (Part.LABELLED, reading.label_sample),
        (Part.AT_RANDOM, reading.representative),
    ):
        tables.run_documents.put(name, part, numbers)


def updated_from(row: RunRow) -> tuple[str, str] | None:
    """The run and the version that an updated run goes on from; None where it began by itself."""
    update = row.settings.get("update")
    return None if update is None else (update["run"], update["base"]["version"])
