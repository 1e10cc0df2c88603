"""What a report says, as plain frozen values: the run fills them, `report.py` draws them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from ..llm.answer import Usage
from ..taxonomy.values import Taxonomy
from ..taxonomy.version import Version
from .train_classifier import Metrics


@dataclass(frozen=True, slots=True)
class Example:
    """A document shown under a category.

    Attributes:
        id: the user's id of it.
        text: its whole text; the report shortens it.
        reason: why it got its label, where the labeler said so.
    """

    id: str
    text: str
    reason: str = ""


@dataclass(frozen=True, slots=True)
class LoopPoint:
    """Where one trial of the loop stood after one minibatch.

    Attributes:
        trial: from 0.
        epoch: from 0.
        categories: how many the taxonomy had.
        residual: share 0..1 of held-out texts that fitted no category; None when it was not measured.
        score: the version's score on the held-out sample; None when it was not measured.
    """

    trial: int
    epoch: int
    categories: int
    residual: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class FailureItem:
    """One thing that went wrong and did not end the run.

    Attributes:
        stage: where.
        document: the user's id of the document, or "" where it was about none.
        error: what happened.
        raw: what the model answered, as it came.
    """

    stage: str
    document: str
    error: str
    raw: str = ""


@dataclass(frozen=True, slots=True)
class SuspectItem:
    """A label that looked wrong.

    Attributes:
        document: the user's id of the document.
        text: its whole text; the report shortens it.
        before: name of the category that it had been given, or "undefined".
        verdict: "kept", "changed" or "dropped".
        neighbours: name of the category that most of its nearest neighbours bear.
        student: name of the category that a classifier gives which never saw it.
        answer: name of the category that the LLM gave when it was asked again; "" where it was not.
        reason: why, in the LLM's words.
    """

    document: str
    text: str
    before: str
    verdict: str
    neighbours: str
    student: str
    answer: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportData:
    """All that a report shows.

    Attributes:
        use_case: what the user wanted to learn.
        run: the run's name.
        source: what the corpus was read from.
        model: the LLM, by its spec, and `model_reason`, why that one.
        encoder: id of the encoder.
        started, finished: of the run; both with a time zone or both without.
        documents: rows of the corpus, `distinct` of them with different texts.
        by_source: how many labels came from "llm", "student", "lineage", "human"; absent means none.
        taxonomy: the final one.
        counts: documents by primary category id; None stands for `undefined`.
        examples: by category id (None: `undefined`), the best first; five are shown.
        versions: the final version's ancestry, the first one first.
        loop: every trial's points, each trial's in order; `chosen_trial` is the one that was kept.
        classifier: how it was measured; None when none was trained.
        suspects: labels that looked wrong and what became of them, the most suspect first; the first ones are shown.
        usage: what each stage cost, in the order of the run.
        failures: the first ones; `failure_count` counts all.
        settings: by name.
        notes: sentences about the corpus, such as how many texts were cut for the LLM.
        tnt_version: of this package.
    """

    use_case: str
    run: str
    source: str
    model: str
    model_reason: str
    encoder: str
    started: datetime
    finished: datetime
    documents: int
    distinct: int
    by_source: Mapping[str, int]
    taxonomy: Taxonomy
    counts: Mapping[str | None, int]
    examples: Mapping[str | None, Sequence[Example]]
    versions: Sequence[Version] = ()
    loop: Sequence[LoopPoint] = ()
    chosen_trial: int | None = None
    classifier: Metrics | None = None
    suspects: Sequence[SuspectItem] = ()
    usage: Mapping[str, Usage] = field(default_factory=dict)
    failures: Sequence[FailureItem] = ()
    failure_count: int = 0
    settings: Mapping[str, object] = field(default_factory=dict)
    notes: Sequence[str] = ()
    tnt_version: str = ""

    @property
    def undefined(self) -> int:
        """Documents that got no category."""
        return self.counts.get(None, 0)

    @property
    def labelled(self) -> int:
        """Documents that got a category."""
        return sum(count for key, count in self.counts.items() if key is not None)

    @property
    def coverage(self) -> float:
        """Share 0..1 of the documents that got a category."""
        return self.labelled / self.documents if self.documents else 0.0

    @property
    def total_usage(self) -> Usage:
        """All stages together."""
        return sum(self.usage.values(), Usage())
