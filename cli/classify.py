"""`tnt classify`: label a file, and say how it went and how it goes on."""

import os
import shlex
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ..taxonomy.errors import SettingsError, Stopped
from .console import err, say
from .exit_codes import ExitCode
from .progress import duration, reporter
from .signals import stop_on_signals

if TYPE_CHECKING:
    from ..tools.escalating import EscalatingClassifier, Tally


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
    escalate: bool = False,
    llm: str | None = None,
    budget_tokens: int | None = None,
) -> int:
    """Classify a file, say what came out, and return the exit code."""
    from ..classifiers.streaming import classify

    total = 0
    if escalate and agreement is None:
        raise SettingsError(
            "--escalate asks about texts that the classifier abstains from: say --agreement too"
        )
    if escalate and (workers or 1) > 1:
        raise SettingsError("--escalate works with one process: leave --workers out")

    def expect(rows: int) -> None:
        nonlocal total
        total = rows

    with stop_on_signals(quiet=quiet, until="the texts in hand are labelled") as stop:
        try:
            with (
                _labelling(classifier, stop.event, escalate, llm, budget_tokens, quiet=quiet) as labelling,
                reporter(quiet=quiet) as progress,
            ):
                summary = classify(
                    source,
                    classifier=labelling,
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
                        "--llm": llm,
                        "--budget-tokens": budget_tokens,
                    },
                )
                again += " --escalate" if escalate else ""
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
        if not isinstance(labelling, Path):
            _say_tally(labelling.tally)
    return ExitCode.DONE


@contextmanager
def _labelling(
    classifier: Path,
    stop: threading.Event,
    escalate: bool,
    llm: str | None,
    budget_tokens: int | None,
    *,
    quiet: bool,
) -> "Iterator[Path | EscalatingClassifier]":
    """What labels: the bundle, or its classifier together with an LLM."""
    if not escalate:
        yield classifier
        return
    from ..classifiers.classifier import Classifier
    from ..llm.budget import Budget
    from ..llm.chat import Chat
    from ..llm.spec import choose_model
    from ..llm.store import MemoryStore
    from ..tools.escalating import escalating
    from .work import say_model

    loaded = Classifier.load(classifier)
    model = choose_model(llm, os.environ)
    say_model(model.text, model.reason, quiet=quiet)
    with Chat.open(model, MemoryStore(), budget=Budget(tokens=budget_tokens), stop=stop) as chat:
        yield escalating(loaded, chat)


def _say_tally(tally: "Tally") -> None:
    say(f"The LLM was asked about {tally.asked:,} of them.")
    if tally.failed:
        say(f"It failed on {tally.failed:,}, which are undefined.", style="yellow")
    if tally.is_out_of_budget:
        say("The budget of tokens was used up: what came after that was not asked about.", style="yellow")


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
