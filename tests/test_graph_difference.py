"""Points of a workspace are found by what users call them, and compared with their labels."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from stored_runs import ABC, StoredRun
from tnt_llm.graph.difference import diff, find_point
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Redefine, Remove
from tnt_llm.taxonomy.errors import RunNotFoundError, RunStateError, WorkspaceError
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.comparison import MatchedBy


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def run(workspace: Path) -> StoredRun:
    return StoredRun.create(workspace, "main")


def names(pairs: Sequence[Any]) -> list[tuple[str, str]]:
    return [(pair.before.name, pair.after.name) for pair in pairs]


MERGE: list[Edit] = [Merge(ids=("Apples", "Bears"), name="Food")]


def test_steps_are_compared_by_the_edits_between_them(workspace: Path, run: StoredRun) -> None:
    food = run.stand(ABC).then(MERGE, author=Author.HUMAN)
    trucks = food.then([Redefine(id="Cars", name="Trucks")], author=Author.HUMAN)
    run.stand(food)
    run.stand(trucks)
    found = diff(workspace, "main", "0", "2")
    assert found.lines() == ("Merged “Apples” and “Bears” into “Food”", "Renamed “Cars” to “Trucks”")
    assert diff(workspace, "main", "2", "0").lines()[0] == "Split “Food” into “Apples” and “Bears”"
    assert names(diff(workspace, "main", "1", "2").renamed) == [("Cars", "Trucks")]


@pytest.mark.parametrize("newest", ["-", "", "2", "main"])
def test_the_newest_step_has_several_names(workspace: Path, run: StoredRun, newest: str) -> None:
    run.stand(ABC)
    run.stand(ABC)
    gone = run.stand(ABC.then([Remove(id="Cars")], author=Author.HUMAN))
    assert find_point(workspace, "main", newest).version == gone
    assert [category.name for category in diff(workspace, "main", "0", newest).gone] == ["Cars"]


def test_a_version_is_found_by_its_id_or_the_beginning_of_it(workspace: Path, run: StoredRun) -> None:
    version = run.stand(ABC)
    for reference in (version.id, version.id[:6], version.id[:4]):
        assert find_point(workspace, "main", reference).version == version


def test_a_beginning_that_several_versions_share_is_refused_with_their_ids(
    workspace: Path, run: StoredRun
) -> None:
    run.stand(ABC)
    twins = [run.put(ABC.model_copy(update={"id": f"abcd00000000000{n}"})) for n in range(2)]
    with pytest.raises(WorkspaceError, match="2 versions begin with 'abcd'") as refused:
        find_point(workspace, "main", "abcd")
    assert all(twin.id in str(refused.value) for twin in twins)


@pytest.mark.parametrize("wrong", ["nobody", "abc", "zzzzzz", "1.5", "ffffffffffffffff"])
def test_what_is_not_there_is_refused_with_what_is(workspace: Path, run: StoredRun, wrong: str) -> None:
    run.stand(ABC)
    with pytest.raises(WorkspaceError, match="nothing called") as refused:
        diff(workspace, "main", "0", wrong)
    assert "main" in str(refused.value)


def test_a_step_that_is_not_there_is_refused(workspace: Path, run: StoredRun) -> None:
    run.stand(ABC)
    with pytest.raises(RunStateError, match="no step 9"):
        diff(workspace, "main", "9")
    with pytest.raises(RunNotFoundError):
        diff(workspace, "other", "0")


def test_two_runs_are_compared_where_none_is_called_main(workspace: Path) -> None:
    StoredRun.create(workspace, "first").stand(ABC)
    StoredRun.create(workspace, "second").stand(ABC.then(MERGE, author=Author.HUMAN))
    assert diff(workspace, "main", "first", "second").lines() == ("Merged “Apples” and “Bears” into “Food”",)


def test_before_the_first_taxonomy_there_is_an_empty_one(workspace: Path, run: StoredRun) -> None:
    run.stand(None)
    run.stand(ABC)
    found = diff(workspace, "main", "0")
    assert [category.name for category in found.added] == ["Apples", "Bears", "Cars"]
    assert found.matched_by is MatchedBy.HISTORY


def test_branches_are_compared_through_the_version_they_share(workspace: Path, run: StoredRun) -> None:
    run.stand(ABC)
    left = run.stand(ABC.then(MERGE, author=Author.HUMAN))
    fork = StoredRun.create(workspace, "main-2")
    fork.stand(ABC.then([Redefine(id="Cars", name="Trucks")], author=Author.HUMAN))
    found = diff(workspace, "main", left.id, "main-2")
    assert found.lines() == ("Split “Food” into “Apples” and “Bears”", "Renamed “Cars” to “Trucks”")


# --- labels


def ids(version: Version) -> Mapping[str, str]:
    return {category.name: category.id for category in version.taxonomy}


def test_labels_that_both_have_are_counted(workspace: Path, run: StoredRun) -> None:
    food = ABC.then(MERGE, author=Author.HUMAN)
    run.stand(ABC)
    run.stand(food)
    old, new = ids(ABC), ids(food)
    run.label(ABC, [old["Apples"], old["Bears"], old["Cars"], None])
    run.label(food, [new["Food"], new["Food"], None])
    found = diff(workspace, "main", "0")
    assert (found.labels_changed, found.labels_compared) == (1, 3)


def test_labels_of_one_end_alone_are_not_compared(workspace: Path, run: StoredRun) -> None:
    run.stand(ABC)
    run.stand(ABC.then(MERGE, author=Author.HUMAN))
    run.label(ABC, [ids(ABC)["Apples"]])
    found = diff(workspace, "main", "0")
    assert (found.labels_changed, found.labels_compared) == (None, None)


def unrelated(*categories: str) -> Version:
    edits = [Add(name=name, description=f"Texts about {name}.") for name in categories]
    return Version.first().then(edits, author=Author.MODEL)


def test_runs_without_a_common_history_are_matched_by_their_documents(
    workspace: Path, run: StoredRun
) -> None:
    run.stand(ABC)
    other = StoredRun.create(workspace, "second")
    version = other.stand(unrelated("Vehicles", "Fruit", "Grizzlies"))
    run.label(ABC, [ids(ABC)[name] for name in ("Apples", "Apples", "Bears", "Cars")])
    other.label(version, [ids(version)[name] for name in ("Fruit", "Fruit", "Grizzlies", "Vehicles")])
    found = diff(workspace, "main", "main", "second")
    assert found.matched_by is MatchedBy.DOCUMENTS
    assert names(found.pairs) == [("Apples", "Fruit"), ("Bears", "Grizzlies"), ("Cars", "Vehicles")]
    assert (found.labels_changed, found.labels_compared) == (0, 4)


def test_runs_without_labels_are_matched_by_name(workspace: Path, run: StoredRun) -> None:
    run.stand(ABC)
    StoredRun.create(workspace, "second").stand(unrelated("Car", "Fruit"))
    found = diff(workspace, "main", "main", "second")
    assert found.matched_by is MatchedBy.NAMES
    assert names(found.pairs) == [("Cars", "Car")]
    assert found.labels_compared is None
