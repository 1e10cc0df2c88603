"""Editions: whatever happens, and whenever, a reader finds one whole edition, or none before the first."""

import errno
import os
import random
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tnt_llm.checkpoints import editions as module
from tnt_llm.checkpoints.editions import EVALUATION_FILE, OURS, Editions
from tnt_llm.classifiers import bundle
from tnt_llm.taxonomy.errors import BundleError, StorageError

FILES = ("taxonomy.json", "labels.csv", "classifier/manifest.json")


@pytest.fixture
def main(tmp_path):
    return tmp_path / "work" / "main"


@pytest.fixture(params=["links", "no links"])
def any_disk(request, monkeypatch):
    """A file system with symbolic links, and one without."""
    if request.param == "no links":
        monkeypatch.setattr(Path, "symlink_to", _no_links)
    return request.param


def _no_links(*_, **__):
    raise OSError(errno.EPERM, "Operation not permitted")


def make(editions, number):
    folder = editions.folder(number)
    for name in FILES:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name} of {number}")


def publish(editions, number):
    make(editions, number)
    editions.publish(number)


def found(folder):
    """Which edition a reader finds: all files must be of one; None where there is nothing."""
    if not folder.exists():
        return None
    texts = [(folder / name).read_text() for name in FILES]
    (number,) = {int(text.split(" of ")[1]) for text in texts}
    assert texts == [f"{name} of {number}" for name in FILES]
    return number


def tree(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*"))


def test_before_the_first_there_is_none(main):
    editions = Editions(main)
    assert editions.current is None
    make(editions, 1)
    assert (editions.current, found(main)) == (None, None)


@pytest.mark.usefixtures("any_disk")
def test_an_edition_counts_when_it_is_published_and_the_old_one_until_then(main):
    editions = Editions(main)
    publish(editions, 1)
    assert (editions.current, found(main)) == (1, 1)
    make(editions, 2)
    assert (editions.current, found(main)) == (1, 1)
    editions.publish(2)
    assert (editions.current, found(main)) == (2, 2)


def test_the_link_is_relative_so_that_a_workspace_can_be_moved(main):
    publish(Editions(main), 3)
    assert os.readlink(main) == ".main/3"
    main.parent.rename(main.parent.with_name("moved"))
    assert found(main.parent.with_name("moved") / "main") == 3


def test_nothing_of_older_editions_nor_of_work_that_was_broken_off_is_left(main):
    editions = Editions(main)
    publish(editions, 1)
    make(editions, 2)
    (main.parent / ".main" / "link-00000000").symlink_to("nowhere")
    (main.parent / ".main" / "stray.tmp").write_text("x")
    publish(editions, 3)
    assert tree(main.parent) == sorted(
        [".main", ".main/3", "main"] + [f".main/3/{name}" for name in (*FILES, "classifier")]
    )


@pytest.mark.usefixtures("any_disk")
def test_publishing_again_changes_nothing(main):
    editions = Editions(main)
    publish(editions, 1)
    before = tree(main.parent)
    editions.publish(1)
    assert (found(main), tree(main.parent)) == (1, before)
    assert found(editions.folder(1)) == 1


@pytest.mark.usefixtures("any_disk")
def test_what_somebody_else_has_put_there_moves_on(main):
    editions = Editions(main)
    publish(editions, 1)
    (main / "more.csv").write_text("mine")
    (main / "notes").mkdir()
    (main / "notes" / "todo.txt").write_text("mine too")
    publish(editions, 2)
    publish(editions, 5)
    assert (main / "more.csv").read_text() == "mine"
    assert (main / "notes" / "todo.txt").read_text() == "mine too"
    assert found(main) == 5


@pytest.mark.usefixtures("any_disk")
def test_a_real_folder_from_before_makes_way(main):
    main.mkdir(parents=True)
    (main / "taxonomy.json").write_text("old")
    (main / "mine.txt").write_text("mine")
    editions = Editions(main)
    assert editions.current is None
    publish(editions, 1)
    assert (found(main), (main / "mine.txt").read_text()) == (1, "mine")
    assert not list(main.parent.glob(".main/old-*"))


def test_a_copy_of_the_workspace_that_followed_the_link_goes_on(main, tmp_path):
    publish(Editions(main), 1)
    shutil.copytree(main.parent, tmp_path / "copy")
    copied = Editions(tmp_path / "copy" / "main")
    assert not copied.link.is_symlink()
    assert copied.current is None
    publish(copied, 2)
    assert (copied.current, found(copied.link), found(main)) == (2, 2, 1)


def test_a_disk_that_had_no_links_may_get_them(main, monkeypatch):
    editions = Editions(main)
    with monkeypatch.context() as patch:
        patch.setattr(Path, "symlink_to", _no_links)
        publish(editions, 1)
    assert not main.is_symlink()
    publish(editions, 2)
    assert (main.is_symlink(), editions.current, found(main)) == (True, 2, 2)


def test_a_link_of_somebody_elses_is_no_edition_and_what_it_leads_to_stays(main, tmp_path):
    (tmp_path / "far").mkdir()
    main.parent.mkdir()
    main.symlink_to(tmp_path / "far")
    editions = Editions(main)
    assert editions.current is None
    publish(editions, 1)
    assert found(main) == 1
    assert (tmp_path / "far").is_dir()


def test_runs_do_not_meet(main):
    publish(Editions(main), 1)
    publish(Editions(main.with_name("main-2")), 4)
    assert (found(main), found(main.with_name("main-2"))) == (1, 4)


def test_an_edition_that_was_never_made_is_refused_and_the_old_one_counts_on(main):
    editions = Editions(main)
    publish(editions, 1)
    with pytest.raises(StorageError, match="No such file"):
        editions.publish(2)
    assert (editions.current, found(main)) == (1, 1)


class Killed(BaseException):
    """Stands for the end of the process."""


STEPS = [
    (module.os, "replace"),
    (Path, "symlink_to"),
    (Path, "rename"),
    (Path, "unlink"),
    (module.shutil, "rmtree"),
    (module, "_sync"),
    (module, "write_atomic"),
]


def dying(monkeypatch, steps):
    """Let the process die at the step of this number; returns what counts the steps."""
    left = [steps]

    def step(real):
        def act(*args, **kwargs):
            left[0] -= 1
            if left[0] == 0:
                raise Killed
            return real(*args, **kwargs)

        return act

    for place, name in STEPS:
        monkeypatch.setattr(place, name, step(getattr(place, name)))
    return left


@pytest.mark.parametrize("before", ["nothing", "an edition", "a folder"])
def test_a_process_that_dies_at_any_step_leaves_one_whole_edition_and_the_next_attempt_ends_it(
    main, monkeypatch, before, any_disk
):
    possible = {1, 2}
    if before == "nothing":
        possible = {None, 2}
    elif before == "a folder" or any_disk == "no links":
        possible |= {None}  # between two renames
    for steps in range(1, 40):
        shutil.rmtree(main.parent, ignore_errors=True)
        editions = Editions(main)
        if before == "an edition":
            publish(editions, 1)
            (main / "mine.txt").write_text("mine")
        elif before == "a folder":
            publish(Editions(main), 1)
            shutil.copytree(main, main.parent / "copy")
            main.unlink() if main.is_symlink() else shutil.rmtree(main)
            (main.parent / "copy").rename(main)
        make(editions, 2)
        survived = False
        with monkeypatch.context() as patch:
            dying(patch, steps)
            try:
                editions.publish(2)
                survived = True
            except Killed:
                pass
        assert found(main) in possible
        if not survived:
            if editions.current != 2:
                make(editions, 2)
            editions.publish(2)
        assert (editions.current, found(main)) == (2, 2)
        if before == "an edition":
            assert (main / "mine.txt").read_text() == "mine"
        assert not [path for path in main.parent.glob(".main/*") if path.resolve() != main.resolve()]
        if survived:
            return
    pytest.fail("publishing does not end")


WRITER = """
import sys
from pathlib import Path
from tnt_llm.checkpoints.editions import Editions
editions = Editions(Path(sys.argv[1]))
number = (editions.current or 0) + 1
print("ready", flush=True)
while True:
    folder = editions.folder(number)
    for name in sys.argv[2:]:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(f"{name} of {number}")
    editions.publish(number)
    number += 1
"""


def test_sigkill_at_any_moment_leaves_one_whole_edition(main):
    main.parent.mkdir()
    draw, seen = random.Random(0), []
    for _ in range(6):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(main), *FILES], stdout=subprocess.PIPE, text=True
        )
        assert writer.stdout.readline() == "ready\n"
        time.sleep(draw.uniform(0.02, 0.1))
        writer.kill()
        writer.communicate()
        seen.append(found(main))
        assert seen[-1] == Editions(main).current
    assert None not in seen[1:]
    assert seen == sorted(seen)
    assert seen[-1] > 6


