"""`RunRecord`: what a run has on record, for looking at."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..checkpoints.failures import FailureRow
from ..checkpoints.runs import RunRow
from ..checkpoints.saver import open_saver
from ..checkpoints.workspace import Workspace
from ..llm.answer import Usage
from ..nodes.settings import Settings
from ..taxonomy.errors import RunStateError, SettingsError
from ..taxonomy.values import Taxonomy
from .session import OpenQuestion, RunStatus, question_of

if TYPE_CHECKING:
    import pyarrow as pa
    from langgraph.checkpoint.base import CheckpointTuple

    from ..classifiers.classifier import Classifier
    from ..nodes.context import Progress
    from ..nodes.state import Message
    from ..tools.comparison import Comparison
    from ..tools.evaluation.evaluation import Evaluation
    from ..tools.monitor import MonitorReport
    from ..tools.preview import Preview
    from .history import Moment, Step


@dataclass(frozen=True, slots=True)
class Model:
    """The LLM of a run: its spec, and why that one."""

    text: str
    reason: str


class RunRecord:
    """A run as it stands.

    It holds no connection: every property reads the workspace anew, so it also shows what another process does.
    """

    def __init__(self, workspace: Path, name: str) -> None:
        self._workspace = workspace
        self.name = name

    @property
    def path(self) -> Path:
        """Folder of the results."""
        return self._workspace / self.name

    @property
    def status(self) -> RunStatus:
        """Where the run stands."""
        return RunStatus(self._row().status)

    @property
    def settings(self) -> Settings:
        """The settings it was started with."""
        return Settings.model_validate(self._row().settings["settings"])

    @property
    def model(self) -> Model:
        """The LLM it uses, and why."""
        return Model(**self._row().settings["model"])

    @property
    def updated_from(self) -> tuple[str, str] | None:
        """The run, and the version, that this one goes on from with new documents; None where it does not."""
        from .update import updated_from

        return updated_from(self._row())

    @property
    def question(self) -> str | None:
        """What the run waits to be told; None when it waits for nothing."""
        asked = self._asked()
        return asked.text if asked is not None and self.status is RunStatus.AWAITING else None

    @property
    def turn(self) -> int:
        """Number of the question that is open, or that a finished run would ask next."""
        asked = self._asked()
        return asked.turn if asked is not None else int(self.state.get("turn", 0)) + 1

    @property
    def proposal(self) -> "Preview | None":
        """The edits that wait to be confirmed; None where none do."""
        return self._proposal(self._asked())

    @property
    def conversation(self) -> "list[Message]":
        """All that was said, the oldest first."""
        return list(self.state.get("messages", []))

    @property
    def taxonomy(self) -> Taxonomy:
        """The chosen taxonomy; while the loop runs, the first trial's newest; empty before the first minibatch."""
        version = self._version(self.state)
        with Workspace.open(self._workspace) as tables:
            return Taxonomy() if version is None else tables.versions.get(version).taxonomy

    @property
    def state(self) -> Mapping[str, Any]:
        """The newest checkpoint's values; empty before the first."""
        kept = self._checkpoint()
        return {} if kept is None else kept.checkpoint["channel_values"]

    @property
    def labels(self) -> "pa.Table":
        """One row for each document of the corpus, in its order: the columns of labels.parquet.

        Raises:
            RunStateError: the run has not come that far.
        """
        import pyarrow.parquet as pq

        return pq.read_table(self._result("labels.parquet"))

    @property
    def classifier(self) -> "Classifier":
        """The trained classifier.

        Raises:
            RunStateError: the run has not come that far.
            BundleError: it is damaged.
        """
        from ..classifiers.classifier import Classifier

        return Classifier.load(self._result("classifier"))

    @property
    def warnings(self) -> list[str]:
        """What a user should know of the classifier, in sentences; empty where there is nothing, or no classifier."""
        from ..classifiers.bundle import read_metrics

        folder = self.path / "classifier"
        return [str(each) for each in read_metrics(folder).get("warnings", ())] if folder.exists() else []

    @property
    def usage(self) -> Mapping[str, Usage]:
        """What each stage has cost."""
        with Workspace.open(self._workspace) as tables:
            return {stage: Usage(*row) for stage, row in tables.answers.for_run(self.name).usage().items()}

    @property
    def failures(self) -> list[FailureRow]:
        """What went wrong without ending the run."""
        with Workspace.open(self._workspace) as tables:
            return tables.failures.list(self.name)

    def summary(self) -> dict[str, Any]:
        """Where the run stands, as plain JSON types: what `tnt show --json` prints."""
        state, row, taxonomy = self.state, self._row(), self.taxonomy
        with Workspace.open(self._workspace) as tables:
            info = tables.documents.of(row.settings.get("corpus")).info
            version = state.get("version")
            counts = {} if version is None else tables.labels.counts(self.name, version)
        spent = sum(self.usage.values(), Usage())
        return {
            "name": self.name,
            "status": row.status,
            "note": row.note,
            "created": row.created,
            "folder": str(self.path),
            "phase": state.get("phase", "start"),
            "question": self.question,
            "settings": row.settings["settings"],
            "model": row.settings["model"],
            "documents": info.count,
            "distinct": info.distinct,
            "version": version,
            "categories": [category.model_dump(mode="json") for category in taxonomy],
            "counts": {category: count for category, count in counts.items() if category is not None},
            "undefined": counts.get(None, 0),
            "progress": dict(state.get("counts", {})),
            "trials": list(state.get("trials", {}).values()),
            "usage": {stage: asdict(usage) for stage, usage in self.usage.items()},
            "tokens": spent.tokens,
            "failures": len(self.failures),
        }

    def monitor(
        self, corpus: Any, *, text_column: str = "text", id_column: str | None = None, rate: float = 0.05
    ) -> "MonitorReport":
        """How incoming texts differ from those that the classifier was trained on; the run stays as it is.

        Args:
            corpus: the texts, in any form that `Run.start` takes.
            text_column, id_column: where they have columns.
            rate: of false alarms: this share of texts like the known ones is called new.

        Raises:
            RunStateError: the run has no classifier yet.
            CorpusError: the texts cannot be read.
        """
        from .monitoring import monitor_run

        return monitor_run(
            self._workspace, self.name, corpus, text_column=text_column, id_column=id_column, rate=rate
        )

    def evaluate(
        self,
        *,
        gold: Path | str | None = None,
        gold_column: str | None = None,
        gold_id_column: str | None = None,
        gold_parent_column: str | None = None,
        catch_all: Sequence[str] = (),
        humans: Sequence[Path | str] = (),
        against: str | None = None,
        seed: int = 0,
        judges: Sequence[str] = (),
        judge_sample: int = 60,
        other_use_case: str | None = None,
        budget_tokens: int | None = None,
        progress: "Progress | None" = None,
        stop: threading.Event | None = None,
    ) -> "Evaluation":
        """How good the run is; kept as evaluation.json among the outputs. Without `judges` no LLM is asked.

        Args:
            gold: file of gold labels, joined to the documents by id.
            gold_column: its column of labels.
            gold_id_column: its column of ids; None for `id` where there is one, else the row.
            gold_parent_column: its column of the classes above.
            catch_all: gold classes that only say that no other fits.
            humans: sheets of `tnt annotate` that people have filled.
            against: another run of the workspace.
            seed: of resamples, folds and halves, and of what judges are shown.
            judges: LLMs that judge labels and categories, as specs; they never see gold.
            judge_sample: documents that each of them judges.
            other_use_case: how relevant judges call the categories to it is subtracted; None for one that comes along.
            budget_tokens: most tokens that this run's judges may use, over all calls of this.
            progress: is told how far each judge is.
            stop: when set, judges are asked no further question.

        Raises:
            RunStateError: the run has no labels yet.
            CorpusError: a file cannot be read, or does not fit the run.
            SettingsError: an option makes no sense.
            BudgetReached, Stopped, EndpointError, MissingPartError: a judge cannot go on. What it answered is kept.
        """
        from ..tools.evaluation.gold import GoldFile
        from .evaluation import evaluate_run

        file = GoldFile.asked_for(
            gold,
            column=gold_column,
            id_column=gold_id_column,
            parent_column=gold_parent_column,
            catch_all=catch_all,
        )
        judging = None
        if judges:
            from ..nodes.context import silent
            from .judging import Judging

            judging = Judging(
                specs=tuple(judges),
                sample=judge_sample,
                other_use_case=other_use_case,
                budget_tokens=budget_tokens,
                progress=progress or silent,
                stop=stop,
            )
        elif other_use_case is not None or budget_tokens is not None:
            raise SettingsError(
                "an other use case and a budget are for a judge: name its LLM with --judge SPEC"
            )
        return evaluate_run(
            self._workspace,
            self.name,
            gold=file,
            humans=humans,
            against=against,
            seed=seed,
            judging=judging,
        )

    def history(self, limit: int | None = None) -> "list[Step]":
        """A line for each checkpoint, the newest last.

        Args:
            limit: only so many of the newest.
        """
        from .history import history

        return history(self._workspace, self.name, limit=limit)

    def at(self, step: int) -> "Moment":
        """The whole run as it stood at a step of its history.

        Raises:
            RunStateError: there is no such step.
        """
        from .history import at

        return at(self._workspace, self.name, step)

    def diff(self, a: int | str, b: int | str = "-") -> "Comparison":
        """What became of the categories, and of the labels, from one point to another.

        Args:
            a, b: steps, ids of versions, or names of runs; "-" is where the run stands now.

        Raises:
            WorkspaceError: one of them cannot be found.
        """
        from .difference import diff

        return diff(self._workspace, self.name, str(a), str(b))

    def _row(self) -> RunRow:
        with Workspace.open(self._workspace) as tables:
            return tables.runs.get(self.name)

    def _result(self, name: str) -> Path:
        path = self.path / name
        if not path.exists():
            raise RunStateError(
                f"the run {self.name!r} is {self.status} and has no {name} yet: resume or approve it first"
            )
        return path

    @staticmethod
    def _version(state: Mapping[str, Any]) -> str | None:
        if "version" in state:
            return str(state["version"])
        trials = state.get("trials") or {}
        return str(trials["0"]["version"]) if "0" in trials else None

    def _checkpoint(self) -> "CheckpointTuple | None":
        with Workspace.open(self._workspace) as tables:
            thread, checkpoints = tables.runs.get(self.name).thread_id, tables.checkpoints_path
        if not checkpoints.exists():
            return None
        with open_saver(checkpoints) as saver:
            return saver.get_tuple({"configurable": {"thread_id": thread}})

    def _asked(self) -> OpenQuestion | None:
        kept = self._checkpoint()
        writes = [] if kept is None else kept.pending_writes or []
        # What was resumed is among the writes until its step is done.
        if any(channel == "__resume__" for _, channel, _ in writes):
            return None
        return next((question_of(value) for _, channel, value in writes if channel == "__interrupt__"), None)

    @staticmethod
    def _proposal(asked: OpenQuestion | None) -> "Preview | None":
        from ..tools.preview import Preview

        return Preview.from_dict(asked.proposal) if asked is not None and asked.proposal else None
