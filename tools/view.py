"""What answers to questions are made from, as a Protocol: the graph gives it a run's tables, tests a few lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ..checkpoints.labels import Source
from ..classifiers.encoders import Vectors
from ..classifiers.index import EmbeddingIndex
from ..taxonomy.document import Document
from ..taxonomy.plan import Instruction
from ..taxonomy.values import Taxonomy
from ..taxonomy.version import Version
from .evidence import Placement


@dataclass(frozen=True, slots=True)
class Standing:
    """Where one document is at present.

    Attributes:
        category: id of its category; None is undefined.
        source: where its label comes from; None when it has none and nearness decides.
        confidence: 0..1 of its label; of nearness, the cosine similarity.
        also: ids of the other categories that apply.
        reason: why, where the labeler said so, or "".
        waiting: an edit touched its category, so it will be labelled anew.
        former: name of the category that it was labelled with, where that labels no texts any more.
    """

    category: str | None
    source: Source | None
    confidence: float
    also: tuple[str, ...] = ()
    reason: str = ""
    waiting: bool = False
    former: str = ""


class View(Protocol):
    """What answers are made from. Rows of `vectors`, `index` and `placement` are the sample's documents."""

    @property
    def taxonomy(self) -> Taxonomy:
        """The taxonomy in question."""
        ...

    @property
    def instructions(self) -> Sequence[Instruction]:
        """The standing ones."""
        ...

    @property
    def is_labelled(self) -> bool:
        """Whether there are labels; without them the sample counts, by nearness."""
        ...

    @property
    def counts(self) -> Mapping[str | None, int]:
        """Documents by id of the leaf that each is in; None counts the undefined."""
        ...

    @property
    def waiting(self) -> int:
        """Documents that an edit will have labelled anew."""
        ...

    @property
    def sample(self) -> Sequence[int]:
        """Numbers of the sample's documents, ascending."""
        ...

    @property
    def placement(self) -> Placement:
        """Where the sample falls among the taxonomy's leaves, in their order."""
        ...

    @property
    def index(self) -> EmbeddingIndex:
        """Over the sample's vectors."""
        ...

    def vector(self, number: int) -> Vectors:
        """float32 [d], also of a document outside the sample."""
        ...

    def encode(self, text: str) -> Vectors:
        """float32 [d] of any words."""
        ...

    def prototypes(self) -> Vectors:
        """float32 [k, d] of the leaves."""
        ...

    def documents(self, numbers: Sequence[int]) -> list[Document]:
        """In the order asked."""
        ...

    def find(self, document_id: str) -> list[int]:
        """Numbers of the documents with this id of the user's, a few at most."""
        ...

    def standing(self, numbers: Sequence[int]) -> dict[int, Standing]:
        """Where documents are; one that nothing is known of is left out."""
        ...

    def surest(self, category: str | None, count: int) -> list[int]:
        """The documents that are most certainly in a leaf, or undefined; the surest first."""
        ...

    def path(self, version: str | None = None) -> list[Version]:
        """A version and its ancestors, the root first; None is the one in question.

        Args:
            version: an id, or the beginning of one.

        Raises:
            WorkspaceError: there is none, or more than one.
        """
        ...
