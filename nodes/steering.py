"""Where the state goes when its user undoes, redoes, goes on with the loop, or has a part of it done anew."""

from collections.abc import Mapping
from typing import Any

from ..taxonomy.plan import Stage
from ..taxonomy.version import Version
from .context import Context
from .state import LOOP, SUMMARIZE, State, Trial

ANEW = 1000
"""Added to a trial's seed when its loop is entered again, so that it shuffles anew."""


def undone(context: Context, state: State) -> State | None:
    """Back to the version before this one, exactly; None where there is none.

    What the user saw counts first; before that, the version's own history, step by step.
    """
    trail = state.get("trail", [])
    if trail:
        before, rest = trail[-1], trail[:-1]
    else:
        path = context.workspace.versions.path(state["version"])
        older = [version for version in path[:-1] if len(version.taxonomy)]
        # A step that changed no category, only which documents it remembers, is none to the user.
        differing = [version for version in older if _meanings(version) != _meanings(path[-1])]
        if not differing:
            return None
        before, rest = differing[-1].id, []
    return {"version": before, "trail": rest, "redo": [*state.get("redo", []), state["version"]]}


def redone(state: State) -> State | None:
    """Forward again to the version that was undone last; None where there is none."""
    redo = state.get("redo", [])
    if not redo:
        return None
    return {"version": redo[-1], "redo": redo[:-1], "trail": [*state.get("trail", []), state["version"]]}


def changed_to(state: State, version: str) -> State:
    """On to a new version, or from this one into the loop, which finds a new one: the old one can be gone back to, what
    was undone before cannot be redone.
    """
    return {"version": version, "trail": [*state.get("trail", []), state["version"]], "redo": []}


def continued(state: State) -> State:
    """On with the loop, from the version that the user has now.

    Mid-loop, and with nothing changed, all trials go on. Else one trial goes on from the user's version; one that
    had come to its end begins another round of epochs.
    """
    trials = state.get("trials", {})
    chosen = trials[str(state["chosen"])]
    if chosen["version"] == state["version"] and chosen["active"]:
        return {"phase": LOOP}
    moved: Trial = {
        **chosen,
        "version": state["version"],
        "best": state["version"],
        "best_score": None,
        "quiet": 0,
    }
    if not chosen["active"]:
        moved |= {"active": True, "epoch": 0, "batch": 0, "seed": chosen["seed"] + ANEW}
    return {
        **changed_to(state, state["version"]),
        "phase": LOOP,
        "trials": {**_none_of(trials), str(moved["index"]): moved},
        "finalists": _none_of(state.get("finalists", {})),
    }


def rerun(state: State, stage: Stage) -> State:
    """Back to a stage, and on from there."""
    trials = state.get("trials", {})
    moved: State = {
        **changed_to(state, state["version"]),
        "finalists": _none_of(state.get("finalists", {})),
        "paused_at": 0,
    }
    match stage:
        case Stage.SUBJECTS:
            return {
                **moved,
                "phase": SUMMARIZE,
                "trials": _none_of(trials),
                "read_with": state.get("instructions", []),
            }
        case Stage.LOOP:
            return {**moved, "phase": LOOP, "trials": _none_of(trials)}
        case Stage.REVIEW:
            chosen = trials[str(state["chosen"])]
            finished: Trial = {
                **chosen,
                "version": state["version"],
                "best": state["version"],
                "active": False,
            }
            return {**moved, "phase": LOOP, "trials": {**_none_of(trials), str(chosen["index"]): finished}}


def _none_of(keyed: Mapping[str, Any]) -> dict[str, Any]:
    """Takes every key away, see `state._update`."""
    return dict.fromkeys(keyed)


def _meanings(version: Version) -> list[tuple[str, str, str | None]]:
    return [category.meaning for category in version.taxonomy]
