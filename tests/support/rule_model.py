"""A model that answers every prompt of the package sensibly, by rule: words in common decide.

For a `StubEndpoint` and a `FakeModel` alike::

    StubEndpoint(RuleModel())                 FakeModel(respond=RuleModel().respond)

It reads prompts through their templates (`unrender`), so that another wording changes nothing here.
"""

import json
import math
import re
import threading
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from tnt_llm.llm.answer import Answer, Usage
from tnt_llm.llm.fake import Asked
from tnt_llm.llm.structured import probe_request
from unrender import Values, recognise

Reply = dict[str, Any]
ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_PROBE = probe_request().messages[-1][1]


class RuleModel:
    """Replies by rule; safe to call from several threads.

    Args:
        logprobs: whether alternatives of the first token are reported.
        fickle: give other answers to a question that was asked before, as a real model does.
        overrides: by prompt name, what to answer instead; a text, a reply, or a stub's fault.

    Attributes:
        asked: (prompt name, values) of every question, in order of arrival.
        overrides: as given; may be changed at any time.
        errors: what went wrong in here, which no test should take for the endpoint's fault.
    """

    def __init__(
        self, *, logprobs: bool = True, fickle: bool = False, overrides: Mapping[str, Any] | None = None
    ) -> None:
        self.asked: list[tuple[str, Values]] = []
        self.errors: list[Exception] = []
        self._logprobs = logprobs
        self._fickle = fickle
        self.overrides = dict(overrides or {})
        self._seen: Counter[str] = Counter()
        self._lock = threading.Lock()

    def __call__(self, payload: dict[str, Any]) -> Any:
        """The reply to a chat request of a `StubEndpoint`."""
        try:
            return self.reply([(message["role"], str(message["content"])) for message in payload["messages"]])
        except Exception as error:
            self.errors.append(error)  # to the run it is one more fault of the endpoint
            raise

    def respond(self, asked: Asked) -> Answer:
        """The reply to a call of a `FakeModel`."""
        reply = self.reply(asked.messages)
        if isinstance(reply, str):
            reply = {"text": reply}
        words = sum(len(content.split()) for _, content in asked.messages)
        usage = Usage(1, words, 0, len(reply["text"].split()))
        return Answer(reply["text"], tuple(reply.get("top_logprobs", ())), usage=usage)

    def reply(self, messages: Sequence[tuple[str, str]]) -> Any:
        """A text, a dict with ``text`` and ``top_logprobs``, or an override's fault."""
        name, values = question(messages)
        if name == "probe":
            return '{"colour": "red", "count": 3}'
        with self._lock:
            self.asked.append((name, values))
            again = self._seen[repr(messages)] if self._fickle else 0
            self._seen[repr(messages)] += 1
        if name in self.overrides:
            override = self.overrides[name]
            return override(values) if callable(override) else override
        reply: Any = getattr(self, f"_{name}")(values, again)
        if isinstance(reply, dict) and "top_logprobs" in reply:
            return reply if self._logprobs else reply["text"]
        return reply if isinstance(reply, str) else json.dumps(reply)

    def count(self, name: str) -> int:
        """How often a prompt was asked."""
        with self._lock:
            return sum(asked == name for asked, _ in self.asked)

    def _phrase(self, values: Values, again: int) -> Any:
        return " ".join([*content_words(values["text"])[: 2 + again % 2], "question"]).capitalize()

    def _summary(self, values: Values, again: int) -> Any:
        words = content_words(values["text"])
        return f"Summary: It is about {' '.join(words[: 6 + again % 2])}.\nSubject: {' '.join(words[:2])} question"

    def _label_fast(self, values: Values, again: int) -> Any:
        options = values["options"]
        texts = [f"{option['option.name']} {option['option.description']}" for option in options]
        shares = shares_of(values["text"], texts, lean=0.05 * again)
        ranked = sorted(
            zip(shares, (option["option.letter"] for option in options), strict=True), reverse=True
        )
        pairs = [(letter, math.log(share)) for share, letter in ranked]
        return {"text": pairs[0][0], "top_logprobs": [*pairs, (" the", math.log(1e-6))]}

    def _label_explain(self, values: Values, again: int) -> Any:
        overlaps = [overlap(values["text"], _told(category)) for category in values["categories"]]
        best = max(overlaps)
        primary = overlaps.index(best) + 1 if best else 0
        also = [number for number, value in enumerate(overlaps, 1) if best and value == best]
        return {"reason": f"Words in common: {best}.", "primary": primary, "all": also[:4]}

    def _name_group(self, values: Values, again: int) -> Any:
        return named([each["text"] for each in values["texts"]], again)

    def _same_topic(self, values: Values, again: int) -> Any:
        return letter("A" if overlap(values["first.name"], values["second.name"]) else "B", "AB")

    def _choose(self, values: Values, again: int) -> Any:
        texts = [each["text"] for each in values["texts"]]
        covered = [
            sum(any(overlap(text, _told(category)) for category in values[table]) for text in texts)
            for table in ("first", "second")
        ]
        return letter("A" if covered[0] >= covered[1] else "B", "AB")

    def _judge_pair(self, values: Values, again: int) -> Any:
        told = [
            f"{values[f'{which}.name']} {values[f'{which}.description']}" for which in ("first", "second")
        ]
        return letter(_best(values["text"], told), "ABC")

    def _judge_all(self, values: Values, again: int) -> Any:
        told = [f"{option['option.name']} {option['option.description']}" for option in values["options"]]
        return letter(_best(values["text"], told), ALPHABET[: len(told) + 1])

    def _judge_relevant(self, values: Values, again: int) -> Any:
        fits = overlap(values["use_case"], f"{values['category.name']} {values['category.description']}") > 0
        return letter("A" if fits is (values["first"] == "Yes") else "B", "AB")

    def _generate(self, values: Values, again: int) -> Any:
        rows = table([each["text"] for each in values["texts"]], int(values["cap"]), again)
        return {"categories": [{"number": 0, **row} for row in rows]}

    def _update(self, values: Values, again: int) -> Any:
        kept = _kept(values["categories"])
        new = [
            each["text"]
            for each in values["texts"]
            if not any(overlap(each["text"], f"{row['name']} {row['description']}") for row in kept)
        ]
        rows = table(new, int(values["cap"]) - len(kept), again) if len(new) > 2 else []
        return _rated([*kept, *({"number": 0, **row} for row in rows)])

    def _review(self, values: Values, again: int) -> Any:
        return _rated(_kept(values["categories"]))

    def _plan(self, values: Values, again: int) -> Any:
        names = [category["category.name"] for category in values.get("categories", [])]
        return {"actions": actions(values["message"], names)}

    def _revise(self, values: Values, again: int) -> Any:
        groups = [[each["text"] for each in group["group"]] for group in values["groups"]]
        edits = [{"op": "add", **named(group, again)} for group in groups]
        empty = [int(number) for number in values.get("empty", "").split(", ") if number]
        return {"edits": [*({"op": "remove", "category": number} for number in empty), *edits]}


