"""A workspace: the directory of one corpus and its runs.

::

    WORKSPACE/
        workspace.sqlite      the tables of this room
        checkpoints.sqlite    LangGraph's
        main/                 outputs of the run `main`; one folder for each run
"""

from pathlib import Path
from types import TracebackType
from typing import Self

from ..taxonomy.errors import WorkspaceError
from .answers import Answers
from .checks import Checks
from .database import Database
from .documents import Documents
from .failures import Failures
from .labels import Labels, Votes
from .phrases import Phrases
from .run_documents import RunDocuments
from .runs import Runs, check_run_name
from .samples import LabelSamples, Rounds
from .storage_errors import file_fault
from .versions import Versions

WORKSPACE_FILE = "workspace.sqlite"
CHECKPOINTS_FILE = "checkpoints.sqlite"


class Workspace:
    """An open workspace: its path and its tables. Use it as a context manager, or close it.

    Attributes:
        path: the directory.
        database: what all the tables share; for transactions over several of them, and for leases.
        documents, answers, phrases, votes, labels, label_samples, rounds, checks, failures, versions, runs: the tables.
    """

    def __init__(self, path: Path, database: Database) -> None:
        self.path = path
        self.database = database
        self.documents = Documents(database)
        self.answers = Answers(database)
        self.phrases = Phrases(database)
        self.votes = Votes(database)
        self.labels = Labels(database)
        self.label_samples = LabelSamples(database)
        self.rounds = Rounds(database)
        self.checks = Checks(database)
        self.failures = Failures(database)
        self.versions = Versions(database)
        self.runs = Runs(database)
        self.run_documents = RunDocuments(database)

    def of_corpus(self, fingerprint: str | None) -> "Workspace":
        """The same tables, with the documents as far as they belong to one corpus; None for the first.

        It is closed with this one.
        """
        view = Workspace(self.path, self.database)
        view.documents = self.documents.of(fingerprint)
        return view

    @classmethod
    def open(cls, path: Path | str, *, create: bool = False) -> Self:
        """Open a workspace.

        Args:
            path: its directory.
            create: make it where there is none.

        Raises:
            WorkspaceError: there is none and it was not to be made.
            StorageError: it cannot be read or written.
            VersionError: a newer tnt wrote it.
        """
        path = Path(path)
        if create:
            try:
                path.mkdir(parents=True, exist_ok=True)
            except OSError as error:
                raise file_fault(error, path) from error
        elif not (path / WORKSPACE_FILE).is_file():
            raise WorkspaceError(
                f"{path} is not a workspace. `tnt run CORPUS -w {path} --use-case TEXT` makes one."
            )
        return cls(path, Database(path / WORKSPACE_FILE))

    @property
    def checkpoints_path(self) -> Path:
        """The file of LangGraph's checkpoints."""
        return self.path / CHECKPOINTS_FILE

    def run_folder(self, name: str) -> Path:
        """The folder of a run's outputs; it need not exist yet.

        Raises:
            SettingsError: the name cannot name a run.
        """
        return self.path / check_run_name(name)

    def close(self) -> None:
        """Close the files; twice is fine."""
        self.database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()
