"""One text of the corpus."""

from dataclasses import dataclass
from hashlib import blake2b


@dataclass(frozen=True, slots=True)
class Document:
    """One text of the corpus.

    Attributes:
        number: position in the corpus, from 0; unique. Everything inside refers to a document by it.
        id: the user's own id, as text; may repeat.
        text: the whole text as it came, null bytes removed.
    """

    number: int
    id: str
    text: str

    @property
    def content_hash(self) -> str:
        """16 hexadecimal digits that depend on the text alone; equal texts are duplicates."""
        return content_hash(self.text)


def content_hash(text: str) -> str:
    """16 hexadecimal digits of BLAKE2b over the UTF-8 text."""
    return blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()
