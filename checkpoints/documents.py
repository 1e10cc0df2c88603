"""The corpus in the workspace: loaded once, as a whole or not at all."""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

from ..taxonomy.document import Document
from ..taxonomy.errors import CorpusError, CorpusMismatchError, WorkspaceError
from .database import Database, Row, number_list, storable

_CORPUS = "corpus"


@dataclass(frozen=True, slots=True)
class CorpusInfo:
    """Facts about the loaded corpus.

    Attributes:
        count: documents.
        distinct: different texts among them, blank ones not counted.
        fingerprint: hash over all ids and texts in order.
        source: where it came from, in words.
    """

    count: int
    distinct: int
    fingerprint: str
    source: str


class Documents:
    """The documents of a workspace, which belongs to one corpus for good."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @property
    def info(self) -> CorpusInfo:
        """Facts about the corpus.

        Raises:
            WorkspaceError: none is loaded yet.
        """
        found = self._find_info()
        if found is None:
            raise WorkspaceError(
                f"{self._database.path} holds no corpus: loading it never came to its end. "
                f"Start again with `tnt run CORPUS -w WORKSPACE`."
            )
        return found

    def _find_info(self) -> CorpusInfo | None:
        stored = self._database.get_meta(_CORPUS)
        return None if stored is None else CorpusInfo(**json.loads(stored))

    def load(self, documents: Iterable[Document], *, source: str) -> CorpusInfo:
        """Store the corpus in one transaction, streaming; documents are numbered by their position.

        Loading the corpus that is there already changes nothing.

        Args:
            documents: what `read_corpus` yields.
            source: where it came from, in words, for the report.

        Raises:
            CorpusError: there are no documents, or the source cannot be read; nothing is stored.
            CorpusMismatchError: the workspace holds another corpus.
            StorageError: the disk is full, or the database cannot be written; nothing is stored.
        """
        known = self._find_info()
        if known is not None:
            return self._compare(known, documents, source)
        digest = _Fingerprint()
        with self._database.transaction():
            # Another process may have loaded it while this one waited for the transaction.
            known = self._find_info()
            if known is not None:
                return self._compare(known, documents, source)
            self._database.execute_many("INSERT INTO documents VALUES (?, ?, ?, ?)", digest.rows(documents))
            if not digest.count:
                raise _empty(source)
            self._database.execute(
                "INSERT INTO distinct_documents (position, number) "
                "SELECT row_number() OVER (ORDER BY first) - 1, first FROM "
                "(SELECT min(number) AS first FROM documents WHERE hash <> '' GROUP BY hash)"
            )
            distinct = self._database.execute("SELECT count(*) FROM distinct_documents")[0][0]
            info = CorpusInfo(digest.count, distinct, digest.hexdigest(), source)
            self._database.put_meta(_CORPUS, json.dumps(asdict(info)))
        return info

    def _compare(self, known: CorpusInfo, documents: Iterable[Document], source: str) -> CorpusInfo:
        digest = _Fingerprint()
        for _ in digest.rows(documents):
            if digest.count > known.count:
                break
        if not digest.count:
            raise _empty(source)
        if digest.hexdigest() != known.fingerprint:
            raise CorpusMismatchError(
                f"{self._database.path.parent} belongs to another corpus "
                f"({known.source}, {known.count} documents), and {source} differs from it. "
                f"Use another workspace: `-w OTHER`."
            )
        return known

    def get(self, numbers: Sequence[int]) -> list[Document]:
        """The documents of these numbers, in the order asked.

        Raises:
            WorkspaceError: there is no such document.
        """
        rows = self._database.execute(
            "SELECT number, id, text FROM documents WHERE number IN (SELECT value FROM json_each(?))",
            (number_list(numbers),),
        )
        found = {row[0]: _document(row) for row in rows}
        missing = [number for number in numbers if number not in found]
        if missing:
            raise WorkspaceError(f"{self._database.path} has no document number {missing[0]}.")
        return [found[number] for number in numbers]

    def batches(self, size: int) -> Iterator[list[Document]]:
        """All documents in order, at most ``size`` at a time; memory stays flat."""
        after = -1
        while rows := self._database.execute(
            "SELECT number, id, text FROM documents WHERE number > ? ORDER BY number LIMIT ?", (after, size)
        ):
            yield [_document(row) for row in rows]
            after = rows[-1][0]

    def sample(self, n: int | None, seed: int) -> list[int]:
        """Numbers of a uniform sample of the distinct texts that are not blank, ascending.

        Args:
            n: how many; all where it is None or there are no more.
            seed: the same seed gives the same sample.
        """
        total = self.info.distinct
        if n is None or n >= total:
            rows = self._database.execute("SELECT number FROM distinct_documents ORDER BY position")
        else:
            positions = random.Random(seed).sample(range(total), n)  # noqa: S311 - a sample, not a secret
            rows = self._database.execute(
                "SELECT number FROM distinct_documents WHERE position IN (SELECT value FROM json_each(?)) "
                "ORDER BY number",
                (number_list(positions),),
            )
        return [row[0] for row in rows]


class _Fingerprint:
    """Counts and hashes the documents that pass through."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = sha256()

    def rows(self, documents: Iterable[Document]) -> Iterator[tuple[int, str, str, str]]:
        for document in documents:
            document_id, text = storable(document.id), storable(document.text)
            # Lengths go in, so that no two different corpora give the same bytes.
            raw_id, raw_text = document_id.encode(), text.encode()
            self._digest.update(b"%d %d " % (len(raw_id), len(raw_text)) + raw_id + raw_text)
            number = self.count
            self.count += 1
            # A blank text gets no hash: it is never sampled, never a duplicate.
            yield (
                number,
                document_id,
                text,
                Document(number, document_id, text).content_hash if text.strip() else "",
            )

    def hexdigest(self) -> str:
        return self._digest.hexdigest()[:32]


def _document(row: Row) -> Document:
    return Document(number=row[0], id=row[1], text=row[2])


def _empty(source: str) -> CorpusError:
    return CorpusError(f"{source} holds no documents. Give a corpus with at least one text.")
