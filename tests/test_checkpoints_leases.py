"""Leases: one process at a time, free again as soon as its owner ended, however it ended."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from functools import partial

import pytest
from tnt_llm.checkpoints import leases
from tnt_llm.checkpoints.database import Database
from tnt_llm.checkpoints.leases import lease
from tnt_llm.taxonomy.errors import LeaseHeldError, StorageError

HOLD = """
import sys, time
from pathlib import Path
from tnt_llm.checkpoints.database import Database
from tnt_llm.checkpoints.leases import lease
database = Database(Path(sys.argv[1]))
with lease(database, "main"):
    print("held", flush=True)
    sys.stdin.readline()
database.close()
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "workspace.sqlite"


@pytest.fixture
def database(path):
    opened = Database(path)
    yield opened
    opened.close()


@pytest.fixture
def holder(path, database):
    """Another process that holds the lease on `main`."""
    child = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert child.stdout.readline() == "held\n"
    yield child
    child.kill()
    child.communicate()


def rows(database):
    return database.execute("SELECT run, pid FROM leases")


def change(database, **columns):
    for column, value in columns.items():
        database.execute(f"UPDATE leases SET {column} = ?", (value,))


def test_a_lease_is_held_in_its_block_and_given_back_after_it(database):
    with lease(database, "main") as held:
        assert rows(database) == [("main", os.getpid())]
        held.check()
    assert rows(database) == []


def test_a_lease_is_given_back_when_the_block_raises(database):
    with pytest.raises(RuntimeError, match="work failed"), lease(database, "main"):
        raise RuntimeError("work failed")
    assert rows(database) == []
    assert not [thread for thread in threading.enumerate() if thread.name == "lease-main"]


def test_runs_are_leased_one_by_one(database):
    with lease(database, "main"), lease(database, "other"):
        assert len(rows(database)) == 2


def test_the_same_process_cannot_hold_a_run_twice(database):
    with lease(database, "main"):
        with pytest.raises(LeaseHeldError), lease(database, "main"):
            pass
        assert rows(database) == [("main", os.getpid())]


def test_a_second_process_is_refused_with_pid_machine_and_time(database, holder):
    with pytest.raises(LeaseHeldError) as refused, lease(database, "main"):
        pass
    message = str(refused.value)
    assert f"Process {holder.pid} on {socket.gethostname()}" in message
    assert time.strftime("since %Y-%m-%d", time.gmtime()) in message
    assert "tnt resume" in message


def test_the_lease_is_free_when_its_owner_ended_in_order(database, holder):
    holder.communicate("\n")
    assert holder.returncode == 0
    assert rows(database) == []


@pytest.mark.parametrize("waited", [True, False])
def test_a_killed_owners_lease_is_free_at_once_also_before_its_parent_waited_for_it(database, holder, waited):
    holder.kill()
    if waited:
        assert holder.wait() == -signal.SIGKILL
    else:
        os.waitid(os.P_PID, holder.pid, os.WEXITED | os.WNOWAIT)
    assert rows(database) == [("main", holder.pid)]
    with lease(database, "main"):
        assert rows(database) == [("main", os.getpid())]


def test_a_suspended_owner_keeps_its_lease_although_its_heartbeats_stopped(database, holder):
    holder.send_signal(signal.SIGSTOP)
    change(database, expires=time.time() - 1)
    with pytest.raises(LeaseHeldError), lease(database, "main"):
        pass


@pytest.mark.parametrize("take_over", [True, False])
def test_a_suspended_owner_gives_its_lease_to_who_asks_for_it_by_name(database, holder, take_over):
    holder.send_signal(signal.SIGSTOP)
    change(database, expires=time.time() - 1)
    if take_over:
        with lease(database, "main", take_over=True):
            assert rows(database) == [("main", os.getpid())]
    else:
        with (
            pytest.raises(LeaseHeldError, match=rf"Process {holder.pid} .*suspended.*tnt chat .*--take-over"),
            lease(database, "main"),
        ):
            pass
        assert rows(database) == [("main", holder.pid)]


def test_an_owner_that_was_heard_of_lately_is_not_taken_over_and_the_seconds_are_told(database, holder):
    change(database, expires=time.time() + 12.5)
    with (
        pytest.raises(LeaseHeldError, match=rf"Process {holder.pid} .*is alive.*in 1[23] seconds"),
        lease(database, "main", take_over=True),
    ):
        pass
    assert rows(database) == [("main", holder.pid)]


def test_a_dead_owner_needs_no_taking_over_but_does_not_mind(database, holder):
    holder.kill()
    holder.wait()
    with lease(database, "main", take_over=True):
        assert rows(database) == [("main", os.getpid())]


def later(database):
    """Take the run over, once its owner has been silent for long."""
    time.sleep(0.1)
    return lease(database, "main", take_over=True)


def come_and_go(database):
    with later(database):
        pass


def expires(database):
    return database.execute("SELECT expires FROM leases")[0][0]


def test_an_idle_owner_gives_no_heartbeats_and_goes_on_with_them_afterwards(database):
    with lease(database, "main", time_to_live=0.06) as held:
        with held.idle():
            still = expires(database)
            time.sleep(0.2)
            assert expires(database) == still
            held.check()
        assert expires(database) > still
        last, until = expires(database), time.monotonic() + 10
        while expires(database) <= last:
            assert time.monotonic() < until
            time.sleep(0.01)
        held.check()