def question(messages: Sequence[tuple[str, str]]) -> tuple[str, Values]:
    """The prompt's name, or "probe" for the question after structured answers, and what it was filled in with."""
    return ("probe", {}) if messages[-1][1].startswith(_PROBE) else recognise(messages)


def content_words(text: str) -> list[str]:
    """The words of four letters or more, small, each once, in order."""
    return list(dict.fromkeys(re.findall(r"[^\W\d_]{4,}", text.lower()))) or ["text"]


def overlap(first: str, second: str) -> int:
    """How many content words two texts share."""
    plain = {"question", "concerns", "text"}
    return len((set(content_words(first)) & set(content_words(second))) - plain)


def actions(message: str, names: Sequence[str]) -> list[dict[str, Any]]:
    """What a message asks for, one action for each "and then": "merge 1 and 2 into Money and then split 3"."""
    parts = re.split(r"[,;.]? (?:and )?then ", message.strip().rstrip(".!"))
    return [action for part in parts for action in _actions(part, names)]


def _actions(message: str, names: Sequence[str]) -> list[dict[str, Any]]:
    text = message
    for number, name in sorted(enumerate(names, 1), key=lambda item: -len(item[1])):
        text = re.sub(rf"(?<!\w){re.escape(name)}(?!\w)", str(number), text, flags=re.IGNORECASE)
    low = text.lower()

    def numbers(part: str) -> list[int]:
        return [int(found) for found in re.findall(r"\d+", part) if 1 <= int(found) <= len(names)]

    def tail(word: str) -> str:
        return text[low.index(word) + len(word) :].strip(" \"'") if word in low else ""

    if "?" in message or low.startswith(("how many", "show", "which", "why", "what")):
        abouts = {
            "how many": "count",
            "show": "texts",
            "overlap": "overlap",
            "changed": "difference",
            "why": "why",
        }
        about = next((about for words, about in abouts.items() if words in low), "taxonomy")
        category = (numbers(text) or [0])[0] if about in {"count", "texts"} else 0
        return [{"do": "ask", "about": about, "category": category, "text": tail("document "), "count": 0}]
    found = numbers(text.split(" into ")[0])
    if low.startswith("merge") and len(found) > 1:
        return [{"do": "merge", "categories": found, "name": tail(" into ")}]
    if low.startswith("split") and found:
        named = [{"name": name.strip(), "description": ""} for name in re.split(r",| and ", tail(" into "))]
        return [{"do": "split", "category": found[0], "parts": named if len(named) > 1 else []}]
    if low.startswith("rename") and found:
        return [{"do": "rename", "category": found[0], "name": tail(" to ")}]
    if low.startswith("remove"):
        return [{"do": "remove", "category": number} for number in found] or [{"do": "none", "reply": "No."}]
    if low.startswith("move") and found:
        return [{"do": "move", "category": found[0], "under": found[1] if len(found) > 1 else 0}]
    if low.startswith("add "):
        return [{"do": "add", "name": tail("add "), "description": "", "under": 0}]
    most = re.search(r"at most (\d+)", low)
    language = re.search(r"\bin (german|french|spanish)\b", low)
    purpose = low.startswith("by ") or " by " in low
    if most or language or purpose:
        tongue = language[1].title() if language else ""
        size = int(most[1]) if most else 0
        return [{"do": "rule", "text": message, "most": size, "language": tongue, "purpose": purpose}]
    for do, word in {"undo": "undo", "redo": "redo", "continue": "continue", "approve": "looks good"}.items():
        if do in low or word in low:
            return [{"do": do}]
    return [{"do": "none", "reply": "That is no request about the categories."}]


