"""The contract of durability: SIGKILL anywhere, resume, and at most the calls in flight are asked again."""

import random
import time
from functools import partial
from types import SimpleNamespace

import pytest
from killing import Moment, kill_at, outcome
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_llm.checkpoints.saver import checkpoint_bytes
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph import build
from tnt_llm.graph import session as session_module
from tnt_llm.graph.run import Run, RunStatus
from tnt_llm.llm.chat import Chat
from tnt_llm.llm.fake import FakeModel
from tnt_llm.taxonomy.errors import LeaseHeldError, VersionError
from toy_runs import (
    CONCURRENCY,
    SMALL,
    TOPICS,
    always_ask_which_finalist,
    copy_answers,
    count_answers,
    messages,
    patch_all,
    rows,
    use_quick_encoder,
    workers,
)

TEXTS = [*messages(10, *TOPICS), *(f"{text}. " * 20 for text in messages(2, "strange"))]
SETTINGS = {**SMALL, "trials": 2, "slice": 10, "minibatch": 12, "decisions": "small"}


def moments(seed):
    """One or more in every stage, somewhere in it."""
    draw = random.Random(seed)

    def soon():
        return draw.uniform(0, 0.03)

    return [
        Moment("summarize", draw.randint(3, 30), draw.randint(0, 9), soon()),
        Moment("update", draw.randint(1, 2), draw.randint(1, 4), soon()),
        Moment("update", draw.randint(2, 3), 0, soon()),
        Moment("review", 1, 0, draw.uniform(0, 0.01)),
        Moment("selector", 1, draw.randint(1, 2), 0),
        Moment("label", draw.randint(3, 15), draw.randint(0, 9), soon()),
        Moment("settle_labels", 1, 0, soon()),
        Moment("train", 1, 0, draw.uniform(0, 0.2)),
        Moment("classify", 1, 0, soon()),
        Moment("publish", 1, 0, draw.uniform(0, 0.02)),
    ]


@pytest.fixture
def begin():
    with workers() as start:
        yield start


@pytest.mark.slow
@pytest.mark.parametrize("seed", [1, 2])
def test_a_run_killed_in_every_stage_repeats_only_calls_in_flight_and_ends_as_if_it_never_was(
    seed, begin, tmp_path, monkeypatch
):
    # Asked twice, this model answers differently: an answer that was not kept would show in the end.
    rule = RuleModel(fickle=True)
    killed, clean = tmp_path / "killed", tmp_path / "clean"
    repeated = []
    with StubEndpoint(rule, delay=0.01) as stub:
        for number, moment in enumerate(moments(seed)):
            if number:
                worker = begin("resume", workspace=killed)
            else:
                worker = begin("start", corpus=TEXTS, workspace=killed, llm=stub.spec, **SETTINGS)
            assert kill_at(worker, moment, stub), f"the run ended without coming to {moment}"
            time.sleep(0.05)  # until the stub has seen what the dead process sent
            repeated.append(stub.count - count_answers(killed))
        assert begin("resume", workspace=killed).end() == 0
        assert stub.max_in_flight <= CONCURRENCY
        repeated.append(stub.count - count_answers(killed))

        asked = stub.count
        use_quick_encoder(monkeypatch.setattr)
        always_ask_which_finalist(monkeypatch.setattr)
        copy_answers(killed, clean)
        run = Run.start(TEXTS, workspace=clean, llm=stub.spec, **SETTINGS)
        assert stub.count == asked, "an answer that the killed run used was not kept"
    assert not rule.errors
    assert run.status is RunStatus.DONE
    assert rule.count("choose") >= 2
    assert sum(repeated) > 0, "no kill met a call in flight: this test tests nothing"
    for before, after in zip([0, *repeated], repeated, strict=False):
        assert after - before <= CONCURRENCY
    assert outcome(killed) == outcome(clean)


