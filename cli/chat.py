"""`tnt chat`: the conversation in which a user asks about a taxonomy, changes it, and approves it.

On a terminal lines are typed with completion; else each line of standard input is a message. Whatever is said goes to
`Run.say`; this file shows what comes of it, and goes on after everything that can be gone on after.
"""

import signal
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING, Protocol

from ..taxonomy.errors import LeaseHeldError, TntError
from ..taxonomy.values import Taxonomy
from ..tools.commands import help_text
from .chat_view import Glance, changed, show_categories, show_hints, show_past, show_proposal, tell
from .console import complain, err, say
from .exit_codes import ExitCode
from .pending import Pending
from .signals import StopRequest, stop_on_signals
from .work import chat_command, resume_command, say_model, say_result

if TYPE_CHECKING:
    from ..graph.run import Run, Turn
    from ..graph.session import Session

LEAVING = frozenset({"/quit", "/exit", "/bye", "quit", "exit"})
"""What ends the conversation, and only that."""

STUCK = "It stopped on its way; what is finished is kept. /continue goes on with it."

_SPEAKABLE = frozenset({"awaiting", "done"})
_GOING_ON = frozenset({"/continue", "continue", "go on", "resume"})
_WHERE = {
    "awaiting": "waits for you",
    "done": "is done, and can still be changed",
    "running": "was interrupted",
    "stopped": "was stopped",
    "failed": "failed on its way",
    "budget": "has used up its budget",
}


class Listener(Protocol):
    """Where messages come from."""

    is_terminal: bool

    def hear(self, glance: Glance) -> str | None:
        """The next message, stripped; None when there will be none."""


def chat(workspace: Path, run: str, *, yes: bool, take_over: bool, llm: str | None, quiet: bool) -> int:
    """Talk about a run until the user leaves, and return the exit code.

    Args:
        workspace, run: which one.
        yes: apply every change at once.
        take_over: take the run from a process that holds it and has not been heard of for long.
        llm: another endpoint for the same work; None for the run's own.
        quiet: show no progress, and no hints.

    Raises:
        LeaseHeldError: another process works on the run, or took it over.
        TntError: the run cannot be opened.
    """
    from ..graph.run import Run

    pending = Pending(quiet=quiet)
    with stop_on_signals(quiet=quiet) as stop, ExitStack() as stack:
        opened = Run.open(workspace, run, llm=llm, progress=pending.report, stop=stop.event)
        say_model(opened.model.text, opened.model.reason, quiet=quiet)
        with pending.work("Opening the run"):
            session = stack.enter_context(opened.hold(take_over=take_over))
        return _Conversation(opened, session, workspace, pending, stop, yes=yes, quiet=quiet).hold()


