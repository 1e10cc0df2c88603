"""Text from outside made safe to show: no terminal escapes, no control characters, no faked direction."""

import re

# CSI and OSC sequences whole, so that "\x1b[31mred" leaves "red" and not "[31mred".
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[@-Z\\^_]")
# C0 but tab and newline, DEL, C1; embeddings, overrides and isolates, which can make a line read backwards.
_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ufeff]")
_SURROGATES = re.compile("[\ud800-\udfff]")
_SPACES = re.compile(r"\s+")


def plain(text: str) -> str:
    """`text` without escape sequences and control characters; half surrogates become U+FFFD."""
    text = _ESCAPES.sub("", text.replace("\r\n", "\n").replace("\r", "\n"))
    return _SURROGATES.sub("\ufffd", _CONTROLS.sub("", text))


def shorten(text: str, width: int) -> str:
    """`text` on one line, cut at a word to at most `width` characters, "…" included."""
    line = _SPACES.sub(" ", plain(text[: 8 * width])).strip()
    if len(line) <= width:
        return line + " …" if len(text) > 8 * width and len(line) + 2 <= width else line
    head = line[: width - 2]
    cut = head.rfind(" ")
    return (head[:cut] if cut > width // 2 else head) + " …"
