"""Monitoring: what is new, what has shifted, and how often either is said where nothing has changed."""

import csv
import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from tnt_llm.classifiers.encoders.representation import Representation
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.errors import SettingsError
from tnt_llm.tools.known_texts import known_texts
from tnt_llm.tools.monitor import discovered, monitor
from tnt_llm.tools.monitor_table import write_rows
from tnt_llm.tools.train_classifier import train_classifier
from toy_runs import QuickEncoder
from toy_texts import sample_of, taxonomy_of

TOPICS = ("pets", "taxes", "football", "cooking")


@pytest.fixture(scope="module")
def trained():
    """A classifier of four topics, and what is known of its texts; one text is blank, one a copy."""
    texts, labels = sample_of(60, *TOPICS)
    classifier, _ = train_classifier(
        texts=texts,
        labels=labels,
        taxonomy=taxonomy_of(*TOPICS),
        representation=Representation((QuickEncoder(),)),
        seed=0,
    )
    return classifier, known_texts(classifier, [*texts, texts[0], " "], [*labels, labels[0], None])


def incoming(texts):
    return [Document(number, f"n{number}", text) for number, text in enumerate(texts)]


def look(trained, texts, **options):
    return monitor(incoming(texts), *trained, **options)


def usual(seed):
    """Texts like the training texts, as many of each topic."""
    return sample_of(40, *TOPICS, seed=seed)[0]


def test_the_reference_has_each_text_once_and_no_blank_one(trained):
    assert len(trained[1]) == 240
    assert (trained[1].words == 4).all()


def test_where_nothing_has_changed_alarms_are_as_rare_as_promised(trained):
    reports = [look(trained, usual(seed)) for seed in range(1, 13)]
    flagged = [report.novel / report.documents for report in reports]
    assert np.mean(flagged) <= 0.06
    assert sum(bool(report.shifted) for report in reports) <= 2
    assert sum(report.has_novelty for report in reports) <= 3


def test_a_topic_that_is_new_is_found_and_put_together(trained):
    strange = sample_of(15, "strange", seed=3)[0]
    report = look(trained, [*usual(2), *strange])
    flags = report.rows.is_novel
    assert flags[160:].mean() >= 0.9
    assert flags[:160].mean() <= 0.07
    assert report.has_novelty
    assert report.has_changed
    assert report.discovered >= 12
    largest = report.groups[0]
    assert largest.size >= 5
    assert {example.id for example in largest.examples} <= {f"n{number}" for number in range(160, 175)}
    assert all(example.novelty > 0.95 for example in largest.examples)


def test_shares_that_have_shifted_are_told_with_both_ends(trained):
    texts = [*sample_of(80, "pets", seed=5)[0], *sample_of(20, "taxes", "football", "cooking", seed=5)[0]]
    report = look(trained, texts)
    by_name = {label.name: label for label in report.labels}
    assert by_name["Pets"].has_shifted
    assert by_name["Pets"].then == pytest.approx(0.25, abs=0.02)
    assert by_name["Pets"].now == pytest.approx(80 / 140, abs=0.03)
    assert report.shifted[0].name == "Pets"
    assert report.distance == pytest.approx(80 / 140 - 0.25, abs=0.03)
    assert by_name["undefined"].id is None


def test_longer_texts_are_told(trained):
    texts = [f"{one} {other}" for one, other in zip(usual(6), usual(7), strict=True)]
    length = look(trained, texts).length
    assert (length.then, length.now, length.has_shifted) == (4, 8, True)


def test_blank_texts_count_as_such_and_in_nothing_else(trained):
    report = look(trained, ["", " \n", *usual(8)])
    assert (report.documents, report.blank) == (162, 2)
    assert report.rows.novelty[:2].tolist() == [0, 0]
    assert not report.rows.is_novel[:2].any()
    assert report.rows.names[report.rows.primary[0]] == "undefined"
    assert sum(label.count for label in report.labels) == 160


@pytest.mark.parametrize("texts", [[], [""], ["cat dog hamster leash"], ["cat dog hamster leash"] * 30])
def test_hardly_any_text_is_no_alarm_and_no_fault(trained, texts):
    report = look(trained, texts)
    assert report.documents == len(texts)
    assert not report.has_novelty
    assert json.dumps(report.to_dict())


def test_portions_say_about_the_same_as_all_at_once(trained, monkeypatch):
    texts = [*usual(2), *sample_of(40, "strange", seed=3)[0]]
    order = np.random.default_rng(0).permutation(len(texts))
    mixed = [texts[row] for row in order]
    monkeypatch.setattr("tnt_llm.tools.monitor.MOST", 70)
    report = look(trained, mixed)
    assert report.documents == 200
    assert report.rows.ids == [f"n{number}" for number in range(200)]
    assert report.rows.is_novel[order >= 160].mean() >= 0.8


def test_texts_are_picked_out_together_only_where_they_are_more_than_chance():
    rng = np.random.default_rng(0)
    assert sum(discovered(rng.random(500) * 0.998, 0.1) is not None for _ in range(100)) <= 20
    threshold = discovered(np.concatenate([rng.random(500) * 0.99, np.full(30, 0.998)]), 0.1)
    assert threshold is not None
    assert 0.98 < threshold <= 0.998
    assert discovered(np.zeros(0)) is None


def test_the_rows_are_written_as_they_are(trained, tmp_path):
    texts = ["", *usual(9)[:5], *sample_of(3, "strange")[0]]
    documents = incoming(texts)
    documents[1] = Document(1, "=cmd|' /C calc'!A0", texts[1])
    documents[2] = Document(2, 'a "quoted",\nid \ud83d', texts[2])
    report = monitor(documents, *trained)
    for suffix in (".csv", ".jsonl", ".parquet"):
        write_rows(report.rows, tmp_path / f"rows{suffix}")
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        from_csv = list(csv.DictReader(file))
    from_json = [
        json.loads(line) for line in (tmp_path / "rows.jsonl").read_text(encoding="utf-8").splitlines()
    ]
    from_parquet = pq.read_table(tmp_path / "rows.parquet").to_pylist()
    assert len(from_csv) == len(from_json) == len(from_parquet) == 9
    assert from_csv[1]["id"].startswith("'=")
    assert from_json[1]["id"] == from_parquet[1]["id"] == "=cmd|' /C calc'!A0"
    assert [row["novel"] for row in from_json] == [row["novel"] for row in from_parquet]
    assert [row["novel"] == "yes" for row in from_csv] == [row["novel"] for row in from_json]
    assert from_json[0]["primary_id"] is None
    with pytest.raises(SettingsError, match="none of these"):
        write_rows(report.rows, tmp_path / "rows.xlsx")


def test_words_that_set_a_group_apart_are_given(trained):
    texts = [
        *usual(2),
        *(f"comet {word} orbit" for word in ("red", "blue", "green", "black", "white", "grey")),
    ]
    report = look(trained, texts)
    told = [word for group in report.groups for word in group.words]
    assert "comet" in told
