"""Atomic files: the old content or the new, whatever happens in between."""

import errno
import resource
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tnt_llm.checkpoints.files import atomic_path, write_atomic
from tnt_llm.taxonomy.errors import StorageError


@pytest.fixture
def small_disk():
    """A limit of 10 kB for any file, which fails writes as a full disk does."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def test_text_is_written_as_utf8_and_bytes_as_they_are(tmp_path):
    write_atomic(tmp_path / "a.txt", "é😀")
    write_atomic(tmp_path / "b.bin", b"\xff\x00")
    assert (tmp_path / "a.txt").read_bytes() == "é😀".encode()
    assert (tmp_path / "b.bin").read_bytes() == b"\xff\x00"
    assert names(tmp_path) == ["a.txt", "b.bin"]


def test_folders_on_the_way_are_made(tmp_path):
    write_atomic(tmp_path / "deep" / "er" / "a.txt", "x")
    assert (tmp_path / "deep" / "er" / "a.txt").read_text() == "x"


def test_a_file_that_is_there_is_replaced_and_readable_by_whom_the_umask_allows(tmp_path):
    write_atomic(tmp_path / "a.txt", "old")
    write_atomic(tmp_path / "a.txt", "new")
    (tmp_path / "plain.txt").write_text("x")
    assert (tmp_path / "a.txt").read_text() == "new"
    assert (tmp_path / "a.txt").stat().st_mode == (tmp_path / "plain.txt").stat().st_mode


def test_nobody_sees_a_part_while_it_is_written(tmp_path):
    path = tmp_path / "a.txt"
    write_atomic(path, "old")
    with atomic_path(path) as temporary:
        assert temporary.parent == tmp_path
        assert temporary.suffix == ".txt"
        temporary.write_text("half")
        assert path.read_text() == "old"
    assert path.read_text() == "half"


def test_a_block_that_raises_leaves_the_old_content_and_no_litter(tmp_path):
    write_atomic(tmp_path / "a.txt", "old")

    def work():
        with atomic_path(tmp_path / "a.txt") as temporary:
            temporary.write_text("half")
            raise RuntimeError("half way")

    with pytest.raises(RuntimeError, match="half way"):
        work()
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_keeps_the_old_content_and_removes_the_part(tmp_path, small_disk):
    write_atomic(tmp_path / "a.txt", "old")
    with pytest.raises(StorageError, match=r"no room left to write .*a\.txt.*tnt resume"):
        write_atomic(tmp_path / "a.txt", "x" * 100_000)
    assert (tmp_path / "a.txt").read_text() == "old"
    assert names(tmp_path) == ["a.txt"]


def test_a_full_disk_met_by_the_block_is_told_as_one(tmp_path):
    with pytest.raises(StorageError, match="no room left"), atomic_path(tmp_path / "a.txt"):
        Path("/dev/full").write_text("x" * 100_000)
    assert names(tmp_path) == []


def test_another_fault_of_the_block_passes_through(tmp_path):
    with pytest.raises(FileNotFoundError), atomic_path(tmp_path / "a.txt"):
        (tmp_path / "nowhere").read_text()


def test_a_disk_that_is_full_at_the_last_moment_is_told(tmp_path, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(StorageError, match="no room left"):
        write_atomic(tmp_path / "a.txt", "x")
    assert names(tmp_path) == []


def test_a_block_that_wrote_nothing_is_told(tmp_path):
    with (
        pytest.raises(StorageError, match=r"Could not write .*a\.txt: No such file"),
        atomic_path(tmp_path / "a.txt"),
    ):
        pass


def test_a_place_that_cannot_be_written_is_told(tmp_path):
    (tmp_path / "file").write_text("x")
    with pytest.raises(StorageError, match=r"Could not write .*Check the path"):
        write_atomic(tmp_path / "file" / "a.txt", "x")
    (tmp_path / "folder").mkdir()
    with pytest.raises(StorageError, match="Could not write"):
        write_atomic(tmp_path / "folder", "x")


def test_a_kill_while_writing_leaves_the_old_content(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from tnt_llm.checkpoints.files import atomic_path\n"
        "with atomic_path(Path(sys.argv[1])) as temporary:\n"
        "    temporary.write_text('half')\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    write_atomic(tmp_path / "a.txt", "old")
    child = subprocess.run([sys.executable, "-c", code, str(tmp_path / "a.txt")], check=False)
    assert child.returncode == -signal.SIGKILL
    assert (tmp_path / "a.txt").read_text() == "old"
