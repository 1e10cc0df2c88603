"""Judges of a finished run, behind a stub endpoint: what they are asked, what comes of it, what they never see."""

import json
import re
import shutil
import subprocess
import sys
import threading
import time
from itertools import pairwise
from pathlib import Path

import pytest
from finished_runs import TOPICS, corpus, finish, version_of
from rule_model import RuleModel, letter
from source_tree import ROOT, modules
from stub_endpoint import Status, StubEndpoint
from tnt_cli import Tnt
from tnt_llm.graph.evaluation import judge_run
from tnt_llm.graph.judging import Judging
from tnt_llm.graph.record import RunRecord
from tnt_llm.taxonomy.errors import BudgetReached, EndpointError, SettingsError, Stopped
from tnt_llm.tools.evaluation.evaluation import Evaluation
from tnt_llm.tools.evaluation.judge_purposes import _PURPOSES, OTHER_USE_CASE
from tnt_llm.tools.evaluation.judge_verdicts import Kind
from tnt_llm.tools.evaluation.measures import FACTS, MEASURES
from toy_runs import rows, use_quick_chat, use_quick_encoder
from toy_texts import WORDS

NAMES = {topic: topic.title() for topic in TOPICS}
CANARY = "zyxgoldwvu"
RELATED = {name: use_case for use_case, known in _PURPOSES for name, _ in known}


class Judge(RuleModel):
    """Knows the topics' words, the built-in purposes, and that the categories of the run serve its purpose."""

    def _judge_pair(self, values, again):
        names = [values["first.name"], values["second.name"]]
        topics = [name.lower() for name in names]
        fits = [len(set(WORDS.get(topic, [])) & set(values["text"].split())) for topic in topics]
        return letter("C" if not max(fits) else "AB"[fits.index(max(fits))], "ABC")

    def _judge_all(self, values, again):
        letters = "ABCDEFGH"[: len(values["options"]) + 1]
        topics = [option["option.name"].lower() for option in values["options"]]
        fits = [len(set(WORDS.get(topic, [])) & set(values["text"].split())) for topic in topics]
        return letter(letters[fits.index(max(fits))] if max(fits) else letters[-1], letters)

    def _judge_relevant(self, values, again):
        fits = RELATED.get(values["category.name"], "tell what it is") == values["use_case"]
        return letter("A" if fits is (values["first"] == "Yes") else "B", "AB")


@pytest.fixture
def tnt(capfd: pytest.CaptureFixture[str]) -> Tnt:
    return Tnt(capfd)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    use_quick_encoder(monkeypatch.setattr)
    use_quick_chat(monkeypatch.setattr)


@pytest.fixture(scope="module")
def texts():
    return corpus(20)


@pytest.fixture(scope="module")
def finished(tmp_path_factory, texts) -> Path:
    """80 documents on three topics; every fifth of pets is called taxes, and what is strange is undefined."""
    folder = tmp_path_factory.mktemp("judged") / "work"
    names = [NAMES.get(topic) for topic in texts.topics]
    for row in [row for row, topic in enumerate(texts.topics) if topic == "pets"][::5]:
        names[row] = "Taxes"
    finish(folder, texts, version_of(*NAMES.values()), names)
    return folder


@pytest.fixture
def workspace(tmp_path, finished) -> Path:
    """A copy of it, in which no judge has been asked."""
    return Path(shutil.copytree(finished, tmp_path / "work", symlinks=True))


@pytest.fixture
def stub():
    model = Judge()
    with StubEndpoint(model) as endpoint:
        endpoint.model = model
        yield endpoint
    assert not model.errors


def judged(workspace, stub, **given) -> Evaluation:
    return RunRecord(workspace, "main").evaluate(judges=[stub.spec], **given)


# --- what comes out ---


