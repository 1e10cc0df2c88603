"""The classifier labels what the LLM did not, a slice a superstep; what it abstains from the LLM may be asked about."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np
from langgraph.runtime import Runtime

from ..checkpoints.labels import LabelRow, Source
from ..classifiers.classifier import Classifier
from ..classifiers.predictions import Prediction
from ..prompts.prompt import load_prompt
from ..taxonomy.document import Document
from ..taxonomy.errors import ModelError
from ..tools.escalate import Decision, Escalation, Vote, reason_for_abstaining
from .carry_over import carried_over
from .context import Context
from .state import DONE, SETTLE, State
from .train_classifier import FOLDER, edition_folder, sample_labels

STAGE = "classify"
ESCALATE = "escalate"
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
    kept = carried_over(context, version, [number for number in numbers if number not in asked])
    rest = [
        document for document in documents if document.number not in asked and document.number not in kept
    ]
    copies = [document for document in rest if document.content_hash in by_text]
    new = [document for document in rest if document.content_hash not in by_text]
    classifier = Classifier.load(edition_folder(state, context) / FOLDER)
    rows = [*kept.values(), *_label(context, version, classifier, new)]
    for document in copies:
        known = by_text[document.content_hash]
        rows.append(
            LabelRow(document.number, known.primary, known.all, known.confidence, known.source, known.reason)
        )
    workspace.labels.put_many(context.run, version, rows)
    done = start + len(documents)
    context.report(STAGE, done, count)
    return {"phase": SETTLE if done < count else DONE, "counts": {"classified": done}}


def _label(
    context: Context, version: str, classifier: Classifier, documents: Sequence[Document]
) -> list[LabelRow]:
    """The classifier's label of each document, or the LLM's where that is asked instead."""
    predictions = classifier.predict([document.text for document in documents])
    doubtful = [
        document
        for document, found in zip(documents, predictions, strict=True)
        if found.abstained and context.settings.escalate
    ]
    asked = _ask(context, version, classifier, doubtful) if doubtful else {}
    return [
        _by_classifier(classifier, document, found)
        if document.number not in asked
        else _by_llm(document, asked[document.number])
        for document, found in zip(documents, predictions, strict=True)
    ]


def _by_classifier(classifier: Classifier, document: Document, found: Prediction) -> LabelRow:
    reason = reason_for_abstaining(found.confidence, classifier.least_confidence) if found.abstained else ""
    return LabelRow(
        number=document.number,
        primary=found.primary_id,
        all=found.all_ids,
        confidence=found.confidence,
        source=Source.STUDENT,
        reason=reason,
    )


def _by_llm(document: Document, decided: Decision) -> LabelRow:
    return LabelRow(
        number=document.number,
        primary=decided.primary,
        all=decided.all,
        confidence=round(decided.confidence, 4),
        source=Source.LLM,
        reason=decided.reason,
    )


def _ask(
    context: Context, version: str, classifier: Classifier, documents: Sequence[Document]
) -> dict[int, Decision]:
    """What the LLM makes of these documents, by number, none where it fails; votes are kept as they arrive."""
    use_case = context.settings.use_case
    task = blake2b(use_case.encode(), digest_size=4).hexdigest()
    prompts = "|".join(load_prompt(name).id for name in ("label_fast", "label_explain"))
    ask_id = f"escalate|{task}|{prompts}|{context.chat.id}"
    votes = context.workspace.votes
    numbers = [document.number for document in documents]
    chances = classifier.probabilities(
        classifier.representation.encode([document.text for document in documents])
    )
    missing = set(votes.missing(version, ask_id, numbers))
    rows = [row for row, number in enumerate(numbers) if number in missing]
    escalation = Escalation(context.chat, classifier.labels, use_case, context.settings.max_words)
    done = len(numbers) - len(rows)
    context.report(ESCALATE, done, len(numbers))
    texts = [documents[row].text for row in rows]
    for place, vote in escalation.ask(texts, chances[rows]):
        number = numbers[rows[place]]
        if isinstance(vote, ModelError):
            context.fail(ESCALATE, number, vote)
        votes.put_many(version, ask_id, {number: "{}" if isinstance(vote, ModelError) else vote.to_json()})
        done += 1
        context.report(ESCALATE, done, len(numbers))
    kept = votes.get(version, ask_id)
    return {
        number: Vote.from_json(kept[number]).decide(classifier.labels, np.asarray(chances[row]))
        for row, number in enumerate(numbers)
        if kept.get(number, "{}") != "{}"
    }
