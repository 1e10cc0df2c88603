"""The reviewer: the last look at a trial's best version, with the evidence of the whole pool in hand."""

from langgraph.runtime import Runtime

from ..llm.calling import TransportError
from ..taxonomy.apply import apply
from ..taxonomy.edits import Edit
from ..taxonomy.errors import AnswerError, CallError, EndpointError
from ..taxonomy.version import Author, Version, settled_by_people
from ..tools.score import score
from . import paper, residual
from .context import Context
from .settings import Decisions, Update
from .state import Branch, State
from .taxonomy_updater import exemplar_edits

STAGE = "review"


def reviewer(state: Branch, runtime: Runtime[Context]) -> State:
    """Polish one finalist, and score what comes out."""
    context, trial = runtime.context, state["trial"]
    path = context.workspace.versions.path(trial["best"])
    before = path[-1]
    context.report(STAGE, 0, 1)
    edits: list[Edit] = []
    note = ""
    try:
        edits = _edits(context, before, trial["index"])
    except TransportError as error:
        # Nothing else is asked at the moment that could show whether the endpoint works: better to ask again later.
        raise EndpointError(
            f"{error} The review depends on it. See to the endpoint, then resume: nothing finished is lost."
        ) from error
    except (AnswerError, CallError) as error:
        context.fail(STAGE, None, error)
        note = f"no readable answer: {error}"
    edits += exemplar_edits(context, before.taxonomy, edits, context.reading.pool)
    after = before.then(
        edits,
        author=Author.REVIEWER,
        cap=context.settings.max_categories,
        note=note,
        settled=settled_by_people(path),
    )
    context.workspace.versions.put(context.run, after)
    placement = context.reading.place(after.taxonomy, context.reading.held_out or context.reading.sample)
    value = score(placement, context.reading.described(after.taxonomy.leaves)).value
    context.report(STAGE, 1, 1)
    return {"finalists": {str(trial["index"]): {"version": after.id, "score": round(value, 4)}}}


def _edits(context: Context, finalist: Version, draw: int) -> list[Edit]:
    taxonomy, pool = finalist.taxonomy, context.reading.pool
    cap = context.settings.max_categories
    if context.settings.update is Update.PAPER:
        return paper.review(context, taxonomy, stage=STAGE, draw=draw)
    edits: list[Edit] = []
    if context.settings.decisions is Decisions.WHOLE:
        edits = residual.whole_edits(context, taxonomy, pool, stage=STAGE, draw=draw)
    # Merging may make new twins: look again until there are none, or until what is proposed is refused.
    current = apply(taxonomy, edits, cap=cap).taxonomy
    while more := residual.pair_edits(context, current, pool, stage=STAGE, draw=draw):
        edits += more
        before, current = current, apply(taxonomy, edits, cap=cap).taxonomy
        if current == before:
            break
    return edits