def test_an_idle_owner_that_was_taken_over_learns_from_whom_when_it_wakes(path, database):
    with lease(database, "main", time_to_live=0.05) as held:
        other = Database(path)
        taken = ExitStack()
        with pytest.raises(LeaseHeldError, match=rf"took over: process {os.getpid()} on "), held.idle():
            taken.enter_context(later(other))
        assert held.is_lost
        with pytest.raises(LeaseHeldError, match="took over"):
            held.check()
        with pytest.raises(LeaseHeldError, match="took over"), held.idle():
            pytest.fail("a lost lease is nothing to be idle on")
        owner = database.execute("SELECT token FROM leases")
    assert database.execute("SELECT token FROM leases") == owner
    taken.close()
    assert rows(database) == []
    other.close()


def test_an_idle_owner_learns_also_of_one_that_came_and_went(database):
    with lease(database, "main", time_to_live=0.05) as held:
        with (
            pytest.raises(LeaseHeldError, match="another took over and has finished since"),
            held.idle(),
        ):
            come_and_go(database)
        assert rows(database) == []


def test_who_leaves_while_idle_tells_its_own_reason_and_gives_the_lease_back(database):
    with pytest.raises(KeyboardInterrupt), lease(database, "main") as held, held.idle():
        raise KeyboardInterrupt
    assert rows(database) == []


def test_after_a_long_sleep_the_first_look_finds_out_before_the_heart_beats(database, monkeypatch):
    monkeypatch.setattr(leases, "_keep", lambda *_: None)  # the heart has not woken up yet
    with lease(database, "main", time_to_live=0.02) as held:
        held.check()
        time.sleep(0.04)
        held.check()
        assert expires(database) > time.time() - 0.01
        time.sleep(0.04)
        change(database, token="another's")
        with pytest.raises(LeaseHeldError, match="took over"):
            held.check()


def test_two_that_take_over_at_once_do_not_both_get_it(path, database, holder):
    holder.send_signal(signal.SIGSTOP)
    change(database, expires=time.time() - 1)
    got, refused = [], []
    ready, end = threading.Barrier(4), threading.Event()

    def try_it(number):
        own = Database(path)
        ready.wait()
        try:
            with lease(own, "main", take_over=True):
                got.append(number)
                end.wait(10)
        except LeaseHeldError:
            refused.append(number)
        own.close()

    threads = [threading.Thread(target=partial(try_it, number)) for number in range(4)]
    for thread in threads:
        thread.start()
    until = time.monotonic() + 10
    while len(got) + len(refused) < 4 and time.monotonic() < until:
        time.sleep(0.01)
    end.set()
    for thread in threads:
        thread.join()
    assert (len(got), len(refused)) == (1, 3)


def test_another_process_with_the_owners_number_is_not_the_owner(database, holder):
    change(database, started="1")
    with lease(database, "main"):
        assert rows(database) == [("main", os.getpid())]


def test_another_machines_lease_counts_until_its_heartbeats_stop(database):
    with database.transaction():
        database.execute(
            "INSERT INTO leases VALUES ('main', 'token', 'far', 'far away', 1, '1', 0, ?)",
            (time.time() + 20,),
        )
    with (
        pytest.raises(LeaseHeldError, match=r"Process 1 on far .* since 1970"),
        lease(database, "main"),
    ):
        pass
    change(database, expires=time.time() - 1)
    with lease(database, "main"):
        assert rows(database) == [("main", os.getpid())]


def test_heartbeats_prolong_the_lease(database):
    with lease(database, "main", time_to_live=0.15):
        first = database.execute("SELECT expires FROM leases")[0][0]
        until = time.monotonic() + 10
        while database.execute("SELECT expires FROM leases")[0][0] <= first + 0.15:
            assert time.monotonic() < until
            time.sleep(0.01)


def test_a_lease_that_another_took_is_noticed_and_not_given_back_for_it(database):
    with lease(database, "main", time_to_live=0.03) as held:
        change(database, token="another's")
        until = time.monotonic() + 10
        while not held.is_lost and time.monotonic() < until:
            time.sleep(0.01)
        with pytest.raises(LeaseHeldError, match=r"lost its hold on run 'main'.*tnt show"):
            held.check()
    assert database.execute("SELECT token FROM leases") == [("another's",)]


def test_a_database_that_fails_for_a_while_ends_neither_heartbeats_nor_the_work(
    database, monkeypatch, caplog
):
    beaten, failures = threading.Event(), []
    beat = leases.Lease.beat

    def unsteady(self):
        if not failures:
            failures.append(True)
            raise StorageError("no room left")
        beaten.set()
        return beat(self)

    monkeypatch.setattr(leases.Lease, "beat", unsteady)
    with lease(database, "main", time_to_live=0.03) as held:
        assert beaten.wait(10)
        held.check()
    assert "could not be prolonged: no room left" in caplog.text


def test_a_lease_that_cannot_be_given_back_does_not_hide_the_outcome_of_the_work(
    database, monkeypatch, caplog
):
    def fail(self):
        raise StorageError("no room left")

    monkeypatch.setattr(leases.Lease, "release", fail)
    with pytest.raises(RuntimeError, match="the work's own"), lease(database, "main"):
        raise RuntimeError("the work's own")
    assert "stays in the database: no room left" in caplog.text


def test_without_a_process_table_a_living_number_counts_as_the_owner(database, holder, monkeypatch):
    monkeypatch.setattr(leases.Path, "read_text", _missing)
    monkeypatch.setattr(leases.os, "readlink", _missing)
    change(database, machine=leases._machine(), started="")
    with pytest.raises(LeaseHeldError), lease(database, "main"):
        pass
    holder.kill()
    holder.wait()
    with lease(database, "main"):
        assert rows(database) == [("main", os.getpid())]


def test_a_process_of_another_user_counts_as_alive(database, holder, monkeypatch):
    monkeypatch.setattr(leases.os, "kill", _forbidden)
    with pytest.raises(LeaseHeldError), lease(database, "main"):
        pass


def _missing(*_, **__):
    raise FileNotFoundError


def _forbidden(*_):
    raise PermissionError
