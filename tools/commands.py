"""Slash commands: the table of them, and the parser that reads one into a `Plan` without asking an LLM.

A category is given by its number, its name, an unambiguous beginning of its name, or its id. Where a name holds a comma
or a word that separates ("Access to account"), quotes keep it together: ``/rename "Bills, fees" to Billing``.
"""

import re
from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Final, NamedTuple

from ..taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from ..taxonomy.names import normalise_name, one_line, quoted
from ..taxonomy.plan import About, Instruction, Intent, Plan, Question, Stage
from ..taxonomy.values import Category, Taxonomy
from .references import AND, NUMBER, References, Unreadable, cuts_of, masked, pieces_of, unquoted


class CommandError(ValueError):
    """A command that cannot be read; its text says why, the right form, and an example. Fit for people."""


class Command(NamedTuple):
    """One row of the table that help, completion and documents share.

    Attributes:
        name: without its slash.
        arguments: what follows it; capitals stand for something, brackets for what may be left out.
        does: what it does, in a few words.
    """

    name: str
    arguments: str
    does: str

    @property
    def form(self) -> str:
        """What is typed: slash, name and arguments."""
        return f"/{self.name} {self.arguments}".rstrip()


COMMANDS: Final = (
    Command("taxonomy", "", "show the categories with their numbers"),
    Command("examples", "[X] [N]", "show N texts of a category; without X, texts that fit none"),
    Command("count", "[X]", "tell how many texts a category has, or each of them"),
    Command("overlap", "", "show the two categories that are hardest to tell apart"),
    Command("why", "DOC", "tell why the text with this id is where it is"),
    Command("find", "TEXT", "show the texts nearest to these words"),
    Command("diff", "[A] [B]", "show the last change, or what changed between the versions of these ids"),
    Command("add", "NAME[: DESCRIPTION] [under PARENT]", "add a category"),
    Command("rename", "X to NEW", "give a category another name"),
    Command("describe", "X: TEXT", "say anew what belongs in a category"),
    Command("merge", "X, Y[, Z] [into NAME]", "make one category of several"),
    Command("split", "X [into A, B]", "make several of one; its texts give the parts where you name none"),
    Command("remove", "X", "take a category away; its texts are placed anew"),
    Command("move", "X under Y | X to top", "put a category below another, or back to the top"),
    Command("undo", "", "take the last change back, as often as you like"),
    Command("redo", "", "bring back what was undone"),
    Command("instructions", "[add TEXT | drop N]", "list, add or drop the standing wishes"),
    Command(
        "rerun",
        "subjects | loop | review",
        "read the subjects anew, build the taxonomy anew, or have it reviewed",
    ),
    Command("continue", "", "let the run build on where it paused"),
    Command("approve", "", "the taxonomy is good: label the texts and train the classifier"),
    Command("help", "", "show this list"),
)
"""Every command, in the order in which help lists them: look, change, go on."""

_ALIASES: Final = {"delete": "remove", "list": "taxonomy", "near": "find", "?": "help"}

_EXAMPLES: Final = {
    "examples": "/examples 3 5",
    "count": "/count Billing",
    "why": "/why ticket-17",
    "find": "/find money back after a delay",
    "add": "/add Refunds: Wants money back. under Billing",
    "rename": "/rename 3 to Late delivery",
    "describe": "/describe 3: A parcel that has not come in time.",
    "merge": "/merge 1, 4 into Billing",
    "split": "/split 2 into Refunds, Invoices",
    "remove": "/remove 5",
    "move": "/move 3 under Billing",
    "instructions": "/instructions add at most 8 categories",
    "rerun": "/rerun loop",
}


def help_text() -> str:
    """The table as text, a command a line, and how a category is given."""
    width = max(len(command.form) for command in COMMANDS) + 2
    lines = [f"{command.form:<{width}}{command.does}" for command in COMMANDS]
    return "\n".join(
        [
            *lines,
            "X is a category's number, its name, or the beginning of its name; quote a name with commas.",
        ]
    )


def parse_command(text: str, taxonomy: Taxonomy) -> Plan:
    """The plan that a command stands for.

    Args:
        text: begins with "/".
        taxonomy: what its numbers and names refer to; edits come back with ids.

    Raises:
        CommandError: there is no such command, its arguments are not of its form, or no category is meant clearly.
    """
    word, _, rest = one_line(text).partition(" ")
    name = word.lower().removeprefix("/")
    name = _ALIASES.get(name, name)
    command = next((command for command in COMMANDS if command.name == name), None)
    if command is None or not word.startswith("/"):
        near = get_close_matches(name, [command.name for command in COMMANDS], n=1, cutoff=0.6)
        meant = f" Did you mean /{near[0]}?" if near else ""
        raise CommandError(f"There is no command {quoted(word)}.{meant} /help lists them all.")
    try:
        return _PARSERS[name](References(taxonomy), rest.strip())
    except Unreadable as error:
        example = _EXAMPLES.get(name, command.form)
        form = example if example == command.form else f"{command.form}, for example: {example}"
        raise CommandError(f"{error}\nThe form is {form}") from error


