"""Editions of a run's outputs: what a reader finds is always one whole edition, never parts of two.

::

    WORKSPACE/
        main -> .main/2       the outputs of the run `main`: a link to the edition that counts
        .main/
            2/                taxonomy.json, labels.*, report.html, classifier/
            3/                the next one, while it is being made

A new edition is made in a folder of its own and counts once the link is replaced, which is one rename. The old
one is removed only then. Whatever is killed, and whenever: the link leads to a complete edition, or, before the
first, there is none.

Where the file system has no symbolic links, the folder itself is moved to where the link would be. Between taking the
old one away and putting the new one there, there is none for a moment; a process that is killed just then has finished
the new one, and the run, resumed, puts it in place.
"""

import os
import re
import shutil
from pathlib import Path
from uuid import uuid4

from .files import write_atomic
from .storage_errors import file_fault

EVALUATION_FILE = "evaluation.json"
OURS = frozenset(
    {"taxonomy.json", "labels.parquet", "labels.csv", "report.html", "classifier", EVALUATION_FILE}
)
"""What an edition consists of, or what is about it alone. Whatever else somebody has put there moves on to the next."""

_MARK = ".edition"
_NUMBER = re.compile(r"[1-9][0-9]*")


class Editions:
    """The editions of one run's outputs, told apart by number, from 1.

    Args:
        link: where the outputs are read: the run's folder in its workspace. It need not be there.
    """

    def __init__(self, link: Path) -> None:
        self.link = link
        self._home = link.with_name(f".{link.name}")

    def folder(self, number: int) -> Path:
        """Where an edition is made; it is not read there, and need not exist yet."""
        if self.current == number and not self.link.is_symlink():
            return self.link
        return self._home / str(number)

    @property
    def current(self) -> int | None:
        """The edition that counts; None where there is none, or what is there was not made as one."""
        try:
            named = os.readlink(self.link)
        except OSError:  # not there, or no link
            return self._marked()
        home, _, number = Path(named).as_posix().rpartition("/")
        return int(number) if home == self._home.name and _NUMBER.fullmatch(number) else None

    def publish(self, number: int) -> None:
        """Let an edition count that is complete, and remove the others. Doing it again changes nothing.

        Raises:
            StorageError: there is no such edition, or the disk does not allow it; the one that counted still does.
        """
        try:
            if self.current != number:
                folder = self.folder(number)
                _sync(folder)
                self._switch(folder)
            self._tidy()
        except OSError as error:
            raise file_fault(error, self.link) from error

    def _switch(self, folder: Path) -> None:
        temporary = self._home / f"link-{uuid4().hex[:8]}"
        try:
            temporary.symlink_to(Path(self._home.name) / folder.name, target_is_directory=True)
            has_links = True
        except (OSError, NotImplementedError):
            # Every file system that a folder can be made on lets it be moved.
            write_atomic(folder / _MARK, folder.name)
            has_links = False
        if self.link.is_dir() and not self.link.is_symlink():
            # From a copy of the workspace that followed the link, or from a file system without links.
            self.link.rename(self._home / f"old-{uuid4().hex[:8]}")
        if has_links:
            os.replace(temporary, self.link)
        else:
            folder.rename(self.link)
        _sync(self.link.parent)

    def _tidy(self) -> None:
        """Remove what does not count, but not what was put there by somebody else: that moves on."""
        counting = self.link.resolve()
        if not self._home.is_dir():
            return
        for old in sorted(self._home.iterdir()):
            if old == counting or old.resolve() == counting:
                continue
            if old.is_symlink() or not old.is_dir():
                old.unlink()
                continue
            for foreign in sorted(old.iterdir()):
                if foreign.name not in OURS and not foreign.name.startswith("."):
                    target = counting / foreign.name
                    if not target.exists():
                        foreign.rename(target)
            shutil.rmtree(old)
        if counting.parent != self._home.resolve():
            self._home.rmdir()

    def _marked(self) -> int | None:
        try:
            number = (self.link / _MARK).read_text(encoding="utf-8")
        except OSError:
            return None
        return int(number) if _NUMBER.fullmatch(number) else None


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
