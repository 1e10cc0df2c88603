"""The tables of phrases, votes, labels and failures."""

from pathlib import Path

import pytest
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.checkpoints.phrases import Phrase
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.taxonomy.errors import StorageError


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "work", create=True) as opened:
        yield opened


def test_phrases_belong_to_a_purpose_and_come_in_the_order_asked(workspace):
    workspace.phrases.put_many(
        "by cause", {1: Phrase("late delivery"), 2: Phrase("broken box", "A box broke.")}
    )
    workspace.phrases.put_many("by mood", {1: Phrase("angry")})
    got = workspace.phrases.get("by cause", [2, 7, 1])
    assert list(got.items()) == [
        (2, Phrase("broken box", "A box broke.")),
        (1, Phrase("late delivery", None)),
    ]
    assert workspace.phrases.get("by mood", [1, 2]) == {1: Phrase("angry")}


def test_missing_phrases_are_told_in_the_order_asked(workspace):
    workspace.phrases.put_many("p", {1: Phrase("x")})
    assert workspace.phrases.missing("p", [5, 1, 3]) == [5, 3]
    assert workspace.phrases.missing("q", [5, 1]) == [5, 1]


def test_a_phrase_is_replaced_and_mended(workspace):
    workspace.phrases.put_many("p", {1: Phrase("x")})
    workspace.phrases.put_many("p", {1: Phrase("y\0", "half \ud83d")})
    assert workspace.phrases.get("p", [1]) == {1: Phrase("y", "half \ufffd")}


def test_votes_belong_to_a_version_and_a_way_of_asking(workspace):
    workspace.votes.put_many("v1", "fast/1", {3: '{"A": -0.1}', 1: '{"B": -0.2}'})
    workspace.votes.put_many("v1", "fast/2", {1: '{"C": -0.3}'})
    assert list(workspace.votes.get("v1", "fast/1").items()) == [(1, '{"B": -0.2}'), (3, '{"A": -0.1}')]
    assert workspace.votes.get("v1", "fast/2") == {1: '{"C": -0.3}'}
    assert workspace.votes.get("v2", "fast/1") == {}
    assert workspace.votes.missing("v1", "fast/1", [4, 3, 2]) == [4, 2]


def test_a_vote_is_replaced(workspace):
    workspace.votes.put_many("v", "a", {1: "1"})
    workspace.votes.put_many("v", "a", {1: "2"})
    assert workspace.votes.get("v", "a") == {1: "2"}


ROWS = [
    LabelRow(0, "billing", ("billing", "refund"), 0.75, Source.LLM, "It asks for money back."),
    LabelRow(1, None, (), 0.1, Source.STUDENT),
    LabelRow(2, "billing", ("billing",), 1.0, Source.HUMAN, "half \ufffd"),
    LabelRow(3, "app", ("app",), 0.5, Source.LINEAGE),
]


def test_labels_come_back_as_they_went_in_by_number(workspace):
    workspace.labels.put_many("main", "v", reversed(ROWS))
    assert list(workspace.labels.get("main", "v")) == ROWS
    assert list(workspace.labels.get("fork", "v")) == []
    assert list(workspace.labels.get("main", "w")) == []


def test_labels_are_counted_by_primary_the_most_frequent_first(workspace):
    workspace.labels.put_many("main", "v", ROWS)
    assert workspace.labels.counts("main", "v") == {"billing": 2, None: 1, "app": 1}
    assert next(iter(workspace.labels.counts("main", "v"))) == "billing"
    assert workspace.labels.counts("main", "w") == {}


def test_the_newest_version_with_labels_is_the_first_that_has_more_than_a_classifiers(workspace):
    workspace.labels.put_many("main", "old", ROWS)
    workspace.labels.put_many("main", "new", [LabelRow(4, "app", ("app",), 0.5, Source.LINEAGE)])
    workspace.labels.put_many("main", "guessed", [ROWS[1]])
    workspace.labels.put_many("fork", "guessed", ROWS)
    assert workspace.labels.newest("main", ["guessed", "none", "new", "old"]) == "new"
    assert workspace.labels.newest("main", ["guessed", "none"]) is None
    assert workspace.labels.newest("fork", iter(["old", "guessed"])) == "guessed"


