"""Forking: a new run that begins where another stood at a step, with other settings or another user's edits.

What the new run takes along is the state, the question that is open or the branches that are pending, the versions
that the state names with all that led to them, and the labels of the label sample. What was asked of the LLM is the
workspace's, so it is not asked again. What it leaves behind is the old run's files: its classifier and its outputs.
"""

import os
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from ..checkpoints.editions import Editions
from ..checkpoints.history import StoredStep, Thread, open_thread
from ..checkpoints.runs import RunRow, check_run_name
from ..checkpoints.sharing import share_checks, share_labels, share_rounds, share_versions
from ..checkpoints.threads import begin_thread
from ..checkpoints.workspace import Workspace
from ..llm.spec import choose_model
from ..nodes.settings import Settings
from ..nodes.train_classifier import FOLDER
from ..taxonomy.errors import RunStateError, SettingsError
from .history import find_step
from .session import RunStatus, check_version

_FILES = ("classify_rest", "publish")
"""Nodes that read files which only the old run has."""
_LEFT = ("published",)
"""Keys of the state that tell of the old run's outputs."""

_READING = ("use_case", "language", "sample", "seed", "max_words", "read_words", "encoder", "phrase_weight")
_LOOP = ("trials", "minibatch", "update")
_LABELS = (
    "labels",
    "label_sample",
    "orders",
    "balance",
    "prior_power",
    "temperature",
    "active_rounds",
    "active_batch",
    "cleaning",
)


def fork(
    workspace: Path | str,
    run: str = "main",
    *,
    at: int | None = None,
    name: str | None = None,
    **settings: Any,
) -> str:
    """Begin a new run where another stood, and return its name. Nothing is worked on; the old run is not touched.

    A fork inside the making of the old run's outputs begins just before the classifier was trained: the files are
    the old run's.

    Args:
        workspace, run: the old run; it may be at work.
        at: a step of its history; None for the newest.
        name: of the new run; None for the old one's with -2, -3, ...
        settings: what differs; see `Settings`. What the step already rests on cannot be changed.

    Raises:
        RunStateError: there is no such step.
        SettingsError: there is no such setting, its value makes no sense, or it contradicts what is done.
        VersionError: the run was made by another version of the graph.
        RunExistsError, RunNotFoundError, WorkspaceError, StorageError: as they say.
    """
    if name is not None:
        check_run_name(name)
    with Workspace.open(workspace) as tables:
        row = tables.runs.get(run)
        check_version(row)
        with open_thread(tables.checkpoints_path, row.thread_id) as thread:
            step = _with_its_files(thread, run, find_step(thread, run, at))
            waits = bool(thread and thread.questions(step.id))
        changed = _changed(row, settings, step)
        with tables.database.transaction():
            name = name or free_name(tables, row)
            new = tables.runs.create(
                name,
                settings={**row.settings, "settings": changed, "fork": {"run": run, "step": step.step}},
                graph_version=row.graph_version,
                status=RunStatus.AWAITING if waits else RunStatus.STOPPED if step.next else RunStatus.DONE,
                parent=run,
            )
            versions = share_versions(tables.database, run, name, _words(step.values))
            if settings.keys().isdisjoint(_LABELS):
                # The classifier gives its own labels to the rest, and the fork trains its own.
                share_labels(tables.database, run, name, versions)
                share_checks(tables.database, run, name, versions)
            tables.run_documents.share(run, name)
            _copy_classifier(tables, run, name, step)
            share_rounds(tables.database, run, name, step.values.get("counts", {}).get("rounds", 0))
            # Last, in a file of its own: a process that is killed after it leaves a thread that nobody knows.
            begin_thread(tables.checkpoints_path, step.id, row.thread_id, new.thread_id, without=_LEFT)
    return name


def _copy_classifier(tables: Workspace, run: str, name: str, step: StoredStep) -> None:
    """Of a run that goes on from another: the classifier that new documents are compared by."""
    if "update" not in tables.runs.get(run).settings:
        return
    old, new = (Editions(tables.run_folder(one)).folder(1) / FOLDER for one in (run, name))
    if old.is_dir():
        shutil.rmtree(new, ignore_errors=True)
        shutil.copytree(old, new)
    elif "find_novel" in step.next:
        raise RunStateError(
            f"the classifier that {run!r} began with is gone since it was finished anew: fork a later step, or update "
            f"{tables.runs.get(run).parent!r} again"
        )


def _with_its_files(thread: Thread | None, run: str, step: StoredStep) -> StoredStep:
    """The step itself, or the last one before it that needs no file of the old run."""
    found: StoredStep | None = step
    while found is not None and any(node in _FILES for node in found.next):
        found = None if thread is None or found.parent is None else thread.get(found.parent)
    if found is None:
        raise RunStateError(
            f"at step {step.step} the run {run!r} is making its outputs, and the steps before that are pruned: let it "
            f"finish, and fork it then"
        )
    return found


# --- settings


def _changed(row: RunRow, changes: Mapping[str, Any], step: StoredStep) -> dict[str, Any]:
    """The settings of the fork."""
    old = dict(row.settings["settings"])
    for name in changes:
        if name not in Settings.model_fields:
            near = get_close_matches(name, Settings.model_fields, n=3) or sorted(Settings.model_fields)
            raise SettingsError(f"there is no setting {name!r}. Settings: {', '.join(near)}.")
    try:
        settings = Settings.model_validate({**old, **changes})
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc'])}: {fault['msg']}" for fault in error.errors()
        )
        raise SettingsError(f"these settings make no sense: {faults}") from error
    model = choose_model(row.settings["model"]["text"], os.environ)
    new = settings.for_model(is_embedded=model.is_embedded).model_dump(mode="json")
    for name in changes:
        if new[name] != old.get(name) and (reason := _contradiction(name, step)):
            raise SettingsError(
                f"{name} cannot change at step {step.step}: {reason}. Fork at an earlier step, or start a new run with "
                f"--name; what was answered is shared."
            )
    return new


def _contradiction(name: str, step: StoredStep) -> str | None:
    """Why what is done by this step rests on the setting; None where nothing does yet."""
    values = step.values
    if name in _READING and (values.get("trials") or "version" in values or "schedule" in step.next):
        return "the texts of the sample have been read with it"
    if name in _LOOP and (values.get("trials") or "version" in values):
        return "the loop over minibatches has begun with it"
    if name in _LABELS and ("label_style" in values or "labeler" in step.next):
        return "texts are being labelled with it, or have been"
    return None


# --- names and versions


def free_name(tables: Workspace, row: RunRow) -> str:
    """``main-2`` for the first fork of ``main``, and of its forks ``main-3`` and so on."""
    taken = {other.name: other for other in tables.runs.list()}
    stem = row.name
    while row.parent is not None and (shorter := re.fullmatch(r"(.+)-\d+", stem)) and shorter[1] in taken:
        stem, row = shorter[1], taken[shorter[1]]
    number = 2
    while f"{stem}-{number}" in taken or tables.run_folder(f"{stem}-{number}").exists():
        number += 1
    return f"{stem}-{number}"


def _words(value: Any) -> Iterator[str]:
    """Every text in a state: the ids of versions are among them, wherever they are kept."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from _words(part)
    elif isinstance(value, Sequence):
        for part in value:
            yield from _words(part)
