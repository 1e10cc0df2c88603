"""`tnt monitor` and `tnt update`: what they print, write and exit with."""

import csv
import json
import shutil

import pytest
from rule_model import RuleModel
from stub_endpoint import StubEndpoint
from tnt_cli import Tnt
from tnt_llm.graph.run import Run
from toy_runs import SMALL, messages, patch_all
from toy_texts import texts_about

ESCAPE = "\x1b]0;owned\x07\x1b[31m"


@pytest.fixture
def tnt(capfd):
    return Tnt(capfd)


@pytest.fixture(scope="module")
def endpoint():
    model = RuleModel()
    with pytest.MonkeyPatch.context() as patch, StubEndpoint(model) as stub:
        patch_all(patch)
        yield stub
    assert not model.errors


@pytest.fixture(scope="module")
def original(tmp_path_factory, endpoint):
    workspace = tmp_path_factory.mktemp("cli") / "work"
    few = {"sample": 80, "label_sample": 40, "minibatch": 40, "max_categories": 8}
    Run.start(messages(25), workspace=workspace, llm=endpoint.spec, **{**SMALL, **few})
    return workspace


@pytest.fixture
def work(original, tmp_path):
    return shutil.copytree(original, tmp_path / "work", symlinks=True)


@pytest.fixture
def news(tmp_path):
    """A file with texts like the old ones, and some on a topic that there was not; it is hostile."""
    path = tmp_path / "new.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["key", "words"])
        for number, text in enumerate(messages(5, seed=7)):
            writer.writerow([f"k{number}", text])
        for number, text in enumerate(texts_about("strange", 16, 7)):
            writer.writerow([f"s{number}{ESCAPE}", f"strange {text} {ESCAPE}"])
    return path


COLUMNS = ("--text-column", "words", "--id-column", "key")


def test_monitor_says_what_is_new_and_writes_a_row_for_each_text(tnt, work, news, tmp_path):
    result = tnt("monitor", news, "-w", work, *COLUMNS, "-o", tmp_path / "rows.csv")
    assert result.code == 0
    assert result.out.startswith("36 texts, held against the ")
    assert "New: " in result.out
    assert "\x1b" not in result.out + result.err
    with (tmp_path / "rows.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 36
    assert sum(row["novel"] == "yes" for row in rows[20:]) >= 12


def test_monitor_tells_machines_the_same(tnt, work, news):
    result = tnt("monitor", news, "-w", work, *COLUMNS, "--json")
    told = json.loads(result.out)
    assert told["documents"] == 36
    assert told["has_changed"] is True
    assert told["groups"][0]["examples"][0]["text"].startswith("strange")
    assert "\x1b" not in result.out


def test_monitor_is_quiet_about_texts_like_the_known_ones(tnt, work, tmp_path):
    same = tmp_path / "same.txt"
    same.write_text("\n".join(messages(8, seed=12)))
    result = tnt("monitor", same, "-w", work)
    assert result.code == 0
    assert "Nothing new" in result.out


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["{news}", "-w", "{work}"], "text"),
        (["{news}", "-w", "{work}", *COLUMNS, "nobody"], "no run 'nobody'"),
        (["{news}", "-w", "{work}", *COLUMNS, "-o", "rows.xlsx"], "none of these"),
        (["{news}", "-w", "{work}", *COLUMNS, "--false-alarms", "1.5"], "makes no sense"),
        (["absent.csv", "-w", "{work}"], "absent.csv"),
    ],
)
def test_monitor_refuses_what_cannot_be_done(tnt, work, news, arguments, message):
    result = tnt("monitor", *(str(part).format(news=news, work=work) for part in arguments))
    assert result.code in (1, 2)
    assert message in result.err
    assert "Traceback" not in result.err


def test_update_pauses_with_what_would_change_and_goes_on(tnt, work, news):
    result = tnt("update", news, "-w", work, *COLUMNS)
    assert result.code == 3
    assert "main-2 goes on from main" in result.err
    assert "What would change:" in result.out
    assert "Added" in result.out
    assert "resume" in result.out
    assert "\x1b" not in result.out + result.err
    assert "main-2" in tnt("runs", "-w", work).out
    result = tnt("resume", "-w", work, "main-2", "--approve")
    assert result.code == 0
    assert "136 texts labelled" in result.out
    assert len((work / "main-2" / "labels.csv").read_text(encoding="utf-8").split("\n")) >= 137


def test_update_says_where_nothing_is_new(tnt, work, tmp_path):
    same = tmp_path / "same.txt"
    same.write_text("\n".join(messages(8, seed=12)))
    result = tnt("update", same, "-w", work, "--name", "next")
    assert result.code == 0
    assert "Nothing new stood out" in result.out
    assert "132 texts labelled" in result.out


def test_update_refuses_what_cannot_be_done(tnt, work, news):
    assert "no run 'nobody'" in tnt("update", news, "-w", work, "nobody", *COLUMNS).err
    result = tnt("update", news, "-w", work)
    assert result.code == 1
    assert "words" in result.err
    assert "Traceback" not in result.err
