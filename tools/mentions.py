"""Which categories a message names, and how surely: by number, by words of a name, misspelt ones too.

English spelling is assumed where words are bent; a name that stands in the message letter for letter is found in any
language. Positions of categories count from 0 here.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Final

from ..taxonomy.values import Taxonomy


@dataclass(frozen=True, slots=True)
class Token:
    """A word or a mark of a message.

    Attributes:
        text: folded: small, composed, without apostrophes.
        start: where it begins in the message.
        end: where it ends.
    """

    text: str
    start: int
    end: int

    @property
    def is_word(self) -> bool:
        """Whether it has letters or digits."""
        return self.text[:1].isalnum()


@dataclass(frozen=True, slots=True)
class Mention:
    """Tokens that name a category.

    Attributes:
        start: first token.
        end: after the last.
        among: positions that may be meant; one where it is clear, none where a number is out of range.
        is_number: given by its number.
        is_full: every word of the name stands there, or it is a number.
        is_exact: its words stand there as they are, but for a plural.
    """

    start: int
    end: int
    among: frozenset[int]
    is_number: bool = False
    is_full: bool = False
    is_exact: bool = False

    @property
    def sure(self) -> int | None:
        """The position that is meant, where that is clear."""
        return next(iter(self.among)) if len(self.among) == 1 else None


def words_in(text: str) -> frozenset[str]:
    """A set written as a line of words."""
    return frozenset(text.split())


def words_in_order(text: str) -> list[str]:
    """A list written as a line of words."""
    return text.split()


STOP: Final = words_in(
    """
    a an and any are as at be been but by can do does for from had has have he her his i if in into is it its me my
    no not of off on one ones or our out she so than that the their them then there these they this those to too up
    us was we were what when where which who will with you your u im id ive also just please pls plz thanks thank ok
    okay yes only really very some now more much
    """
)
GENERIC: Final = words_in(
    """
    category categories topic topics theme themes label labels class classes group groups bucket issue issues problem
    problems question questions request requests inquiry inquiries enquiry enquiries matter matters concern concerns
    thing things stuff text texts message messages case cases general other related
    """
)
"""Words that half of all names have, and that so say little about which one is meant."""
_FAMILIAR: Final = (
    STOP
    | GENERIC
    | words_in(
        """
        description descriptions definition name names title titles list taxonomy subcategory subcategories instruction
        instructions together separate under below level should would could another new number part parts
        """
    )
)
"""Words that are no slip of a name's, however near."""
ORDINALS: Final = {
    word: place
    for place, word in enumerate(
        [
            "first",
            "second",
            "third",
            "fourth",
            "fifth",
            "sixth",
            "seventh",
            "eighth",
            "ninth",
            "tenth",
            "eleventh",
            "twelfth",
        ],
        1,
    )
}
NUMERALS: Final = {
    word: value
    for value, word in enumerate(
        [
            "one",
            "two",
            "three",
            "four",
            "five",
            "six",
            "seven",
            "eight",
            "nine",
            "ten",
            "eleven",
            "twelve",
            "thirteen",
            "fourteen",
            "fifteen",
            "sixteen",
            "seventeen",
            "eighteen",
            "nineteen",
            "twenty",
        ],
        1,
    )
}
_TOKEN: Final = re.compile(
    r"\b(?:i\.e|e\.g|etc|vs|incl)\b\.?|\bno\.(?=\s?\d)|[^\W_]+(?:['’][^\W_]+)*|[^\w\s]|_", re.IGNORECASE
)
_SUFFIXES: Final = words_in(
    "e y d ed ing ings ion ions tion tions ation ations ment ments al ally ance ence able ity ness ies ery age"
) | {""}
# Before a number they say how many; after one, too.
_AMOUNT_BEFORE: Final = words_in(
    "most least max maximum min minimum than only exactly roughly approximately limit nearly almost"
)
_AMOUNT_AFTER: Final = words_in(
    """
    categories topics labels groups classes themes buckets parts pieces ways halves texts messages documents docs
    examples words times more percent % levels levels rows tickets sentences max maximum tops or
    """
) - {"or"}
_NUMBERED: Final = words_in("number numbers no nr num category categories topic label group # class")


