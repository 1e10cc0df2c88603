"""Small whole runs for tests: a corpus with evident topics, a fast encoder, quick retries, runs in processes."""

import multiprocessing
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import wraps
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.classifiers import encoders
from tnt_llm.classifiers.encoders import representation
from tnt_llm.graph import build
from tnt_llm.graph.run import Run
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.spec import ModelSpec
from tnt_llm.llm.store import AnswerStore
from tnt_llm.nodes import selector
from toy_texts import WORDS, WordEncoder

USE_CASE = "find out what people write about"
TOPICS = ("pets", "taxes", "football", "cooking")
SMALL: dict[str, Any] = {
    "use_case": USE_CASE,
    "max_categories": 6,
    "minibatch": 16,
    "epochs": 1,
    "slice": 16,
    "label_sample": 20,
    "auto": True,
}
"""Settings that keep a run short."""
CONCURRENCY = 8
"""Calls that a run has in flight at most with an endpoint."""


class QuickEncoder(WordEncoder):
    """As `WordEncoder`, but it reads the beginning only, and texts it has met before cost nothing."""

    def __init__(self) -> None:
        super().__init__("words")
        self._known: dict[str, Any] = {}

    def encode(self, texts: Any) -> Any:
        new = [text for text in dict.fromkeys(texts) if text not in self._known]
        self._known |= dict(zip(new, super().encode([text[:1000] for text in new]), strict=True))
        rows = [self._known[text] for text in texts]
        return super().encode([]) if not rows else np.stack(rows)


def messages(each: int, *topics: str, seed: int = 0) -> list[str]:
    """`each` different texts on every topic, shuffled: the topic's name and three of its words, in any order."""
    draw = random.Random(f"{topics}-{seed}")
    found: dict[str, None] = {}
    for topic in topics or TOPICS:
        goal = len(found) + each
        while len(found) < goal:
            words = [topic, *draw.sample(WORDS[topic], 3)]
            draw.shuffle(words)
            found[" ".join(words)] = None
    texts = list(found)
    draw.shuffle(texts)
    return texts


def use_quick_encoder(patch: Callable[[Any, str, Any], None] = setattr) -> None:
    """Let every run and bundle of this process use a `QuickEncoder`, whatever its settings say."""
    encoder = QuickEncoder()
    for module in (encoders, representation):
        patch(module, "open_encoder", lambda spec="words": encoder)


def use_quick_chat(patch: Callable[[Any, str, Any], None] = setattr, **options: Any) -> None:
    """Let every run of this process wait hardly at all before it tries a call again."""
    ordinary = Chat.open

    def quick(spec: ModelSpec, store: AnswerStore, **given: Any) -> Chat:
        # The embedded model takes its time: it is not hanging.
        hurry = {} if spec.is_embedded else {"timeout": 20.0}
        return ordinary(spec, store, **{"backoff": 0.005, **hurry, **options, **given})

    patch(Chat, "open", quick)


def always_ask_which_finalist(patch: Callable[[Any, str, Any], None] = setattr) -> None:
    """Let the selector take all scores for close ones."""
    patch(selector, "CLOSE", 10.0)


def patch_all(monkeypatch: pytest.MonkeyPatch, **options: Any) -> None:
    """The quick encoder and the quick chat, for one test."""
    use_quick_encoder(monkeypatch.setattr)
    use_quick_chat(monkeypatch.setattr, **options)


def rows(path: Path, sql: str) -> list[Any]:
    """What a query finds in a database file, for looking behind the tables."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def copy_answers(source: Path, target: Path) -> None:
    """Make a workspace that holds the stored answers of another and nothing else."""
    with Workspace.open(target, create=True) as tables:
        tables.database.execute("ATTACH DATABASE ? AS other", (str(source / "workspace.sqlite"),))
        tables.database.execute("INSERT INTO answers SELECT * FROM other.answers")
        tables.database.execute("DETACH DATABASE other")


def count_answers(workspace: Path) -> int:
    """How many different answers a workspace holds."""
    with Workspace.open(workspace) as tables:
        return tables.answers.count()


Told = tuple[str, int, int]
SILENT = ("selector", "apply_edits", "settle_labels", "clean_labels", "active_round", "publish")
"""Nodes that tell no progress; in a `Worker` they tell that they begin."""


class Worker:
    """A run in a process of its own, which tells how far it is and may be killed."""

    def __init__(self, context: Any, action: str, arguments: dict[str, Any]) -> None:
        self._reader, writer = context.Pipe(duplex=False)
        self.process: BaseProcess = context.Process(target=_work, args=(action, arguments, writer))
        self.process.start()
        writer.close()

    def told(self) -> Iterator[Told]:
        """(stage, done, total) as the run tells it, until the process ends."""
        while True:
            try:
                yield self._reader.recv()
            except EOFError:
                return

    def tell(self, timeout: float) -> Told | None:
        """The next of `told`, or None where there is none within `timeout` seconds."""
        if not self._reader.poll(timeout):
            return None
        try:
            told: Told = self._reader.recv()
        except EOFError:
            return None
        return told

    def kill(self) -> None:
        """SIGKILL."""
        self.process.kill()

    def end(self, timeout: float = 120) -> int:
        """Wait for the end; the exit code, -9 for a killed one."""
        self.process.join(timeout)
        assert self.process.exitcode is not None, "the process goes on and on"
        self._reader.close()
        return self.process.exitcode


@contextmanager
def workers() -> Iterator[Callable[..., Worker]]:
    """Start processes that have everything imported: ``start("start", corpus=..., ...)``, ``"resume"`` or ``"say"``."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(["toy_runs_preload"])
    begun: list[Worker] = []

    def begin(action: str, **arguments: Any) -> Worker:
        begun.append(Worker(context, action, arguments))
        return begun[-1]

    try:
        yield begin
    finally:
        for worker in begun:
            worker.kill()
            worker.process.join()
            worker.process.close()


def _work(action: str, arguments: dict[str, Any], writer: Connection) -> None:
    use_quick_encoder()
    use_quick_chat()
    always_ask_which_finalist()
    for name in SILENT:
        setattr(build, name, _telling(getattr(build, name), writer))

    def progress(stage: str, done: int, total: int, usage: object) -> None:
        writer.send((stage, done, total))

    if action == "start":
        Run.start(progress=progress, **arguments)
    elif action == "say":
        text = arguments.pop("text")
        Run.open(progress=progress, **arguments).say(text, yes=True)
    else:
        Run.open(progress=progress, **arguments).resume()


def _telling(node: Callable[..., Any], writer: Connection) -> Callable[..., Any]:
    """A node that tells when it begins."""

    @wraps(node)
    def telling(*args: Any, **kwargs: Any) -> Any:
        writer.send((node.__name__, 0, 1))
        return node(*args, **kwargs)

    return telling
