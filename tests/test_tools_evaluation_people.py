"""The sheet that people fill: blind, safe, read back strictly; and their agreement with everybody."""

import csv
import io
from itertools import pairwise

import numpy as np
import pytest
from sklearn.metrics import cohen_kappa_score
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.errors import CorpusError
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.tools.evaluation.bootstrap import Bootstrap
from tnt_llm.tools.evaluation.outcome import Answers, Outcome
from tnt_llm.tools.evaluation.people import majority, people_sections
from tnt_llm.tools.evaluation.sheet import COLUMNS, Sheet, choose_documents, read_sheet, write_sheet
from toy_texts import taxonomy_of

HOW = Bootstrap(resamples=100)
TAXONOMY = taxonomy_of("rain", "snow", "wind")


def documents(*texts: str) -> list[Document]:
    return [Document(row, f"d{row}", text) for row, text in enumerate(texts)]


def answers(labels) -> Answers:
    said = {
        row: (() if label < 0 else (label,), 0.9) for row, label in enumerate(labels) if label is not None
    }
    return Answers.given(len(labels), said)


def table(path) -> list[list[str]]:
    return list(csv.reader(io.StringIO(path.read_text(encoding="utf-8-sig")), strict=True))


def fill(path, labels) -> None:
    """Write labels into a sheet, by row."""
    head, *rows = table(path)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(
            [head, *([*row[:2], label] for row, label in zip(rows, labels, strict=True))]
        )


# --- which documents ---


def choose(labels, count, *, first=None, usable=None, seed=0):
    n = len(labels)
    first = np.zeros(n, dtype=bool) if first is None else np.array(first)
    usable = np.ones(n, dtype=bool) if usable is None else np.array(usable)
    return choose_documents(answers(labels), first, usable, count, seed)


def test_a_rare_category_is_on_the_sheet():
    labels = [0] * 500 + [1] * 3 + [-1] * 2
    chosen = choose(labels, 20)
    assert len(chosen) == len(set(chosen)) == 20
    assert sum(labels[row] == 1 for row in chosen) == 3
    assert sum(labels[row] == -1 for row in chosen) == 2


def test_with_little_room_every_category_has_one_before_any_has_two():
    labels = [0] * 50 + [1] * 50 + [2] * 50
    assert sorted(labels[row] for row in choose(labels, 3)) == [0, 1, 2]


def test_documents_that_the_llm_labelled_come_before_others():
    labels = [0] * 100
    first = [row % 10 == 0 for row in range(100)]
    assert {row % 10 for row in choose(labels, 10, first=first)} == {0}
    assert sum(row % 10 == 0 for row in choose(labels, 30, first=first)) == 10


def test_documents_that_are_not_usable_are_never_drawn_and_there_may_be_fewer():
    assert sorted(choose([0] * 6, 10, usable=[True, False] * 3)) == [0, 2, 4]


def test_the_order_tells_nothing_and_the_seed_decides_it():
    labels = [0] * 30 + [1] * 30
    chosen = choose(labels, 40)
    assert chosen != sorted(chosen)
    assert chosen == choose(labels, 40)
    assert chosen != choose(labels, 40, seed=1)
    # Categories are mixed: a long block of one would be a hint.
    changes = sum(labels[a] != labels[b] for a, b in pairwise(chosen))
    assert changes > 10


def test_where_a_document_stands_does_not_tell_that_it_is_rare():
    labels = [0] * 500 + [1] * 3
    places = [
        place for seed in range(10) for place, row in enumerate(choose(labels, 40, seed=seed)) if labels[row]
    ]
    assert len(places) == 30
    assert 12 < np.mean(places) < 27  # in the middle, on average


# --- writing and reading ---


def test_the_sheet_is_blind_and_its_categories_lie_beside_it(tmp_path):
    key = write_sheet(tmp_path / "sheet.csv", documents("wet", "cold"), TAXONOMY)
    assert table(tmp_path / "sheet.csv") == [[*COLUMNS], ["d0", "wet", ""], ["d1", "cold", ""]]
    assert key == tmp_path / "sheet-categories.csv"
    rows = table(key)
    assert rows[1] == ["1", "Rain", "About rain.", ""]
    assert rows[-1][1] == "undefined"


