"""`tnt evaluate` and `tnt annotate` on runs that are done; and the proof that no gold label reaches an LLM."""

import csv
import io
import json
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest
from finished_runs import TOPICS, corpus, finish, version_of
from source_tree import modules
from tnt_cli import Tnt
from tnt_llm.checkpoints.editions import Editions
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.evaluation import evaluate_run
from tnt_llm.graph.record import RunRecord
from tnt_llm.taxonomy.errors import RunStateError
from tnt_llm.tools.evaluation.evaluation import Evaluation
from tnt_llm.tools.evaluation.measures import FACTS, MEASURES
from tnt_llm.tools.evaluation.outcome import Answers, Outcome
from toy_runs import rows, use_quick_encoder

NAMES = {topic: topic.title() for topic in TOPICS}
CANARY = "zyxgoldwvu"


@pytest.fixture
def tnt(capfd: pytest.CaptureFixture[str]) -> Tnt:
    return Tnt(capfd)


@pytest.fixture(scope="module")
def texts():
    return corpus(20)


@pytest.fixture(scope="module", autouse=True)
def _quick():
    with pytest.MonkeyPatch.context() as patch:
        use_quick_encoder(patch.setattr)
        yield


@pytest.fixture(scope="module")
def workspace(tmp_path_factory, texts, _quick):
    """Runs on 80 documents, 60 labelled by the LLM: `main` by topic, `other` takes taxes and football for one."""
    folder = tmp_path_factory.mktemp("evaluated") / "work"
    names = [NAMES.get(topic) for topic in texts.topics]
    finish(folder, texts, version_of(*NAMES.values()), names, taught=60)
    lumped = [{"Taxes": "Hobbies", "Football": "Hobbies"}.get(name or "", name) for name in names]
    finish(folder, texts, version_of("Pets", "Hobbies"), lumped, taught=60, name="other")
    return folder


@pytest.fixture
def gold(tmp_path, texts) -> Path:
    path = tmp_path / "gold.csv"
    lines = [
        f"{id_},{CANARY} {topic},{'animal' if topic == 'pets' else 'human'}"
        for id_, topic in zip(texts.ids, texts.topics, strict=True)
    ]
    path.write_text("\n".join(["id,topic,above", *lines]) + "\n", encoding="utf-8")
    return path


def measured(tnt: Tnt, *args: object) -> Evaluation:
    result = tnt("evaluate", *args, "--json")
    assert (result.code, result.err) == (0, "")
    return Evaluation.from_dict(json.loads(result.out))


# --- what comes out ---


def test_a_run_is_measured_by_itself(tnt, workspace):
    found = measured(tnt, "-w", workspace)
    assert (found.run, found.use_case, found.documents) == ("main", "tell what it is", 80)
    assert [section.key for section in found] == ["taxonomy", "student"]
    assert found["taxonomy"].figures["coverage"].value == pytest.approx(0.75, abs=0.06)
    assert found["taxonomy"].figures["coverage"].n == 80
    assert found["taxonomy"].facts["most_alike_pair"]
    assert found["student"].facts["documents"] == 60
    assert found["student"].figures["fidelity"].value > 0.8


def test_with_gold_everything_right_is_near_one_and_the_catch_all_is_undefined(tnt, workspace, gold):
    found = measured(
        tnt, "-w", workspace, "--gold", gold, "--gold-column", "topic", "--catch-all", f"{CANARY} strange"
    )
    assert found["gold"].figures["accuracy"].value > 0.9
    assert found["gold"].facts["gold_classes"] == 3
    assert found["gold"].facts["size_error"] == 0
    assert found["labelers"].figures["teacher_accuracy"].value == 1
    assert found["labelers"].figures["accuracy_difference"].n == found["labelers"].facts["documents"] == 30
    assert found["labelers_without_catch_all"].facts["documents"] < found["labelers"].facts["documents"]
    assert found["gold_without_catch_all"].figures["accuracy"].n == 60


def test_two_levels_of_gold_are_measured(tnt, workspace, gold):
    given = ("--gold", gold, "--gold-column", "topic", "--gold-parent-column", "above")
    found = measured(tnt, "-w", workspace, *given)
    assert found["gold_parents"].facts["gold_classes"] == 2
    # Undefined is never right where nothing is said to be a catch-all: a quarter is missed.
    assert found["hierarchy"].figures["h_recall"].value == pytest.approx(0.75, abs=0.08)


