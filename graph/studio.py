"""The graph for LangGraph Studio: ``langgraph dev`` finds `make_graph` in ``langgraph.json``. See docs/studio.md.

Studio keeps the checkpoints, so the graph has none of its own; and it cannot hand over a context, so each node gets
that of a run that ``tnt run`` began. Without a workspace the graph can be looked at, and says so when it is run.
"""

import atexit
import os
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import cache, wraps
from inspect import signature
from pathlib import Path
from typing import Any

from langchain_core.runnables import RunnableConfig
from langgraph.graph.state import CompiledStateGraph
from langgraph.runtime import Runtime
from typing_extensions import TypedDict

from ..checkpoints.leases import lease
from ..checkpoints.workspace import Workspace
from ..nodes.context import Context
from ..taxonomy.errors import SettingsError
from .build import Node, build_graph
from .opening import open_context

WORKSPACE = "TNT_LLM_WORKSPACE"
"""Environment variable: the workspace, where the configuration names none."""

_opening = threading.Lock()


class Configuration(TypedDict, total=False):
    """What Studio asks for: which run the nodes work on.

    Attributes:
        workspace: path of its workspace.
        run: its name.
    """

    workspace: str
    run: str


def make_graph(config: RunnableConfig) -> CompiledStateGraph[Any, Any, Any, Any]:
    """The compiled graph, without a checkpointer. Nothing is opened until its first node runs.

    Args:
        config: its ``configurable`` may have `workspace`, a path (else the environment's TNT_LLM_WORKSPACE), and
            `run`, a name (else "main").
    """
    named: Mapping[str, Any] = config.get("configurable") or {}
    workspace = named.get("workspace") or os.environ.get(WORKSPACE)
    run = str(named.get("run") or "main")

    def context() -> Context:
        if not workspace:
            raise SettingsError(
                f"this graph is only for looking at: it has no workspace. Set {WORKSPACE}, or `workspace` and `run` in "
                "the assistant's configuration, to a run that `tnt run` began."
            )
        with _opening:
            return _opened(Path(workspace).resolve(), run)

    return build_graph(_given(context), Configuration).compile()


def _given(context: Callable[[], Context]) -> Callable[[Node], Node]:
    """Gives the context to the nodes that want a runtime."""

    def around(node: Node) -> Node:
        if "runtime" not in signature(node).parameters:
            return node

        @wraps(node)
        def step(state: Any, runtime: Runtime[Context]) -> Any:
            return node(state, runtime.override(context=context()))

        return step

    return around


@cache
def _opened(workspace: Path, run: str) -> Context:
    """The context of a run, and its lease: both until this process ends."""
    with ExitStack() as stack:
        tables = stack.enter_context(Workspace.open(workspace))
        row = tables.runs.get(run)
        stack.enter_context(lease(tables.database, run))
        context = stack.enter_context(open_context(tables, row))
        atexit.register(stack.pop_all().close)
    return context
