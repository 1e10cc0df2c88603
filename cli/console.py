"""The two streams, and the cleaning of what documents and models wrote before it reaches a terminal."""

import logging
import re
import sys
from collections.abc import Iterable
from functools import cache

from rich.console import Console
from rich.table import Table
from rich.text import Text

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)?"  # operating system commands: titles, links, the clipboard
    r"|\x1b[PX^_].*?(?:\x1b\\|\Z)"  # device control strings and their kin
    r"|(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]"  # colours, cursor movements
    r"|\x1b[ -/]*[0-~]",
    re.DOTALL,
)
# Control characters but tab and newline, and the marks that turn the direction of the text around them.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

PIPE_WIDTH = 10_000
"""A pipe has no width: a row of a table stays one line there, so that it can be searched and cut."""


def clean(text: str) -> str:
    """`text` without anything that a terminal would obey instead of showing."""
    return _CONTROLS.sub("", _ESCAPES.sub("", text))


@cache
def out() -> Console:
    """Standard output: results."""
    console = Console(highlight=False, soft_wrap=True)
    if not console.is_terminal:
        console.width = PIPE_WIDTH
    return console


@cache
def err() -> Console:
    """Standard error: progress, logs and complaints."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def say(message: str, *, style: str = "", to: Console | None = None) -> None:
    """Print one message as it is: cleaned, without markup, never folded (paths in it must stay whole)."""
    (to or out()).print(Text(clean(message), style=style), soft_wrap=True)


def complain(message: str) -> None:
    """Print an error."""
    say(message, style="red", to=err())


def table(columns: Iterable[tuple[str, bool]], rows: Iterable[Iterable[str]]) -> None:
    """Print a table on standard output: folded to the terminal, one line a row when piped.

    Args:
        columns: (title, whether it holds numbers).
        rows: cells as plain text.
    """
    grid = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold")
    for title, is_number in columns:
        grid.add_column(title, justify="right" if is_number else "left", overflow="fold")
    for row in rows:
        grid.add_row(*(Text(clean(cell).replace("\n", " ")) for cell in row))
    out().print(grid, soft_wrap=False)


def prepare(*, debug: bool) -> None:
    """Make the streams and the logs fit for a terminal of any encoding. Called once per command."""
    for stream in (sys.stdout, sys.stderr):
        if reconfigure := getattr(stream, "reconfigure", None):
            reconfigure(errors="replace")
    out.cache_clear()
    err.cache_clear()
    root = logging.getLogger()
    for handler in [handler for handler in root.handlers if isinstance(handler, _LogHandler)]:
        root.removeHandler(handler)
    root.addHandler(_LogHandler())
    logging.getLogger("tnt_llm").setLevel(logging.DEBUG if debug else logging.WARNING)


class _LogHandler(logging.Handler):
    """Logs through the console of standard error, so that a line never tears a progress bar apart."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            say(f"{record.levelname.lower()}: {record.getMessage()}", style="dim", to=err())
        except Exception:  # noqa: BLE001  # as the standard handlers do: a broken log line ends no run
            self.handleError(record)
