"""A finished run as `tools.evaluation` wants it, measured; and the sheet for people. No LLM is opened here."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..checkpoints.editions import EVALUATION_FILE
from ..checkpoints.files import write_atomic
from ..checkpoints.labels import LabelRow, Source
from ..checkpoints.runs import RunRow
from ..checkpoints.workspace import Workspace
from ..classifiers.classifier import Classifier
from ..classifiers.features import Vectors
from ..nodes.publish import TAXONOMY_FILE
from ..nodes.reading import Reading
from ..nodes.reading_on import ReadingOn
from ..nodes.settings import Settings
from ..nodes.train_classifier import FOLDER
from ..taxonomy.document import Document
from ..taxonomy.errors import MissingPartError, RunStateError, SettingsError
from ..taxonomy.values import Taxonomy
from ..tools.evaluation.bootstrap import Bootstrap
from ..tools.evaluation.evaluate import evaluate
from ..tools.evaluation.evaluation import Evaluation, Section
from ..tools.evaluation.gold import GoldFile, read_gold
from ..tools.evaluation.held_out import predict_held_out
from ..tools.evaluation.outcome import Answers, Outcome, places_of
from ..tools.evaluation.sheet import choose_documents, read_sheet, write_sheet
from ..tools.evaluation.stability import stability_section

if TYPE_CHECKING:
    from .judging import Judged, Judging

LABELS_FILE = "labels.parquet"
_TAUGHT = (Source.LLM, Source.LINEAGE)
"""Labels that the LLM gave, under this version of the taxonomy or an earlier one."""
_LEARNED = (*_TAUGHT, Source.HUMAN)
"""Labels that the classifier learns from."""
_BATCH = 10_000


def evaluate_run(
    workspace: Path,
    name: str,
    *,
    gold: GoldFile | None = None,
    humans: Sequence[Path | str] = (),
    against: str | None = None,
    seed: int = 0,
    judging: "Judging | None" = None,
) -> Evaluation:
    """Measure a run and keep the result as evaluation.json among its outputs.

    Args:
        workspace: its directory.
        name: of the run.
        gold: where gold labels are.
        humans: sheets that people filled.
        against: another run of the workspace, to compare with.
        seed: of resamples, folds and halves.
        judging: which LLMs are asked about it, and how much; None to ask none.

    Raises:
        RunNotFoundError, RunStateError: there is no such run, or it has no labels yet.
        CorpusError, SettingsError: what was given cannot be read, or does not fit the run.
        BudgetReached, Stopped, EndpointError, MissingPartError: a judge cannot go on; its answers so far are kept.
        StorageError: the result cannot be written.
    """
    how = Bootstrap(seed=seed)
    finished = _Finished.read(workspace, name)
    # Whatever may be refused comes before what takes time.
    labels = None if gold is None else read_gold(gold, [document.id for document in finished.documents])
    sheets = [read_sheet(Path(path), finished.documents, finished.taxonomy) for path in humans]
    further = [] if against is None else [_stability(finished, workspace, against, how)]
    outcome, described = _outcome(finished, seed)
    if judging is not None:
        from .judging import judge_outcome

        # Judges are given the outcome, which has no place for gold.
        with Workspace.open(workspace) as tables:
            judged = judge_outcome(outcome, judging, tables=tables, settings=finished.settings, how=how)
        outcome = replace(outcome, notes=(*outcome.notes, *judged.notes))
        further += judged.sections
    evaluation = evaluate(outcome, gold=labels, sheets=sheets, described=described, how=how, further=further)
    content = json.dumps(evaluation.as_dict(), ensure_ascii=False, indent=2) + "\n"
    # An id from a JSONL corpus may hold half a surrogate pair, which UTF-8 cannot.
    write_atomic(finished.folder / EVALUATION_FILE, content.encode("utf-8", "replace"))
    return evaluation


def judge_run(workspace: Path, name: str, judging: "Judging", *, seed: int = 0) -> tuple[Outcome, "Judged"]:
    """A run, and what judges say of it document by document: the same questions and answers as in `evaluate_run`.

    For whoever holds judges against something else; nothing is written but the judges' answers.

    Args:
        workspace, name, judging, seed: as in `evaluate_run`.

    Raises:
        As `evaluate_run`.
    """
    from .judging import judge_outcome

    finished = _Finished.read(workspace, name)
    outcome, _ = _outcome(finished, seed)
    with Workspace.open(workspace) as tables:
        how = Bootstrap(seed=seed)
        return outcome, judge_outcome(outcome, judging, tables=tables, settings=finished.settings, how=how)


def write_annotation_sheet(
    workspace: Path, name: str, path: Path, *, count: int, seed: int = 0
) -> tuple[int, Path]:
    """Write a blind sheet for people; returns how many documents are on it, and where its categories are.

    Raises:
        RunNotFoundError, RunStateError: there is no such run, or it has no labels yet.
        SettingsError: the sheet is no .csv file, or is there already.
        StorageError: it cannot be written.
    """
    if path.suffix.lower() != ".csv":
        raise SettingsError(f"a sheet is a .csv file: {path} is none")
    if path.exists():
        raise SettingsError(f"{path} is there already, and may hold somebody's labels: choose another name")
    finished = _Finished.read(workspace, name)
    labels = finished.answers(finished.labels)
    seen: set[str] = set()
    usable = np.zeros(len(finished.documents), dtype=bool)
    for row, document in enumerate(finished.documents):
        usable[row] = bool(document.text.strip()) and document.content_hash not in seen
        seen.add(document.content_hash)
    taught = np.array([row.source in _TAUGHT for row in finished.rows()], dtype=bool)
    chosen = choose_documents(labels, taught, usable, count, seed)
    key = write_sheet(path, [finished.documents[row] for row in chosen], finished.taxonomy)
    return len(chosen), key


@dataclass(frozen=True, slots=True)
class _Finished:
    """What a run has published.

    Attributes:
        folder: the edition of the outputs.
        version: of the taxonomy.
        labels: by number of the document; those without one are left out.
        drawn: numbers of the documents that the LLM labelled and that were drawn at random.
    """

    name: str
    folder: Path
    version: str
    settings: Settings
    taxonomy: Taxonomy
    documents: tuple[Document, ...]
    labels: Mapping[int, LabelRow]
    drawn: frozenset[int]

    @classmethod
    def read(cls, workspace: Path, name: str) -> "_Finished":
        from pyarrow.parquet import read_metadata

        with Workspace.open(workspace) as tables:
            row = tables.runs.get(name)
            # Resolved once: all that follows is of one edition.
            folder = tables.run_folder(name).resolve()
            if not ((folder / TAXONOMY_FILE).is_file() and (folder / LABELS_FILE).is_file()):
                raise RunStateError(
                    f"the run {name!r} is {row.status} and has no labels yet: resume or approve it first"
                )
            version = str(json.loads((folder / TAXONOMY_FILE).read_bytes())["version"])
            labels = {label.number: label for label in tables.labels.get(name, version)}
            # The corpus may have grown since: this run's is as long as its table.
            count = int(read_metadata(folder / LABELS_FILE).num_rows)
            documents: list[Document] = []
            for batch in tables.documents.of(row.settings.get("corpus")).batches(_BATCH):
                documents += batch[: count - len(documents)]
                if len(documents) >= count:
                    break
            return cls(
                name=name,
                folder=folder,
                version=version,
                settings=Settings.model_validate(row.settings["settings"]),
                taxonomy=tables.versions.get(version).taxonomy,
                documents=tuple(documents),
                labels=labels,
                drawn=_drawn(tables, row),
            )

    def rows(self) -> list[LabelRow]:
        """A label for each document; one without is an undefined one of the student's."""
        return [
            self.labels.get(number, LabelRow(number, None, (), 0.0, Source.STUDENT))
            for number in range(len(self.documents))
        ]

    def answers(self, labels: Mapping[int, LabelRow]) -> Answers:
        """These labels, by row."""
        given = {
            number: (places_of(self.taxonomy, row.primary, row.all), row.confidence)
            for number, row in labels.items()
            if number < len(self.documents)
        }
        return Answers.given(len(self.documents), given)


