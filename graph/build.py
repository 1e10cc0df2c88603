"""The graph, as the paper draws it: summarize, batch, update, review, select, ask, label, train."""

from collections.abc import Callable
from functools import wraps
from inspect import signature
from typing import Any, Literal

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from ..nodes.active_round import active_round
from ..nodes.answer import answer
from ..nodes.apply_edits import apply_edits
from ..nodes.await_user import await_user
from ..nodes.classify_rest import classify_rest
from ..nodes.clean_labels import clean_labels
from ..nodes.confirm import confirm
from ..nodes.context import Context
from ..nodes.find_novel import find_novel
from ..nodes.labeler import labeler
from ..nodes.plan import plan
from ..nodes.publish import publish
from ..nodes.reviewer import reviewer
from ..nodes.selector import selector
from ..nodes.settle_labels import settle_labels
from ..nodes.state import (
    ANSWER,
    APPLY,
    AWAIT,
    CLEAN,
    CONFIRM,
    DONE,
    LABEL,
    LOOP,
    NOVEL,
    PLAN,
    SETTLE,
    SUMMARIZE,
    Branch,
    State,
    new_trial,
)
from ..nodes.summarizer import summarizer
from ..nodes.taxonomy_updater import taxonomy_updater
from ..nodes.train_classifier import train_classifier
from ..taxonomy.plan import Instruction
from ..taxonomy.version import Version

GRAPH_VERSION = 3
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
        find_novel,
        summarizer,
        schedule,
        taxonomy_updater,
        reviewer,
        selector,
        await_user,
        plan,
        answer,
        confirm,
        apply_edits,
        labeler,
        settle_labels,
        clean_labels,
        active_round,
        train_classifier,
        classify_rest,
        publish,
    ):
        graph.add_node(node.__name__, around(steered(node)))
    graph.add_conditional_edges(START, enter)
    graph.add_conditional_edges("find_novel", after_find_novel)
    graph.add_conditional_edges("summarizer", after_summarizer)
    graph.add_conditional_edges("schedule", after_schedule, ["taxonomy_updater", "reviewer", "await_user"])
    graph.add_edge("taxonomy_updater", "schedule")
    graph.add_edge("reviewer", "selector")
    graph.add_conditional_edges("selector", after_selector)
    graph.add_edge("await_user", "plan")
    graph.add_conditional_edges("plan", after_plan)
    graph.add_edge("answer", "await_user")
    graph.add_conditional_edges("confirm", after_confirm)
    graph.add_conditional_edges("apply_edits", after_apply_edits)
    graph.add_conditional_edges("labeler", after_labeler)
    graph.add_edge("settle_labels", "clean_labels")
    graph.add_conditional_edges("clean_labels", after_clean_labels)
    graph.add_conditional_edges("active_round", after_active_round)
    graph.add_edge("train_classifier", "classify_rest")
    graph.add_conditional_edges("classify_rest", after_classify_rest)
    graph.add_edge("publish", END)
    return graph


def steered(node: Node) -> Node:
    """A node that sees its context under the run's standing instructions."""
    if "runtime" not in signature(node).parameters:
        return node

    @wraps(node)
    def step(state: Any, runtime: Runtime[Context]) -> Any:
        held, read_with = (
            [Instruction.model_validate(each) for each in state.get(key) or []]
            for key in ("instructions", "read_with")
        )
        return node(state, runtime.override(context=runtime.context.steered(held, read_with)))

    return step


def schedule(state: State, runtime: Runtime[Context]) -> State:
    """Between rounds; a round is one minibatch of every active trial. The first time, set the trials up."""
    context = runtime.context
    if state.get("trials"):
        return _pause(state, None if context.settings.auto else context.settings.pause_every) or {
            "phase": LOOP
        }
    root = state.get("base") or Version.first().id
    if "base" not in state:
        context.workspace.versions.put(context.run, Version.first())
    trials = {
        str(index): new_trial(index, context.settings.seed, root) for index in range(context.settings.trials)
    }
    return {"phase": LOOP, "trials": trials}


