"""Corpora as batches: the rows, the ids and the errors are those of `read_corpus`, whatever the source."""

import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyarrow import parquet
from tnt_llm.checkpoints import batches
from tnt_llm.checkpoints.batches import Batch, CorpusBatches
from tnt_llm.checkpoints.readers import read_corpus
from tnt_llm.taxonomy.errors import CorpusError

TEXTS = [
    "plain",
    "",
    "nu\0ll",
    "ünï😀",
    "two\nlines",
    '"quoted", with commas',
    "  ",
    "x" * 300,
    "=1+1",
    "last",
]


def rows_of(source: Any, rows: int = 3, **options: Any) -> list[tuple[int, str, str]]:
    """(number, id, text) of every row of the batches."""
    found = []
    for batch in CorpusBatches(source, rows=rows, **options):
        assert 0 < len(batch) <= rows
        assert batch.ids.type == batch.texts.type == pa.string()
        assert not batch.ids.null_count
        assert not batch.texts.null_count
        numbers = range(batch.first, batch.first + len(batch))
        found += list(zip(numbers, batch.ids.to_pylist(), batch.texts.to_pylist(), strict=True))
    return found


def rows_one_by_one(source: Any, **options: Any) -> list[tuple[int, str, str]]:
    return [(one.number, one.id, one.text) for one in read_corpus(source, **options)]


def jsonl(path: Path, *records: object) -> Path:
    path.write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return path


def table(path: Path, **columns: Any) -> Path:
    parquet.write_table(pa.table(columns), path, row_group_size=4)
    return path


def every_kind(folder: Path) -> list[Any]:
    """The same texts in every form."""
    import pandas as pd

    (folder / "texts").mkdir()
    for number, text in enumerate(TEXTS):
        (folder / "texts" / f"{number}.txt").write_text(text, encoding="utf-8")
    frame = pd.DataFrame({"id": range(10), "text": TEXTS})
    frame.to_csv(folder / "c.csv", index=False)
    frame.to_csv(folder / "c.tsv", index=False, sep="\t")
    (folder / "c.txt").write_text("\n".join(text.replace("\n", " ") for text in TEXTS), encoding="utf-8")
    return [
        folder / "texts",
        folder / "c.csv",
        folder / "c.tsv",
        folder / "c.txt",
        jsonl(folder / "c.jsonl", *({"text": text, "id": number} for number, text in enumerate(TEXTS))),
        table(folder / "c.parquet", text=TEXTS, id=list(range(10))),
        table(folder / "named.pq", text=TEXTS, id=[f"i\0{number}" for number in range(10)]),
        table(folder / "bare.parquet", text=pa.array(TEXTS, pa.large_string())),
        table(folder / "coded.parquet", text=pa.array(TEXTS).dictionary_encode(), id=[1.5] * 10),
        table(folder / "bytes.parquet", text=[text.encode() for text in TEXTS], id=["a", None] * 5),
        table(folder / "numbers.parquet", text=[1.5, None, float("nan"), 2.0], id=[True, None, False, True]),
        table(folder / "nulls.parquet", text=["a", None, "b"], id=[7, None, 9]),
        frame,
        TEXTS,
        [{"text": text, "id": None if text == "" else text[:2]} for text in TEXTS],
        list(read_corpus(TEXTS)),
    ]


@pytest.mark.parametrize("rows", [1, 3, 4, 100])
def test_every_kind_of_source_gives_the_rows_that_it_gives_one_by_one(tmp_path: Path, rows: int):
    for source in every_kind(tmp_path):
        expected = rows_one_by_one(source)
        assert len(expected) >= 3
        assert rows_of(source, rows) == expected, source


def test_streams_are_read_as_well():
    assert rows_of(io.BytesIO(b"\xef\xbb\xbfone\ntwo\n")) == [(0, "0", "one"), (1, "1", "two")]
    assert rows_of(str(number) for number in range(7)) == [(n, str(n), str(n)) for n in range(7)]


@pytest.mark.parametrize("text", ["a\ud83d", "\udc00"])
def test_half_a_character_is_mended_as_it_is_one_by_one(tmp_path: Path, text: str):
    for source in ([text, "whole"], jsonl(tmp_path / "c.jsonl", {"text": text, "id": text}, {"text": "x"})):
        assert rows_of(source) == rows_one_by_one(source)
        assert "\ufffd" in rows_of(source)[0][2]


