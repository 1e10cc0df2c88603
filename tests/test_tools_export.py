"""taxonomy.json and the label tables."""

import csv
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyarrow import parquet
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.classifiers.tables import TableRow
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.errors import StorageError
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.tools.export import export_labels, export_taxonomy, table_rows

TAXONOMY = Taxonomy(
    categories=(
        Category(id="c1", name="Travel", description="On the way."),
        Category(id="c2", name="Żółte bagaże", description="Bags.", parent="c1", exemplars=(2, 0, 99)),
        Category(id="c3", name="Meals", description="Food."),
    )
)
DOCUMENTS = [Document(0, "a", "my bag"), Document(1, "b", "hello"), Document(2, "a", "my other bag")]


def write_taxonomy(path: Path, documents: list[Document] = DOCUMENTS) -> None:
    export_taxonomy(
        path,
        use_case="Learn",
        version="v9",
        taxonomy=TAXONOMY,
        counts={"c2": 2, None: 1},
        documents_by_number={document.number: document for document in documents},
    )


def test_taxonomy_json_holds_every_category_with_count_and_the_users_own_ids(tmp_path):
    write_taxonomy(tmp_path / "taxonomy.json")
    content = json.loads((tmp_path / "taxonomy.json").read_text(encoding="utf-8"))
    assert list(content) == ["use_case", "version", "categories", "undefined"]
    assert (content["use_case"], content["version"], content["undefined"]) == ("Learn", "v9", 1)
    assert [category["count"] for category in content["categories"]] == [0, 2, 0]
    assert content["categories"][1] == {
        "id": "c2",
        "name": "Żółte bagaże",
        "description": "Bags.",
        "parent": "c1",
        "exemplars": ["a", "a"],
        "count": 2,
    }


def test_taxonomy_json_can_be_read_by_people(tmp_path):
    write_taxonomy(tmp_path / "taxonomy.json")
    assert "Żółte bagaże" in (tmp_path / "taxonomy.json").read_text(encoding="utf-8")


def test_half_a_surrogate_pair_in_an_id_does_not_stop_the_export(tmp_path):
    write_taxonomy(tmp_path / "taxonomy.json", [Document(2, "x\ud800", "text")])
    content = json.loads((tmp_path / "taxonomy.json").read_text(encoding="utf-8"))
    assert content["categories"][1]["exemplars"] == ["x?"]


def test_a_taxonomy_that_cannot_be_written_is_a_storage_error_and_leaves_nothing(tmp_path):
    (tmp_path / "taxonomy.json").mkdir()
    with pytest.raises(StorageError, match=r"taxonomy\.json"):
        write_taxonomy(tmp_path / "taxonomy.json")
    assert [path.name for path in tmp_path.rglob("*")] == ["taxonomy.json"]


def label(number: int, primary: str | None, *others: str, reason: str = "") -> LabelRow:
    every = (primary, *others) if primary else ()
    return LabelRow(number, primary, every, 0.75, Source.LLM, reason)


def test_every_document_gets_one_row_also_without_a_label():
    rows = list(table_rows(DOCUMENTS, [label(0, "c2", "c3"), label(2, None, reason="spam")], TAXONOMY))
    assert rows == [
        TableRow("a", "c2", "Żółte bagaże", ("Żółte bagaże", "Meals"), 0.75, "llm", ""),
        TableRow("b", None, "undefined", (), 0.0, "", ""),
        TableRow("a", None, "undefined", (), 0.75, "llm", "spam"),
    ]


def test_a_category_that_the_taxonomy_lacks_is_undefined():
    row = next(table_rows(DOCUMENTS, [label(0, "gone", "c3")], TAXONOMY))
    assert (row.primary_id, row.primary, row.all) == (None, "undefined", ("Meals",))


def test_labels_of_documents_that_are_not_asked_for_are_passed_over():
    rows = list(table_rows(DOCUMENTS[2:], [label(0, "c1"), label(1, "c1"), label(2, "c3")], TAXONOMY))
    assert [row.primary for row in rows] == ["Meals"]


def some_rows(count: int) -> Iterator[TableRow]:
    for number in range(count):
        yield TableRow(f"id{number}", "c3", "Meals", ("Meals", "Travel"), 0.5, "student", "")


def test_both_tables_hold_all_rows_in_order(tmp_path):
    assert export_labels(tmp_path, some_rows(9_000)) == 9_000
    with (tmp_path / "labels.csv").open(encoding="utf-8", newline="") as file:
        table = list(csv.DictReader(file))
    columns = parquet.read_table(tmp_path / "labels.parquet").to_pydict()
    assert [row["id"] for row in table] == columns["id"] == [f"id{number}" for number in range(9_000)]
    assert list(columns) == list(table[0])
    assert list(columns) == ["id", "primary_id", "primary", "all", "confidence", "source", "reason"]
    assert table[0]["all"] == "Meals|Travel"
    assert columns["all"][0] == ["Meals", "Travel"]


def test_no_rows_give_two_empty_tables(tmp_path):
    assert export_labels(tmp_path, iter(())) == 0
    assert parquet.read_table(tmp_path / "labels.parquet").num_rows == 0
    assert (tmp_path / "labels.csv").read_text().splitlines() == [
        "id,primary_id,primary,all,confidence,source,reason"
    ]


def test_when_the_rows_break_off_the_old_tables_stay(tmp_path):
    export_labels(tmp_path, some_rows(3))
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}

    def broken() -> Iterator[TableRow]:
        yield from some_rows(5_000)
        raise RuntimeError("the database went away")

    with pytest.raises(RuntimeError, match="went away"):
        export_labels(tmp_path, broken())
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
