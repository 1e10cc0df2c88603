"""The database: transactions, kills, a full disk, damage, versions, threads and other processes."""

import signal
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from tnt_llm.checkpoints.database import Database, number_list, storable
from tnt_llm.checkpoints.schema import SCHEMA_VERSION
from tnt_llm.checkpoints.storage_errors import storage_errors
from tnt_llm.taxonomy.errors import StorageError, VersionError


@pytest.fixture
def database(tmp_path):
    opened = Database(tmp_path / "workspace.sqlite")
    yield opened
    opened.close()


def test_a_fact_survives_closing_and_opening_again(tmp_path):
    first = Database(tmp_path / "workspace.sqlite")
    first.put_meta("colour", "green")
    first.close()

    second = Database(tmp_path / "workspace.sqlite")
    assert second.get_meta("colour") == "green"
    assert second.get_meta("shape") is None
    assert second.get_meta("schema_version") == str(SCHEMA_VERSION)
    second.close()


def test_commits_are_flushed_to_the_disk_and_readers_do_not_wait(database):
    assert database.execute("PRAGMA journal_mode") == [("wal",)]
    assert database.execute("PRAGMA synchronous") == [(2,)]


def put_and_fail(database, key, value):
    database.put_meta(key, value)
    raise RuntimeError("half way")


def put_within(database, key, value):
    with database.transaction():
        database.put_meta(key, value)


def test_a_transaction_that_raises_leaves_nothing(database):
    with pytest.raises(RuntimeError, match="half way"), database.transaction():
        put_and_fail(database, "a", "1")
    assert database.get_meta("a") is None
    database.put_meta("b", "2")
    assert database.get_meta("b") == "2"


def test_an_inner_transaction_that_raises_takes_back_only_its_own_writes(database):
    with database.transaction():
        database.put_meta("outer", "1")
        with pytest.raises(RuntimeError), database.transaction():
            put_and_fail(database, "inner", "2")
        put_within(database, "second", "3")
    assert [database.get_meta(key) for key in ("outer", "inner", "second")] == ["1", None, "3"]


def test_an_outer_transaction_that_raises_takes_the_inner_one_with_it(database):
    def work():
        with database.transaction():
            put_within(database, "inner", "1")
            assert database.get_meta("inner") == "1"
            raise RuntimeError

    with pytest.raises(RuntimeError):
        work()
    assert database.get_meta("inner") is None


def test_many_rows_are_written_all_or_none(database):
    def rows():
        yield "a", "1"
        raise RuntimeError("the source broke")

    with pytest.raises(RuntimeError, match="the source broke"):
        database.execute_many("INSERT INTO meta VALUES (?, ?)", rows())
    assert database.get_meta("a") is None


def test_threads_share_the_connection_and_do_not_mix_transactions(database):
    database.put_meta("n", "0")

    def count():
        for _ in range(50):
            with database.transaction():
                database.put_meta("n", str(int(database.get_meta("n")) + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert database.get_meta("n") == "200"


def test_a_full_disk_says_that_nothing_is_lost_and_how_to_go_on(database):
    database.put_meta("kept", "yes")
    pages = database.execute("PRAGMA page_count")[0][0]
    database.execute(f"PRAGMA max_page_count = {pages}")

    with pytest.raises(StorageError, match=r"no room left.*Nothing that was finished is lost.*tnt resume"):
        database.put_meta("big", "x" * 100_000)

    def work():
        with database.transaction():
            database.put_meta("small", "1")
            put_within(database, "big", "x" * 100_000)

    with pytest.raises(StorageError, match="no room left"):
        work()
    assert (database.get_meta("kept"), database.get_meta("small")) == ("yes", None)
    database.execute("PRAGMA max_page_count = 1000000")
    database.put_meta("big", "x" * 100_000)
    assert len(database.get_meta("big")) == 100_000


def test_a_database_of_a_newer_tnt_is_refused_and_left_as_it_is(tmp_path):
    path = tmp_path / "workspace.sqlite"
    newer = Database(path)
    newer.put_meta("schema_version", str(SCHEMA_VERSION + 1))
    newer.execute("DROP TABLE phrases")
    newer.close()

    with pytest.raises(VersionError, match=rf"newer tnt.*version {SCHEMA_VERSION + 1}.*Upgrade tnt"):
        Database(path)

    connection = sqlite3.connect(path)
    assert connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'phrases'").fetchall() == []
    connection.close()


def test_a_file_that_is_no_database_is_told_as_damage(tmp_path):
    path = tmp_path / "workspace.sqlite"
    path.write_bytes(b"this is not a database at all, " * 100)
    with pytest.raises(StorageError, match="damaged or is not a tnt database"):
        Database(path)


def test_a_damaged_page_is_told_as_damage(tmp_path):
    path = tmp_path / "workspace.sqlite"
    database = Database(path)
    for n in range(200):
        database.put_meta(str(n), "x" * 500)
    database.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))
    with pytest.raises(StorageError, match="damaged"):
        Database(path).execute("SELECT * FROM meta")


