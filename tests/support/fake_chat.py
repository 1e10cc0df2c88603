"""A stand-in for `tnt_llm.graph.run.Run` that is talked to by a script, so that the chat is tested without a run."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from fake_graph import TAXONOMY
from tnt_llm.llm.answer import Usage
from tnt_llm.taxonomy.values import Taxonomy
from tnt_llm.tools.preview import Preview

QUESTION = "Is this the taxonomy you want?"
CONFIRM = "Apply this?"


@dataclass(frozen=True)
class Turn:
    """As the real one."""

    number: int = 1
    reply: str = ""
    proposal: Preview | None = None
    question: str | None = QUESTION
    status: str = "awaiting"
    taxonomy: Taxonomy = TAXONOMY


Act = Turn | BaseException | Callable[["FakeChat"], Turn]


@dataclass
class FakeChat:
    """A run, and what comes of each message to it.

    Attributes:
        script: message -> a turn, an error, or a function of this fake; what is not in it leaves all as it is.
        on_resume: called by `Run.resume`.
        idle_error: raised at the end of waiting for the user, if any.
        told: (message, whether it is to be applied at once), in order.
        holds: what `hold` was called with.
        is_held, is_idle: whether somebody is within `hold`, within `idle`.
    """

    status: str = "awaiting"
    taxonomy: Taxonomy = TAXONOMY
    proposal: Preview | None = None
    question: str | None = QUESTION
    conversation: tuple[dict[str, Any], ...] = ()
    counts: dict[str, int] = field(default_factory=dict)
    state: dict[str, Any] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()
    script: dict[str, Act] = field(default_factory=dict)
    on_resume: Callable[["FakeChat"], None] | None = None
    idle_error: BaseException | None = None
    told: list[tuple[str, bool]] = field(default_factory=list)
    opened: list[dict[str, Any]] = field(default_factory=list)
    holds: list[bool] = field(default_factory=list)
    is_held: bool = False
    is_idle: bool = False

    def install(self, monkeypatch: pytest.MonkeyPatch) -> "FakeChat":
        """Put the fake in the place of the module."""
        module = ModuleType("tnt_llm.graph.run")
        module.Run = lambda: None  # type: ignore[attr-defined]
        module.Run.open = self._open  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "tnt_llm.graph.run", module)
        return self

    def progress(self, stage: str, done: int, total: int) -> None:
        """Report it as the run would."""
        self.opened[-1]["progress"](stage, done, total, Usage(prompt_tokens=70))

    def _open(self, workspace: Path, name: str = "main", **rest: Any) -> "FakeChat":
        self.opened.append({"workspace": workspace, "name": name, **rest})
        self.name, self.path = name, workspace / name
        self.settings = SimpleNamespace(use_case="why people write")
        self.model = SimpleNamespace(text="embedded", reason="named")
        return self

    @contextmanager
    def hold(self, *, take_over: bool = False) -> Iterator["FakeChat"]:
        """As the real one."""
        self.holds.append(take_over)
        self.is_held = True
        yield self
        self.is_held = False

    @contextmanager
    def idle(self) -> Iterator[None]:
        """As the session's."""
        assert self.is_held
        self.is_idle = True
        yield
        self.is_idle = False
        if self.idle_error:
            raise self.idle_error

    def say(self, text: str, *, yes: bool = False) -> Turn:
        """What the script has for it."""
        assert self.is_held
        assert not self.is_idle
        self.told.append((text, yes))
        act = self.script.get(text, Turn(status=self.status, taxonomy=self.taxonomy))
        if isinstance(act, BaseException):
            raise act
        turn = act if isinstance(act, Turn) else act(self)
        self.status, self.taxonomy = turn.status, turn.taxonomy
        self.question, self.proposal = turn.question, turn.proposal
        return turn

    def resume(self) -> None:
        """As the real one."""
        assert self.on_resume
        self.on_resume(self)

    def summary(self) -> dict[str, Any]:
        """What the chat reads of it."""
        return {"counts": self.counts, "documents": 40, "undefined": 4}


def renamed(taxonomy: Taxonomy, number: int, name: str) -> Taxonomy:
    """Another name for one category."""
    categories = list(taxonomy)
    categories[number - 1] = categories[number - 1].model_copy(update={"name": name})
    return Taxonomy(categories=tuple(categories))


def turn(**changes: Any) -> Turn:
    """A turn that differs from the usual one."""
    return replace(Turn(), **changes)
