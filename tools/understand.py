"""What the model read in a message becomes a plan; a small model's reading is held against the message's own words.

The model reads every message. With `careful`, what it read counts as far as the message says it: a category that it
names by number, by words of its name or by a clear pronoun, a new name whose words stand there, an operation that is
asked for. Where the words leave no doubt (`spoken_edits`, `spoken_wishes`) and the model read something else, the words
decide; where neither is clear nothing is done, and the reply says so and names the command. Whatever the model: nothing
edits all categories at once.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from ..prompts.plan import (
    Action,
    AddAction,
    AskAction,
    DescribeAction,
    LiftAction,
    MergeAction,
    MoveAction,
    NewPart,
    Planned,
    RemoveAction,
    RenameAction,
    RerunAction,
    RuleAction,
    SplitAction,
    StepAction,
)
from ..taxonomy.names import same_name
from ..taxonomy.plan import Intent, Plan
from ..taxonomy.values import Taxonomy
from .mentions import Mention, alike, content_words, describes
from .planning import EDITS, NOT_ALL, NOTHING_READ, PlanMaker
from .refusals import NOT_RULES, TOO_LONG, doubt
from .spoken_edits import Clause, Kind, Spoken, read_words
from .spoken_matches import EditAction
from .spoken_patterns import VERBS
from .spoken_wishes import destroys, idles, injects, read_wish, supports

# ruff: noqa: E501  # a pattern stays on its line
# What must stand in a message beside categories for a small model's operation to count.
_OPERATIONS: Final = {
    "rename": r"renam|relabel|retitl|\bcall|\bname|\btitle|\bmake\b|(?:should|would|could|might) be\b|>|\bchange|\bbetter\b|\bwording\b",
    "describe": r"descri|defin|\bcover|\binclud|\bmean|\bsay|\balso\b|\bcontain|belongs? (?:in|there)",
    "merge": r"merg|combin|\bjoin|together|\bone\b|\bunit|\bunif|\bfuse|\bsame\b|\blump|\bfold|consolidat|\binto\b|\bin with\b|\bsingle\b|@\d+ \+ @\d+",
    "split": r"split|divid|separat|\bbreak|\bapart|\bbroad|\btwo\b|\bdistinguish|\bdistinct|\bpieces\b|\bhalves\b",
    "add": r"\badd|creat|\bnew\b|\bneed|missing|\bmiss\b|\blacks?\b|introduc|\banother\b|\bextra\b|\bwant\b|\bhave a\b|\bno (?:CAT|one)\b|\binclud|could do with|could use|something (?:for|about|on)|nothing (?:for|about)|\bmake (?:one|CAT)\b|what about CAT|\bcover",
    "remove": r"remov|delet|\bdrop|\brid\b|discard|scrap|\bkill|ditch|eliminat|eras|throw|useless|unnecessar|irrelevant|"
    r"\bneed|\b(?:be|get|want|wants|like) (?:@\d+ )?gone\b|\bgo\b|\bout\b|\baway\b|\bbin\b|\btrash|\blose\b",
    "move": r"\bmov|under|below|beneath|inside|\bnest|\btop\b|\bchild|BELOW|\bparent|\bown\b|\blevel\b|\bpart of\b",
}
# Who speaks of what is theirs, of a place, of an amount, or of something about a category, speaks of no category:
# "remove my seat", "drop the luggage at the counter", "add two cups", "remove extra fees for luggage".
_PASSENGER: Final = re.compile(
    r"\b(?:my|mine|me|his|her|our|us|your)\b|\badd (?:\d|two|three|four|five|some|few|half)\b|"
    r"@\d+ (?:at|from|on|off|for|with|near) (?!(?:list|taxonomy|CAT|top|own|its|@|IT|THEM))\w|"
    r"\b(?:remove|delete|drop|erase|scrap|discard|merge|combine|split|divide|move)\s(?:\w+\s)*?"
    r"(?!(?:ones?|stuff|things?|CAT|BELOW|parts?|bits?|of)\b)\w+\s(?:for|from|of|about|on|at|with)\s@\d"
)
_LONGEST: Final = 1000
"""Characters of a message that is read with care: beyond them is a text, not a request."""


def understand(
    planned: Planned, message: str, taxonomy: Taxonomy, *, before: Sequence[str] = (), careful: bool
) -> Plan:
    """The plan that a message comes to.

    Args:
        planned: what the model read.
        message: as the user typed it.
        taxonomy: what the numbers refer to; the plan names categories by id.
        before: what the user said before, the last last: what "it" may stand for.
        careful: the model is small: only what the message's words bear out counts. Without it the model is taken at its
            word, as a model that reads other languages too has to be.
    """
    actions: tuple[Action, ...] | str = planned.actions
    if careful:
        actions = _checked(planned.actions, message, taxonomy, before)
    if isinstance(actions, str):
        return Plan(intent=Intent.UNCLEAR, reply=actions)
    return PlanMaker(taxonomy, message).plan(actions)


# --- checking


def _checked(
    actions: tuple[Action, ...], message: str, taxonomy: Taxonomy, before: Sequence[str]
) -> tuple[Action, ...] | str:
    """The actions that the message bears out, or why there are none."""
    if len(message) > _LONGEST:
        return TOO_LONG
    if injects(message):
        return NOT_RULES
    if idles(message):
        return NOTHING_READ
    edits = tuple(action for action in actions if isinstance(action, EDITS))
    favoured = frozenset(number for edit in edits for number in _numbers(edit))
    spoken = read_words(message, taxonomy, before=before, favoured=favoured)
    if destroys(spoken) and not spoken.is_settled:
        wish = read_wish(spoken)
        return (wish,) if isinstance(wish, (RuleAction, LiftAction)) else NOT_ALL
    if spoken.edits:
        return _settled(spoken, edits, taxonomy)
    wish = read_wish(spoken)
    if wish is not None:
        return (wish,)
    if edits:
        return _borne_out(spoken, edits, taxonomy)
    for action in actions:
        if isinstance(action, (AskAction, RuleAction, LiftAction, RerunAction, StepAction)):
            wish = supports(action, spoken)
            if wish is not None:
                return (wish,)
    return _unread(spoken, taxonomy)


def _settled(spoken: Spoken, edits: tuple[EditAction, ...], taxonomy: Taxonomy) -> tuple[Action, ...] | str:
    """The edits that the words ask for, named as the model names them; its own for clauses that no pattern fits."""
    done = {edit.do for edit in edits}
    plain = [edit for clause in spoken.having(Kind.EDIT) if clause.is_plain for edit in clause.edits]
    wanted: list[EditAction] = []
    for clause in spoken.having(Kind.EDIT):
        if not clause.is_plain and all(any(_same(edit, own) for own in plain) for edit in clause.edits):
            continue  # "they are the same, merge them" is one wish
        read = done | ({"merge"} if "rename" in done else set())  # "call it X", of what was to be merged
        agreed = all(edit.do in read for edit in clause.edits) and not _PASSENGER.search(clause.line)
        if not (agreed if not clause.is_plain else edits or _is_beyonddoubt(clause)):
            return doubt(spoken, clause.edits, taxonomy)
        wanted += [edit for edit in clause.edits if not any(_same(edit, own) for own in wanted)]
    asking = [
        clause
        for clause in spoken.having(Kind.OPEN)
        if _asks_for_edit(clause) and not _repeats(clause, wanted)
    ]
    if not edits and (asking or spoken.having(Kind.QUESTION)):
        return doubt(spoken, spoken.edits, taxonomy)
    found = [_adopted(edit, edits) for edit in wanted]
    if asking:
        # What is left of the model's edits must be what the open clauses ask for, one edit a clause at least.
        more = [edit for edit in edits if not any(_same(edit, own) for own in spoken.edits)]
        if len(more) < len(asking):
            return doubt(spoken, spoken.edits, taxonomy)
        checked = _borne_out(spoken, tuple(more), taxonomy, asking)
        if isinstance(checked, str):
            return checked
        return (*found, *checked)
    return tuple(found)


def _borne_out(
    spoken: Spoken, edits: tuple[EditAction, ...], taxonomy: Taxonomy, clauses: Sequence[Clause] = ()
) -> tuple[Action, ...] | str:
    """The model's edits, if the message's words bear out every one of them."""
    clauses = clauses or [clause for clause in spoken.clauses if clause.kind in {Kind.OPEN, Kind.EDIT}]
    asked = [clause for clause in clauses if _asks_for_edit(clause)]
    edits, wanted = _repaired(spoken, edits, asked)
    line = " ".join(clause.line for clause in clauses)
    words = content_words(spoken.message)
    telling = [token for token in spoken.tokens if token.text not in VERBS]
    sure = {mention.sure + 1 for clause in clauses for mention in clause.mentions if mention.sure is not None}
    maybe = {place + 1 for clause in clauses for mention in clause.mentions for place in mention.among}
    if re.search(r"\b(?:IT|THEM|those|these|both)\b", line):
        maybe |= set(spoken.meant) | {
            mention.sure + 1 for mention in spoken.mentions if mention.sure is not None
        }
    if any(not mention.among for clause in clauses for mention in clause.mentions):
        return doubt(spoken, edits, taxonomy)
    named = {number for edit in edits for number in _numbers(edit)}
    if not asked or not set(wanted) <= named or any(_PASSENGER.search(clause.line) for clause in asked):
        return doubt(spoken, edits, taxonomy)
    result: list[Action] = []
    for edit in edits:
        if not re.search(_OPERATIONS[edit.do], " ".join(clause.line for clause in asked)):
            return doubt(spoken, edits, taxonomy)
        for number in _numbers(edit):
            known = (
                number in sure
                or number in maybe
                or (number <= len(taxonomy) and describes(telling, taxonomy, number - 1))
            )
            if not known and not (isinstance(edit, (AddAction, MoveAction)) and number > len(taxonomy)):
                return doubt(spoken, edits, taxonomy)
        grounded = _grounded(edit, words, taxonomy)
        if grounded is None:
            return doubt(spoken, edits, taxonomy)
        result.append(grounded)
    return tuple(result)


def _repaired(
    spoken: Spoken, edits: tuple[EditAction, ...], clauses: Sequence[Clause]
) -> tuple[tuple[EditAction, ...], tuple[int, ...]]:
    """The edits upon the categories that the clauses name, where the operation leaves no choice; and those categories.

    A small model is better at what is to be done than at numbers. What stands in a new name names no category.
    """
    names = content_words(" ".join(_new_names(edits)))
    found = [
        mention.sure + 1
        for clause in clauses
        for mention in clause.mentions
        if mention.sure is not None and (mention.is_full or not _in_name(spoken, mention, names))
    ]
    numbers = tuple(dict.fromkeys(found))
    if not numbers and len(spoken.meant) == 1 and any(re.search(r"\bIT\b", each.line) for each in clauses):
        numbers = spoken.meant
    if len({edit.do for edit in edits}) == 1:
        first = edits[0]
        pairs = sum(clause.line.count(" with ") for clause in clauses) > 1  # "1 with 2 and 3 with 4"
        if isinstance(first, MergeAction) and len(edits) == 1 and len(numbers) > 1 and not pairs:
            return (first.model_copy(update={"categories": numbers}),), numbers
        if isinstance(first, RemoveAction) and len(edits) == len(numbers):
            return tuple(RemoveAction(do="remove", category=number) for number in numbers), numbers
        if isinstance(first, (RenameAction, SplitAction, DescribeAction)) and len(edits) == len(numbers) == 1:
            return (first.model_copy(update={"category": numbers[0]}),), numbers
    return edits, numbers


def _in_name(spoken: Spoken, mention: Mention, names: frozenset[str]) -> bool:
    return all(token.text in names for token in spoken.tokens[mention.start : mention.end])


def _new_names(edits: Iterable[EditAction]) -> Iterator[str]:
    for edit in edits:
        match edit:
            case RenameAction() | AddAction() | MergeAction():
                yield edit.name
            case SplitAction():
                yield from (part.name for part in edit.parts)


def _grounded(edit: EditAction, words: frozenset[str], taxonomy: Taxonomy) -> EditAction | None:
    """The edit without texts that the message does not give; None where it cannot do without."""
    match edit:
        case RenameAction() | AddAction() if (
            not _stand(edit.name, words) or content_words(edit.name) <= VERBS
        ):
            return None
        case RenameAction() if same_name(edit.name, _name_of(taxonomy, edit.category)):
            return None
        case AddAction():
            kept = edit.description if _stand(edit.description, words) else ""
            return edit.model_copy(update={"description": kept})
        case MergeAction() if len(set(edit.categories)) < 2:
            return None
        case MergeAction() if edit.name and not _stand(edit.name, words):
            return edit.model_copy(update={"name": ""})
        case SplitAction() if not all(_stand(part.name, words) for part in edit.parts):
            return edit.model_copy(update={"parts": ()})
        case DescribeAction():
            known = words | content_words(taxonomy.categories[edit.category - 1].text)
            return edit if _stand(edit.description, known) else None
    return edit


def _adopted(edit: EditAction, model: Iterable[EditAction]) -> EditAction:
    """What the words ask for, in the model's spelling where it says the same."""
    other = next((each for each in model if _same(each, edit)), None)
    match edit, other:
        case RenameAction(), RenameAction():
            return edit.model_copy(update={"name": _spelling(edit.name, other.name)})
        case MergeAction(), MergeAction():
            return edit.model_copy(update={"name": _spelling(edit.name, other.name)})
        case AddAction(), AddAction():
            given = _stand(other.description, content_words(f"{edit.name} {edit.description}"))
            text = other.description if edit.description and given else edit.description
            return edit.model_copy(update={"name": _spelling(edit.name, other.name), "description": text})
        case SplitAction(), SplitAction() if (
            _same_words(
                " ".join(part.name for part in edit.parts), " ".join(part.name for part in other.parts)
            )
            and len(other.parts) > 1
        ):
            parts = tuple(NewPart(name=part.name) for part in other.parts)
            return edit.model_copy(update={"parts": parts})
        case DescribeAction(), DescribeAction() if _stand(other.description, content_words(edit.description)):
            return edit.model_copy(update={"description": other.description})
    return edit


