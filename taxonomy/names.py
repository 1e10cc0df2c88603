"""What makes a name: how it is written down, when two are the same, and when one says nothing.

A prompt can ask a model for specific, distinct names; these three functions see to it.
"""

import unicodedata
from functools import lru_cache
from typing import Final


def _words_in(text: str) -> frozenset[str]:
    return frozenset(text.split())


_QUOTES: Final = {'"': '"', "'": "'", "`": "`", "*": "*", "“": "”", "„": "“", "‘": "’", "«": "»", "»": "«"}
_INVISIBLE: Final = "\u200b\u2060\ufeff"  # the joiners U+200C and U+200D stay: scripts and emoji need them
_APOSTROPHES: Final = "'’ʼ`"  # within a word they vanish: "customer's" is one word

_IRREGULAR: Final = {"people": "person", "children": "child", "men": "man", "women": "woman"}

# Alone they name a rest, in the languages that are likely to come along.
_RESTS: Final = _words_in(
    """
    other others general misc miscellaneous various unclear undefined unknown uncategorized uncategorised
    unclassified unspecified unrelated irrelevant unassigned unlabeled unlabelled unnamed untitled
    unidentified uncertain unsure additional further ambiguous mixed assorted sundry generic diverse none na
    nil null nothing rest remainder remaining leftover leftovers everything anything something tbd placeholder
    catchall etc offtopic sonstiges sonstige allgemein allgemeines verschiedenes autre autres otro otros otra
    otras varios outro outros altro altri overig overige другое прочее разное その他 其他 其它 기타
    """
)
_REST_PHRASES: Final = _words_in(
    """
    everythingelse anythingelse somethingelse noneoftheabove noneofthese notapplicable notsure notclear
    notspecified notdefined notclassified notcategorized notcategorised nocategory notopic nolabel nomatch
    noneapply doesnotfit doesntfit allother alltherest therest newcategory newtopic
    """
)
# With a noun that says nothing, they still name a rest ("Other issues"); with any other noun they may not
# ("General Ledger", "Unknown caller", "Other income tax").
_VAGUE: Final = _words_in(
    """
    other others general misc miscellaneous various unclear undefined unknown uncategorized uncategorised
    unclassified unspecified unrelated irrelevant unidentified ambiguous assorted sundry generic diverse
    remaining additional further
    """
)
_EMPTY: Final = _words_in(
    """
    and or of the all any
    area aspect case category comment concern conversation customer client user discussion enquiry feedback
    info information inquiry intent issue item label matter message post problem purpose query question reason
    request stuff subject support text theme thing ticket topic
    """
)
_SLOTS: Final = frozenset({"category", "topic", "theme", "cluster", "label"})


def one_line(text: str) -> str:
    """The text on one line: composed (NFC), without control or invisible characters, single blanks."""
    composed = unicodedata.normalize("NFC", text)
    visible = "".join(
        " " if unicodedata.category(char) == "Cc" else char for char in composed if char not in _INVISIBLE
    )
    return " ".join(visible.split())


def normalise_name(name: str) -> str:
    """A name as it is kept and shown: on one line, no quotes or asterisks around it, no punctuation after it.

    Case is the author's. Idempotent. Empty when the name holds no letter, digit or symbol.
    """
    clean = one_line(name)
    while (trimmed := _trim(clean)) != clean:
        clean = trimmed
    return clean if _words(clean) else ""


def _trim(name: str) -> str:
    if len(name) > 1 and _QUOTES.get(name[0]) == name[-1]:
        return name[1:-1].strip()
    if name.endswith((":", ";", ",")):
        return name[:-1].rstrip()
    # One full stop after a sentence-like name goes, the last one of "U.S." or "e.g." stays.
    if name.endswith(".") and "." not in name.rsplit(maxsplit=1)[-1][:-1]:
        return name[:-1].rstrip()
    return name


def quoted(text: str, *, limit: int = 80) -> str:
    """The text in double quotes, on one line and cut to ``limit`` characters: for messages."""
    line = one_line(text)
    return f'"{line if len(line) <= limit else line[: limit - 3] + "..."}"'


def same_name(a: str, b: str) -> bool:
    """Whether two names differ in nothing but case, spacing, punctuation, or singular and plural.

    "Sign-ups" is "sign up", "Q&A" is "Q and A"; "Car" is not "Care", "C++" is not "C#". Plurals are English.
    """
    left, right = _words(a), _words(b)
    if len(left) == len(right) and all(map(_same_word, left, right)):
        return True
    return _same_word("".join(left), "".join(right))


def is_vague(name: str) -> bool:
    """Whether a name says nothing about its documents: Other, N/A, "Miscellaneous requests", "Topic 3".

    A vague word alone, or with nothing but empty nouns. A vague word with a noun that says something
    ("General Ledger", "Other income tax") is a name, and so is an empty noun alone ("Question", among
    intents).
    """
    words = _words(name)
    joined = "".join(words)
    if not words or joined in _RESTS or joined in _REST_PHRASES:
        return True
    if any(word in _VAGUE for word in words) and all(word in _RESTS or _is_empty(word) for word in words):
        return True
    return (
        len(words) > 1 and any(map(str.isdecimal, words)) and all(w.isdecimal() or w in _SLOTS for w in words)
    )


def _is_empty(word: str) -> bool:
    return word in _EMPTY or any(_is_plural(word, noun) for noun in _EMPTY)


@lru_cache(maxsize=16_384)
def _words(name: str) -> tuple[str, ...]:
    """The words to compare, folded: letters, digits, ``+``, ``#``, currencies, pictures; the rest parts."""
    folded = unicodedata.normalize("NFKC", name).casefold().replace("&", " and ")
    kept: list[str] = []
    for char in folded:
        kind = unicodedata.category(char)
        if char in _APOSTROPHES or kind == "Cf":
            continue
        kept.append(char if kind[0] in "LMN" or kind in {"Sc", "So"} or char in "+#" else " ")
    return tuple("".join(kept).split())


def _same_word(a: str, b: str) -> bool:
    return a == b or _is_plural(a, b) or _is_plural(b, a)


def _is_plural(plural: str, word: str) -> bool:
    """Whether one is the other's English plural. Compared: a stemmer would make one of Car and Care."""
    if len(word) < 2:
        return False
    if word.endswith(("s", "x", "z", "ch", "sh", "o")) and plural == word + "es":
        return True
    if word.endswith("y") and plural == word[:-1] + "ies":
        return True
    return (not word.endswith("s") and plural == word + "s") or _IRREGULAR.get(plural) == word
