"""What the user said becomes a plan: a command by its parser, other words by one call of the LLM."""

from collections.abc import Sequence
from functools import cached_property
from typing import assert_never

from langgraph.runtime import Runtime

from ..checkpoints.editions import Editions
from ..llm.chat import Chat
from ..llm.request import Request
from ..prompts.plan import MOST_ACTIONS, Planned, plan_schema
from ..prompts.prompt import load_prompt
from ..prompts.quoting import quote
from ..taxonomy.edits import Edit
from ..taxonomy.errors import BudgetReached, ModelError, RunStateError
from ..taxonomy.plan import Intent, Plan, Stage
from ..taxonomy.values import Taxonomy
from ..taxonomy.version import Author, Version
from ..tools.commands import CommandError, parse_command
from ..tools.preview import Preview
from ..tools.shrink import merges_down_to
from ..tools.understand import understand
from .context import Context
from .settings import Decisions, Settings
from .splitting import fill_parts, find_parts
from .state import ANSWER, APPLY, AWAIT, CONFIRM, LABEL, Message, State
from .steering import continued, redone, undone
from .view import RunView, propose

STAGE = "plan"
MOST_WORDS = 120
"""Words of a message that the model reads."""
MEMORY = 4
"""Messages of the conversation that it reads with the new one."""


def plan(state: State, runtime: Runtime[Context]) -> State:
    """Read what was said, and say where the run goes next. Nothing of it changes the taxonomy."""
    context, said = runtime.context, state["said"]
    taxonomy = context.workspace.versions.get(state["version"]).taxonomy
    moved = _Turn(context, state, taxonomy).take()
    told: list[Message] = [{"role": "user", "text": said["say"], "turn": said["turn"]}]
    return {"proposal": {}, "kept": [], **moved, "messages": [*told, *moved.get("messages", [])]}