def _spelling(name: str, other: str) -> str:
    """A name as the model spells it, unless it says something else, or the user took care of capitals."""
    if not name or not _same_words(name, other) or len(name.split()) != len(other.split()):
        return name
    return name if name[1:] != name[1:].lower() else other


def _is_beyonddoubt(clause: Clause) -> bool:
    """Whether the words alone suffice, against a model that read no edit."""
    numbers = {number for edit in clause.edits for number in _numbers(edit)}
    slips = {
        mention.sure + 1 for mention in clause.mentions if mention.sure is not None and not mention.is_exact
    }
    exact = {mention.sure + 1 for mention in clause.mentions if mention.sure is not None and mention.is_exact}
    return clause.is_plain and not numbers & (slips - exact)


def _asks_for_edit(clause: Clause) -> bool:
    return clause.kind in {Kind.OPEN, Kind.EDIT} and any(
        re.search(pattern, clause.line) for pattern in _OPERATIONS.values()
    )


def _repeats(clause: Clause, edits: Sequence[EditAction]) -> bool:
    """Whether it speaks of the same categories as edits that another clause asks for, or of "it", and adds nothing."""
    if clause.mentions:
        return _about(clause) <= {number for edit in edits for number in _numbers(edit)}
    same = any(re.search(_OPERATIONS[edit.do], clause.line) for edit in edits)
    return same and re.search(r"\b(?:IT|THEM)\b", clause.line) is not None


