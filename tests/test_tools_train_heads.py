"""Every head can be asked for by name, with any kind of features."""

from pathlib import Path

import numpy as np
import pytest
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.classifiers.encoders import representation as module
from tnt_llm.classifiers.encoders.representation import Representation
from tnt_llm.classifiers.encoders.tfidf import TfidfEncoder
from tnt_llm.tools.train_classifier import train_classifier
from toy_texts import WordEncoder, sample_of, taxonomy_of, texts_about

TOPICS = ("pets", "taxes")
FEATURES = {
    "dense": Representation((WordEncoder(),)),
    "sparse": Representation((), (TfidfEncoder(),)),
    "both": Representation((WordEncoder(),), (TfidfEncoder(),)),
}


@pytest.mark.parametrize("features", FEATURES)
@pytest.mark.parametrize("head", ["lightgbm", "mlp"])
def test_a_head_that_is_asked_for_by_name_is_trained_and_kept(
    head: str, features: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(module, "open_encoder", WordEncoder)
    texts, labels = sample_of(20, *TOPICS)
    classifier, metrics = train_classifier(
        texts=texts,
        labels=labels,
        taxonomy=taxonomy_of(*TOPICS),
        representation=FEATURES[features],
        head=head,
        seed=0,
    )
    assert metrics.accuracy is not None
    assert metrics.accuracy > 0.8
    classifier.save(tmp_path / "classifier")
    loaded = Classifier.load(tmp_path / "classifier")
    assert loaded.head.kind == head
    unseen = [*texts_about("pets", 8, seed=7), *texts_about("taxes", 8, seed=7)]
    assert loaded.predict(unseen) == classifier.predict(unseen)
    found = np.array([prediction.primary_id for prediction in loaded.predict(unseen)])
    assert (found == np.repeat(["id-pets", "id-taxes"], 8)).mean() > 0.7
