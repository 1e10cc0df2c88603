"""The table of labels: three formats of the same rows, as a whole or not at all."""

import csv
import io
import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import parquet
from tnt_llm.classifiers import tables
from tnt_llm.classifiers.tables import LabelWriter, TableRow
from tnt_llm.taxonomy.errors import SettingsError, StorageError

ROWS = [
    TableRow("a1", "c1", "Payments", ("Payments", "Refunds"), 0.912345, "llm", 'It asks for money, "now".'),
    TableRow("a1", None, "undefined", (), 1.0),
    TableRow("ünï|cödé", "c2", "Refunds", ("Refunds",), 0.5, "lineage", "two\nlines"),
]
FORMATS = [".csv", ".jsonl", ".parquet"]


def write(path: Path, rows=ROWS) -> Path:
    with LabelWriter(path) as writer:
        writer.write(rows)
    return path


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def read_back(path: Path) -> list[dict[str, object]]:
    if path.suffix == ".parquet":
        return parquet.read_table(path).to_pylist()
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    found: list[dict[str, object]] = []
    for row in read_csv(path):
        names = row["all"].split("|") if row["all"] else []
        found.append(
            row
            | {"primary_id": row["primary_id"] or None, "all": names, "confidence": float(row["confidence"])}
        )
    return found


@pytest.mark.parametrize("suffix", FORMATS)
def test_rows_come_back_in_order_with_all_their_fields(tmp_path: Path, suffix: str):
    expected = [
        row._asdict() | {"all": list(row.all), "confidence": round(row.confidence, 4)} for row in ROWS
    ]
    assert read_back(write(tmp_path / f"labels{suffix}")) == expected


@pytest.mark.parametrize("suffix", FORMATS)
def test_plain_tuples_do_as_well(tmp_path: Path, suffix: str):
    plain = write(tmp_path / f"plain{suffix}", [tuple(row) for row in ROWS])
    assert read_back(plain) == read_back(write(tmp_path / f"labels{suffix}"))


@pytest.mark.parametrize("suffix", FORMATS)
def test_more_rows_than_are_held_at_once_all_arrive(tmp_path: Path, monkeypatch, suffix: str):
    monkeypatch.setattr(tables, "_BATCH", 10)
    rows = [TableRow(str(number), "c", "C", ("C",), 0.5) for number in range(33)]
    with LabelWriter(tmp_path / f"labels{suffix}") as writer:
        for row in rows:
            writer.write([row])
            assert len(writer._held) < 10
    assert [row["id"] for row in read_back(tmp_path / f"labels{suffix}")] == [
        str(number) for number in range(33)
    ]


@pytest.mark.parametrize("suffix", FORMATS)
def test_no_rows_make_a_table_that_can_be_read(tmp_path: Path, suffix: str):
    assert read_back(write(tmp_path / f"labels{suffix}", [])) == []


def test_an_empty_table_has_its_header_or_schema(tmp_path: Path):
    assert (
        write(tmp_path / "labels.csv", []).read_text()
        == "id,primary_id,primary,all,confidence,source,reason\n"
    )
    assert tuple(parquet.read_schema(write(tmp_path / "labels.parquet", [])).names) == TableRow._fields


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_a_csv_cell_that_a_spreadsheet_would_run_is_made_inert(tmp_path: Path, start: str):
    bad = f"{start}HYPERLINK(1)"
    row = read_csv(write(tmp_path / "labels.csv", [TableRow(bad, bad, bad, (bad,), 0.5, "llm", bad)]))[0]
    assert {row[name] for name in ("id", "primary_id", "primary", "all", "reason")} == {
        f"'{bad}".replace("\r", "\n")
    }


@pytest.mark.parametrize("suffix", [".jsonl", ".parquet"])
def test_other_formats_keep_such_a_text_as_it_is(tmp_path: Path, suffix: str):
    assert (
        read_back(write(tmp_path / f"l{suffix}", [TableRow("=1+1", "c", "C", ("C",), 0.5)]))[0]["id"]
        == "=1+1"
    )


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_id_with_half_a_character_costs_no_table(tmp_path: Path, suffix: str):
    assert (
        read_back(write(tmp_path / f"l{suffix}", [TableRow("a\ud800", "c", "C", ("C",), 0.5)]))[0]["id"]
        == "a?"
    )


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_error_in_the_middle_leaves_the_old_table_and_no_other_file(tmp_path: Path, suffix: str):
    path = write(tmp_path / f"labels{suffix}")
    before = path.read_bytes()

    def broken() -> Iterator[TableRow]:
        yield from ROWS
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        write(path, broken())
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("suffix", FORMATS)
def test_an_error_at_the_last_flush_leaves_no_file(tmp_path: Path, suffix: str):
    wrong = TableRow("a", "c", "C", ("C",), "half")  # type: ignore[arg-type]
    with pytest.raises((TypeError, ValueError)):
        write(tmp_path / f"labels{suffix}", [wrong])
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("breaking", ["\r", "\n", "\r\n", '"', ","])
def test_no_character_in_a_text_breaks_a_csv_row(tmp_path: Path, breaking: str):
    row = TableRow(f"a{breaking}b", "c", "C", ("C",), 0.5, "llm", f"x{breaking}y")
    found = read_csv(write(tmp_path / "labels.csv", [row, row]))
    expected = breaking.replace("\r\n", "\n").replace("\r", "\n")
    assert [(one["id"], one["reason"]) for one in found] == [(f"a{expected}b", f"x{expected}y")] * 2


