"""`tnt diff`: what it prints for people and for machines."""

import json
from pathlib import Path

import pytest
from stored_runs import ABC, StoredRun
from tnt_cli import Result, Tnt
from tnt_llm.taxonomy.edits import Add, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.version import Author, Version


@pytest.fixture
def workspace(tmp_path: Path) -> Path:
    return tmp_path / "work"


@pytest.fixture
def run(workspace: Path) -> StoredRun:
    run = StoredRun.create(workspace, "main")
    run.stand(ABC)
    return run


@pytest.fixture
def tnt(capfd: pytest.CaptureFixture[str]) -> Tnt:
    return Tnt(capfd)


def lines(result: Result) -> list[str]:
    assert (result.code, result.err) == (0, "")
    return result.out.splitlines()


def test_every_kind_of_difference_is_a_line(tnt: Tnt, workspace: Path, run: StoredRun) -> None:
    first = ABC.then(
        [Add(name=name, description=f"{name}.") for name in ("Dogs", "Eels")], author=Author.HUMAN
    )
    parts = tuple(Part(name=name, description="...") for name in ("Vans", "Trucks"))
    second = first.then(
        [
            Merge(ids=("Apples", "Bears"), name="Food"),
            Split(id="Cars", parts=parts),
            Redefine(id="Dogs", name="Puppies", description="Young ones."),
            Move(id="Puppies", parent="Food"),
            Remove(id="Eels"),
            Add(name="Foxes", description="Sly."),
        ],
        author=Author.HUMAN,
    )
    run.stand(first)
    run.stand(second)
    assert lines(tnt("diff", "-w", workspace, 1, 2)) == [
        "From main, step 1 (5 categories) to main, step 2 (5 categories)",
        "  Merged “Apples” and “Bears” into “Food”",
        "  Split “Cars” into “Vans” and “Trucks”",
        "  Renamed “Dogs” to “Puppies”",
        "  Reworded “Puppies”: Young ones.",
        "  Moved “Puppies” under “Food”",
        "  Added “Foxes”: Sly.",
        "  Gone: “Eels”",
        "0 categories are the same",
    ]


def test_where_nothing_differs_it_says_so(tnt: Tnt, workspace: Path, run: StoredRun) -> None:
    run.stand(ABC)
    assert lines(tnt("diff", "-w", workspace, 0))[1:] == ["Nothing differs"]
    run.label(ABC, [ABC.taxonomy.ids[0], None])
    assert lines(tnt("diff", "-w", workspace, 0))[1:] == ["Nothing differs; 2 labels compared, none differs"]


def test_labels_that_differ_are_counted(tnt: Tnt, workspace: Path, run: StoredRun) -> None:
    fewer = run.stand(ABC.then([Remove(id="Cars")], author=Author.HUMAN))
    run.label(ABC, [*ABC.taxonomy.ids])
    run.label(fewer, [*fewer.taxonomy.ids, None])
    assert lines(tnt("diff", "-w", workspace, 0))[1:] == [
        "  Gone: “Cars”",
        "  1 of 3 labels differ",
        "2 categories are the same",
    ]


def test_three_arguments_name_the_run_first(tnt: Tnt, workspace: Path, run: StoredRun) -> None:
    other = StoredRun.create(workspace, "second")
    other.stand(ABC)
    other.stand(ABC.then([Remove(id="Cars")], author=Author.HUMAN))
    assert lines(tnt("diff", "-w", workspace, "second", 0, 1))[0].startswith(
        "From second, step 0 (3 categories)"
    )
    assert lines(tnt("diff", "-w", workspace, "second", 0, "main"))[1] == "Nothing differs"


def test_it_says_when_runs_have_no_history_in_common(tnt: Tnt, workspace: Path, run: StoredRun) -> None:
    other = StoredRun.create(workspace, "second")
    version = other.stand(
        Version.first().then([Add(name="Fruit", description="Sweet.")], author=Author.MODEL)
    )
    assert lines(tnt("diff", "-w", workspace, "main", "second"))[1].endswith("matched by name")
    run.label(ABC, [ABC.taxonomy.ids[0]])
    other.label(version, [version.taxonomy.ids[0]])
    found = lines(tnt("diff", "-w", workspace, "main", "second"))
    assert found[1].endswith("matched by the texts that have a label of both")
    assert found[2] == "  “Apples” as “Fruit” (1 text in both)"


def test_json_holds_both_ends_and_nothing_else_is_printed(tnt: Tnt, workspace: Path, run: StoredRun) -> None:
    renamed = run.stand(ABC.then([Redefine(id="Cars", name="Wagen für Öl")], author=Author.HUMAN))
    result = tnt("diff", "-w", workspace, "0", renamed.id[:8], "--json")
    found = json.loads(result.out)
    assert found["from"] == {"point": "main, step 0", "run": "main", "version": ABC.id}
    assert found["to"]["version"] == renamed.id
    assert found["renamed"][0]["after"]["name"] == "Wagen für Öl"
    assert (result.code, result.err, result.out.isascii()) == (0, "", True)


def test_what_a_model_wrote_cannot_steer_the_terminal(tnt: Tnt, workspace: Path, run: StoredRun) -> None:
    evil = Add(name="A\x1b]0;owned\x07B", description="C\x1b[2J\u202eD")
    run.stand(ABC.then([evil], author=Author.MODEL))
    shown = "\n".join(lines(tnt("diff", "-w", workspace, 0)))
    assert not any(char in shown for char in "\x1b\x07\u202e")


def test_a_point_that_is_not_there_is_an_error_without_a_traceback(
    tnt: Tnt, workspace: Path, run: StoredRun
) -> None:
    result = tnt("diff", "-w", workspace, "nonsense")
    assert result.code != 0
    assert "nothing called 'nonsense'" in result.err
    assert "Traceback" not in result.err
    assert result.out == ""