def _outcome(finished: _Finished, seed: int) -> tuple[Outcome, Vectors | None]:
    """The run to be judged, and its categories' descriptions as vectors, where the encoder is at hand."""
    taught = {number: row for number, row in finished.labels.items() if row.source in _TAUGHT}
    student, described, notes = _student(finished, seed)
    outcome = Outcome(
        run=finished.name,
        use_case=finished.settings.use_case,
        version=finished.version,
        taxonomy=finished.taxonomy,
        documents=finished.documents,
        labels=finished.answers(dict(enumerate(finished.rows()))),
        teacher=finished.answers(taught),
        student=student,
        learned=np.array([row.source in _LEARNED for row in finished.rows()], dtype=bool),
        representative=np.array([number in finished.drawn for number in range(len(finished.documents))]),
        notes=notes,
    )
    return outcome, described


def _student(finished: _Finished, seed: int) -> tuple[Answers, Vectors | None, tuple[str, ...]]:
    n = len(finished.documents)
    said = {number: row for number, row in finished.labels.items() if row.source not in _LEARNED}
    shown = {number for leaf in finished.taxonomy.leaves for number in leaf.exemplars}
    # Exemplars are learned from, whether the LLM labelled them or not.
    rest = finished.answers({number: row for number, row in said.items() if number not in shown})
    try:
        classifier = Classifier.load(finished.folder / FOLDER)
    except MissingPartError as error:
        return (
            rest,
            None,
            (f"What the classifier says of its own training texts could not be found out: {error}",),
        )
    leaves = finished.taxonomy.leaves
    described = None
    if leaves and classifier.representation.dense:
        described = classifier.representation.dense[0].encode([leaf.text for leaf in leaves])
    by_text: dict[str, list[int]] = {}
    labels: dict[str, str | None] = {}
    for number, row in finished.labels.items():
        if row.source not in _LEARNED or number >= n or not finished.documents[number].text.strip():
            continue
        text = finished.documents[number].text
        by_text.setdefault(text, []).append(number)
        labels.setdefault(text, row.primary)
    # A copy of a text in another fold would tell the answer: each text counts once.
    texts = list(labels)
    exemplars = [
        (finished.documents[number].text, leaf.id)
        for leaf in leaves
        for number in leaf.exemplars
        if number < n and finished.documents[number].text not in labels
    ]
    found = predict_held_out(
        classifier, texts, [labels[text] for text in texts], exemplars=exemplars, seed=seed
    )
    if found is None:
        return rest, described, ()
    answers: dict[int, tuple[tuple[int, ...], float]] = {
        int(row): (rest.applies[row], float(rest.confidence[row])) for row in np.flatnonzero(rest.known)
    }
    ids = [*(label.id for label in classifier.labels), None]
    for row, primary, sure in zip(
        found.rows.tolist(), found.primary.tolist(), found.confidence.tolist(), strict=True
    ):
        places = places_of(finished.taxonomy, ids[primary], ())
        answers |= dict.fromkeys(by_text[texts[row]], (places, sure))
    return Answers.given(n, answers), described, ()


def _drawn(tables: Workspace, row: RunRow) -> frozenset[int]:
    from ..classifiers.encoders import open_encoder

    settings = Settings.model_validate(row.settings["settings"])
    corpus = tables.of_corpus(row.settings.get("corpus"))
    given: tuple[Any, ...] = (settings, corpus, open_encoder(settings.encoder), "")
    reading = ReadingOn(*given, run=row.name) if "update" in row.settings else Reading(*given)
    return frozenset(reading.representative)


def _stability(finished: _Finished, workspace: Path, against: str, how: Bootstrap) -> Section:
    if against == finished.name:
        raise SettingsError(f"--against {against} is the run itself: name another one")
    other = _Finished.read(workspace, against)
    return stability_section(
        against,
        {number: row.primary for number, row in finished.labels.items()},
        {number: row.primary for number, row in other.labels.items()},
        finished.taxonomy,
        other.taxonomy,
        how,
    )
