"""A long history made by hand, quickly: what a run of many minibatches and a long conversation would leave."""

from pathlib import Path

from langgraph.types import Send
from tnt_llm.checkpoints.saver import open_saver
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.build import GRAPH_VERSION
from tnt_llm.taxonomy.edits import Add, Redefine
from tnt_llm.taxonomy.version import Author, Version

MEANING = "Requests that concern number {0}, told apart from the others by what they ask for and why. " * 2


def make_history(workspace: Path, *, checkpoints: int, categories: int, messages: int) -> None:
    """A workspace with a run `main`: every second checkpoint a minibatch with a version of its own."""
    version = Version.first()
    with Workspace.open(workspace, create=True) as tables:
        thread = tables.runs.create("main", settings={}, graph_version=GRAPH_VERSION, status="done").thread_id
        with tables.database.transaction(), open_saver(tables.checkpoints_path) as saver:
            saver.conn.execute("PRAGMA synchronous = OFF")
            tables.versions.put("main", version)
            path: list[list[float]] = []
            parent: dict[str, str] = {}
            for row in range(checkpoints):
                is_round = row % 2 == 1
                if is_round:
                    version = _next(version, len(path), categories)
                    tables.versions.put("main", version)
                    path = [*path, [0, len(version.taxonomy), 0.1234, 0.4321]]
                trial = {
                    "index": 0,
                    "seed": 0,
                    "epoch": 0,
                    "batch": len(path),
                    "version": version.id,
                    "residual": 0.1234,
                    "score": 0.4321,
                    "best": version.id,
                    "best_score": 0.4321,
                    "quiet": 0,
                    "active": True,
                    "rating": None,
                    "path": path,
                }
                said = min(row, messages)
                values = {
                    "phase": "loop",
                    "corpus": "f" * 32,
                    "counts": {"read": 2000},
                    "trials": {"0": trial},
                    "messages": [
                        {"role": "user", "text": f"{number} " + "what was said " * 12, "turn": number}
                        for number in range(said)
                    ],
                    **(
                        {"branch:to:schedule": None, "__pregel_tasks": []}
                        if is_round
                        else {"__pregel_tasks": [Send("taxonomy_updater", {"trial": trial})]}
                    ),
                }
                parent = saver.put(
                    {"configurable": {"thread_id": thread, "checkpoint_ns": "", **parent}},
                    {
                        "v": 4,
                        "id": f"{row:032x}",
                        "ts": f"2026-11-22T12:{row // 60 % 60:02}:{row % 60:02}.000000+00:00",
                        "channel_values": values,
                        "channel_versions": {},
                        "versions_seen": {},
                        "updated_channels": None,
                    },
                    {"source": "loop", "step": row - 1, "parents": {}},
                    {},
                )["configurable"]


def _next(version: Version, number: int, categories: int) -> Version:
    if len(version.taxonomy) < categories:
        names = [
            f"Kind {number * 7 + each} of request"
            for each in range(min(7, categories - len(version.taxonomy)))
        ]
        edits = [
            Add(name=name, description=MEANING.format(name), exemplars=tuple(range(12))) for name in names
        ]
    else:
        ids = version.taxonomy.ids
        edits = [
            Redefine(id=ids[place % len(ids)], description=MEANING.format(f"{number} and {place}"))
            for place in (number, number + 3)
        ]
    return version.then(edits, author=Author.MODEL, cap=categories)
