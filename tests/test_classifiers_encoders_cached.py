"""Vectors on disk: encoded once, whoever asks, whatever is killed in between."""

import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from tnt_llm.checkpoints import vectors
from tnt_llm.checkpoints.vectors import VectorTable, keys_of
from tnt_llm.classifiers.encoders.cached import CachedEncoder

TEXTS = ["one", "two", "three", "", "\ud800", "two"]


class Counting:
    """Vectors of a text's length; remembers what it was asked."""

    id = "counting"

    def __init__(self, dimension: int | None = 3) -> None:
        self.dimension = dimension
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.seen += texts
        rows = [[len(text), 1, sum(map(ord, text)) % 97] for text in texts]
        return np.asarray(rows, dtype=np.float32).reshape(len(texts), 3)


def files(folder: Path) -> tuple[Path, Path]:
    (keys,), (rows,) = folder.rglob("*.keys"), folder.rglob("*.rows")
    return keys, rows


def test_texts_are_encoded_once_in_this_process_and_in_the_next(tmp_path: Path) -> None:
    first = Counting()
    made = CachedEncoder(first, tmp_path).encode(TEXTS)
    assert sorted(first.seen) == sorted(set(TEXTS))
    np.testing.assert_array_equal(made, Counting().encode(TEXTS))
    second = Counting()
    again = CachedEncoder(second, tmp_path)
    np.testing.assert_array_equal(again.encode(TEXTS[::-1]), made[::-1])
    assert second.seen == []
    again.encode(["four", "one"])
    assert second.seen == ["four"]


def test_the_store_is_known_by_the_encoder_and_keeps_encoders_apart(tmp_path: Path) -> None:
    one, other = Counting(), Counting()
    other.id = "other"
    assert CachedEncoder(one, tmp_path).id == "counting"
    CachedEncoder(one, tmp_path).encode(TEXTS)
    CachedEncoder(other, tmp_path).encode(["one"])
    assert other.seen == ["one"]


def test_the_width_may_be_unknown_before_the_first_text(tmp_path: Path) -> None:
    made = CachedEncoder(Counting(None), tmp_path)
    assert made.encode([]).shape == (0, 3)
    np.testing.assert_array_equal(made.encode(TEXTS), Counting().encode(TEXTS))


@pytest.mark.parametrize(
    ("keys_cut", "rows_cut", "left"), [(5, 0, 4), (0, 5, 4), (16, 0, 4), (0, 12, 4), (20, 30, 2)]
)
def test_a_torn_end_is_ignored_and_written_again(
    tmp_path: Path, keys_cut: int, rows_cut: int, left: int
) -> None:
    CachedEncoder(Counting(), tmp_path).encode(TEXTS)
    for path, cut in zip(files(tmp_path), (keys_cut, rows_cut), strict=True):
        os.truncate(path, path.stat().st_size - cut)
    encoder = Counting()
    np.testing.assert_array_equal(CachedEncoder(encoder, tmp_path).encode(TEXTS), Counting().encode(TEXTS))
    assert len(encoder.seen) == 5 - left
    last = Counting()
    np.testing.assert_array_equal(CachedEncoder(last, tmp_path).encode(TEXTS), Counting().encode(TEXTS))
    assert last.seen == []


def test_two_tables_at_once_see_what_the_other_adds(tmp_path: Path) -> None:
    one, other = (VectorTable(tmp_path, "e", 2) for _ in range(2))
    one.add(keys_of(["a"]), np.array([[1, 2]], dtype=np.float32))
    assert other.find(keys_of(["a", "b"])).tolist() == [0, -1]
    other.add(keys_of(["a", "b"]), np.array([[9, 9], [3, 4]], dtype=np.float32))
    assert one.find(keys_of(["b", "a"])).tolist() == [1, 0]
    np.testing.assert_array_equal(one.rows(np.array([1, 0])), [[3, 4], [1, 2]])


def test_processes_that_write_at_once_leave_every_row_whole(tmp_path: Path) -> None:
    script = """
import sys
import numpy as np
from pathlib import Path
from tnt_llm.checkpoints.vectors import VectorTable, keys_of
table = VectorTable(Path(sys.argv[1]), "e", 2)
for start in range(0, 200, 5):
    numbers = range(start, start + 10)
    rows = np.array([[number, -number] for number in numbers], dtype=np.float32)
    table.add(keys_of([str(number) for number in numbers]), rows)
"""
    running = [subprocess.Popen([sys.executable, "-c", script, str(tmp_path)]) for _ in range(2)]
    assert [child.wait(timeout=120) for child in running] == [0, 0]
    table = VectorTable(tmp_path, "e", 2)
    places = table.find(keys_of([str(number) for number in range(205)]))
    assert len(table) == 205
    np.testing.assert_array_equal(table.rows(places), [[number, -number] for number in range(205)])


def test_threads_share_one_cached_encoder(tmp_path: Path) -> None:
    encoder = Counting()
    cached = CachedEncoder(encoder, tmp_path)
    threads = [threading.Thread(target=cached.encode, args=(TEXTS,)) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(encoder.seen) == 5


def test_a_full_disk_costs_the_store_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    CachedEncoder(Counting(), tmp_path).encode(["one"])
    before = [path.stat().st_size for path in files(tmp_path)]
    real = vectors._extend

    def full(path: Path, whole: int, data: bytes) -> None:
        real(path, whole, data[: len(data) // 2])
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(vectors, "_extend", full)
    cached = CachedEncoder(Counting(), tmp_path)
    for _ in range(2):
        np.testing.assert_array_equal(cached.encode(TEXTS), Counting().encode(TEXTS))
    assert [path.stat().st_size for path in files(tmp_path)] == before
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    assert "No space left" in caplog.text


def test_a_store_that_is_removed_is_made_again(tmp_path: Path) -> None:
    encoder = Counting()
    cached = CachedEncoder(encoder, tmp_path)
    cached.encode(TEXTS)
    for path in files(tmp_path):
        path.unlink()
    np.testing.assert_array_equal(cached.encode(TEXTS), Counting().encode(TEXTS))
    assert len(encoder.seen) == 10
    assert all(path.stat().st_size for path in files(tmp_path))