def test_trials_side_by_side_share_one_bound_on_calls_in_flight(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    most = {}

    def progress(stage, done, total, usage):
        if stage not in most:
            most[stage] = stub.max_in_flight = 0
            stub.delay = 0.3 if stage == "update" else 0.0
        most[stage] = max(most[stage], stub.max_in_flight)

    with StubEndpoint(RuleModel()) as stub:
        settings = {**SETTINGS, "trials": 4, "minibatch": 40}
        Run.start(TEXTS, workspace=tmp_path, llm=stub.spec, progress=progress, **settings)
    assert most["update"] == CONCURRENCY


def test_a_second_process_on_a_run_is_told_who_has_it(begin, tmp_path, monkeypatch):
    patch_all(monkeypatch)
    with StubEndpoint(RuleModel(), delay=0.02) as stub:
        worker = begin("start", corpus=TEXTS, workspace=tmp_path, llm=stub.spec, **SETTINGS)
        next(worker.told())
        with pytest.raises(LeaseHeldError, match=f"Process {worker.process.pid} on .* since"):
            Run.open(tmp_path).resume()
        assert Run.open(tmp_path).status is RunStatus.RUNNING
        for _ in worker.told():
            pass
        assert worker.end() == 0
        assert stub.count == count_answers(tmp_path)
    assert Run.open(tmp_path).status is RunStatus.DONE


def test_a_process_that_lost_its_run_stops_and_leaves_it_to_its_new_owner(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    monkeypatch.setattr(session_module, "lease", partial(session_module.lease, time_to_live=0.1))

    def progress(stage, done, total, usage):
        if done == 5:  # as if this process had been asleep for long, and another machine had taken over
            with Workspace.open(tmp_path) as tables:
                tables.database.execute("UPDATE leases SET token = 'another'")
                tables.runs.set_status("main", "running", "of another")
            time.sleep(0.3)

    with StubEndpoint(RuleModel()) as stub:
        with pytest.raises(LeaseHeldError, match="another took over"):
            Run.start(TEXTS, workspace=tmp_path, llm=stub.spec, progress=progress, **SETTINGS)
        assert stub.count <= 5 + 2 * CONCURRENCY
    summary = Run.open(tmp_path).summary()
    assert (summary["status"], summary["note"]) == ("running", "of another")
    assert rows(tmp_path / "workspace.sqlite", "SELECT token FROM leases") == [("another",)]


def test_a_run_of_another_graph_is_refused_and_left_as_it_is(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    with StubEndpoint(RuleModel()) as stub:
        run = Run.start(TEXTS, workspace=tmp_path, llm=stub.spec, **{**SETTINGS, "auto": False})
        asked, before = stub.count, run.summary()
        monkeypatch.setattr(build, "GRAPH_VERSION", build.GRAPH_VERSION + 1)
        with pytest.raises(VersionError, match=f"version {build.GRAPH_VERSION - 1} of the graph.*--name"):
            Run.open(tmp_path).approve()
        assert run.summary() == before
        assert stub.count == asked


def test_a_run_that_died_before_its_first_step_is_gone_on_with(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    with StubEndpoint(RuleModel()) as stub:
        with monkeypatch.context() as patch:
            patch.setattr(session_module.Session, "go_on", lambda session: None)
            run = Run.start(TEXTS, workspace=tmp_path, llm=stub.spec, **SETTINGS)
            assert (run.state, len(run.taxonomy), run.summary()["phase"]) == ({}, 0, "start")
        assert Run.open(tmp_path).resume().status is RunStatus.DONE


def test_checkpoints_of_many_documents_and_supersteps_stay_small(tmp_path, monkeypatch):
    patch_all(monkeypatch)
    model = FakeModel(respond=RuleModel().respond)
    monkeypatch.setattr(Chat, "open", lambda spec, store, **given: Chat.over(model, store, id="fake"))
    settings = {**SMALL, "sample": 100, "label_sample": 40, "slice": 2}
    run = Run.start(messages(2500), workspace=tmp_path, llm="http://nowhere/v1#fake", **settings)
    assert (run.status, run.summary()["documents"]) == (RunStatus.DONE, 10_000)
    path = tmp_path / "checkpoints.sqlite"
    assert rows(path, "SELECT count(*) FROM checkpoints")[0][0] >= 50
    assert checkpoint_bytes(path) < 5_000_000


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(
    1500
)  # a minute on idle cores; beside other tests the embedded model is many times slower
def test_a_run_on_the_embedded_model_is_killed_in_three_stages_and_ends_as_if_it_never_was(
    begin, tmp_path, monkeypatch
):
    killed, clean = tmp_path / "killed", tmp_path / "clean"
    texts = messages(4, "pets", "football", "cooking")
    # The whole table from one call: so few texts need not make groups.
    settings = {**SMALL, "label_sample": 8, "update": "paper", "max_categories": 3}
    moments = [Moment("summarize", 4, 0, 0.4), Moment("update", 1, 0, 1.0), Moment("label", 2, 0, 0.3)]
    for number, moment in enumerate(moments):
        if number:
            worker = begin("resume", workspace=killed)
        else:
            worker = begin("start", corpus=texts, workspace=killed, llm="embedded", **settings)
        assert kill_at(worker, moment, SimpleNamespace(count=0)), f"the run ended without coming to {moment}"
    assert begin("resume", workspace=killed).end(timeout=1200) == 0

    # What was finished was paid once; the rest of the calls were killed in flight, which no ledger knows.
    database = killed / "workspace.sqlite"
    assert rows(database, "SELECT key FROM calls GROUP BY key HAVING count(*) > 1") == []
    use_quick_encoder(monkeypatch.setattr)
    always_ask_which_finalist(monkeypatch.setattr)
    copy_answers(killed, clean)
    run = Run.start(texts, workspace=clean, llm="embedded", **settings)
    assert run.usage == {}
    assert outcome(killed) == outcome(clean)