def test_no_cell_of_the_sheet_is_a_formula_and_every_text_comes_back(tmp_path):
    nasty = [
        Document(0, "=id", '=HYPERLINK("http://x")'),
        Document(1, "-7", "@sum, with a comma"),
        Document(2, "ok", 'quotes " and\r\nlines\rand \t tabs'),
        Document(3, "007", "+1"),
    ]
    path = tmp_path / "sheet.csv"
    write_sheet(path, nasty, TAXONOMY)
    assert not [cell for row in table(path) for cell in row if cell.startswith(("=", "+", "-", "@", "\t"))]
    fill(path, ["rain", "2", " WIND ", "undefined"])
    assert read_sheet(path, nasty, TAXONOMY).labels == {0: 0, 1: 1, 2: 2, 3: -1}


def test_what_a_spreadsheet_does_to_a_sheet_does_no_harm(tmp_path):
    there = [Document(0, "007", "wet"), Document(1, "008", "cold  and\nwhite")]
    path = tmp_path / "sheet.csv"
    path.write_text("\ufeffid;text;label\r\n7;wet;Rain\r\n8;cold and white;2\r\n;;\r\n", encoding="utf-8")
    sheet = read_sheet(path, there, TAXONOMY)
    assert sheet.labels == {0: 0, 1: 1}


def test_documents_that_share_an_id_are_told_apart_by_their_text(tmp_path):
    there = [Document(0, "x", "wet"), Document(1, "x", "cold")]
    path = tmp_path / "sheet.csv"
    write_sheet(path, there, TAXONOMY)
    fill(path, ["rain", "snow"])
    assert read_sheet(path, there, TAXONOMY).labels == {0: 0, 1: 1}


def test_a_name_counts_before_a_number(tmp_path):
    taxonomy = Taxonomy(
        categories=tuple(Category(id=name, name=name, description="...") for name in ("2", "Other one"))
    )
    path = tmp_path / "sheet.csv"
    write_sheet(path, documents("wet"), taxonomy)
    fill(path, ["2"])
    assert read_sheet(path, documents("wet"), taxonomy).labels == {0: 0}


def test_labels_that_are_no_category_are_refused_with_their_rows(tmp_path):
    path = tmp_path / "sheet.csv"
    write_sheet(path, documents("a", "b", "c"), TAXONOMY)
    fill(path, ["rain", "hail", "4"])
    with pytest.raises(
        CorpusError, match=r"2 labels are no category: row 2 \('hail'\), row 3 \('4'\).*Rain, Snow"
    ):
        read_sheet(path, documents("a", "b", "c"), TAXONOMY)


def test_rows_of_no_document_are_refused(tmp_path):
    path = tmp_path / "sheet.csv"
    write_sheet(path, documents("a", "b"), TAXONOMY)
    fill(path, ["rain", "snow"])
    with pytest.raises(CorpusError, match=r"1 of 2 rows are of no document of this run: row 2 \('d1'\)"):
        read_sheet(path, documents("a"), TAXONOMY)


def test_a_half_filled_sheet_is_read_with_a_note_and_an_empty_one_refused(tmp_path):
    path = tmp_path / "anna.csv"
    write_sheet(path, documents("a", "b", "c"), TAXONOMY)
    with pytest.raises(CorpusError, match="3 rows and no label in any"):
        read_sheet(path, documents("a", "b", "c"), TAXONOMY)
    fill(path, ["rain", " ", ""])
    sheet = read_sheet(path, documents("a", "b", "c"), TAXONOMY)
    assert (sheet.name, sheet.labels) == ("anna", {0: 0})
    assert sheet.notes == ("anna.csv: 2 of 3 rows have no label, the first is row 2; they are left out.",)


