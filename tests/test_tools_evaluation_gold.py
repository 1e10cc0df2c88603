"""Gold labels: read and joined, compared with labels, mapped on one half and scored on the other."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.errors import CorpusError, SettingsError
from tnt_llm.tools.evaluation.against_gold import gold_sections
from tnt_llm.tools.evaluation.bootstrap import Bootstrap
from tnt_llm.tools.evaluation.evaluate import evaluate
from tnt_llm.tools.evaluation.evaluation import Evaluation
from tnt_llm.tools.evaluation.gold import Classes, Gold, GoldFile, read_gold
from tnt_llm.tools.evaluation.labelers import fidelity_section, labeler_sections, majority_mapping, split
from tnt_llm.tools.evaluation.outcome import Answers, Outcome
from toy_texts import taxonomy_of

HOW = Bootstrap(resamples=100)
NAMES = ("a", "b", "c")


def write(path: Path, text: str) -> Path:
    path.write_text(text, encoding="utf-8")
    return path


def gold_of(path: Path, ids, **given) -> Gold:
    return read_gold(GoldFile(path=path, column="topic", **given), ids)


def answers(*labels: int | None, sure: float = 0.9) -> Answers:
    """None says nothing, -1 undefined."""
    said = {
        row: (() if label < 0 else (label,), sure) for row, label in enumerate(labels) if label is not None
    }
    return Answers.given(len(labels), said)


def outcome(labels: Answers, teacher: Answers | None = None, student: Answers | None = None) -> Outcome:
    nothing = Answers.none(len(labels))
    return Outcome(
        run="main",
        use_case="tell what it is",
        version="v",
        taxonomy=taxonomy_of(*NAMES),
        documents=tuple(Document(row, f"d{row}", "text") for row in range(len(labels))),
        labels=labels,
        teacher=teacher or nothing,
        student=student or nothing,
        learned=np.zeros(len(labels), dtype=bool),
        representative=np.ones(len(labels), dtype=bool),
    )


# --- reading ---


def test_labels_are_joined_by_id_whatever_the_order(tmp_path):
    path = write(tmp_path / "gold.csv", "topic,id\nsnow,d2\nrain,d0\nrain,d1\n")
    gold = gold_of(path, ["d0", "d1", "d2"])
    assert gold.classes is not None
    assert gold.classes.names == ("rain", "snow")
    assert gold.classes.codes.tolist() == [0, 0, 1]
    assert gold.notes == ()


def test_without_a_column_of_ids_rows_are_numbered_as_the_corpus_is(tmp_path):
    gold = gold_of(write(tmp_path / "gold.csv", "topic\nrain\nsnow\n"), ["1", "0"])
    assert gold.classes is not None
    assert gold.classes.codes.tolist() == [1, 0]


def test_what_does_not_fit_together_is_told_with_numbers(tmp_path):
    path = write(tmp_path / "gold.csv", "id,topic\nd0,rain\nd1,\nd7,snow\nd8,snow\n")
    gold = gold_of(path, ["d0", "d0", "d1", "d2"])
    assert gold.classes is not None
    assert gold.classes.codes.tolist() == [0, 0, -1, -1]
    assert gold.notes == (
        "2 of 4 documents have no gold label in gold.csv ('d1', 'd2') and are left out where gold is needed.",
        "2 of 4 ids in gold.csv are no document of this run.",
        "2 documents share their id with another one: they got the same gold label.",
    )


def test_a_file_of_other_documents_is_refused_with_ids_of_both(tmp_path):
    path = write(tmp_path / "gold.csv", "id,topic\nx1,rain\nx2,snow\n")
    with pytest.raises(
        CorpusError, match=r"None of the 2 documents is among the 2 ids .* 'd0', 'd1'; .* 'x1'"
    ):
        gold_of(path, ["d0", "d1"])


def test_two_labels_for_one_id_are_refused_with_both_rows(tmp_path):
    path = write(tmp_path / "gold.csv", "id,topic\nd0,rain\nd0,rain\nd0,snow\n")
    with pytest.raises(CorpusError, match="'d0': rain in row 1 and snow in row 3"):
        gold_of(path, ["d0"])


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("gold.csv", "id,label\nd0,rain\n", "no column 'topic'; its columns are: id, label.*--gold-column"),
        ("gold.jsonl", '{"topic": "rain"}\n{"id": "d1"}\n', "row 2 has no column 'topic'"),
        ("gold.jsonl", '{"topic": \n', "row 1: not JSON"),
        ("gold.jsonl", "[1]\n", "row 1: a JSON list"),
        ("gold.csv", "", "is empty"),
        ("gold.csv", "id,topic\nd0\n", "row 1: 1 fields where the header has 2"),
        ("gold.csv", 'id,topic\nd0,"rain\n', "row 1: .*quote"),
        ("gold.csv", "id,topic\nd0,\n", "has 1 rows and no label"),
        ("gold.xls", "id", "of no kind that can be read"),
    ],
)
def test_a_file_that_cannot_be_read_says_where_and_why(tmp_path, name, text, message):
    with pytest.raises(CorpusError, match=message):
        gold_of(write(tmp_path / name, text), ["d0"])


def test_files_that_are_absent_or_not_utf8_are_refused(tmp_path):
    with pytest.raises(CorpusError, match="There is no file"):
        gold_of(tmp_path / "no.csv", ["d0"])
    (tmp_path / "latin.csv").write_bytes("id,topic\nd0,Wärme\n".encode("latin-1"))
    with pytest.raises(CorpusError, match="not UTF-8"):
        gold_of(tmp_path / "latin.csv", ["d0"])


def test_parquet_and_semicolons_are_read_too(tmp_path):
    pa = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    table = pa.table({"id": [0, 1], "topic": ["rain", None], "text": ["x", "y"]})
    parquet.write_table(table, tmp_path / "gold.parquet")
    for path in (tmp_path / "gold.parquet", write(tmp_path / "gold.csv", "id;topic\n0;rain\n1;\n")):
        gold = gold_of(path, ["0", "1"])
        assert gold.classes is not None
        assert gold.classes.codes.tolist() == [0, -1]


def test_several_labels_come_as_a_list_or_with_bars_between(tmp_path):
    lists = [
        {"id": "d0", "topic": ["rain", "snow"]},
        {"id": "d1", "topic": []},
        {"id": "d2", "topic": "rain"},
    ]
    jsonl = write(tmp_path / "gold.jsonl", "\n".join(map(json.dumps, lists)))
    csv = write(tmp_path / "gold.csv", "id,topic\nd0,rain|snow\nd1,\nd2,rain\n")
    for path in (jsonl, csv):
        gold = gold_of(path, ["d0", "d1", "d2"])
        assert gold.classes is None
        assert gold.sets == (frozenset({"rain", "snow"}), None, frozenset({"rain"}))


def test_lists_of_one_are_single_labels(tmp_path):
    gold = gold_of(write(tmp_path / "gold.jsonl", '{"id": "d0", "topic": ["rain"]}\n'), ["d0"])
    assert gold.sets is None
    assert gold.classes is not None
    assert gold.classes.names == ("rain",)


def test_a_catch_all_that_is_no_class_is_refused_with_those_that_are(tmp_path):
    path = write(tmp_path / "gold.csv", "id,topic\nd0,rain\n")
    with pytest.raises(SettingsError, match=r"'Other' is no class .* 'rain'"):
        gold_of(path, ["d0"], catch_all=("Other",))


@pytest.mark.parametrize(
    "given", [{"column": "x"}, {"id_column": "x"}, {"parent_column": "x"}, {"catch_all": ["x"]}]
)
def test_options_about_a_gold_file_that_is_not_given_are_refused(given):
    with pytest.raises(SettingsError, match="--gold FILE"):
        GoldFile.asked_for(None, **{"column": None, **given})


def test_a_gold_file_needs_its_column():
    with pytest.raises(SettingsError, match="--gold-column"):
        GoldFile.asked_for("gold.csv", column=None)
    assert GoldFile.asked_for(None, column=None) is None


# --- categories against classes ---


def test_with_a_catch_all_everything_is_measured_with_and_without_it():
    classes = Classes.of(["rain"] * 4 + ["snow"] * 4 + ["other"] * 2 + [None], ["other"])
    labels = np.array([0, 0, 0, -1, 1, 1, 1, 1, -1, 2, 2])
    both = gold_sections("gold", "Against gold", labels, NAMES, classes, HOW)
    assert [section.key for section in both] == ["gold", "gold_without_catch_all"]
    every, without = both
    assert every.figures["accuracy"].value == pytest.approx(8 / 10)
    assert without.figures["accuracy"].value == pytest.approx(7 / 8)
    assert (every.figures["accuracy"].n, without.figures["accuracy"].n) == (10, 8)
    assert every.facts["gold_classes"] == without.facts["gold_classes"] == 2
    assert every.facts["size_error"] == pytest.approx(np.log2(3 / 2))
    assert "other" in without.title


def test_the_confusion_matrix_has_matches_on_its_diagonal_and_every_document():
    classes = Classes.of(["rain"] * 3 + ["snow"] * 5 + ["other"], ["other"])
    labels = np.array([2, 2, 0, 0, 0, 0, 2, -1, -1])
    confusion = gold_sections("gold", "", labels, NAMES, classes, HOW)[0].confusion
    assert confusion is not None
    assert confusion.rows == ("snow", "rain", "catch-all")
    assert confusion.columns == ("a", "c", "b", "undefined")
    assert confusion.counts == ((3, 1, 0, 1), (1, 2, 0, 0), (0, 0, 0, 1))


def test_gold_of_no_document_gives_no_figures():
    assert gold_sections("gold", "", np.array([0]), NAMES, Classes.of([None]), HOW) == []


# --- teacher and student ---


def test_each_category_means_its_majority_and_never_a_catch_all():
    places, codes = np.array([0, 0, 0, 1, 1, 1, -1]), np.array([1, 1, 0, 2, 2, 0, 0])
    # Two classes, 2 is the catch-all: category 1 is mostly that, and means class 0 all the same. Category 2 is empty.
    assert majority_mapping(places, codes, 3, 2).tolist() == [1, 0, 3, 2]


def test_a_document_is_either_mapped_by_or_scored_and_every_class_is_in_both_halves():
    codes = np.repeat([0, 1, 2], 20)
    mapped_by = split(codes, np.ones(60, dtype=bool), seed=0)
    assert mapped_by.sum() == 30
    assert all(mapped_by[codes == code].sum() == 10 for code in range(3))


@pytest.mark.parametrize(("picked", "mapped_by"), [(0, 30), (10, 30), (30, 30), (45, 45), (60, 60)])
def test_what_was_picked_is_mapped_by_and_never_scored(picked, mapped_by):
    representative = np.arange(60) >= picked
    found = split(np.arange(60) % 3, representative, seed=0)
    assert found[~representative].all()
    assert found.sum() == pytest.approx(mapped_by, abs=4)


def test_fidelity_is_measured_on_representative_documents():
    teacher, student = answers(0, 0, 0, 1), answers(0, 1, 1, 1)
    run = replace(outcome(teacher, teacher, student), representative=np.array([True, False, False, True]))
    (section,) = fidelity_section(run, HOW)
    assert section.figures["fidelity"].value == 1
    assert section.facts["documents"] == 2


def test_teacher_and_student_are_scored_on_the_same_documents_after_mapping():
    gold = Classes.of(["x", "y", "z"] * 40)
    right = np.tile([2, 0, 1], 40)
    worse = right.copy()
    worse[np.arange(0, 120, 5)] = 0
    teacher, student = answers(*right.tolist()), answers(*worse.tolist())
    (section,) = labeler_sections(outcome(teacher, teacher, student), gold, HOW)
    assert section.figures["teacher_accuracy"].value == 1
    assert section.figures["teacher_kappa"].value == 1
    assert section.figures["student_accuracy"].value < 0.95
    difference = section.figures["accuracy_difference"]
    assert difference.value == pytest.approx(section.figures["student_accuracy"].value - 1)
    assert difference.high < 0
    assert difference.n == section.facts["documents"] == section.facts["mapped_by"] == 60
    assert section.risk_coverage
    assert section.reliability


def test_the_mapping_never_sees_a_document_that_is_scored():
    gold = Classes.of(["x", "y"] * 50)
    # Every document a category of its own would be perfect if it were mapped by what is scored.
    draw = np.random.default_rng(0)
    teacher = answers(*draw.integers(0, 3, 100).tolist())
    (section,) = labeler_sections(outcome(teacher, teacher), gold, HOW)
    half = split(gold.codes, np.ones(len(gold.codes), dtype=bool), HOW.seed)
    mapping = majority_mapping(teacher.primary[half], gold.codes[half], 3, 2)
    expected = (mapping[teacher.primary[~half]] == gold.codes[~half]).mean()
    assert section.figures["teacher_accuracy"].value == pytest.approx(expected)
    assert section.title == "LLM against gold"


def test_undefined_of_a_labeler_is_right_about_the_catch_all_alone():
    gold = Classes.of(["x", "x", "other", "other"] * 10, ["other"])
    teacher = answers(*[0, -1, -1, 0] * 10)
    every, without = labeler_sections(outcome(teacher, teacher), gold, HOW)
    half = split(gold.codes, np.ones(len(gold.codes), dtype=bool), HOW.seed)
    right = np.tile([True, False, True, False], 10)
    assert every.figures["teacher_accuracy"].value == pytest.approx(right[~half].mean())
    real = gold.codes < 1
    assert without.figures["teacher_accuracy"].value == pytest.approx(right[~half & real].mean())


def test_too_few_documents_say_nothing_about_labelers():
    teacher = answers(0, 1, 2)
    assert labeler_sections(outcome(teacher, teacher), Classes.of(["x", "y", "z"]), HOW) == []


def test_fidelity_counts_undefined_as_a_label_and_only_documents_of_both():
    teacher, student = answers(0, 0, -1, -1, None, 1), answers(0, 1, -1, 0, 1, None)
    (section,) = fidelity_section(outcome(teacher, teacher, student), HOW)
    assert section.figures["fidelity"].value == pytest.approx(2 / 4)
    assert section.confusion is not None
    assert section.confusion.rows == ("A", "B", "C", "undefined")
    assert section.confusion.counts == ((1, 1, 0, 0), (0, 0, 0, 0), (0, 0, 0, 0), (1, 0, 0, 1))
    assert fidelity_section(outcome(teacher, teacher), HOW) == []


def test_confidences_that_are_not_known_count_for_no_calibration():
    teacher = answers(0, 0, 0, 0)
    student = Answers(teacher.known, teacher.primary, np.array([0.5, np.nan, 0.5, np.nan]), teacher.applies)
    (section,) = fidelity_section(outcome(teacher, teacher, student), HOW)
    assert section.figures["ece"].n == 2
    assert section.figures["fidelity"].n == 4


# --- all together ---


def test_an_evaluation_comes_back_from_json_as_it_was():
    labels = answers(*[0, 1, 2, -1] * 20)
    gold = Gold(
        Classes.of(["x", "y", "z", "other"] * 20, ["other"]), None, Classes.of(["p", "p", "q", "q"] * 20)
    )
    found = evaluate(outcome(labels, labels, labels), gold=gold, how=HOW)
    assert Evaluation.from_dict(json.loads(json.dumps(found.as_dict()))) == found
    keys = [section.key for section in found]
    assert len(set(keys)) == len(keys)
    assert {
        "taxonomy",
        "student",
        "gold",
        "gold_without_catch_all",
        "labelers",
        "gold_parents",
        "hierarchy",
    } <= {*keys}
    assert found["gold"].figures["accuracy"].value == 1
    assert "nothing" not in found
    with pytest.raises(KeyError):
        found["nothing"]
    with pytest.raises(ValueError, match="format"):
        Evaluation.from_dict({"format": 99})


def test_a_flat_run_gets_half_of_the_path_for_the_right_parent():
    # Category 0 holds two classes of one parent: it means the more frequent one, and is right about the parent of both.
    leaves, parents = ["x", "x", "x", "y", "z", "z"] * 10, ["p", "p", "p", "p", "q", "q"] * 10
    labels = answers(*[0, 0, 0, 0, 1, 1] * 10)
    found = evaluate(outcome(labels), gold=Gold(Classes.of(leaves), None, Classes.of(parents)), how=HOW)
    assert found["hierarchy"].figures["h_f1"].value == pytest.approx((5 * 2 + 1) / 12, abs=0.02)


def test_what_is_undefined_is_given_no_parent_either():
    leaves, parents = ["x", "y", "z", "z"] * 20, ["p", "p", "q", "q"] * 20
    labels = answers(*[0, -1, 2, 2] * 20)
    found = evaluate(outcome(labels), gold=Gold(Classes.of(leaves), None, Classes.of(parents)), how=HOW)[
        "hierarchy"
    ]
    assert found.figures["h_precision"].value == 1
    assert found.figures["h_recall"].value == pytest.approx(3 / 4, abs=0.02)


def test_several_labels_are_mapped_and_scored_as_sets():
    both = Answers.given(60, {row: (((0, 1), 0.9), ((1,), 0.9), ((2,), 0.9))[row % 3] for row in range(60)})
    sets = tuple(
        (frozenset({"x", "y"}), frozenset({"y"}), frozenset({"z", "other"}))[row % 3] for row in range(60)
    )
    gold = Gold(None, sets, None, ("other",))
    found = evaluate(outcome(both, both, both), gold=gold, how=HOW)["all_labels"]
    for name in ("micro_f1", "macro_f1", "subset_accuracy", "jaccard"):
        assert found.figures[f"teacher_{name}"].value == found.figures[f"student_{name}"].value == 1
    assert found.figures["teacher_micro_f1"].n == found.facts["mapped_by"] == 30
    assert found.figures["student_micro_f1"].n == 60
    # Further labels are not cross-validated: of texts that it learned from the classifier says nothing here.
    taught = replace(outcome(both, both, both), learned=np.arange(60) < 40)
    assert evaluate(taught, gold=gold, how=HOW)["all_labels"].figures["student_micro_f1"].n == 20


def test_redundancy_names_the_categories_that_share_the_most():
    labels = Answers.given(8, {row: ((0, 1) if row < 3 else (row % 3,), 0.9) for row in range(8)})
    described = np.array([[1, 0], [0, 1], [0.6, 0.8]], dtype=np.float32)
    section = evaluate(outcome(labels), described=described, how=HOW)["taxonomy"]
    assert section.facts["most_shared_pair"] in ("A and B", "B and A")
    assert section.facts["most_alike_pair"] == "B and C"
    assert section.facts["most_alike"] == pytest.approx(0.8)
    assert section.facts["nearest_description"] == pytest.approx((0.6 + 0.8 + 0.8) / 3, abs=1e-3)
    # Of A's five documents three are B's too, and the other way round; C shares none.
    assert section.figures["shared_documents"].value == pytest.approx((3 / 5 + 3 / 5 + 0) / 3)
