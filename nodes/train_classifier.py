"""The training step: distil the settled labels into a classifier, and save it."""

from collections.abc import Container

from langgraph.runtime import Runtime

from ..taxonomy.values import Taxonomy
from ..tools import train_classifier as tool
from .context import Context
from .state import SETTLE, State

STAGE = "train"
FOLDER = "classifier"


def train_classifier(state: State, runtime: Runtime[Context]) -> State:
    """Train on the labelled sample and write the bundle; the old one, if any, stays until the new is complete."""
    context, version = runtime.context, state["version"]
    context.report(STAGE, 0, 1)
    rows = context.workspace.labels.of(context.run, version, context.reading.label_sample).values()
    documents = context.workspace.documents.get([row.number for row in rows])
    texts = [document.text for document in documents]
    taxonomy = context.workspace.versions.get(version).taxonomy
    classifier, _ = tool.train_classifier(
        texts=texts,
        # The raw text, as the classifier will see it: `phrase: text` exists for the sample alone.
        vectors=context.encoder.encode(texts),
        labels=[row.primary for row in rows],
        taxonomy=taxonomy,
        encoder=context.encoder,
        seed=context.settings.seed,
        exemplars=_exemplars(context, taxonomy, {row.number for row in rows}),
    )
    classifier.save(context.workspace.run_folder(context.run) / FOLDER)
    context.report(STAGE, 1, 1)
    return {"phase": SETTLE, "counts": {"classified": 0}}


def _exemplars(context: Context, taxonomy: Taxonomy, labelled: Container[int]) -> list[tuple[str, str]]:
    """(text, category id) of the exemplars that have no label of their own."""
    shown = {
        number: leaf.id for leaf in taxonomy.leaves for number in leaf.exemplars if number not in labelled
    }
    documents = context.workspace.documents.get(list(shown))
    return [(document.text, shown[document.number]) for document in documents]
