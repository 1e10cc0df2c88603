"""Answers a question from the data. No LLM is asked: what was read from the message is enough."""

from langgraph.runtime import Runtime

from ..taxonomy.plan import Plan
from ..tools.questions import answer_question
from .context import Context
from .state import AWAIT, Message, State
from .view import RunView


def answer(state: State, runtime: Runtime[Context]) -> State:
    """Add the answer to the conversation, and wait for the user again."""
    plan = Plan.model_validate(state["plan"])
    said = [plan.reply]
    if plan.question is not None:
        said.append(answer_question(plan.question, RunView(runtime.context, state)))
    text = "\n".join(part for part in said if part)
    return {"phase": AWAIT, "messages": [Message(role="tnt", text=text, turn=state["turn"])]}
