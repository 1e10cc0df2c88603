"""The graph's shape: the steps of the paper, what follows on what, and the version that guards them."""

import hashlib
from types import SimpleNamespace
from typing import get_type_hints

import pytest
from langgraph.types import Send
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph import build
from tnt_llm.nodes import state
from tnt_llm.nodes.settings import Settings
from tnt_llm.taxonomy.version import Version

DIGESTS = {1: "4ce212e0986d9a94", 2: "62bf179763fd01f2", 3: "d87fd1682d79a775"}
"""What the graph of each version is made of. A change here needs another GRAPH_VERSION: older runs could not go on."""


def drawn():
    return build.build_graph().compile().get_graph()


def trial(index, active=True):
    return {"index": index, "active": active}


def test_the_steps_are_those_of_the_paper():
    assert set(drawn().nodes) - {"__start__", "__end__"} == {
        "find_novel",
        "summarizer", "schedule", "taxonomy_updater", "reviewer", "selector", "await_user", "plan", "answer",
        "confirm", "apply_edits", "labeler", "settle_labels", "clean_labels", "active_round", "train_classifier",
        "classify_rest", "publish",
    }  # fmt: skip


def test_every_step_is_reached_and_leads_to_the_end():
    edges = {(edge.source, edge.target) for edge in drawn().edges}
    forward, backward = {"__start__"}, {"__end__"}
    for _ in edges:
        forward |= {target for source, target in edges if source in forward}
        backward |= {source for source, target in edges if target in backward}
    assert forward == backward == set(drawn().nodes)


def test_only_whole_slices_and_minibatches_are_repeated():
    edges = {(edge.source, edge.target) for edge in drawn().edges}
    assert {source for source, target in edges if source == target} == {
        "find_novel",
        "summarizer",
        "labeler",
        "clean_labels",
        "classify_rest",
    }
    assert {("schedule", "taxonomy_updater"), ("taxonomy_updater", "schedule")} <= edges


def test_a_graph_that_changed_has_another_version():
    made_of = [
        sorted(drawn().nodes),
        sorted((edge.source, edge.target) for edge in drawn().edges),
        [
            (name, sorted(get_type_hints(getattr(state, name))))
            for name in ("State", "Trial", "Finalist", "Branch")
        ],
    ]
    digest = hashlib.sha256(repr(made_of).encode()).hexdigest()[:16]
    assert DIGESTS[build.GRAPH_VERSION] == digest


@pytest.mark.parametrize(
    ("rule", "phase", "to"),
    [
        (build.enter, state.SUMMARIZE, "summarizer"),
        (build.enter, state.AWAIT, "await_user"),
        (build.enter, state.NOVEL, "find_novel"),
        (build.after_find_novel, state.NOVEL, "find_novel"),
        (build.after_find_novel, state.SUMMARIZE, "summarizer"),
        (build.after_find_novel, state.SETTLE, "classify_rest"),
        (build.after_summarizer, state.SUMMARIZE, "summarizer"),
        (build.after_summarizer, state.LOOP, "schedule"),
        (build.after_selector, state.AWAIT, "await_user"),
        (build.after_selector, state.LABEL, "labeler"),
        (build.after_plan, state.AWAIT, "await_user"),
        (build.after_plan, state.ANSWER, "answer"),
        (build.after_plan, state.CONFIRM, "confirm"),
        (build.after_plan, state.APPLY, "apply_edits"),
        (build.after_plan, state.LABEL, "labeler"),
        (build.after_plan, state.LOOP, "schedule"),
        (build.after_confirm, state.PLAN, "plan"),
        (build.after_confirm, state.APPLY, "apply_edits"),
        (build.after_confirm, state.AWAIT, "await_user"),
        (build.after_apply_edits, state.AWAIT, "await_user"),
        (build.after_apply_edits, state.SUMMARIZE, "summarizer"),
        (build.after_apply_edits, state.LOOP, "schedule"),
        (build.after_schedule, state.AWAIT, "await_user"),
        (build.after_labeler, state.LABEL, "labeler"),
        (build.after_labeler, state.SETTLE, "settle_labels"),
        (build.after_clean_labels, state.CLEAN, "clean_labels"),
        (build.after_clean_labels, state.SETTLE, "active_round"),
        (build.after_active_round, state.LABEL, "labeler"),
        (build.after_active_round, state.SETTLE, "train_classifier"),
        (build.after_classify_rest, state.SETTLE, "classify_rest"),
        (build.after_classify_rest, state.DONE, "publish"),
    ],
)
def test_the_phase_says_what_comes_next(rule, phase, to):
    assert rule({"phase": phase}) == to


