"""What a conversation shows: the categories with their numbers, a proposal, what can be typed.

Names, descriptions and texts are other people's: everything goes through the console's cleaning.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from rich.text import Text

from ..taxonomy.names import one_line
from ..taxonomy.values import Category, Taxonomy
from .console import clean, out, say, table

if TYPE_CHECKING:
    from ..tools.preview import Preview, PreviewLine

_STYLES: Final = {"add": "green", "remove": "red"}
_PAST: Final = 4
"""Messages of an earlier session that are shown again."""


@dataclass(frozen=True)
class Glance:
    """What the user has before the eyes when the next message is asked for.

    Attributes:
        taxonomy: whose names can be completed.
        counts: texts per category id, as far as known.
        is_confirm: whether a proposal waits for yes or no.
    """

    taxonomy: Taxonomy = field(default_factory=Taxonomy)
    counts: Mapping[str, int] = field(default_factory=dict)
    is_confirm: bool = False


def tell(text: str, *, style: str = "", hang: int = 2) -> None:
    """Print text that is read rather than copied: folded between words on a terminal.

    Args:
        text: any lines; their indentation is kept.
        style: for a terminal.
        hang: how much further than the first line the others of a folded one are indented.
    """
    console = out()
    for line in clean(text).splitlines():
        indent = len(line) - len(line.lstrip())
        width = max(20, console.width - indent - hang)
        if not console.is_terminal or len(line) < console.width // 2:
            say(line, style=style)
            continue
        for place, part in enumerate(Text(line.strip()).wrap(console, width)):
            say(f"{' ' * (indent + (hang if place else 0))}{part.plain.rstrip()}", style=style)


def show_categories(taxonomy: Taxonomy, counts: Mapping[str, int], *, before: Taxonomy | None = None) -> None:
    """Print the categories with their numbers, children below their parents.

    Args:
        taxonomy: what to show.
        counts: texts per category id; empty before there are labels.
        before: the taxonomy that was shown last: what is new is marked, and only that is described again.
    """
    if not len(taxonomy):
        tell("No categories yet")
        return
    numbers = {category_id: number for number, category_id in enumerate(taxonomy.ids, 1)}
    rows = []
    for category in _ordered(taxonomy):
        mark = "" if before is None else _mark(category, before)
        name = f"{'  ' if category.parent else ''}{category.name}{f' ({mark})' if mark else ''}"
        count = [f"{counts[category.id]:,}" if category.id in counts else ""] if counts else []
        told = category.description if before is None or mark else ""
        rows.append((str(numbers[category.id]), name, *count, told))
    texts = [("Texts", True)] if counts else []
    out().print()
    table([("#", True), ("Category", False), *texts, ("What belongs", False)], rows)
    out().print()


def changed(before: Taxonomy, after: Taxonomy) -> bool:
    """Whether a reader would see a difference."""
    return [_shown(category) for category in before] != [_shown(category) for category in after]


def show_proposal(proposal: "Preview") -> None:
    """Print what would be changed, a numbered line an edit, with what it touches, and what it costs."""
    if proposal.lines:
        tell("\nProposed:", style="bold")
    for number, line in enumerate(proposal.lines, 1):
        count = "" if line.op == "add" and not line.documents else f"  ({_texts(line.documents)})"
        tell(f"{number:>3}. {_line(line.text)}{count}", style=_STYLES.get(line.op, "yellow"), hang=5)
        for below in _details(line):
            tell(f"       {below}")
    for text, reason in proposal.refused:
        tell(f"Not possible: {_line(text)}: {_line(reason)}", style="red")
    if proposal.note:
        tell(proposal.note)
    tell(_cost(proposal), style="dim")


def show_hints(taxonomy: Taxonomy, *, at_once: bool) -> None:
    """Print what can be said, with categories that are there.

    Args:
        taxonomy: where they are.
        at_once: changes are applied without a question.
    """
    short = [category for category in taxonomy.leaves if len(category.name) <= 30]
    wishes, commands = [], ["/approve", "/undo", "/help"]
    if len(short) > 1:
        first, second = short[:2]
        numbers = [taxonomy.ids.index(category.id) + 1 for category in (first, second)]
        wishes = [f"how many are about {second.name}?", f"merge {first.name} and {second.name}"]
        commands = [f"/examples {numbers[1]}", f"/merge {numbers[0]}, {numbers[1]}", *commands]
    wishes.append(f"make it at most {max(2, len(taxonomy) - 2)} categories")
    tell("\nSay it in your own words, for example:", style="dim")
    for wish in wishes:
        tell(f"    {wish}")
    tell("or type a command, which needs no LLM:", style="dim")
    tell(f"    {'   '.join(commands)}")
    when = (
        "Changes are applied at once, /undo takes them back."
        if at_once
        else "Nothing is changed before you say yes."
    )
    tell(f"{when} Tab completes; Ctrl-D leaves, and the run keeps its place.", style="dim")


def show_past(messages: Sequence[Mapping[str, Any]]) -> None:
    """Print the end of what was said before, so that the user finds back into it."""
    if not messages:
        return
    tell("Last time:", style="dim")
    for message in messages[-_PAST:]:
        who = "you" if message["role"] == "user" else "tnt"
        text = _line(str(message["text"]))
        tell(f"  {who}: {text if len(text) <= 160 else text[:157] + '...'}", style="dim")
    out().print()


def _ordered(taxonomy: Taxonomy) -> Iterator[Category]:
    for category in taxonomy:
        if category.parent is None:
            yield category
            yield from (child for child in taxonomy if child.parent == category.id)


def _mark(category: Category, before: Taxonomy) -> str:
    if category.id not in before:
        return "new"
    return "" if _shown(before[category.id]) == _shown(category) else "changed"


def _shown(category: Category) -> tuple[str, str, str, str | None]:
    """What of it a reader sees; other exemplars are no news."""
    return category.id, category.name, category.description, category.parent


def _details(line: "PreviewLine") -> Iterator[str]:
    if line.detail:
        yield f"{'parts' if line.op == 'split' else 'what belongs'}: {_line(line.detail)}"
    if line.example:
        yield f"e.g. {_line(line.example)}"


def _cost(proposal: "Preview") -> str:
    if not proposal.calls:
        return "No LLM calls follow."
    tokens = f", about {proposal.tokens:,} tokens" if proposal.tokens else ""
    calls = "1 LLM call follows" if proposal.calls == 1 else f"{proposal.calls:,} LLM calls follow"
    return f"About {calls}{tokens}."


def _texts(count: int) -> str:
    return f"{count:,} {'text' if count == 1 else 'texts'}"


def _line(text: str) -> str:
    """On one line; cleaned first, since a sequence that has lost its first character would be taken for text."""
    return one_line(clean(text))