def test_two_runs_are_compared_on_the_documents_of_both(tnt, workspace):
    found = measured(tnt, "-w", workspace, "--against", "other")["stability"]
    assert 0.3 < found.figures["ari"].value < 0.9
    assert found.facts["same_names"] == 1
    assert (found.facts["categories"], found.facts["other_categories"]) == (3, 2)
    assert measured(tnt, "-w", workspace, "other", "--against", "main")["stability"].figures["ari"].value == (
        pytest.approx(found.figures["ari"].value)
    )


def test_a_run_is_not_compared_with_itself(tnt, workspace):
    result = tnt("evaluate", "-w", workspace, "--against", "main")
    assert (result.code, result.out) == (2, "")
    assert "is the run itself" in result.err


def test_the_tables_for_people_tell_every_figure_with_its_interval(tnt, workspace, gold):
    result = tnt("evaluate", "-w", workspace, "--gold", gold, "--gold-column", "topic")
    assert result.code == 0
    assert "Against gold" in result.out
    row = next(line for line in result.out.splitlines() if line.startswith("AMI"))
    assert row.split()[2] == "to" or " to " in row
    assert "Gold classes" in result.out


def test_notes_go_to_standard_error(tnt, workspace, tmp_path):
    some = tmp_path / "some.csv"
    some.write_text("id,topic\nd0,a\nd1,b\nx9,b\n")
    result = tnt("evaluate", "-w", workspace, "--gold", some, "--gold-column", "topic")
    assert "78 of 80 documents have no gold label" in result.err
    assert "no gold label" not in result.out


def test_every_name_of_a_figure_or_fact_is_in_words(tnt, workspace, gold):
    given = ("--gold", gold, "--gold-column", "topic", "--gold-parent-column", "above", "--against", "other")
    for section in measured(tnt, "-w", workspace, *given):
        assert set(section.figures) <= set(MEASURES), section.key
        assert set(section.facts) <= set(FACTS), section.key


def test_the_result_lies_among_the_outputs_and_goes_with_their_edition(tnt, tmp_path, texts):
    folder = tmp_path / "work"
    finish(folder, texts, version_of(*NAMES.values()), [NAMES.get(topic) for topic in texts.topics])
    found = measured(tnt, "-w", folder)
    kept = folder / "main" / "evaluation.json"
    assert Evaluation.from_dict(json.loads(kept.read_text(encoding="utf-8"))) == found
    editions = Editions(folder / "main")
    editions.folder(2).mkdir()
    (editions.folder(2) / "taxonomy.json").write_text("{}")
    editions.publish(2)
    assert not kept.exists()


def test_the_same_seed_measures_the_same(workspace):
    run = RunRecord(workspace, "main")
    assert run.evaluate(seed=3) == run.evaluate(seed=3)


# --- what goes wrong ---


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("nobody",), 1, "has no run 'nobody'"),
        (("--gold-column", "topic"), 2, "--gold FILE"),
        (("--gold", "none.csv"), 2, "--gold-column"),
        (("--gold", "none.csv", "--gold-column", "topic"), 1, "There is no file none.csv"),
        (("--human", "none.csv"), 1, "There is no file none.csv"),
        (("--against", "nobody"), 1, "has no run 'nobody'"),
    ],
)
def test_what_makes_no_sense_is_refused_with_the_remedy(tnt, workspace, args, code, message):
    result = tnt("evaluate", "-w", workspace, *args)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_a_run_without_labels_is_refused(tmp_path):
    from stored_runs import ABC, StoredRun

    StoredRun.create(tmp_path, "main").stand(ABC)
    with pytest.raises(RunStateError, match="has no labels yet: resume or approve"):
        evaluate_run(tmp_path, "main")


# --- people ---


def test_a_sheet_goes_out_blind_and_comes_back_as_agreement(tnt, workspace, tmp_path, texts):
    sheet = tmp_path / "anna.csv"
    result = tnt("annotate", "-w", workspace, "-n", 40, "-o", sheet)
    assert result.code == 0
    assert "40 documents to label" in result.out
    head, *lines = csv.reader(io.StringIO(sheet.read_text(encoding="utf-8-sig")))
    assert head == ["id", "text", "label"]
    assert {line[2] for line in lines} == {""}
    # The LLM labelled the first sixty: those are asked about.
    assert all(int(line[0][1:]) < 60 for line in lines)
    topic_of = dict(zip(texts.ids, texts.topics, strict=True))
    with sheet.open("w", encoding="utf-8", newline="") as file:
        filled = [[*line[:2], NAMES.get(topic_of[line[0]], "undefined")] for line in lines]
        csv.writer(file).writerows([head, *filled])
    other = tmp_path / "ben.csv"
    other.write_bytes(sheet.read_bytes())
    found = measured(tnt, "-w", workspace, "--human", sheet, "--human", other)
    assert found["pairs"].figures["kappa: anna and ben"].value == 1
    assert found["pairs"].figures["kappa: anna and LLM"].value == 1
    assert 0.5 < found["majority"].figures["kappa: classifier"].value < 1
    assert found["groups"].figures["fleiss: people"].n == 40


