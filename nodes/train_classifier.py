"""The training step: distil the settled labels into a classifier, and save it."""

from langgraph.runtime import Runtime

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
    classifier, _ = tool.train_classifier(
        texts=texts,
        # The raw text, as the classifier will see it: `phrase: text` exists for the sample alone.
        vectors=context.encoder.encode(texts),
        labels=[row.primary for row in rows],
        taxonomy=context.workspace.versions.get(version).taxonomy,
        encoder=context.encoder,
        seed=context.settings.seed,
    )
    classifier.save(context.workspace.run_folder(context.run) / FOLDER)
    context.report(STAGE, 1, 1)
    return {"phase": SETTLE, "counts": {"classified": 0}}
