"""Looking back: what a run's checkpoints say, a line each (`history`), and one of them as a whole (`at`)."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from ..checkpoints.history import Outline, StoredStep, Thread, open_thread, outlines, tokens_over_time
from ..checkpoints.runs import RunRow
from ..checkpoints.workspace import Workspace
from ..nodes.state import LOOP, SUMMARIZE
from ..taxonomy.errors import RunStateError
from ..taxonomy.values import Taxonomy

PAUSED, APPROVED, FORKED = "paused", "approved", "forked"

_ASKERS = ("await_user", "plan")
"""Who sends a run on to the labeler when the taxonomy is approved."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of a run's history.

    Attributes:
        step: its number: what `at` and `fork` take.
        time: when it was written, ISO 8601, UTC.
        node: what ran to get there, several with a comma between; "" for an input, and where the step before is gone.
        trial: index of the trial that the line is about, from 0: of those that moved, the best; None where none did.
        epoch: which of its passes over the sample that was, from 1.
        batch: which minibatch of the pass, from 1.
        categories: how many the taxonomy in question has; None before there is one.
        edits: categories added, changed and gone since the step before.
        residual: share of held-out texts that fit no category, where the step measured it.
        score: of the taxonomy in question, where the step measured it.
        tokens: what the run had used by then.
        marks: of "paused" (it waits, or waited, for its user here), "approved", "forked" (another run begins here).
        next: the nodes that come after, an entry a task; () at the end.
        checkpoint_id: LangGraph's id.
        version: id of the taxonomy in question; None before there is one.
    """

    step: int
    time: str
    node: str
    trial: int | None
    epoch: int | None
    batch: int | None
    categories: int | None
    edits: tuple[int, int, int]
    residual: float | None
    score: float | None
    tokens: int
    marks: tuple[str, ...]
    next: tuple[str, ...]
    checkpoint_id: str
    version: str | None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types."""
        return {**asdict(self), "edits": dict(zip(("added", "changed", "gone"), self.edits, strict=True))}


@dataclass(frozen=True, slots=True)
class Moment:
    """A run as it stood at one step.

    Attributes:
        run: its name.
        step, time, node, next, checkpoint_id, version: as in `Step`.
        values: the whole state.
        taxonomy: the one in question; empty before there is one.
        messages: the conversation so far, each with `role`, `text` and `turn`.
        question: what it waits, or waited, to be told here; None for nothing.
        proposal: the changes that were up for confirmation, as JSON types; None for none.
    """

    run: str
    step: int
    time: str
    node: str
    next: tuple[str, ...]
    checkpoint_id: str
    version: str | None
    values: Mapping[str, Any]
    taxonomy: Taxonomy
    messages: tuple[Mapping[str, Any], ...]
    question: str | None
    proposal: Mapping[str, Any] | None

    def to_dict(self) -> dict[str, Any]:
        """As plain JSON types: what ``tnt show --at STEP --json`` prints."""
        return {
            "run": self.run,
            "step": self.step,
            "time": self.time,
            "node": self.node,
            "next": list(self.next),
            "checkpoint_id": self.checkpoint_id,
            "version": self.version,
            "question": self.question,
            "proposal": self.proposal,
            "categories": [category.model_dump(mode="json") for category in self.taxonomy],
            "messages": [dict(message) for message in self.messages],
            "state": dict(self.values),
        }


def history(workspace: Path | str, run: str = "main", *, limit: int | None = None) -> list[Step]:
    """A run's checkpoints in short, the newest last. Memory and time grow with what a line says, not with the state.

    Args:
        workspace: its directory.
        run: which one.
        limit: only the newest so many; None for all.

    Raises:
        WorkspaceError, RunNotFoundError, StorageError: as they say.
    """
    with Workspace.open(workspace) as tables:
        row = tables.runs.get(run)
        with open_thread(tables.checkpoints_path, row.thread_id) as thread:
            if thread is None:
                return []
            asked = thread.asked()
            # One more than wanted: what a step changed is seen beside the one before it.
            lines = list(_lines(thread.steps(limit=None if limit is None else limit + 1)))
        wanted = lines if limit is None else lines[max(0, len(lines) - limit) :]
        named = {version for line in wanted for version in (line.version, line.before) if version is not None}
        known = outlines(tables.database, named)
        tokens = tokens_over_time(tables.database, run)
        forked = {step for name, step in map(forked_from, tables.runs.list()) if name == run}
    moments = [moment for moment, _ in tokens]
    steps = []
    for line in wanted:
        marks = [
            mark
            for mark, holds in (
                (PAUSED, line.id in asked),
                (APPROVED, line.is_approval),
                (FORKED, line.step in forked),
            )
            if holds
        ]
        used = bisect_right(moments, line.time)
        outline = None if line.version is None else known.get(line.version)
        steps.append(
            Step(
                step=line.step,
                time=line.time,
                node=line.node,
                trial=line.trial,
                epoch=line.epoch,
                batch=line.batch,
                categories=None if outline is None else len(outline),
                edits=_edits(None if line.before is None else known.get(line.before), outline),
                residual=line.residual,
                score=line.score,
                tokens=tokens[used - 1][1] if used else 0,
                marks=tuple(marks),
                next=line.next,
                checkpoint_id=line.id,
                version=line.version,
            )
        )
    return steps


