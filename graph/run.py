"""`Run`: start a run, go on with it, look at it.

    run = Run.start("messages.csv", use_case="find out why people write", workspace="work")
    run.taxonomy
    run.say("merge the two about luggage").proposal; run.confirm()
    run.approve(); run.labels; run.classifier.predict(["where is my parcel?"])

A run is a LangGraph thread in a workspace. Whatever stops it - a signal, a budget, kill -9 - `Run.open(...).resume()`
goes on, and nothing that was answered is asked again.
"""

import os
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from ..checkpoints.readers import describe_source, read_corpus
from ..checkpoints.runs import RunRow
from ..checkpoints.workspace import Workspace
from ..llm.spec import ModelSpec, choose_model
from ..nodes.settings import Settings
from ..taxonomy.errors import CorpusError, RunStateError, SettingsError
from ..taxonomy.values import Taxonomy
from .record import RunRecord
from .session import RunStatus, Session, open_session

if TYPE_CHECKING:
    from ..nodes.context import Progress
    from ..tools.preview import Preview

LEAST_TEXTS = 8
"""Different texts without which there is nothing to find categories in."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What came of one message to a run.

    Attributes:
        number: of the question that it answered.
        reply: what there is to say.
        proposal: edits that wait to be confirmed, changed or dropped; None where nothing does.
        question: what the run waits to be told now; None where it waits for nothing.
        status: where the run stands.
        taxonomy: as it is now.
    """

    number: int
    reply: str
    proposal: "Preview | None"
    question: str | None
    status: RunStatus
    taxonomy: Taxonomy


