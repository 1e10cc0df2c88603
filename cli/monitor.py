"""`tnt monitor`: what is different about incoming texts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .console import clean, out, say, table

if TYPE_CHECKING:
    from ..tools.monitor import LabelShift, MonitorReport

MOST_GROUPS = 8
MOST_LABELS = 20
_SHOWN = 160
"""Characters of an example."""


def monitor_file(
    source: str,
    *,
    workspace: Path,
    run: str,
    out_path: Path | None,
    text_column: str,
    id_column: str | None,
    rate: float,
    as_json: bool,
) -> None:
    """Compare a file with what a run was trained on, and say what came out."""
    from ..graph.monitoring import monitor_run
    from ..tools.monitor_table import check_table_path, write_rows

    if out_path is not None:
        check_table_path(out_path)
    report = monitor_run(workspace, run, source, text_column=text_column, id_column=id_column, rate=rate)
    if out_path is not None:
        write_rows(report.rows, out_path)
    if as_json:
        # ASCII: what a document wrote cannot reach a terminal as an escape sequence.
        out().file.write(json.dumps(report.to_dict(), indent=2) + "\n")
        return
    show_report(report, run)
    if out_path is not None:
        say(f"\nA row for each text: {out_path}")


def show_report(report: "MonitorReport", run: str) -> None:
    """Print a report for people."""
    blank = f", {report.blank:,} of them blank" if report.blank else ""
    say(
        f"{_texts(report.documents)}{blank}, held against the {_texts(report.known)} that {run} was trained on "
        f"(compared by {report.compared_by})."
    )
    say("")
    say(_novelty(report), style="bold" if report.has_novelty else "")
    _show_groups(report)
    say("")
    _show_labels(report)
    if report.length.has_shifted:
        longer = "longer" if report.length.now >= report.length.then else "shorter"
        say(
            f"Texts are {longer}: {report.length.now:g} words in the middle, {report.length.then:g} before "
            f"(p = {report.length.p:.2g})."
        )
    if not report.has_changed:
        say("Nothing calls for a look.")


def _novelty(report: "MonitorReport") -> str:
    share = f"{report.novel / max(report.documents - report.blank, 1):.1%}".replace("%", " %")
    rate = f"{report.rate:.0%}".replace("%", " %")
    said = f"{_texts(report.novel)} ({share}) unlike the known ones, where {rate} are called so by chance"
    if not report.has_novelty:
        return f"Nothing new beyond chance: {said}."
    together = f", {report.discovered:,} of them stand out" if report.discovered else ""
    return f"New: {said}{together}."


def _show_groups(report: "MonitorReport") -> None:
    shown = report.groups[:MOST_GROUPS]
    if not shown or not report.has_novelty:
        return
    for group in shown:
        words = f": {', '.join(group.words)}" if group.words else ""
        say(f"  {_texts(group.size)}{words} (nearest category: {group.label})")
        for example in group.examples:
            say(f"    {example.id}: {_shortened(example.text)}", style="dim")
    left = report.groups[MOST_GROUPS:]
    if left:
        say(f"  and {_texts(sum(group.size for group in left))} in {len(left):,} smaller groups")


def _show_labels(report: "MonitorReport") -> None:
    shifted = report.shifted
    if not shifted:
        say("No category is more or less frequent than in training, beyond chance.")
        return
    rate = f"{report.rate:.0%}".replace("%", " %")
    say(
        f"{len(shifted)} of {len(report.labels)} categories have shifted (a false alarm in any of them: {rate}):",
        style="bold",
    )
    table(
        [("Category", False), ("Then", True), ("Now", True), ("Texts", True), ("p", True), ("", False)],
        [
            (
                label.name,
                _share(label.then),
                _share(label.now),
                f"{label.count:,}",
                f"{label.p:.2g}",
                _change(label),
            )
            for label in shifted[:MOST_LABELS]
        ],
    )
    if len(shifted) > MOST_LABELS:
        say(f"and {len(shifted) - MOST_LABELS} more; --json has them all")


def _change(label: "LabelShift") -> str:
    if not label.then:
        return "came up"
    if not label.now:
        return "is gone"
    times = label.now / label.then
    return f"{times:.1f} times as frequent" if times >= 1 else f"{1 / times:.1f} times as rare"


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def _shortened(text: str) -> str:
    words = " ".join(clean(text).split())
    return words if len(words) <= _SHOWN else words[: _SHOWN - 3] + "..."


def _texts(count: int) -> str:
    return f"{count:,} {'text' if count == 1 else 'texts'}"