def shares_of(text: str, options: Sequence[str], lean: float = 0.0) -> list[float]:
    """Probability of each option, by words in common; `lean` adds to the first one's weight."""
    weights = [math.exp(2 * overlap(text, option)) for option in options]
    weights[0] *= 1 + lean
    return [weight / sum(weights) for weight in weights]


def named(texts: Sequence[str], again: int = 0) -> dict[str, str]:
    """A name and a description made of the words that most of the texts contain."""
    counted = Counter(word for text in texts for word in content_words(text) if word != "question")
    words = [word for word, _ in sorted(counted.items(), key=lambda item: (-item[1], item[0]))]
    top = words[: 3 + again % 2]
    return {"name": " ".join(words[:2]).title(), "description": f"Concerns {', '.join(top)}."}


def table(texts: Sequence[str], cap: int, again: int = 0) -> list[dict[str, str]]:
    """Categories that cover the texts: the most frequent word makes one, its texts go, and so on."""
    left, rows = list(texts), []
    while len(left) > 2 and len(rows) < cap:
        counted = Counter(word for text in left for word in content_words(text) if word != "question")
        word = min(counted, key=lambda word: (-counted[word], word))
        rows.append(named([text for text in left if word in content_words(text)], again))
        left = [text for text in left if word not in content_words(text)]
    return rows


def letter(choice: str, letters: str) -> Reply:
    """An answer that is nearly sure of one letter."""
    rest = [other for other in letters if other != choice]
    return {"text": choice, "top_logprobs": [(choice, -0.05), *((other, -3.0) for other in rest)]}


def _best(text: str, told: Sequence[str]) -> str:
    """The letter of what shares most words with a text; the one after the last where nothing does."""
    shared = [overlap(text, each) for each in told]
    return ALPHABET[shared.index(max(shared)) if max(shared) else len(told)]


def _told(category: Values) -> str:
    return f"{category['category.name']} {category['category.description']}"


def _kept(categories: Sequence[Values]) -> list[dict[str, Any]]:
    return [
        {"number": number, "name": row["category.name"], "description": row["category.description"]}
        for number, row in enumerate(categories, 1)
    ]


def _rated(rows: list[dict[str, Any]]) -> dict[str, Any]:
    return {"rating": 80, "explanation": "It covers the data.", "suggestions": "N/A", "categories": rows}
