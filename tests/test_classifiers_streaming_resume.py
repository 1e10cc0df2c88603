"""A call that was killed, stopped or met a fault is gone on with, and comes to what an undisturbed one comes to."""

import errno
import io
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tnt_llm.checkpoints.batches import CorpusBatches
from tnt_llm.classifiers.streaming import classify, labelling
from tnt_llm.classifiers.streaming import parts as parts_module
from tnt_llm.classifiers.streaming.parts import RowsHash, open_parts
from tnt_llm.classifiers.streaming.worker import Work
from tnt_llm.taxonomy.errors import (
    CorpusError,
    CorpusMismatchError,
    LeaseHeldError,
    SettingsError,
    Stopped,
    StorageError,
)
from toy_bundle import toy_bundle, toy_classifier, toy_corpus

ROWS = 200
SUFFIXES = [".csv", ".jsonl", ".parquet"]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "classifier")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_corpus(tmp_path_factory.mktemp("corpus") / "corpus.csv", ROWS)


@pytest.fixture(scope="module")
def whole(bundle: Path, corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], bytes]:
    """What an undisturbed call writes, by suffix."""
    folder = tmp_path_factory.mktemp("whole")

    def made(suffix: str) -> bytes:
        classify(corpus, classifier=bundle, out=folder / f"out{suffix}", batch=5)
        return (folder / f"out{suffix}").read_bytes()

    return made


@pytest.fixture
def quick_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every batch ends a part."""
    monkeypatch.setattr(parts_module, "PART_SECONDS", 0.0)


@pytest.fixture
def labelled(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The ids of all rows that are labelled in this process, in order."""
    ids: list[str] = []
    ordinary = Work.label

    def label(self: Work, classifier: Any, given: Any, texts: Any) -> Any:
        ids.extend(given.to_pylist())
        return ordinary(self, classifier, given, texts)

    monkeypatch.setattr(Work, "label", label)
    return ids


def stop_after(rows: int, source: Any, out: Path, **options: Any) -> Stopped:
    """Call until so many rows are done, then ask to stop."""
    stop = threading.Event()
    with pytest.raises(Stopped) as told:
        classify(
            source,
            out=out,
            stop=stop,
            on_progress=lambda done: stop.set() if done >= rows else None,
            **{"batch": 5, "workers": 1} | options,
        )
    return told.value


# --- stopped ---


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_stopped_call_is_gone_on_with_and_labels_no_row_twice(
    bundle: Path, corpus: Path, tmp_path: Path, whole, labelled: list[str], suffix: str
):
    out = tmp_path / f"out{suffix}"
    stopped = stop_after(50, corpus, out, classifier=bundle)
    assert "50 rows are finished and kept" in stopped.__notes__[0]
    assert [path.name for path in tmp_path.iterdir()] == [f"out{suffix}.parts"]
    progress: list[int] = []
    summary = classify(corpus, classifier=bundle, out=out, batch=5, workers=1, on_progress=progress.append)
    assert (summary.documents, summary.resumed) == (ROWS, 50)
    assert summary.documents_per_second == pytest.approx(150 / summary.seconds)
    assert progress == list(range(50, ROWS + 1, 5))
    assert labelled == [f"t{row}" for row in range(ROWS)]
    assert out.read_bytes() == whole(suffix)
    assert list(tmp_path.iterdir()) == [out]


def test_it_can_be_gone_on_with_in_batches_of_another_size(bundle: Path, corpus: Path, tmp_path: Path, whole):
    out = tmp_path / "out.csv"
    stop_after(50, corpus, out, classifier=bundle)
    stop_after(110, corpus, out, classifier=bundle, batch=21)
    assert classify(corpus, classifier=bundle, out=out, batch=64).resumed == 126
    assert out.read_bytes() == whole(".csv")


