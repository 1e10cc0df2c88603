"""The means of a run, opened together and given back together: what a graph needs beside its checkpoints."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

from ..checkpoints.runs import RunRow
from ..checkpoints.workspace import Workspace
from ..llm.budget import Budget
from ..llm.spec import ModelSpec, choose_model
from ..nodes.context import Base, Context, Progress, silent
from ..nodes.settings import Settings


@contextmanager
def open_context(
    tables: Workspace,
    row: RunRow,
    *,
    spec: ModelSpec | None = None,
    progress: Progress | None = None,
    stop: threading.Event | None = None,
) -> Iterator[Context]:
    """The context of a run, from its row; the LLM is given back at the end, the workspace stays open.

    Args:
        tables: the run's workspace.
        row: of the run: its settings and the LLM it was started with.
        spec: an LLM that was chosen already; None to choose by the row.
        progress: is told how far each stage is.
        stop: when it is set, the run stops at the next committed answer.

    Raises:
        EndpointError, MissingPartError: the LLM or the encoder cannot be had.
    """
    from ..classifiers.encoders import open_encoder
    from ..llm.chat import Chat

    settings = Settings.model_validate(row.settings["settings"])
    chosen = spec or choose_model(row.settings["model"]["text"], os.environ)
    budget = Budget(tokens=settings.budget_tokens)
    with Chat.open(chosen, tables.answers.for_run(row.name), budget=budget, stop=stop) as chat:
        yield Context(
            run=row.name,
            settings=settings,
            workspace=tables.of_corpus(row.settings.get("corpus")),
            chat=chat,
            encoder=open_encoder(settings.encoder),
            progress=progress or silent,
            base=None if (update := row.settings.get("update")) is None else Base(**update["base"]),
        )
