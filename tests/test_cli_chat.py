"""The chat: what it shows, what it passes on, how it goes on after errors, and the code it exits with."""

import functools
import io
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pytest
from fake_chat import CONFIRM, QUESTION, FakeChat, Turn, renamed, turn
from fake_graph import TAXONOMY
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import PipeInput, create_pipe_input
from prompt_toolkit.output import DummyOutput
from rich.console import Console
from tnt_cli import Result, Tnt
from tnt_llm.cli import chat_view, console
from tnt_llm.cli.chat_view import Glance
from tnt_llm.cli.listening import Completions, Lines, Terminal, listener
from tnt_llm.cli.pending import Pending
from tnt_llm.llm.answer import Usage
from tnt_llm.taxonomy.errors import EndpointError, LeaseHeldError, RunStateError
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.tools.preview import Preview, PreviewLine

PROPOSAL = Preview(
    lines=(
        PreviewLine(
            "merge", "Merge “Billing” and “Broken lock” into “Billing”", "All of it.", 34, "My \x1b[31mlock"
        ),
        PreviewLine("split", "Split “Billing” into “A” and “B”", "“A” 10; “B” 4", 1, ""),
        PreviewLine("add", "Add “Pets”", "", 0, ""),
    ),
    refused=(("Rename “Billing” to “Other”", "the name is too vague"),),
    calls=24,
    tokens=6000,
    note="Counts are of the sample.",
)
MERGED = Taxonomy(
    categories=(
        TAXONOMY.categories[0],
        TAXONOMY.categories[1].model_copy(update={"description": "Money on its way."}),
        Category(id="d4", name="Pets", description="Dogs and cats."),
    )
)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> FakeChat:
    return FakeChat().install(monkeypatch)


Talk = Callable[..., Result]


