"""Trouble with the endpoint: what concerns one text never ends a run, what concerns all can be resumed."""

import json
import threading
from collections import Counter

import pytest
from rule_model import RuleModel, question
from stub_endpoint import CutJson, Empty, Endless, Hang, NotJson, Status, StubEndpoint, Truncated
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.run import Run, RunStatus
from tnt_llm.taxonomy.errors import (
    EndpointError,
    RunStateError,
)
from toy_runs import CONCURRENCY, SMALL, count_answers, messages, patch_all

TEXTS = messages(8)
POISON = "poison ivy in the kennel of my cat"


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    patch_all(monkeypatch, timeout=0.8, retries=2)


@pytest.fixture
def work(tmp_path):
    return tmp_path / "work"


def start(corpus, work, stub, **given):
    return Run.start(corpus, workspace=work, llm=stub.spec, **{**SMALL, **given})


def spoilt(fault, word="poison"):
    """A rule model whose endpoint does something else with every question about one text."""
    rule = RuleModel()

    def handler(payload):
        # The text on its own, in `phrase` and the labels; not as one of many. A repair asks about it again.
        _, values = question([(part["role"], part["content"]) for part in payload["messages"]])
        return fault if word in values.get("text", "").lower() else rule(payload)

    return handler, rule


# The endpoint as a whole


def test_an_endpoint_that_is_down_at_the_start_can_be_resumed_once_it_is_up(work):
    rule = RuleModel()
    with StubEndpoint(rule) as stub:
        spec = stub.spec
        stub.stop()
        with pytest.raises(EndpointError, match=r"Nothing answers at http://127.*resume"):
            Run.start(TEXTS, workspace=work, llm=spec, **SMALL)
        run = Run.open(work)
        assert run.status is RunStatus.FAILED
        assert "Nothing answers" in run.summary()["note"]
        assert run.failures == []
        stub.start()
        assert run.resume().status is RunStatus.DONE
        assert run.summary()["note"] == ""
    assert not rule.errors


@pytest.mark.parametrize("stage", ["summarize", "label"])
def test_an_endpoint_that_goes_down_stops_the_run_and_no_text_is_given_up(work, stage):
    once = threading.Event()

    def progress(told, done, total, usage):
        if told == stage and done >= 6 and not once.is_set():
            once.set()
            stub.stop()

    with StubEndpoint(RuleModel(), delay=0.005) as stub:
        with pytest.raises(EndpointError, match="resume"):
            start(TEXTS, work, stub, progress=progress)
        run = Run.open(work)
        assert (run.status, run.failures) == (RunStatus.FAILED, [])
        stub.start()
        assert run.resume().status is RunStatus.DONE
        assert run.failures == []
        assert stub.count - count_answers(work) <= CONCURRENCY


def test_a_wrong_key_is_told_and_the_right_one_goes_on_and_is_written_nowhere(work, monkeypatch):
    key = "sk-very-secret-indeed"
    with StubEndpoint(RuleModel(), api_key=key) as stub:
        with pytest.raises(EndpointError, match="API key") as caught:
            start(TEXTS, work, stub)
        monkeypatch.setenv("TNT_LLM_API_KEY", key)
        run = Run.open(work).resume()
        assert run.status is RunStatus.DONE
    assert key not in str(caught.value)
    assert not [path for path in work.rglob("*") if path.is_file() and key.encode() in path.read_bytes()]


def test_all_wait_when_the_endpoint_asks_for_a_second(work):
    with StubEndpoint(RuleModel()) as stub:
        stub.fail(Status(429, "slow down", headers={"Retry-After": "1"}))
        run = start(TEXTS, work, stub)
        again = next(row for row, sent in enumerate(stub.requests) if row and sent == stub.requests[0])
        meanwhile = sum(time < stub.times[0] + 0.99 for time in stub.times[1:])
        assert stub.times[again] - stub.times[0] >= 0.99
        # Those in flight, and what was sent until the refusal was read; all 32 texts, if nobody waited.
        assert meanwhile < 2 * CONCURRENCY
    assert (run.status, run.failures) == (RunStatus.DONE, [])