def test_columns_can_be_named(tmp_path: Path):
    path = table(tmp_path / "c.parquet", body=["x"], id=["1"], key=["k"])
    assert rows_of(path, text_column="body", id_column="key") == [(0, "k", "x")]
    assert rows_of(path, text_column="body") == [(0, "1", "x")]
    assert rows_of(path, text_column="id") == [(0, "0", "1")]


def faulty(folder: Path) -> list[Any]:
    bad = pa.array([b"fine", b"fine", b"\xff"]).view(pa.string())
    (folder / "c.csv").write_bytes(b"id,text\n1,fine\n2,fine\n3,caf\xe9\n")
    (folder / "no.parquet").write_text("text")
    (folder / "empty").mkdir()
    return [
        table(folder / "bad.parquet", text=bad),
        table(folder / "badid.parquet", text=["a", "b", "c"], id=bad),
        table(folder / "bytes.parquet", text=[b"fine", b"fine", b"\xff"]),
        table(folder / "nested.parquet", text=[["x"]]),
        table(folder / "body.parquet", body=["x"]),
        folder / "no.parquet",
        folder / "c.csv",
        folder / "empty",
        jsonl(folder / "c.jsonl", {"text": "x"}, {"body": "y"}),
        ["x", 3],
    ]


def test_every_fault_is_told_as_it_is_one_by_one(tmp_path: Path):
    for source in faulty(tmp_path):
        with pytest.raises(CorpusError) as expected:
            rows_one_by_one(source)
        with pytest.raises(CorpusError) as found:
            rows_of(source)
        assert str(found.value) == str(expected.value)


def test_an_id_that_is_not_utf8_names_its_row(tmp_path: Path):
    path = table(
        tmp_path / "c.parquet", text=["a", "b", "c"], id=pa.array([b"1", b"2", b"\xff"]).view(pa.string())
    )
    with pytest.raises(CorpusError, match="row 3: not UTF-8"):
        rows_of(path)


@pytest.mark.parametrize("name", ["nowhere.parquet", "c.xlsx", "c"])
def test_what_cannot_be_read_at_all_is_refused_before_the_first_batch(tmp_path: Path, name: str):
    if name != "nowhere.parquet":
        (tmp_path / name).write_text("x")
    with pytest.raises(CorpusError):
        CorpusBatches(tmp_path / name, rows=3)


def test_long_texts_make_smaller_batches(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(batches, "_CHARACTERS", 1000)
    texts = [f"{number}" * 300 for number in range(9)] + ["same" * 100] * 40
    sources = [
        texts,
        table(tmp_path / "c.parquet", text=texts),
        table(tmp_path / "d.parquet", text=["same" * 100] * 40),
    ]
    for source in sources:
        sizes = [sum(map(len, batch.texts.to_pylist())) for batch in CorpusBatches(source, rows=1000)]
        assert len(sizes) > 5
        assert max(sizes) <= 1500
        assert rows_of(source, 1000) == rows_one_by_one(source)


def test_the_same_corpus_is_cut_alike_each_time(tmp_path: Path):
    path = table(tmp_path / "c.parquet", text=[str(number) for number in range(50)])
    cuts = [[batch.first for batch in CorpusBatches(path, rows=7)] for _ in range(2)]
    assert cuts[0] == cuts[1]


def test_the_total_is_known_where_it_costs_nothing(tmp_path: Path):
    sources = every_kind(tmp_path)
    for source in (sources[0], sources[5], sources[12], sources[13]):
        corpus = CorpusBatches(source, rows=3)
        next(iter(corpus))
        assert corpus.total == 10
    assert CorpusBatches(iter(TEXTS), rows=3).total is None
    assert CorpusBatches(io.StringIO("x"), rows=3).total is None


def test_the_total_of_a_file_of_lines_is_estimated_from_what_is_read_of_it(tmp_path: Path):
    path = tmp_path / "c.txt"
    path.write_text("a line of some length\n" * 100_000)
    corpus = CorpusBatches(path, rows=10_000)
    assert corpus.total is None
    totals = [corpus.total for _ in corpus]
    assert all(total is not None and 80_000 < total <= 100_000 for total in totals)
    assert totals[-1] == corpus.total == 100_000


def test_a_batch_can_be_sliced():
    batch = next(iter(CorpusBatches(TEXTS, rows=5)))
    part = batch.slice(2, 4)
    assert (part.first, part.ids.to_pylist(), part.texts.to_pylist()) == (2, ["2", "3"], ["null", "ünï😀"])
    assert isinstance(part, Batch)
    assert len(batch.slice(3)) == 2