def test_a_call_that_was_killed_after_its_last_row_makes_the_table_without_labelling(
    bundle: Path, corpus: Path, tmp_path: Path, whole, labelled: list[str], monkeypatch
):
    def die(*_: object) -> None:
        raise ZeroDivisionError

    out = tmp_path / "out.csv"
    stop_after(50, corpus, out, classifier=bundle)
    with monkeypatch.context() as patch:
        patch.setattr(labelling, "_join", die)
        with pytest.raises(ZeroDivisionError):
            classify(corpus, classifier=bundle, out=out, batch=5, workers=1)
    labelled.clear()
    assert classify(corpus, classifier=bundle, out=out, batch=5, workers=1).resumed == ROWS
    assert labelled == []
    assert out.read_bytes() == whole(".csv")


def test_a_stop_before_the_first_row_leaves_nothing(bundle: Path, corpus: Path, tmp_path: Path):
    stop = threading.Event()
    stop.set()
    with pytest.raises(Stopped):
        classify(corpus, classifier=bundle, out=tmp_path / "out.csv", stop=stop)
    assert list(tmp_path.iterdir()) == []


def test_an_old_table_stays_until_the_new_one_is_complete(bundle: Path, corpus: Path, tmp_path: Path, whole):
    out = tmp_path / "out.csv"
    out.write_text("old")
    stop_after(50, corpus, out, classifier=bundle)
    assert out.read_text() == "old"
    classify(corpus, classifier=bundle, out=out, batch=5)
    assert out.read_bytes() == whole(".csv")


# --- killed ---

CHILD = """
import sys, time
from tnt_llm.classifiers.streaming import classify, labelling, parts
from tnt_llm.classifiers.streaming.worker import Work
parts.PART_SECONDS = 0.02
labelling._FEW = 2
ordinary = Work.label
def label(self, *given):
    time.sleep(0.01)
    return ordinary(self, *given)
Work.label = label
source, bundle, out, workers = sys.argv[1:]
print("begins", flush=True)
classify(source, classifier=bundle, out=out, batch=5, workers=int(workers))
"""


@pytest.mark.slow
@pytest.mark.parametrize(("suffix", "workers"), [(".parquet", 1), (".csv", 2)])
def test_kill_9_at_any_moment_loses_and_changes_nothing(
    bundle: Path, corpus: Path, tmp_path: Path, whole, suffix: str, workers: int
):
    out = tmp_path / f"out{suffix}"
    draw = random.Random(9)
    command = [sys.executable, "-c", CHILD, str(corpus), str(bundle), str(out), str(workers)]
    killed, most = 0, 0
    while killed < 6 or most == 0:
        process = subprocess.Popen(command, stdout=subprocess.PIPE)
        assert process.stdout is not None
        process.stdout.readline()
        # Some die while they load, most while they work.
        wait_until_more(out, most, draw.uniform(0.0, 0.15)) if killed else time.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        assert not out.exists()
        killed += 1
        rows = finished(out)
        assert rows >= most
        most = rows
    summary = classify(corpus, classifier=bundle, out=out, batch=5)
    assert 0 < most <= summary.resumed < ROWS
    assert out.read_bytes() == whole(suffix)
    assert list(tmp_path.iterdir()) == [out]


def finished(out: Path) -> int:
    """Rows that the journal tells of."""
    try:
        lines = (out.with_name(f"{out.name}.parts") / "journal.jsonl").read_bytes().split(b"\n")
    except OSError:
        return 0
    return max([0, *(int(line.split(b'"rows": ')[1].split(b",")[0]) for line in lines[1:-1])])


def wait_until_more(out: Path, rows: int, seconds: float) -> None:
    """Wait until more rows are finished than these, and then so long."""
    until = time.monotonic() + 60
    while finished(out) <= rows and time.monotonic() < until:
        time.sleep(0.001)
    time.sleep(seconds / 5)


def test_what_a_kill_left_of_a_part_is_cut_off(
    bundle: Path, corpus: Path, tmp_path: Path, whole, quick_parts: None
):
    out = tmp_path / "out.csv"
    stop_after(50, corpus, out, classifier=bundle)
    folder = tmp_path / "out.csv.parts"
    with (folder / "rows.arrow").open("ab") as file:
        file.write(b"half a part")
    with (folder / "journal.jsonl").open("ab") as file:
        file.write(b'{"rows": 55, "byt')
    (folder / "table.csv").write_text("half a table")
    assert classify(corpus, classifier=bundle, out=out, batch=5).resumed == 50
    assert out.read_bytes() == whole(".csv")


