"""The errors of tnt, drawn once.

::

    TntError                      everything below; its message says what happened, where, and what to do
    ├── CorpusError               the input cannot be read (names the file, and the row where there is one)
    ├── SettingsError             an option or setting makes no sense
    ├── WorkspaceError            the workspace cannot be used
    │   ├── RunExistsError        a run of that name is there already
    │   ├── RunNotFoundError      no run of that name
    │   ├── RunStateError         the run is not where this request needs it to be
    │   ├── CorpusMismatchError   the workspace belongs to another corpus
    │   ├── VersionError          written by a newer tnt, or by another version of the graph
    │   ├── LeaseHeldError        another process is working on this run
    │   └── StorageError          the disk is full, or the database cannot be read or written
    ├── PromptError               a prompt lacks a variable, or its file is malformed
    ├── ModelError                the LLM
    │   ├── EndpointError         the endpoint is unusable for every call: the run stops and can be resumed
    │   ├── CallError             this one call failed: it goes to the failures table, the run goes on
    │   └── AnswerError           this one answer could not be read; ``raw`` holds it
    ├── Pause                     not a fault: the run stopped where it can be resumed
    │   ├── BudgetReached         the budget of tokens or money is spent
    │   └── Stopped               a signal asked the run to stop
    ├── BundleError               a classifier on disk is incomplete, changed or of another version
    └── MissingPartError          an optional package or system library is absent; its message has the remedy
"""


class TntError(Exception):
    """Base of every error that tnt raises on purpose."""


class CorpusError(TntError):
    """The input cannot be read."""


class SettingsError(TntError):
    """An option or a setting makes no sense."""


class WorkspaceError(TntError):
    """The workspace cannot be used."""


class RunExistsError(WorkspaceError):
    """A run of that name is there already."""


class RunNotFoundError(WorkspaceError):
    """The workspace has no run of that name."""


class RunStateError(WorkspaceError):
    """The run is not where this request needs it to be."""


class CorpusMismatchError(WorkspaceError):
    """The workspace belongs to another corpus."""


class VersionError(WorkspaceError):
    """The workspace or the run was written by another version."""


class LeaseHeldError(WorkspaceError):
    """Another process is working on this run."""


class StorageError(WorkspaceError):
    """The disk is full, or the database cannot be read or written."""


class PromptError(TntError):
    """A prompt lacks a variable, or its file is malformed."""


class ModelError(TntError):
    """Something about the LLM."""


class EndpointError(ModelError):
    """The endpoint is unusable for every call."""


class CallError(ModelError):
    """One call failed, others may not."""


class AnswerError(ModelError):
    """An answer came and could not be read.

    Attributes:
        raw: the model's text as it came.
    """

    def __init__(self, message: str, raw: str = "") -> None:
        super().__init__(message)
        self.raw = raw


class Pause(TntError):  # noqa: N818  # no fault
    """The run stopped where it can be resumed."""


class BudgetReached(Pause):
    """The budget of tokens or money is spent."""


class Stopped(Pause):
    """A signal asked the run to stop.

    Attributes:
        signum: the signal's number.
    """

    def __init__(self, message: str, signum: int = 2) -> None:
        super().__init__(message)
        self.signum = signum


class BundleError(TntError):
    """A classifier on disk is incomplete, changed or of another version."""


class MissingPartError(TntError):
    """An optional package or a system library is absent."""
