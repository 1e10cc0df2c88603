"""The classifier labels what the LLM did not, a slice a superstep."""

from langgraph.runtime import Runtime

from ..checkpoints.labels import LabelRow, Source
from ..classifiers.classifier import Classifier
from .context import Context
from .state import DONE, SETTLE, State
from .train_classifier import FOLDER, edition_folder, sample_labels

STAGE = "classify"
SLICE = 10_000
"""Documents a superstep: a minute or so of encoding."""


def classify_rest(state: State, runtime: Runtime[Context]) -> State:
    """Label one slice of the corpus; copies of a text that the LLM labelled get its label."""
    context, version = runtime.context, state["version"]
    workspace = context.workspace
    start, count = state["counts"]["classified"], workspace.documents.info.count
    context.report(STAGE, start, count)
    numbers = range(start, min(start + SLICE, count))
    documents = workspace.documents.get(list(numbers))
    asked = sample_labels(context, version)
    by_text = {
        document.content_hash: asked[document.number] for document in workspace.documents.get(list(asked))
    }
    rest = [document for document in documents if document.number not in asked]
    copies = [document for document in rest if document.content_hash in by_text]
    new = [document for document in rest if document.content_hash not in by_text]
    classifier = Classifier.load(edition_folder(state, context) / FOLDER)
    rows = [
        LabelRow(
            number=document.number,
            primary=prediction.primary_id,
            all=prediction.all_ids,
            confidence=prediction.confidence,
            source=Source.STUDENT,
        )
        for document, prediction in zip(
            new, classifier.predict([document.text for document in new]), strict=True
        )
    ]
    for document in copies:
        known = by_text[document.content_hash]
        rows.append(
            LabelRow(document.number, known.primary, known.all, known.confidence, known.source, known.reason)
        )
    workspace.labels.put_many(context.run, version, rows)
    done = start + len(documents)
    context.report(STAGE, done, count)
    return {"phase": SETTLE if done < count else DONE, "counts": {"classified": done}}