@pytest.mark.parametrize(
    "fault",
    [Status(500), Status(503), Hang(), Truncated(), CutJson(), Empty(body=True), NotJson()],
    ids=lambda fault: f"{type(fault).__name__}{getattr(fault, 'code', '')}",
)
def test_a_fault_that_passes_leaves_no_trace(work, fault):
    with StubEndpoint(RuleModel()) as stub:
        stub.fail(fault, fault)
        run = start(TEXTS, work, stub, label_sample=8)
        assert (run.status, run.failures) == (RunStatus.DONE, [])
        assert stub.count == count_answers(work) + 2


@pytest.mark.parametrize("fault", [Status(500, "broken"), NotJson(), Hang()], ids=["500", "html", "hang"])
def test_an_endpoint_that_fails_always_stops_the_run_before_texts_are_given_up(work, fault):
    rule, healthy = RuleModel(), threading.Event()
    with StubEndpoint(lambda payload: rule(payload) if healthy.is_set() else fault) as stub:
        with pytest.raises(EndpointError, match="resume"):
            start(TEXTS, work, stub)
        run = Run.open(work)
        assert (run.status, run.failures) == (RunStatus.FAILED, [])
        healthy.set()
        assert run.resume().status is RunStatus.DONE
        assert run.failures == []


@pytest.mark.parametrize(
    ("prompt", "style"),
    [("revise", {}), ("generate", {"update": "paper"}), ("review", {"update": "paper"})],
    ids=["revise", "generate", "review"],
)
def test_an_endpoint_that_fails_at_a_call_that_much_depends_on_can_be_resumed(work, prompt, style):
    good, bad = RuleModel(), RuleModel(overrides={prompt: Status(500, "broken")})
    healthy = threading.Event()
    with StubEndpoint(lambda payload: (good if healthy.is_set() else bad)(payload)) as stub:
        with pytest.raises(EndpointError, match=r"500.*depends on it.*resume"):
            start(TEXTS, work, stub, **style)
        healthy.set()
        run = Run.open(work).resume()
        assert (run.status, run.failures) == (RunStatus.DONE, [])
        assert len(run.taxonomy) >= 2


# One text


@pytest.mark.parametrize(
    "fault",
    [Status(500), Status(400, "too long"), Hang(), Truncated(), Empty(), NotJson(), Endless(), "\n"],
    ids=["500", "400", "hang", "truncated", "empty", "html", "endless", "blank"],
)
def test_trouble_with_one_text_is_kept_and_told_and_the_run_ends(work, fault):
    handler, rule = spoilt(fault)
    ids = [f"no-{row}" for row in range(len(TEXTS) + 1)]
    with StubEndpoint(handler) as stub:
        corpus = list(zip(ids, [*TEXTS, POISON], strict=True))
        run = start(corpus, work, stub, label_sample=None)
    assert run.status is RunStatus.DONE
    assert {(row.stage, row.number) for row in run.failures} == {
        ("summarize", len(TEXTS)),
        ("label", len(TEXTS)),
    }
    report = (run.path / "report.html").read_text(encoding="utf-8")
    assert ids[-1] in report
    labels = run.labels.to_pylist()
    assert [row["id"] for row in labels] == ids
    assert labels[-1]["source"] == "student"
    assert not rule.errors


def test_the_raw_text_of_an_unreadable_answer_is_kept_and_escaped_in_the_report(work):
    raw = "<script>alert('label me')</script> is how I would put what this text is about, all in all"
    handler, _ = spoilt(raw)
    with StubEndpoint(handler) as stub:
        run = start([*TEXTS, POISON], work, stub)
    failure = next(row for row in run.failures if row.stage == "summarize")
    assert failure.raw == raw
    report = (run.path / "report.html").read_text(encoding="utf-8")
    assert "<script>alert" not in report
    assert "&lt;script&gt;alert" in report


def test_letters_that_were_not_offered_are_no_label(work):
    handler, _ = spoilt({"text": "Z", "top_logprobs": [("Z", -0.1), ("Q", -2.5)]})
    with StubEndpoint(handler) as stub:
        run = start([*TEXTS, POISON], work, stub, label_sample=None)
    assert [(row.stage, row.number) for row in run.failures] == [("label", len(TEXTS))]
    assert run.labels.to_pylist()[-1]["source"] == "student"


