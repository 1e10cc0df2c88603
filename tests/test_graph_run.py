"""A whole run against a counting endpoint: how it starts, pauses, ends, and what it leaves behind."""

import csv
import json
import threading
from collections import Counter
from types import SimpleNamespace

import pandas as pd
import pytest
from rule_model import RuleModel, letter
from stub_endpoint import Status, StubEndpoint
from tnt_llm.classifiers.classifier import Classifier
from tnt_llm.graph.run import Run, RunStatus, list_runs
from tnt_llm.taxonomy.errors import (
    CorpusMismatchError,
    RunExistsError,
    RunNotFoundError,
    RunStateError,
    SettingsError,
    WorkspaceError,
)
from toy_runs import (
    CONCURRENCY,
    SMALL,
    TOPICS,
    always_ask_which_finalist,
    count_answers,
    messages,
    patch_all,
    rows,
)

TEXTS = messages(8)
LONG = " ".join(["The vat invoice for my taxes came twice, and the refund did not."] * 9)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    patch_all(monkeypatch)


@pytest.fixture
def rule():
    model = RuleModel()
    yield model
    assert not model.errors


@pytest.fixture
def stub(rule):
    with StubEndpoint(rule) as endpoint:
        yield endpoint


@pytest.fixture
def start(tmp_path, stub):
    def begin(corpus=TEXTS, **given):
        return Run.start(corpus, **{"workspace": tmp_path / "work", "llm": stub.spec, **SMALL, **given})

    return begin


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    """A run from a DataFrame to its end, with a blank text, copies and a long text; only looked at."""
    texts = [*messages(12), "", LONG, TEXTS[0], messages(12)[3]]
    frame = pd.DataFrame({"body": texts, "ticket": [f"t-{row}" for row in range(len(texts))]})
    model, told = RuleModel(), []
    with pytest.MonkeyPatch.context() as patch, StubEndpoint(model, delay=0.005) as stub:
        patch_all(patch)
        run = Run.start(
            frame,
            workspace=tmp_path_factory.mktemp("done"),
            llm=stub.spec,
            text_column="body",
            id_column="ticket",
            progress=lambda *step: told.append(step),
            **{**SMALL, "label_sample": 30},
        )
        labels, bundle = run.labels.to_pylist(), run.classifier
        yield SimpleNamespace(
            run=run, frame=frame, rule=model, stub=stub, told=told, labels=labels, bundle=bundle
        )
    assert not model.errors


def test_a_run_ends_with_a_category_for_every_topic(done):
    assert done.run.status is RunStatus.DONE
    names = " ".join(category.name for category in done.run.taxonomy).lower()
    assert [topic for topic in TOPICS if topic in names] == list(TOPICS)
    assert done.run.question is None
    assert done.run.failures == []


def test_every_document_has_one_row_of_labels_under_its_own_id(done):
    assert [row["id"] for row in done.labels] == list(done.frame["ticket"])
    right = sum(
        row["primary"] is not None and row["primary"].lower().split()[0] in text.split()
        for row, text in zip(done.labels, done.frame["body"], strict=True)
    )
    assert right > 0.8 * len(done.labels)


def test_labels_as_csv_say_the_same_as_labels_as_parquet(done):
    with (done.run.path / "labels.csv").open(newline="", encoding="utf-8") as file:
        read = list(csv.DictReader(file))
    assert [(row["id"], row["primary_id"], row["source"]) for row in read] == [
        (row["id"], row["primary_id"] or "", row["source"]) for row in done.labels
    ]


def test_the_llm_labels_its_sample_and_the_classifier_the_rest(done):
    numbers = Counter(row["source"] for row in done.labels)
    assert set(numbers) == {"llm", "student"}
    assert numbers["llm"] >= 30


def test_copies_of_a_text_have_the_same_label_and_a_blank_one_has_none(done):
    by_text = {}
    for row, text in zip(done.labels, done.frame["body"], strict=True):
        by_text.setdefault(text, []).append(row["primary_id"])
    assert max(len(found) for found in by_text.values()) == 2
    assert all(len(set(found)) == 1 for found in by_text.values())
    assert by_text[""] == [None]


def test_the_counts_of_the_taxonomy_file_are_those_of_the_labels(done):
    told = json.loads((done.run.path / "taxonomy.json").read_text(encoding="utf-8"))
    counted = Counter(row["primary_id"] for row in done.labels)
    assert {row["id"]: row["count"] for row in told["categories"]} == {
        category.id: counted[category.id] for category in done.run.taxonomy
    }
    assert sum(row["count"] for row in told["categories"]) + counted[None] == len(done.frame)
    ids = set(done.frame["ticket"])
    assert all(set(map(str, row["exemplars"])) <= ids and row["exemplars"] for row in told["categories"])


