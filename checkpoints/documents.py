"""The corpus in the workspace: loaded once, as a whole or not at all; and what is added to it later, likewise.

Documents are numbered on and never change, so every corpus a run has seen is a prefix of one table. A run reads through
`Documents.of` its own corpus, and does not notice what was added since.
"""

import json
import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from hashlib import sha256

from ..taxonomy.document import Document
from ..taxonomy.errors import CorpusError, CorpusMismatchError, WorkspaceError
from .database import Database, Row, number_list, storable
from .schema import SCHEMA_VERSION

_CORPUS = "corpus"
"""Meta: the corpus that the workspace was made with."""
_LATER = "later_corpora"
"""Meta: what it grew to, in order, each with the hash of what was added."""
_PAGE = 5_000


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
    """The documents of a workspace, as far as they belong to one corpus.

    Args:
        database: of the workspace.
        fingerprint: of the corpus; None for the one that the workspace was made with.
    """

    def __init__(self, database: Database, fingerprint: str | None = None) -> None:
        self._database = database
        self._fingerprint = fingerprint

    def of(self, fingerprint: str | None) -> "Documents":
        """The same, as far as another corpus goes; None for the one that the workspace was made with."""
        return Documents(self._database, fingerprint)

    @property
    def info(self) -> CorpusInfo:
        """Facts about the corpus.

        Raises:
            WorkspaceError: none is loaded yet, or not this one.
        """
        found = self._find_info()
        if found is None:
            if self._fingerprint is not None:
                raise WorkspaceError(
                    f"{self._database.path} does not hold the corpus {self._fingerprint} that the run was made with."
                )
            raise WorkspaceError(
                f"{self._database.path} holds no corpus: loading it never came to its end. "
                f"Start again with `tnt run CORPUS -w WORKSPACE`."
            )
        return found

    def _find_info(self) -> CorpusInfo | None:
        for known in self._corpora():
            if self._fingerprint in (None, known.info.fingerprint):
                return known.info
        return None

    def _corpora(self) -> "list[_Corpus]":
        """Every corpus there is, each a beginning of the next."""
        stored = self._database.get_meta(_CORPUS)
        if stored is None:
            return []
        first = CorpusInfo(**json.loads(stored))
        later = json.loads(self._database.get_meta(_LATER) or "[]")
        return [
            _Corpus(first, first.fingerprint),
            *(_Corpus(CorpusInfo(**known["info"]), known["added"]) for known in later),
        ]

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
        there = [corpus.info for corpus in self._corpora()]
        digest = _Fingerprint()
        for _ in digest.rows(documents):
            if digest.count > there[-1].count:
                break
        if not digest.count:
            raise _empty(source)
        for info in there:
            if digest.hexdigest() == info.fingerprint:
                return info
        raise CorpusMismatchError(
            f"{self._database.path.parent} belongs to another corpus "
            f"({known.source}, {known.count} documents), and {source} differs from it. "
            f"Use another workspace: `-w OTHER`."
        )

    def extend(self, documents: Iterable[Document], *, source: str) -> CorpusInfo:
        """Add documents after all that are there, in one transaction, streaming; returns the corpus with them.

        Whatever was added since this corpus was loaded is part of the new one. Adding what was added already adds
        nothing. Ids and texts may repeat.

        Args:
            documents: what `read_corpus` yields.
            source: where they came from, in words, for the report.

        Raises:
            WorkspaceError: the corpus that they are to follow is not loaded.
            CorpusError: there are no documents, or the source cannot be read; nothing is stored.
            StorageError: the disk is full, or the database cannot be written; nothing is stored.
        """
        try:
            with self._database.transaction():
                return self._add(self.info, documents, source)
        except _AddedBeforeError as found:
            return found.info

    def _add(self, base: CorpusInfo, documents: Iterable[Document], source: str) -> CorpusInfo:
        there = self._corpora()
        last = there[-1].info
        added = _Fingerprint()
        whole = _Fingerprint()
        for batch in self.of(last.fingerprint).batches(_PAGE):
            for _ in whole.rows(batch):
                pass

        def rows() -> Iterator[tuple[int, str, str, str]]:
            for document in documents:
                added.add(document)
                yield whole.add(document)

        self._database.execute_many("INSERT INTO documents VALUES (?, ?, ?, ?)", rows())
        if not added.count:
            raise _empty(source)
        for known in there:
            if known.info.count > base.count and known.added == added.hexdigest():
                raise _AddedBeforeError(known.info)  # takes back what was inserted
        self._database.execute(
            "INSERT INTO distinct_documents (position, number) "
            "SELECT ? + row_number() OVER (ORDER BY first) - 1, first FROM "
            "(SELECT min(number) AS first FROM documents WHERE number >= ? AND hash <> '' AND hash NOT IN "
            "(SELECT hash FROM documents WHERE number < ?) GROUP BY hash)",
            (last.distinct, last.count, last.count),
        )
        distinct = self._database.execute("SELECT count(*) FROM distinct_documents")[0][0]
        info = CorpusInfo(whole.count, distinct, whole.hexdigest(), f"{last.source} + {source}")
        later = [*there[1:], _Corpus(info, added.hexdigest())]
        self._database.put_meta(
            _LATER, json.dumps([{"info": asdict(known.info), "added": known.added} for known in later])
        )
        # A tnt that knows nothing of later corpora would take all documents for everybody's.
        self._database.put_meta("schema_version", str(SCHEMA_VERSION))
        return info

    def different_after(self, distinct: int) -> list[int]:
        """Numbers of the first documents of the different texts that are not blank, but for the first so many texts;
        ascending. With `CorpusInfo.distinct` of an earlier corpus: what this one has beyond it.
        """
        rows = self._database.execute(
            "SELECT number FROM distinct_documents WHERE position >= ? AND position < ? ORDER BY position",
            (distinct, self.info.distinct),
        )
        return [row[0] for row in rows]

    def first_alike(self, numbers: Sequence[int], *, before: int) -> dict[int, int]:
        """For documents whose text occurs earlier, the number of the first that has it; blank ones are left out.

        Args:
            numbers: documents.
            before: only documents below this number are looked at.
        """
        own = self._database.execute(
            "SELECT hash, number FROM documents WHERE hash <> '' AND number IN (SELECT value FROM json_each(?))",
            (number_list(numbers),),
        )
        first: dict[str, int] = dict(
            self._database.execute(
                "SELECT hash, min(number) FROM documents "
                "WHERE number < ? AND hash IN (SELECT value FROM json_each(?)) GROUP BY hash",
                (before, json.dumps([known for known, _ in own])),
            )
        )
        return {number: first[known] for known, number in own if known in first}

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
        info = self._find_info()
        after, end = -1, 0 if info is None else info.count
        while rows := self._database.execute(
            "SELECT number, id, text FROM documents WHERE number > ? AND number < ? ORDER BY number LIMIT ?",
            (after, end, size),
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
            rows = self._database.execute(
                "SELECT number FROM distinct_documents WHERE position < ? ORDER BY position", (total,)
            )
        else:
            positions = random.Random(seed).sample(range(total), n)  # noqa: S311 - a sample, not a secret
            rows = self._database.execute(
                "SELECT number FROM distinct_documents WHERE position IN (SELECT value FROM json_each(?)) "
                "ORDER BY number",
                (number_list(positions),),
            )
        return [row[0] for row in rows]


class _AddedBeforeError(Exception):
    """These very documents were added already, which made the corpus `info`."""

    def __init__(self, info: CorpusInfo) -> None:
        super().__init__(info)
        self.info = info


@dataclass(frozen=True, slots=True)
class _Corpus:
    """A corpus, and the hash of what it has beyond the one before it."""

    info: CorpusInfo
    added: str


class _Fingerprint:
    """Counts and hashes the documents that pass through."""

    def __init__(self) -> None:
        self.count = 0
        self._digest = sha256()

    def rows(self, documents: Iterable[Document]) -> Iterator[tuple[int, str, str, str]]:
        """The row of each document in the table."""
        return map(self.add, documents)

    def add(self, document: Document) -> tuple[int, str, str, str]:
        """The row of one more document; it is numbered by its position."""
        document_id, text = storable(document.id), storable(document.text)
        # Lengths go in, so that no two different corpora give the same bytes.
        raw_id, raw_text = document_id.encode(), text.encode()
        self._digest.update(b"%d %d " % (len(raw_id), len(raw_text)) + raw_id + raw_text)
        number = self.count
        self.count += 1
        # A blank text gets no hash: it is never sampled, never a duplicate.
        found = Document(number, document_id, text).content_hash if text.strip() else ""
        return number, document_id, text, found

    def hexdigest(self) -> str:
        """Of what has passed so far."""
        return self._digest.hexdigest()[:32]


def _document(row: Row) -> Document:
    return Document(number=row[0], id=row[1], text=row[2])


def _empty(source: str) -> CorpusError:
    return CorpusError(f"{source} holds no documents. Give a corpus with at least one text.")
