"""`tnt classify`: label a file, and say how it went and how it goes on."""

import shlex
from collections.abc import Mapping
from pathlib import Path

from ..taxonomy.errors import Stopped
from .console import err, say
from .exit_codes import ExitCode
from .progress import duration, reporter
from .signals import stop_on_signals


def classify_file(
    source: str,
    *,
    classifier: Path,
    out: Path,
    text_column: str,
    id_column: str | None,
    workers: int | None,
    agreement: float | None,
    cache: Path | None,
    restart: bool,
    quiet: bool,
) -> int:
    """Classify a file, say what came out, and return the exit code."""
    from ..classifiers.streaming import classify

    total = 0

    def expect(rows: int) -> None:
        nonlocal total
        total = rows

    with stop_on_signals(quiet=quiet) as stop:
        try:
            with reporter(quiet=quiet) as progress:
                summary = classify(
                    source,
                    classifier=classifier,
                    out=out,
                    text_column=text_column,
                    id_column=id_column,
                    workers=workers,
                    agreement=agreement,
                    cache=cache,
                    restart=restart,
                    stop=stop.event,
                    on_progress=lambda done: progress("classify", done, total, _Free()),
                    on_total=expect,
                )
        except Stopped as stopped:
            if not quiet:
                again = _command(
                    source,
                    classifier,
                    out,
                    {
                        "--text-column": None if text_column == "text" else text_column,
                        "--id-column": id_column,
                        "--workers": workers,
                        "--agreement": agreement,
                        "--cache": cache,
                    },
                )
                kept = getattr(stopped, "__notes__", ["Nothing was finished."])[0]
                say(f"Stopped. {kept} To go on: {again}", to=err())
            return stop.exit_code
    if not quiet:
        parts = [f"{summary.undefined:,} of them undefined"]
        if agreement is not None:
            parts.append(f"{summary.abstained:,} of those for lack of agreement")
        if summary.resumed:
            parts.append(f"{summary.resumed:,} by an earlier call")
        pace = f"{duration(summary.seconds)} ({summary.documents_per_second:,.0f}/s)"
        say(f"{summary.documents:,} texts classified, {', '.join(parts)}, in {pace}: {out}")
    return ExitCode.DONE


class _Free:
    """The usage of work that asks no LLM."""

    tokens = 0


def _command(source: str, classifier: Path, out: Path, options: Mapping[str, object]) -> str:
    """The same command again, fit for a shell."""
    words = ["tnt", "classify", source, "-c", str(classifier), "-o", str(out)]
    for name, value in options.items():
        if value is not None:
            words += [name, str(value)]
    return shlex.join(words)
