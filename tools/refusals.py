"""What is told a user whose message came to nothing: why, and how to say it so that nothing is left to guess."""

from collections.abc import Sequence
from typing import Final

from ..taxonomy.names import quoted
from ..taxonomy.values import Taxonomy
from .spoken_edits import Kind, Spoken
from .spoken_matches import EditAction

_EXAMPLES: Final = {
    "rename": "/rename {0} to NEW NAME",
    "describe": "/describe {0}: WHAT BELONGS",
    "merge": "/merge {0}, {1} into NAME",
    "split": "/split {0}",
    "add": "/add NAME: WHAT BELONGS",
    "remove": "/remove {0}",
    "move": "/move {0} under {1}",
}
_DOING: Final = {
    "rename": "renaming",
    "describe": "another description",
    "merge": "a merge",
    "split": "a split",
    "add": "a new category",
    "remove": "a removal",
    "move": "a move",
}
TOO_LONG: Final = (
    "That is too long to be read with certainty, and nothing was changed. Say it in a sentence or two, or use a "
    "command: /help lists them."
)
NOT_RULES: Final = (
    "That speaks about rules rather than about the categories, and nothing was changed. To change the categories "
    "name them: /help lists how. /instructions lists your standing wishes."
)


def doubt(spoken: Spoken, edits: Sequence[EditAction], taxonomy: Taxonomy) -> str:
    """Why nothing is done, and how to say it so that nothing is left to guess."""
    beyond = [
        spoken.message[spoken.tokens[mention.start].start : spoken.tokens[mention.end - 1].end]
        for mention in spoken.mentions
        if not mention.among
    ]
    between = next((mention for mention in spoken.mentions if len(mention.among) > 1), None)
    reason = "It is not clear enough which categories are meant"
    heard = {clause.kind for clause in spoken.clauses} - {Kind.NOISE}
    if heard and heard <= {Kind.QUESTION, Kind.NEGATED}:
        reason = "It reads as a question" if Kind.QUESTION in heard else "It says what not to do"
    elif beyond and len(taxonomy):
        reason = f"There is no category {beyond[0]}: they go from 1 to {len(taxonomy)}"
    elif between is not None:
        places = sorted(between.among)[:3]
        said = spoken.message[spoken.tokens[between.start].start : spoken.tokens[between.end - 1].end]
        names = " or ".join(f"{place + 1} {quoted(taxonomy.names[place])}" for place in places)
        reason = f"{quoted(said)} may be {names}"
    do = edits[0].do if edits else "merge"
    numbers = [str(mention.sure + 1) for mention in spoken.mentions if mention.sure is not None]
    numbers = list(dict.fromkeys(numbers))
    example = _EXAMPLES[do].format(*[*numbers, "NUMBER", "NUMBER"][:2])
    what = f"This was read as {_DOING[do]}. " if edits else ""
    return f"{what}{reason}, so nothing was changed. Say what to do, with numbers, or type it as a command: {example}"
