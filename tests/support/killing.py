"""Kill a run at a chosen moment, and look at what it leaves behind."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.run import Run
from toy_runs import Worker

KILLED = -9


@dataclass(frozen=True)
class Moment:
    """When to kill: `stage` has told its progress `tells` times, then come `calls` requests and `wait` seconds."""

    stage: str
    tells: int = 1
    calls: int = 0
    wait: float = 0.0


def kill_at(worker: Worker, moment: Moment, stub: Any) -> bool:
    """Kill the run at a moment; whether it got there before it ended."""
    tells = 0
    for stage, _, _ in worker.told():
        tells += stage == moment.stage
        if tells >= moment.tells:
            break
    else:
        return False
    before, since = stub.count, None
    while True:
        if since is None and stub.count >= before + moment.calls:
            since = time.monotonic()
        if since is not None and time.monotonic() >= since + moment.wait:
            break
        told = worker.tell(0.001)
        if (told is not None and told[0] != moment.stage) or not worker.process.is_alive():
            break  # that stage is over: now or never
    worker.kill()
    return worker.end() == KILLED


def outcome(workspace: Path) -> dict[str, Any]:
    """What a run leaves behind, as plain values."""
    run = Run.open(workspace)
    with Workspace.open(workspace) as tables:
        versions = [version.model_dump(mode="json") for version in tables.versions.list(run.name)]
    return {
        "status": run.status,
        "state": dict(run.state),
        "versions": sorted(versions, key=lambda version: version["id"]),
        "taxonomy": json.loads((run.path / "taxonomy.json").read_text(encoding="utf-8")),
        "labels": (run.path / "labels.csv").read_text(encoding="utf-8"),
        "rows": run.labels.to_pylist(),
        "failures": [(row.stage, row.number, row.error) for row in run.failures],
    }
