"""Dividing a category: its parts are found in its documents. And what a user has named gets examples from them."""

from collections.abc import Callable, Mapping, Sequence
from math import ceil

import numpy as np

from ..prompts.answers import Named
from ..taxonomy.edits import Add, Edit, Part, Split
from ..taxonomy.errors import AnswerError, RunStateError
from ..taxonomy.names import is_vague, quoted, same_name
from ..taxonomy.values import Category, Taxonomy
from ..tools.evidence import middle
from ..tools.parts import divide
from .context import Context
from .residual import SHOWN, name_request

MOST_PARTS = 5
LEAST = 3
"""Texts that make a part."""
LEAST_SHARE = 0.1
"""And the share of the category's texts that makes one."""
SURE = 4
"""Exemplars that a category gets which a person has added."""
FOREIGN = 0.95
"""They are nearer to its words than this share of texts are to texts of other categories. Measured on two corpora, that
is as near as a text must be to fit a category."""


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
    vectors = context.reading.vectors(inside)
    least = max(LEAST, ceil(LEAST_SHARE * len(inside)))
    groups = divide(vectors, most=MOST_PARTS, least=least, seed=context.settings.seed)
    if not groups:
        raise RunStateError(
            f"{quoted(category.name)} has only {len(inside)} texts in the sample: too few to see parts in. {by_hand}"
        )
    if len(groups) < 2:
        raise RunStateError(
            f"The {len(inside)} texts of {quoted(category.name)} do not come apart into groups. {by_hand}"
        )
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
    """The same edit with exemplars, where a person has named a new category or a part and given none.

    Without any, a category lies where its name lies, and most of its texts are nearer to what others look like.

    Args:
        context: of the run.
        edit: any; what creates nothing comes back as it is.
        members: documents by category id; those outside the sample are passed over.
    """
    match edit:
        case Add() if not edit.exemplars:
            return edit.model_copy(update={"exemplars": _nearest(context, edit, members)})
        case Split():
            sample = set(context.reading.sample)
            inside = [number for number in members.get(edit.id, ()) if number in sample]
            return _filled(context, edit, inside) if inside else edit
        case _:
            return edit


def _nearest(context: Context, edit: Add, members: Mapping[str | None, Sequence[int]]) -> tuple[int, ...]:
    """The few documents that are surely near to what a new category says; none where nothing is about it.

    Measured on the example messages, each category taken out and added again with a name of one to three words: with
    these exemplars 129 of its 153 texts were nearest to it, and 10 others; without them 63, and 4.
    """
    reading, sample = context.reading, context.reading.sample
    compared = reading.held_out or sample
    places = {number: place for place, numbers in enumerate(members.values()) for number in numbers}
    here, there = ([places.get(number, -1) for number in numbers] for numbers in (compared, sample))
    foreign = np.not_equal.outer(here, there)
    vectors = reading.vectors(sample)
    pairs = reading.vectors(compared) @ vectors.T
    apart = pairs[foreign] if foreign.any() else pairs.ravel()
    near = (vectors @ reading.described([_category(edit.name, edit.description)]).T)[:, 0]
    rows = np.argsort(-near.round(5), kind="stable")[: min(SURE, context.settings.exemplars)]
    bar = float(np.quantile(apart, FOREIGN))
    return tuple(sample[row] for row in rows.tolist() if near[row] >= bar)


def _filled(context: Context, split: Split, numbers: Sequence[int]) -> Split:
    """The split with exemplars for the parts that have none, from these documents of the category."""
    described = context.reading.described([_category(part.name, part.description) for part in split.parts])
    near = context.reading.vectors(numbers) @ described.T
    # Some words are near to every text, others to none: what counts is which texts they are nearer to than usual,
    # and by how much more than the other parts are.
    near = near - near.mean(axis=0)
    rest = np.stack([np.delete(near, place, axis=1).max(axis=1) for place in range(len(split.parts))], axis=1)
    ahead = (near - rest).round(5)
    parts = []
    for place, part in enumerate(split.parts):
        own = np.flatnonzero(ahead[:, place] > 0)
        # The surer half of them: the others may well be another part's.
        count = min(context.settings.exemplars, ceil(len(own) / 2))
        best = own[np.argsort(-ahead[own, place], kind="stable")][:count]
        found = tuple(numbers[row] for row in best.tolist())
        parts.append(part if part.exemplars else part.model_copy(update={"exemplars": found}))
    return Split(id=split.id, parts=tuple(parts))


def _category(name: str, description: str) -> Category:
    return Category(id="", name=name, description=description)


def _name(context: Context, numbers: Sequence[int], taken: Sequence[str], *, stage: str, draw: int) -> Named:
    request = name_request(context, context.reading.raw(numbers), taken, stage=stage, draw=draw)
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
