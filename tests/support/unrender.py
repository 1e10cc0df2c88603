"""Read a rendered prompt backwards: which prompt file it is, and what it was filled in with.

The templates themselves say how, so that tests depend on what a prompt is given and not on its wording::

    name, values = recognise(messages)          # ("label_fast", {"text": ..., "options": [{"option.name": ...}]})

A value is the text that stood there, or for a loop the list of its rounds. Values have no line breaks, which is
what `quote` and the schemas see to; a schema appended to the system message is passed over.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

from jinja2 import nodes
from tnt_llm.prompts import prompt as prompts

Values = dict[str, Any]


@dataclass(frozen=True)
class Shape:
    """A stretch of a template as a pattern; `loops` are read from what their group matched."""

    pattern: str
    names: dict[str, str]
    loops: dict[str, tuple[str, "Shape"]]

    def read(self, text: str) -> Values | None:
        """What the template was filled in with; None when `text` does not come from it."""
        found = re.fullmatch(self.pattern, text)
        return None if found is None else self._values(found)

    def _values(self, found: re.Match[str]) -> Values:
        values: Values = {
            name: found[group] for group, name in self.names.items() if found[group] is not None
        }
        for group, (name, body) in self.loops.items():
            rounds = re.finditer(body.pattern, found[group] or "")
            values[name] = [body._values(each) for each in rounds]
        return values


def recognise(messages: Sequence[tuple[str, str]]) -> tuple[str, Values]:
    """The prompt's name and what it was filled in with, from its (role, content) messages.

    Messages after the prompt's own, as a repair has them, are passed over.
    """
    for name, shapes in _all_shapes().items():
        values: Values = {}
        for (_, content), shape in zip(messages, shapes, strict=False):
            read = shape.read(content)
            if read is None:
                break
            values |= read
        else:
            return name, values
    raise LookupError(f"no prompt file renders as {messages!r}")


@cache
def _all_shapes() -> dict[str, list[Shape]]:
    found = {}
    for file in sorted(resources.files("tnt_llm.prompts").iterdir(), key=lambda file: file.name):
        if file.name.endswith(".md"):
            prompt = prompts.load_prompt(file.name.removesuffix(".md"))
            parts = [_shape(prompts._JINJA.parse(template).body) for _, template in prompt.parts]
            appended = r"(?:\n\n(?s:.*))?"
            found[prompt.name] = [
                Shape(parts[0].pattern + appended, parts[0].names, parts[0].loops),
                *parts[1:],
            ]
    return found


def _shape(body: Sequence[nodes.Node]) -> Shape:
    names: dict[str, str] = {}
    loops: dict[str, tuple[str, Shape]] = {}
    count = 0

    def group(pattern: str) -> tuple[str, str]:
        nonlocal count
        count += 1
        return f"v{count}", f"(?P<v{count}>{pattern})"

    def walk(parts: Sequence[nodes.Node]) -> str:
        return "".join(one(part) for part in parts)

    def one(part: nodes.Node) -> str:
        match part:
            case nodes.Output():
                return walk(part.nodes)
            case nodes.TemplateData():
                return re.escape(part.data)
            case nodes.For():
                inner = _shape(part.body)
                otherwise = walk(part.else_)
                # Without names of its own: the group as a whole is read again, round by round.
                rounds = f"(?>{re.sub(r'[?]P<v[0-9]+>', '', inner.pattern)})"
                key, pattern = group(f"{rounds}*" if not otherwise else f"{rounds}+")
                loops[key] = (_name(part.iter), inner)
                return f"(?:{pattern}|{otherwise})" if otherwise else pattern
            case nodes.If():
                return f"(?:{walk(part.body)})?"
            case _:
                name = _name(part)
                key, pattern = group(r"[^\n]*?")
                if name:
                    names[key] = name
                return pattern

    return Shape(walk(body), names, loops)


def _name(expression: nodes.Node) -> str:
    """``text``, ``option.name``, ``taken`` for ``taken | join``; "" for what only decorates."""
    match expression:
        case nodes.Name():
            return str(expression.name)
        case nodes.Getattr():
            return f"{_name(expression.node)}.{expression.attr}"
        case nodes.Filter() if expression.node is not None:
            return _name(expression.node)
    return ""
