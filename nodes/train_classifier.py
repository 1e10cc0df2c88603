"""The training step: distil the settled labels into a classifier, and save it."""

from collections.abc import Container
from pathlib import Path

from langgraph.runtime import Runtime

from ..checkpoints.editions import Editions
from ..checkpoints.labels import LabelRow, Source
from ..classifiers.encoders.representation import Representation
from ..taxonomy.values import Taxonomy
from ..tools import train_classifier as tool
from .context import Context
from .state import SETTLE, State

STAGE = "train"
FOLDER = "classifier"


def train_classifier(state: State, runtime: Runtime[Context]) -> State:
    """Train on the labelled sample and write the bundle into the edition that is being made."""
    context, version = runtime.context, state["version"]
    context.report(STAGE, 0, 1)
    rows = sample_labels(context, version).values()
    documents = context.workspace.documents.get([row.number for row in rows])
    texts = [document.text for document in documents]
    taxonomy = context.workspace.versions.get(version).taxonomy
    classifier, _ = tool.train_classifier(
        # The raw text, as the classifier will see it: `phrase: text` exists for the sample alone.
        texts=texts,
        labels=[row.primary for row in rows],
        taxonomy=taxonomy,
        representation=Representation((context.encoder,)),
        seed=context.settings.seed,
        use_case=context.settings.use_case,
        exemplars=_exemplars(context, taxonomy, {row.number for row in rows}),
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


def _exemplars(context: Context, taxonomy: Taxonomy, labelled: Container[int]) -> list[tuple[str, str]]:
    """(text, category id) of the exemplars that have no label of their own."""
    shown = {
        number: leaf.id for leaf in taxonomy.leaves for number in leaf.exemplars if number not in labelled
    }
    documents = context.workspace.documents.get(list(shown))
    return [(document.text, shown[document.number]) for document in documents]
