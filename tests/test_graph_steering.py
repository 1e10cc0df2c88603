"""A run is spoken to: what is said, what it comes to, what is refused, and that it can all be taken back."""

import json
from types import SimpleNamespace

import pytest
from rule_model import RuleModel
from stub_endpoint import Status, StubEndpoint
from tnt_llm.checkpoints.workspace import Workspace
from tnt_llm.graph.run import Run, RunStatus
from tnt_llm.taxonomy.errors import RunStateError
from tnt_llm.taxonomy.version import Author
from toy_runs import SMALL, TOPICS, copy_answers, messages, patch_all

TEXTS = messages(8)
ASKING = {**SMALL, "auto": False}


def acts(*actions):
    """What the model reads from any message."""
    return json.dumps({"actions": list(actions)})


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
def waiting(tmp_path, stub):
    """A run that shows its taxonomy."""
    return Run.start(TEXTS, workspace=tmp_path / "work", llm=stub.spec, **ASKING)


@pytest.fixture
def done(waiting):
    return waiting.approve()


def outputs(run):
    """What is on disk: version, names and labels of one and the same taxonomy, or the test fails."""
    told = json.loads((run.path / "taxonomy.json").read_text(encoding="utf-8"))
    ids = {row["id"]: row["name"] for row in told["categories"]}
    labels = run.labels.to_pylist()
    assert all(row["primary_id"] is None or ids[row["primary_id"]] == row["primary"] for row in labels)
    assert set(run.classifier.predict(TEXTS[:5])) is not None
    assert {label.id for label in run.classifier.labels} <= set(ids)
    return SimpleNamespace(version=told["version"], names=list(ids.values()), labels=labels)


# --- edits


def test_edits_are_shown_before_they_are_applied_and_applied_after_a_yes(waiting):
    before = waiting.taxonomy
    turn = waiting.say("/merge 1, 2 into Both topics")
    assert [line.op for line in turn.proposal.lines] == ["merge"]
    assert turn.proposal.lines[0].documents > 0
    assert turn.proposal.lines[0].example
    assert waiting.taxonomy == before
    turn = waiting.confirm()
    assert turn.proposal is None
    assert turn.taxonomy.names == ("Both topics", *before.names[2:])
    assert turn.status is RunStatus.AWAITING


def test_the_version_says_who_wrote_it_and_in_which_words(waiting, tmp_path):
    waiting.say("/rename 1 to Animals")
    waiting.confirm()
    with Workspace.open(tmp_path / "work") as tables:
        version = tables.versions.get(waiting.state["version"])
    assert version.author is Author.HUMAN
    assert version.note == "/rename 1 to Animals"


def test_a_dropped_proposal_changes_nothing(waiting):
    before = waiting.state["version"]
    waiting.say("/remove 1")
    turn = waiting.drop()
    assert turn.proposal is None
    assert waiting.state["version"] == before
    with pytest.raises(RunStateError, match="no proposal"):
        waiting.drop()


def test_some_of_several_edits_can_be_kept(waiting, rule):
    before = waiting.taxonomy
    rule.overrides["plan"] = acts(
        {"do": "rename", "category": 1, "name": "Animals"}, {"do": "rename", "category": 2, "name": "Money"}
    )
    turn = waiting.say("rename 1 to Animals and 2 to Money")
    assert len(turn.proposal.lines) == 2
    with pytest.raises(RunStateError, match="no number 3"):
        waiting.confirm(3)
    assert waiting.confirm(2).taxonomy.names == (before.names[0], "Money", *before.names[2:])


def test_saying_something_else_changes_the_request(waiting):
    before = waiting.taxonomy
    waiting.say("/remove 1")
    turn = waiting.say("/rename 1 to Animals")
    assert [line.op for line in turn.proposal.lines] == ["redefine"]
    assert len(waiting.confirm().taxonomy) == len(before)


def test_yes_applies_at_once(waiting):
    turn = waiting.say("/rename 1 to Animals", yes=True)
    assert turn.proposal is None
    assert turn.taxonomy.names[0] == "Animals"


