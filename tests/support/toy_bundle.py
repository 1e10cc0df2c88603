"""A classifier on disk that any process can load: tfidf with a linear head, over the topics of `toy_texts`."""

from pathlib import Path

import numpy as np
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.classifiers.encoders.representation import open_representation
from tnt_llm.classifiers.heads.head import make_head
from tnt_llm.classifiers.predictions import Label
from toy_texts import texts_about

TOPICS = ("pets", "taxes", "football")


def toy_classifier(seed: int = 0) -> Classifier:
    """Trained in a moment; another seed gives another one."""
    texts = [text for topic in TOPICS for text in texts_about(topic, 12, seed)]
    classes = np.repeat(np.arange(len(TOPICS)), 12)
    representation = open_representation("tfidf").fit(texts)
    head = make_head("linear", len(TOPICS)).fit(representation.encode(texts), classes)
    labels = tuple(Label(f"id-{topic}", topic.title(), f"About {topic}.") for topic in TOPICS)
    return Classifier(labels=labels, representation=representation, head=head, index=None)


def toy_bundle(folder: Path, seed: int = 0) -> Path:
    """The same, saved."""
    toy_classifier(seed).save(folder)
    return folder


def toy_corpus(path: Path, rows: int) -> Path:
    """A CSV file of that many different texts."""
    lines = [
        f"t{row},{TOPICS[row % 3]} {texts_about(TOPICS[row % 3], 5)[row % 5]} number{row}"
        for row in range(rows)
    ]
    path.write_text("\n".join(["id,text", *lines]) + "\n", encoding="utf-8")
    return path