def _pause(state: State, every: int | None) -> State | None:
    """Wait for the user where so many minibatches are done since the last pause; the best trial is shown."""
    active = [trial for trial in state["trials"].values() if trial["active"]]
    done = max(len(trial["path"]) for trial in state["trials"].values())
    if every is None or not active or done - state.get("paused_at", 0) < every:
        return None
    best = min(active, key=lambda trial: (-(trial["score"] or 0.0), trial["index"]))
    return {"phase": AWAIT, "paused_at": done, "version": best["version"], "chosen": best["index"]}


def enter(state: State) -> Literal["find_novel", "summarizer", "await_user"]:
    """Where a thread begins, by its phase."""
    if state.get("phase") == NOVEL:
        return "find_novel"
    return "await_user" if state.get("phase") == AWAIT else "summarizer"


def after_find_novel(state: State) -> Literal["find_novel", "summarizer", "classify_rest"]:
    """Until all new documents are compared; where nothing is new, the classifier that is there labels them."""
    ways: dict[str, Any] = {NOVEL: "find_novel", SUMMARIZE: "summarizer", SETTLE: "classify_rest"}
    return ways[state["phase"]]  # type: ignore[no-any-return]


def after_summarizer(state: State) -> Literal["summarizer", "schedule"]:
    """Until every text of the sample is read."""
    return "summarizer" if state["phase"] == SUMMARIZE else "schedule"


def after_schedule(state: State) -> list[Send] | Literal["await_user"]:
    """A minibatch for each trial that has not converged; when none is left, a review for each."""
    if state["phase"] == AWAIT:
        return "await_user"
    trials: list[Any] = sorted(state["trials"].values(), key=lambda trial: trial["index"])
    active = [trial for trial in trials if trial["active"]]
    node = "taxonomy_updater" if active else "reviewer"
    return [
        Send(
            node,
            Branch(
                trial=trial,
                instructions=state.get("instructions", []),
                read_with=state.get("read_with", []),
            ),
        )
        for trial in active or trials
    ]


def after_selector(state: State) -> Literal["await_user", "labeler"]:
    """Ask the user, unless the run is to go through."""
    return "await_user" if state["phase"] == AWAIT else "labeler"


def after_plan(
    state: State,
) -> Literal["answer", "confirm", "apply_edits", "await_user", "labeler", "schedule"]:
    """What the user said decides."""
    ways: dict[str, Any] = {
        ANSWER: "answer",
        CONFIRM: "confirm",
        APPLY: "apply_edits",
        AWAIT: "await_user",
        LABEL: "labeler",
        LOOP: "schedule",
    }
    return ways[state["phase"]]  # type: ignore[no-any-return]


def after_confirm(state: State) -> Literal["plan", "apply_edits", "await_user"]:
    """Yes, no, or something else."""
    ways: dict[str, Any] = {PLAN: "plan", APPLY: "apply_edits", AWAIT: "await_user"}
    return ways[state["phase"]]  # type: ignore[no-any-return]


def after_apply_edits(state: State) -> Literal["await_user", "summarizer", "schedule"]:
    """Ask what else, unless a stage is to be done anew."""
    ways: dict[str, Any] = {AWAIT: "await_user", SUMMARIZE: "summarizer", LOOP: "schedule"}
    return ways[state["phase"]]  # type: ignore[no-any-return]


def after_labeler(state: State) -> Literal["labeler", "settle_labels"]:
    """Until every vote is in."""
    return "labeler" if state["phase"] == LABEL else "settle_labels"


def after_clean_labels(state: State) -> Literal["clean_labels", "active_round"]:
    """Until every suspect is judged."""
    return "clean_labels" if state["phase"] == CLEAN else "active_round"


def after_active_round(state: State) -> Literal["labeler", "train_classifier"]:
    """Ask about what a round has chosen; train after the last."""
    return "labeler" if state["phase"] == LABEL else "train_classifier"


def after_classify_rest(state: State) -> Literal["classify_rest", "publish"]:
    """Until every document has a label."""
    return "publish" if state["phase"] == DONE else "classify_rest"