def test_a_refused_edit_says_why_and_the_run_waits_on(waiting):
    turn = waiting.say("/rename 1 to Other")
    assert "vague" in turn.reply
    assert turn.proposal is None
    assert turn.status is RunStatus.AWAITING


@pytest.mark.parametrize("text", ["/frobnicate", "/merge 1", "/rename 99 to Animals"])
def test_a_command_that_makes_no_sense_says_the_right_form(waiting, text):
    before = waiting.state["version"]
    turn = waiting.say(text)
    assert "/" in turn.reply
    assert waiting.state["version"] == before


def test_undo_and_redo_are_exact_and_unlimited(waiting):
    seen = [waiting.state["version"]]
    for text in ("/rename 1 to Animals", "/merge 2, 3 into Two", "/remove Two"):
        waiting.say(text, yes=True)
        seen.append(waiting.state["version"])
    for version in reversed(seen[:-1]):
        waiting.undo()
        assert waiting.state["version"] == version
    for version in seen[1:]:
        waiting.redo()
        assert waiting.state["version"] == version
    assert "nothing to redo" in waiting.redo().reply


def test_undo_goes_on_into_what_the_model_did_and_ends_at_its_beginning(waiting):
    for _ in range(20):
        if "nothing to undo" in waiting.undo().reply:
            break
    else:
        pytest.fail("undo never ends")
    assert len(waiting.taxonomy)


def test_a_new_edit_ends_what_could_be_redone(waiting):
    waiting.say("/rename 1 to Animals", yes=True)
    waiting.undo()
    waiting.say("/rename 1 to Beasts", yes=True)
    assert "nothing to redo" in waiting.redo().reply


# --- the model reads


def test_two_turns_cost_two_calls_at_most(waiting, rule):
    rule.overrides["plan"] = acts({"do": "rename", "category": 1, "name": "Animals"})
    before = rule.count("plan")
    waiting.say("rename 1 to Animals")
    waiting.confirm()
    rule.overrides["plan"] = acts({"do": "ask", "about": "count", "category": 1, "text": "", "count": 0})
    waiting.say("how many are in 1?")
    assert rule.count("plan") - before == 2


def test_commands_ask_nobody(waiting, stub):
    before = stub.count
    for text in (
        "/help",
        "/taxonomy",
        "/examples 1 2",
        "/find dog",
        "/why 0",
        "/rename 1 to Animals",
        "yes",
        "/undo",
        "/redo",
        "/diff",
        "/instructions",
    ):
        turn = waiting.say(text)
        assert turn.reply or turn.proposal, text
    assert stub.count == before


def test_a_question_is_answered_from_the_data(waiting, rule):
    rule.overrides["plan"] = acts({"do": "ask", "about": "count", "category": 1, "text": "", "count": 0})
    turn = waiting.say("how many texts are in the first one?")
    assert any(char.isdigit() for char in turn.reply)
    assert turn.proposal is None
    assert turn.taxonomy == waiting.taxonomy


def test_an_endpoint_that_fails_is_told_and_the_question_stays(waiting, rule):
    rule.overrides["plan"] = Status(400)
    turn = waiting.say("please merge the first two")
    assert "/help" in turn.reply
    assert turn.status is RunStatus.AWAITING
    del rule.overrides["plan"]
    assert waiting.say("/rename 1 to Animals").proposal is not None


def test_an_unreadable_answer_is_told_and_changes_nothing(waiting, rule):
    before = waiting.state["version"]
    rule.overrides["plan"] = "I would be happy to help!"
    assert "/help" in waiting.say("please merge the first two").reply
    assert waiting.state["version"] == before


# --- instructions


def test_an_instruction_is_in_every_later_prompt_until_it_is_lifted(waiting, rule):
    rule.overrides["plan"] = acts(
        {"do": "rule", "text": "by cause, not by product", "most": 0, "language": "", "purpose": True}
    )
    turn = waiting.say("sort them by cause, not by product")
    assert "/rerun subjects" in turn.reply
    assert "by cause" in waiting.say("/instructions").reply
    del rule.overrides["plan"]
    waiting.approve()
    asked = [values["use_case"] for name, values in rule.asked if name == "label_fast"]
    assert asked
    assert all("by cause" in use_case for use_case in asked)