def test_a_label_is_replaced(workspace):
    workspace.labels.put_many("main", "v", ROWS)
    workspace.labels.put_many("main", "v", [LabelRow(1, "app", ("app",), 0.9, Source.LLM)])
    assert workspace.labels.counts("main", "v") == {"app": 2, "billing": 2}


def test_more_labels_than_a_page_come_in_order(workspace):
    rows = [LabelRow(n, f"c{n % 7}", (f"c{n % 7}",), n / 20_000, Source.STUDENT) for n in range(12_000)]
    workspace.labels.put_many("main", "v", rows)
    assert list(workspace.labels.get("main", "v")) == rows


def test_labels_can_be_written_while_they_are_read(workspace):
    workspace.labels.put_many("main", "v", ROWS)
    for row in workspace.labels.get("main", "v"):
        workspace.labels.put_many("main", "w", [row])
    assert list(workspace.labels.get("main", "w")) == ROWS


def test_a_label_of_an_unknown_source_is_refused_and_none_is_written(workspace):
    with pytest.raises(ValueError, match="oracle"):
        workspace.labels.put_many("main", "v", [ROWS[0], LabelRow(1, None, (), 0.0, "oracle")])
    assert list(workspace.labels.get("main", "v")) == []


def test_a_document_has_one_failure_per_stage_the_newest(workspace):
    workspace.failures.add("main", "label", 3, "timed out", "")
    workspace.failures.add("main", "label", 3, "unknown id", "raw \ud83d\0 text")
    workspace.failures.add("main", "summarize", 3, "empty")
    workspace.failures.add("fork", "label", 3, "other run")
    assert [(f.stage, f.number, f.error, f.raw) for f in workspace.failures.list("main")] == [
        ("label", 3, "unknown id", "raw \ufffd text"),
        ("summarize", 3, "empty", ""),
    ]
    assert workspace.failures.count("main") == 2
    assert workspace.failures.count("new") == 0


def test_failures_without_a_document_are_kept_once_per_text(workspace):
    for error in ("batch 1 unreadable", "batch 2 unreadable", "batch 1 unreadable"):
        workspace.failures.add("main", "update", None, error)
    assert sorted(f.error for f in workspace.failures.list("main")) == [
        "batch 1 unreadable",
        "batch 2 unreadable",
    ]
    assert all(f.number is None for f in workspace.failures.list("main"))


def test_a_failure_of_document_0_is_not_one_without_a_document(workspace):
    workspace.failures.add("main", "label", 0, "e")
    workspace.failures.add("main", "label", None, "e")
    assert workspace.failures.count("main") == 2


MANY = {
    "phrases": lambda w: w.phrases.put_many("p", {n: Phrase("x" * 100) for n in range(5_000)}),
    "votes": lambda w: w.votes.put_many("v", "a", dict.fromkeys(range(5_000), "x" * 100)),
    "labels": lambda w: w.labels.put_many(
        "main", "v", (LabelRow(n, "x" * 100, (), 0.0, Source.LLM) for n in range(5_000))
    ),
}


@pytest.mark.parametrize("table", list(MANY))
def test_a_full_disk_writes_all_or_none(workspace, table):
    pages = workspace.database.execute("PRAGMA page_count")[0][0]
    workspace.database.execute(f"PRAGMA max_page_count = {pages + 3}")
    with pytest.raises(StorageError, match="no room left"):
        MANY[table](workspace)
    assert workspace.database.execute(f"SELECT count(*) FROM {table}") == [(0,)]


def test_labels_of_some_documents_leave_out_those_without_one(tmp_path: Path) -> None:
    with Workspace.open(tmp_path, create=True) as workspace:
        rows = [LabelRow(number, "a", ("a",), 0.5, Source.LLM) for number in (3, 1, 7)]
        workspace.labels.put_many("main", "v", rows)
        found = workspace.labels.of("main", "v", [7, 2, 3])
    assert list(found.items()) == [(3, rows[0]), (7, rows[2])]