def test_a_good_judge_finds_the_share_of_labels_that_are_right(workspace, stub):
    found = judged(workspace, stub, judge_sample=60)
    assert [section.key for section in found][-4:] == [
        "judge",
        "judge_labels",
        "judge_relevance",
        "judge_removal",
    ]
    labels = found["judge_labels"]
    for kind in ("random", "nearest", "listwise"):
        # 4 of 60 are wrong; one that the random other one does not show as wrong is still not taken for right.
        assert labels.figures[f"label_{kind}"].value == pytest.approx(56 / 60, abs=0.02)
        corrected = labels.figures[f"label_{kind}_corrected"]
        assert corrected.low < 56 / 60 < corrected.high
        assert corrected.value == pytest.approx(56 / 60, abs=0.05)
        assert labels.figures[f"clear_{kind}"].value > 0.9
    assert labels.facts["documents"] == 60
    assert found["judge"].figures["random_youden"].value > 0.8
    assert found["judge"].figures["random_youden"].low < 1
    assert found["judge"].facts["unusable"] is None
    relevance = found["judge_relevance"]
    assert relevance.figures["relevance_difference"].value == 1
    assert relevance.facts["other_use_case"] == OTHER_USE_CASE
    assert found["judge_removal"].figures["span_changes"].n > 20


def test_every_section_tells_its_judgements_and_tokens_and_every_name_is_in_words(workspace, stub):
    found = judged(workspace, stub, judge_sample=10)
    for section in [section for section in found if section.key.startswith("judge")]:
        assert section.facts["judgements"] > 0
        assert section.facts["tokens"] > section.facts["judgements"]
        assert set(section.figures) <= set(MEASURES), section.key
        assert set(section.facts) <= set(FACTS), section.key
    assert Evaluation.from_dict(json.loads(json.dumps(found.as_dict()))) == found


def test_both_orders_of_a_pair_are_asked(workspace, stub):
    judged(workspace, stub, judge_sample=5)
    pairs = {
        (values["text"], values["first.name"], values["second.name"])
        for name, values in stub.model.asked
        if name == "judge_pair"
    }
    assert pairs
    assert all((text, second, first) in pairs for text, first, second in pairs)


def test_lists_are_asked_one_order_after_the_other(tmp_path, finished, monkeypatch):
    use_quick_chat(monkeypatch.setattr, concurrency=1)
    with StubEndpoint(Judge()) as endpoint:
        judged(Path(shutil.copytree(finished, tmp_path / "work", symlinks=True)), endpoint)
        lists = [
            payload["messages"][0]["content"]
            for payload in endpoint.requests
            if "None of these" in payload["messages"][0]["content"]
        ]
    changes = sum(one != other for one, other in pairwise(lists))
    # Of what is known, of the sample, and of texts without a part.
    assert len(set(lists)) == 2
    assert changes <= 4


def test_another_use_case_is_the_one_that_is_named(workspace, stub):
    found = judged(workspace, stub, judge_sample=5, other_use_case="count the stars")
    assert found["judge_relevance"].facts["other_use_case"] == "count the stars"
    assert any(values.get("use_case") == "count the stars" for _, values in stub.model.asked)


@pytest.mark.parametrize("logprobs", [True, False])
def test_an_endpoint_without_alternatives_is_read_by_its_text(workspace, logprobs):
    with StubEndpoint(Judge(logprobs=logprobs)) as endpoint:
        found = judged(workspace, endpoint, judge_sample=20)
    assert found["judge_labels"].figures["label_random"].value > 0.8


def test_verdicts_can_be_had_document_by_document(workspace, stub, texts):
    found = judged(workspace, stub, judge_sample=30)
    asked = stub.count
    outcome, result = judge_run(workspace, "main", Judging(specs=(stub.spec,), sample=30))
    assert stub.count == asked
    assert result.sections == tuple(section for section in found if section.key.startswith("judge"))
    (verdicts,) = result.verdicts
    for one, place in zip(verdicts.sampled, verdicts.labels[Kind.LISTWISE].tolist(), strict=True):
        if place >= 0:
            assert outcome.names[place] == NAMES[texts.topics[one.row]]


# --- judges that are of no use ---


def test_a_judge_that_always_says_a_is_called_unusable_and_asked_no_further(workspace, stub):
    stub.model.overrides = {
        name: letter("A", "ABC") for name in ("judge_pair", "judge_all", "judge_relevant")
    }
    found = judged(workspace, stub, judge_sample=40)
    assert [section.key for section in found if section.key.startswith("judge")] == ["judge"]
    assert found["judge"].facts["unusable"]
    assert sum("unusable" in note for note in found.notes) == 4
    assert stub.model.count("judge_relevant") == 64  # what is known of relevance, in both orders