@pytest.fixture
def talk(run: FakeChat, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Talk:
    """Call `tnt chat` with lines on standard input and further arguments."""

    def begin(lines: str = "", *args: str) -> Result:
        monkeypatch.setattr(sys, "stdin", io.StringIO(lines))
        return Tnt(capfd)("chat", "-w", "ws", *args)

    return begin


def test_the_chat_opens_with_the_run_the_numbered_categories_and_the_question(talk: Talk) -> None:
    result = talk()
    assert result.err.splitlines()[0] == "LLM: embedded (named)"
    lines = [line.rstrip() for line in result.out.splitlines()]
    assert lines[:2] == ["Run main waits for you: 3 categories", "Use case: why people write"]
    assert [line.split("  ")[0:2] for line in lines if line[:1].isdigit()] == [
        ["1", "Billing"],
        ["2", ""],
        ["3", "Broken lock"],
    ]
    assert "2    Late refund" in result.out
    assert lines[-1] == QUESTION


def test_counts_are_shown_where_there_are_labels(run: FakeChat, talk: Talk) -> None:
    assert "Texts" not in talk().out
    run.counts = {"b2": 1200}
    out = talk().out
    assert "Texts" in out
    assert "1,200" in out


def test_every_line_is_a_message_and_is_shown(run: FakeChat, talk: Talk) -> None:
    result = talk("merge it\n\n  /undo  \n")
    assert run.told == [("merge it", False), ("/undo", False)]
    assert "> merge it\n" in result.out
    assert "> /undo\n" in result.out


def test_a_pipe_gets_plain_lines_only(run: FakeChat, talk: Talk) -> None:
    run.script["go"] = turn(reply="a\x1b[2Jb \u202ec", proposal=PROPOSAL, question=CONFIRM)
    result = talk("go\n\x1b[31mred\n")
    assert "ab c" in result.out
    assert not set(result.out + result.err) & set("\x1b\x9b\x07\r\u202e")
    assert "Tab" not in result.out


def test_a_proposal_is_shown_with_counts_examples_refusals_and_cost(run: FakeChat, talk: Talk) -> None:
    run.script["go"] = turn(reply="Gladly.", proposal=PROPOSAL, question=CONFIRM)
    out = talk("go\n").out
    after = out.split("> go\n")[1].splitlines()
    assert after == [
        "Gladly.",
        "",
        "Proposed:",
        "  1. Merge “Billing” and “Broken lock” into “Billing”  (34 texts)",
        "       what belongs: All of it.",
        "       e.g. My lock",
        "  2. Split “Billing” into “A” and “B”  (1 text)",
        "       parts: “A” 10; “B” 4",
        "  3. Add “Pets”",
        "Not possible: Rename “Billing” to “Other”: the name is too vague",
        "Counts are of the sample.",
        "About 24 LLM calls follow, about 6,000 tokens.",
        CONFIRM,
    ]


@pytest.mark.parametrize(
    ("calls", "tokens", "told"),
    [(0, 0, "No LLM calls follow."), (1, 0, "About 1 LLM call follows.")],
)
def test_the_cost_says_no_more_than_is_known(
    run: FakeChat, talk: Talk, calls: int, tokens: int, told: str
) -> None:
    run.script["go"] = turn(proposal=Preview((), (), calls, tokens, "Anew."), reply="Anew.", question=CONFIRM)
    out = talk("go\n").out
    assert told in out
    assert out.count("Anew.") == 1
    assert "Proposed" not in out


def test_a_change_is_shown_marked_and_only_what_changed_is_described(run: FakeChat, talk: Talk) -> None:
    run.script["yes"] = turn(reply="Done so.", taxonomy=MERGED)
    after = [line.rstrip() for line in talk("yes\n").out.split("Done so.")[1].splitlines()]
    assert [line for line in after if line] == [
        "#  Category                 What belongs",
        "1  Billing",
        "2    Late refund (changed)  Money on its way.",
        "3  Pets (new)               Dogs and cats.",
    ]


def test_what_is_not_changed_is_not_shown_again(run: FakeChat, talk: Talk) -> None:
    run.script["how many?"] = turn(reply="Twelve.")
    assert talk("how many?\n").out.endswith("> how many?\nTwelve.\n")


def test_children_stand_below_their_parents_with_their_own_numbers(run: FakeChat, talk: Talk) -> None:
    late, lock = TAXONOMY.categories[1:]
    run.taxonomy = Taxonomy(categories=(late.model_copy(update={"parent": "c3"}), lock))
    names = [line.split()[:3] for line in talk().out.splitlines() if line[:1].isdigit()]
    assert names == [["2", "Broken", "lock"], ["1", "Late", "refund"]]


def test_approval_shows_the_results_and_ends_with_zero(run: FakeChat, talk: Talk) -> None:
    def approve(fake: FakeChat) -> Turn:
        fake.progress("labels", 3, 40)
        fake.state["edition"] = 1
        fake.counts = {"b2": 30, "c3": 6}
        return turn(reply="Approved.", status="done", question=None)

    run.script["/approve"] = approve
    result = talk("/approve\nthanks\n")
    assert result.code == 0
    assert "labels 3/40, 70 tokens" in result.err
    out = result.out.split("> /approve")[1]
    assert "36" not in out
    assert "30" in out
    assert "Done: 3 categories, 40 texts labelled, 4 of them (10 %) undefined." in out
    assert "report.html" in out
    assert out.count("Done:") == 1  # once, not after every word that follows
    assert run.told[-1] == ("thanks", False)


def test_a_run_that_is_back_at_what_is_on_disk_has_no_new_results(run: FakeChat, talk: Talk) -> None:
    run.state["edition"] = 1
    run.script["/undo"] = turn(reply="Undone.", status="done", question=None)
    result = talk("/undo\n")
    assert result.code == 0
    assert "Done:" not in result.out


def test_standing_wishes_are_shown_at_the_beginning(run: FakeChat, talk: Talk) -> None:
    run.state["instructions"] = [{"text": "by cause"}, {"text": "in \x1b[31mGerman"}]
    assert "Standing wish 1: by cause\nStanding wish 2: in German\n" in talk().out


def test_a_run_that_waits_ends_with_three_and_says_how_to_come_back(talk: Talk) -> None:
    result = talk("", "second")
    assert result.code == 3
    assert "To come back: tnt chat -w ws second" in result.err


@pytest.mark.parametrize("word", ["/quit", "/EXIT", "quit", "exit"])
def test_some_words_leave(run: FakeChat, talk: Talk, word: str) -> None:
    assert talk(f"{word}\n/approve\n").code == 3
    assert run.told == []


def test_help_needs_no_run(run: FakeChat, talk: Talk) -> None:
    out = talk("/help\n").out
    assert "/merge X, Y[, Z] [into NAME]" in out
    assert run.told == []


def test_options_reach_the_run(run: FakeChat, talk: Talk) -> None:
    result = talk("go\n", "second", "--yes", "--take-over", "--llm", "http://127.0.0.1:1/v1#m", "--quiet")
    assert run.told == [("go", True)]
    assert run.holds == [True]
    assert (run.opened[0]["name"], run.opened[0]["llm"]) == ("second", "http://127.0.0.1:1/v1#m")
    assert result.err == ""
    assert not run.is_held


def test_an_error_is_told_and_the_chat_goes_on(run: FakeChat, talk: Talk) -> None:
    error = EndpointError("the endpoint is \x1b[5mdown")
    error.add_note("Try another.")
    run.script |= {"one": error, "two": turn(reply="Fine.")}
    result = talk("one\ntwo\n")
    assert result.code == 3
    assert "Error: the endpoint is down\nTry another.\n" in result.err
    assert "Fine." in result.out


def test_work_that_broke_off_can_be_gone_on_with(run: FakeChat, talk: Talk) -> None:
    def break_off(fake: FakeChat) -> Turn:
        fake.status = "failed"
        raise EndpointError("gone")

    def go_on(fake: FakeChat) -> None:
        fake.status, fake.question = "done", None
        fake.conversation += ({"role": "tnt", "text": "Where we were.", "turn": 3},)
        fake.taxonomy = renamed(TAXONOMY, 3, "Stuck lock")

    run.script["/approve"], run.on_resume = break_off, go_on
    result = talk("/approve\nhow many?\n/help\n/continue\n")
    assert result.code == 0
    assert run.told == [("/approve", False)]
    assert result.out.count("/continue goes on with it") == 2
    assert "Stuck lock (changed)" in result.out
    assert "> /continue\nWhere we were.\n" in result.out
    assert "Done: 3 categories" in result.out


def test_a_run_that_stopped_on_its_way_says_so_and_goes_on_to_its_question(run: FakeChat, talk: Talk) -> None:
    run.status, run.taxonomy = "stopped", Taxonomy()

    def go_on(fake: FakeChat) -> None:
        fake.status, fake.taxonomy = "awaiting", TAXONOMY

    run.on_resume = go_on
    result = talk("continue\n")
    assert result.code == 3
    assert "Run main was stopped: 0 categories" in result.out
    assert "No categories yet" in result.out
    assert "Billing (new)" in result.out
    assert result.out.rstrip().endswith(QUESTION)


@pytest.mark.parametrize(("status", "code"), [("failed", 1), ("budget", 4)])
def test_leaving_a_run_that_has_work_to_finish_says_how(
    run: FakeChat, talk: Talk, status: str, code: int
) -> None:
    run.status = status
    result = talk("merge it\n")
    assert result.code == code
    assert "To go on: tnt resume -w ws" in result.err
    assert run.told == []


def test_a_spent_budget_ends_the_chat_with_its_code(run: FakeChat, talk: Talk) -> None:
    run.script["/approve"] = turn(status="budget", question=None)
    result = talk("/approve\nmore\n")
    assert result.code == 4
    assert "--budget-tokens N" in result.err
    assert len(run.told) == 1


@pytest.mark.parametrize(("signum", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_during_work_stops_the_run_and_ends_the_chat(
    run: FakeChat, talk: Talk, signum: int, code: int
) -> None:
    def stop(fake: FakeChat) -> Turn:
        os.kill(os.getpid(), signum)
        assert fake.opened[-1]["stop"].wait(5)
        return turn(status="stopped", question=None)

    run.script["/approve"] = stop
    result = talk("/approve\nmore\n")
    assert result.code == code
    assert "To go on: tnt resume -w ws" in result.err
    assert len(run.told) == 1


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_user_thinks_leaves_and_the_run_waits(
    run: FakeChat, talk: Talk, monkeypatch: pytest.MonkeyPatch, signum: int
) -> None:
    def interrupted(self: Lines, glance: Glance) -> str:
        os.kill(os.getpid(), signum)
        signal.sigtimedwait([], 5)
        raise AssertionError("the signal did not come")

    before = signal.getsignal(signum)
    monkeypatch.setattr(Lines, "hear", interrupted)
    assert talk("never\n").code == 3
    assert not run.opened[0]["stop"].is_set()
    assert signal.getsignal(signum) == before


def test_a_run_that_somebody_else_took_over_ends_the_chat(run: FakeChat, talk: Talk) -> None:
    run.idle_error = LeaseHeldError("process 7 took over")
    result = talk("go\nmore\n")
    assert (result.code, run.told) == (1, [])
    assert "process 7 took over" in result.err
    run.idle_error = None
    run.script["go"] = LeaseHeldError("process 8 took over")
    assert talk("go\nmore\n").code == 1
    assert run.told == [("go", False)]


def test_a_run_that_waits_for_a_yes_shows_its_proposal_again(run: FakeChat, talk: Talk) -> None:
    run.proposal, run.question = PROPOSAL, CONFIRM
    out = talk().out
    assert "Proposed:" in out
    assert out.endswith(f"{CONFIRM}\n")


def test_an_error_at_the_door_is_the_commands_own(run: FakeChat, talk: Talk) -> None:
    def refuse(*_args: object, **_rest: object) -> None:
        raise RunStateError("no such thing")

    run.hold = refuse  # type: ignore[assignment]
    result = talk("go\n")
    assert result.code == 1
    assert "no such thing" in result.err
    assert run.told == []


# --- on a terminal


def eventually(holds: Callable[[], bool], seconds: float = 20) -> None:
    """Wait until it holds; give up after that."""
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.02)


@pytest.fixture
def keys() -> Iterator[PipeInput]:
    with create_pipe_input() as pipe, create_app_session(input=pipe, output=DummyOutput()):
        yield pipe


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> io.StringIO:
    """Standard output as a terminal of 60 columns."""
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    shown = Console(file=stream, force_terminal=True, width=60, highlight=False, color_system=None)
    given = functools.cache(lambda: shown)
    for module in (console, chat_view):
        monkeypatch.setattr(module, "out", given)
    return stream


def test_a_terminal_gives_the_line_that_was_typed(keys: PipeInput) -> None:
    keys.send_text("\n  merge it \n")
    assert Terminal([]).hear(Glance()) == "merge it"


def test_the_arrow_brings_back_what_was_said_in_an_earlier_session(keys: PipeInput) -> None:
    keys.send_text("\x1b[A\x1b[A\n")
    assert Terminal(["merge \x1b[31mit", "undo"]).hear(Glance(is_confirm=True)) == "merge it"


def test_tab_completes_a_name(keys: PipeInput) -> None:
    terminal = Terminal([])

    def go_on() -> None:  # completion is not waited for by what is typed next
        eventually(lambda: "Broken lock" in terminal._session.default_buffer.text)
        keys.send_text("s, please\n")

    typist = threading.Thread(target=go_on)
    keys.send_text("remove brok\t")
    typist.start()
    assert terminal.hear(Glance(TAXONOMY)) == "remove Broken locks, please"
    typist.join()


@pytest.mark.parametrize(("key", "error"), [("\x03", KeyboardInterrupt), ("\x04", EOFError)])
def test_control_keys_leave(keys: PipeInput, key: str, error: type[BaseException]) -> None:
    keys.send_text(key)
    with pytest.raises(error):
        Terminal([]).hear(Glance())


def test_a_chat_on_a_terminal_greets_with_hints_and_the_last_words(
    run: FakeChat, keys: PipeInput, screen: io.StringIO, talk: Talk, monkeypatch: pytest.MonkeyPatch
) -> None:
    run.conversation = tuple(
        {"role": role, "text": f"{role} {number}", "turn": number}
        for number in range(3)
        for role in ("user", "tnt")
    )
    monkeypatch.setattr("tnt_llm.cli.listening.listener", lambda past: Terminal(past))
    keys.send_text("go\n\x04")
    assert talk().code == 3
    assert run.told == [("go", False)]
    shown = screen.getvalue()
    assert "you: user 1" in shown
    assert "user 0" not in shown
    assert "merge Late refund and Broken lock" in shown
    assert "/merge 2, 3" in shown
    assert "Nothing is changed before you say yes." in " ".join(shown.split())


def test_hints_do_without_categories(screen: io.StringIO) -> None:
    chat_view.show_hints(Taxonomy(), at_once=True)
    assert "/approve   /undo   /help" in screen.getvalue()
    assert "applied at once" in screen.getvalue()


def test_a_long_line_is_folded_between_words_with_its_indentation(screen: io.StringIO) -> None:
    chat_view.tell("short\n    " + "word " * 20)
    lines = screen.getvalue().splitlines()
    assert lines[0] == "short"
    assert max(map(len, lines)) <= 60
    assert [len(line) - len(line.lstrip()) for line in lines[1:]] == [4, 6]
    assert " ".join(screen.getvalue().split()) == "short " + ("word " * 20).strip()


def test_a_long_message_of_last_time_is_cut(screen: io.StringIO) -> None:
    chat_view.show_past([{"role": "tnt", "text": "word\n" * 200}])
    assert "tnt: word word" in screen.getvalue()
    assert screen.getvalue().rstrip().endswith("...")


def test_a_pipe_is_read_by_lines_and_a_terminal_by_keys(
    keys: PipeInput, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Tty(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"caf\xe9\n"), encoding="utf-8"))
    assert listener([]).hear(Glance()) == "caf\ufffd"
    monkeypatch.setattr(sys, "stdin", Tty())
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert not listener([]).is_terminal
    monkeypatch.setattr(sys, "stdout", Tty())
    assert listener([]).is_terminal


# --- completion

NAMED = Taxonomy(
    categories=tuple(
        Category(id=name, name=name, description="About it.")
        for name in ("Late refund", "Late delivery", "Bills, fees", "Access to account", "Pets \x1b[31m")
    )
)


def complete(text: str, **glance: object) -> list[str]:
    """The lines that completing could make of a text."""
    completions = Completions()
    completions.glance = Glance(NAMED, **glance)  # type: ignore[arg-type]
    found = completions.get_completions(Document(text), CompleteEvent(completion_requested=True))
    return [text[: len(text) + each.start_position] + each.text for each in found]


@pytest.mark.parametrize(
    ("text", "completed"),
    [
        ("/mer", ["/merge "]),
        ("/un", ["/undo"]),
        ("/merge late", ["/merge Late refund", "/merge Late delivery"]),
        ("/merge 1, late d", ["/merge 1, Late delivery"]),
        ("/merge deliv", ["/merge Late delivery"]),
        ("/merge bil", ['/merge "Bills, fees"']),
        ('/merge "Bil', ['/merge "Bills, fees"']),
        ("/remove acc", ['/remove "Access to account"']),
        ("/rerun l", ["/rerun loop"]),
        ("/rerun", ["/rerun "]),
        ("/instructions ", ["/instructions add", "/instructions drop"]),
        ("/examples un", ["/examples undefined"]),
        ("/undo la", []),
        ("/merge quux", []),
        ("please merge late r", ["please merge Late refund"]),
        ("the bills", ["the Bills, fees"]),
        ("merge ", []),
        ("", []),
    ],
)
def test_commands_and_names_are_completed(text: str, completed: list[str]) -> None:
    assert complete(text) == completed


def test_a_command_offers_every_name_after_a_blank_without_anything_a_terminal_obeys() -> None:
    names = complete("/merge ")
    assert len(names) == len(NAMED)
    assert "/merge Pets " in names


def test_the_slash_alone_offers_every_command() -> None:
    assert "/help" in complete("/")
    assert len(complete("/")) > 15


def test_yes_and_no_are_offered_where_they_answer() -> None:
    assert complete("", is_confirm=True) == ["yes", "no"]
    assert complete("y", is_confirm=True) == ["yes"]
    assert complete("y") == []


def test_a_name_is_offered_with_its_number_and_count() -> None:
    completions = Completions()
    completions.glance = Glance(NAMED, {"Late refund": 1200})
    found = list(completions.get_completions(Document("/merge late"), CompleteEvent()))
    assert [each.display_meta_text for each in found] == ["1: 1,200 texts", "2"]


# --- work under way


def test_progress_between_two_pieces_of_work_is_dropped(capsys: pytest.CaptureFixture[str]) -> None:
    console.prepare(debug=False)
    pending = Pending(quiet=False)
    pending.report("phrases", 1, 2, Usage())
    with pending.work("Working"):
        pending.report("phrases", 2, 2, Usage())
    pending.report("phrases", 2, 2, Usage())
    assert capsys.readouterr().err == "phrases 2/2\n"


def test_on_a_terminal_a_word_stands_until_there_is_progress(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    stream = io.StringIO()
    shown = Console(file=stream, force_terminal=True, width=80)
    monkeypatch.setattr("tnt_llm.cli.pending.err", lambda: shown)
    monkeypatch.setattr("tnt_llm.cli.progress.err", lambda: shown)
    pending = Pending(quiet=False)
    with pending.work("Working"):
        eventually(lambda: "Working ..." in stream.getvalue())
        assert "Working ..." in stream.getvalue()
        pending.report("labels", 1, 2, Usage())
    assert "labels" in stream.getvalue()
    stream.seek(0)
    stream.truncate()
    with Pending(quiet=True).work("Working"):
        pass
    assert stream.getvalue() == ""
