"""Edits, undo, redo, forks and relabelling in any order: labels, lineage and counts stay consistent.

The tables and the LLM are played by dictionaries and a hash; what is tested is the pure part, through the functions
that the nodes call.
"""

from collections import Counter
from dataclasses import dataclass, field
from hashlib import blake2b

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from taxonomies import CAPS, EDITS, NAMES, faults
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.taxonomy.edits import Add, Merge
from tnt_llm.taxonomy.lineage import follow
from tnt_llm.taxonomy.values import Taxonomy
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.relabel import LOW, plan_relabel

DOCUMENTS = range(12)


def chance(*parts: object) -> float:
    """0..1, always the same for the same parts."""
    return int.from_bytes(blake2b(repr(parts).encode(), digest_size=4).digest(), "big") / 2**32


def nearest(number: int, taxonomy: Taxonomy) -> str | None:
    """Where a document lies: to the leaf whose words hash best with it; to none where all hash badly."""
    best = max(taxonomy.leaves, key=lambda leaf: chance(number, leaf.text), default=None)
    return None if best is None or chance(number, best.text) < 0.3 else best.id


def asked(number: int, taxonomy: Taxonomy) -> LabelRow:
    """What the LLM answers: any leaf, or none, as it sees fit."""
    leaves = sorted(taxonomy.leaves, key=lambda leaf: chance("llm", number, leaf.text))
    named = () if not leaves or chance("none", number, taxonomy.fingerprint) < 0.2 else leaves[:2]
    ids = tuple(leaf.id for leaf in named)
    sure = round(chance("sure", number, ids), 4)
    return LabelRow(number, ids[0] if ids else None, ids, sure, Source.LLM)


@dataclass
class Fork:
    """One run: its versions, what it can go back and forward to, and its labels by version."""

    versions: dict[str, Version]
    version: Version
    undone: list[Version] = field(default_factory=list)
    labels: dict[str, dict[int, LabelRow]] = field(default_factory=dict)
    calls: int = 0

    def path(self) -> list[Version]:
        line = [self.version]
        while line[-1].parent is not None:
            line.append(self.versions[line[-1].parent])
        return line[::-1]

    def forked(self) -> "Fork":
        """Another run from here, with the versions of the path and their labels."""
        path = {version.id: version for version in self.path()}
        labels = {version: dict(rows) for version, rows in self.labels.items() if version in path}
        return Fork(path, self.version, labels=labels)

    def relabel(self) -> tuple[dict[int, LabelRow], Version | None]:
        """Label the version; the rows it came from, and the version that they were of."""
        path = self.path()
        source = next((version for version in reversed(path) if version.id in self.labels), None)
        rows = {} if source is None else self.labels[source.id]
        since = path[path.index(source) :] if source is not None else path[-1:]
        taxonomy = self.version.taxonomy
        near = {number: nearest(number, taxonomy) for number in DOCUMENTS}
        plan = plan_relabel(follow(since), rows, near)
        self.calls += len(plan.ask)
        settled = {row.number: row for row in plan.kept}
        settled |= {number: asked(number, taxonomy) for number in plan.ask}
        self.labels[self.version.id] = settled
        return rows, source


class Steering(RuleBasedStateMachine):
    """A user at work on one run and on forks of it."""

    @initialize(size=st.integers(3, 8))
    def begin(self, size: int) -> None:
        root = Version.first()
        start = root.then(
            [Add(name=name, description=f"About {name}.") for name in NAMES[:size]], author=Author.MODEL
        )
        self.runs = [Fork({root.id: root, start.id: start}, start)]
        self.now = 0

    @property
    def run(self) -> Fork:
        return self.runs[self.now]

    @rule(data=st.data())
    def edit(self, data) -> None:
        child = self.run.version.then(data.draw(EDITS), author=Author.HUMAN, cap=data.draw(CAPS))
        if child.edits:
            self.run.versions[child.id] = child
            self.run.version = child
            self.run.undone.clear()

    @precondition(lambda self: len(self.run.path()) > 2)
    @rule()
    def undo(self) -> None:
        self.run.undone.append(self.run.version)
        self.run.version = self.run.versions[self.run.version.parent]

    @precondition(lambda self: self.run.undone)
    @rule()
    def redo(self) -> None:
        self.run.version = self.run.undone.pop()

    @rule()
    def relabel(self) -> None:
        run, before, others = self.run, dict(self.run.labels), self._others()
        rows, source = run.relabel()
        now = run.labels[run.version.id]
        assert self._others() == others
        if source is None:
            return
        if run.version.id in before:
            assert now == before[run.version.id], "labels of a version changed although nothing did"
        since = run.path()[run.path().index(source) :]
        touched = {
            category for version in since[1:] for edit in version.edits for category in _mentioned(edit)
        }
        leaves = {leaf.id for leaf in run.version.taxonomy.leaves}
        born = leaves - set(source.taxonomy.ids)
        for number, row in rows.items():
            is_clear = bool(row.primary) and row.confidence >= LOW
            is_near_newcomer = nearest(number, run.version.taxonomy) in born
            if is_clear and not is_near_newcomer and set(row.all) <= leaves - touched:
                assert now[number] == row

    def _others(self) -> list[dict[str, dict[int, LabelRow]]]:
        """The labels of all other runs."""
        return [dict(run.labels) for run in self.runs if run is not self.run]

    @precondition(lambda self: self.run.undone and self.run.undone[-1].id in self.run.labels)
    @rule()
    def redo_and_relabel(self) -> None:
        """Undo and redo lead to the very same labels, for no call."""
        wanted, calls = self.run.labels[self.run.undone[-1].id], self.run.calls
        self.redo()
        self.run.relabel()
        assert self.run.labels[self.run.version.id] == wanted
        assert self.run.calls == calls

    @precondition(lambda self: len(self.runs) < 4)
    @rule()
    def fork(self) -> None:
        """What was labelled is labelled in the fork too, without a call; what was not comes out as in the parent."""
        child, parent = self.run.forked(), self.run.forked()
        parent.relabel()
        child.relabel()
        assert (child.labels, child.calls) == (parent.labels, parent.calls)
        if self.run.version.id in self.run.labels:
            assert child.labels[child.version.id] == self.run.labels[child.version.id]
            assert child.calls == 0
        self.runs.append(self.run.forked())

    @rule(number=st.integers(0, 3))
    def turn_to_another(self, number: int) -> None:
        self.now = number % len(self.runs)

    @invariant()
    def everything_is_consistent(self) -> None:
        for run in getattr(self, "runs", []):
            assert faults(run.version.taxonomy) == []
            for version, rows in run.labels.items():
                leaves = {leaf.id for leaf in run.versions[version].taxonomy.leaves}
                assert set(rows) == set(DOCUMENTS)
                counts = Counter(row.primary for row in rows.values())
                assert set(counts) <= leaves | {None}
                assert sum(counts.values()) == len(DOCUMENTS)
                for row in rows.values():
                    assert set(row.all) <= leaves
                    assert row.primary == (row.all[0] if row.all else None)
                    assert len(set(row.all)) == len(row.all)


def _mentioned(edit) -> list[str]:
    return list(edit.ids) if isinstance(edit, Merge) else [edit.id] if hasattr(edit, "id") else []


Steering.TestCase.settings = settings(
    derandomize=True, database=None, deadline=None, max_examples=60, stateful_step_count=20
)
TestSteering = Steering.TestCase
