"""A stand-in for `tnt_llm.graph.run`, so that the command line is tested without a run behind it."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest
from tnt_llm.llm.answer import Usage
from tnt_llm.taxonomy.values import Category, Taxonomy

TAXONOMY = Taxonomy(
    categories=(
        Category(id="a1", name="Billing", description="Charges, refunds and invoices."),
        Category(id="b2", name="Late refund", description="Money that has not come back.", parent="a1"),
        Category(id="c3", name="Broken lock", description="Locks that do not open."),
    )
)


@dataclass
class FakeGraph:
    """What the fake run says of itself, and what it was asked.

    Attributes:
        status: how a run ends.
        error: raised instead of ending, if any.
        during: called with the keyword arguments of start or open, while the run would work.
        asked: (verb, arguments) in order.
    """

    status: str = "done"
    error: BaseException | None = None
    during: Callable[[dict[str, Any]], None] | None = None
    taxonomy: Taxonomy = TAXONOMY
    question: str | None = None
    usage: dict[str, Usage] = field(default_factory=dict)
    failures: list[object] = field(default_factory=list)
    rows: list[SimpleNamespace] = field(default_factory=list)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    summary: dict[str, Any] = field(
        default_factory=lambda: {
            "name": "main",
            "documents": 40,
            "undefined": 4,
            "counts": {"b2": 1200, "c3": 24},
        }
    )

    def install(self, monkeypatch: pytest.MonkeyPatch) -> "FakeGraph":
        """Put the fake in the place of the module."""
        graph = self

        class Run:
            def __init__(self, workspace: Path, name: str) -> None:
                self.name = name
                self.path = workspace / name
                self.status = graph.status
                self.question = graph.question
                self.taxonomy = graph.taxonomy
                self.usage = graph.usage
                self.failures = graph.failures
                self.warnings: list[str] = []
                self.updated_from = None
                self.settings = SimpleNamespace(use_case="why people write")
                self.model = SimpleNamespace(text="embedded", reason="named")

            @classmethod
            def start(cls, corpus: str, *, workspace: Path, name: str = "main", **rest: Any) -> "Run":
                graph.asked.append(("start", {"corpus": corpus, "name": name, **rest}))
                graph._work(rest)
                return cls(workspace, name)

            @classmethod
            def open(cls, workspace: Path, name: str = "main", **rest: Any) -> "Run":
                graph.asked.append(("open", {"name": name, **rest}))
                run = cls(workspace, name)
                run._rest = rest
                return run

            def resume(self) -> "Run":
                graph.asked.append(("resume", {}))
                graph._work(self._rest)
                return self

            def approve(self) -> "Run":
                graph.asked.append(("approve", {}))
                graph._work(self._rest)
                return self

            def summary(self) -> dict[str, Any]:
                return graph.summary

        module = ModuleType("tnt_llm.graph.run")
        module.Run = Run
        module.list_runs = lambda workspace: graph.rows
        monkeypatch.setitem(sys.modules, "tnt_llm.graph.run", module)
        return self

    def _work(self, rest: dict[str, Any]) -> None:
        if self.during:
            self.during(rest)
        if self.error:
            raise self.error

    @property
    def settings(self) -> dict[str, Any]:
        """What the run was started with."""
        return self.asked[0][1]
