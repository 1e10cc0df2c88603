"""The documents tell what the program does: every command, every option, and commands that parse."""

import re
import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main
from source_tree import ROOT
from tnt_llm.cli.exit_codes import ExitCode
from tnt_llm.cli.main import app

COMMANDS: dict[str, Any] = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), *(ROOT / "examples").glob("*.md")])


def options_of(command: Any) -> set[str]:
    """Every long and short option of a command but for help."""
    found = {name for option in command.params for name in option.opts if name.startswith("-")}
    return found - {"--help", "-h"}


def sections() -> dict[str, str]:
    """Name of the command -> its section of docs/cli.md."""
    parts = re.split(r"^## (.+)$", (ROOT / "docs" / "cli.md").read_text("utf-8"), flags=re.MULTILINE)
    titled = dict(zip(parts[1::2], parts[2::2], strict=True))
    return {title[4:]: body for title, body in titled.items() if title.startswith("tnt ")}


def documented_options(text: str) -> set[str]:
    """Options in the first column of the tables."""
    rows = re.findall(r"^\| (`-[^|]+) \|", text, flags=re.MULTILINE)
    return {option for row in rows for option in re.findall(r"`(--?[a-z][a-z-]*)`", row)}


def shell_commands(text: str) -> list[list[str]]:
    """Complete `tnt` commands in code blocks; those with placeholders are left out."""
    found = []
    # Every block is matched, whatever its language: else the end of one is taken for the beginning of the next.
    for language, block in re.findall(r"^```(\w*)\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL):
        if language not in ("", "sh", "bash", "console"):
            continue
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            is_pattern = any(re.fullmatch(r"\[.*|[A-Z_]{2,}(/.*)?|\.\.\.", word) for word in words)
            if words and words[0] == "tnt" and not is_pattern:
                found.append(words[1:])
    return found


def test_every_command_has_its_section_and_no_other() -> None:
    assert set(sections()) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_documented_and_no_other(name: str) -> None:
    assert documented_options(sections()[name]) == options_of(COMMANDS[name])


def test_the_options_of_tnt_itself_are_documented() -> None:
    head = (ROOT / "docs" / "cli.md").read_text("utf-8").split("## Exit codes")[0]
    assert documented_options(head) - {"--help", "-h"} == {"--debug", "--version"}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_says_what_it_is_for(name: str) -> None:
    assert [option.opts for option in COMMANDS[name].params if not option.help] == []
    assert COMMANDS[name].help


def test_every_exit_code_is_documented() -> None:
    text = (ROOT / "docs" / "cli.md").read_text("utf-8").split("## Exit codes")[1].split("\n## ")[0]
    told = {int(code) for row in re.findall(r"^\| ([\d, ]+) \|", text, re.M) for code in row.split(",")}
    assert told == {*map(int, ExitCode), 130, 143}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_in_a_document_parses(page: Path) -> None:
    for words in shell_commands(page.read_text("utf-8")):
        if words[0].startswith("-"):
            assert words[0] in ("--help", "-h", "--version", "--debug"), words
            continue
        command = COMMANDS[words[0]]
        context = command.make_context("tnt", list(words[1:]), resilient_parsing="--help" in words)
        context.close()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_make_verb_in_a_document_exists(page: Path) -> None:
    verbs = set(re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(), re.M))
    for line in re.findall(r"^make ([a-z]+)|`make ([a-z]+)`", page.read_text("utf-8"), re.M):
        assert (line[0] or line[1]) in verbs


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text("utf-8")):
        if "://" not in target and not target.startswith("mailto:"):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


def test_shell_commands_are_read_from_code_blocks() -> None:
    text = "```\n$ tnt show -w ws   # a remark\ntnt run CORPUS -w WORKSPACE\nmake demo\n```\ntnt runs\n"
    text += "```python\ntnt = 1\n```\nWhoever's prose stands between\n```python\ntnt\n```\n"
    assert shell_commands(text) == [["show", "-w", "ws"]]


def documented_defaults() -> dict[str, str]:
    """Option of `tnt run` -> the default that its table gives, without code marks."""
    rows = re.findall(r"^\| `--([a-z-]+)`[^|]* \| .* \| ([^|]*) \|$", sections()["run"], flags=re.MULTILINE)
    return {name: default.strip("` ") for name, default in rows}


def test_every_setting_that_run_takes_is_a_setting_with_the_documented_default() -> None:
    from tnt_llm.nodes.settings import Settings

    fields = Settings.model_fields
    outside = {"workspace", "name", "text_column", "id_column", "llm", "quiet"}
    taken = {option.name for option in COMMANDS["run"].params} - {"corpus", *outside, "help"}
    assert taken <= set(fields)
    for option, default in documented_defaults().items():
        name = option.replace("-", "_")
        if name in taken and re.fullmatch(r"\d+|residual|fast", default):
            assert str(fields[name].default) == default, option


def test_defaults_are_read_from_the_table() -> None:
    defaults = documented_defaults()
    assert (defaults["name"], defaults["max-categories"], defaults["update"]) == ("main", "25", "residual")
