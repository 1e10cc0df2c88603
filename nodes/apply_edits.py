"""Apply what the user has confirmed, and nothing else."""

from collections.abc import Sequence

from langgraph.runtime import Runtime

from ..taxonomy.edits import Edit
from ..taxonomy.errors import RunStateError
from ..taxonomy.plan import Plan
from ..taxonomy.version import Author
from ..tools.edit_wording import word_version
from .context import Context
from .state import AWAIT, State
from .steering import changed_to, rerun


def apply_edits(state: State, runtime: Runtime[Context]) -> State:
    """A new version by the user's hand; or, where a stage is to be done anew, back to that stage."""
    context = runtime.context
    plan = Plan.model_validate(state["plan"])
    if plan.stage is not None:
        return {**rerun(state, plan.stage), "proposal": {}}
    before = context.workspace.versions.get(state["version"])
    after = before.then(
        _kept(plan.edits, state.get("kept", [])),
        author=Author.HUMAN,
        cap=context.settings.max_categories,
        note=state["said"]["say"] if state["said"]["yes"] else _request(state),
    )
    if not after.edits:
        raise RunStateError("a proposal without an edit was confirmed")
    context.workspace.versions.put(context.run, after)
    applied, refused = word_version(after, before.taxonomy)
    lines = [line.text for line in applied] + [f"Not applied: {line.text}: {why}" for line, why in refused]
    size = len(after.taxonomy)
    told = "\n".join([*lines, f"{size} {'category' if size == 1 else 'categories'} now."])
    return {
        **changed_to(state, after.id),
        "phase": AWAIT,
        "proposal": {},
        "kept": [],
        "messages": [{"role": "tnt", "text": told, "turn": state["said"]["turn"]}],
    }


def _kept(edits: Sequence[Edit], numbers: Sequence[int]) -> list[Edit]:
    """The edits of these numbers, from 1; all of them where none is named."""
    return [edit for place, edit in enumerate(edits, 1) if not numbers or place in numbers]


def _request(state: State) -> str:
    """The message that the confirmed edits came from: the user's last one before the confirmation."""
    said = [message["text"] for message in state.get("messages", []) if message["role"] == "user"]
    return said[-2] if len(said) > 1 else said[-1]
