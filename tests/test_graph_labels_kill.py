"""SIGKILL while labels are cleaned and rounds of active learning go on: at most the calls in flight are asked again."""

import random
import time

import pytest
from killing import Moment, kill_at, outcome
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_llm.checkpoints.checks import Verdict
from tnt_llm.checkpoints.labels import Source
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.fork import fork
from tnt_llm.graph.history import history
from tnt_llm.graph.run import Run, RunStatus
from toy_runs import (
    CONCURRENCY,
    SMALL,
    TOPICS,
    always_ask_which_finalist,
    copy_answers,
    count_answers,
    messages,
    patch_all,
    use_quick_encoder,
    workers,
)

TEXTS = messages(30, *TOPICS)
SETTINGS = {
    **SMALL,
    "sample": 60,
    "label_sample": 40,
    "slice": 5,
    "labels": "explain",
    "active_rounds": 2,
    "active_batch": 8,
}


class Careless(RuleModel):
    """Takes one text in six for what it is not, and knows better when it is asked again.

    The second question lists the categories the other way round.
    """

    def __init__(self, **given):
        super().__init__(**given)
        self._orders = {}

    def _label_explain(self, values, again):
        told = super()._label_explain(values, again)
        names = [category["category.name"] for category in values["categories"]]
        with self._lock:
            first = self._orders.setdefault(frozenset(names), names)
        mistaken = sum(map(ord, values["text"].split(": ")[-1])) % 6 == 0
        if mistaken and names == first and told["primary"]:
            number = told["primary"] % len(names) + 1
            return {"reason": "It seems so.", "primary": number, "all": [number]}
        return told


def moments(seed):
    draw = random.Random(seed)

    def soon():
        return draw.uniform(0, 0.03)

    return [
        Moment("label", draw.randint(3, 15), draw.randint(0, 3), soon()),
        Moment("clean_labels", 1, 0, soon()),
        Moment("clean", 1, 1, soon()),
        Moment("active_round", 1, 0, soon()),
        Moment("summarize", 2, 1, soon()),
        Moment("label", draw.randint(2, 5), 1, soon()),
        Moment("active_round", 1, 0, draw.uniform(0, 0.1)),
        Moment("train", 1, 0, soon()),
    ]


@pytest.fixture
def begin():
    with workers() as start:
        yield start


def checks_of(workspace):
    with Workspace.open(workspace) as tables:
        version = Run.open(workspace).state["version"]
        return tables.checks.get("main", version), tables.rounds.get("main", 1), tables.rounds.get("main", 2)


@pytest.mark.slow
def test_killed_while_labels_are_cleaned_and_added_a_run_ends_as_if_it_never_was(
    begin, tmp_path, monkeypatch
):
    rule = Careless(fickle=True)
    killed, clean = tmp_path / "killed", tmp_path / "clean"
    repeated = []
    with StubEndpoint(rule, delay=0.01) as stub:
        for number, moment in enumerate(moments(1)):
            if number:
                worker = begin("resume", workspace=killed)
            else:
                worker = begin("start", corpus=TEXTS, workspace=killed, llm=stub.spec, **SETTINGS)
            assert kill_at(worker, moment, stub), f"the run ended without coming to {moment}"
            time.sleep(0.05)  # until the stub has seen what the dead process sent
            repeated.append(stub.count - count_answers(killed))
        assert begin("resume", workspace=killed).end() == 0
        repeated.append(stub.count - count_answers(killed))

        asked = stub.count
        use_quick_encoder(monkeypatch.setattr)
        always_ask_which_finalist(monkeypatch.setattr)
        copy_answers(killed, clean)
        run = Run.start(TEXTS, workspace=clean, llm=stub.spec, **SETTINGS)
        assert stub.count == asked, "an answer that the killed run used was not kept"
    assert not rule.errors
    assert run.status is RunStatus.DONE
    for before, after in zip([0, *repeated], repeated, strict=False):
        assert after - before <= CONCURRENCY
    assert outcome(killed) == outcome(clean)
    assert checks_of(killed) == checks_of(clean)
    checks, first, second = checks_of(killed)
    assert Verdict.CHANGED in {check.verdict for check in checks.values()}
    assert (len(first), len(second)) == (8, 8)


def test_a_fork_has_the_rounds_and_the_verdicts_that_it_has_behind_it_and_asks_nothing(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    with StubEndpoint(Careless()) as stub:
        old = Run.start(TEXTS, workspace=tmp_path, llm=stub.spec, **SETTINGS)
        asked = stub.count
        steps = [(step.next[0], step.step) for step in history(tmp_path, "main") if step.next]
        last, first = dict(steps), dict(reversed(steps))
        places = {last[node] for node in ("labeler", "clean_labels", "active_round", "train_classifier")}
        places |= {first[node] for node in ("labeler", "clean_labels", "active_round")}
        for place in sorted(places):
            new = Run.open(tmp_path, fork(tmp_path, at=place)).resume()
            assert new.status is RunStatus.DONE
            assert new.labels.equals(old.labels), place
        assert stub.count == asked
        with Workspace.open(tmp_path) as tables:
            version = old.state["version"]
            checks = tables.checks.get("main", version)
            for row in tables.runs.list():
                assert tables.rounds.get(row.name) == tables.rounds.get("main")
                assert tables.checks.get(row.name, version) == checks
            sources = [row.source for row in tables.labels.get("main-2", version)]
    dropped = [check for check in checks.values() if check.verdict is Verdict.DROPPED]
    assert sources.count(Source.LLM) + len(dropped) == 40 + 16