def test_a_lifted_instruction_is_in_no_later_prompt(waiting, rule):
    waiting.say("/instructions add by cause, not by product")
    waiting.say("/instructions drop 1")
    waiting.approve()
    asked = [values["use_case"] for name, values in rule.asked if name == "label_fast"]
    assert not any("by cause" in use_case for use_case in asked)


def test_a_smaller_size_comes_with_the_merges_that_reach_it(waiting, rule):
    rule.overrides["plan"] = acts(
        {"do": "rule", "text": "at most 3", "most": 3, "language": "", "purpose": False}
    )
    turn = waiting.say("at most 3 categories please")
    assert turn.proposal is not None
    assert len(waiting.confirm().taxonomy) == 3


def test_subjects_are_read_anew_under_an_instruction_when_that_is_confirmed(waiting, rule):
    waiting.say("/instructions add by cause, not by product")
    before = rule.count("phrase")
    turn = waiting.say("/rerun subjects")
    assert turn.proposal is not None
    assert rule.count("phrase") == before
    turn = waiting.confirm()
    assert turn.status is RunStatus.AWAITING
    asked = [values["use_case"] for name, values in rule.asked if name == "phrase"][before:]
    assert len(asked) == len(TEXTS)
    assert all("by cause" in use_case for use_case in asked)


# --- the loop


def test_a_run_pauses_within_the_loop_and_goes_on(tmp_path, stub):
    run = Run.start(
        TEXTS, workspace=tmp_path / "work", llm=stub.spec, **{**ASKING, "pause_every": 1, "minibatch": 8}
    )
    pauses = 0
    while run.state["trials"]["0"]["active"]:
        pauses += 1
        assert run.status is RunStatus.AWAITING
        assert len(run.state["trials"]["0"]["path"]) == pauses
        run.say("/continue")
    assert pauses >= 2
    assert run.status is RunStatus.AWAITING  # the taxonomy is ready
    assert run.approve().status is RunStatus.DONE


def test_an_edit_within_the_loop_is_what_the_loop_goes_on_from(tmp_path, stub):
    run = Run.start(
        TEXTS, workspace=tmp_path / "work", llm=stub.spec, **{**ASKING, "pause_every": 1, "minibatch": 8}
    )
    run.say("/rename 1 to Animals and such", yes=True)
    steered = run.state["version"]
    run.say("/continue")
    with Workspace.open(tmp_path / "work") as tables:
        line = [version.id for version in tables.versions.path(run.state["version"])]
    assert steered in line


def test_a_finished_loop_goes_on_from_the_users_version(waiting, tmp_path):
    waiting.say("/rename 1 to Animals and such", yes=True)
    steered = waiting.state["version"]
    turn = waiting.say("/continue")
    assert turn.status is RunStatus.AWAITING
    with Workspace.open(tmp_path / "work") as tables:
        assert steered in [version.id for version in tables.versions.path(waiting.state["version"])]
    while waiting.state["version"] != steered:
        assert "nothing to undo" not in waiting.undo().reply


@pytest.mark.parametrize("stage", ["loop", "review"])
def test_a_stage_is_done_anew_and_undo_brings_the_old_taxonomy_back(waiting, stage):
    waiting.say("/merge 1, 2 into Both", yes=True)
    before = waiting.state["version"]
    turn = waiting.say(f"/rerun {stage}", yes=True)
    assert turn.status is RunStatus.AWAITING
    waiting.undo()
    assert waiting.state["version"] == before


# --- wrong answers


@pytest.mark.parametrize("text", [None, {}, "", "   ", 3, ["approve"]])
def test_what_is_no_answer_is_refused_and_the_pause_stays(waiting, text):
    before = dict(waiting.state)
    with pytest.raises(RunStateError):
        waiting.say(text)
    assert waiting.state == before
    assert waiting.status is RunStatus.AWAITING
    assert waiting.say("/help").reply


