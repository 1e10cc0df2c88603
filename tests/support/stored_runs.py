"""Runs as a workspace keeps them, without a graph or an LLM behind them: versions, checkpoints and labels."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.checkpoints.saver import open_saver
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.taxonomy.edits import Add
from tnt_llm.taxonomy.version import Author, Version

ABC = Version.first().then(
    [Add(name=name, description=f"About {name}.") for name in ("Apples", "Bears", "Cars")],
    author=Author.MODEL,
)
"""Three categories."""


@dataclass
class StoredRun:
    """A run that is written by hand.

    Attributes:
        workspace: the directory.
        name: of the run; also its thread.
    """

    workspace: Path
    name: str
    _config: dict[str, Any] = field(default_factory=dict)
    _step: int = 0

    @classmethod
    def create(cls, workspace: Path, name: str) -> "StoredRun":
        """Enter a run in the workspace, which is made where it is not there."""
        with Workspace.open(workspace, create=True) as tables:
            settings = {
                "settings": {"use_case": "tell what it is"},
                "model": {"text": "fake", "reason": "named"},
            }
            tables.runs.create(name, settings=settings, graph_version=2, status="awaiting", thread_id=name)
        return cls(workspace, name, {"configurable": {"thread_id": name, "checkpoint_ns": ""}})

    def put(self, version: Version) -> Version:
        """Keep a version and whatever it needs before it."""
        with Workspace.open(self.workspace) as tables:
            if version.parent is not None:
                for older in (Version.first(), ABC):
                    tables.versions.put(self.name, older)
            tables.versions.put(self.name, version)
        return version

    def stand(self, version: Version | None, **values: Any) -> Version:
        """Write a checkpoint at which the run stands at a version, or has none yet; steps count from 0."""
        from langgraph.checkpoint.base import empty_checkpoint

        state = {"phase": "await", **({} if version is None else {"version": self.put(version).id}), **values}
        checkpoint = {**empty_checkpoint(), "channel_values": state}
        with Workspace.open(self.workspace) as tables, open_saver(tables.checkpoints_path) as saver:
            self._config = saver.put(self._config, checkpoint, {"source": "loop", "step": self._step}, {})
        self._step += 1
        return version or Version.first()

    def label(self, version: Version, labels: Sequence[str | None]) -> None:
        """Give the first documents these labels."""
        rows = [
            LabelRow(number, label, () if label is None else (label,), 0.9, Source.LLM)
            for number, label in enumerate(labels)
        ]
        with Workspace.open(self.workspace) as tables:
            tables.labels.put_many(self.name, version.id, rows)
