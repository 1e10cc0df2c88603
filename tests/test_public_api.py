"""The public face: what `tnt_llm` offers is there, typed and documented, and the README shows it as it is."""

import ast
import csv
import importlib.resources
import inspect
import json
import math
import re
import tomllib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import tnt_llm
from source_tree import ROOT
from stub_endpoint import StubEndpoint
from tnt_llm.llm.spec import DEFAULT_OPENAI_MODEL, SERVER_VARIABLE, choose_model

README = (ROOT / "README.md").read_text("utf-8")
PUBLIC = [name for name in tnt_llm.__all__ if name != "__version__"]
TOPICS = ("Lost or damaged baggage", "Loyalty points", "Meals and food on board", "Travelling with pets")


# --- what is offered ---


def blocks(language: str, text: str = README) -> list[str]:
    """Code blocks of a language."""
    found = re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return [block for name, block in found if name == language]


def own_functions(thing: Any) -> Iterator[tuple[str, Callable[..., Any]]]:
    """A public function, or the public methods and properties that a public class has from this package."""
    if inspect.isfunction(thing):
        yield thing.__name__, thing
        return
    own = [base for base in thing.__mro__ if base.__module__.startswith("tnt_llm.")]
    for name, member in {
        name: member for base in reversed(own) for name, member in vars(base).items()
    }.items():
        function = member.fget if isinstance(member, property) else getattr(member, "__func__", member)
        if not name.startswith("_") and inspect.isfunction(function):
            yield f"{thing.__name__}.{name}", function


FUNCTIONS = dict(pair for name in PUBLIC for pair in own_functions(getattr(tnt_llm, name)))


@pytest.mark.parametrize("name", PUBLIC)
def test_a_public_name_is_there_and_documented(name: str) -> None:
    assert inspect.getdoc(getattr(tnt_llm, name))
    assert name in dir(tnt_llm) or name in tnt_llm.__all__


def test_there_is_no_other_name() -> None:
    with pytest.raises(AttributeError, match="no attribute 'Taxonomist'"):
        _ = tnt_llm.Taxonomist


def test_the_package_tells_type_checkers_that_it_is_typed() -> None:
    assert (importlib.resources.files("tnt_llm") / "py.typed").is_file()


def test_type_checkers_see_the_names_that_are_there_when_it_runs() -> None:
    tree = ast.parse((ROOT / "__init__.py").read_text("utf-8"))
    guarded = next(node for node in tree.body if isinstance(node, ast.If))
    seen = {
        alias.asname: f".{line.module}"
        for line in guarded.body
        if isinstance(line, ast.ImportFrom)
        for alias in line.names
    }
    assert seen == tnt_llm._HOMES
    assert sorted([*seen, "__version__"]) == sorted(tnt_llm.__all__)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_a_public_function_is_documented_and_fully_annotated(name: str) -> None:
    signature = inspect.signature(FUNCTIONS[name])
    bare = [
        parameter.name
        for parameter in signature.parameters.values()
        if parameter.annotation is parameter.empty and parameter.name not in ("self", "cls")
    ]
    assert bare == []
    assert signature.return_annotation is not signature.empty
    assert inspect.getdoc(FUNCTIONS[name])


def test_the_functions_that_the_readme_names_are_among_the_public_ones() -> None:
    assert {
        *("Run.start", "Run.open", "Run.resume", "Run.approve", "Run.labels", "classify"),
        *("Run.say", "Run.confirm", "Run.drop", "Run.undo", "Run.redo", "Run.hold"),
        *("Run.history", "Run.at", "Run.diff", "Run.fork"),
    } <= set(FUNCTIONS)


def test_every_setting_is_documented() -> None:
    from tnt_llm.nodes.settings import Settings

    described = set(re.findall(r"^ {4}(\w+): ", inspect.getdoc(Settings) or "", flags=re.MULTILINE))
    assert described == set(Settings.model_fields)


# --- what the README shows ---


@pytest.fixture(scope="module")
def corpus() -> dict[str, str]:
    """Text -> topic, a dozen messages on each of a few topics."""
    with (ROOT / "examples" / "messages.csv").open(encoding="utf-8", newline="") as file:
        texts = {row["id"]: row["text"] for row in csv.DictReader(file)}
    with (ROOT / "examples" / "messages_gold.csv").open(encoding="utf-8", newline="") as file:
        rows = [row for row in csv.DictReader(file) if not row["second_topic"]]
    chosen = [row for topic in TOPICS for row in [row for row in rows if row["topic"] == topic][:12]]
    return {texts[row["id"]]: row["topic"] for row in chosen}


def knowing(corpus: dict[str, str]) -> Callable[[dict[str, Any]], str | dict[str, Any]]:
    """An LLM that knows the topic of every text; it goes by the form of a request, not by its wording."""

    def answer(payload: dict[str, Any]) -> str | dict[str, Any]:
        prompt = payload["messages"][-1]["content"]
        if payload.get("logprobs"):
            # No opinion: of two topics it does not say that they are one, and labels are the embedding's.
            return {"text": "A", "top_logprobs": [(letter, math.log(0.05)) for letter in "ABCDEFGHIJ"]}
        wanted = (payload.get("response_format") or {}).get("json_schema", {}).get("schema", {})
        if "colour" in wanted.get("properties", {}):
            return '{"colour": "red", "count": 3}'
        if "actions" in wanted.get("properties", {}):
            return '{"actions": [{"do": "merge", "categories": [1, 2], "name": "Baggage"}]}'
        if wanted:
            # Groups are shown with the subjects that were named before.
            shown = [topic for topic in TOPICS if prompt.count(f"{topic}: ") > 2]
            edits = [
                {"op": "add", "name": name, "description": f"Messages about it: {name}."} for name in shown
            ]
            return json.dumps({**edits[0], "edits": edits})
        return next((topic for text, topic in corpus.items() if text[:25] in prompt), "Something else")

    return answer