class _Conversation:
    """One session at one run."""

    def __init__(
        self,
        run: "Run",
        session: "Session",
        workspace: Path,
        pending: Pending,
        stop: StopRequest,
        *,
        yes: bool,
        quiet: bool,
    ) -> None:
        from .listening import listener

        self._run = run
        self._session = session
        self._workspace = workspace
        self._pending = pending
        self._stop = stop
        self._yes = yes
        self._quiet = quiet
        said = [message["text"] for message in run.conversation if message["role"] == "user"]
        self._listener: Listener = listener(said)
        self._taxonomy = Taxonomy()
        self._counts: Mapping[str, int] = {}
        self._edition = run.state.get("edition")
        self._is_confirm = False

    def hold(self) -> int:
        """Greet, then answer message by message; the exit code."""
        self._greet()
        while (text := self._hear()) is not None and text.lower() not in LEAVING:
            if (code := self._answer(text)) is not None:
                return code
        return self._leave()

    def _greet(self) -> None:
        run, status = self._run, self._status
        self._look(run.taxonomy)
        count = len(self._taxonomy)
        sized = f"{count} {'category' if count == 1 else 'categories'}"
        tell(f"Run {run.name} {_WHERE.get(status, f'is {status}')}: {sized}", style="bold")
        tell(f"Use case: {run.settings.use_case}")
        for number, wish in enumerate(run.state.get("instructions", []), 1):
            tell(f"Standing wish {number}: {wish['text']}")
        show_categories(self._taxonomy, self._counts)
        if status not in _SPEAKABLE:
            tell(STUCK)
            return
        talks = self._listener.is_terminal and not self._quiet
        if talks:
            show_past(run.conversation)
        self._show_question()
        if talks and not self._is_confirm:
            show_hints(self._taxonomy, at_once=self._yes)

    def _hear(self) -> str | None:
        with self._session.idle(), _leaving_on_signals():
            try:
                return self._listener.hear(Glance(self._taxonomy, self._counts, self._is_confirm))
            except (KeyboardInterrupt, EOFError):
                return None

    def _answer(self, text: str) -> int | None:
        """Do what the message asks for and show it; an exit code where the conversation cannot go on."""
        was = self._status
        if text.lower() in {"/help", "/?"}:
            say(
                f"Say it in your own words, or type a command:\n{help_text()}\n/quit, Ctrl-D and Ctrl-C leave."
            )
            return None
        if was not in _SPEAKABLE and text.lower() not in _GOING_ON:
            tell(STUCK)
            return None
        try:
            if was in _SPEAKABLE:
                with self._pending.work("Working" if text.startswith("/") else "Reading what you wrote"):
                    turn = self._run.say(text, yes=self._yes)
                self._show(turn, was)
            else:
                said = len(self._run.conversation)
                with self._pending.work("Going on"):
                    self._run.resume()
                for message in self._run.conversation[said:]:
                    tell(message["text"])
                self._show_state(self._run.taxonomy, was)
                self._show_question()
        except LeaseHeldError:
            raise  # somebody else has the run now
        except TntError as error:
            complain("\n".join([f"Error: {error}", *getattr(error, "__notes__", [])]))
            if self._status not in _SPEAKABLE:
                tell(STUCK)
        return self._end()

    def _show(self, turn: "Turn", was: str) -> None:
        # A note of the proposal that is its reply too is shown with the proposal.
        if turn.reply and (turn.proposal is None or turn.reply != turn.proposal.note):
            tell(turn.reply)
        self._show_state(turn.taxonomy, was)
        self._is_confirm = turn.proposal is not None
        if turn.proposal is not None:
            show_proposal(turn.proposal)
            tell(turn.question or "", style="bold")

    def _show_question(self) -> None:
        """What the run waits to be told, and the proposal that it is about, if any."""
        proposal, question = self._run.proposal, self._run.question
        self._is_confirm = proposal is not None
        if proposal is not None:
            show_proposal(proposal)
        if question:
            tell(question, style="bold")

    def _show_state(self, taxonomy: Taxonomy, was: str) -> None:
        """The categories where they are others than before, and the results where there are new ones."""
        before, edition = self._taxonomy, self._run.state.get("edition")
        # A run also gets done by an undo, back to what is on disk: no news then.
        has_results = self._status == "done" and (was not in _SPEAKABLE or edition != self._edition)
        self._edition = edition
        if changed(before, taxonomy) or has_results:
            self._look(taxonomy)
            show_categories(taxonomy, self._counts, before=before)
        if has_results:
            say_result(self._run)

    def _look(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy
        self._counts = self._run.summary().get("counts") or {}

    def _end(self) -> int | None:
        """The exit code after a message, where nothing more can be said."""
        again = resume_command(self._workspace, self._run.name)
        if self._stop.event.is_set():
            self._tell(f"Stopped; everything answered so far is kept. To go on: {again}")
            return self._stop.exit_code
        if self._status == "budget":
            self._tell(
                f"The budget of tokens is used up. To go on with a larger one: {again} --budget-tokens N"
            )
            return ExitCode.BUDGET
        return None

    def _leave(self) -> int:
        status = self._status
        if status == "done":
            return ExitCode.DONE
        if status == "awaiting":
            again = chat_command(self._workspace, self._run.name)
            self._tell(f"The run waits for you. To come back: {again}")
            return ExitCode.AWAITING
        self._tell(f"The run is {status}. To go on: {resume_command(self._workspace, self._run.name)}")
        return ExitCode.BUDGET if status == "budget" else ExitCode.ERROR

    @property
    def _status(self) -> str:
        return str(self._run.status)

    def _tell(self, message: str) -> None:
        if not self._quiet:
            say(message, to=err())


@contextmanager
def _leaving_on_signals() -> Iterator[None]:
    """While nothing is done, a signal ends the conversation instead of asking the work to stop."""

    def leave(_signum: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = {signum: signal.signal(signum, leave) for signum in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for signum, handler in before.items():
            signal.signal(signum, handler)
