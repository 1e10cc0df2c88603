"""Pruning: a run forgets its old checkpoints, and keeps all that they led to."""

from pathlib import Path

from ..checkpoints.leases import lease
from ..checkpoints.threads import Pruned, prune_thread
from ..checkpoints.workspace import Workspace


def prune(workspace: Path | str, run: str = "main", *, keep_last: int = 1) -> Pruned:
    """Drop all checkpoints of a run but the newest. Versions, edits, labels and answers stay, and so do its forks.

    Args:
        workspace, run: which one.
        keep_last: how many to keep, at least 1.

    Raises:
        LeaseHeldError: the run is in use.
        WorkspaceError, RunNotFoundError, StorageError: as they say.
    """
    with Workspace.open(workspace) as tables:
        thread = tables.runs.get(run).thread_id
        with lease(tables.database, run):
            return prune_thread(tables.checkpoints_path, thread, keep_last=keep_last)
