"""A user at a terminal: a run pauses, is talked to, merged, undone, split, approved - over a stub, and with the
embedded LLM on the example corpus.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pexpect
import pytest
from rule_model import RuleModel
from source_tree import ROOT
from stub_endpoint import StubEndpoint
from tnt_llm.graph.run import Run
from tnt_llm.taxonomy.values import Taxonomy
from toy_runs import messages

USE_CASE = "Understand what passengers contact the airline about, so that each message reaches the right support team"
READY = "your wish, or /help"
CONFIRM = "yes, no, numbers, or something else"
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07]*\x07|\x1b[=>]|\r")


class Screen:
    """`tnt chat` in a terminal of its own.

    Attributes:
        shown: all that has been on the screen, without colours and movements.
    """

    def __init__(self, workspace: Path, patience: float) -> None:
        self._child = pexpect.spawn(
            sys.executable,
            ["-m", "tnt_llm", "chat", "-w", str(workspace)],
            env=os.environ | {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"},
            dimensions=(50, 110),
            timeout=patience,
            encoding="utf-8",
            codec_errors="replace",
        )
        self.shown = ""

    def until(self, *wanted: str) -> str:
        """Wait for the first of these texts; what was shown up to it."""
        try:
            self._child.expect_exact(list(wanted))
        except (pexpect.TIMEOUT, pexpect.EOF):
            pytest.fail(f"{wanted} did not come, but:\n{self.shown}\n---\n{_plain(self._child.before)}")
        new = _plain(f"{self._child.before}{self._child.after}")
        self.shown += new
        return new

    def type(self, text: str, *wanted: str) -> str:
        """Type a line; what is shown until one of the texts wanted."""
        self._child.send(f"{text}\r")
        return self.until(*wanted)

    def press(self, key: str) -> int:
        """Press Ctrl and a key; the exit code."""
        self._child.sendcontrol(key)
        self._child.expect(pexpect.EOF)
        self.shown += _plain(self._child.before)
        self._child.close()
        return int(self._child.exitstatus if self._child.exitstatus is not None else -1)

    def end(self) -> None:
        """Whatever it does."""
        self._child.close(force=True)


def _plain(text: object) -> str:
    return _ESCAPES.sub("", text) if isinstance(text, str) else ""


@contextmanager
def screen(workspace: Path, patience: float) -> Iterator[Screen]:
    """Ends it whatever happens."""
    opened = Screen(workspace, patience)
    try:
        yield opened
    finally:
        opened.end()


def tnt(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "tnt_llm", *map(str, args)], capture_output=True, text=True, check=False
    )


def taxonomy_of(workspace: Path) -> Taxonomy:
    """The run's newest taxonomy, read while the chat waits for its user."""
    return Run.open(workspace).taxonomy


def steer(workspace: Path, *, patience: float) -> None:
    """The whole conversation, in two sessions."""
    before = taxonomy_of(workspace)
    assert len(before) > 2
    with screen(workspace, patience) as chat:
        greeting = chat.until(READY)
        for number, name in enumerate(before.names, 1):
            assert re.search(rf"\b{number}\s+{re.escape(name[:12])}", greeting), name
        assert "Say it in your own words" in greeting

        # In the user's own words: shown, not done, before a yes.
        proposed = chat.type("merge 1 and 2", CONFIRM)
        assert "Proposed:" in proposed
        assert "Merge" in proposed
        assert "texts)" in proposed
        assert "LLM calls" in proposed
        assert taxonomy_of(workspace) == before
        merged = chat.type("yes", READY)
        assert "(changed)" in merged
        assert len(taxonomy_of(workspace)) == len(before) - 1

        chat.type("/undo", READY)
        assert taxonomy_of(workspace) == before
        assert chat.press("d") == 3
        assert "The run waits for you. To come back: tnt chat" in chat.shown

    with screen(workspace, patience) as chat:
        assert "Last time:" in chat.until(READY)
        proposed = chat.type("/split 1 into Urgent questions, Calm questions", CONFIRM)
        assert "parts: “Urgent questions”" in proposed
        split = chat.type("yes", READY)
        assert "Urgent questions (new)" in split
        assert "undone" not in chat.type("/mrge 1, 2", READY)
        assert "Did you mean /merge?" in chat.shown
        done = chat.type("/approve", "Done:", "Error")
        assert "label " in done
        assert "Done:" in done
        chat.until(READY)
        assert chat.press("c") == 0
    after = json.loads((workspace / "main" / "taxonomy.json").read_text("utf-8"))
    names = [category["name"] for category in after["categories"]]
    assert names == ["Urgent questions", "Calm questions", *before.names[1:]]


@pytest.mark.slow
def test_a_terminal_session_over_a_stub(tmp_path: Path) -> None:
    rule = RuleModel(
        overrides={"plan": json.dumps({"actions": [{"do": "merge", "categories": [1, 2], "name": ""}]})}
    )
    corpus = tmp_path / "texts.jsonl"
    rows = [{"id": f"t-{number}", "text": text} for number, text in enumerate(messages(8))]
    corpus.write_text("\n".join(map(json.dumps, rows)), "utf-8")
    with StubEndpoint(rule) as stub:
        begun = tnt(
            *("run", corpus, "-w", tmp_path / "work", "--use-case", "find out what people write about"),
            *("--llm", stub.spec, "--label-sample", 20, "--epochs", 1, "--max-categories", 6),
        )
        assert begun.returncode == 3, begun.stderr
        assert "tnt chat -w" in begun.stdout
        steer(tmp_path / "work", patience=120)
    assert not rule.errors
    assert rule.count("plan") == 1


@pytest.mark.live
@pytest.mark.slow
@pytest.mark.timeout(2400)
def test_a_terminal_session_with_the_embedded_llm(tmp_path: Path) -> None:
    begun = tnt(
        *("run", ROOT / "examples" / "messages.csv", "-w", tmp_path, "--use-case", USE_CASE),
        *("--llm", "embedded", "--sample", 60, "--label-sample", 24, "--epochs", 1),
    )
    assert begun.returncode == 3, begun.stderr
    steer(tmp_path, patience=900)
    assert (
        1 <= Run.open(tmp_path).usage["plan"].calls <= 2
    )  # one message in free text, and one repair at most
