"""The corpus in the workspace: as a whole or not at all, one for good, sampled evenly."""

import signal
import subprocess
import sys

import pytest
from tnt_llm.checkpoints.readers import read_corpus
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.errors import CorpusError, CorpusMismatchError, StorageError, WorkspaceError


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "work", create=True) as opened:
        yield opened


def load(workspace, corpus, source="here"):
    return workspace.documents.load(read_corpus(corpus), source=source)


def test_documents_come_back_as_they_went_in(workspace):
    info = load(workspace, [("a", "one"), ("b", "two"), ("a", "😀")])
    assert (info.count, info.distinct, info.source) == (3, 3, "here")
    assert workspace.documents.info == info
    assert workspace.documents.get([2, 0]) == [Document(2, "a", "😀"), Document(0, "a", "one")]


def test_numbers_are_positions_whatever_the_documents_carry(workspace):
    workspace.documents.load([Document(7, "a", "one"), Document(7, "b", "two")], source="here")
    assert workspace.documents.get([0, 1]) == [Document(0, "a", "one"), Document(1, "b", "two")]


def test_text_that_cannot_be_stored_is_mended(workspace):
    workspace.documents.load([Document(0, "i\0d", "half \ud83d")], source="here")
    assert workspace.documents.get([0]) == [Document(0, "id", "half \ufffd")]


def test_batches_are_in_order_and_complete(workspace):
    load(workspace, [f"t{n}" for n in range(10)])
    batches = list(workspace.documents.batches(4))
    assert [[document.number for document in batch] for batch in batches] == [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
        [8, 9],
    ]


def test_distinct_texts_are_counted_without_blank_ones(workspace):
    assert load(workspace, ["x", "x", "", "  \n\t", "y", "\u00a0"]).distinct == 2


def test_a_sample_takes_the_first_of_equal_texts_and_no_blank_one(workspace):
    load(workspace, ["", "b", "a", "b", " ", "a", "c"])
    assert workspace.documents.sample(None, seed=0) == [1, 2, 6]
    assert workspace.documents.sample(99, seed=0) == [1, 2, 6]
    assert set(workspace.documents.sample(2, seed=0)) < {1, 2, 6}


def test_a_sample_depends_on_its_seed_alone_and_is_sorted(workspace):
    load(workspace, [f"t{n}" for n in range(1000)])
    first = workspace.documents.sample(50, seed=1)
    assert first == sorted(set(first))
    assert len(first) == 50
    assert workspace.documents.sample(50, seed=1) == first
    assert workspace.documents.sample(50, seed=2) != first


def test_samples_are_uniform(workspace):
    load(workspace, [f"t{n}" for n in range(20)])
    drawn = [number for seed in range(400) for number in workspace.documents.sample(5, seed)]
    counts = [drawn.count(number) for number in range(20)]
    assert min(counts) > 60
    assert max(counts) < 140


def test_a_corpus_of_nothing_but_blanks_loads_and_has_no_sample(workspace):
    assert load(workspace, ["", " "]).distinct == 0
    assert workspace.documents.sample(None, seed=0) == []
    assert workspace.documents.sample(3, seed=0) == []


def test_the_same_corpus_again_changes_nothing(workspace):
    first = load(workspace, ["x", "y"], source="first")
    assert load(workspace, ["x", "y"], source="second") == first
    assert workspace.database.execute("SELECT count(*) FROM documents") == [(2,)]


@pytest.mark.parametrize(
    "other",
    [["x"], ["x", "z"], ["y", "x"], ["x", "y", "y"], [("a", "x"), "y"], ["xy"], [str(n) for n in range(9)]],
)
def test_another_corpus_is_refused_and_the_loaded_one_stays(workspace, other):
    load(workspace, ["x", "y"], source="first.csv")
    with pytest.raises(
        CorpusMismatchError, match=r"another corpus.*first\.csv, 2 documents.*second\.csv.*-w OTHER"
    ):
        load(workspace, other, source="second.csv")
    assert [document.text for document in workspace.documents.get([0, 1])] == ["x", "y"]


def test_a_much_longer_corpus_is_refused_without_reading_it_to_its_end(workspace):
    load(workspace, ["x"])
    with pytest.raises(CorpusMismatchError):
        load(workspace, ("x" for _ in range(10**12)))


def test_an_empty_corpus_is_refused_before_and_after_loading(workspace):
    with pytest.raises(CorpusError, match=r"empty\.csv holds no documents"):
        load(workspace, [], source="empty.csv")
    with pytest.raises(WorkspaceError, match="holds no corpus"):
        _ = workspace.documents.info
    load(workspace, ["x"])
    with pytest.raises(CorpusError, match="holds no documents"):
        load(workspace, [])


def test_a_source_that_breaks_half_way_leaves_nothing_and_can_be_loaded_when_mended(workspace):
    def broken():
        yield "fine"
        raise CorpusError("row 2: not UTF-8")

    with pytest.raises(CorpusError, match="row 2"):
        load(workspace, broken())
    assert list(workspace.documents.batches(10)) == []
    assert load(workspace, ["fine", "mended"]).count == 2


def test_a_full_disk_leaves_nothing_of_the_corpus(workspace):
    pages = workspace.database.execute("PRAGMA page_count")[0][0]
    workspace.database.execute(f"PRAGMA max_page_count = {pages + 20}")
    with pytest.raises(StorageError, match="no room left"):
        load(workspace, (f"text {n} " * 50 for n in range(10_000)))
    assert list(workspace.documents.batches(10)) == []
    workspace.database.execute("PRAGMA max_page_count = 1000000")
    assert load(workspace, ["x"]).count == 1


