"""A run at work: its lease, its means and its graph, held together for as long as somebody works on it."""

import threading
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checkpoints.leases import Lease, lease
from ..checkpoints.runs import RunRow
from ..checkpoints.saver import open_saver
from ..checkpoints.workspace import Workspace
from ..llm.answer import Usage
from ..llm.spec import ModelSpec
from ..taxonomy.errors import BudgetReached, LeaseHeldError, RunStateError, Stopped, VersionError

if TYPE_CHECKING:
    from langgraph.graph.state import CompiledStateGraph
    from langgraph.types import StateSnapshot

    from ..nodes.context import Context, Progress

_MOST_SUPERSTEPS = 1_000_000


class RunStatus(StrEnum):
    """Where a run stands."""

    RUNNING = "running"
    AWAITING = "awaiting"
    BUDGET = "budget"
    STOPPED = "stopped"
    FAILED = "failed"
    DONE = "done"


@dataclass(frozen=True, slots=True)
class OpenQuestion:
    """What a run waits to be told.

    Attributes:
        turn: its number.
        text: the question.
        proposal: what waits to be confirmed, as JSON types; {} where nothing does.
    """

    turn: int
    text: str
    proposal: Mapping[str, Any]

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> "OpenQuestion":
        """From the value of an interrupt."""
        return cls(int(value["turn"]), str(value["question"]), dict(value.get("proposal") or {}))


class Session:
    """A run whose lease this process holds. Made by `open_session`."""

    def __init__(
        self,
        tables: Workspace,
        name: str,
        held: Lease,
        graph: "CompiledStateGraph[Any, Any, Any, Any]",
        config: Any,
        context: "Context",
    ) -> None:
        self._tables = tables
        self._name = name
        self._held = held
        self._graph = graph
        self._config = config
        self._context = context

    def idle(self) -> AbstractContextManager[None]:
        """While nobody works, as when a chat waits for its user: another process may take the run over then.

        Raises:
            LeaseHeldError: on leaving it, where one did.
        """
        return self._held.idle()

    def go_on(self) -> None:
        """Begin, or go on where the run was stopped; a question that is open stays so.

        Raises:
            EndpointError, StorageError: it stopped again, and can be resumed.
        """
        with self._status():
            before = self._snapshot()
            if not before.created_at:
                stored = self._tables.runs.get(self._name).settings
                corpus = self._tables.documents.of(stored.get("corpus")).info.fingerprint
                begin = stored.get("update", {}).get("state", {"phase": "summarize"})
                self._invoke({**begin, "corpus": corpus})
            elif not before.interrupts:
                self._invoke(None)

    def say(self, text: str, *, yes: bool, to: int | None) -> int:
        """Answer the open question, or speak to a run that is finished; returns the number of the question.

        Args:
            text: the user's words, or a command.
            yes: apply what they come to without asking again.
            to: number of the question that is meant; None for the one that is open.

        Raises:
            RunStateError: that question is not open, or the run has work to finish first; nothing changes.
            EndpointError, StorageError: as `go_on`.
        """
        from langgraph.types import Command

        from ..nodes.await_user import wrong_answer
        from ..nodes.state import AWAIT, DONE

        before = self._snapshot()
        asked = question_of(before.interrupts)
        finished = asked is None and not before.next and before.values.get("phase") == DONE
        if asked is None and not finished:
            raise RunStateError(
                f"the run {self._name!r} has work to finish before it can be spoken to: resume it first"
            )
        turn = asked.turn if asked else int(before.values.get("turn", 0)) + 1
        said = {"turn": turn if to is None else to, "say": text, "yes": yes}
        if trouble := wrong_answer(said, turn):
            raise RunStateError(f"The run {self._name!r} goes on waiting: {trouble}.")
        with self._status():
            if finished:
                self._invoke({"phase": AWAIT})
            self._invoke(Command(resume=said))
        return turn

    def _invoke(self, given: Any) -> None:
        self._graph.invoke(given, self._config, context=self._context, durability="sync")

    def _snapshot(self) -> "StateSnapshot":
        return self._graph.get_state(self._config)

    @contextmanager
    def _status(self) -> Iterator[None]:
        """Keep what the run is doing in its row; a pause is no error."""
        runs = self._tables.runs
        self._held.check()
        runs.set_status(self._name, RunStatus.RUNNING)
        try:
            yield
        except BudgetReached as pause:
            runs.set_status(self._name, RunStatus.BUDGET, str(pause))
        except Stopped as pause:
            runs.set_status(self._name, RunStatus.STOPPED, str(pause))
        except LeaseHeldError:
            # Where the run stands is now for its new owner to say.
            raise
        except BaseException as error:
            runs.set_status(self._name, RunStatus.FAILED, f"{type(error).__name__}: {error}")
            raise
        else:
            runs.set_status(self._name, self._where(self._snapshot()))

    @staticmethod
    def _where(after: "StateSnapshot") -> RunStatus:
        asked, values = question_of(after.interrupts), after.values
        # One that was only asked about things is as finished as it was.
        current = "published" in values and values["published"] == values.get("version")
        return RunStatus.AWAITING if asked and (asked.proposal or not current) else RunStatus.DONE


@contextmanager
def open_session(
    workspace: Path,
    name: str,
    *,
    spec: ModelSpec | None = None,
    progress: "Progress | None" = None,
    stop: threading.Event | None = None,
    take_over: bool = False,
) -> Iterator[Session]:
    """Hold a run to work on it; connections and the lease are given back at the end.

    Args:
        workspace, name: which run.
        spec: an LLM that was chosen already; None to choose by the run's row.
        progress: is told how far each stage is.
        stop: when it is set, the run stops at the next committed answer.
        take_over: take the run from a process that has not moved for a while.

    Raises:
        LeaseHeldError: another process holds it.
        VersionError: the run was made by another version of the graph.
        EndpointError, MissingPartError: the LLM or the encoder cannot be had.
    """
    from .build import build_graph
    from .opening import open_context

    with (
        Workspace.open(workspace) as tables,
        lease(tables.database, name, take_over=take_over) as held,
    ):
        row = tables.runs.get(name)
        check_version(row)

        def report(stage: str, done: int, total: int, usage: Usage) -> None:
            # Often enough: a process that was asleep while another took its run over must not go on.
            held.check()
            if progress is not None:
                progress(stage, done, total, usage)

        with ExitStack() as stack:
            try:
                saver = stack.enter_context(open_saver(tables.checkpoints_path))
                context = stack.enter_context(
                    open_context(tables, row, spec=spec, progress=report, stop=stop)
                )
            except Exception as error:
                if row.status not in (RunStatus.DONE, RunStatus.AWAITING):
                    tables.runs.set_status(name, RunStatus.FAILED, f"{type(error).__name__}: {error}")
                raise
            graph = build_graph().compile(checkpointer=saver)
            config = {"configurable": {"thread_id": row.thread_id}, "recursion_limit": _MOST_SUPERSTEPS}
            yield Session(tables, name, held, graph, config, context)


def question_of(interrupts: Any) -> OpenQuestion | None:
    """The question among the interrupts of a snapshot."""
    return next((OpenQuestion.of(interrupt.value) for interrupt in interrupts), None)


def check_version(row: RunRow) -> None:
    """Refuse a run of another version of the graph.

    Raises:
        VersionError: it is one.
    """
    from .build import GRAPH_VERSION

    if row.graph_version != GRAPH_VERSION:
        raise VersionError(
            f"the run {row.name!r} was made by version {row.graph_version} of the graph, this is version "
            f"{GRAPH_VERSION}: finish it with the tnt that began it, or start a new run with --name; answers are shared"
        )
