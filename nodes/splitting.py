"""Dividing one category: its parts are found in its documents, or their examples are, where the user named them."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil

import numpy as np

from ..classifiers.encoders import Vectors
from ..llm.request import Request
from ..prompts.answers import Named, schema_of
from ..prompts.prompt import load_prompt
from ..taxonomy.edits import Edit, Part, Split
from ..taxonomy.errors import AnswerError, RunStateError
from ..taxonomy.names import is_vague, quoted, same_name
from ..taxonomy.values import Category, Taxonomy
from ..tools.evidence import FUSE, Rows, cohesion, group, middle
from .context import Context
from .residual import SHOWN

MOST_PARTS = 5
LEAST = 3
"""Texts that make a part."""
LEAST_SHARE = 0.1
"""And the share of the category's texts that makes one."""


def find_parts(
    context: Context,
    taxonomy: Taxonomy,
    category: Category,
    numbers: Sequence[int],
    *,
    stage: str,
    draw: int,
) -> Split:
    """Two to five parts of a category, as its documents fall into groups, each named by the LLM.

    The names are asked for one after the other, so that each is told the earlier ones: together they would often be
    the same. A name that cannot be used is asked for once more; a part that still has none is left out, and its
    documents are labelled anew with those of the others.

    Args:
        context: of the run.
        taxonomy: that the category is in.
        category: to be divided.
        numbers: its documents; those outside the sample are passed over.
        stage: that the calls are charged to.
        draw: number of the draw.

    Raises:
        RunStateError: it has others below it, or too few documents, or they do not come apart.
        AnswerError: fewer than two parts got a name that can be used.
        CallError: a call failed.
    """
    place = taxonomy.ids.index(category.id) + 1
    by_hand = f"Name the parts yourself: /split {place} into NAME, NAME"
    if any(other.parent == category.id for other in taxonomy):
        raise RunStateError(
            f"{quoted(category.name)} has categories below it: split one of those, or move them to the top first."
        )
    sample = set(context.reading.sample)
    inside = [number for number in numbers if number in sample]
    groups = _groups(context, inside)
    if not groups:
        raise RunStateError(
            f"{quoted(category.name)} has only {len(inside)} texts in the sample: too few to see parts in. {by_hand}"
        )
    if len(groups) < 2:
        raise RunStateError(
            f"The {len(inside)} texts of {quoted(category.name)} do not come apart into groups. {by_hand}"
        )
    vectors = context.reading.vectors(inside)
    taken = [other.name for other in taxonomy if other.id != category.id]
    parts: list[Part] = []
    refused: AnswerError | None = None
    for rows in groups:
        shown = [inside[row] for row in middle(vectors, rows, SHOWN)]
        try:
            named = _name(context, shown, [*taken, *(part.name for part in parts)], stage=stage, draw=draw)
        except AnswerError as error:
            context.fail(stage, None, error)
            refused = error
            continue
        exemplars = tuple(inside[row] for row in rows[: context.settings.exemplars])
        parts.append(Part(name=named.name, description=named.description, exemplars=exemplars))
    if len(parts) < 2:
        raw = "" if refused is None else refused.raw
        raise AnswerError(
            f"The texts of {quoted(category.name)} fall into {len(groups)} groups, but the model found no names that "
            f"tell them apart. {by_hand}",
            raw,
        )
    return Split(id=category.id, parts=tuple(parts))


def fill_parts(context: Context, edit: Edit, members: Mapping[str | None, Sequence[int]]) -> Edit:
    """The same edit; the parts of a split that have no exemplars get the documents nearest to what they say.

    Args:
        context: of the run.
        edit: any; what is no split comes back as it is.
        members: documents by category id; those outside the sample are passed over.
    """
    if not isinstance(edit, Split):
        return edit
    sample = set(context.reading.sample)
    inside = [number for number in members.get(edit.id, ()) if number in sample]
    if not inside:
        return edit
    described = context.reading.described(
        [Category(id="", name=part.name, description=part.description) for part in edit.parts]
    )
    near = context.reading.vectors(inside) @ described.T
    # How much nearer to this part than to any other: what all parts share of the category says nothing.
    rest = np.stack([np.delete(near, place, axis=1).max(axis=1) for place in range(len(edit.parts))], axis=1)
    ahead = (near - rest).round(5)
    parts = []
    for place, part in enumerate(edit.parts):
        own = np.flatnonzero(ahead[:, place] > 0)
        # The surer half of them: the others may well be another part's.
        count = min(context.settings.exemplars, ceil(len(own) / 2))
        best = own[np.argsort(-ahead[own, place], kind="stable")][:count]
        found = tuple(inside[row] for row in best)
        parts.append(part if part.exemplars else part.model_copy(update={"exemplars": found}))
    return Split(id=edit.id, parts=tuple(parts))


def _groups(context: Context, numbers: Sequence[int]) -> list[Rows]:
    """Rows of the parts, large ones first; none where there are too few documents, one where they stay together."""
    least = max(LEAST, ceil(LEAST_SHARE * len(numbers)))
    if len(numbers) < 2 * least:
        return []
    vectors = context.reading.vectors(numbers)
    found = group(
        vectors,
        most=MOST_PARTS,
        least=least,
        looseness=0.0,  # whatever is left over is a part too: every text must belong somewhere
        seed=context.settings.seed,
    )
    if len(found) == 2 and _are_one(vectors, *found):
        return [np.arange(len(numbers))]
    return found


def _are_one(vectors: Vectors, first: Rows, second: Rows) -> bool:
    """Whether two groups are as near to each other as the looser one is to itself."""
    across = float(vectors[first].mean(axis=0) @ vectors[second].mean(axis=0))
    within = min(cohesion(vectors[first]), cohesion(vectors[second]))
    return across >= FUSE * max(within, 1e-6)


def _name(context: Context, numbers: Sequence[int], taken: Sequence[str], *, stage: str, draw: int) -> Named:
    messages = load_prompt("name_group").render(
        use_case=context.settings.use_case,
        language=context.settings.language,
        texts=context.reading.raw(numbers),
        taken=taken,
    )
    request = Request(stage, messages, max_tokens=120, schema=schema_of(Named), draw=draw)
    return context.chat.parse(request, _usable(taken))


def _usable(taken: Sequence[str]) -> Callable[[str], Named]:
    """A parser that refuses the names that a split could not have."""

    def parse(text: str) -> Named:
        named = Named.model_validate_json(text)
        if is_vague(named.name):
            raise ValueError(f"the name {quoted(named.name)} is too vague: name what sets these texts apart")
        twin = next((name for name in taken if same_name(name, named.name)), None)
        if twin is not None:
            raise ValueError(f"there is a folder {quoted(twin)} already: name what sets these texts apart")
        return named

    return parse