def test_the_bundle_labels_texts_that_the_run_never_saw(done):
    loaded = Classifier.load(done.run.path / "classifier")
    for classifier in (loaded, done.bundle):
        found = classifier.predict(["cooking dough flour oven", "football referee goal coach"])
        assert [prediction.primary.lower().split()[0] for prediction in found] == ["cooking", "football"]


def test_the_report_names_every_category_and_asks_nobody_for_anything(done):
    html = (done.run.path / "report.html").read_text(encoding="utf-8")
    assert all(category.name in html for category in done.run.taxonomy)
    assert not any(mark in html for mark in ('src="http', "<link", "@import"))


def test_only_the_long_text_is_summarised(done):
    assert done.rule.count("summary") == 1
    assert done.rule.count("phrase") == len(set(done.frame["body"]) - {"", LONG})


def test_the_ledger_adds_up_to_what_the_endpoint_was_sent(done):
    usage = done.run.usage
    assert sum(spent.calls for spent in usage.values()) == done.stub.count
    sent = sum(len(str(part["content"]).split()) for sent in done.stub.requests for part in sent["messages"])
    assert sum(spent.prompt_tokens for spent in usage.values()) == sent
    assert {"summarize", "update", "label"} <= set(usage)
    assert done.run.summary()["tokens"] == sum(spent.tokens for spent in usage.values())


def test_every_call_of_a_run_is_made_once_and_few_at_a_time(done):
    assert done.stub.count == count_answers(done.run.path.parent)
    assert 1 < done.stub.max_in_flight <= CONCURRENCY


def test_every_stage_tells_its_progress_up_to_its_end(done):
    last = {stage: (count, out_of) for stage, count, out_of, _ in done.told}
    assert set(last) == {"summarize", "update", "review", "label", "train", "classify"}
    assert all(count == out_of for stage, (count, out_of) in last.items() if stage != "update")
    assert all(0 <= count <= out_of for _, count, out_of, _ in done.told)
    tokens = [usage.tokens for *_, usage in done.told]
    assert tokens == sorted(tokens)


def test_the_summary_is_json_and_agrees_with_itself(done):
    summary = json.loads(json.dumps(done.run.summary()))
    assert sum(summary["counts"].values()) + summary["undefined"] == summary["documents"] == len(done.frame)
    assert summary["distinct"] == len(set(done.frame["body"]) - {""})
    assert summary["status"] == "done"
    assert summary["model"] == {"text": done.stub.spec, "reason": "named"}
    assert (summary["version"], summary["phase"]) == (done.run.state["version"], "done")
    assert summary["progress"]["classified"] == len(done.frame)


def test_checkpoints_hold_plain_values_and_no_document(done):
    assert json.loads(json.dumps(done.run.state)) == done.run.state
    folder = done.run.path.parent
    kept = b"".join(path.read_bytes() for path in folder.glob("checkpoints.sqlite*"))
    assert b"trials" in kept
    assert not [text for text in done.frame["body"] if text and text.encode() in kept]


def test_a_finished_run_is_not_resumed_nor_approved(done):
    before = done.stub.count
    assert done.run.resume().status is RunStatus.DONE
    with pytest.raises(RunStateError, match="done, not awaiting"):
        done.run.approve()
    assert done.stub.count == before


@pytest.mark.parametrize(
    ("corpus", "ids"),
    [
        (TEXTS, ["0", "1"]),
        (((f"no-{row}", text) for row, text in enumerate(TEXTS)), ["no-0", "no-1"]),
        ([{"id": row * 7, "text": text} for row, text in enumerate(TEXTS)], ["0", "7"]),
        ("corpus.csv", ["a0", "a1"]),
        ("corpus.jsonl", ["a0", "a1"]),
        ("corpus.txt", ["0", "1"]),
    ],
    ids=["texts", "pairs", "dicts", "csv", "jsonl", "lines"],
)
def test_a_corpus_comes_in_many_forms(start, tmp_path, corpus, ids):
    if isinstance(corpus, str):
        named = [{"id": f"a{row}", "text": text} for row, text in enumerate(TEXTS)]
        pd.DataFrame(named).to_csv(tmp_path / "corpus.csv", index=False)
        (tmp_path / "corpus.jsonl").write_text("\n".join(map(json.dumps, named)), encoding="utf-8")
        (tmp_path / "corpus.txt").write_text("\n".join(TEXTS), encoding="utf-8")
        corpus = tmp_path / corpus
    stop = threading.Event()
    stop.set()
    run = start(corpus, stop=stop)
    assert (run.status, run.summary()["documents"]) == (RunStatus.STOPPED, len(TEXTS))
    found = rows(tmp_path / "work" / "workspace.sqlite", "SELECT id, text FROM documents ORDER BY number")
    assert [given for given, _ in found[:2]] == ids
    assert [text for _, text in found] == TEXTS


