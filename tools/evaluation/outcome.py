"""What a run came to, as far as it can be judged: use case, categories, documents, and what each labeler said of them.

There is no gold in it, and no field that could hold any: whoever asks an LLM about a run is given this and nothing
else.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...taxonomy.document import Document
from ...taxonomy.values import Category, Taxonomy

UNDEFINED = -1
"""Place of a label that is no category."""


@dataclass(frozen=True, slots=True)
class Answers:
    """What one labeler says of n documents.

    Attributes:
        known: bool [n], of which it says anything.
        primary: int64 [n], place of the category among the leaves, -1 for undefined.
        confidence: float64 [n], 0..1; NaN where it is not known.
        applies: [n], places of all categories that apply, the primary first; () for undefined.
    """

    known: NDArray[np.bool_]
    primary: NDArray[np.int64]
    confidence: NDArray[np.float64]
    applies: tuple[tuple[int, ...], ...]

    @classmethod
    def none(cls, n: int) -> "Answers":
        """Of a labeler that says nothing."""
        return cls(np.zeros(n, dtype=bool), np.full(n, UNDEFINED), np.zeros(n), ((),) * n)

    @classmethod
    def given(cls, n: int, answers: Mapping[int, tuple[tuple[int, ...], float]]) -> "Answers":
        """By row: (categories that apply, the primary first; confidence)."""
        known, primary, confidence = np.zeros(n, dtype=bool), np.full(n, UNDEFINED), np.zeros(n)
        applies: list[tuple[int, ...]] = [()] * n
        for row, (places, sure) in answers.items():
            known[row], confidence[row], applies[row] = True, sure, places
            primary[row] = places[0] if places else UNDEFINED
        return cls(known, primary, confidence, tuple(applies))

    def only(self, rows: NDArray[np.bool_]) -> "Answers":
        """The same, known only where `rows` [n] is true too."""
        return Answers(self.known & rows, self.primary, self.confidence, self.applies)

    def __len__(self) -> int:
        return len(self.known)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """A run to be evaluated.

    Attributes:
        run: its name.
        use_case: what the user wanted to learn.
        version: id of the taxonomy's version.
        taxonomy: the categories.
        documents: [n], in the order of the corpus; their ids may repeat.
        labels: the run's labels, whoever gave them.
        teacher: what the LLM said, where it was asked.
        student: what the classifier says of documents that it was not trained on: of those that it was, a copy of it
            that never saw them says it, and that one says nothing about further labels.
        learned: bool [n], documents whose labels the classifier was trained on.
        representative: bool [n], documents that the LLM labelled and nobody picked: drawn at random. Others were picked
            to be learned from, for being unlike each other or hard; what is measured on them holds for no corpus.
        notes: sentences about what could not be had.
    """

    run: str
    use_case: str
    version: str
    taxonomy: Taxonomy
    documents: tuple[Document, ...]
    labels: Answers
    teacher: Answers
    student: Answers
    learned: NDArray[np.bool_]
    representative: NDArray[np.bool_]
    notes: tuple[str, ...] = ()

    @property
    def leaves(self) -> tuple[Category, ...]:
        """The categories that documents are labelled with; places refer to them."""
        return self.taxonomy.leaves

    @property
    def names(self) -> tuple[str, ...]:
        """Of the leaves."""
        return tuple(leaf.name for leaf in self.leaves)

    @property
    def tops(self) -> tuple[Category, ...]:
        """The categories of the upper level."""
        return tuple(category for category in self.taxonomy if category.parent is None)

    @property
    def has_two_levels(self) -> bool:
        """Whether any category is part of another."""
        return any(category.parent is not None for category in self.taxonomy)

    def upwards(self) -> NDArray[np.int64]:
        """For each leaf the place of its top category, which may be itself; and -1, at the end, for undefined."""
        places = {category.id: place for place, category in enumerate(self.tops)}
        return np.array(
            [*(places[leaf.parent or leaf.id] for leaf in self.leaves), UNDEFINED], dtype=np.int64
        )


def places_of(taxonomy: Taxonomy, primary: str | None, applies: Sequence[str]) -> tuple[int, ...]:
    """Places among the leaves of the categories that apply, the primary first; () where that is no leaf.

    Args:
        taxonomy: of the categories.
        primary: id of the primary category; None for undefined.
        applies: ids of all that apply; the primary may be one of them or not.
    """
    places = {leaf.id: place for place, leaf in enumerate(taxonomy.leaves)}
    if primary is None or primary not in places:
        return ()
    return tuple(dict.fromkeys(places[id_] for id_ in (primary, *applies) if id_ in places))
