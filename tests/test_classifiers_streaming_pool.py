"""Worker processes: the same table as one process makes, faults that are told, and nobody left behind."""

import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
from pyarrow import parquet
from tnt_llm.classifiers.streaming import classify, labelling
from tnt_llm.classifiers.streaming import parts as parts_module
from tnt_llm.classifiers.streaming.pool import Pool, usable_cores
from tnt_llm.classifiers.streaming.worker import Work
from tnt_llm.taxonomy.errors import BundleError, CorpusError, SettingsError, TntError
from toy_bundle import toy_bundle, toy_classifier, toy_corpus

ROWS = 300


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_bundle(tmp_path_factory.mktemp("bundle") / "classifier")


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_corpus(tmp_path_factory.mktemp("corpus") / "corpus.csv", ROWS)


@pytest.fixture
def pools(monkeypatch: pytest.MonkeyPatch) -> list[Pool]:
    """The pools that were opened; small inputs get one too."""
    opened: list[Pool] = []

    class Remembered(Pool):
        def __init__(self, work: Work, workers: int) -> None:
            super().__init__(work, workers)
            opened.append(self)

    monkeypatch.setattr(labelling, "Pool", Remembered)
    monkeypatch.setattr(labelling, "_FEW", 2)
    return opened


def pids(pool: Pool) -> list[int]:
    return [worker._process.pid for worker in pool._workers if worker._process is not None]


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