def test_a_journal_that_is_ahead_of_the_rows_counts_as_far_as_they_go(
    bundle: Path, corpus: Path, tmp_path: Path, whole, quick_parts: None
):
    out = tmp_path / "out.csv"
    stop_after(50, corpus, out, classifier=bundle)
    rows = tmp_path / "out.csv.parts" / "rows.arrow"
    os.truncate(rows, rows.stat().st_size - 1)
    assert classify(corpus, classifier=bundle, out=out, batch=5).resumed == 45
    assert out.read_bytes() == whole(".csv")


# --- what may and may not differ ---


def test_another_classifier_is_refused_until_it_is_asked_to_begin_anew(
    bundle: Path, corpus: Path, tmp_path: Path
):
    out = tmp_path / "out.csv"
    stop_after(50, corpus, out, classifier=bundle)
    other = toy_bundle(tmp_path / "other", seed=1)
    with pytest.raises(
        SettingsError, match=r"50 finished rows of another call: classifier was .* is .*--restart"
    ):
        classify(corpus, classifier=other, out=out)
    with pytest.raises(SettingsError, match=r"agreement was None, is 0\.9"):
        classify(corpus, classifier=bundle, out=out, agreement=0.9)
    assert classify(corpus, classifier=other, out=out, restart=True).resumed == 0


@pytest.mark.parametrize("change", [("t7,", "t07,"), ("number7\n", "number8\n"), ("t199,", "t199\x20,")])
def test_another_input_is_refused_where_it_differs_in_what_is_finished(
    bundle: Path, corpus: Path, tmp_path: Path, change: tuple[str, str]
):
    source = tmp_path / "corpus.csv"
    source.write_text(corpus.read_text())
    stop_after(50, source, tmp_path / "out.csv", classifier=bundle)
    source.write_text(corpus.read_text().replace(*change))
    if change[0] == "t199,":
        assert classify(source, classifier=bundle, out=tmp_path / "out.csv").resumed == 50
        return
    with pytest.raises(CorpusMismatchError, match=r"50 finished rows of another input.*--restart"):
        classify(source, classifier=bundle, out=tmp_path / "out.csv")
    assert finished(tmp_path / "out.csv") == 50
    assert classify(source, classifier=bundle, out=tmp_path / "out.csv", restart=True).resumed == 0


def test_an_input_that_ends_before_what_is_finished_is_refused(bundle: Path, corpus: Path, tmp_path: Path):
    stop_after(50, corpus, tmp_path / "out.csv", classifier=bundle)
    short = toy_corpus(tmp_path / "short.csv", 40)
    with pytest.raises(CorpusMismatchError):
        classify(short, classifier=bundle, out=tmp_path / "out.csv")


def test_a_stream_is_compared_with_what_was_read_of_the_first_one(bundle: Path, tmp_path: Path):
    lines = b"".join(b"cat dog %d\n" % row for row in range(100))
    stop_after(50, io.BytesIO(lines), tmp_path / "out.csv", classifier=bundle)
    with pytest.raises(CorpusMismatchError):
        classify(io.BytesIO(b"other\n" + lines), classifier=bundle, out=tmp_path / "out.csv")
    summary = classify(io.BytesIO(lines), classifier=bundle, out=tmp_path / "out.csv")
    assert (summary.documents, summary.resumed) == (100, 50)


def test_a_mended_row_behind_what_is_finished_is_read_anew(bundle: Path, tmp_path: Path, quick_parts: None):
    source = tmp_path / "corpus.jsonl"
    good = '{"text": "cat dog"}\n'
    source.write_text(good * 20 + "broken\n")
    with pytest.raises(CorpusError, match="row 21") as told:
        classify(source, classifier=bundle, out=tmp_path / "out.csv", batch=5)
    assert "20 rows are finished and kept" in told.value.__notes__[0]
    source.write_text(good * 21)
    assert classify(source, classifier=bundle, out=tmp_path / "out.csv", batch=5).resumed == 20


