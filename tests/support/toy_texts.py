"""A tiny encoder and texts with evident topics, so that most classifier tests need no model."""

import hashlib
import random
import re
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from tnt_llm.taxonomy.values import Category, Taxonomy

_TOPICS = """
pets cat dog hamster leash kennel paw fur vet puppy kitten aquarium parrot
taxes tax refund invoice deduction audit receipt income declaration vat penalty
football goal match striker referee penalty league stadium coach offside keeper
cooking oven recipe flour sauce boil garlic pan dough simmer pepper onion
strange quasar nebula galaxy comet orbit telescope asteroid eclipse
"""
WORDS = {topic: words for topic, *words in map(str.split, _TOPICS.strip().splitlines())}


class WordEncoder:
    """Adds up one random direction per word: texts that share words are near. Keeps what it was given."""

    def __init__(self, encoder_id: str = "words", dimension: int = 48) -> None:
        self.id = encoder_id
        self.dimension: int | None = dimension
        self.seen: list[str] = []

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        self.seen.extend(texts)
        width = self.dimension or 0
        rows = np.zeros((len(texts), width), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in re.findall(r"\w+", text.lower()):
                seed = int.from_bytes(hashlib.blake2b(word.encode(), digest_size=4).digest(), "big")
                row += np.random.default_rng(seed).normal(size=width).astype(np.float32)
            row /= max(float(np.linalg.norm(row)), 1e-9)
        return rows


def texts_about(topic: str, count: int, seed: int = 0) -> list[str]:
    """Different texts of four words each on one topic of WORDS."""
    words = WORDS[topic]
    draw = random.Random(f"{topic}-{seed}")
    found: dict[str, None] = {}
    while len(found) < count:
        found[" ".join(draw.sample(words, 4))] = None
    return list(found)


def taxonomy_of(*names: str) -> Taxonomy:
    """Categories with the ids id-NAME."""
    return Taxonomy(
        categories=tuple(
            Category(id=f"id-{name}", name=name.title(), description=f"About {name}.") for name in names
        )
    )


def sample_of(count: int, *topics: str, seed: int = 0) -> tuple[list[str], list[str | None]]:
    """Texts and labels, `count` of each topic; the topic "strange" is undefined."""
    texts: list[str] = []
    labels: list[str | None] = []
    for topic in topics:
        texts += texts_about(topic, count, seed)
        labels += [None if topic == "strange" else f"id-{topic}"] * count
    return texts, labels