def read_message(
    chat: Chat, settings: Settings, taxonomy: Taxonomy, messages: Sequence[Message], text: str
) -> Plan:
    """The plan that the LLM reads from a message, checked against the message's own words where the LLM is small.

    Args:
        chat: the LLM; one call, and one more where its answer cannot be read.
        settings: the use case, and how much the LLM is trusted with.
        taxonomy: what the message is about.
        messages: the conversation before it; the last few are read along.
        text: the message.

    Raises:
        ModelError: the LLM cannot be asked, or its answer cannot be read.
        BudgetReached, Stopped: as `Chat.ask`.
    """
    recent = [
        {"role": message["role"], "text": quote(message["text"], MOST_WORDS // 3)}
        for message in messages[-MEMORY:]
    ]
    is_small = settings.decisions is Decisions.SMALL
    request = Request(
        STAGE,
        load_prompt("plan").render(
            use_case=settings.use_case,
            categories=taxonomy.categories,
            history=recent,
            message=quote(text, MOST_WORDS),
        ),
        max_tokens=160 if is_small else 2000,
        schema=plan_schema(len(taxonomy)) if is_small else plan_schema(len(taxonomy), most=MOST_ACTIONS),
    )
    planned = chat.parse(request, Planned.model_validate_json)
    said = [message["text"] for message in messages[-MEMORY:] if message["role"] == "user"]
    return understand(planned, text, taxonomy, before=said, careful=is_small)


class _Turn:
    """One message on its way to what the state makes of it."""

    def __init__(self, context: Context, state: State, taxonomy: Taxonomy) -> None:
        self.context = context
        self.state = state
        self.taxonomy = taxonomy
        self.version: Version = context.workspace.versions.get(state["version"])

    @cached_property
    def view(self) -> RunView:
        """One for the whole turn: it reads every label once."""
        return RunView(self.context, self.state)

    def take(self) -> State:
        text = self.state["said"]["say"].strip()
        try:
            if text.startswith("/"):
                wanted = parse_command(text, self.taxonomy)
            else:
                wanted = read_message(
                    self.context.chat,
                    self.context.settings,
                    self.taxonomy,
                    self.state.get("messages", []),
                    text,
                )
            return self._act(wanted)
        except CommandError as error:
            return self._say(str(error))
        except (ModelError, BudgetReached) as error:
            # The question stays open, and commands do without the LLM.
            return self._say(f"{error} Commands work without the LLM: /help lists them.")

    def _act(self, wanted: Plan) -> State:
        match wanted.intent:
            case Intent.EDIT:
                return self._edit(wanted)
            case Intent.ASK:
                return {"phase": ANSWER, "plan": wanted.model_dump(mode="json")}
            case Intent.CONSTRAIN:
                return self._constrain(wanted)
            case Intent.LIFT:
                return self._lift(wanted.lift or 0)
            case Intent.UNDO:
                return self._to(undone(self.context, self.state), "Undone")
            case Intent.REDO:
                return self._to(redone(self.state), "Redone")
            case Intent.APPROVE:
                return self._approve()
            case Intent.CONTINUE:
                return {**continued(self.state), **self._told("The loop went on.")}
            case Intent.RERUN:
                return self._rerun(wanted)
            case Intent.UNCLEAR:
                return self._say(wanted.reply or "That was not understood. /help lists what can be said.")
        assert_never(wanted.intent)

    # --- edits

    def _edit(self, wanted: Plan) -> State:
        edits: tuple[Edit, ...] = wanted.edits
        numbers = self.view.members()
        draw = self.state["said"]["turn"]
        if wanted.split is not None:
            category = self.taxonomy[wanted.split]
            try:
                found = find_parts(
                    self.context,
                    self.taxonomy,
                    category,
                    numbers.get(category.id, []),
                    stage="split",
                    draw=draw,
                )
            except RunStateError as error:
                return self._say(str(error))
            edits = (*edits, found)
        edits = tuple(fill_parts(self.context, edit, numbers) for edit in edits)
        return self._propose(wanted, edits)

    def _propose(self, wanted: Plan, edits: Sequence[Edit], note: str = "") -> State:
        cap = self.context.settings.max_categories
        after = self.version.then(edits, author=Author.HUMAN, cap=cap)
        shown = propose(self.view, after)
        if not shown.lines:
            reasons = "; ".join(reason for _, reason in shown.refused)
            return self._say(
                f"Nothing would change: {reasons or wanted.reply or 'no edit was found in that'}."
            )
        kept = wanted.model_copy(update={"edits": after.edits, "split": None})
        return {
            "plan": kept.model_dump(mode="json"),
            "proposal": shown.to_dict(),
            "kept": [],
            "phase": APPLY if self.state["said"]["yes"] else CONFIRM,
            **self._told(" ".join(part for part in (wanted.reply, note) if part)),
        }

    # --- instructions

    def _constrain(self, wanted: Plan) -> State:
        instruction = wanted.instruction
        if instruction is None:
            return self._say(
                wanted.reply or "No instruction was found in that. /instructions add TEXT adds one."
            )
        held = [*self.state.get("instructions", []), instruction.model_dump(mode="json")]
        reply = (
            f"From now on: {instruction.text}. /instructions lists what holds, /instructions drop {len(held)} lifts "
            "this."
        )
        moved: State = {"instructions": held}
        if instruction.changes_purpose or instruction.language is not None:
            reply += (
                " The texts' subjects were read without it; /rerun subjects reads them anew and builds the "
                "taxonomy from them, /rerun loop builds it from the subjects there are."
            )
        limit = instruction.max_categories
        if limit is not None and limit < len(self.taxonomy):
            merges = merges_down_to(
                self.taxonomy,
                limit,
                self.context.reading.prototypes(self.taxonomy.categories),
                {id_: len(found) for id_, found in self.view.members().items() if id_},
            )
            shrunk = self._propose(
                wanted,
                merges,
                f"{reply} There are {len(self.taxonomy)} categories; these merges of the nearest ones would bring "
                f"them to {limit}.",
            )
            return {**moved, **shrunk}
        return {**moved, **self._say(reply)}

    def _lift(self, number: int) -> State:
        held = self.state.get("instructions", [])
        if not held:
            return self._say("There is no instruction to lift.")
        if number > len(held):
            return self._say(f"There are {len(held)} instructions; /instructions lists them.")
        left = [] if number == 0 else [*held[: number - 1], *held[number:]]
        return {"instructions": left, **self._say(f"Lifted. Instructions that hold: {len(left)}.")}

    # --- where the run goes

    def _to(self, moved: State | None, verb: str) -> State:
        if moved is None:
            return self._say(f"There is nothing to {'undo' if verb == 'Undone' else 'redo'}.")
        size = len(self.context.workspace.versions.get(moved["version"]).taxonomy)
        return {**moved, **self._say(f"{verb}: {size} categories.")}

    def _approve(self) -> State:
        if not len(self.taxonomy):
            return self._say("There is no category to approve. Add one, or /continue.")
        on_disk = Editions(self.context.workspace.run_folder(self.context.run)).current
        if self.state.get("published") == self.state["version"] and on_disk == self.state.get("edition"):
            return self._say("This taxonomy is approved already, and the results on disk are of it.")
        return {
            "phase": LABEL,
            "edition": self.state.get("edition", 0) + 1,
            **self._told("Approved."),
        }

    def _rerun(self, wanted: Plan) -> State:
        stage = wanted.stage or Stage.LOOP
        sample = len(self.context.reading.sample)
        note = {
            Stage.SUBJECTS: f"Reads the subjects of {sample} texts anew (about {sample} calls) and builds another "
            "taxonomy from them; edits made by hand are not in it, /undo brings them back.",
            Stage.LOOP: "Builds another taxonomy from the subjects there are; edits made by hand are not in it, "
            "/undo brings them back.",
            Stage.REVIEW: "Has the taxonomy reviewed once more with all evidence.",
        }[stage]
        shown = Preview(
            lines=(), refused=(), calls=sample if stage is Stage.SUBJECTS else 0, tokens=0, note=note
        )
        return {
            "plan": wanted.model_copy(update={"stage": stage}).model_dump(mode="json"),
            "proposal": shown.to_dict(),
            "phase": APPLY if self.state["said"]["yes"] else CONFIRM,
            **self._told(note),
        }

    def _told(self, text: str) -> State:
        if not text:
            return {}
        return {"messages": [{"role": "tnt", "text": text, "turn": self.state["said"]["turn"]}]}

    def _say(self, text: str) -> State:
        return {"phase": AWAIT, **self._told(text)}