def test_a_sheet_is_a_csv_file(tnt, workspace, tmp_path):
    result = tnt("annotate", "-w", workspace, "-o", tmp_path / "sheet.xlsx")
    assert result.code == 2
    assert "a sheet is a .csv file" in result.err


def test_a_sheet_that_is_there_is_not_written_over(tnt, workspace, tmp_path):
    sheet = tmp_path / "sheet.csv"
    sheet.write_text("hours of work")
    result = tnt("annotate", "-w", workspace, "-o", sheet)
    assert result.code == 2
    assert "is there already" in result.err
    assert sheet.read_text() == "hours of work"


# --- gold reaches no prompt ---

PARTS = [name for name in modules() if name.startswith("tools.evaluation.")]
ASKS = r"^\s*(?:from|import) \.*(?:llm|prompts|langchain\w*|openai)\b"
SEES_GOLD = r"^\s*from \.(?:tools\.evaluation\.)?(?:gold|against_gold|labelers|several|hierarchy|evaluate)\b"


@pytest.mark.parametrize("name", [*PARTS, "graph.evaluation", "cli.evaluate", "cli.annotate"])
def test_whatever_sees_gold_asks_no_llm_and_whatever_judges_sees_no_gold(name):
    source = modules()[name].read_text("utf-8")
    asks = bool(re.findall(ASKS, source, re.MULTILINE))
    if "judge" in name:
        assert not re.findall(SEES_GOLD, source, re.MULTILINE)
    else:
        assert not asks


def test_gold_is_seen_where_it_is_compared():
    seen = {name for name in PARTS if re.findall(SEES_GOLD, modules()[name].read_text("utf-8"), re.MULTILINE)}
    assert {"tools.evaluation.labelers", "tools.evaluation.several", "tools.evaluation.evaluate"} <= seen


def test_what_a_judge_would_be_given_has_no_place_for_gold():
    assert {field.name for field in fields(Outcome)} == {
        *("run", "use_case", "version", "taxonomy", "documents", "labels", "teacher", "student", "learned"),
        *("representative", "notes"),
    }
    assert {field.name for field in fields(Answers)} == {"known", "primary", "confidence", "applies"}


def test_an_evaluation_asks_no_llm_and_leaves_gold_nowhere_but_in_its_result(
    monkeypatch, workspace, gold, tmp_path
):
    from tnt_llm.llm.chat import Chat

    def refuse(*args, **given):
        raise AssertionError("an LLM was opened")

    monkeypatch.setattr(Chat, "open", refuse)
    monkeypatch.setattr(Chat, "__init__", refuse)
    before = rows(workspace / "workspace.sqlite", "SELECT count(*) FROM calls")
    RunRecord(workspace, "main").evaluate(gold=gold, gold_column="topic")
    assert rows(workspace / "workspace.sqlite", "SELECT count(*) FROM calls") == before
    with_gold = [
        path.name for path in workspace.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()
    ]
    assert set(with_gold) == {"evaluation.json"}
    with Workspace.open(workspace) as tables:
        assert CANARY not in " ".join(document.text for document in next(tables.documents.batches(1000)))


def test_an_evaluation_loads_no_llm_client(workspace, gold):
    code = (
        "import sys; sys.path.insert(0, 'tests/support')\n"
        "from toy_runs import use_quick_encoder; use_quick_encoder()\n"
        "for name in [name for name in sys.modules if name.split('.')[0] in ('openai', 'langchain_openai')]:\n"
        "    del sys.modules[name]\n"
        "from pathlib import Path\n"
        "from tnt_llm.tools.evaluation.gold import GoldFile\n"
        "from tnt_llm.graph.evaluation import evaluate_run\n"
        f"evaluate_run(Path({str(workspace)!r}), 'main', gold=GoldFile(path=Path({str(gold)!r}), column='topic'))\n"
        "print([name for name in sys.modules if name.split('.')[0] in ('openai', 'langchain_openai')])"
    )
    child = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(__file__).parents[1],
    )
    assert child.returncode == 0, child.stderr
    assert child.stdout.strip() == "[]"
