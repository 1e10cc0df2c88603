"""The last step: the results as files that people and other programs read, one edition after the other."""

import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from langgraph.runtime import Runtime

from ..checkpoints.checks import Verdict
from ..checkpoints.editions import Editions
from ..checkpoints.files import write_atomic
from ..classifiers.bundle import read_metrics
from ..classifiers.predictions import UNDEFINED
from ..prompts.quoting import count_words
from ..taxonomy.document import Document
from ..tools.export import export_labels, export_taxonomy, table_rows
from ..tools.report import render_report
from ..tools.report_data import Example, FailureItem, LoopPoint, ReportData, SuspectItem
from ..tools.train_classifier import Metrics
from .context import Context
from .state import DONE, State
from .train_classifier import FOLDER

TAXONOMY_FILE = "taxonomy.json"
EXAMPLES = 5
MOST_FAILURES = 50
_BATCH = 10_000


def publish(state: State, runtime: Runtime[Context]) -> State:
    """Write taxonomy.json, labels.parquet, labels.csv and report.html beside the classifier, and let them count."""
    context, version, number = runtime.context, state["version"], state.get("edition", 1)
    editions = Editions(context.workspace.run_folder(context.run))
    # Killed after the switch, before the checkpoint: what counts already is left as it is.
    if editions.current != number or _published(editions.link) != version:
        _write(state, context, editions.folder(number))
    editions.publish(number)
    return {"phase": DONE, "edition": number, "published": version}


def _published(folder: Path) -> str | None:
    """The version that a folder's outputs are of, by its taxonomy.json."""
    try:
        return str(json.loads((folder / TAXONOMY_FILE).read_bytes())["version"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _write(state: State, context: Context, folder: Path) -> None:
    version, workspace = state["version"], context.workspace
    taxonomy = workspace.versions.get(version).taxonomy
    counts = workspace.labels.counts(context.run, version)
    shown = {number for category in taxonomy for number in category.exemplars}
    documents = {document.number: document for document in workspace.documents.get(sorted(shown))}
    labels = workspace.labels.get(context.run, version)
    export_labels(folder, table_rows(_documents(context), labels, taxonomy))
    write_atomic(folder / "report.html", render_report(_report(state, context, folder)))
    export_taxonomy(
        folder / TAXONOMY_FILE,
        use_case=context.settings.use_case,
        version=version,
        taxonomy=taxonomy,
        counts=counts,
        documents_by_number=documents,
    )


def _report(state: State, context: Context, folder: Path) -> ReportData:
    from .. import __version__

    workspace, settings, version = context.workspace, context.settings, state["version"]
    row = workspace.runs.get(context.run)
    info = workspace.documents.info
    usage = context.usage()
    failures = workspace.failures.list(context.run)
    by_source: dict[str, int] = {}
    for label in workspace.labels.get(context.run, version):
        by_source[str(label.source)] = by_source.get(str(label.source), 0) + 1
    return ReportData(
        use_case=settings.use_case,
        run=context.run,
        source=info.source,
        model=row.settings["model"]["text"],
        model_reason=row.settings["model"]["reason"],
        encoder=context.encoder.id,
        started=datetime.fromisoformat(row.created),
        finished=datetime.now().astimezone(),
        documents=info.count,
        distinct=info.distinct,
        by_source=by_source,
        taxonomy=workspace.versions.get(version).taxonomy,
        counts=workspace.labels.counts(context.run, version),
        examples=_examples(context, version),
        versions=workspace.versions.path(version),
        loop=[
            LoopPoint(
                trial=trial["index"], epoch=int(epoch), categories=int(size), residual=residual, score=value
            )
            for trial in sorted(state["trials"].values(), key=lambda trial: trial["index"])
            for epoch, size, residual, value in trial["path"]
        ],
        chosen_trial=state["chosen"],
        classifier=Metrics.from_dict(read_metrics(folder / FOLDER)),
        suspects=_suspects(context, version),
        usage={stage: usage[stage] for stage in usage},
        failures=[
            FailureItem(
                stage=failure.stage,
                document="" if failure.number is None else workspace.documents.get([failure.number])[0].id,
                error=failure.error,
                raw=failure.raw,
            )
            for failure in failures[:MOST_FAILURES]
        ],
        failure_count=len(failures),
        settings=settings.model_dump(mode="json"),
        notes=_notes(context),
        tnt_version=__version__,
    )


def _suspects(context: Context, version: str) -> list[SuspectItem]:
    """The labels that looked wrong, the most suspect first."""
    checks = context.workspace.checks.get(
        context.run, version, Verdict.KEPT, Verdict.CHANGED, Verdict.DROPPED
    )
    # A category of then may have another name now, or be gone.
    names: dict[str | None, str] = {
        category.id: category.name
        for each in context.workspace.versions.path(version)
        for category in each.taxonomy
    }
    names[None] = UNDEFINED
    ordered = sorted(checks, key=lambda number: (-checks[number].doubt, number))
    return [
        SuspectItem(
            document=document.id,
            text=document.text,
            before=names[check.label.primary],
            verdict=check.verdict.value,
            neighbours=names[check.neighbours],
            student=names[check.student],
            answer=names[check.answer] if check.was_answered else "",
            reason=check.reason,
        )
        for document in context.workspace.documents.get(ordered)
        for check in (checks[document.number],)
    ]


def _examples(context: Context, version: str) -> dict[str | None, list[Example]]:
    """The surest labels of each category that the LLM gave, with its reasons."""
    by_category: dict[str | None, list[tuple[float, int, str]]] = {}
    for label in context.workspace.labels.get(context.run, version):
        best = by_category.setdefault(label.primary, [])
        best.append((-label.confidence, label.number, label.reason))
        if len(best) > 10 * EXAMPLES:
            best.sort()
            del best[EXAMPLES:]
    examples: dict[str | None, list[Example]] = {}
    for category, found in by_category.items():
        chosen = sorted(found)[:EXAMPLES]
        documents = context.workspace.documents.get([number for _, number, _ in chosen])
        examples[category] = [
            Example(document.id, document.text, reason)
            for document, (_, _, reason) in zip(documents, chosen, strict=True)
        ]
    return examples


def _notes(context: Context) -> list[str]:
    """What a reader of the report should know about the corpus."""
    info, settings = context.workspace.documents.info, context.settings
    notes = []
    if info.distinct < info.count:
        notes.append(
            f"{info.count - info.distinct:,} of {info.count:,} texts are blank or repeat another one; copies get "
            "the same label."
        )
    words = settings.read_words or settings.max_words
    cut = [
        document.id
        for document in context.workspace.documents.get(context.reading.sample)
        if count_words(document.text, words) > words
    ]
    if cut:
        some = ", ".join(cut[:5]) + (", ..." if len(cut) > 5 else "")
        notes.append(
            f"{len(cut):,} texts of the sample are longer than {words} words; the LLM read their beginning ({some})."
        )
    return notes


def _documents(context: Context) -> Iterator[Document]:
    for batch in context.workspace.documents.batches(_BATCH):
        yield from batch