def test_a_category_that_does_not_exist_is_no_label(work):
    answer = json.dumps({"reason": "I like it", "primary": 99, "all": [99]})
    handler, _ = spoilt(answer)
    with StubEndpoint(handler) as stub:
        run = start([*TEXTS, POISON], work, stub, label_sample=None, labels="explain")
    assert (run.status, run.failures[0].number, run.failures[0].raw) == (RunStatus.DONE, len(TEXTS), answer)
    assert "99" in run.failures[0].error
    assert {row["primary_id"] for row in run.labels.to_pylist()} <= {leaf.id for leaf in run.taxonomy} | {
        None
    }


# One answer about many texts


@pytest.mark.parametrize(
    ("prompt", "bad"),
    [
        ("revise", "Sure! Here is what I think of the groups."),
        ("revise", '{"edits": [{"op": "explode", "category": 1}]}'),
        ("generate", '{"categories": "many"}'),
        ("update", '{"rating": "high", "categories": []}'),
        ("review", "N/A"),
        ("name_group", '{"name": "x"}'),
        ("name_group", "[]"),
    ],
)
def test_an_unreadable_answer_is_told_and_the_next_minibatch_comes(work, prompt, bad):
    rule, first = RuleModel(), []

    def answer(values):
        # The first question gets nothing else, not even when it is repaired.
        first[:] = first or [values]
        return bad if values == first[0] else json.dumps(getattr(rule, f"_{prompt}")(values, 0))

    rule.overrides[prompt] = answer
    styles = {"revise": {}, "name_group": {"decisions": "small"}}
    with StubEndpoint(rule) as stub:
        run = start(TEXTS, work, stub, epochs=3, **styles.get(prompt, {"update": "paper"}))
    assert run.status is RunStatus.DONE
    stage = "review" if prompt == "review" else "update"
    assert [(row.stage, row.raw) for row in run.failures] == [(stage, bad)]
    assert len(run.taxonomy) >= 2
    assert not rule.errors


def test_edits_of_categories_that_do_not_exist_are_refused_with_a_reason(work):
    edits = [
        {"op": "remove", "category": 77},
        {"op": "redefine", "category": 99, "name": "Ghost Stories", "description": "About nothing."},
        {"op": "merge", "categories": [98, 99], "name": "More Ghosts", "description": "About less."},
        {"op": "add", "name": "Miscellaneous", "description": "Whatever is left."},
    ]
    rule = RuleModel()
    rule.overrides["revise"] = lambda values: json.dumps({"edits": edits + rule._revise(values, 0)["edits"]})
    with StubEndpoint(rule) as stub:
        run = start(TEXTS, work, stub)
    assert run.status is RunStatus.DONE
    names = {leaf.name for leaf in run.taxonomy}
    assert len(names) >= 2
    assert not names & {"Ghost Stories", "More Ghosts", "Miscellaneous"}
    with Workspace.open(work) as tables:
        refused = [refusal for version in tables.versions.list("main") for refusal in version.refused]
    reasons = Counter(refusal.edit.op for refusal in refused)
    assert set(reasons) == {"remove", "redefine", "merge", "add"}
    assert all(refusal.reason for refusal in refused)
    assert "refused" in (run.path / "report.html").read_text(encoding="utf-8").lower()


def test_a_table_that_continues_unknown_numbers_makes_new_categories_of_them(work):
    rule = RuleModel()

    def update(values):
        answer = rule._update(values, 0)
        answer["categories"].append(
            {"number": 99, "name": "Ghost Stories", "description": "Concerns ghosts."}
        )
        return json.dumps(answer)

    rule.overrides["update"] = update
    with StubEndpoint(rule) as stub:
        run = start(TEXTS, work, stub, update="paper", minibatch=8)
    assert run.status is RunStatus.DONE
    assert rule.count("update") >= 1
    ids = [leaf.id for leaf in run.taxonomy]
    assert len(ids) == len(set(ids))


def test_texts_in_which_no_category_is_found_are_told_and_the_workspace_stays_usable(work):
    rule = RuleModel(overrides={"revise": '{"edits": []}'})
    with StubEndpoint(rule) as stub:
        with pytest.raises(RunStateError, match=r"no category was found.*--name"):
            start(TEXTS, work, stub)
        assert Run.open(work).status is RunStatus.FAILED
        rule.overrides.clear()
        assert start(TEXTS, work, stub, name="again", decisions="small").status is RunStatus.DONE