@pytest.fixture
def at_home(
    corpus: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[StubEndpoint]:
    """A folder with the files that the README speaks of, and an OpenAI that is a stub."""
    monkeypatch.chdir(tmp_path)
    for name in ("messages.csv", "more.csv"):
        with Path(name).open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file)
            writer.writerow(["id", "text"])
            writer.writerows(enumerate(corpus))
    Path("gold.csv").write_text("topic\n" + "\n".join(corpus.values()) + "\n", encoding="utf-8")
    with StubEndpoint(knowing(corpus), models=(DEFAULT_OPENAI_MODEL,)) as stub:
        monkeypatch.setenv("OPENAI_API_KEY", "sk-not-a-real-one")
        monkeypatch.setenv("OPENAI_BASE_URL", stub.url)
        yield stub


@pytest.mark.slow
def test_the_python_of_the_readme_runs_as_it_stands(
    at_home: StubEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    names: dict[str, Any] = {}
    first, *more = blocks("python")
    exec(compile(first, "README.md", "exec"), names)
    out = capsys.readouterr().out
    # The LLM was told nothing but texts, so these names are what the loop made of its answers.
    assert {topic for topic in TOPICS if f"{topic} - Messages about it" in out} == set(TOPICS)
    ((label, classified),) = re.findall(r"^(.+)\n(48 texts, \d+ of them undefined)$", out, re.MULTILINE)
    assert label in (*TOPICS, "undefined"), classified
    assert re.search(r"^Against gold\n  Accuracy, best matching: 1\.000 \[", out, re.MULTILINE)
    asked = at_home.count
    for block in more:
        exec(compile(block, "README.md", "exec"), names)
    assert capsys.readouterr().out.startswith("done None ")
    assert at_home.count == asked, "what is done is not asked again"
    written = {path.name for path in Path("work/main").iterdir()}
    assert written == {*re.findall(r"── ([\w.]+)", blocks("")[0]), "evaluation.json"}


def edges_drawn() -> set[tuple[str, str]]:
    """(from, to) of the README's drawing."""
    (drawing,) = blocks("mermaid")
    return set(re.findall(r"^\s*(\w+)(?:\(\[\w+\]\))? -->(?:\|[^|]*\|)? (\w+)", drawing, flags=re.MULTILINE))


def test_the_drawing_of_the_graph_is_the_graph() -> None:
    from tnt_llm.graph.build import build_graph

    ends = {"__start__": "START", "__end__": "END"}
    built = build_graph().compile().get_graph().edges
    assert edges_drawn() == {
        (ends.get(edge.source, edge.source), ends.get(edge.target, edge.target)) for edge in built
    }


def test_every_step_of_the_graph_is_explained_in_the_readme() -> None:
    explained = README.split("```mermaid")[1].split("\n## ")[0]
    steps = {step for edge in edges_drawn() for step in edge} - {"START", "END"}
    told = {word for head in re.findall(r"^- \*\*(.+?)\*\*", explained, re.M) for word in head.split(", ")}
    assert told == steps


# --- what the documents say of versions, defaults and the environment ---


def test_the_versions_to_install_are_those_that_are_pinned() -> None:
    pinned = (ROOT / "constraints.txt").read_text() + (ROOT / "models.lock").read_text()
    told = re.findall(r"\b([a-z0-9-]+==[\w.]+)", README)
    assert len(told) == 2
    assert [version for version in told if not re.search(rf"^{re.escape(version)}\b", pinned, re.M)] == []


def test_the_python_that_is_told_is_the_python_that_is_required() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert f"Python {project['requires-python'].removeprefix('>=')} or newer" in README


def test_the_changelog_begins_with_this_version() -> None:
    versions = re.findall(r"^## ([\d.]+)", (ROOT / "CHANGELOG.md").read_text("utf-8"), re.M)
    assert versions[0] == tnt_llm.__version__


def test_defaults_that_depend_on_the_llm_are_documented_as_they_are() -> None:
    from tnt_llm.nodes.settings import Settings

    small, large = (Settings(use_case="to see").for_model(is_embedded=embedded) for embedded in (True, False))
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    told = re.findall(r"^\| `--([a-z-]+)` \| .* \| `embedded`: (\w+), else (\w+) \|$", page, re.M)
    taken = {
        name.replace("_", "-"): (str(value), str(getattr(large, name)))
        for name, value in small
        if value != getattr(large, name) and f"`--{name.replace('_', '-')}`" in page
    }
    assert {name: (first, second) for name, first, second in told} == taken


class Watched(dict[str, str]):
    """An environment that remembers what it was asked for."""

    def __init__(self, **values: str) -> None:
        super().__init__(values)
        self.asked: set[str] = set()

    def get(self, key: str, default: Any = None) -> Any:
        self.asked.add(key)
        return super().get(key, default)


def test_every_variable_that_chooses_the_llm_is_documented_and_no_other() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8").split("## The LLM")[1]
    told = set(re.findall(r"^\| `([A-Z_]+)` \|", page, re.M))
    bare, keyed = Watched(), Watched(OPENAI_API_KEY="sk-not-a-real-one")
    for environ in (bare, keyed):
        for spec in (None, "embedded", "http://127.0.0.1:1/v1#m"):
            choose_model(spec, environ)
    choose_model("openai:m", keyed)
    # A process tells its children by the last one; it is nothing for people to set.
    assert bare.asked | keyed.asked == told | {SERVER_VARIABLE}
    assert f"`{DEFAULT_OPENAI_MODEL}`" in page