def test_a_reader_that_resolves_the_link_first_never_sees_two_editions(main):
    editions = Editions(main)
    publish(editions, 1)
    place = main.resolve()
    make(editions, 2)
    assert found(place) == found(main) == 1
    editions.publish(2)
    assert not place.exists()
    assert found(main.resolve()) == 2


def test_a_classifier_is_loaded_from_one_edition_although_another_comes_to_count_meanwhile(main, monkeypatch):
    editions = Editions(main)
    publish(editions, 1)
    seen = []

    def load(folder):
        seen.append(folder)
        if len(seen) == 1:
            publish(editions, 2)  # and the first one is gone
        return (folder / "manifest.json").read_text()

    monkeypatch.setattr(bundle, "_load", load)
    assert bundle.load_bundle(main / "classifier") == "classifier/manifest.json of 2"
    assert [folder.parent.name for folder in seen] == ["1", "2"]


def test_a_classifier_that_is_damaged_is_told(main):
    publish(Editions(main), 1)
    with pytest.raises(BundleError, match=r"manifest\.json is damaged"):
        bundle.load_bundle(main / "classifier")
    (main / "classifier" / "manifest.json").unlink()
    with pytest.raises(BundleError, match=r"there is no classifier in .*1/classifier"):
        bundle.load_bundle(main / "classifier")


def test_every_output_of_a_run_is_known_as_one_of_ours():
    from tnt_llm.nodes import publish as node
    from tnt_llm.nodes.train_classifier import FOLDER
    from tnt_llm.tools.export import LABEL_FILES

    outputs = {*LABEL_FILES, FOLDER, node.TAXONOMY_FILE, "report.html"}
    # What was measured of an edition says nothing of the next one: it goes with its own.
    assert {*outputs, EVALUATION_FILE} == OURS
