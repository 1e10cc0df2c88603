"""Where a run waits for its user. A node that asks does nothing else: resuming runs it again from the top."""

from langgraph.types import interrupt

from .state import LABEL, State

APPROVE = "approve"
QUESTION = "Is this the taxonomy you want? Approve it to have the texts labelled and the classifier trained."


def await_user(state: State) -> State:
    """Show the question, wait, and go on once it is answered. `Run` sees to it that only `APPROVE` comes back."""
    interrupt({"question": QUESTION, "version": state["version"], "answers": [APPROVE]})
    return {"phase": LABEL}