def read_instruction(text: str) -> Instruction:
    """A standing wish in the user's words, with what can be read off it by rule: a size, a language, a purpose."""
    size = _SIZE.search(text)
    language = _LANGUAGE.search(text)
    return Instruction(
        text=one_line(text),
        max_categories=None if size is None or not int(size[1]) else int(size[1]),
        language=None if language is None else language[1].title(),
        changes_purpose=_PURPOSE.search(text) is not None,
    )


_SIZE: Final = re.compile(
    r"\b(?:at most|no more than|not more than|up to|max(?:imum)?(?: of)?)\s+(\d{1,3})"
    r"(?=\s*(?:$|[.,;!]|(?:top-level )?(?:categories|topics|labels|classes|groups)\b))",
    re.IGNORECASE,
)
_LANGUAGE: Final = re.compile(
    r"\b(?:in|into)\s+(English|German|French|Spanish|Italian|Portuguese|Dutch|Danish|Swedish|Norwegian|Finnish|Polish|"
    r"Czech|Hungarian|Romanian|Greek|Turkish|Russian|Ukrainian|Arabic|Hebrew|Hindi|Chinese|Japanese|Korean|Vietnamese|"
    r"Indonesian)\b",
    re.IGNORECASE,
)
_PURPOSE: Final = re.compile(r"\bby\s+(?:the\s+|their\s+|its\s+)?[^\W\d_]{3,}", re.IGNORECASE)


# --- changes


def _edits(*edits: Edit) -> Plan:
    return Plan(intent=Intent.EDIT, edits=edits)


def _add(names: References, rest: str) -> Plan:
    cut = next(iter(cuts_of(rest, r":")), None)
    name, description = (cut.left, cut.right) if cut else (rest.strip(":"), "")
    if rest.startswith(":"):
        raise Unreadable("Which name?")
    parent: Category | None = None
    if unders := cuts_of(name, r"\s+under(?=\s)"):
        name = unders[-1].left
        try:
            parent = names.find(unders[-1].right)
        except Unreadable as error:
            raise Unreadable(f'{error} If "under" belongs to the new name, quote the name.') from None
    elif (unders := cuts_of(description, r"\s+under(?=\s)")) and (parent := names.exact(unders[-1].right)):
        # Only what surely names a category is a parent here: in running text the word may stand for itself.
        description = unders[-1].left
    name = _new_name(name)
    return _edits(
        Add(
            name=name, description=_described(name, description), parent=None if parent is None else parent.id
        )
    )


def _rename(names: References, rest: str) -> Plan:
    category, new = _category_and_text(names, rest, r"\s+to(?=\s)|\s*(?:,|->|→)")
    return _edits(Redefine(id=category.id, name=_new_name(new)))


def _describe(names: References, rest: str) -> Plan:
    category, text = _category_and_text(names, rest, r"\s*:\s*")
    return _edits(Redefine(id=category.id, description=unquoted(text)))


def _category_and_text(names: References, rest: str, separator: str) -> tuple[Category, str]:
    if (found := names.cut(rest, separator)) is not None:
        return found[0], found[1].right
    number, _, text = rest.partition(" ")  # "/rename 3 Late delivery" is clear too
    if NUMBER.fullmatch(number) and text:
        return names.find(number), text
    raise Unreadable("Which category, and what is new?")


def _merge(names: References, rest: str) -> Plan:
    categories, cut = names.cut_list(rest, r"\s+into(?=\s)")
    target = None if cut is None else names.exact(cut.right)
    if target is not None:  # into one that is there: it keeps its place and name, and takes in the others
        categories = (target, *(category for category in categories if category.id != target.id))
    if len(categories) < 2:
        raise Unreadable("A merge needs two different categories.")
    name = None if cut is None or target is not None else _new_name(cut.right)
    return _edits(Merge(ids=tuple(category.id for category in categories), name=name))


def _split(names: References, rest: str) -> Plan:
    category = names.exact(rest)
    found = None if category is not None else names.cut(rest, r"\s+into(?=\s)")
    if found is None:
        return Plan(intent=Intent.EDIT, split=(category or names.find(_required(rest, "Which category?"))).id)
    category, cut = found
    return _edits(Split(id=category.id, parts=tuple(_parts(cut.right))))


def _parts(text: str) -> Iterator[Part]:
    pieces = pieces_of(text, r";" if ";" in masked(text) else r",")
    if len(pieces) == 1:
        pieces = pieces_of(text, AND)
    if len(pieces) < 2:
        raise Unreadable("A split needs two names at least.")
    last = re.sub(r"^(?:and|&)\s+", "", pieces[-1], flags=re.IGNORECASE)
    for piece in [*pieces[:-1], last]:
        cut = next(iter(cuts_of(piece, r":")), None)
        name = _new_name(cut.left if cut else piece)
        yield Part(name=name, description=_described(name, cut.right if cut else ""))


