"""The classifier's benchmarks: their statistics, the texts they make, and that a bar which is missed is shown so."""

import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = str(Path(__file__).parent.parent)
added = ROOT not in sys.path
if added:
    sys.path.append(ROOT)
from benchmarks.classifier.agreement import resplit  # noqa: E402
from benchmarks.classifier.gold_data import banking77, drawn, noisy, taxonomy_of  # noqa: E402
from benchmarks.classifier.gold_taxonomies import CORPORA, UNDEFINED  # noqa: E402
from benchmarks.classifier.measure import BENCHMARKS, main, run  # noqa: E402
from benchmarks.classifier.multilabel import micro_f1  # noqa: E402
from benchmarks.classifier.results import Options, Row, Skipped, table  # noqa: E402
from benchmarks.classifier.retrain import noisy_texts  # noqa: E402
from benchmarks.classifier.statistics import paired_bootstrap  # noqa: E402

if added:
    sys.path.remove(ROOT)


def test_the_bootstrap_finds_a_difference_that_is_there_and_none_where_both_err_alike() -> None:
    rng = np.random.default_rng(0)
    better = rng.random(2_000) < 0.8
    worse = better & (rng.random(2_000) < 0.9)
    assert paired_bootstrap(worse, better).is_below
    assert not paired_bootstrap(better, worse).is_below
    same = paired_bootstrap(better, better)
    assert (same.low, same.high) == (0.0, 0.0)
    assert not same.is_below


def test_the_interval_of_the_bootstrap_is_as_wide_as_that_of_the_normal_distribution() -> None:
    rng = np.random.default_rng(1)
    a, b = rng.random(1_000) < 0.7, rng.random(1_000) < 0.7
    found = paired_bootstrap(a, b)
    half = 1.96 * float(np.std(a.astype(float) - b.astype(float))) / np.sqrt(1_000)
    assert found.high - found.low == pytest.approx(2 * half, rel=0.05)
    assert found.difference == pytest.approx(float(a.mean() - b.mean()))


def test_the_order_of_the_texts_does_not_pair_one_text_with_another() -> None:
    a = np.array([True, False] * 200)
    assert paired_bootstrap(a, a[::-1]).high > 0 > paired_bootstrap(a, a[::-1]).low


def test_noise_changes_as_many_labels_as_it_says_and_none_into_itself() -> None:
    labels: list[str | None] = ["a", "b", "c", None] * 50
    changed = noisy(labels, 0.25)
    assert sum(old != new for old, new in zip(labels, changed, strict=True)) == 50
    assert noisy(labels, 0.0) == labels


def test_the_texts_for_retraining_are_different_and_keep_the_label_of_what_they_are_made_from() -> None:
    texts = [f"{topic} number {number} came late again" for topic in ("card", "loan") for number in range(20)]
    made, labels = noisy_texts(texts, [text.split()[0] for text in texts], 300)
    assert len(set(made)) == 300
    assert made[: len(texts)] == texts
    assert {"loan" in text for text, label in zip(made, labels, strict=True) if label == "card"} == {False}


def test_the_catch_all_is_no_category_of_the_taxonomy_a_teacher_is_given() -> None:
    for corpus in CORPORA.values():
        assert corpus.version.refused == ()
        assert corpus.names[corpus.catch_all] == UNDEFINED
        categories = {category.name for category in corpus.version.taxonomy}
        assert categories == {name for label, name in corpus.names.items() if label != corpus.catch_all}


def test_labels_of_a_corpus_are_categories_by_their_names() -> None:
    taxonomy, ids = taxonomy_of(["late_card", None, "refund?", "late_card"])
    assert [category.name for category in taxonomy] == ["late_card", "refund?"]
    assert ids == {category.name: category.id for category in taxonomy} | {None: None}


def test_resplits_break_no_promise_of_a_classifier_that_is_sure_where_it_is_right() -> None:
    rng = np.random.default_rng(0)
    confidence = rng.random(6_000)
    outcome = resplit(confidence, rng.random(6_000) < 0.6 + 0.4 * confidence, 2_000)
    assert outcome.broken <= 0.08
    assert 0.2 < outcome.coverage < 0.6


def test_resplits_find_nothing_to_promise_where_confidence_says_nothing() -> None:
    rng = np.random.default_rng(0)
    outcome = resplit(rng.random(4_000), rng.random(4_000) < 0.6, 2_000)
    assert outcome.coverage < 0.01


def test_micro_f1_counts_pairs_not_texts() -> None:
    applies = np.array([[True, True, True], [True, False, False]])
    found = np.array([[True, True, True], [False, True, False]])
    assert micro_f1(found, applies) == pytest.approx(2 * 3 / (4 + 4))


def test_the_table_says_which_bar_is_missed() -> None:
    lines = table(
        [Row("speed", ">= 2", "1", met=False), Row("size", "<= 2", "1", met=True), Row("colour", "", "red")]
    )
    assert [line.split()[-1] for line in lines.splitlines()[1:]] == ["NO", "yes", "red"]


def test_without_the_corpora_a_benchmark_is_skipped_and_says_which_file_it_lacks(tmp_path: Path) -> None:
    options = Options(tmp_path / "nowhere", tmp_path / "out")
    with pytest.raises(Skipped, match=r"banking77\.csv"):
        banking77(options)
    with pytest.raises(Skipped, match=r"hwu64\.csv"):
        drawn(options, "hwu64", "scenario", held_out=1, catch_all="general")
    (row,) = run(["index"], options)
    assert row.met is None
    assert "--data" in row.measured
    assert (tmp_path / "out" / "index.json").exists()


def test_without_a_name_all_benchmarks_are_listed(capsys: pytest.CaptureFixture[str]) -> None:
    main([])
    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(BENCHMARKS)
