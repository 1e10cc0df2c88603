"""The first step of a run that goes on from another: which of the new documents are unlike the known ones."""

from langgraph.runtime import Runtime

from ..checkpoints.labels import LabelRow
from ..checkpoints.run_documents import Part
from ..classifiers.classifier import Classifier
from ..classifiers.features import Features
from ..classifiers.novelty import MOST, RATE
from ..tools.known_texts import known_texts
from ..tools.monitor import discovered_among, raw_classes
from .context import Context
from .state import NOVEL, SETTLE, SUMMARIZE, State, new_trial
from .train_classifier import FOLDER, edition_folder

STAGE = "novel"
LEAST = 5
"""Novel texts without which there is no category to be found."""


def find_novel(state: State, runtime: Runtime[Context]) -> State:
    """Score one portion of the new documents; after the last one, choose those that the loop reads.

    Where too few stand out, the taxonomy stays, and the classifier that is there labels the new documents.
    """
    context = runtime.context
    workspace, documents = context.workspace, context.workspace.documents
    base = context.base
    assert base is not None  # noqa: S101  # a run enters here only where it goes on from another
    new = documents.different_after(base.distinct)
    done = state.get("counts", {}).get("compared", 0)
    context.report(STAGE, done, len(new))
    portion = new[done : done + MOST]
    if portion:
        classifier = Classifier.load(edition_folder(state, context) / FOLDER)
        rows = list(workspace.labels.taught(context.run, base.version))
        # The loop's encoder tells more than quick features do; of many texts it would take too long.
        encoder = context.encoder if len(new) <= MOST else None
        reference = known_texts(classifier, _texts(context, rows), [row.primary for row in rows], encoder)
        texts = [document.text for document in documents.get(portion)]
        features = classifier.representation.encode(texts)
        classes = raw_classes(classifier, features)
        novelty = reference.score(features if encoder is None else Features(encoder.encode(texts)), classes)
        found = {
            number: float(value) for number, value in zip(portion, novelty, strict=True) if value > 1 - RATE
        }
        workspace.run_documents.put(context.run, Part.CANDIDATE, found)
        done += len(portion)
        context.report(STAGE, done, len(new))
    if done < len(new):
        return {"phase": NOVEL, "counts": {"compared": done}}
    counts = {"compared": done, "added": documents.info.count - base.count}
    candidates = workspace.run_documents.get(context.run, Part.CANDIDATE)
    least = discovered_among(list(candidates.values()), len(new))
    novel = [number for number, value in candidates.items() if least is not None and value >= least]
    if len(novel) < LEAST:
        return {
            "phase": SETTLE,
            "counts": {**counts, "novel": 0, "classified": 0},
            "version": base.version,
            "chosen": 0,
            "trials": {"0": {**new_trial(0, context.settings.seed, base.version), "active": False}},
            "edition": 1,
        }
    # The newest ones; more than a sample of them says nothing more.
    read = sorted(novel, key=lambda number: (-candidates[number], number))[: context.settings.sample]
    workspace.run_documents.put(context.run, Part.NOVEL, sorted(read))
    # What was read before is not read again, not even where another LLM goes on.
    known = list(workspace.run_documents.get(context.run, Part.SAMPLE))
    workspace.phrases.borrow(context.reading.purpose, known)
    return {"phase": SUMMARIZE, "counts": {**counts, "novel": len(novel)}}


def _texts(context: Context, rows: list[LabelRow]) -> list[str]:
    return [document.text for document in context.workspace.documents.get([row.number for row in rows])]