def at(workspace: Path | str, run: str = "main", step: int | None = None) -> Moment:
    """A run as it stood at a step.

    Args:
        workspace, run: which one.
        step: a number of `history`; None for the newest.

    Raises:
        RunStateError: there is no such step, or no longer; the message tells the ones there are.
        WorkspaceError, RunNotFoundError, StorageError: as they say.
    """
    with Workspace.open(workspace) as tables:
        row = tables.runs.get(run)
        with open_thread(tables.checkpoints_path, row.thread_id) as thread:
            stored = find_step(thread, run, step)
            before = None if stored.parent is None else thread.get(stored.parent) if thread else None
            questions = thread.questions(stored.id) if thread else []
        line = _line(stored, before)
        taxonomy = Taxonomy() if line.version is None else tables.versions.get(line.version).taxonomy
    asked = questions[-1] if questions and isinstance(questions[-1], dict) else {}
    return Moment(
        run=run,
        step=stored.step,
        time=stored.time,
        node=line.node,
        next=stored.next,
        checkpoint_id=stored.id,
        version=line.version,
        values=stored.values,
        taxonomy=taxonomy,
        messages=tuple(stored.values.get("messages", ())),
        question=asked.get("question"),
        proposal=stored.values.get("proposal") or None,
    )


def find_step(thread: Thread | None, run: str, step: int | None) -> StoredStep:
    """The checkpoint of a run at a step, or its newest.

    Raises:
        RunStateError: there is none.
    """
    found = None if thread is None else thread.newest() if step is None else thread.at(step)
    if found is None:
        numbers = [] if thread is None else thread.numbers()
        there = _ranges(numbers) if numbers else "none yet"
        wanted = "checkpoint" if step is None else f"step {step}"
        raise RunStateError(
            f"the run {run!r} has no {wanted}. Steps there: {there}. `tnt history` lists them."
        )
    return found


def forked_from(row: RunRow) -> tuple[str, int] | tuple[None, None]:
    """The run and the step that a run was forked from; (None, None) for one that was started."""
    origin = row.settings.get("fork")
    return (origin["run"], origin["step"]) if origin else (None, None)


def _ranges(numbers: Sequence[int]) -> str:
    """Like ``-1 to 8, 12``."""
    parts: list[list[int]] = []
    for number in numbers:
        if parts and number == parts[-1][-1] + 1:
            parts[-1][1:] = [number]
        else:
            parts.append([number])
    return ", ".join(" to ".join(map(str, part)) for part in parts)


@dataclass(frozen=True, slots=True)
class _Line:
    """What is kept of a checkpoint while the others are read: a few numbers."""

    id: str
    step: int
    time: str
    node: str
    next: tuple[str, ...]
    is_approval: bool
    version: str | None
    before: str | None
    trial: int | None = None
    epoch: int | None = None
    batch: int | None = None
    residual: float | None = None
    score: float | None = None


def _lines(steps: Iterator[StoredStep]) -> Iterator[_Line]:
    before: StoredStep | None = None
    for step in steps:
        yield _line(step, before)
        before = step


def _line(step: StoredStep, before: StoredStep | None) -> _Line:
    """The taxonomy in question is that of the trial that moved; else the one that was chosen, edited or undone to."""
    values = step.values
    old: Mapping[str, Any] = {} if before is None else before.values
    # An input follows the end of what was before it: nothing ran between the two.
    ran = () if before is None or "__start__" in step.next else before.next
    node = ", ".join(dict.fromkeys(ran))
    version = _standing(values)
    line = _Line(
        id=step.id,
        step=step.step,
        time=step.time,
        node=node,
        next=step.next,
        is_approval=node in _ASKERS and "labeler" in step.next,
        version=version,
        before=version if "selector" in ran else _standing(old),
    )
    if before is None:
        return line
    trials, old_trials = values.get("trials") or {}, old.get("trials") or {}
    moved = [trial for trial in _changed(trials, old_trials).values() if trial["path"]]
    if moved:
        trial = max(moved, key=_rank)
        former = old_trials.get(str(trial["index"]), {})
        if trial["path"] == former.get("path", []):  # it goes on from what its user made of it
            return replace(line, version=trial["version"])
        return replace(
            line,
            version=trial["version"],
            before=former["version"],
            trial=trial["index"],
            epoch=former["epoch"] + 1,  # what comes next in the state before is what this step did
            batch=former["batch"] + 1,
            residual=trial["residual"],
            score=trial["score"],
        )
    reviewed = _changed(values.get("finalists") or {}, old.get("finalists") or {})
    if reviewed:
        index, best = max(reviewed.items(), key=lambda item: (item[1]["score"], -int(item[0])))
        former = trials.get(index, {})
        return replace(
            line, version=best["version"], before=former.get("best"), trial=int(index), score=best["score"]
        )
    return line


def _changed(new: Mapping[str, Any], old: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in new.items() if value != old.get(key)}


def _rank(trial: Mapping[str, Any]) -> tuple[float, int]:
    score = trial["score"]
    return (float("-inf") if score is None else score, -trial["index"])


def _standing(values: Mapping[str, Any]) -> str | None:
    """The taxonomy in question where nothing moves: in the loop the best trial's newest, later the chosen one."""
    trials = list((values.get("trials") or {}).values())
    in_loop = values.get("phase") in (SUMMARIZE, LOOP)
    if trials and (in_loop or "version" not in values):
        return str(max(trials, key=_rank)["version"])
    return values.get("version")


def _edits(before: Outline | None, after: Outline | None) -> tuple[int, int, int]:
    """Categories added, changed and gone; none where one of the two is unknown."""
    if before is None or after is None:
        return (0, 0, 0)
    added = sum(category not in before for category in after)
    changed = sum(before.get(category, content) != content for category, content in after.items())
    return (added, changed, sum(category not in after for category in before))
