"""What a conversation shows while an answer is on its way: a word that something goes on, then the progress of it."""

import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from .console import err
from .progress import Reporter, reporter

if TYPE_CHECKING:
    from ..llm.answer import Usage


class Pending:
    """Progress for many pieces of work, one after the other; between them nothing is on the screen."""

    def __init__(self, *, quiet: bool) -> None:
        self._quiet = quiet
        self._lock = threading.Lock()
        self._shown = ExitStack()
        self._reporter: Reporter | None = None
        self._is_working = False

    def report(self, stage: str, done: int, total: int, usage: "Usage") -> None:
        """Show progress in the place of the word; what comes between two pieces of work is dropped."""
        with self._lock:
            if not self._is_working:
                return
            if self._reporter is None:
                self._shown.close()
                self._reporter = self._shown.enter_context(reporter(quiet=self._quiet))
            self._reporter(stage, done, total, usage)

    @contextmanager
    def work(self, word: str) -> Iterator[None]:
        """Around one piece of work; on a terminal the word is shown until there is progress."""
        with self._lock:
            self._is_working = True
            if not self._quiet and err().is_terminal:
                self._shown.enter_context(err().status(f"{word} ..."))
        try:
            yield
        finally:
            with self._lock:
                self._is_working = False
                self._reporter = None
                self._shown.close()