def test_a_judge_that_is_good_at_one_thing_is_reported_for_that_alone(workspace, stub):
    stub.model.overrides = {"judge_pair": letter("C", "ABC")}
    found = judged(workspace, stub, judge_sample=20)
    assert set(found["judge_labels"].figures) == {
        "label_listwise",
        "label_listwise_corrected",
        "clear_listwise",
    }
    assert "random other" in found["judge"].facts["unusable"]
    assert "judge_relevance" in found


def test_a_single_category_leaves_relevance_and_a_note(tmp_path, texts, stub):
    folder = tmp_path / "one"
    names = ["Pets" if topic == "pets" else None for topic in texts.topics]
    finish(folder, texts, version_of("Pets"), names)
    found = judged(folder, stub)
    assert [section.key for section in found if section.key.startswith("judge")] == [
        "judge",
        "judge_relevance",
    ]
    assert any("no choice between labels" in note for note in found.notes)


def test_where_labels_say_nothing_no_figure_of_them_is_reported(tmp_path, texts, stub):
    """What is taken for known is wrong too: it cannot be told whether the labels are at fault or the judge."""
    folder = tmp_path / "wrong"
    topics = ("pets", "taxes")
    names = [{"pets": "Taxes", "taxes": "Pets"}.get(topic) for topic in texts.topics]
    finish(folder, texts, version_of(*(NAMES[topic] for topic in topics)), names)
    found = judged(folder, stub, judge_sample=5)
    assert "judge_labels" not in found
    assert sum("unusable" in note for note in found.notes) == 3


# --- two judges ---


def test_two_judges_are_reported_side_by_side_with_their_agreement(workspace, stub):
    with StubEndpoint(Judge(), models=("second",)) as second:
        found = RunRecord(workspace, "main").evaluate(judges=[stub.spec, second.spec], judge_sample=20)
    keys = [section.key for section in found]
    assert {"judge", "judge_labels", "judge_2", "judge_2_labels", "judges_1_2"} <= set(keys)
    assert found["judges_1_2"].figures["agree_listwise"].value == 1
    assert found["judges_1_2"].figures["kappa_random"].n > 10
    assert set(found["judges_1_2"].figures) <= set(MEASURES)


def test_one_model_is_no_two_judges(workspace, stub):
    with StubEndpoint(Judge()) as same, pytest.raises(SettingsError, match="same model"):
        RunRecord(workspace, "main").evaluate(judges=[stub.spec, same.spec], judge_sample=5)


# --- what is kept ---


def test_nothing_is_asked_twice_and_more_documents_ask_only_about_these(workspace, stub):
    first = judged(workspace, stub, judge_sample=20)
    asked = stub.count
    assert judged(workspace, stub, judge_sample=20) == first
    assert stub.count == asked
    judged(workspace, stub, judge_sample=30)
    assert asked < stub.count < 1.6 * asked
    assert stub.repeats == 0


def test_a_spent_budget_keeps_the_answers_and_a_larger_one_goes_on(workspace, stub):
    with pytest.raises(BudgetReached):
        judged(workspace, stub, judge_sample=20, budget_tokens=3_000)
    asked = stub.count
    assert asked > 20
    found = judged(workspace, stub, judge_sample=20, budget_tokens=10_000_000)
    assert stub.repeats == 0
    assert found["judge_labels"].facts["judgements"] > 0
    stages = dict(rows(workspace / "workspace.sqlite", "SELECT stage, calls FROM ledger WHERE run = 'main'"))
    assert stages["judge"] == stub.count


def test_an_endpoint_that_goes_down_loses_no_answer(workspace, stub):
    count = 0
    fine = stub.handler

    def failing(payload):
        nonlocal count
        count += 1
        return fine(payload) if count <= 60 else Status(401, "no")

    stub.handler = failing
    with pytest.raises(EndpointError):
        judged(workspace, stub, judge_sample=20)
    kept = rows(workspace / "workspace.sqlite", "SELECT count(*) FROM answers")[0][0]
    assert kept >= 60
    stub.handler, stub.requests = fine, []
    judged(workspace, stub, judge_sample=20)
    whole = rows(workspace / "workspace.sqlite", "SELECT count(*) FROM answers")[0][0]
    assert stub.count == whole - kept


