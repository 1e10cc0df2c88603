"""What a run takes over from another: versions, labels, and what is known of them. Rows are copied where they are."""

import json
import re
from collections.abc import Iterable, Sequence

from .database import Database
from .labels import Source

_ID = re.compile(r"[0-9a-f]{16}")
"""What the id of a version looks like."""


def share_versions(database: Database, source: str, target: str, words: Iterable[str]) -> tuple[str, ...]:
    """Let a run have those versions of another that the words name, and all that led to them; returns their ids.

    Args:
        database: of the workspace.
        source, target: names of the two runs.
        words: ids, and whatever else there is; what is no version of the source's is passed over.

    Raises:
        StorageError: the disk is full, or the database cannot be written.
    """
    ids = sorted({word for word in words if _ID.fullmatch(word)})
    rows = database.execute(
        "WITH RECURSIVE line (id, parent) AS ("
        "SELECT id, parent FROM versions WHERE id IN (SELECT value FROM json_each(?)) UNION "
        "SELECT v.id, v.parent FROM versions v JOIN line ON v.id = line.parent) "
        "SELECT version FROM run_versions WHERE run = ? AND version IN (SELECT id FROM line) ORDER BY id",
        (json.dumps(ids), source),
    )
    database.execute_many(
        "INSERT OR IGNORE INTO run_versions (run, version) VALUES (?, ?)",
        ((target, version) for (version,) in rows),
    )
    return tuple(row[0] for row in rows)


def share_labels(
    database: Database, source: str, target: str, versions: Sequence[str], *, all_of_them: bool = False
) -> None:
    """Let a run have another's labels under these versions, but for those that its classifier gave, or `all_of_them`.

    Raises:
        StorageError: the disk is full, or the database cannot be written.
    """
    database.execute(
        "INSERT OR REPLACE INTO labels (run, version, number, primary_id, all_ids, confidence, source, reason) "
        "SELECT ?, version, number, primary_id, all_ids, confidence, source, reason FROM labels "
        "WHERE run = ? AND version IN (SELECT value FROM json_each(?)) AND source != ?",
        (target, source, json.dumps(list(versions)), "" if all_of_them else Source.STUDENT.value),
    )


def share_checks(database: Database, source: str, target: str, versions: Sequence[str]) -> None:
    """Let a run have what became of another's suspect labels under these versions.

    Raises:
        StorageError: the disk is full, or the database cannot be written.
    """
    database.execute(
        "INSERT OR REPLACE INTO checks (run, version, number, verdict, label, evidence) "
        "SELECT ?, version, number, verdict, label, evidence FROM checks "
        "WHERE run = ? AND version IN (SELECT value FROM json_each(?))",
        (target, source, json.dumps(list(versions))),
    )


def share_rounds(database: Database, source: str, target: str, rounds: int) -> None:
    """Let a run have the documents that another's first rounds of active learning added.

    Raises:
        StorageError: the disk is full, or the database cannot be written.
    """
    database.execute(
        "INSERT OR REPLACE INTO rounds (run, number, round) "
        "SELECT ?, number, round FROM rounds WHERE run = ? AND round <= ?",
        (target, source, rounds),
    )
