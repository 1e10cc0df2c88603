"""SIGKILL while edits are applied, texts relabelled, the classifier retrained and the outputs rewritten."""

import json
import random
import time
from itertools import pairwise

import pyarrow.parquet as pq
import pytest
from killing import Moment, kill_at, outcome
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.graph.run import Run, RunStatus
from toy_runs import (
    CONCURRENCY,
    SMALL,
    always_ask_which_finalist,
    copy_answers,
    count_answers,
    messages,
    patch_all,
    use_quick_encoder,
    workers,
)

TEXTS = messages(10)
SETTINGS = {**SMALL, "auto": False, "slice": 6, "label_sample": 24}
EDITS = ("/rename 2 to Money matters", "/describe 1: Something else altogether.", "/merge 2, 3 into Both")


def consistent_version(folder):
    """The version that all outputs on disk are of, or the test fails."""
    told = json.loads((folder / "taxonomy.json").read_text(encoding="utf-8"))
    names = {row["id"]: row["name"] for row in told["categories"]} | {None: "undefined"}
    rows = pq.read_table(folder / "labels.parquet").to_pylist()
    assert len(rows) == len(TEXTS)
    assert all(names[row["primary_id"]] == row["primary"] for row in rows)
    csv = (folder / "labels.csv").read_text(encoding="utf-8")
    assert csv.count("\n") == len(TEXTS) + 1
    labels = Classifier.load(folder / "classifier").labels
    assert {(label.id, label.name) for label in labels} <= set(names.items())
    html = (folder / "report.html").read_text(encoding="utf-8")
    assert all(name in html for name in names.values())
    return told["version"]


@pytest.fixture
def begin():
    with workers() as start:
        yield start


def moments(seed):
    """Somewhere in each step between what is said and the new outputs."""
    draw = random.Random(seed)
    return [
        Moment("label", draw.randint(1, 3), draw.randint(0, 4), draw.uniform(0, 0.02)),
        Moment("settle_labels", 1, 0, draw.uniform(0, 0.02)),
        Moment("train", 1, 0, draw.uniform(0, 0.2)),
        Moment("classify", 1, 0, draw.uniform(0, 0.02)),
        Moment("publish", 1, 0, draw.uniform(0, 0.03)),
    ]


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_steered_run_killed_anywhere_repeats_nothing_and_its_outputs_are_always_one_version(
    seed, begin, tmp_path, monkeypatch
):
    rule = RuleModel(fickle=True)
    killed, clean = tmp_path / "killed", tmp_path / "clean"
    with StubEndpoint(rule, delay=0.01) as stub:
        patch_all(monkeypatch)
        Run.start(TEXTS, workspace=killed, llm=stub.spec, **SETTINGS).approve()
        old = consistent_version(killed / "main")

        for number, text in enumerate(EDITS):
            worker = begin("say", workspace=killed, text=text)
            assert kill_at(
                worker, Moment("apply_edits", 1, 0, random.Random(seed + number).uniform(0, 0.01)), stub
            )
            run = Run.open(killed).resume()
            if run.proposal is not None:
                run.confirm()
            assert run.status is RunStatus.AWAITING
            assert consistent_version(killed / "main") == old
        said = [message["text"] for message in run.conversation if message["role"] == "user"]
        assert [text for text in said if text in EDITS] == list(EDITS)

        repeated = [stub.count - count_answers(killed)]
        for number, moment in enumerate(moments(seed)):
            action = {"action": "resume"} if number else {"action": "say", "text": "/approve"}
            worker = begin(action.pop("action"), workspace=killed, **action)
            assert kill_at(worker, moment, stub), f"the run ended without coming to {moment}"
            time.sleep(0.05)  # until the stub has seen what the dead process sent
            repeated.append(stub.count - count_answers(killed))
            assert consistent_version(killed / "main") in (old, Run.open(killed).state["version"])
        assert begin("resume", workspace=killed).end() == 0
        for before, after in pairwise(repeated):
            assert after - before <= CONCURRENCY
        run = Run.open(killed)
        assert run.status is RunStatus.DONE
        assert consistent_version(killed / "main") == run.state["version"] != old

        asked = stub.count
        use_quick_encoder(monkeypatch.setattr)
        always_ask_which_finalist(monkeypatch.setattr)
        copy_answers(killed, clean)
        again = Run.start(TEXTS, workspace=clean, llm=stub.spec, **SETTINGS).approve()
        for text in (*EDITS, "/approve"):
            again.say(text, yes=True)
        assert stub.count == asked, "an answer that the killed run used was not kept"
    assert not rule.errors
    one, two = outcome(killed), outcome(clean)
    assert one["taxonomy"] == two["taxonomy"]
    assert one["rows"] == two["rows"]
    assert one["labels"] == two["labels"]
