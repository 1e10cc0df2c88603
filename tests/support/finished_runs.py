"""Runs that are done, as a workspace keeps them: labels, classifier and outputs, without a graph or an LLM."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from stored_runs import StoredRun
from tnt_llm.checkpoints.editions import Editions
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.checkpoints.readers import read_corpus
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.classifiers.encoders.representation import Representation
from tnt_llm.taxonomy.edits import Add, Edit, Move
from tnt_llm.taxonomy.values import Taxonomy
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.export import export_labels, export_taxonomy, table_rows
from tnt_llm.tools.train_classifier import train_classifier
from toy_texts import WORDS, WordEncoder, texts_about

TOPICS = ("pets", "taxes", "football")


@dataclass(frozen=True)
class Texts:
    """A corpus whose topics are known.

    Attributes:
        ids, texts, topics: of each document; "strange" is of no topic.
    """

    ids: tuple[str, ...]
    texts: tuple[str, ...]
    topics: tuple[str, ...]


def corpus(each: int = 20, *topics: str, seed: int = 0) -> Texts:
    """`each` documents on every topic, in turn, with ids d0, d1, ..."""
    topics = topics or (*TOPICS, "strange")
    found = [texts_about(topic, each, seed=seed) for topic in topics]
    texts = [text for together in zip(*found, strict=True) for text in together]
    return Texts(
        tuple(f"d{row}" for row in range(len(texts))),
        tuple(texts),
        tuple(topics[row % len(topics)] for row in range(len(texts))),
    )


def version_of(*names: str, parents: Sequence[tuple[str, Sequence[str]]] = ()) -> Version:
    """A version with these categories, some of them below others: (parent, children)."""
    edits: list[Edit] = [
        Add(name=name, description=f"About {name}: {' '.join(WORDS.get(name.lower(), [])[:3])}.")
        for name in (*(parent for parent, _ in parents), *names)
    ]
    edits += [Move(id=child, parent=parent) for parent, children in parents for child in children]
    return Version.first().then(edits, author=Author.MODEL)


def finish(
    workspace: Path,
    texts: Texts,
    version: Version,
    names: Sequence[str | None],
    *,
    taught: int | None = None,
    name: str = "main",
    applies: Sequence[Sequence[str]] | None = None,
) -> None:
    """Keep a run that is done.

    Args:
        workspace: the folder; made if need be.
        texts: the corpus.
        version: the taxonomy.
        names: of each document's category, as the LLM says; None is undefined.
        taught: so many documents, the first ones, were labelled by the LLM, the others by the classifier; None for all.
        name: of the run.
        applies: names of all categories that apply to each document.
    """
    taxonomy = version.taxonomy
    id_of = {category.name: category.id for category in taxonomy}
    labels = [None if one is None else id_of[one] for one in names]
    taught = len(labels) if taught is None else taught
    run = StoredRun.create(workspace, name)
    with Workspace.open(workspace) as tables:
        tables.documents.load(read_corpus(list(zip(texts.ids, texts.texts, strict=True))), source="a list")
    run.stand(version, phase="done")
    classifier, _ = train_classifier(
        texts=texts.texts[:taught],
        labels=labels[:taught],
        taxonomy=taxonomy,
        representation=Representation((WordEncoder(),)),
        head="logistic",
        seed=0,
    )
    rows = [
        LabelRow(
            row,
            label,
            tuple(id_of[one] for one in applies[row]) if applies else (() if label is None else (label,)),
            0.9,
            Source.LLM,
        )
        for row, label in enumerate(labels[:taught])
    ]
    rows += [
        LabelRow(row, said.primary_id, said.all_ids, said.confidence, Source.STUDENT)
        for row, said in enumerate(classifier.predict(list(texts.texts[taught:])), taught)
    ]
    with Workspace.open(workspace) as tables:
        tables.labels.put_many(name, version.id, rows)
    _publish(workspace / name, version.id, taxonomy, workspace, rows, classifier)


def _publish(folder, version, taxonomy: Taxonomy, workspace, rows, classifier) -> None:  # type: ignore[no-untyped-def]
    editions = Editions(folder)
    target = editions.folder(1)
    target.mkdir(parents=True)
    with Workspace.open(workspace) as tables:
        documents = [document for batch in tables.documents.batches(1000) for document in batch]
    export_labels(target, table_rows(documents, rows, taxonomy))
    classifier.save(target / "classifier")
    export_taxonomy(
        target / "taxonomy.json",
        use_case="tell what it is",
        version=version,
        taxonomy=taxonomy,
        counts={},
        documents_by_number={},
    )
    editions.publish(1)
