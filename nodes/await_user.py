"""Where a run waits for its user. A node that asks does nothing else: resuming runs it again from the top."""

from typing import Any

from langgraph.types import interrupt

from .state import PLAN, Said, State

QUESTION = "Is this the taxonomy you want? Approve it, or say what to change."


def await_user(state: State) -> State:
    """Show the question, wait, and hand on what was said."""
    said = ask_user({"question": QUESTION, "turn": state.get("turn", 0) + 1, "version": state["version"]})
    return {"phase": PLAN, "turn": said["turn"], "said": said}


def ask_user(question: dict[str, Any]) -> Said:
    """Interrupt with a question until something comes back that answers it; a wrong answer is asked about again.

    `Run` refuses a wrong answer before it comes here; other clients of the graph may not.

    Args:
        question: with its number as ``turn``; whatever else it holds is for who shows it.
    """
    while True:
        said = interrupt(question)
        trouble = wrong_answer(said, question["turn"])
        if trouble is None:
            return Said(turn=said["turn"], say=said["say"], yes=bool(said.get("yes", False)))
        question = {**question, "refused": trouble}


def wrong_answer(said: object, turn: int) -> str | None:
    """Why this cannot answer the question of that number; None where it can."""
    if not isinstance(said, dict) or not isinstance(said.get("say"), str) or not said["say"].strip():
        return 'an answer is {"turn": number of the question, "say": words or a command}, and may have "yes": true'
    if said.get("turn") != turn:
        return (
            f"that answers question {said.get('turn')}, and the open one is {turn}: somebody has gone on since. Look "
            "at the run again before you answer"
        )
    return None
