"""The selector: which finalist is the taxonomy. By score; where scores are close, the model is asked too."""

from langgraph.runtime import Runtime

from ..llm.request import Request
from ..prompts.answers import says_first
from ..prompts.prompt import load_prompt
from ..taxonomy.errors import CallError, RunStateError
from .context import Context
from .state import AWAIT, LABEL, Finalist, State

STAGE = "select"
CLOSE = 0.02
"""Scores that differ by less are as good as equal."""
SHOWN = 20
"""Held-out texts that the model compares on."""


def selector(state: State, runtime: Runtime[Context]) -> State:
    """Choose the taxonomy of the run."""
    context = runtime.context
    finalists = sorted(state["finalists"].items(), key=lambda item: (-item[1]["score"], int(item[0])))
    index, chosen = finalists[0]
    for other_index, other in finalists[1:]:
        close = finalists[0][1]["score"] - other["score"] < CLOSE
        if close and other["version"] != chosen["version"] and _prefers(context, other, chosen):
            index, chosen = other_index, other
    if not len(context.workspace.versions.get(chosen["version"]).taxonomy):
        failed = context.workspace.failures.count(context.run)
        raise RunStateError(
            "no category was found: the texts are too few, too alike or too unlike each other for this use case, or "
            f"the LLM's answers could not be read ({failed} failures). Give more texts, word the use case more "
            "broadly, or name another --llm, and start another run with --name."
        )
    return {
        "version": chosen["version"],
        "chosen": int(index),
        "phase": LABEL if context.settings.auto else AWAIT,
    }


def _prefers(context: Context, first: Finalist, second: Finalist) -> bool:
    """Whether the model prefers the first table; an opinion that does not survive the swap is none."""
    versions = context.workspace.versions
    tables = [versions.get(finalist["version"]).taxonomy.leaves for finalist in (first, second)]
    texts = context.reading.texts((context.reading.held_out or context.reading.sample)[:SHOWN])
    requests = [
        Request(
            STAGE,
            load_prompt("choose").render(
                use_case=context.settings.use_case, texts=texts, first=one, second=other
            ),
            max_tokens=1,
            top_logprobs=10,
        )
        for one, other in (tables, tables[::-1])
    ]
    won = [False, False]
    for row, answer in context.chat.ask_all(requests):
        if not isinstance(answer, CallError):
            won[row] = says_first(answer.top_logprobs, answer.text) is (row == 0)
    return all(won)
