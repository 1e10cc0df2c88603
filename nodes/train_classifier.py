"""The training step: distil the settled labels into a classifier, and save it."""

from collections.abc import Container
from pathlib import Path

from langgraph.runtime import Runtime

from ..checkpoints.editions import Editions
from ..checkpoints.labels import LabelRow, Source
from ..classifiers.classifier import Classifier
from ..classifiers.encoders.representation import Representation, open_representation
from ..taxonomy.errors import BundleError, MissingPartError
from ..taxonomy.values import Taxonomy
from ..tools import train_classifier as tool
from .context import Context
from .state import SETTLE, State

STAGE = "train"
FOLDER = "classifier"
VECTORS = "vectors"
"""Folder of the workspace where vectors of texts are kept."""


def train_classifier(state: State, runtime: Runtime[Context]) -> State:
    """Train on the labelled sample and write the bundle into the edition that is being made."""
    context, version = runtime.context, state["version"]
    context.report(STAGE, 0, 1)
    rows = sample_labels(context, version).values()
    documents = context.workspace.documents.get([row.number for row in rows])
    taxonomy = context.workspace.versions.get(version).taxonomy
    drawn = set(context.reading.representative)
    settings, stored = context.settings, context.workspace.runs.get(context.run).settings
    classifier, _ = tool.train_classifier(
        # The raw text, as the classifier will see it: `phrase: text` exists for the sample alone.
        texts=[document.text for document in documents],
        labels=[row.primary for row in rows],
        applicable=[row.all for row in rows],
        taxonomy=taxonomy,
        seed=settings.seed,
        features=settings.features,
        head=settings.head,
        base=context.encoder.id,
        min_docs_per_second=settings.min_docs_per_second,
        agreement=settings.agreement,
        exemplars=_exemplars(context, taxonomy, {row.number for row in rows}),
        earlier=_earlier(state, context),
        opening=_opening(context),
        store=context.workspace.path / VECTORS,
        use_case=settings.use_case,
        corpus=Path(context.workspace.documents.info.source).name,
        labelled_by=stored["model"]["text"],
        representative=[row.number in drawn for row in rows],
    )
    classifier.save(edition_folder(state, context) / FOLDER)
    context.report(STAGE, 1, 1)
    return {"phase": SETTLE, "counts": {"classified": 0}}


def edition_folder(state: State, context: Context) -> Path:
    """Where the outputs are made; they are read once `publish` has put them in place."""
    return Editions(context.workspace.run_folder(context.run)).folder(state.get("edition", 1))


def sample_labels(context: Context, version: str) -> dict[int, LabelRow]:
    """The settled labels of what the LLM labels, by number; not what a classifier made of those without one."""
    rows = context.workspace.labels.of(context.run, version, context.label_numbers())
    return {number: row for number, row in rows.items() if row.source is not Source.STUDENT}


def _earlier(state: State, context: Context) -> Classifier | None:
    """What the run has trained before, or the one that it goes on from, whose configuration is kept; None where there
    is nothing that can be read.
    """
    folder = context.workspace.run_folder(context.run) / FOLDER
    if context.base is not None and not folder.exists():
        folder = edition_folder(state, context) / FOLDER
    try:
        return Classifier.load(folder) if folder.exists() else None
    except (BundleError, MissingPartError):
        return None


def _opening(context: Context) -> tool.Opener:
    """Opens representations; the encoder that the run has already is not opened again."""

    def opening(spec: str) -> Representation:
        own = context.encoder
        if spec == own.id:
            return Representation((own,))
        if spec == f"{own.id}+tfidf":
            return Representation((own,), open_representation("tfidf").sparse)
        return open_representation(spec)

    return opening


def _exemplars(context: Context, taxonomy: Taxonomy, labelled: Container[int]) -> list[tuple[str, str]]:
    """(text, category id) of the exemplars that have no label of their own."""
    shown = {
        number: leaf.id for leaf in taxonomy.leaves for number in leaf.exemplars if number not in labelled
    }
    documents = context.workspace.documents.get(list(shown))
    return [(document.text, shown[document.number]) for document in documents]
