"""The rooms stand on floors: imports go down or stay in the room, and never in a circle."""

import ast
from collections.abc import Iterator
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest
from source_tree import ROOMS, ROOT, modules

FLOORS = {
    "taxonomy": 0,
    "prompts": 1,
    "llm": 2,
    "checkpoints": 2,
    "classifiers": 3,
    "tools": 4,
    "nodes": 5,
    "graph": 6,
    "cli": 7,
}


def imports(
    name: str, source: str, known: frozenset[str], *, is_package: bool, at_once: bool = False
) -> set[str]:
    """Modules of ours that `source`, the module `name`, imports: anywhere, or `at_once` when it is loaded.

    Raises:
        AssertionError: it imports the package by its absolute name.
    """
    package = name.split(".") if is_package else name.split(".")[:-1]
    package = [part for part in package if part]
    found = set()
    for node in _nodes(ast.parse(source), at_once=at_once):
        if isinstance(node, ast.Import):
            absolute = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            absolute = [node.module or ""]
        else:
            absolute = []
        assert not [a for a in absolute if a.split(".")[0] == "tnt_llm"], f"{name} imports tnt_llm by name"
        if isinstance(node, ast.ImportFrom) and node.level:
            base = package[: len(package) - node.level + 1] + (node.module.split(".") if node.module else [])
            for alias in node.names:
                target = ".".join([*base, alias.name])
                found.add(target if target in known else ".".join(base))
    return found - {name}


def _nodes(node: ast.AST, *, at_once: bool) -> Iterator[ast.AST]:
    """Every node below; with `at_once` without what runs later (functions) or never (type checking)."""
    for child in ast.iter_child_nodes(node):
        later = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
        never = isinstance(child, ast.If) and ast.unparse(child.test) == "TYPE_CHECKING"
        if not (at_once and (later or never)):
            yield child
            yield from _nodes(child, at_once=at_once)


def room_of(module: str) -> str:
    return module.split(".")[0]


def faults(graph: dict[str, set[str]]) -> list[str]:
    """Every import that goes up, or across to another room of the same floor."""
    wrong = []
    for module, targets in sorted(graph.items()):
        here = room_of(module)
        if here not in FLOORS:
            continue  # the root and __main__ may name any room
        for target in sorted(targets):
            there = room_of(target)
            # The root holds the version and nothing else that a room could want.
            if there and there != here and FLOORS.get(there, 99) >= FLOORS[here]:
                wrong.append(f"{module} imports {target}")
    return wrong


def read_imports(*, at_once: bool) -> dict[str, set[str]]:
    found = modules()
    known = frozenset(found)
    return {
        name: imports(
            name,
            path.read_text("utf-8"),
            known,
            is_package=path.name == "__init__.py",
            at_once=at_once,
        )
        for name, path in found.items()
    }


def circle(graph: dict[str, set[str]]) -> list[str]:
    """Modules that import each other, if any."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def test_imports_go_only_downwards() -> None:
    assert faults(read_imports(at_once=False)) == []


def test_no_module_needs_itself_to_load() -> None:
    assert circle(read_imports(at_once=True)) == []


def test_a_circle_is_caught() -> None:
    assert circle({"llm.a": {"llm.b"}, "llm.b": {"llm.a"}})
    assert not circle({"llm.a": {"llm.b"}, "llm.b": set()})


def test_what_runs_later_is_no_part_of_loading() -> None:
    source = (
        "from .a import x\n"
        "class C:\n    from .b import y\n    def f(self):\n        from .c import z\n"
        "if TYPE_CHECKING:\n    from .d import w"
    )
    known = frozenset({"llm.a", "llm.b", "llm.c", "llm.d"})
    assert imports("llm.chat", source, known, is_package=False, at_once=True) == {"llm.a", "llm.b"}
    assert imports("llm.chat", source, known, is_package=False) == known


def test_every_room_has_a_floor_and_every_folder_with_code_is_a_room() -> None:
    folders = {path.parent.name for path in ROOT.glob("*/__init__.py")}
    assert folders - {"benchmarks"} == set(ROOMS) == set(FLOORS)


def test_no_stray_modules_at_the_root() -> None:
    assert {path.name for path in ROOT.glob("*.py")} == {"__init__.py", "__main__.py"}


def test_every_file_opens_with_what_it_is() -> None:
    bare = [name for name, path in modules().items() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert bare == []


def test_only_the_command_line_prints() -> None:
    def prints(path: Path) -> bool:
        calls = [node.func for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call)]
        return any(isinstance(function, ast.Name) and function.id == "print" for function in calls)

    assert [name for name, path in modules().items() if room_of(name) != "cli" and prints(path)] == []


@pytest.mark.parametrize(
    ("name", "source", "found"),
    [
        ("nodes.labeler", "from ..llm.chat import Chat", {"llm.chat"}),
        ("nodes.labeler", "def f():\n    from ..graph import run", {"graph.run"}),
        ("nodes.labeler", "from .context import Context", {"nodes.context"}),
        ("nodes.labeler", "from .. import __version__", {""}),
        ("nodes.labeler", "import json\nfrom pathlib import Path", set()),
    ],
)
def test_imports_are_read_wherever_they_stand(name: str, source: str, found: set[str]) -> None:
    known = frozenset({"llm.chat", "graph.run", "nodes.context", "graph", ""})
    assert imports(name, source, known, is_package=False) == found


def test_an_import_by_the_absolute_name_is_caught() -> None:
    with pytest.raises(AssertionError, match="by name"):
        imports("llm.chat", "import tnt_llm.taxonomy", frozenset(), is_package=False)


@pytest.mark.parametrize(
    ("module", "target", "is_wrong"),
    [
        ("taxonomy.values", "graph.run", True),
        ("llm.chat", "checkpoints.answers", True),
        ("checkpoints.answers", "llm.store", True),
        ("nodes.labeler", "tools.score", False),
        ("llm.chat", "llm.store", False),
        ("tools.export", "", False),
        ("__main__", "cli.main", False),
    ],
)
def test_upward_and_sideways_imports_are_caught(module: str, target: str, is_wrong: bool) -> None:
    assert bool(faults({module: {target}})) is is_wrong