def _remove(names: References, rest: str) -> Plan:
    return _edits(*(Remove(id=category.id) for category in names.several(rest)))


def _move(names: References, rest: str) -> Plan:
    categories, cut = names.cut_list(rest, r"\s+(?:under|below|to|into)(?=\s)")
    if cut is None:
        raise Unreadable("Where to?")
    to_top = cut.word == "to" and cut.right.lower() in {"top", "the top"}
    parent = None if to_top else names.find(cut.right).id
    return _edits(*(Move(id=category.id, parent=parent) for category in categories))


def _new_name(text: str) -> str:
    name = normalise_name(text)
    if not name:
        raise Unreadable("Which name?")
    return name


def _described(name: str, description: str) -> str:
    return unquoted(description) or f"Texts about {name}."


# --- questions


def _ask(about: About, category: Category | None = None, count: int | None = None) -> Plan:
    of = None if category is None else category.id
    return Plan(intent=Intent.ASK, question=Question(about=about, category=of, count=count))


def _examples(names: References, rest: str) -> Plan:
    whole = names.exact(rest)
    start, _, last = rest.rpartition(" ")
    if whole is None and start and last.isdecimal():
        count = _number(last)
        if not 0 < count <= _MOST_TEXTS:
            raise Unreadable(f"From 1 to {_MOST_TEXTS} texts can be shown.")
        return _ask(About.TEXTS, _or_undefined(names, start.rstrip(" ,")), count)
    return _ask(About.TEXTS, whole or _or_undefined(names, rest))


_MOST_TEXTS: Final = 100


def _or_undefined(names: References, rest: str) -> Category | None:
    return None if rest.lower() in {"", "undefined", "none"} else names.find(rest)


def _count(names: References, rest: str) -> Plan:
    return _ask(About.COUNT, names.find(rest) if rest else None)


def _why(_: References, rest: str) -> Plan:
    document = unquoted(_required(rest, "Which text? Give its id."))
    return Plan(intent=Intent.ASK, question=Question(about=About.WHY, document=document))


def _find(_: References, rest: str) -> Plan:
    text = unquoted(_required(rest, "Near which words?"))
    return Plan(intent=Intent.ASK, question=Question(about=About.NEAR, text=text))


def _diff(_: References, rest: str) -> Plan:
    versions = tuple(rest.replace(",", " ").split())
    if len(versions) > 2:
        raise Unreadable("Two versions can be compared.")
    return Plan(intent=Intent.ASK, question=Question(about=About.DIFFERENCE, versions=versions))


# --- the rest


def _instructions(_: References, rest: str) -> Plan:
    verb, _blank, text = rest.partition(" ")
    match verb.lower(), text.strip():
        case "", _:
            return _ask(About.INSTRUCTIONS)
        case "add", wish if wish:
            return Plan(intent=Intent.CONSTRAIN, instruction=read_instruction(unquoted(wish)))
        case "drop" | "remove", which if which.lower() == "all":
            return Plan(intent=Intent.LIFT, lift=0)
        case "drop" | "remove", which if (number := _number(which)) > 0:
            return Plan(intent=Intent.LIFT, lift=number)
    raise Unreadable('Add what, or drop which one? "/instructions" alone lists them; "drop all" drops all.')


def _rerun(_: References, rest: str) -> Plan:
    if rest.lower() not in list(Stage):
        raise Unreadable("What is to be done anew?")
    return Plan(intent=Intent.RERUN, stage=Stage(rest.lower()))


def _number(text: str) -> int:
    """The whole number that the text is; -1 where it is none that anybody could mean."""
    return int(text) if re.fullmatch(r"\d{1,6}", text) else -1


def _required(rest: str, question: str) -> str:
    if not rest:
        raise Unreadable(question)
    return rest


def _bare(plan: Plan) -> Callable[[References, str], Plan]:
    """Of a command without arguments."""

    def parse(_: References, rest: str) -> Plan:
        if rest:
            raise Unreadable("Nothing follows this command.")
        return plan

    return parse


_PARSERS: Final[dict[str, Callable[[References, str], Plan]]] = {
    "taxonomy": _bare(_ask(About.TAXONOMY)),
    "examples": _examples,
    "count": _count,
    "overlap": _bare(_ask(About.OVERLAP)),
    "why": _why,
    "find": _find,
    "diff": _diff,
    "add": _add,
    "rename": _rename,
    "describe": _describe,
    "merge": _merge,
    "split": _split,
    "remove": _remove,
    "move": _move,
    "undo": _bare(Plan(intent=Intent.UNDO)),
    "redo": _bare(Plan(intent=Intent.REDO)),
    "instructions": _instructions,
    "rerun": _rerun,
    "continue": _bare(Plan(intent=Intent.CONTINUE)),
    "approve": _bare(Plan(intent=Intent.APPROVE)),
    "help": _bare(_ask(About.HELP)),
}