def test_a_kill_in_the_middle_of_loading_leaves_nothing_and_loading_again_works(tmp_path):
    code = (
        "import os, sys\n"
        "from tnt_llm.checkpoints.readers import read_corpus\n"
        "from tnt_llm.checkpoints.workspace import Workspace\n"
        "def corpus():\n"
        "    for n in range(30_000):\n"
        "        yield f'text {n} ' * 30\n"
        "    os.kill(os.getpid(), 9)\n"
        "Workspace.open(sys.argv[1], create=True).documents.load(read_corpus(corpus()), source='child')\n"
    )
    child = subprocess.run([sys.executable, "-c", code, str(tmp_path / "work")], check=False)
    assert child.returncode == -signal.SIGKILL
    with Workspace.open(tmp_path / "work") as workspace:
        with pytest.raises(WorkspaceError, match=r"holds no corpus.*tnt run"):
            _ = workspace.documents.info
        assert list(workspace.documents.batches(10)) == []
        assert load(workspace, ["x", "y"]).count == 2


def test_a_corpus_that_another_process_loaded_meanwhile_is_compared(workspace, monkeypatch):
    load(workspace, ["x"], source="other process")
    find = workspace.documents._find_info
    answers = [None, find()]  # nothing at the first look, loaded at the second, within the transaction
    monkeypatch.setattr(type(workspace.documents), "_find_info", lambda _: answers.pop(0))
    assert load(workspace, ["x"]).source == "other process"


def test_a_number_that_is_not_there_is_told(workspace):
    load(workspace, ["x"])
    with pytest.raises(WorkspaceError, match="no document number 5"):
        workspace.documents.get([0, 5])


def test_many_documents_can_be_asked_for_at_once(workspace):
    load(workspace, [str(n) for n in range(40_000)])
    numbers = list(range(39_999, -1, -1))
    assert [document.number for document in workspace.documents.get(numbers)] == numbers


# --- a corpus that grows


def extend(workspace, base, corpus, source="more"):
    return workspace.documents.of(base.fingerprint).extend(read_corpus(corpus), source=source)


def everything(documents):
    return [(document.id, document.text) for batch in documents.batches(2) for document in batch]


def test_what_is_added_is_numbered_on_and_the_old_corpus_stays_as_it_was(workspace):
    first = load(workspace, [("a", "x"), ("b", "y"), ("c", "x")], source="old.csv")
    before = everything(workspace.documents), workspace.documents.sample(None, seed=0)
    grown = extend(workspace, first, [("a", "y"), ("z", "z"), ("q", " "), ("z", "z")], source="new.csv")
    assert (grown.count, grown.distinct, grown.source) == (7, 3, "old.csv + new.csv")
    old, new = workspace.documents.of(first.fingerprint), workspace.documents.of(grown.fingerprint)
    assert old.info == workspace.documents.info == first
    for same in (old, workspace.documents, workspace.documents.of(None)):
        assert (everything(same), same.sample(None, seed=0)) == before
    assert new.info == grown
    assert everything(new) == [*before[0], ("a", "y"), ("z", "z"), ("q", " "), ("z", "z")]
    assert new.sample(None, seed=0) == [0, 1, 4]


def test_adding_the_same_again_adds_nothing(workspace):
    first = load(workspace, ["x", "y"])
    grown = extend(workspace, first, ["z"])
    again = extend(workspace, first, ["z"], source="the same")
    further = extend(workspace, grown, ["z"])  # after it, it is more of the same
    assert again == grown
    assert (further.count, further.distinct) == (4, 3)
    assert extend(workspace, first, ["q"]).count == 5
    assert extend(workspace, first, ["q"]).count == 5


def test_a_corpus_that_grew_can_be_loaded_by_its_beginning_and_as_a_whole(workspace):
    first = load(workspace, ["x", "y"])
    grown = extend(workspace, first, [("2", "z")])
    assert load(workspace, ["x", "y"]) == first
    assert load(workspace, ["x", "y", "z"]) == grown
    with pytest.raises(CorpusMismatchError):
        load(workspace, ["x"])


def test_nothing_is_added_where_there_is_nothing_or_it_cannot_be_read(workspace):
    def broken():
        yield "fine"
        raise CorpusError("row 2: not UTF-8")

    first = load(workspace, ["x"])
    for corpus, message in (([], r"empty\.csv holds no documents"), (broken(), "row 2")):
        with pytest.raises(CorpusError, match=message):
            extend(workspace, first, corpus, source="empty.csv")
    assert workspace.database.execute("SELECT count(*) FROM documents") == [(1,)]
    assert workspace.database.execute("SELECT count(*) FROM distinct_documents") == [(1,)]


def test_a_corpus_that_is_not_there_is_told(workspace):
    load(workspace, ["x"])
    with pytest.raises(WorkspaceError, match="does not hold the corpus"):
        _ = workspace.documents.of("0" * 32).info


def test_copies_are_found_among_the_documents_before(workspace):
    load(workspace, ["x", "y", " ", "x", "z", "x", " "])
    assert workspace.documents.first_alike([1, 3, 4, 5, 6], before=3) == {1: 1, 3: 0, 5: 0}


def test_only_a_corpus_that_grew_is_kept_from_older_programs(workspace):
    workspace.database.put_meta("schema_version", "1")
    first = load(workspace, ["x"])
    assert workspace.database.get_meta("schema_version") == "1"
    extend(workspace, first, ["y"])
    assert workspace.database.get_meta("schema_version") == "2"