def test_a_run_waits_for_approval_and_says_what_it_waits_for(start, rule, stub, tmp_path):
    run = start(auto=False)
    assert run.status is RunStatus.AWAITING
    assert run.question
    assert run.question == run.summary()["question"]
    assert len(run.taxonomy) >= 2
    assert rule.count("label_fast") == 0
    with pytest.raises(RunStateError, match="awaiting"):
        _ = run.labels
    with pytest.raises(RunStateError, match="resume or approve"):
        _ = run.classifier

    before = stub.count
    again = Run.open(tmp_path / "work")
    assert again.resume().status is RunStatus.AWAITING
    assert again.question == run.question
    assert stub.count == before

    assert again.approve().status is RunStatus.DONE
    assert (run.status, run.labels.num_rows) == (RunStatus.DONE, len(TEXTS))
    assert stub.count == count_answers(tmp_path / "work")


@pytest.mark.parametrize("auto", [True, False])
def test_a_process_that_died_before_it_could_say_so_loses_nothing(start, stub, tmp_path, auto):
    from tnt_llm.checkpoints.workspace import Workspace

    run = start(auto=auto)
    ended, before = run.status, stub.count
    with Workspace.open(tmp_path / "work") as tables:
        tables.runs.set_status("main", "running")
    assert Run.open(tmp_path / "work").resume().status is ended
    assert stub.count == before


def test_a_run_that_does_not_wait_cannot_be_approved(start):
    stop = threading.Event()
    stop.set()
    run = start(stop=stop)
    with pytest.raises(RunStateError, match="stopped, not awaiting"):
        run.approve()
    assert (len(run.taxonomy), run.state["phase"]) == (0, "summarize")


def test_paper_style_makes_the_table_then_updates_and_reviews_it(start, rule):
    run = start(update="paper", minibatch=8)
    assert run.status is RunStatus.DONE
    assert (rule.count("generate"), rule.count("review")) == (1, 1)
    assert rule.count("update") >= 1
    assert rule.count("revise") + rule.count("name_group") == 0
    assert len(run.taxonomy) == len(TOPICS)
    assert run.state["trials"]["0"]["rating"] == 80


def test_small_decisions_name_groups_and_ask_nothing_bigger(start, rule):
    run = start(decisions="small")
    assert run.status is RunStatus.DONE
    assert rule.count("name_group") >= len(run.taxonomy) >= 2
    assert rule.count("revise") + rule.count("update") + rule.count("review") == 0


def test_whole_decisions_show_all_evidence_at_once(start, rule):
    assert start(decisions="whole").status is RunStatus.DONE
    assert rule.count("revise") >= 1
    assert rule.count("name_group") == 0


def test_of_several_trials_one_is_chosen_and_is_the_best(start):
    run = start(messages(12), trials=3)
    state = run.state
    assert sorted(state["trials"]) == sorted(state["finalists"]) == ["0", "1", "2"]
    assert len({trial["seed"] for trial in state["trials"].values()}) == 3
    chosen = state["finalists"][str(state["chosen"])]
    assert chosen["version"] == state["version"]
    best = max(finalist["score"] for finalist in state["finalists"].values())
    assert best - chosen["score"] < 0.02 + 1e-9


def test_a_preference_that_survives_the_swap_beats_a_score_that_is_close(start, rule, monkeypatch):
    always_ask_which_finalist(monkeypatch.setattr)
    chosen = []
    for name, prefer in (("later", max), ("earlier", min)):

        def choose(values, prefer=prefer):
            tables = [repr(values["first"]), repr(values["second"])]
            return letter("AB"[tables.index(prefer(tables))], "AB")

        rule.overrides["choose"] = choose
        # Their use cases differ, so that the second run does not find the first one's answers.
        run = start(messages(12), name=name, trials=2, use_case=f"see what comes {name}")
        assert run.status is RunStatus.DONE
        chosen.append(run.state["chosen"])
    assert sorted(chosen) == [0, 1]


@pytest.mark.parametrize(
    "answer", [letter("A", "AB"), "neither", Status(400)], ids=["biased", "words", "error"]
)
def test_without_a_preference_the_better_score_is_chosen(start, rule, monkeypatch, answer):
    always_ask_which_finalist(monkeypatch.setattr)
    rule.overrides["choose"] = answer
    state = start(messages(12), trials=2).state
    assert rule.count("choose") == 2
    scores = {name: finalist["score"] for name, finalist in state["finalists"].items()}
    assert scores[str(state["chosen"])] == max(scores.values())


def test_explained_labels_keep_their_reasons(start, rule):
    run = start(labels="explain")
    assert rule.count("label_fast") == 0
    assert rule.count("label_explain") == SMALL["label_sample"]
    told = [row["reason"] for row in run.labels.to_pylist() if row["source"] == "llm"]
    assert len(told) == SMALL["label_sample"]
    assert all(reason.startswith("Words in common") for reason in told)