def test_a_new_thread_begins_at_the_beginning():
    assert build.enter({}) == "summarizer"


def test_a_round_is_a_minibatch_of_every_trial_that_has_not_converged():
    trials = {"10": trial(10), "2": trial(2), "3": trial(3, active=False)}
    wishes = [{"text": "in German", "language": "German"}]
    carried = {"instructions": wishes, "read_with": []}
    assert build.after_schedule({"phase": state.LOOP, "trials": trials, "instructions": wishes}) == [
        Send("taxonomy_updater", {"trial": trial(2), **carried}),
        Send("taxonomy_updater", {"trial": trial(10), **carried}),
    ]


def test_when_all_have_converged_each_is_reviewed():
    trials = {"1": trial(1, active=False), "0": trial(0, active=False)}
    carried = {"instructions": [], "read_with": []}
    assert build.after_schedule({"phase": state.LOOP, "trials": trials}) == [
        Send("reviewer", {"trial": trial(0, active=False), **carried}),
        Send("reviewer", {"trial": trial(1, active=False), **carried}),
    ]


def test_trials_are_set_up_once_with_seeds_of_their_own_from_the_empty_taxonomy(tmp_path):
    with Workspace.open(tmp_path, create=True) as tables:
        settings = Settings(use_case="test it", trials=3, seed=7, pause_every=1)
        runtime = SimpleNamespace(context=SimpleNamespace(workspace=tables, run="main", settings=settings))
        made = build.schedule({"phase": state.LOOP}, runtime)
        again = build.schedule({"trials": made["trials"]}, runtime)
        kept = tables.versions.list("main")
    assert [made["trials"][name]["seed"] for name in ("0", "1", "2")] == [7, 8, 9]
    assert {each["version"] for each in made["trials"].values()} == {Version.first().id}
    assert set(made["trials"]["0"]) == set(get_type_hints(state.Trial))
    assert kept == [Version.first()]
    assert again == {"phase": state.LOOP}, "no minibatch is done yet, so there is nothing to pause for"


@pytest.mark.parametrize(
    ("every", "auto", "paused_at", "pauses"),
    [
        (None, False, 0, False),
        (2, False, 0, True),
        (2, False, 1, False),
        (3, False, 0, False),
        (2, True, 0, False),
    ],
)
def test_the_loop_pauses_after_so_many_minibatches_and_shows_the_best_trial(every, auto, paused_at, pauses):
    settings = Settings(use_case="test it", pause_every=every, auto=auto)
    runtime = SimpleNamespace(context=SimpleNamespace(settings=settings))
    trials = {
        str(index): {
            "index": index,
            "active": True,
            "path": [[]] * done,
            "score": score,
            "version": f"v{index}",
        }
        for index, done, score in ((0, 2, 0.1), (1, 1, 0.4))
    }
    moved = build.schedule({"trials": trials, "paused_at": paused_at}, runtime)
    paused = {"phase": state.AWAIT, "paused_at": 2, "version": "v1", "chosen": 1}
    assert moved == (paused if pauses else {"phase": state.LOOP})


def test_a_loop_that_has_ended_does_not_pause_before_the_review():
    settings = Settings(use_case="test it", pause_every=1)
    runtime = SimpleNamespace(context=SimpleNamespace(settings=settings))
    ended = {"0": {"index": 0, "active": False, "path": [[]], "score": 0.1, "version": "v0"}}
    assert build.schedule({"trials": ended}, runtime) == {"phase": state.LOOP}


def test_branches_that_run_side_by_side_keep_each_others_results():
    merge = get_type_hints(state.State, include_extras=True)["trials"].__metadata__[0]
    before = {"0": trial(0), "1": trial(1)}
    assert merge(merge(before, {"0": trial(0, False)}), {"1": trial(1, False)}) == {
        "0": trial(0, False),
        "1": trial(1, False),
    }
    assert merge(before, {"1": None}) == {"0": trial(0)}
    assert before == {"0": trial(0), "1": trial(1)}