def _about(clause: Clause) -> set[int]:
    return {mention.sure + 1 for mention in clause.mentions if mention.sure is not None}


def _names_operation(clause: Clause) -> bool:
    return any(unit.text in VERBS for unit in clause.units)


def _same(edit: EditAction, other: EditAction) -> bool:
    """Whether two edits do the same to the same categories, or add what may be the same one."""
    if isinstance(edit, AddAction) and isinstance(other, AddAction):
        return bool(content_words(edit.name) & content_words(other.name)) or _same_words(
            edit.name, other.name
        )
    return edit.do == other.do and set(_numbers(edit)) == set(_numbers(other))


def _same_words(text: str, other: str) -> bool:
    left, right = content_words(text), content_words(other)
    return bool(left) and _stand(text, right) and _stand(other, left)


def _stand(text: str, words: frozenset[str]) -> bool:
    """Whether every word of a text that tells something is among these, slips and endings aside."""
    own = content_words(text)
    return bool(own) and all(any(alike(word, other) for other in words) for word in own)


def _numbers(edit: EditAction) -> tuple[int, ...]:
    """The categories that an edit is about."""
    match edit:
        case MergeAction():
            return tuple(dict.fromkeys(edit.categories))
        case AddAction():
            return (edit.under,) if edit.under else ()
        case MoveAction():
            return (edit.category, edit.under) if edit.under else (edit.category,)
    return (edit.category,)


def _name_of(taxonomy: Taxonomy, number: int) -> str:
    return taxonomy.categories[number - 1].name if 1 <= number <= len(taxonomy) else f"number {number}"


def _unread(spoken: Spoken, taxonomy: Taxonomy) -> str:
    """The reply to what is no request at all, or one that is not understood."""
    if any(_names_operation(clause) and clause.mentions for clause in spoken.having(Kind.OPEN)):
        return doubt(spoken, (), taxonomy)
    return NOTHING_READ
