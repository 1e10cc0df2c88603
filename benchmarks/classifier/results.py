"""What every benchmark of the classifier is given, and what it gives back."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any


class Skipped(Exception):  # noqa: N818 - no error: the reason why there is no figure
    """What the benchmark needs is not there; the message says what."""


@dataclass(frozen=True, slots=True)
class Options:
    """How to measure.

    Attributes:
        data: folder with the corpora.
        out: where vectors, workspaces and figures are kept; what is there is not made again.
        quick: on a fraction of the data, to see that it runs; the figures mean nothing.
    """

    data: Path
    out: Path
    quick: bool = False

    def corpus(self, name: str) -> Path:
        """A file of `data`.

        Raises:
            Skipped: it is not there.
        """
        path = self.data / name
        if not path.exists():
            raise Skipped(f"{path} is not there: --data names the folder with the corpora")
        return path


@dataclass(frozen=True, slots=True)
class Row:
    """One figure beside its bar.

    Attributes:
        what: what was measured, on what.
        bar: what must hold, in words; "" for a figure without a bar.
        measured: the figure, in words.
        met: whether it holds; None where there is no bar.
        details: all figures behind it, JSON types.
    """

    what: str
    bar: str
    measured: str
    met: bool | None = None
    details: dict[str, Any] = field(default_factory=dict)


def table(rows: Sequence[Row]) -> str:
    """The rows in aligned columns: what, bar, measured, met."""
    cells = [("what", "bar", "measured", "met")]
    cells += [
        (row.what, row.bar, row.measured, {True: "yes", False: "NO", None: ""}[row.met]) for row in rows
    ]
    widths = [max(len(line[column]) for line in cells) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in cells
    )


def write(path: Path, rows: Sequence[Row]) -> None:
    """Keep the rows with their details as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n", encoding="utf-8")
