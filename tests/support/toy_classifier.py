"""A small classifier of three topics, over words."""

import numpy as np
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.classifiers.encoders.representation import Representation
from tnt_llm.classifiers.features import Features
from tnt_llm.classifiers.heads.logistic import LogisticHead
from tnt_llm.classifiers.predictions import Label
from toy_texts import WordEncoder, sample_of

TOPICS = ("pets", "taxes", "football")
LABELS = tuple(Label(f"id-{name}", name.title(), f"About {name}.") for name in TOPICS)


def classifier() -> Classifier:
    """Its gate lets every text pass."""
    encoder = WordEncoder()
    vectors = encoder.encode(sample_of(20, *TOPICS)[0])
    head = LogisticHead(3, c=1.0).fit(Features(vectors), np.arange(60) // 20)
    return Classifier(LABELS, Representation((encoder,)), head, None, use_case="sort messages")