def test_a_classifier_in_memory_begins_anew_each_time(corpus: Path, tmp_path: Path, quick_parts: None):
    classifier, out = toy_classifier(), tmp_path / "out.csv"
    stop_after(50, corpus, out, classifier=classifier)
    assert list(tmp_path.iterdir()) == []
    # A kill leaves a folder, which is nothing to go on with and no hindrance.
    with open_parts(out, {}) as parts:
        parts.folder.joinpath("rows.arrow").write_bytes(b"rows")
    assert classify(corpus, classifier=classifier, out=out, batch=5).resumed == 0


@pytest.mark.parametrize("rows", [1, 3, 7, 50])
def test_the_hash_of_rows_does_not_know_how_they_were_cut(rows: int):
    corpus = [(f"id{row}", "ä" * (row % 5)) for row in range(50)]

    def hashed(pairs: list[tuple[str, str]], size: int) -> str:
        found = RowsHash()
        for batch in CorpusBatches(pairs, rows=size):
            found.update(batch.slice(0, len(batch) // 2))
            found.update(batch.slice(len(batch) // 2))
        return found.hexdigest()

    assert hashed(corpus, rows) == hashed(corpus, 11)
    for other in (corpus[:-1], [("id0", "ä"), *corpus[1:]], [("id", "0"), *corpus[1:]], corpus[::-1]):
        assert hashed(other, rows) != hashed(corpus, rows)


# --- one at a time, and a disk that is full ---


def test_a_second_process_on_the_same_output_is_refused(bundle: Path, corpus: Path, tmp_path: Path):
    out = tmp_path / "out.csv"
    with (
        open_parts(out, {"call": 1}),
        pytest.raises(LeaseHeldError, match=r"Another process is writing .*out\.csv"),
    ):
        classify(corpus, classifier=bundle, out=out)
    assert classify(corpus, classifier=bundle, out=out).documents == ROWS


def test_a_full_disk_is_told_and_what_is_finished_stays(
    bundle: Path, corpus: Path, tmp_path: Path, whole, monkeypatch, quick_parts: None
):
    calls = 0
    ordinary = os.fsync

    def full(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls > 30:
            raise OSError(errno.ENOSPC, "No space left on device")
        ordinary(descriptor)

    out = tmp_path / "out.csv"
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageError, match=r"no room left .* call again") as told:
            classify(corpus, classifier=bundle, out=out, batch=5)
    assert "rows are finished and kept" in told.value.__notes__[0]
    assert not out.exists()
    assert 0 < classify(corpus, classifier=bundle, out=out, batch=5).resumed < ROWS
    assert out.read_bytes() == whole(".csv")


def test_a_disk_that_is_full_at_the_end_is_told_and_costs_no_row(
    bundle: Path, corpus: Path, tmp_path: Path, monkeypatch, quick_parts: None
):
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    out = tmp_path / "out.csv"
    with monkeypatch.context() as patch:
        patch.setattr(labelling.LabelWriter, "write_batch", full)
        with pytest.raises(StorageError, match=r"write .*out\.csv .* call again"):
            classify(corpus, classifier=bundle, out=out, batch=5)
    assert classify(corpus, classifier=bundle, out=out, batch=5).resumed == ROWS


def test_an_output_that_is_a_folder_is_refused_at_once(bundle: Path, corpus: Path, tmp_path: Path):
    (tmp_path / "out.csv").mkdir()
    with pytest.raises(SettingsError, match="is a folder"):
        classify(corpus, classifier=bundle, out=tmp_path / "out.csv")


def test_a_place_that_cannot_be_written_is_told_at_once(bundle: Path, corpus: Path, tmp_path: Path):
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="Could not write"):
        classify(corpus, classifier=bundle, out=tmp_path / "file" / "out.csv")
