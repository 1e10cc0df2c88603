"""`tnt prune`: old checkpoints go."""

from pathlib import Path

from .console import say


def prune_run(workspace: Path, run: str, *, keep_last: int) -> None:
    """Prune a run and say what that freed."""
    from ..graph.prune import prune

    pruned = prune(workspace, run, keep_last=keep_last)
    say(
        f"{pruned.dropped:,} checkpoints of {run} dropped, {pruned.kept:,} kept: {pruned.freed:,} bytes freed. "
        "Versions, edits and labels are all there."
    )
