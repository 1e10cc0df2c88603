"""Where the messages of a conversation come from: a terminal, with completion and history, or lines of a pipe."""

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Final

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.filters import Condition
from prompt_toolkit.history import InMemoryHistory

from ..taxonomy.values import Category
from ..tools.commands import COMMANDS
from .chat_view import Glance
from .console import clean, say

_FURTHER: Final = {
    "rerun": ("subjects", "loop", "review"),
    "instructions": ("add", "drop"),
    "examples": ("undefined",),
}
_NAMING: Final = {"examples", "count", "add", "rename", "describe", "merge", "split", "remove", "move"}
"""Commands that categories are named in."""
_SEPARATING: Final = re.compile(
    r'[,;:"]|(?:^|\s)(?:to|into|under|below|and|with|&|\+)(?=\s|$)|->', re.IGNORECASE
)
_MOST_WORDS: Final = 6
"""Words of a name that are taken for its beginning."""


def listener(past: Sequence[str]) -> "Terminal | Lines":
    """What fits the streams of this process.

    Args:
        past: earlier messages, the newest last.
    """
    if sys.stdin.isatty() and sys.stdout.isatty():
        return Terminal(past)
    if reconfigure := getattr(sys.stdin, "reconfigure", None):
        reconfigure(errors="replace")
    return Lines(sys.stdin)


class Lines:
    """Every line is a message; it is shown too, so that what comes out can be read alone."""

    is_terminal = False

    def __init__(self, stream: IO[str]) -> None:
        self._lines = iter(stream.readline, "")

    def hear(self, glance: Glance) -> str | None:  # noqa: ARG002  # a pipe shows no hints
        """The next line that is not blank."""
        for line in self._lines:
            if text := line.strip():
                say(f"> {text}")
                return text
        return None


class Terminal:
    """A line with completion by Tab, and earlier messages by the arrow keys."""

    is_terminal = True

    def __init__(self, past: Sequence[str]) -> None:
        self._completer = Completions()
        self._session: PromptSession[str] = PromptSession(
            history=InMemoryHistory([clean(text) for text in past]),
            completer=self._completer,
            complete_while_typing=Condition(self._is_command),
        )

    def hear(self, glance: Glance) -> str | None:
        """The next message. Raises KeyboardInterrupt and EOFError for Ctrl-C and Ctrl-D."""
        self._completer.glance = glance
        hint = "yes, no, numbers, or something else" if glance.is_confirm else "your wish, or /help"
        while True:
            text = self._session.prompt(
                "apply? > " if glance.is_confirm else "> ", placeholder=[("fg:ansibrightblack", hint)]
            )
            if text.strip():
                return text.strip()

    def _is_command(self) -> bool:
        # A menu that opens by itself would be in the way of prose.
        return self._session.default_buffer.text.startswith("/")


class Completions(Completer):
    """Completes commands, what follows some of them, and names of categories.

    Attributes:
        glance: what is there to be named.
    """

    def __init__(self) -> None:
        self.glance = Glance()

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002  # prompt_toolkit's signature
    ) -> Iterable[Completion]:
        """What may stand where the cursor is."""
        text = document.text_before_cursor.lstrip()
        word, blank, rest = text.partition(" ")
        if not word.startswith("/"):
            return self._prose(text)
        if not blank:
            return _commands(word)
        name = word[1:].lower()
        further = [
            Completion(choice, -len(rest))
            for choice in _FURTHER.get(name, ())
            if choice.startswith(rest.lower())
        ]
        return [*further, *(self._names(rest, in_command=True) if name in _NAMING else [])]

    def _prose(self, text: str) -> Iterator[Completion]:
        if self.glance.is_confirm:
            choices = [choice for choice in ("yes", "no") if choice.startswith(text.lower())]
            yield from (Completion(choice, -len(text)) for choice in choices)
        yield from self._names(text, in_command=False)

    def _names(self, text: str, *, in_command: bool) -> Iterator[Completion]:
        """Names that the last words of the text begin; in a command, all of them after a blank."""
        for typed in _endings(text):
            sought = typed.lstrip('"“#').casefold()
            found = [
                (number, category)
                for number, category in enumerate(self.glance.taxonomy, 1)
                if (sought or in_command) and _begins(category.name.casefold(), sought)
            ]
            for number, category in found:
                name = clean(category.name)
                insert = f'"{name}"' if in_command and _SEPARATING.search(name) else name
                yield Completion(insert, -len(typed), display=name, display_meta=self._told(number, category))
            if found:
                return

    def _told(self, number: int, category: Category) -> str:
        count = self.glance.counts.get(category.id)
        return f"{number}" if count is None else f"{number}: {count:,} texts"


def _commands(word: str) -> Iterator[Completion]:
    for command in COMMANDS:
        if f"/{command.name}".startswith(word.lower()):
            yield Completion(
                f"/{command.name}{' ' if command.arguments else ''}",
                -len(word),
                display=command.form,
                display_meta=command.does,
            )


def _endings(text: str) -> Iterator[str]:
    """The last few words of a text, all of them first; only "" after a blank."""
    starts = [match.start() for match in re.finditer(r"\S+", text)][-_MOST_WORDS:]
    if not text or text[-1].isspace():
        starts = []
    yield from (text[start:] for start in starts)
    if not starts:
        yield ""


def _begins(name: str, sought: str) -> bool:
    """Whether the name, or one of its words, begins like that."""
    return name.startswith(sought) or any(word.startswith(sought) for word in name.split())