def test_a_full_disk_is_told_and_leaves_no_file(tmp_path: Path, monkeypatch):
    def full(rows: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(tables, "csv_lines", full)
    with pytest.raises(StorageError, match="room"):
        write(tmp_path / "labels.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["labels.xlsx", "labels", "labels.csv.gz"])
def test_another_suffix_is_refused_with_those_that_work(tmp_path: Path, name: str):
    with pytest.raises(SettingsError, match=r"\.csv, \.jsonl, \.parquet"):
        LabelWriter(tmp_path / name)


def test_the_suffix_may_be_in_capitals_and_the_folder_new(tmp_path: Path):
    assert len(read_csv(write(tmp_path / "new" / "LABELS.CSV"))) == 3


ODD = st.text(st.sampled_from("ab|=+-@,;\"'\\\t\n\r\x01\x7f é😀"), max_size=6)
TABLE_ROWS = st.builds(
    TableRow,
    id=ODD,
    primary_id=st.none() | ODD,
    primary=ODD,
    all=st.lists(ODD, max_size=3).map(tuple),
    confidence=st.floats(0, 1),
    source=st.sampled_from(["student", "llm", ""]),
    reason=ODD,
)


def by_the_csv_module(rows: list[TableRow]) -> str:
    """The CSV file, written row by row."""

    def inert(text: str) -> str:
        text = f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
        return text.replace("\r\n", "\n").replace("\r", "\n")

    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(TableRow._fields)
    for row in rows:
        cells = [inert(cell) for cell in (row.id, row.primary_id or "", row.primary, "|".join(row.all))]
        writer.writerow([*cells, f"{round(row.confidence, 4):.4f}", row.source, inert(row.reason)])
    return file.getvalue()


@given(st.lists(TABLE_ROWS, max_size=5))
def test_columns_are_written_as_the_csv_module_writes_rows(tmp_path_factory, rows: list[TableRow]):
    path = write(tmp_path_factory.mktemp("csv") / "labels.csv", rows)
    assert path.read_bytes().decode() == by_the_csv_module(rows)


@given(st.lists(TABLE_ROWS, max_size=5))
def test_columns_are_written_as_the_json_module_writes_rows(tmp_path_factory, rows: list[TableRow]):
    path = write(tmp_path_factory.mktemp("jsonl") / "labels.jsonl", rows)
    lines = [
        json.dumps(
            row._asdict() | {"all": list(row.all), "confidence": round(row.confidence, 4)}, ensure_ascii=False
        )
        for row in rows
    ]
    assert path.read_bytes().decode() == "".join(f"{line}\n" for line in lines)


@pytest.mark.parametrize("suffix", FORMATS)
def test_a_batch_of_coded_columns_makes_the_table_that_rows_make(tmp_path: Path, suffix: str):
    plain = tables._as_batch(ROWS)
    coded = {
        name: plain.column(name).dictionary_encode() for name in ("primary_id", "primary", "source", "reason")
    }
    every = plain.column("all")
    coded["all"] = pa.ListArray.from_arrays(every.offsets, every.values.dictionary_encode())
    batch = pa.record_batch({name: coded.get(name, plain.column(name)) for name in TableRow._fields})
    with LabelWriter(tmp_path / f"coded{suffix}") as writer:
        writer.write(ROWS[:1])
        writer.write_batch(batch)
        writer.write_batch(batch.slice(1, 1))
    expected = write(tmp_path / f"rows{suffix}", [ROWS[0], *ROWS, ROWS[1]])
    assert read_back(tmp_path / f"coded{suffix}") == read_back(expected)
    if suffix == ".parquet":
        assert parquet.read_schema(tmp_path / "coded.parquet") == parquet.read_schema(expected)
