"""The wheel holds the package, all of it, and nothing beside it."""

import ast
import shutil
import subprocess
import sys
import tomllib
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest
import tnt_llm
from source_tree import ROOMS, ROOT

ROOT_FILES = ("__init__.py", "__main__.py", "py.typed", "models.lock")
META = ("pyproject.toml", "README.md", "LICENSE")


def sources() -> set[str]:
    """Every file of the package as it lies in the repository, code and data."""
    files = {name for name in ROOT_FILES if (ROOT / name).is_file()}
    for room in ROOMS:
        for path in (ROOT / room).rglob("*"):
            if path.is_file() and "__pycache__" not in path.parts:
                files.add(path.relative_to(ROOT).as_posix())
    return files


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> zipfile.Path:
    """The wheel, built from a copy, because setuptools leaves its work in the source folder."""
    folder = tmp_path_factory.mktemp("wheel")
    for name in (*sources(), *META):
        (folder / "source" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / "source" / name)
    for stray in ("tests/test_x.py", "benchmarks/__init__.py", "examples/x.py", "docs/x.md"):
        (folder / "source" / stray).parent.mkdir(exist_ok=True)
        (folder / "source" / stray).write_text("")
    command = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--no-build-isolation", "--quiet"]
    built = subprocess.run(
        [*command, "--wheel-dir", str(folder), str(folder / "source")],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert built.returncode == 0, built.stderr
    (path,) = folder.glob("*.whl")
    return zipfile.Path(path)


def names(wheel: zipfile.Path) -> set[str]:
    return {name for name in wheel.root.namelist() if not name.endswith("/")}


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel: zipfile.Path) -> None:
    package = {name for name in names(wheel) if ".dist-info/" not in name}
    assert package == {f"tnt_llm/{name}" for name in sources()}


def test_the_wheel_is_typed_licensed_and_has_the_command(wheel: zipfile.Path) -> None:
    (info,) = {name.split("/")[0] for name in names(wheel) if ".dist-info/" in name}
    assert f"{info}/licenses/LICENSE" in names(wheel)
    assert "tnt_llm/py.typed" in names(wheel)
    assert "tnt = tnt_llm.cli.main:app" in (wheel / info / "entry_points.txt").read_text()
    metadata = Parser().parsestr((wheel / info / "METADATA").read_text(encoding="utf-8"))
    assert metadata["Version"] == tnt_llm.__version__
    assert set(metadata.get_all("Provides-Extra") or ()) == {"embedded", "dev"}


def test_the_packages_listed_are_the_folders_with_code() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    folders = {"tnt_llm"}
    for room in ROOMS:
        for init in (ROOT / room).rglob("__init__.py"):
            folders.add(".".join(("tnt_llm", *init.parent.relative_to(ROOT).parts)))
    assert set(project["tool"]["setuptools"]["packages"]) == folders


def test_every_folder_with_code_is_a_package() -> None:
    bare = [
        path.parent
        for room in ROOMS
        for path in (ROOT / room).rglob("*.py")
        if not (path.parent / "__init__.py").is_file()
    ]
    assert bare == []


def test_public_names_come_on_first_use() -> None:
    for name in tnt_llm.__all__:
        assert getattr(tnt_llm, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = tnt_llm.nothing


def test_the_type_checker_sees_the_public_names_that_python_finds() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text())
    (block,) = [node for node in tree.body if isinstance(node, ast.If)]
    typed = {
        alias.asname: "." + (node.module or "")
        for node in block.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    assert typed == tnt_llm._HOMES
    assert set(tnt_llm.__all__) == {*typed, "__version__"}


def test_the_package_can_be_run_as_a_module() -> None:
    child = subprocess.run(
        [sys.executable, "-m", "tnt_llm", "--version"], capture_output=True, text=True, timeout=60
    )
    assert child.stdout == f"tnt {tnt_llm.__version__}\n"


def test_nothing_is_installed_from_a_path(tmp_path: Path) -> None:
    child = subprocess.run(
        [sys.executable, "-c", "import tnt_llm; print(tnt_llm.__name__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert child.stdout == "tnt_llm\n"
