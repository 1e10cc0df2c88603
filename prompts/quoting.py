"""Documents are hostile: what a text must lose before it stands in a prompt."""

import re

# Control, zero-width, bidirectional, tag and unseen variation characters: they hide text from people, not from models.
_HIDDEN = re.compile(
    "[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e0fff]"
)
_SPACE = re.compile(r"\s+")
# A server's chat template reads <|im_end|>, [INST], <s> and the like as its own marks, wherever they stand; and
# the prompts put texts between angle quotes, which no text may close.
_MARKS = str.maketrans({"<": "(", ">": ")", "‹": "(", "›": ")", "[": "(", "]": ")", "`": "'"})
_LONGEST = 40
"""Characters a single word may have, so that a text without spaces is bounded too."""


def quote(text: str, words: int) -> str:
    """A text on one line, at most `words` words, without anything that a chat template could take for its own.

    A cut text ends in an ellipsis.
    """
    # Enough characters for the words asked for: nobody folds a megabyte for its first sentence.
    room = text[: (words + 1) * _LONGEST * 2]
    pieces = _SPACE.sub(" ", _HIDDEN.sub(" ", room)).translate(_MARKS).split()
    cut = [piece if len(piece) <= _LONGEST else piece[:_LONGEST] + "…" for piece in pieces[:words]]
    more = len(pieces) > words or len(room) < len(text)
    return " ".join(cut) + (" …" if more else "")


def count_words(text: str, limit: int) -> int:
    """Words in a text, at most `limit` + 1; long strings without spaces count by their length."""
    count = 0
    for match in re.finditer(r"\S+", text):
        count += 1 + (match.end() - match.start()) // _LONGEST
        if count > limit:
            return limit + 1
    return count
