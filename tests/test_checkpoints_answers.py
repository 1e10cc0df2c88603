"""Answers and what they cost: kept at once, paid by one run, shared by all."""

import threading

import pytest
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.llm.store import MemoryStore
from tnt_llm.taxonomy.errors import StorageError


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "work", create=True) as opened:
        yield opened


def put(store, key, payload="{}", *, stage="label", tokens=10, cost=0.5):
    store.put(
        key,
        payload,
        model="fake",
        stage=stage,
        prompt_tokens=tokens,
        cached_tokens=tokens // 2,
        completion_tokens=1,
        seconds=0.25,
        cost=cost,
    )


@pytest.mark.parametrize("kind", ["in memory", "in the workspace"])
def test_every_store_keeps_the_first_answer_and_adds_up_the_cost(workspace, kind):
    store = MemoryStore() if kind == "in memory" else workspace.answers.for_run("main")
    assert store.get("k") is None
    assert store.usage() == {}
    put(store, "k", "first")
    put(store, "k", "second")
    put(store, "l", stage="update")
    assert store.get("k") == "first"
    assert store.usage() == {"label": (2, 20, 10, 2, 0.5, 1.0), "update": (1, 10, 5, 1, 0.25, 0.5)}


def test_an_answer_is_there_for_every_run_and_after_opening_again(tmp_path):
    with Workspace.open(tmp_path / "work", create=True) as workspace:
        put(workspace.answers.for_run("main"), "k", '{"text": "é"}')
    with Workspace.open(tmp_path / "work") as workspace:
        assert workspace.answers.for_run("other").get("k") == '{"text": "é"}'
        assert workspace.answers.for_run("other").get("unknown") is None


def test_each_run_pays_for_its_own_calls_by_stage(workspace):
    main, fork = workspace.answers.for_run("main"), workspace.answers.for_run("fork")
    put(main, "a")
    put(main, "b")
    put(main, "c", stage="update", tokens=100)
    put(fork, "d")
    assert main.usage() == {"label": (2, 20, 10, 2, 0.5, 1.0), "update": (1, 100, 50, 1, 0.25, 0.5)}
    assert fork.usage() == {"label": (1, 10, 5, 1, 0.25, 0.5)}
    assert workspace.answers.for_run("new").usage() == {}


def test_the_first_answer_to_a_key_stays_and_the_second_is_paid_too(workspace):
    main = workspace.answers.for_run("main")
    put(main, "k", '"first"')
    put(main, "k", '"second"')
    assert main.get("k") == '"first"'
    assert main.usage()["label"][0] == 2
    assert workspace.answers.count() == 1
    assert workspace.database.execute("SELECT key, count(*) FROM calls GROUP BY key") == [("k", 2)]


def test_the_ledger_is_the_sum_of_the_calls(workspace):
    main = workspace.answers.for_run("main")
    for n in range(30):
        put(main, f"k{n}", tokens=n, cost=n / 8, stage=f"stage {n % 3}")
    summed = workspace.database.execute(
        "SELECT stage, count(*), sum(prompt_tokens), sum(cached_tokens), sum(completion_tokens), "
        "sum(seconds), sum(cost) FROM calls WHERE run = 'main' GROUP BY stage"
    )
    assert main.usage() == {stage: tuple(totals) for stage, *totals in summed}


def test_threads_may_put_at_the_same_time(workspace):
    main = workspace.answers.for_run("main")
    threads = [
        threading.Thread(target=lambda t=t: [put(main, f"{t} {n}") for n in range(20)]) for t in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert workspace.answers.count() == main.usage()["label"][0] == 80


def test_a_full_disk_stores_neither_the_answer_nor_its_cost(workspace):
    main = workspace.answers.for_run("main")
    put(main, "kept")
    pages = workspace.database.execute("PRAGMA page_count")[0][0]
    workspace.database.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StorageError, match="no room left"):
        put(main, "lost", "x" * 100_000)
    assert main.get("kept") == "{}"
    assert main.get("lost") is None
    assert main.usage()["label"][0] == 1


def test_a_payload_with_half_an_emoji_is_stored(workspace):
    main = workspace.answers.for_run("main")
    put(main, "k", '{"text": "\ud83d"}')
    assert main.get("k") == '{"text": "\ufffd"}'
