"""`tnt evaluate`: how good a run is, as tables for people or as JSON."""

import json
from pathlib import Path
from typing import TYPE_CHECKING

from .console import err, out, say, table

if TYPE_CHECKING:
    from ..tools.evaluation.evaluation import Evaluation, Section
    from ..tools.evaluation.gold import GoldFile


def show_evaluation(
    workspace: Path,
    run: str,
    *,
    gold: "GoldFile | None",
    humans: list[Path],
    against: str | None,
    seed: int,
    as_json: bool,
) -> None:
    """Measure a run, keep the result among its outputs, and print it."""
    from ..graph.evaluation import evaluate_run

    evaluation = evaluate_run(workspace, run, gold=gold, humans=humans, against=against, seed=seed)
    if as_json:
        # ASCII: what a document or a model wrote cannot reach a terminal as an escape sequence.
        out().file.write(json.dumps(evaluation.as_dict(), indent=2) + "\n")
        return
    show_sections(evaluation)


def gold_file(
    path: Path | None,
    *,
    column: str | None,
    id_column: str | None,
    parent_column: str | None,
    catch_all: list[str],
) -> "GoldFile | None":
    """Where gold labels are, by the options; None where there are none.

    Raises:
        SettingsError: an option is missing, or is about a file that is not given.
    """
    from ..taxonomy.errors import SettingsError

    if path is None:
        for option, given in (
            ("--gold-column", column),
            ("--gold-id-column", id_column),
            ("--gold-parent-column", parent_column),
            ("--catch-all", catch_all),
        ):
            if given:
                raise SettingsError(f"{option} is about gold labels: give their file with --gold FILE")
        return None
    if column is None:
        raise SettingsError(f"--gold {path} needs --gold-column: the name of its column of labels")
    from ..tools.evaluation.gold import GoldFile

    return GoldFile(
        path=path,
        column=column,
        id_column=id_column,
        parent_column=parent_column,
        catch_all=tuple(catch_all),
    )


def show_sections(evaluation: "Evaluation") -> None:
    """Print every section as a table: figures with their 95 % intervals and cases, then counts."""
    head = f"Run {evaluation.run}, version {evaluation.version}: {evaluation.documents:,} documents"
    say(head, style="bold")
    for section in evaluation:
        say(f"\n{section.title}", style="bold")
        _show(section)
    for note in evaluation.notes:
        say(f"note: {note}", style="dim", to=err())


def _show(section: "Section") -> None:
    from ..tools.evaluation.measures import FACTS, title_of

    rows = [
        (title_of(name), f"{figure.value:.3f}", f"{figure.low:.3f} to {figure.high:.3f}", f"{figure.n:,}")
        for name, figure in section.figures.items()
    ]
    if rows:
        table([("", False), ("Value", True), ("95 % interval", True), ("Documents", True)], rows)
    facts = {FACTS[name]: fact for name, fact in section.facts.items() if fact is not None}
    table([("", False), ("", False)], [(name, _worded(fact)) for name, fact in facts.items()])


def _worded(fact: str | int | float) -> str:
    return f"{fact:.3f}" if isinstance(fact, float) else f"{fact:,}" if isinstance(fact, int) else fact