def test_a_document_with_two_labels_is_refused_and_with_the_same_twice_is_not(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_text("id,text,label\nd0,a,rain\nd0,a,Rain\n")
    assert read_sheet(path, documents("a"), TAXONOMY).labels == {0: 0}
    path.write_text("id,text,label\nd0,a,rain\nd0,a,snow\n")
    with pytest.raises(CorpusError, match="row 2: the document 'd0' got another label in row 1"):
        read_sheet(path, documents("a"), TAXONOMY)


def test_a_file_that_is_no_sheet_is_refused(tmp_path):
    path = tmp_path / "sheet.csv"
    path.write_text("id,label\nd0,rain\n")
    with pytest.raises(CorpusError, match="no column 'text'"):
        read_sheet(path, documents("a"), TAXONOMY)


# --- agreement ---


def outcome(n, teacher=None, student=None) -> Outcome:
    nothing = Answers.none(n)
    return Outcome(
        run="main",
        use_case="tell",
        version="v",
        taxonomy=TAXONOMY,
        documents=tuple(Document(row, f"d{row}", "text") for row in range(n)),
        labels=nothing,
        teacher=teacher or nothing,
        student=student or nothing,
        learned=np.zeros(n, dtype=bool),
        representative=np.ones(n, dtype=bool),
    )


def sheet(name, labels) -> Sheet:
    return Sheet(name, {row: label for row, label in enumerate(labels) if label is not None})


def figures_of(sections) -> dict:
    return {name: figure for section in sections for name, figure in section.figures.items()}


def test_kappa_of_each_pair_is_on_the_documents_that_both_labelled():
    draw = np.random.default_rng(0)
    anna = draw.integers(-1, 3, 60).tolist()
    ben = [label if draw.random() < 0.7 else int(draw.integers(-1, 3)) for label in anna]
    teacher = answers([*ben[:40], *[None] * 20])
    found = figures_of(people_sections(outcome(60, teacher), [sheet("anna", anna), sheet("ben", ben)], HOW))
    assert found["kappa: anna and ben"].value == pytest.approx(cohen_kappa_score(anna, ben))
    assert found["kappa: anna and LLM"].value == pytest.approx(cohen_kappa_score(anna[:40], ben[:40]))
    assert (found["kappa: anna and ben"].n, found["kappa: anna and LLM"].n) == (60, 40)
    assert found["kappa: ben and LLM"].value == 1
    assert found["mean kappa: people"].value == pytest.approx(found["kappa: anna and ben"].value)
    assert found["fleiss: people"].n == 60
    assert found["fleiss: everybody"].n == found["fleiss: people and LLM"].n == 40


def test_the_majority_is_the_label_with_the_most_votes_and_a_tie_is_none():
    labels = np.array([[0, 0, 1], [0, 1, 2], [-1, 3, 3], [-1, -1, -1], [2, -1, 1]])
    assert majority(labels, 4).tolist() == [0, -1, 3, -1, -1]


def test_llm_and_classifier_are_held_against_the_majority_of_the_people():
    people = [sheet("a", [0, 1, 2, -1]), sheet("b", [0, 1, 2, 0]), sheet("c", [0, 2, 2, 1])]
    teacher, student = answers([0, 1, 2, 0]), answers([0, 0, 2, 0])
    sections = people_sections(outcome(4, teacher, student), people, HOW)
    found = figures_of(sections)
    assert found["accuracy: LLM"].value == 1
    assert found["accuracy: classifier"].value == pytest.approx(2 / 3)
    assert found["macro_f1: classifier"].value == pytest.approx((2 / 3 + 0 + 1) / 3)
    facts = {section.key: section.facts for section in sections}
    assert facts["majority"] == {"people": 3, "agreed": 3}


def test_one_person_alone_has_no_group_and_is_the_majority():
    sections = people_sections(outcome(3, answers([0, 1, 1])), [sheet("anna", [0, 1, 2])], HOW)
    found = figures_of(sections)
    assert "fleiss: people" not in found
    assert found["accuracy: LLM"].value == pytest.approx(2 / 3)
    assert sections[-1].title.endswith("against the person")


def test_sheets_of_one_name_are_told_apart():
    names = figures_of(people_sections(outcome(2), [sheet("s", [0, 1]), sheet("s", [0, 1])], HOW))
    assert "kappa: s and s 2" in names


def test_without_sheets_there_is_nothing_to_say():
    assert people_sections(outcome(2), [], HOW) == []
