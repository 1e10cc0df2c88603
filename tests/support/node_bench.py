"""A context for nodes without a run around them: a real workspace, a scripted model, an encoder that knows topics."""

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from planted import WIDTH, axis
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.llm.answer import Answer
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.fake import Asked, FakeModel, Reply
from tnt_llm.nodes.context import Context
from tnt_llm.nodes.settings import Settings
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.values import Category, Taxonomy

TOPICS = ("cat", "dog", "goal", "oven", "tax", "train")
"""Words that mean something to `TopicEncoder`, also with an -s."""


class TopicEncoder:
    """A text's vector points to the topics that it names, and a little to wherever its other words send it."""

    id = "topics"
    dimension: int | None = WIDTH

    def __init__(self) -> None:
        self.calls: list[list[str]] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.calls.append(list(texts))
        rows = np.zeros((len(texts), WIDTH), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                row += _topic(word.rstrip("s")) if word.rstrip("s") in TOPICS else _aside(word)
            row /= max(float(np.linalg.norm(row)), 1e-9)
        return rows


def _topic(word: str) -> NDArray[np.float32]:
    """Topics are orthogonal, but for cats and dogs, which are both animals."""
    return axis(TOPICS.index(word)) + np.float32(0.4 if word in ("cat", "dog") else 0) * axis(WIDTH - 1)


def _aside(word: str) -> NDArray[np.float32]:
    seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big")
    return np.asarray(0.04 * np.random.default_rng(seed).normal(size=WIDTH), dtype=np.float32)


def texts_on(topic: str, count: int) -> list[str]:
    """Different texts that name one topic (or several: "cat dog") and nothing else that means anything."""
    return [f"my {topic} number {number} of {count}" for number in range(count)]


def categories(*names: str) -> Taxonomy:
    """A taxonomy of these names, described by them, with the ids id-NAME."""
    return Taxonomy(
        categories=tuple(
            Category(id=f"id-{name.lower()}", name=name, description=f"It is about {name.lower()}.")
            for name in names
        )
    )


def letter(text: str) -> Answer:
    """The answer of a model that is rather sure of A or B."""
    other = "B" if text == "A" else "A"
    return Answer(text, top_logprobs=((text, -0.1), (other, -2.4)))


def named(name: str, description: str = "") -> str:
    """A readable answer to the question for a name."""
    return json.dumps({"name": name, "description": description or f"It is about {name.lower()}."})


def is_about_a_pair(asked: Asked) -> bool:
    """Whether a call asks for a letter, not for an object."""
    return asked.schema is None


@contextmanager
def bench(
    path: Path, texts: Iterable[str], respond: Callable[[Asked], Reply] | None = None, **settings: Any
) -> Iterator[tuple[Context, FakeModel]]:
    """A context over a fresh workspace that holds these texts; the model fails when it is asked unexpectedly.

    Topics are nearly orthogonal here, so only a high quantile of what is foreign tells a third topic from two others.
    """
    model = FakeModel(respond=respond)
    with (
        Workspace.open(path / "ws", create=True) as tables,
        Chat.over(model, tables.answers.for_run("main"), id="fake", retries=0, backoff=0) as chat,
    ):
        documents = [Document(number, f"d{number}", text) for number, text in enumerate(texts)]
        tables.documents.load(documents, source="a test")
        chosen = {
            "use_case": "learn what it is about",
            "exemplars": 4,
            "fit_quantile": 0.99,
            "max_categories": 8,
            **settings,
        }
        yield (
            Context(
                run="main",
                settings=Settings(**chosen),
                workspace=tables,
                chat=chat,
                encoder=TopicEncoder(),
            ),
            model,
        )
