"""The graph, as the paper draws it: summarize, batch, update, review, select, ask, label, train."""

from collections.abc import Callable
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from ..nodes.await_user import await_user
from ..nodes.classify_rest import classify_rest
from ..nodes.context import Context
from ..nodes.labeler import labeler
from ..nodes.publish import publish
from ..nodes.reviewer import reviewer
from ..nodes.selector import selector
from ..nodes.settle_labels import settle_labels
from ..nodes.state import AWAIT, DONE, LABEL, LOOP, SUMMARIZE, State, Trial
from ..nodes.summarizer import summarizer
from ..nodes.taxonomy_updater import taxonomy_updater
from ..nodes.train_classifier import train_classifier
from ..taxonomy.version import Version

GRAPH_VERSION = 1
"""Raised whenever a node is renamed or the state changes its meaning: older runs cannot be resumed then."""

Node = Callable[..., Any]
"""A step of the graph: state in, what changes of it out; most want LangGraph's runtime too."""


def as_it_is(node: Node) -> Node:
    """A node without anything around it."""
    return node


def build_graph(
    around: Callable[[Node], Node] = as_it_is, context_schema: type[Any] = Context
) -> StateGraph[State, Any]:
    """The graph, not compiled: whoever compiles it says where its checkpoints go.

    Args:
        around: is put around every node, by who cannot give a `Context` when the graph is invoked.
        context_schema: what is given instead.
    """
    graph: StateGraph[State, Any] = StateGraph(State, context_schema=context_schema)
    for node in (
        summarizer,
        schedule,
        taxonomy_updater,
        reviewer,
        selector,
        await_user,
        labeler,
        settle_labels,
        train_classifier,
        classify_rest,
        publish,
    ):
        graph.add_node(node.__name__, around(node))
    graph.add_conditional_edges(START, enter)
    graph.add_conditional_edges("summarizer", after_summarizer)
    graph.add_conditional_edges("schedule", after_schedule, ["taxonomy_updater", "reviewer"])
    graph.add_edge("taxonomy_updater", "schedule")
    graph.add_edge("reviewer", "selector")
    graph.add_conditional_edges("selector", after_selector)
    graph.add_edge("await_user", "labeler")
    graph.add_conditional_edges("labeler", after_labeler)
    graph.add_edge("settle_labels", "train_classifier")
    graph.add_edge("train_classifier", "classify_rest")
    graph.add_conditional_edges("classify_rest", after_classify_rest)
    graph.add_edge("publish", END)
    return graph


def schedule(state: State, runtime: Runtime[Context]) -> State:
    """Between rounds; a round is one minibatch of every active trial. The first time, set the trials up."""
    if state.get("trials"):
        return {"phase": LOOP}
    context = runtime.context
    root = Version.first()
    context.workspace.versions.put(context.run, root)
    trials: dict[str, Trial] = {
        str(index): {
            "index": index,
            "seed": context.settings.seed + index,
            "epoch": 0,
            "batch": 0,
            "version": root.id,
            "residual": 1.0,
            "score": None,
            "best": root.id,
            "best_score": None,
            "quiet": 0,
            "active": True,
            "rating": None,
            "path": [],
        }
        for index in range(context.settings.trials)
    }
    return {"phase": LOOP, "trials": trials}


def enter(state: State) -> Literal["summarizer", "await_user"]:
    """Where a thread begins, by its phase."""
    return "await_user" if state.get("phase") == AWAIT else "summarizer"


def after_summarizer(state: State) -> Literal["summarizer", "schedule"]:
    """Until every text of the sample is read."""
    return "summarizer" if state["phase"] == SUMMARIZE else "schedule"


def after_schedule(state: State) -> list[Send]:
    """A minibatch for each trial that has not converged; when none is left, a review for each."""
    trials: list[Any] = sorted(state["trials"].values(), key=lambda trial: trial["index"])
    active = [trial for trial in trials if trial["active"]]
    node = "taxonomy_updater" if active else "reviewer"
    return [Send(node, {"trial": trial}) for trial in active or trials]


def after_selector(state: State) -> Literal["await_user", "labeler"]:
    """Ask the user, unless the run is to go through."""
    return "await_user" if state["phase"] == AWAIT else "labeler"


def after_labeler(state: State) -> Literal["labeler", "settle_labels"]:
    """Until every vote is in."""
    return "labeler" if state["phase"] == LABEL else "settle_labels"


def after_classify_rest(state: State) -> Literal["classify_rest", "publish"]:
    """Until every document has a label."""
    return "publish" if state["phase"] == DONE else "classify_rest"