def test_a_folder_that_is_not_there_is_a_storage_error(tmp_path):
    with pytest.raises(StorageError, match="cannot be opened"):
        Database(tmp_path / "nowhere" / "workspace.sqlite")


def test_another_writer_is_waited_for_and_then_told(tmp_path):
    path = tmp_path / "workspace.sqlite"
    first, second = Database(path), Database(path, busy_seconds=0.05)
    with first.transaction():
        with pytest.raises(StorageError, match="is locked: another process"):
            second.put_meta("a", "1")
        assert second.get_meta("a") is None  # reading goes on meanwhile
    second.put_meta("a", "1")
    assert first.get_meta("a") == "1"
    first.close()
    second.close()


def test_opening_waits_for_whoever_hinders_the_change_of_journal_and_gives_up_in_time(tmp_path):
    path = tmp_path / "workspace.sqlite"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID")
    other.execute("BEGIN")
    other.execute("SELECT * FROM meta").fetchall()  # a reader is enough before the write-ahead log is there
    with pytest.raises(StorageError, match="is locked"):
        Database(path, busy_seconds=0.1)

    timer = threading.Timer(0.2, other.execute, ["ROLLBACK"])
    timer.start()
    Database(path, busy_seconds=30).close()
    timer.join()
    other.close()


def test_a_change_of_journal_that_is_refused_without_waiting_is_tried_again(tmp_path):
    class Contended(Database):
        refusals = 2

        def execute(self, sql, values=()):
            if "journal_mode" in sql and self.refusals:
                self.refusals -= 1
                error = sqlite3.OperationalError("database is locked")
                error.sqlite_errorname = "SQLITE_BUSY"
                with storage_errors(self.path):
                    raise error
            return super().execute(sql, values)

    database = Contended(tmp_path / "workspace.sqlite")
    assert database.refusals == 0
    assert database.execute("PRAGMA journal_mode") == [("wal",)]
    database.close()


def test_processes_may_create_the_same_database_at_the_same_moment(tmp_path):
    code = (
        "import sys; from pathlib import Path; from tnt_llm.checkpoints.database import Database;"
        "sys.stdin.readline(); d = Database(Path(sys.argv[1])); d.put_meta(sys.argv[2], 'here'); d.close()"
    )
    path = tmp_path / "workspace.sqlite"
    children = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(path), f"child {n}"], stdin=subprocess.PIPE, text=True
        )
        for n in range(3)
    ]
    for child in children:
        child.stdin.write("go\n")
        child.stdin.flush()
    for child in children:
        child.communicate()
    assert [child.returncode for child in children] == [0, 0, 0]
    database = Database(path)
    assert [database.get_meta(f"child {n}") for n in range(3)] == ["here"] * 3
    database.close()


def test_what_was_committed_before_a_kill_is_there_and_what_was_not_is_not(tmp_path):
    code = (
        "import os, sys; from pathlib import Path; from tnt_llm.checkpoints.database import Database\n"
        "d = Database(Path(sys.argv[1])); d.put_meta('finished', 'yes')\n"
        "with d.transaction():\n"
        "    d.put_meta('under way', 'x' * 10_000_000)\n"
        "    os.kill(os.getpid(), 9)\n"
    )
    path = tmp_path / "workspace.sqlite"
    child = subprocess.run([sys.executable, "-c", code, str(path)], check=False)
    assert child.returncode == -signal.SIGKILL
    database = Database(path)
    assert (database.get_meta("finished"), database.get_meta("under way")) == ("yes", None)
    database.close()


def test_a_fault_in_our_own_sql_is_not_told_as_a_fault_of_the_disk(database):
    with pytest.raises(sqlite3.OperationalError, match="syntax error"):
        database.execute("SELEKT 1")


def test_a_failing_disk_is_told_with_sqlites_own_code():
    error = sqlite3.OperationalError("disk I/O error")
    error.sqlite_errorname = "SQLITE_IOERR_READ"
    with (
        pytest.raises(StorageError, match=r"disk failed while w\.sqlite.*SQLITE_IOERR_READ"),
        storage_errors(Path("w.sqlite")),
    ):
        raise error


def test_numbers_of_any_integer_kind_become_one_value():
    import numpy as np

    assert number_list([1, np.int64(2), 3]) == "[1, 2, 3]"


@pytest.mark.parametrize(
    ("raw", "stored"),
    [
        ("plain", "plain"),
        ("nu\0ll", "null"),
        ("half \ud83d emoji", "half \ufffd emoji"),
        ("two halves \ud83d\ude00", "two halves 😀"),
        ("whole 😀 مرحبا", "whole 😀 مرحبا"),
    ],
)
def test_text_that_sqlite_or_parquet_would_refuse_is_mended(database, raw, stored):
    assert storable(raw) == stored
    database.put_meta("text", storable(raw))
    assert database.get_meta("text") == stored