def tokenise(message: str) -> tuple[Token, ...]:
    """Words and marks, in order."""
    return tuple(Token(_fold(match[0]), match.start(), match.end()) for match in _TOKEN.finditer(message))


def find_mentions(
    tokens: Sequence[Token], taxonomy: Taxonomy, verbs: Collection[str] = ()
) -> tuple[Mention, ...]:
    """Every mention, in order; none overlap, and longer ones go first.

    Args:
        tokens: of the message.
        taxonomy: whose categories may be named.
        verbs: words that alone name no category, for they say what is to be done.
    """
    used: set[int] = set()
    found: list[Mention] = []
    for mention in (*_windows(tokens, taxonomy, verbs), *_numbers(tokens, len(taxonomy))):
        span = range(mention.start, mention.end)
        if used.isdisjoint(span):
            used.update(span)
            found.append(mention)
    return tuple(sorted(found, key=lambda mention: mention.start))


def describes(tokens: Sequence[Token], taxonomy: Taxonomy, position: int) -> bool:
    """Whether a word of the message stands in the description of this category and of few others."""
    content = {token.text for token in tokens if len(token.text) > 3} - STOP - GENERIC
    described = [_content(category.description) for category in taxonomy]
    for word in content:
        having = [
            place for place, words in enumerate(described) if any(alike(word, own) > 1 for own in words)
        ]
        if position in having and len(having) <= max(2, len(taxonomy) // 4):
            return True
    return False


@lru_cache(maxsize=32_768)
def alike(word: str, other: str) -> int:
    """How alike two folded words are: 3 the same or a plural, 2 of one stem, 1 but for a slip, 0 not."""
    left, right = stem(word), stem(other)
    if word == other or left == right:
        return 3
    if word.isdigit() or other.isdigit():
        return 0
    common = next(
        (place for place, (a, b) in enumerate(zip(left, right, strict=False)) if a != b),
        min(len(left), len(right)),
    )
    if any(
        left[cut:] in _SUFFIXES and right[cut:] in _SUFFIXES for cut in range(max(4, common - 2), common + 1)
    ):
        return 2
    shorter = min(len(word), len(other))
    allowed = 0 if shorter < 5 else 1 if shorter < 8 else 2
    if left[:1] != right[:1] and shorter < 6:
        return 0
    return 1 if allowed and _distance(left, right, allowed) <= allowed else 0


def stem(word: str) -> str:
    """Without an English plural's ending."""
    if len(word) > 4 and word.endswith("ies"):
        return word[:-3] + "y"
    if len(word) > 4 and word.endswith(("sses", "xes", "ches", "shes", "zes")):
        return word[:-2]
    return (
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")) else word
    )


def content_words(text: str) -> frozenset[str]:
    """The folded words of a text that say something."""
    return frozenset(_content(text))


def _fold(text: str) -> str:
    folded = unicodedata.normalize("NFKC", text).casefold()
    return re.sub(r"['’]|(?<=.)\.", "", folded) or folded


@lru_cache(maxsize=4096)
def _words(name: str) -> tuple[str, ...]:
    return tuple(token.text for token in tokenise(name) if token.is_word)


@lru_cache(maxsize=4096)
def _content(text: str) -> tuple[str, ...]:
    """Words that tell; where a name has no such word, all of them."""
    words = _words(text)
    return tuple(word for word in words if word not in STOP and word not in GENERIC) or words


def _windows(tokens: Sequence[Token], taxonomy: Taxonomy, verbs: Collection[str]) -> Iterator[Mention]:
    """Stretches of tokens that are words of one name, the longest first; a token may be in several."""
    names = [_words(category.name) for category in taxonomy]
    # No more words than there are, and as many marks between them.
    longest = min(len(tokens), 2 * max(map(len, names), default=0))
    for length in range(longest, 0, -1):
        for start in range(len(tokens) - length + 1):
            window = tokens[start : start + length]
            if not (window[0].is_word and window[-1].is_word):
                continue
            if length == 1 and (window[0].text in verbs or window[0].text.isdigit()):
                continue
            scores = {
                place: score
                for place, name in enumerate(names)
                if (score := _score(window, name, taxonomy.categories[place].name, verbs)) is not None
            }
            if scores:
                best = max(scores.values())
                among = frozenset(place for place, score in scores.items() if score == best)
                yield Mention(start, start + length, among, is_full=best[0] == 1, is_exact=best[1] == 3)


def _score(
    window: Sequence[Token], name: Sequence[str], whole: str, verbs: Collection[str]
) -> tuple[int, int] | None:
    """(whether it is the full name, how alike), or None where a word is not of this name."""
    own = list(name)
    telling = set(_content(whole))
    least, tells = 3, False
    words = [token.text for token in window if token.is_word]
    if any(not token.is_word and token.text not in "-&/+'\",.()" for token in window):
        return None
    if len(words) != len(window) and len(words) == 1:
        return None
    for word in words:
        match = max(own, key=lambda other: alike(word, other), default=None)
        if match is None or (kind := alike(word, match)) == 0:
            return _joined(words, name, whole)
        if kind == 1 and (word in _FAMILIAR or word in verbs):
            return None
        own.remove(match)
        least = min(least, kind)
        tells = tells or match in telling
    if words[0] in STOP and name[0] != words[0]:
        return None
    if words[-1] in STOP and name[-1] != words[-1]:
        return None
    if not tells:
        return None
    return (int(not own), least)


def _joined(words: Sequence[str], name: Sequence[str], whole: str) -> tuple[int, int] | None:
    """As `_score` where one side writes in two words what the other writes in one ("log in", "check-in")."""
    if len(words) == 2 and len("".join(words)) > 4 and "".join(words) in _content(whole):
        return (int(len(name) == 1), 2)
    if len(words) == 1 and len(words[0]) > 4:
        pairs = ["".join(pair) for pair in pairwise(name)]
        if words[0] in pairs:
            return (int(len(name) == 2), 2)
    return None


def _numbers(tokens: Sequence[Token], count: int) -> Iterator[Mention]:
    """Categories by number: "3", "#3", "no. 3", "the third one"."""
    texts = [token.text for token in tokens]
    for place, text in enumerate(texts):
        before = texts[place - 1] if place else ""
        after = texts[place + 1] if place + 1 < len(texts) else ""
        former = texts[place - 2] if place > 1 else ""
        value = (
            count
            if text == "last" and after in {"category", "topic"}
            else _value(text, former, before, after)
        )
        if value is None:
            continue
        is_range = after == "-" and place + 2 < len(texts) and texts[place + 2].isdigit()
        is_range = is_range or (before == "-" and place > 1 and texts[place - 2].isdigit())
        among = frozenset([value - 1]) if 1 <= value <= count and not is_range else frozenset[int]()
        yield Mention(place, place + 1, among, is_number=True, is_full=True, is_exact=True)


def _value(text: str, former: str, before: str, after: str) -> int | None:
    if text.isdecimal() and len(text) < 5:
        numbered = before in _NUMBERED
        is_amount = (before in _AMOUNT_BEFORE or after in _AMOUNT_AFTER) and not numbered
        is_amount = is_amount or (before == "to" and former in {"up", "limit"})
        return None if is_amount or before in {".", "$", "€", "£"} else int(text)
    if text in NUMERALS and before in _NUMBERED and before != "categories":
        return NUMERALS[text]
    if text in ORDINALS and after in {"one", "category", "topic", "label", "entry"}:
        return ORDINALS[text]
    return None


def _distance(left: str, right: str, most: int) -> int:
    """Letters to insert, delete, replace or swap; anything above `most` where it is more than that."""
    if abs(len(left) - len(right)) > most:
        return most + 1
    before: list[int] = []
    row = list(range(len(right) + 1))
    for i, a in enumerate(left, 1):
        before, last, row = row, before, [i, *([0] * len(right))]
        for j, b in enumerate(right, 1):
            row[j] = min(before[j] + 1, row[j - 1] + 1, before[j - 1] + (a != b))
            if i > 1 and j > 1 and a == right[j - 2] and left[i - 2] == b:
                row[j] = min(row[j], last[j - 2] + 1)
        if min(row) > most:
            return most + 1
    return row[-1]
