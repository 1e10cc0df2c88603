"""The student against the LLM that taught it, judged by gold labels that neither of them has seen.

A run gets the gold classes' names as its taxonomy and labels 300 texts; three runs in one workspace differ in how they
clean the labels. The teacher is what the LLM's labels are before any cleaning. The student says of every one of these
texts what a classifier says that was trained on the other folds' labels, as the run cleaned them; so both are judged on
the same 300 texts. What cleaning is worth is also measured on 4,000 texts that nobody has seen, by the runs' own
classifiers. The LLM is asked once: answers stay in the workspace in --out.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tnt_llm import Run
from tnt_llm.classifiers.folds import deal_folds
from tnt_llm.graph.run import list_runs
from tnt_llm.graph.session import RunStatus

from benchmarks.classifier.encoded import kept
from benchmarks.classifier.given import run_with
from benchmarks.classifier.gold_taxonomies import CORPORA, UNDEFINED, GoldCorpus
from benchmarks.classifier.results import Options, Row
from benchmarks.classifier.statistics import Difference, paired_bootstrap
from benchmarks.classifier.student import agree, names, train_on
from benchmarks.classifier.teacher_corpora import Drawn, draw

CLEANING = ("off", "drop", "ask")
SEEDS = 2
"""Students are trained on so many different folds, and their accuracies averaged: the folds are chance."""
FOLDS = 10
LLM = "embedded"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one run came to.

    Attributes:
        labels: names of the labels that it learned from, "undefined" included; None for one that cleaning dropped.
        held_out: bool [n, seeds], whether a student that did not learn from it has the text right.
        unseen: bool [m], whether the run's classifier has the unseen text right.
        configuration: features and head.
    """

    labels: list[str | None]
    held_out: NDArray[np.bool_]
    unseen: NDArray[np.bool_]
    configuration: tuple[str, str]


def measure(options: Options) -> list[Row]:
    """Both corpora."""
    rows = []
    for corpus in CORPORA.values():
        rows += _compare(options, corpus, draw(corpus, options))
    return rows


def _compare(options: Options, corpus: GoldCorpus, drawn: Drawn) -> list[Row]:
    outcomes = {}
    for cleaning in CLEANING:
        workspace = options.out / f"teacher-{corpus.name}"
        run = run_with(
            corpus.version,
            drawn.texts,
            workspace,
            _next_name(workspace, cleaning),
            llm=LLM,
            progress=_Progress(f"{corpus.name} {cleaning}"),
            use_case=corpus.use_case,
            cleaning=cleaning,
        )
        outcomes[cleaning] = _outcome(options, run, drawn)
    teacher = agree(outcomes["off"].labels, drawn.gold)
    rows = []
    for kind in ("with the catch-all", "without the catch-all"):
        keep = np.array([kind == "with the catch-all" or gold != UNDEFINED for gold in drawn.gold])
        keep_unseen = np.array(
            [kind == "with the catch-all" or gold != UNDEFINED for gold in drawn.unseen_gold]
        )
        of = f"{corpus.name} {corpus.column}, {kind}"
        for cleaning, outcome in outcomes.items():
            difference = paired_bootstrap(outcome.held_out[keep].mean(axis=1), teacher[keep])
            details = {
                "difference": difference,
                "labels_right": float(agree(outcome.labels, drawn.gold)[keep].mean()),
                "dropped": outcome.labels.count(None),
                "unseen_accuracy": float(outcome.unseen[keep_unseen].mean()),
                "configuration": outcome.configuration,
            }
            rows.append(
                Row(
                    f"student (cleaning {cleaning}) against its teacher, {of}",
                    "not below",
                    f"{difference}; unseen {details['unseen_accuracy']:.3f}",
                    not difference.is_below,
                    {**details, "difference": _values(difference)},
                )
            )
        for cleaning in CLEANING[1:]:
            mine, none = outcomes[cleaning], outcomes["off"]
            # The first pairs what the bar is about; the second sees smaller differences, of two classifiers alone.
            for texts, difference in (
                (
                    "the texts",
                    paired_bootstrap(mine.held_out[keep].mean(axis=1), none.held_out[keep].mean(axis=1)),
                ),
                ("unseen texts", paired_bootstrap(mine.unseen[keep_unseen], none.unseen[keep_unseen])),
            ):
                rows.append(
                    Row(
                        f"cleaning {cleaning} against none, {texts}, {of}",
                        "not below",
                        str(difference),
                        not difference.is_below,
                        _values(difference),
                    )
                )
    return rows


def _outcome(options: Options, run: Run, drawn: Drawn) -> Outcome:
    """Train the run's students again without the folds that they are asked about."""
    table = run.labels.to_pydict()
    # What cleaning dropped was labelled by the classifier afterwards: nothing was learned from it.
    learned = [source == "llm" for source in table["source"]]
    named = [name if known else None for name, known in zip(table["primary"], learned, strict=True)]
    ids = table["primary_id"]
    classifier = run.classifier
    classifier = replace(classifier, representation=kept(classifier.representation, options))
    configuration = (classifier.representation.id, classifier.head.kind)
    kinds = {name: number for number, name in enumerate(sorted(set(table["primary"])))}
    classes = np.array([kinds[name] for name in table["primary"]], dtype=np.int64)
    right = np.zeros((len(named), SEEDS), dtype=bool)
    for seed in range(SEEDS):
        fold = deal_folds(classes, FOLDS, seed)
        for held in range(FOLDS):
            rest = [row for row in np.flatnonzero(fold != held).tolist() if learned[row]]
            test = np.flatnonzero(fold == held)
            student = train_on(
                options,
                [drawn.texts[row] for row in rest],
                [ids[row] for row in rest],
                run.taxonomy,
                *configuration,
            )
            found, _ = names(student, [drawn.texts[row] for row in test])
            right[test, seed] = agree(_words(found), [drawn.gold[row] for row in test])
    unseen, _ = names(classifier, drawn.unseen_texts)
    return Outcome(named, right, agree(_words(unseen), drawn.unseen_gold), configuration)


def _next_name(workspace: Path, stem: str) -> str:
    """A run that was stopped goes on; else a new one, so that what is measured is the code as it is now."""
    known = {row.name: row.status for row in list_runs(workspace)} if workspace.exists() else {}
    number = 1
    while known.get(f"{stem}-{number}") == RunStatus.DONE:
        number += 1
    return f"{stem}-{number}"


def _words(labels: Sequence[str | None]) -> list[str | None]:
    return [UNDEFINED if label is None else label for label in labels]


def _values(difference: Difference) -> dict[str, float]:
    return {
        "a": difference.a,
        "b": difference.b,
        "difference": difference.difference,
        "low": difference.low,
        "high": difference.high,
        "n": difference.n,
    }


class _Progress:
    """Prints how far a run is, now and then."""

    def __init__(self, what: str) -> None:
        self._what = what
        self._said = 0.0

    def __call__(self, stage: str, done: int, total: int, usage: object) -> None:  # noqa: ARG002
        if time.monotonic() - self._said > 20:
            self._said = time.monotonic()
            print(f"  {self._what}: {stage} {done} of {total}", flush=True)
