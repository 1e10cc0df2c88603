"""docs/file-formats.md names every file, key, column and table that there is, and no other."""

import json
import re
from pathlib import Path

import pytest
from tnt_llm.checkpoints.schema import SCHEMA
from tnt_llm.classifiers.tables import TableRow
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.tools.export import export_taxonomy

PAGE = Path(__file__).parents[1] / "docs" / "file-formats.md"


def first_cells(heading: str) -> list[str]:
    """What stands in backticks in the first column of the tables under a heading."""
    sections = re.split(r"^## (.+)$", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    section = dict(zip(sections[1::2], sections[2::2], strict=True))[heading]
    return re.findall(r"^\| `([^`]+)`", section, flags=re.MULTILINE)


def test_every_key_of_taxonomy_json_is_described_in_order(tmp_path):
    export_taxonomy(
        tmp_path / "taxonomy.json",
        use_case="Learn",
        version="v",
        taxonomy=Taxonomy(categories=(Category(id="c", name="Name", description="Text."),)),
        counts={},
        documents_by_number={},
    )
    content = json.loads((tmp_path / "taxonomy.json").read_text(encoding="utf-8"))
    assert first_cells("taxonomy.json") == [*content, *content["categories"][0]]


def test_every_column_of_the_label_tables_is_described_in_order():
    assert first_cells("labels.parquet, labels.csv") == list(TableRow._fields)


def test_every_table_of_the_workspace_is_described():
    tables = [name for sql in SCHEMA for name in re.findall(r"CREATE TABLE IF NOT EXISTS (\w+)", sql)]
    assert first_cells("workspace.sqlite") == tables


@pytest.mark.parametrize("name", ["taxonomy.json", "labels.parquet", "labels.csv", "report.html"])
def test_every_output_of_a_run_stands_in_the_tree(name):
    tree = PAGE.read_text(encoding="utf-8").split("```")[1]
    assert f"── {name}\n" in tree