class Run(RunRecord):
    """One run of a workspace. Made by `Run.start` and `Run.open`."""

    def __init__(
        self,
        workspace: Path,
        name: str,
        spec: ModelSpec | None,
        progress: "Progress | None",
        stop: threading.Event | None,
    ) -> None:
        super().__init__(workspace, name)
        self._spec = spec
        self._progress = progress
        self._stop = stop
        self._held: Session | None = None

    @classmethod
    def start(
        cls,
        corpus: Any,
        *,
        use_case: str,
        workspace: Path | str,
        name: str = "main",
        llm: str | None = None,
        text_column: str = "text",
        id_column: str | None = None,
        progress: "Progress | None" = None,
        stop: threading.Event | None = None,
        **settings: Any,
    ) -> Self:
        """Load a corpus into a workspace, start a run, and work until it is done or paused.

        Args:
            corpus: a file (CSV, TSV, JSONL, Parquet), a directory of .txt files, "-", a DataFrame, or an iterable of
                texts, (id, text) pairs or dicts.
            use_case: what you want to learn from the texts, in a sentence.
            workspace: a directory for this corpus; made if it is not there.
            name: of the run; its results are in ``workspace/name``.
            llm: `embedded`, `openai:MODEL`, `http://host:port/v1#MODEL`, `provider:MODEL`; None for OpenAI's default
                model where OPENAI_API_KEY is set, else `embedded`.
            text_column, id_column: where the corpus has columns.
            progress: is told how far each stage is.
            stop: when it is set, the run stops at the next committed answer.
            settings: see `Settings`.

        Raises:
            CorpusError: the corpus cannot be read, or is too small.
            CorpusMismatchError: the workspace holds another corpus.
            RunExistsError: it has a run of that name.
            SettingsError: a setting makes no sense.
            EndpointError: the LLM cannot be used; `resume` goes on.
            LeaseHeldError, StorageError, MissingPartError: as they say.
        """
        from ..classifiers.encoders import open_encoder
        from .build import GRAPH_VERSION

        spec = choose_model(llm, os.environ)
        chosen = checked_settings({"use_case": use_case, **settings}).for_model(is_embedded=spec.is_embedded)
        open_encoder(chosen.encoder)
        path = Path(workspace)
        with Workspace.open(path, create=True) as tables:
            tables.run_folder(name)
            info = tables.documents.load(
                read_corpus(corpus, text_column=text_column, id_column=id_column),
                source=describe_source(corpus),
            )
            if info.distinct < LEAST_TEXTS:
                raise CorpusError(
                    f"{info.source} has {info.distinct} different texts that are not blank; a taxonomy needs "
                    f"{LEAST_TEXTS} at the very least, and shows its worth from about 100. Add texts, and use another "
                    "workspace."
                )
            tables.runs.create(
                name,
                settings={
                    "settings": chosen.model_dump(mode="json"),
                    "model": {"text": spec.text, "reason": spec.reason},
                    "corpus": info.fingerprint,
                },
                graph_version=GRAPH_VERSION,
                status=RunStatus.RUNNING,
            )
        run = cls(path, name, spec, progress, stop)
        with run.hold() as session:
            session.go_on()
        return run

    @classmethod
    def open(
        cls,
        workspace: Path | str,
        name: str = "main",
        *,
        llm: str | None = None,
        progress: "Progress | None" = None,
        stop: threading.Event | None = None,
        budget_tokens: int | None = None,
    ) -> Self:
        """A run that was started before; nothing happens until `resume` or `approve`.

        Args:
            workspace, name: which one.
            llm: another endpoint for the same work; None for the one that the run was started with.
            progress, stop: as in `start`.
            budget_tokens: a new budget; None keeps the one there is.

        Raises:
            WorkspaceError: there is no such workspace.
            RunNotFoundError: it has no such run.
        """
        path = Path(workspace)
        with Workspace.open(path) as tables:
            row = tables.runs.get(name)
            stored = dict(row.settings)
            if llm is not None:
                chosen = choose_model(llm, os.environ)
                stored["model"] = {"text": chosen.text, "reason": chosen.reason}
            if budget_tokens is not None:
                changed = {**stored["settings"], "budget_tokens": budget_tokens}
                stored["settings"] = checked_settings(changed).model_dump(mode="json")
            if stored != row.settings:
                tables.runs.update_settings(name, stored)
        return cls(path, name, None, progress, stop)

    def resume(self) -> Self:
        """Go on where the run was stopped or killed, until it is done or paused. On a pause for the user, or when
        it is done, nothing happens.

        Raises:
            VersionError: the run was made by another version of the graph.
            LeaseHeldError: another process is working on it.
            EndpointError, StorageError: it stopped again, and can be resumed.
        """
        if self.status not in (RunStatus.AWAITING, RunStatus.DONE):
            with self.hold() as session:
                session.go_on()
        return self

    def approve(self) -> Self:
        """Approve the taxonomy of a run that waits for its user, and go on until it is done or paused.

        Raises:
            RunStateError: it is not waiting.
            VersionError, LeaseHeldError, EndpointError, StorageError: as `resume`.
        """
        if self.status is not RunStatus.AWAITING:
            raise RunStateError(
                f"the run {self.name!r} is {self.status}, not awaiting approval: there is nothing to approve"
            )
        self.say("/approve")
        return self

    def say(self, text: str, *, yes: bool = False, to: int | None = None) -> Turn:
        """Say something to a run that waits for its user, or that is finished: what to change, a question, a command.

        Edits are proposed, not applied: `confirm` applies them, `drop` drops them, and saying something else changes
        the request. Commands begin with "/" and ask no LLM; "/help" lists them.

        Args:
            text: the words.
            yes: apply what they come to at once.
            to: number of the question that this answers (`turn`); None for whichever is open.

        Raises:
            RunStateError: the question is not open (any more), or the run has work to finish first. The pause stays.
            VersionError, LeaseHeldError, EndpointError, StorageError: as `resume`.
        """
        with self.hold() as session:
            number = session.say(text, yes=yes, to=to)
        asked, status, said = self._asked(), self.status, self.conversation
        replies = [
            message["text"] for message in said if message["turn"] == number and message["role"] == "tnt"
        ]
        return Turn(
            number=number,
            reply="\n".join(replies),
            proposal=self._proposal(asked),
            question=None if asked is None or status is RunStatus.DONE else asked.text,
            status=status,
            taxonomy=self.taxonomy,
        )

    def confirm(self, *numbers: int) -> Turn:
        """Apply the proposal, or only its edits of these numbers, from 1.

        Raises:
            RunStateError: there is no proposal, or no such number in it.
            VersionError, LeaseHeldError, EndpointError, StorageError: as `resume`.
        """
        proposal = self.proposal
        if proposal is None:
            raise RunStateError(f"the run {self.name!r} has no proposal that waits to be confirmed")
        if wrong := [number for number in numbers if not 1 <= number <= len(proposal.lines)]:
            raise RunStateError(f"the proposal has {len(proposal.lines)} edits, and no number {wrong[0]}")
        return self.say(" ".join(map(str, numbers)) or "yes")

    def drop(self) -> Turn:
        """Drop the proposal; as `confirm`."""
        if self.proposal is None:
            raise RunStateError(f"the run {self.name!r} has no proposal to drop")
        return self.say("no")

    def undo(self) -> Turn:
        """Go back to the version before this one, exactly; as `say`."""
        return self.say("/undo")

    def redo(self) -> Turn:
        """Take the last `undo` back; as `say`."""
        return self.say("/redo")

    def fork(self, *, at: int | None = None, name: str | None = None, **settings: Any) -> "Run":
        """Another run that begins where this one stood; this one stays as it is. Nothing is worked on yet.

        Args:
            at: a step of its history; None for the newest.
            name: of the new run; None for this one's with -2, -3, ...
            settings: what differs; see `Settings`.

        Raises:
            RunStateError: there is no such step.
            SettingsError: there is no such setting, or it contradicts what is done at that step.
        """
        from .fork import fork

        made = fork(self._workspace, self.name, at=at, name=name, **settings)
        return Run(self._workspace, made, self._spec, self._progress, self._stop)

    def update(
        self,
        corpus: Any,
        *,
        name: str | None = None,
        llm: str | None = None,
        text_column: str = "text",
        id_column: str | None = None,
        **settings: Any,
    ) -> "Run":
        """Another run that goes on where this finished one stands, with new documents, until it is done or paused.

        Only what is new to the classifier is read and goes through the loop, which begins with this run's taxonomy. It
        pauses with the proposed edits unless ``auto=True``; labels then follow by lineage. This run stays as it is.

        Args:
            corpus: the new documents, in any form that `start` takes.
            name: of the new run; None for this one's with -2, -3, ...
            llm: another one; None for this run's.
            text_column, id_column: where the corpus has columns.
            settings: `auto`, `budget_tokens`, `max_categories`, `pause_every`, `sample`, `label_sample`.

        Raises:
            RunStateError: this run has no results yet.
            CorpusError: the documents cannot be read.
            SettingsError: a setting makes no sense, or is none of these.
            VersionError, LeaseHeldError, EndpointError, StorageError: as `resume`.
        """
        from .update import begin_update

        made = begin_update(
            self._workspace,
            self.name,
            corpus,
            name=name,
            llm=llm,
            text_column=text_column,
            id_column=id_column,
            **settings,
        )
        return Run(self._workspace, made, None, self._progress, self._stop).resume()

    @contextmanager
    def hold(self, *, take_over: bool = False) -> Iterator[Session]:
        """Keep the run, its LLM and its vectors at hand for several calls; nobody else can work on it meanwhile.

        Args:
            take_over: take it from a process that has not moved for a while.

        Raises:
            LeaseHeldError: another process holds it; the message names the process.
            VersionError, EndpointError, StorageError, MissingPartError: as `resume`.
        """
        if self._held is not None:
            yield self._held
            return
        with open_session(
            self._workspace,
            self.name,
            spec=self._spec,
            progress=self._progress,
            stop=self._stop,
            take_over=take_over,
        ) as session:
            self._held = session
            try:
                yield session
            finally:
                self._held = None


def list_runs(workspace: Path | str) -> list[RunRow]:
    """The runs of a workspace, oldest first.

    Raises:
        WorkspaceError: there is no such workspace.
    """
    with Workspace.open(workspace) as tables:
        return tables.runs.list()


def checked_settings(values: Mapping[str, Any]) -> Settings:
    """Settings of these values.

    Raises:
        SettingsError: they make no sense.
    """
    from pydantic import ValidationError

    try:
        return Settings.model_validate(values)
    except ValidationError as error:
        faults = "; ".join(
            ": ".join(filter(None, (".".join(map(str, fault["loc"])), fault["msg"])))
            for fault in error.errors()
        )
        raise SettingsError(f"these settings make no sense: {faults}") from error
