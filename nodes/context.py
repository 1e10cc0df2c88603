"""What every node is given beside the state: the run's settings and its means of work."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Protocol

from ..checkpoints.workspace import Workspace
from ..classifiers.encoders import Encoder
from ..llm.answer import Usage
from ..llm.chat import Chat
from ..llm.store import total
from ..taxonomy.errors import AnswerError, ModelError
from ..taxonomy.plan import Instruction
from .reading import Reading
from .reading_on import ReadingOn
from .settings import Settings


class Progress(Protocol):
    """Who wants to hear how far a stage is."""

    def __call__(self, stage: str, done: int, total: int, usage: Usage) -> None:
        """`done` of `total` are finished in `stage`; `usage` is the whole run's so far."""
        ...


def silent(stage: str, done: int, total: int, usage: Usage) -> None:
    """A `Progress` that tells nobody."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a run goes on from.

    Attributes:
        version: id of the taxonomy.
        count, distinct: documents and different texts of the corpus that it was made from.
    """

    version: str
    count: int
    distinct: int


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
        reads_for: the settings that the subjects were read with, where instructions have come up since.
        base: what the run goes on from, where it does.
        reading: what the documents of the sample look like to models and vectors.
    """

    run: str
    settings: Settings
    workspace: Workspace
    chat: Chat
    encoder: Encoder
    progress: Progress = silent
    reads_for: Settings | None = None
    base: "Base | None" = None
    reading: Reading = field(init=False)
    _readings: dict[str, Reading] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        settings = self.reads_for or self.settings
        key = settings.model_dump_json()
        if key not in self._readings:
            given = (settings, self.workspace, self.encoder, self.chat.id)
            self._readings[key] = Reading(*given) if self.base is None else ReadingOn(*given, run=self.run)
        object.__setattr__(self, "reading", self._readings[key])

    def steered(self, instructions: Sequence[Instruction], read_with: Sequence[Instruction]) -> "Context":
        """This context under a run's standing instructions. Vectors are shared: they depend on the subjects alone.

        Args:
            instructions: all that hold now.
            read_with: those that held when the subjects were read.
        """
        if not instructions and not read_with:
            return self
        return replace(
            self, settings=self.settings.steered(instructions), reads_for=self.settings.steered(read_with)
        )

    def label_numbers(self) -> list[int]:
        """Numbers of the documents that the LLM labels, ascending: the label sample and what rounds have added."""
        return sorted({*self.reading.label_sample, *self.workspace.rounds.get(self.run)})

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
