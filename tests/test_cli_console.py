"""What reaches a terminal is text: no escape sequence of a document or a model is obeyed."""

import io
import logging
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tnt_llm.cli import console


@pytest.mark.parametrize(
    ("dirty", "shown"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;a title\x07text", "text"),
        ("\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "link"),
        ("\x9b2Jgone", "gone"),
        ("\x1bPq device \x1b\\after", "after"),
        ("\x1bc reset", " reset"),
        ("bell\x07 back\x08 null\x00 return\r", "bell back null return"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("tab\tand\nline", "tab\tand\nline"),
        ("עברית العربية 😀 [bold]", "עברית العربية 😀 [bold]"),
        ("half \ud83d", "half "),
    ],
)
def test_escapes_and_controls_are_removed_and_text_is_kept(dirty: str, shown: str) -> None:
    assert console.clean(dirty) == shown


@given(st.text(alphabet=st.sampled_from("\x1b\x9b[]0;mPX\\\x07\x00ab\u202e\n")))
def test_no_control_character_survives(text: str) -> None:
    assert not set(console.clean(text)) & set("\x1b\x9b\x07\x00\u202e")


def test_brackets_are_not_markup_and_long_lines_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    console.prepare(debug=False)
    line = "[red]x[/red] " + "/a/long/path" * 30
    console.say(line)
    assert capsys.readouterr().out == line + "\n"


def test_errors_go_to_standard_error(capsys: pytest.CaptureFixture[str]) -> None:
    console.prepare(debug=False)
    console.complain("wrong")
    streams = capsys.readouterr()
    assert (streams.out, streams.err) == ("", "wrong\n")


def test_a_table_in_a_pipe_has_one_line_a_row(capsys: pytest.CaptureFixture[str]) -> None:
    console.prepare(debug=False)
    console.table([("Name", False), ("Texts", True)], [("a\nb " * 80, "1"), ("\x1b[1mz", "200")])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) == 3
    assert lines[1].split()[-1] == "1"
    assert lines[2].split() == ["z", "200"]


def test_a_table_on_a_terminal_is_folded_to_its_width(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    console.prepare(debug=False)
    console.table([("Name", False)], [("many words " * 20,)])
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) > 3
    assert max(map(len, lines)) < 80


def test_streams_that_cannot_be_reconfigured_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    stream = io.StringIO()
    monkeypatch.setattr(sys, "stdout", stream)
    console.prepare(debug=False)
    console.say("good")
    assert stream.getvalue() == "good\n"


def test_logs_go_to_standard_error_once_however_often_prepared(capsys: pytest.CaptureFixture[str]) -> None:
    console.prepare(debug=False)
    console.prepare(debug=False)
    logging.getLogger("tnt_llm.somewhere").warning("the \x1b[5mdisk is slow")
    logging.getLogger("tnt_llm.somewhere").info("unimportant")
    streams = capsys.readouterr()
    assert (streams.out, streams.err) == ("", "warning: the disk is slow\n")


def test_debug_shows_more_of_our_log(capsys: pytest.CaptureFixture[str]) -> None:
    console.prepare(debug=True)
    logging.getLogger("tnt_llm.somewhere").debug("a detail")
    console.prepare(debug=False)
    assert capsys.readouterr().err == "debug: a detail\n"


def test_a_log_record_that_cannot_be_rendered_ends_nothing(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    console.prepare(debug=False)
    monkeypatch.setattr(logging, "raiseExceptions", False)
    logging.getLogger("tnt_llm.somewhere").warning("%d", "not a number")
    assert capsys.readouterr().err == ""
