"""The taxonomy updater: one minibatch of one trial, one new version."""

from collections.abc import Sequence

import numpy as np
from langgraph.runtime import Runtime

from ..llm.calling import TransportError
from ..taxonomy.apply import apply
from ..taxonomy.distance import touched_share
from ..taxonomy.edits import Edit, Redefine
from ..taxonomy.errors import AnswerError, CallError, EndpointError
from ..taxonomy.values import Taxonomy
from ..taxonomy.version import Author, settled_by_people
from ..tools.score import score
from . import paper, residual
from .context import Context
from .settings import Decisions, Update
from .state import Branch, State, Trial

STAGE = "update"


def taxonomy_updater(state: Branch, runtime: Runtime[Context]) -> State:
    """Let one minibatch change the trial's taxonomy, and see how far that moved it."""
    context, trial = runtime.context, state["trial"]
    settings, versions = context.settings, context.workspace.versions
    batches = context.reading.minibatches(trial["seed"], trial["epoch"])
    numbers = batches[trial["batch"]]
    done = trial["epoch"] * len(batches) + trial["batch"]
    context.report(STAGE, done, settings.epochs * len(batches))

    path = versions.path(trial["version"])
    before = path[-1]
    note, rating = "", trial["rating"]
    try:
        edits, rating = _edits(context, before.taxonomy, numbers, trial)
    except TransportError as error:
        # Nothing else is asked at the moment that could show whether the endpoint works: better to ask again later.
        raise EndpointError(
            f"{error} A minibatch depends on it. See to the endpoint, then resume: nothing finished is lost."
        ) from error
    except (AnswerError, CallError) as error:
        # A minibatch without a readable answer changes nothing; the next one comes all the same.
        context.fail(STAGE, None, error)
        edits, note = [], f"no readable answer: {error}"
    edits = [*edits, *exemplar_edits(context, before.taxonomy, edits, numbers)]
    after = before.then(
        edits,
        author=Author.MODEL,
        cap=settings.max_categories,
        note=note,
        settled=settled_by_people(path),
    )
    versions.put(context.run, after)

    held_out = context.reading.held_out or context.reading.sample
    placement = context.reading.place(after.taxonomy, held_out)
    value = score(placement, context.reading.described(after.taxonomy.leaves)).value
    still = (
        touched_share(before.taxonomy, after.taxonomy) <= settings.touched_tolerance
        and abs(placement.residual - trial["residual"]) <= settings.residual_tolerance
    )
    quiet = trial["quiet"] + 1 if still else 0
    is_best = trial["best_score"] is None or value > trial["best_score"]
    batch, epoch = trial["batch"] + 1, trial["epoch"]
    if batch == len(batches):
        batch, epoch = 0, epoch + 1
    context.report(STAGE, done + 1, settings.epochs * len(batches))
    moved: Trial = {
        **trial,
        "epoch": epoch,
        "batch": batch,
        "version": after.id,
        "residual": round(placement.residual, 4),
        "score": round(value, 4),
        "best": after.id if is_best else trial["best"],
        "best_score": round(value, 4) if is_best else trial["best_score"],
        "quiet": quiet,
        "active": quiet < settings.patience and epoch < settings.epochs,
        "rating": rating,
        "path": [
            *trial["path"],
            [trial["epoch"], len(after.taxonomy), round(placement.residual, 4), round(value, 4)],
        ],
    }
    return {"trials": {str(trial["index"]): moved}}


def exemplar_edits(
    context: Context, taxonomy: Taxonomy, edits: Sequence[Edit], numbers: Sequence[int]
) -> list[Edit]:
    """After `edits`, give the categories that remember few documents more of this minibatch, the nearest ones."""
    after = apply(taxonomy, edits, cap=context.settings.max_categories).taxonomy
    leaves = after.leaves
    if not leaves:
        return []
    placement = context.reading.place(after, numbers)
    more: list[Edit] = []
    for position, leaf in enumerate(leaves):
        room = context.settings.exemplars - len(leaf.exemplars)
        rows = np.flatnonzero((placement.nearest == position) & placement.fits)
        nearest = rows[np.argsort(-placement.best[rows].round(5), kind="stable")]
        new = [numbers[row] for row in nearest if numbers[row] not in leaf.exemplars][: max(room, 0)]
        if new:
            more.append(Redefine(id=leaf.name, exemplars=(*leaf.exemplars, *new)))
    return more


def _edits(
    context: Context, taxonomy: Taxonomy, numbers: Sequence[int], trial: Trial
) -> tuple[list[Edit], int | None]:
    """The edits by the style that is set, and the model's rating where it gives one."""
    draw = trial["index"]
    if context.settings.update is Update.PAPER:
        if not len(taxonomy):
            return paper.generate(context, numbers, stage=STAGE, draw=draw), None
        return paper.update(context, taxonomy, numbers, stage=STAGE, draw=draw)
    ask = residual.small_edits if context.settings.decisions is Decisions.SMALL else residual.whole_edits
    return ask(context, taxonomy, numbers, stage=STAGE, draw=draw), None