def test_a_judge_that_is_stopped_goes_on_where_it_was(workspace, stub):
    stop = threading.Event()
    heard = []

    def progress(stage, done, total, usage):
        heard.append((stage, done, total, usage.tokens))
        if done == 40:
            stop.set()

    with pytest.raises(Stopped):
        judged(workspace, stub, judge_sample=20, progress=progress, stop=stop)
    assert 40 <= stub.count < 60
    judged(workspace, stub, judge_sample=20, progress=progress)
    assert stub.repeats == 0
    assert {stage for stage, *_ in heard} == {"judge"}
    assert all(done <= total for _, done, total, _ in heard)
    assert heard[-1][1] == heard[-1][2]


def test_a_killed_judge_asks_no_more_again_than_was_in_flight(workspace, stub):
    stub.delay = 0.02
    code = (
        "import sys; sys.path.insert(0, 'tests/support')\n"
        "from pathlib import Path\n"
        "from toy_runs import use_quick_chat, use_quick_encoder; use_quick_encoder(); use_quick_chat()\n"
        "from tnt_llm.graph.record import RunRecord\n"
        f"RunRecord(Path({str(workspace)!r}), 'main').evaluate(judges=[{stub.spec!r}], judge_sample=20)"
    )
    child = subprocess.Popen([sys.executable, "-c", code], cwd=ROOT)
    until = time.monotonic() + 120
    while stub.count < 70 and child.poll() is None and time.monotonic() < until:
        time.sleep(0.01)
    child.kill()
    assert child.wait() == -9
    in_flight = stub.max_in_flight
    assert 70 <= stub.count < 200
    stub.delay = 0
    judged(workspace, stub, judge_sample=20)
    assert stub.repeats <= in_flight


# --- gold ---


def test_gold_labels_reach_no_prompt_even_when_both_are_given(workspace, stub, tmp_path, texts):
    path = tmp_path / "gold.csv"
    lines = [
        f"{id_},{CANARY} {topic},{CANARY} above" for id_, topic in zip(texts.ids, texts.topics, strict=True)
    ]
    path.write_text("\n".join(["id,topic,above", *lines]) + "\n", encoding="utf-8")
    alone = judged(workspace, stub, judge_sample=20)
    asked = stub.count
    given = {"gold": path, "gold_column": "topic", "gold_parent_column": "above"}
    both = judged(workspace, stub, judge_sample=20, **given)
    assert "gold" in both
    assert CANARY in json.dumps(both.as_dict())
    # Not one question more, and so none that could depend on gold.
    assert stub.count == asked
    assert both["judge_labels"] == alone["judge_labels"]
    fresh = judged(workspace, stub, judge_sample=25, **given)
    assert stub.count > asked
    assert "judge_labels" in fresh
    assert CANARY not in json.dumps(stub.requests)
    answers = rows(workspace / "workspace.sqlite", "SELECT payload FROM answers")
    assert CANARY not in json.dumps([list(row) for row in answers])


def test_what_asks_judges_is_given_no_gold():
    source = modules()["graph.judging"].read_text("utf-8")
    assert not re.findall(r"evaluation\.(?:gold|against_gold|evaluate)\b|read_gold|GoldFile", source)


# --- the command ---


def test_the_command_judges_and_prints_the_figures(tnt, workspace, stub):
    result = tnt("evaluate", "-w", workspace, "--judge", stub.spec, "--judge-sample", 10)
    assert result.code == 0
    assert "Labels, judged by stub" in result.out
    assert "Label against a random other one, corrected" in result.out
    assert "Questions answered" in result.out


@pytest.mark.parametrize(
    ("args", "code", "message"),
    [
        (("--other-use-case", "x"), 2, "--judge SPEC"),
        (("--budget-tokens", 5), 2, "--judge SPEC"),
        (("--judge", "nonsense"), 2, "There is no LLM called 'nonsense'"),
        (("--judge", "http://127.0.0.1:9/v1#m", "--judge", "http://127.0.0.1:9/v1#m"), 2, "same LLM twice"),
    ],
)
def test_what_makes_no_sense_is_refused(tnt, workspace, args, code, message):
    result = tnt("evaluate", "-w", workspace, *args)
    assert (result.code, result.out) == (code, "")
    assert message in result.err


def test_a_spent_budget_ends_with_the_code_of_one(tnt, workspace, stub):
    result = tnt("evaluate", "-w", workspace, "--judge", stub.spec, "--budget-tokens", 500)
    assert (result.code, result.out) == (4, "")


def test_what_is_asked_for_must_make_sense():
    with pytest.raises(SettingsError, match="at least one document"):
        Judging(specs=("embedded",), sample=0)
