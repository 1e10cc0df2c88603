"""`classify`: any corpus through a classifier into a table."""

import csv
import json
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import pytest
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.classifiers.encoders import representation
from tnt_llm.classifiers.encoders.representation import Representation
from tnt_llm.classifiers.streaming import classify, labelling
from tnt_llm.taxonomy.errors import BundleError, CorpusError, SettingsError
from tnt_llm.tools.train_classifier import train_classifier
from toy_texts import WordEncoder, sample_of, taxonomy_of

TOPICS = ("pets", "taxes", "football")


@pytest.fixture(scope="module")
def classifier() -> Classifier:
    texts, labels = sample_of(20, *TOPICS, "strange")
    return train_classifier(
        texts=texts,
        labels=labels,
        taxonomy=taxonomy_of(*TOPICS),
        representation=Representation((WordEncoder(),)),
        seed=0,
    )[0]


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    texts, _ = sample_of(7, *TOPICS, "strange", seed=5)
    path = tmp_path / "corpus.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["ticket", "body"])
        writer.writerows([f"t{number}", text] for number, text in enumerate([*texts, ""]))
    return path


def rows_of(path: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_every_document_gets_one_row_in_order_with_its_id(
    classifier: Classifier, corpus: Path, tmp_path: Path
):
    summary = classify(
        corpus, classifier=classifier, out=tmp_path / "out.jsonl", text_column="body", id_column="ticket"
    )
    rows = rows_of(tmp_path / "out.jsonl")
    assert [row["id"] for row in rows] == [f"t{number}" for number in range(29)]
    expected = [*["Pets"] * 7, *["Taxes"] * 7, *["Football"] * 7, *["undefined"] * 8]
    found = [row["primary"] for row in rows]
    assert sum(one == two for one, two in zip(found, expected, strict=True)) >= 27
    assert found[-1] == "undefined"  # the blank one
    assert {(row["source"], row["reason"]) for row in rows} == {("student", "")}
    assert (summary.documents, summary.undefined) == (29, found.count("undefined"))
    assert summary.seconds > 0
    assert summary.documents_per_second == pytest.approx(29 / summary.seconds)


@pytest.mark.parametrize("batch", [1, 4, 29, 1000])
def test_the_size_of_a_batch_changes_no_label(
    classifier: Classifier, corpus: Path, tmp_path: Path, batch: int
):
    done: list[int] = []
    options = {"classifier": classifier, "text_column": "body", "id_column": "ticket"}
    classify(corpus, out=tmp_path / "one.csv", **options)
    classify(corpus, out=tmp_path / "two.csv", batch=batch, on_progress=done.append, **options)
    one, two = ((tmp_path / name).read_text().splitlines() for name in ("one.csv", "two.csv"))
    assert [line.rsplit(",", 3)[0] for line in one] == [line.rsplit(",", 3)[0] for line in two]
    assert done == [*range(batch, 29, batch), 29]


def test_a_bundle_on_disk_labels_as_the_classifier_in_memory(
    classifier: Classifier, corpus: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(representation, "open_encoder", WordEncoder)
    classifier.save(tmp_path / "bundle")
    for name, which in (("one.csv", classifier), ("two.csv", tmp_path / "bundle")):
        classify(corpus, classifier=which, out=tmp_path / name, text_column="body")
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_an_iterable_of_texts_will_do(classifier: Classifier, tmp_path: Path):
    classify(["cat dog vet leash", "tax refund audit"], classifier=classifier, out=tmp_path / "o.jsonl")
    assert [(row["id"], row["primary"]) for row in rows_of(tmp_path / "o.jsonl")] == [
        ("0", "Pets"),
        ("1", "Taxes"),
    ]


def test_an_empty_input_makes_an_empty_table(classifier: Classifier, tmp_path: Path):
    summary = classify([], classifier=classifier, out=tmp_path / "out.jsonl")
    assert (summary.documents, summary.undefined) == (0, 0)
    assert (tmp_path / "out.jsonl").read_text() == ""


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_memory_stays_flat_however_long_the_stream(classifier, tmp_path: Path, monkeypatch, suffix: str):
    monkeypatch.setattr(labelling, "_GROUP_ROWS", 50)

    def stream(count: int) -> Iterator[str]:
        return ("cat dog vet leash" + " " * 2000 + str(number % 2) for number in range(count))

    def forget(done: int) -> None:
        classifier.representation.dense[0].seen.clear()  # the encoder of the tests keeps what it was given

    peaks = []
    for count in (100, 200, 2000):  # the first one pays for what is imported and cached
        tracemalloc.start()
        classify(
            stream(count), classifier=classifier, out=tmp_path / f"out{suffix}", batch=20, on_progress=forget
        )
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[2] < peaks[1] + 100_000


def test_a_fault_in_the_input_names_the_row_and_leaves_no_table(classifier: Classifier, tmp_path: Path):
    source = tmp_path / "corpus.jsonl"
    source.write_text('{"text": "cat dog"}\n{"text": \n')
    with pytest.raises(CorpusError, match="2"):
        classify(source, classifier=classifier, out=tmp_path / "out.csv", batch=1)
    assert list(tmp_path.iterdir()) == [source]


def test_the_input_is_never_overwritten(classifier: Classifier, corpus: Path):
    before = corpus.read_bytes()
    with pytest.raises(SettingsError, match="is the input"):
        classify(corpus, classifier=classifier, out=corpus, text_column="body")
    assert corpus.read_bytes() == before


def test_a_batch_of_nothing_is_refused(classifier: Classifier, tmp_path: Path):
    with pytest.raises(SettingsError, match="batch of 0"):
        classify([], classifier=classifier, out=tmp_path / "out.csv", batch=0)


def test_a_wrong_output_is_refused_before_anything_is_loaded(tmp_path: Path):
    with pytest.raises(SettingsError, match=r"\.parquet"):
        classify([], classifier=tmp_path / "nowhere", out=tmp_path / "out.xlsx")


def test_a_folder_that_is_no_bundle_is_refused(tmp_path: Path):
    with pytest.raises(BundleError, match="no classifier"):
        classify([], classifier=tmp_path, out=tmp_path / "out.csv")