def test_an_answer_to_another_turns_question_is_refused(waiting):
    old = waiting.turn
    waiting.say("/rename 1 to Animals")
    before = dict(waiting.state)
    with pytest.raises(RunStateError, match="somebody has gone on since"):
        waiting.say("yes", to=old)
    assert waiting.state == before
    assert waiting.proposal is not None


def test_an_old_clients_answer_after_someone_else_approved_is_refused(waiting):
    old = waiting.turn
    waiting.approve()
    published = outputs(waiting)
    with pytest.raises(RunStateError):
        waiting.say("/remove 1", to=old, yes=True)
    assert waiting.status is RunStatus.DONE
    assert outputs(waiting) == published


def test_a_run_with_work_left_is_not_spoken_to(tmp_path, stub):
    run = Run.start(TEXTS, workspace=tmp_path / "work", llm=stub.spec, **{**ASKING, "budget_tokens": 200})
    assert run.status is RunStatus.BUDGET
    with pytest.raises(RunStateError, match="resume"):
        run.say("/merge 1, 2")


# --- finished runs


def test_a_question_to_a_finished_run_leaves_it_finished(done):
    before = outputs(done)
    turn = done.say("/examples 1")
    assert turn.reply
    assert done.status is RunStatus.DONE
    assert done.question is None
    assert outputs(done) == before
    assert "already" in done.say("/approve").reply


def test_the_outputs_of_a_finished_run_stay_until_the_new_ones_are_approved_and_made(done, rule):
    before, size = outputs(done), len(done.taxonomy)
    done.say("/merge 1, 2 into Both topics", yes=True)
    assert done.status is RunStatus.AWAITING
    assert outputs(done) == before
    asked = rule.count("label_fast")
    done.approve()
    after = outputs(done)
    assert after.version == done.state["version"] != before.version
    assert after.names[0] == "Both topics"
    assert len(after.names) == size - 1
    # A merge keeps its labels: nobody is asked about the texts again.
    assert rule.count("label_fast") == asked


def test_outputs_that_were_deleted_are_made_again_on_approval(done):
    before = outputs(done)
    done.path.unlink()
    done.say("/approve")
    assert outputs(done) == before


def test_undoing_back_to_what_is_published_needs_no_approval(done):
    before = outputs(done)
    done.say("/merge 1, 2 into Both topics", yes=True)
    done.undo()
    assert done.status is RunStatus.DONE
    assert outputs(done) == before


def test_a_recorded_conversation_gives_the_same_taxonomy_byte_for_byte(tmp_path, stub, rule):
    plans = iter(
        [
            acts({"do": "merge", "categories": [1, 2], "name": "Both"}),
            acts({"do": "split", "category": 1, "parts": []}),
        ]
    )
    rule.overrides["plan"] = lambda _: next(plans)
    first = Run.start(TEXTS, workspace=tmp_path / "one", llm=stub.spec, **ASKING)
    for text in ("merge 1 and 2 into Both", "yes", "split 1", "yes", "/rename 2 to Money", "yes", "/undo"):
        first.say(text)
    copy_answers(tmp_path / "one", tmp_path / "two")
    again = Run.start(TEXTS, workspace=tmp_path / "two", llm=stub.spec, **ASKING)
    before = stub.count
    for message in first.conversation:
        if message["role"] == "user":
            again.say(message["text"])
    assert stub.count == before
    assert again.state["version"] == first.state["version"]
    assert again.taxonomy.model_dump_json() == first.taxonomy.model_dump_json()
    assert again.conversation == first.conversation


def test_a_held_run_is_spoken_to_with_one_lease_and_one_model(waiting):
    with waiting.hold() as session:
        waiting.say("/rename 1 to Animals", yes=True)
        with session.idle():
            pass
        waiting.undo()
    assert sorted(TOPICS) == sorted(name.lower().split()[0] for name in waiting.taxonomy.names)
