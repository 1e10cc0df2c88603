"""What every node is given beside the state: the run's settings and its means of work."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

from ..checkpoints.workspace import Workspace
from ..classifiers.encoders import Encoder
from ..llm.answer import Usage
from ..llm.chat import Chat
from ..llm.store import total
from ..taxonomy.errors import AnswerError, ModelError
from .reading import Reading
from .settings import Settings


class Progress(Protocol):
    """Who wants to hear how far a stage is."""

    def __call__(self, stage: str, done: int, total: int, usage: Usage) -> None:
        """`done` of `total` are finished in `stage`; `usage` is the whole run's so far."""
        ...


def silent(stage: str, done: int, total: int, usage: Usage) -> None:
    """A `Progress` that tells nobody."""


@dataclass(frozen=True)
class Context:
    """LangGraph's run-time context. It is not checkpointed; `Run` makes it anew from the workspace.

    Attributes:
        run: the run's name.
        settings: with nothing left open.
        workspace: all tables.
        chat: the LLM.
        encoder: texts to vectors.
        progress: who is told.
        reading: what the documents of the sample look like to models and vectors.
    """

    run: str
    settings: Settings
    workspace: Workspace
    chat: Chat
    encoder: Encoder
    progress: Progress = silent
    reading: Reading = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(
            self, "reading", Reading(self.settings, self.workspace, self.encoder, self.chat.id)
        )

    def report(self, stage: str, done: int, out_of: int) -> None:
        """Tell how far a stage is."""
        self.progress(stage, done, out_of, total(self.chat.store.usage()))

    def fail(self, stage: str, number: int | None, error: ModelError) -> None:
        """Note what went wrong with a document, or with a whole call (None), with the raw answer if one came."""
        raw = error.raw if isinstance(error, AnswerError) else ""
        self.workspace.failures.add(self.run, stage, number, str(error), raw)

    def usage(self) -> Mapping[str, Usage]:
        """What each stage has cost."""
        return {stage: Usage(*row) for stage, row in self.chat.store.usage().items()}
