"""What loads what: help and version are instant, and `tnt classify` needs no LLM and no graph."""

import json
import subprocess
import sys

import pytest

HEAVY = (
    "torch",
    "transformers",
    "sentence_transformers",
    "faiss",
    "sklearn",
    "lightgbm",
    "langgraph",
    "langchain_core",
    "langchain_openai",
    "openai",
    "pyarrow",
    "pandas",
    "xllamacpp",
)


def loaded_by(code: str) -> set[str]:
    """Which heavy packages a fresh Python has loaded after `code`."""
    report = f"import json, sys; print(json.dumps([name for name in {HEAVY!r} if name in sys.modules]))"
    child = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, timeout=120
    )
    assert child.returncode == 0, child.stderr
    return set(json.loads(child.stdout.splitlines()[-1]))


@pytest.mark.parametrize("args", [["--help"], ["--version"], ["run", "--help"], ["classify", "--help"]])
def test_help_and_version_load_nothing_heavy(args: list[str]) -> None:
    code = f"from tnt_llm.cli.main import app\ntry:\n    app({args!r})\nexcept SystemExit:\n    pass"
    assert loaded_by(code) == set()


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert loaded_by("import tnt_llm") == set()


def test_classify_loads_neither_the_graph_nor_an_llm() -> None:
    assert not loaded_by("from tnt_llm import classify") & {"langgraph", "langchain_core", "openai", "torch"}


@pytest.mark.parametrize("room", ["taxonomy", "prompts", "llm", "checkpoints", "classifiers", "tools"])
def test_a_room_loads_nothing_heavy_before_it_is_used(room: str) -> None:
    code = (
        "import importlib, pkgutil, tnt_llm\n"
        f"room = importlib.import_module('tnt_llm.{room}')\n"
        "for module in pkgutil.walk_packages(room.__path__, room.__name__ + '.'):\n"
        "    if not module.name.endswith('.fake'):  # it is a LangChain model\n"
        "        importlib.import_module(module.name)"
    )
    assert loaded_by(code) == set()