def test_an_endpoint_without_logprobs_is_asked_for_reasons_instead(tmp_path):
    rule = RuleModel(logprobs=False)
    with StubEndpoint(rule) as stub:
        run = Run.start(TEXTS, workspace=tmp_path, llm=stub.spec, **SMALL)
    assert run.status is RunStatus.DONE
    assert run.state["label_style"] == "explain"
    assert rule.count("label_explain") == SMALL["label_sample"]
    assert rule.count("label_fast") <= CONCURRENCY
    assert not rule.errors


def test_a_spent_budget_pauses_and_a_larger_one_goes_on(start, stub, tmp_path):
    run = start(budget_tokens=600)
    assert run.status is RunStatus.BUDGET
    assert "600" in run.summary()["note"]
    most = max(sum(len(str(part["content"]).split()) for part in sent["messages"]) for sent in stub.requests)
    spent = run.summary()["tokens"]
    assert 600 <= spent <= 600 + CONCURRENCY * (most + 24)

    before = stub.count
    assert Run.open(tmp_path / "work").resume().status is RunStatus.BUDGET
    assert stub.count == before

    assert Run.open(tmp_path / "work", budget_tokens=1_000_000).resume().status is RunStatus.DONE
    assert run.settings.budget_tokens == 1_000_000
    assert stub.count == count_answers(tmp_path / "work")


def test_a_stop_ends_the_run_at_the_next_answer_and_nothing_is_asked_again(start, stub, tmp_path):
    stop = threading.Event()
    stub.delay = 0.01

    def progress(stage, done, total, usage):
        if done == 5:
            stop.set()

    run = start(stop=stop, progress=progress)
    assert run.status is RunStatus.STOPPED
    assert 5 <= stub.count <= 5 + 2 * CONCURRENCY
    assert stub.answered == stub.count == count_answers(tmp_path / "work")
    assert Run.open(tmp_path / "work").resume().status is RunStatus.DONE
    assert stub.count == count_answers(tmp_path / "work")


def test_a_run_goes_on_with_another_endpoint_of_the_same_model(start, stub, tmp_path):
    stop = threading.Event()
    start(stop=stop, progress=lambda stage, done, total, usage: done >= 9 and stop.set())
    first = stub.count
    rule = RuleModel()
    with StubEndpoint(rule) as other:
        run = Run.open(tmp_path / "work", llm=other.spec).resume()
        assert (run.status, run.model.text) == (RunStatus.DONE, other.spec)
        assert stub.count == first
        assert first + other.count == count_answers(tmp_path / "work")


def test_an_equal_second_run_pays_nothing(start, stub):
    first = start()
    before = stub.count
    second = start(name="second")
    assert (second.status, stub.count) == (RunStatus.DONE, before)
    assert sum(spent.calls for spent in second.usage.values()) == 0
    assert second.state["version"] == first.state["version"]
    assert (second.path / "labels.csv").read_bytes() == (first.path / "labels.csv").read_bytes()


def test_a_second_run_with_other_settings_pays_for_what_differs_only(start, rule, tmp_path):
    start()
    phrases = rule.count("phrase")
    other = start(name="wide", seed=5, trials=2)
    assert other.status is RunStatus.DONE
    assert rule.count("phrase") == phrases == len(set(TEXTS))
    assert "summarize" not in other.usage
    assert [row.name for row in list_runs(tmp_path / "work")] == ["main", "wide"]


def test_another_corpus_and_a_taken_name_are_refused_and_harm_nothing(start, stub):
    run = start()
    before, kept = stub.count, (run.path / "taxonomy.json").read_bytes()
    with pytest.raises(CorpusMismatchError, match="another workspace"):
        start(messages(9), name="other")
    with pytest.raises(RunExistsError, match="tnt resume"):
        start()
    assert stub.count == before
    assert (run.status, (run.path / "taxonomy.json").read_bytes()) == (RunStatus.DONE, kept)


@pytest.mark.parametrize("given", [{"max_categories": 1}, {"colour": "red"}, {"use_case": ""}, {"trials": 0}])
def test_a_senseless_setting_is_refused_before_anything_is_made(start, tmp_path, given):
    with pytest.raises(SettingsError, match=next(iter(given))):
        start(**given)
    assert not (tmp_path / "work").exists()


def test_a_workspace_or_run_that_is_not_there_is_told(start, tmp_path):
    with pytest.raises(WorkspaceError, match="not a workspace"):
        Run.open(tmp_path / "work")
    stop = threading.Event()
    stop.set()
    start(stop=stop)
    with pytest.raises(RunNotFoundError, match="Runs there: main"):
        Run.open(tmp_path / "work", "mine")
