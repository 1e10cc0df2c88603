"""Which categories somebody means who types a number, a name, the beginning of a name, or a list of these.

Separators count outside quotes only: ``"Bills, fees", 3`` is two references.
"""

import re
from collections.abc import Sequence
from difflib import get_close_matches
from typing import Final, NamedTuple

from ..taxonomy.names import normalise_name, quoted, same_name
from ..taxonomy.values import Category, Taxonomy


class Unreadable(Exception):  # noqa: N818  # an outcome, which a parser turns into an answer to its user
    """Why it is not clear what is meant, fit for people."""


class Cut(NamedTuple):
    """A text in two, at a separator outside quotes."""

    left: str
    word: str
    right: str


_QUOTED: Final = re.compile(r'"[^"]*"|“[^”]*”|„[^“”]*[“”]|«[^»]*»')
_NUMBERS: Final = re.compile(r"#?\d+(?:(?:\s+|\s*(?:and|&|\+)\s*)#?\d+)+", re.IGNORECASE)

NUMBER: Final = re.compile(r"#?(\d{1,6})[.)]?")
"""How a category's number is written."""

AND: Final = r"\s+(?:and|&|\+|with)(?=\s)"
"""What stands between two categories of a list instead of a comma."""


def masked(text: str) -> str:
    """The text with what is in quotes blotted out, letter for letter, so that no separator is found in it."""
    return _QUOTED.sub(lambda match: "\0" * len(match[0]), text)


def cuts_of(text: str, separator: str) -> list[Cut]:
    """Every way to cut the text in two non-empty parts at the separator."""
    cuts = [
        Cut(text[: match.start()].strip(), match[0].strip().lower(), text[match.end() :].strip())
        for match in re.finditer(separator, masked(text), re.IGNORECASE)
    ]
    return [cut for cut in cuts if cut.left and cut.right]


def pieces_of(text: str, separator: str) -> list[str]:
    """The text in pieces, at every separator outside quotes; empty ones go."""
    pieces, start = [], 0
    for match in re.finditer(separator, masked(text), re.IGNORECASE):
        pieces.append(text[start : match.start()])
        start = match.end()
    return [piece.strip() for piece in [*pieces, text[start:]] if piece.strip()]


def unquoted(text: str) -> str:
    """The text without the quotes around all of it."""
    return text[1:-1].strip() if _QUOTED.fullmatch(text) else text


class References:
    """Finds the categories that somebody means."""

    def __init__(self, taxonomy: Taxonomy) -> None:
        self._taxonomy = taxonomy

    def exact(self, piece: str) -> Category | None:
        """The category of this number, id or name; what is in quotes is a name."""
        number = NUMBER.fullmatch(piece)
        if number and 1 <= int(number[1]) <= len(self._taxonomy):
            return self._taxonomy.categories[int(number[1]) - 1]
        if piece in self._taxonomy:
            return self._taxonomy[piece]
        name = normalise_name(piece)
        return next(
            (category for category in self._taxonomy if name and same_name(category.name, name)), None
        )

    def find(self, piece: str) -> Category:
        """The category that is meant: as `exact`, or by the beginning of its name. Raises `Unreadable`."""
        found = self.exact(piece) or self._beginning(piece)
        if found is not None:
            return found
        if not len(self._taxonomy):
            raise Unreadable("There are no categories yet.")
        if NUMBER.fullmatch(piece):
            raise Unreadable(f"There is no category {piece}: they go from 1 to {len(self._taxonomy)}.")
        near = self._near(piece)
        offer = f" The nearest: {self._listed(near)}." if near else " /taxonomy shows them all."
        raise Unreadable(f"No category is called {quoted(unquoted(piece))}.{offer}")

    def several(self, text: str) -> tuple[Category, ...]:
        """The categories of a list, each once: separated by commas, or "and", or numbers side by side."""
        found: list[Category] = []
        for piece in pieces_of(text, r"[,;]"):
            found.extend(self._some(piece))
        if not found:
            raise Unreadable("Which category?")
        return tuple({category.id: category for category in found}.values())

    def cut(self, text: str, separator: str) -> tuple[Category, Cut] | None:
        """The category before the separator, where there is one; the longest name that fits goes first."""
        cuts = cuts_of(text, separator)
        for cut in reversed(cuts):
            if (found := self.exact(cut.left)) is not None:
                return found, cut
        for cut in cuts:
            if (found := self._beginning(cut.left)) is not None:
                return found, cut
        return (self.find(cuts[0].left), cuts[0]) if cuts else None

    def cut_list(self, text: str, separator: str) -> tuple[tuple[Category, ...], Cut | None]:
        """The categories before the last separator that makes sense, and that cut; no cut where there is none."""
        failure: Unreadable | None = None
        for cut in reversed(cuts_of(text, separator)):
            try:
                return self.several(cut.left), cut
            except Unreadable as error:
                failure = error
        try:
            return self.several(text), None
        except Unreadable as error:
            raise failure or error from None

    def _some(self, piece: str) -> list[Category]:
        found = self.exact(piece) or self._beginning(piece)
        if found is not None:
            return [found]
        if _NUMBERS.fullmatch(piece):
            return [self.find(number) for number in re.findall(r"\d+", piece)]
        piece = re.sub(r"^(?:and|&)\s+", "", piece, flags=re.IGNORECASE)
        for cut in reversed(cuts_of(piece, AND)):
            if (first := self.exact(cut.left)) is not None:
                return [first, *self._some(cut.right)]
        return [self.find(part) for part in pieces_of(piece, AND)]

    def _beginning(self, piece: str) -> Category | None:
        start = normalise_name(piece).casefold()
        if not start or NUMBER.fullmatch(start):
            return None
        found = [category for category in self._taxonomy if category.name.casefold().startswith(start)]
        if len(found) > 1:
            raise Unreadable(f"{quoted(unquoted(piece))} may be {self._listed(found, ' or ')}.")
        return found[0] if found else None

    def _near(self, piece: str) -> list[Category]:
        """Up to three categories with a name that is spelt alike or shares a word."""
        name = normalise_name(piece).casefold()
        by_name = {category.name.casefold(): category for category in self._taxonomy}
        words = {word[:5] for word in re.findall(r"\w{3,}", name)}
        sharing = [key for key in by_name if words & {word[:5] for word in re.findall(r"\w{3,}", key)}]
        close = get_close_matches(name, by_name, n=3, cutoff=0.55)
        return [by_name[key] for key in dict.fromkeys([*close, *sharing])][:3]

    def _listed(self, categories: Sequence[Category], between: str = ", ") -> str:
        ids = self._taxonomy.ids
        return between.join(
            f"{ids.index(category.id) + 1} {quoted(category.name)}" for category in categories
        )