@pytest.mark.parametrize("suffix", [".csv", ".jsonl", ".parquet"])
def test_two_workers_write_what_one_process_writes(
    pools, bundle: Path, corpus: Path, tmp_path: Path, suffix: str
):
    for workers in (1, 2):
        summary = classify(
            corpus, classifier=bundle, out=tmp_path / f"{workers}{suffix}", batch=7, workers=workers
        )
        assert (summary.documents, summary.undefined, summary.resumed) == (ROWS, 0, 0)
    assert len(pools) == 1
    assert (tmp_path / f"1{suffix}").read_bytes() == (tmp_path / f"2{suffix}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"1{suffix}", f"2{suffix}"]


def test_rows_keep_their_order_where_one_batch_takes_longer(pools, bundle: Path, tmp_path: Path):
    texts = ["cat dog " * 40_000, *(f"tax refund {number}" for number in range(100))]
    classify(texts, classifier=bundle, out=tmp_path / "out.parquet", batch=1, workers=2)
    assert parquet.read_table(tmp_path / "out.parquet").column("id").to_pylist() == [
        str(n) for n in range(101)
    ]


def test_no_worker_outlives_the_call(pools, bundle: Path, corpus: Path, tmp_path: Path):
    classify(corpus, classifier=bundle, out=tmp_path / "out.csv", batch=50, workers=2)
    assert len(pids(pools[0])) == 2
    assert not any(map(is_alive, pids(pools[0])))


def test_a_small_input_is_labelled_without_workers(bundle: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(labelling, "Pool", None)
    assert classify(["cat", "dog"], classifier=bundle, out=tmp_path / "out.csv", workers=4).documents == 2


def test_by_default_there_is_a_worker_for_each_core(
    pools, bundle: Path, corpus: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(labelling, "usable_cores", lambda: 3)
    classify(corpus, classifier=bundle, out=tmp_path / "out.csv", batch=50)
    assert len(pids(pools[0])) == 3
    assert 1 <= usable_cores() <= (os.cpu_count() or 1)


def test_a_classifier_in_memory_can_be_shared_with_workers(pools, corpus: Path, tmp_path: Path):
    classifier = toy_classifier()
    for workers in (None, 2):
        classify(corpus, classifier=classifier, out=tmp_path / f"{workers}.csv", batch=50, workers=workers)
    assert len(pools) == 1
    assert (tmp_path / "None.csv").read_bytes() == (tmp_path / "2.csv").read_bytes()


def test_a_worker_that_is_killed_is_told_and_costs_nothing_that_was_finished(
    pools, bundle: Path, corpus: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(parts_module, "PART_SECONDS", 0.0)

    def kill_one(done: int) -> None:
        if done == 50:
            os.kill(pids(pools[0])[0], signal.SIGKILL)

    out = tmp_path / "out.csv"
    with pytest.raises(
        TntError, match=r"A worker process was killed by signal 9 \(out of memory\?.*--workers"
    ) as told:
        classify(corpus, classifier=bundle, out=out, batch=5, workers=2, on_progress=kill_one)
    assert "labelling rows" in told.value.__notes__[0]
    assert "rows are finished and kept" in told.value.__notes__[1]
    assert not out.exists()
    assert not any(map(is_alive, pids(pools[0])))
    assert classify(corpus, classifier=bundle, out=out, batch=5, workers=2).resumed >= 50
    classify(corpus, classifier=bundle, out=tmp_path / "whole.csv", batch=5)
    assert out.read_bytes() == (tmp_path / "whole.csv").read_bytes()


def test_what_is_wrong_with_the_classifier_is_told_as_in_one_process(
    pools, bundle: Path, corpus: Path, tmp_path: Path
):
    options = {"classifier": bundle, "out": tmp_path / "out.csv", "batch": 5, "agreement": 0.9}
    for workers in (1, 2):
        with pytest.raises(SettingsError, match="promises no agreement"):
            classify(corpus, workers=workers, **options)
    assert list(tmp_path.iterdir()) == []


def test_a_bundle_that_is_damaged_is_told(pools, corpus: Path, tmp_path: Path):
    folder = toy_bundle(tmp_path / "bundle")
    next(folder.glob("data-*/tfidf-weights.npy")).write_bytes(b"damaged")
    with pytest.raises(BundleError, match=r"tfidf-weights\.npy is damaged"):
        classify(corpus, classifier=folder, out=tmp_path / "out.csv", batch=5, workers=2)
    assert [path.name for path in tmp_path.iterdir()] == ["bundle"]


def test_a_fault_in_the_input_is_raised_when_the_rows_before_it_are_labelled(
    pools, bundle: Path, tmp_path: Path, monkeypatch
):
    monkeypatch.setattr(parts_module, "PART_SECONDS", 0.0)
    source = tmp_path / "corpus.jsonl"
    lines = ['{"text": "cat dog"}'] * 40
    source.write_text("\n".join([*lines, "broken", *lines]))
    with pytest.raises(CorpusError, match="row 41"):
        classify(source, classifier=bundle, out=tmp_path / "out.csv", batch=5, workers=2)
    source.write_text("\n".join([*lines, '{"text": "mended"}', *lines]))
    summary = classify(source, classifier=bundle, out=tmp_path / "out.csv", batch=5, workers=2)
    assert (summary.documents, summary.resumed) == (81, 40)


def test_an_unexpected_fault_of_a_worker_shows_its_traceback(bundle: Path):
    with Pool(Work(str(bundle)), 1) as pool, pytest.raises(RuntimeError, match="in a worker process") as told:
        pool._workers[0].ask({}, b"no arrow stream")
    assert "Traceback" in told.value.__notes__[0]


def test_a_script_needs_no_guard_around_the_call(bundle: Path, corpus: Path, tmp_path: Path):
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent(f"""
        print("once")
        from tnt_llm import classify
        print(classify({str(corpus)!r}, classifier={str(bundle)!r}, out="out.csv", batch=10, workers=2).documents)
        """)
    )
    done = subprocess.run(
        [sys.executable, script.name], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert (done.stdout, done.stderr, done.returncode) == (f"once\n{ROWS}\n", "", 0)


def test_workers_end_by_themselves_when_their_owner_is_killed(bundle: Path):
    owner = textwrap.dedent(f"""
    import time
    from tnt_llm.classifiers.streaming.pool import Pool
    from tnt_llm.classifiers.streaming.worker import Work
    with Pool(Work({str(bundle)!r}), 2) as pool:
        print(*(worker._process.pid for worker in pool._workers), flush=True)
        time.sleep(60)
    """)
    process = subprocess.Popen([sys.executable, "-c", owner], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    workers = [int(pid) for pid in process.stdout.readline().split()]
    process.kill()
    process.communicate()
    until = time.monotonic() + 30
    while any(map(is_alive, workers)) and time.monotonic() < until:
        time.sleep(0.05)
    assert len(workers) == 2
    assert not any(map(is_alive, workers))
