"""A run that is given its taxonomy: it reads the texts, labels them, and trains, without the loop between.

The graph is the product's. It is held where the loop would begin, and entered again where the loop would have ended,
with a version of the taxonomy that somebody brought along. So phrases, labels, cleaning and training are what any run
makes of them, and every answer is in the workspace: another run there asks nothing again.
"""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tnt_llm import Run
from tnt_llm.checkpoints.leases import lease
from tnt_llm.checkpoints.saver import open_saver
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.build import GRAPH_VERSION, build_graph
from tnt_llm.graph.opening import open_context
from tnt_llm.graph.session import RunStatus
from tnt_llm.llm.spec import choose_model
from tnt_llm.nodes.context import Progress
from tnt_llm.nodes.settings import Settings
from tnt_llm.nodes.state import LABEL, SUMMARIZE
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.version import Version

_MOST_SUPERSTEPS = 100_000


def run_with(
    version: Version,
    texts: Sequence[str],
    workspace: Path,
    name: str,
    *,
    llm: str,
    progress: Progress | None = None,
    **settings: Any,
) -> Run:
    """The finished run of that name; what is there of it is not done again.

    Args:
        version: a child of the first version.
        texts: all of them are labelled by the LLM.
        workspace: a directory for these texts.
        name: of the run.
        llm: spec of the LLM.
        progress: is told how far each stage is.
        settings: see `Settings`.
    """
    _begin(version, texts, workspace, name, llm=llm, progress=progress, settings=settings)
    return Run.open(workspace, name, progress=progress).resume()


def _begin(
    version: Version,
    texts: Sequence[str],
    workspace: Path,
    name: str,
    *,
    llm: str,
    progress: Progress | None,
    settings: dict[str, Any],
) -> None:
    """Enter the run and take it to its labeler."""
    spec = choose_model(llm, os.environ)
    many = len(texts)
    chosen = Settings(**settings, auto=True, sample=max(many, 8), label_sample=many).for_model(
        is_embedded=spec.is_embedded
    )
    with Workspace.open(workspace, create=True) as tables:
        documents = (Document(number, f"d{number}", text) for number, text in enumerate(texts))
        tables.documents.load(documents, source="a benchmark's texts")
        if name not in [row.name for row in tables.runs.list()]:
            stored = {
                "settings": chosen.model_dump(mode="json"),
                "model": {"text": spec.text, "reason": spec.reason},
            }
            tables.runs.create(name, settings=stored, graph_version=GRAPH_VERSION, status=RunStatus.STOPPED)
        row = tables.runs.get(name)
        if row.status == RunStatus.DONE:
            return
        for each in (Version.first(), version):
            tables.versions.put(name, each)
        with (
            lease(tables.database, name),
            open_saver(tables.checkpoints_path) as saver,
            open_context(tables, row, progress=progress) as context,
        ):
            graph = build_graph().compile(checkpointer=saver, interrupt_before=["schedule"])
            config: Any = {"configurable": {"thread_id": row.thread_id}, "recursion_limit": _MOST_SUPERSTEPS}
            stands = graph.get_state(config)
            if "version" in stands.values:
                return
            if not stands.next:
                first: Any = {"phase": SUMMARIZE, "corpus": tables.documents.info.fingerprint}
                graph.invoke(first, config, context=context, durability="sync")
            elif "schedule" not in stands.next:
                graph.invoke(None, config, context=context, durability="sync")
            entered = {"phase": LABEL, "version": version.id, "chosen": 0, "trials": {}}
            graph.update_state(config, entered, as_node="selector")
