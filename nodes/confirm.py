"""Nothing is applied unseen: where a run waits for its user to confirm what a message came to."""

import re

from .await_user import ask_user
from .state import APPLY, AWAIT, PLAN, Message, State

QUESTION = (
    "Apply this? Answer yes, no, or the numbers of what to apply; anything else is taken as a new request."
)

_YES = {
    "yes",
    "y",
    "approve",
    "ok",
    "okay",
    "apply",
    "confirm",
    "sure",
    "ja",
    "oui",
    "si",
    "sí",
    "yes please",
    "do it",
}
_NO = {"no", "n", "drop", "cancel", "nein", "non", "no thanks", "no thank you", "stop", "never mind"}


def confirm(state: State) -> State:
    """Show the proposal, wait, and go where the answer says."""
    proposal = state["proposal"]
    said = ask_user(
        {
            "question": QUESTION,
            "turn": state.get("turn", 0) + 1,
            "version": state["version"],
            "proposal": proposal,
        }
    )
    decision = read_decision(said["say"], len(proposal["lines"]))
    told: list[Message] = [{"role": "user", "text": said["say"], "turn": said["turn"]}]
    moved: State = {"turn": said["turn"], "said": said}
    if decision is None:
        return {**moved, "phase": PLAN, "proposal": {}}
    if not decision:
        told.append({"role": "tnt", "text": "Dropped; nothing has changed.", "turn": said["turn"]})
        return {**moved, "phase": AWAIT, "proposal": {}, "messages": told}
    return {**moved, "phase": APPLY, "kept": decision, "messages": told}


def read_decision(text: str, count: int) -> list[int] | None:
    """Numbers of the edits to apply, none of them where all are dropped; None where the text decides nothing.

    Args:
        text: what was said.
        count: how many edits there are; with none, there is something else to say yes or no to.
    """
    plain = re.sub(r"[^\w\s]", " ", text.casefold())
    plain = " ".join(plain.split())
    if plain in _YES or text.strip().casefold() == "/approve":
        return list(range(1, count + 1)) or [0]
    if plain in _NO:
        return []
    numbers = re.fullmatch(r"(?:only |just )?(\d+(?:(?: and |[ ,]+)\d+)*)", plain)
    if numbers is None:
        return None
    chosen = sorted({int(number) for number in re.findall(r"\d+", numbers.group(1))})
    return chosen if chosen[0] >= 1 and chosen[-1] <= count else None
