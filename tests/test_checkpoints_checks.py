"""The tables of what is to be labelled, and of labels that looked wrong."""

from dataclasses import replace

import pytest
from tnt_llm.checkpoints.checks import Check, Verdict
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.checkpoints.sharing import share_checks, share_rounds
from tnt_llm.checkpoints.workspace import Workspace

LABEL = LabelRow(3, "a", ("a", "b"), 0.4, Source.LLM, "It says “a”.")


@pytest.fixture
def workspace(tmp_path):
    with Workspace.open(tmp_path / "work", create=True) as opened:
        yield opened


def check(number, verdict=Verdict.OPEN, **given):
    return Check(replace(LABEL, number=number), verdict, **given)


def test_the_first_choice_of_a_recipe_stays(workspace):
    assert workspace.label_samples.get("r") == []
    assert workspace.label_samples.keep("r", [7, 2]) == [2, 7]
    assert workspace.label_samples.keep("r", [1, 2, 3]) == [2, 7]
    assert workspace.label_samples.get("r") == [2, 7]
    assert workspace.label_samples.keep("other", [1]) == [1]


def test_a_document_belongs_to_the_first_round_that_added_it(workspace):
    workspace.rounds.put("main", 1, [5, 3])
    workspace.rounds.put("main", 1, [5, 3])
    workspace.rounds.put("main", 2, [3, 9])
    workspace.rounds.put("other", 1, [4])
    assert workspace.rounds.get("main") == [3, 5, 9]
    assert workspace.rounds.get("main", 1) == [3, 5]
    assert workspace.rounds.get("main", 2) == [9]
    assert workspace.rounds.get("main", 3) == []
    assert workspace.rounds.among("main", [4, 9, 3]) == {3: 1, 9: 2}


def test_a_fork_gets_the_rounds_that_it_has_behind_it(workspace):
    workspace.rounds.put("main", 1, [3])
    workspace.rounds.put("main", 2, [9])
    share_rounds(workspace.database, "main", "early", 0)
    share_rounds(workspace.database, "main", "late", 1)
    assert workspace.rounds.get("early") == []
    assert workspace.rounds.among("late", [3, 9]) == {3: 1}


def test_an_examination_comes_back_as_it_was(workspace):
    told = Check(LABEL, Verdict.CHANGED, "b", None, 0.75, "b", "Half an emoji \ud83d.", True)
    workspace.checks.put_many("main", "v", [told])
    assert workspace.checks.get("main", "v") == {3: replace(told, reason="Half an emoji \ufffd.")}
    assert workspace.checks.get("main", "w") == workspace.checks.get("other", "v") == {}


def test_adding_leaves_what_was_found_and_putting_replaces_it(workspace):
    workspace.checks.put_many("main", "v", [check(1, Verdict.DROPPED)])
    workspace.checks.add("main", "v", [check(1), check(2)])
    assert {number: row.verdict for number, row in workspace.checks.get("main", "v").items()} == {
        1: Verdict.DROPPED,
        2: Verdict.OPEN,
    }
    workspace.checks.put_many("main", "v", [check(1, Verdict.KEPT)])
    assert workspace.checks.get("main", "v")[1].verdict is Verdict.KEPT


def test_examinations_are_found_and_forgotten_by_verdict(workspace):
    workspace.checks.add("main", "v", [check(2), check(1, Verdict.SUSPECT), check(3)])
    assert list(workspace.checks.get("main", "v", Verdict.OPEN)) == [2, 3]
    assert list(workspace.checks.get("main", "v", Verdict.OPEN, Verdict.SUSPECT)) == [1, 2, 3]
    workspace.checks.remove("main", "v", Verdict.OPEN)
    assert list(workspace.checks.get("main", "v")) == [1]


def test_what_was_found_goes_over_to_a_later_version_and_what_is_open_does_not(workspace):
    rows = [check(0), check(1, Verdict.SUSPECT), *(check(n, Verdict.KEPT) for n in (2, 3)), check(4)]
    workspace.checks.add("main", "v", rows)
    workspace.checks.add("main", "w", [check(3, Verdict.DROPPED)])
    workspace.checks.copy("main", "v", "w", [0, 1, 2, 3])
    assert {number: row.verdict for number, row in workspace.checks.get("main", "w").items()} == {
        2: Verdict.KEPT,
        3: Verdict.DROPPED,
    }


def test_a_fork_gets_what_was_found_under_the_versions_that_it_has(workspace):
    workspace.checks.add("main", "v", [check(1, Verdict.DROPPED)])
    workspace.checks.add("main", "w", [check(2, Verdict.DROPPED)])
    share_checks(workspace.database, "main", "new", ["v"])
    assert workspace.checks.get("new", "v") == workspace.checks.get("main", "v")
    assert workspace.checks.get("new", "w") == {}


def test_a_label_that_is_removed_was_never_there(workspace):
    rows = [replace(LABEL, number=number) for number in range(4)]
    workspace.labels.put_many("main", "v", rows)
    workspace.labels.remove("main", "v", [1, 3, 8])
    workspace.labels.remove("other", "v", [0])
    assert list(workspace.labels.get("main", "v")) == [rows[0], rows[2]]
