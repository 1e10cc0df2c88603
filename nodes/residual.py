"""Updates in `residual` style: the model sees only the evidence of what is wrong, and answers with edits.

`small` asks one question about one group or one pair, which a small model can answer; `whole` shows all evidence
in one call, ungrouped misfits included, since groups bound what can be found.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from ..llm.request import Request
from ..prompts.answers import (
    AddEdit,
    MergeEdit,
    Named,
    RedefineEdit,
    RemoveEdit,
    Revision,
    says_first,
    schema_of,
)
from ..prompts.prompt import load_prompt
from ..taxonomy.apply import apply
from ..taxonomy.edits import Add, Edit, Merge, Redefine, Remove
from ..taxonomy.errors import AnswerError, CallError
from ..taxonomy.names import same_name
from ..taxonomy.values import Taxonomy
from ..tools.evidence import FUSE, Placement, Rows, cohesion, group, kinship, middle, rivals, twins
from .context import Context
from .settings import Decisions

SHOWN = 6
"""Texts of a group that the model is shown."""
MOST_PAIRS = 2
"""Rival pairs that one minibatch asks about, the most contested first."""
MOST_LOOSE = 20
"""Ungrouped misfits that `whole` shows."""
_LEAST = 3
"""Documents without which nothing is a group, however small the minibatch; and as many must be expected of the
smallest category before a minibatch without any says that it is empty."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """What a minibatch shows to be wrong with a taxonomy.

    Attributes:
        numbers: of the minibatch's documents; rows below count in it.
        placement: where they fall.
        groups: rows of misfits that lie close together, each group's middle first.
        loose: rows of misfits that lie alone.
        pairs: positions of leaves that claim the same documents.
        empty: positions of leaves that got nothing.
    """

    numbers: Sequence[int]
    placement: Placement
    groups: tuple[Rows, ...]
    loose: Rows
    pairs: tuple[tuple[int, int], ...]
    empty: tuple[int, ...]


def gather(context: Context, taxonomy: Taxonomy, numbers: Sequence[int]) -> Evidence:
    """Place documents among the leaves and collect what does not go well."""
    settings, reading = context.settings, context.reading
    placement = reading.place(taxonomy, numbers)
    vectors = reading.vectors(numbers)
    # In a run that goes on from another: the categories that were there before, which the documents that it reads do
    # not belong to, and which are not empty because those are elsewhere.
    before = (
        set()
        if context.base is None
        else set(context.workspace.versions.get(context.base.version).taxonomy.ids)
    )
    settled = np.array([leaf.id in before for leaf in taxonomy.leaves], dtype=bool)
    strange = reading.strangers(numbers)
    if settled.any():
        strange &= settled[placement.nearest]
    elif len(settled):
        strange[:] = False
    misfits = np.flatnonzero(~placement.fits | strange)
    tight = [
        cohesion(vectors[rows])
        for rows in (
            np.flatnonzero(placement.fits & (placement.nearest == k)) for k in range(len(taxonomy.leaves))
        )
        if len(rows) >= _LEAST
    ]
    found = group(
        vectors[misfits],
        most=settings.max_categories,
        least=max(_LEAST, ceil(settings.least_group * len(numbers))),
        looseness=settings.looseness,
        reference=float(np.median(tight)) if tight else None,
        seed=settings.seed,
    )
    groups = tuple(misfits[rows] for rows in found)
    grouped = {int(row) for rows in groups for row in rows}
    used = set(placement.nearest[placement.fits].tolist())
    tells = settings.least_group * len(numbers) >= _LEAST
    return Evidence(
        numbers=numbers,
        placement=placement,
        groups=groups,
        loose=np.array([row for row in misfits if int(row) not in grouped], dtype=np.int64),
        pairs=tuple(rivals(placement, margin=settings.rival_margin, share=settings.rival_share)),
        empty=tuple(k for k in range(len(taxonomy.leaves)) if tells and k not in used and not settled[k]),
    )


def small_edits(
    context: Context, taxonomy: Taxonomy, numbers: Sequence[int], *, stage: str, draw: int
) -> list[Edit]:
    """Edits from one small question after another: names for groups, then one-or-two for pairs."""
    evidence = gather(context, taxonomy, numbers)
    edits = _named_groups(context, taxonomy, evidence, stage=stage, draw=draw)
    edits += [Remove(id=taxonomy.leaves[position].id) for position in evidence.empty]
    after = apply(taxonomy, edits, cap=context.settings.max_categories).taxonomy
    return edits + pair_edits(context, after, numbers, stage=stage, draw=draw)


def pair_edits(
    context: Context, taxonomy: Taxonomy, numbers: Sequence[int], *, stage: str, draw: int
) -> list[Edit]:
    """Merges: twins unasked, rivals where the model says in both orders that they are one topic.

    A small model says so of almost any two: it is asked only where their texts lie together as well.
    Categories are referred to by name, so that the edits may follow others that create them.
    """
    leaves = taxonomy.leaves
    close = twins(context.reading.described(leaves), context.settings.twin_similarity)
    edits: list[Edit] = []
    gone: set[int] = set()
    for first, second in close:
        if not gone & {first, second}:
            gone.add(second)
            keep = leaves[first]
            edits.append(
                Merge(ids=(keep.name, leaves[second].name), name=keep.name, description=keep.description)
            )
    placement = context.reading.place(taxonomy, numbers)
    found = rivals(placement, margin=context.settings.rival_margin, share=context.settings.rival_share)
    if context.settings.decisions is Decisions.SMALL:
        vectors = context.reading.vectors(numbers)
        own = [np.flatnonzero(placement.fits & (placement.nearest == k)) for k in range(len(leaves))]
        found = [(one, two) for one, two in found if kinship(vectors, own[one], own[two]) >= FUSE]
    asked = [pair for pair in found if not gone & set(pair)][:MOST_PAIRS]
    shown = {
        position: context.reading.raw(_members(placement, numbers, position))
        for pair in asked
        for position in pair
    }
    requests = [
        _pair_request(context, taxonomy, order, shown, stage=stage, draw=draw)
        for pair in asked
        for order in (pair, pair[::-1])
    ]
    one_topic = [False] * len(requests)
    for row, answer in context.chat.ask_all(requests):
        if not isinstance(answer, CallError):
            one_topic[row] = says_first(answer.top_logprobs, answer.text) is True
    merged: list[tuple[int, int]] = []
    for row, (first, second) in enumerate(asked):
        # An opinion counts only if it survives the swap.
        if one_topic[2 * row] and one_topic[2 * row + 1] and not gone & {first, second}:
            gone |= {first, second}
            merged.append((first, second))
    requests = [
        name_request(context, shown[first][:3] + shown[second][:3], (), stage=stage, draw=draw)
        for first, second in merged
    ]
    for row, named in sorted(context.chat.parse_all(requests, Named.model_validate_json), key=_row):
        kept, other = (leaves[position] for position in merged[row])
        if isinstance(named, (CallError, AnswerError)):
            named = Named(name=kept.name, description=kept.description)
        taken = [leaf.name for leaf in leaves if leaf not in (kept, other)]
        name = kept.name if _twin(named, taken) else named.name
        edits.append(Merge(ids=(kept.name, other.name), name=name, description=named.description))
    return edits


def whole_edits(
    context: Context, taxonomy: Taxonomy, numbers: Sequence[int], *, stage: str, draw: int
) -> list[Edit]:
    """Edits from one call that sees all evidence."""
    evidence = gather(context, taxonomy, numbers)
    if len(taxonomy) and not (evidence.groups or evidence.pairs or evidence.empty or len(evidence.loose)):
        return []
    reading = context.reading

    def texts(rows: Rows) -> list[str]:
        return reading.texts([numbers[row] for row in rows])

    vectors = reading.vectors(numbers)
    messages = load_prompt("revise").render(
        use_case=context.settings.use_case,
        language=context.settings.language,
        cap=context.settings.max_categories,
        categories=taxonomy.leaves,
        groups=[texts(middle(vectors, rows, SHOWN)) for rows in evidence.groups],
        loose=texts(evidence.loose[:MOST_LOOSE]),
        pairs=[
            {
                "first": first + 1,
                "second": second + 1,
                "texts": texts(_contested(evidence.placement, first, second)),
            }
            for first, second in evidence.pairs
        ],
        empty=[position + 1 for position in evidence.empty],
    )
    request = Request(
        stage,
        messages,
        max_tokens=200 + 60 * context.settings.max_categories,
        schema=schema_of(Revision),
        draw=draw,
    )
    revision = context.chat.parse(request, Revision.model_validate_json)
    return _as_edits(revision, taxonomy)


def _named_groups(
    context: Context, taxonomy: Taxonomy, evidence: Evidence, *, stage: str, draw: int
) -> list[Edit]:
    """A new category for every group; one whose name says the same as another's goes into that."""
    numbers = evidence.numbers
    taken = [leaf.name for leaf in taxonomy.leaves]
    named_rows = _ask_names(context, evidence, range(len(evidence.groups)), taken, stage=stage, draw=draw)
    alike: list[int] = []
    for row, named in named_rows.items():
        if _twin(named, taken) is None:
            taken.append(named.name)
        else:
            alike.append(row)
    # They lie apart: asked once more for what sets them apart, most get a name of their own.
    try:
        named_rows |= _ask_names(context, evidence, alike, taken, stage=stage, draw=draw)
    except CallError as error:
        context.fail(stage, None, error)
    adds: list[Add] = []
    more: dict[str, tuple[int, ...]] = {leaf.name: leaf.exemplars for leaf in taxonomy.leaves}
    grown: set[str] = set()
    for row, named in sorted(named_rows.items()):
        rows = evidence.groups[row][: context.settings.exemplars]
        exemplars = tuple(numbers[member] for member in rows)
        twin = _twin(named, [*(leaf.name for leaf in taxonomy.leaves), *(add.name for add in adds)])
        if twin is None:
            adds.append(Add(name=named.name, description=named.description, exemplars=exemplars))
        elif twin in more:
            more[twin] = _interleave(more[twin], exemplars)[: context.settings.exemplars]
            grown.add(twin)
        else:
            position = next(place for place, add in enumerate(adds) if add.name == twin)
            both = _interleave(adds[position].exemplars, exemplars)[: context.settings.exemplars]
            adds[position] = adds[position].model_copy(update={"exemplars": both})
    return [*adds, *(Redefine(id=name, exemplars=more[name]) for name in sorted(grown))]


def _ask_names(
    context: Context,
    evidence: Evidence,
    groups: Sequence[int],
    taken: Sequence[str],
    *,
    stage: str,
    draw: int,
) -> dict[int, Named]:
    """A name for each of these groups, by position; what could not be read is noted and left out.

    Raises:
        CallError: not one call got through.
    """
    vectors = context.reading.vectors(evidence.numbers)
    requests = [
        name_request(
            context,
            context.reading.raw(
                [evidence.numbers[row] for row in middle(vectors, evidence.groups[position], SHOWN)]
            ),
            taken,
            stage=stage,
            draw=draw,
        )
        for position in groups
    ]
    answers = sorted(context.chat.parse_all(requests, Named.model_validate_json), key=_row)
    lost = [named for _, named in answers if isinstance(named, CallError)]
    if lost and len(lost) == len(answers):
        # Not one name came: that is the endpoint's trouble, not the minibatch's.
        raise lost[0]
    found: dict[int, Named] = {}
    for row, named in answers:
        if isinstance(named, (CallError, AnswerError)):
            context.fail(stage, None, named)
        else:
            found[groups[row]] = named
    return found


def _twin(named: Named, names: Sequence[str]) -> str | None:
    """The one of `names` that says the same as `named`, if one does."""
    return next((name for name in names if same_name(named.name, name)), None)


def _interleave(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    longest = max(len(first), len(second))
    mixed = [part[place] for place in range(longest) for part in (first, second) if place < len(part)]
    return tuple(dict.fromkeys(mixed))


def name_request(
    context: Context, texts: Sequence[str], taken: Sequence[str], *, stage: str, draw: int
) -> Request:
    """The question for a name and a description of texts that belong together; `taken` are others' names."""
    messages = load_prompt("name_group").render(
        use_case=context.settings.use_case, language=context.settings.language, texts=texts, taken=taken
    )
    return Request(stage, messages, max_tokens=120, schema=schema_of(Named), draw=draw)


def _pair_request(
    context: Context,
    taxonomy: Taxonomy,
    order: Sequence[int],
    shown: dict[int, list[str]],
    *,
    stage: str,
    draw: int,
) -> Request:
    first, second = ({"name": taxonomy.leaves[k].name, "texts": shown[k]} for k in order)
    messages = load_prompt("same_topic").render(
        use_case=context.settings.use_case, first=first, second=second
    )
    return Request(stage, messages, max_tokens=1, top_logprobs=10, draw=draw)


def _members(placement: Placement, numbers: Sequence[int], position: int) -> list[int]:
    """Numbers of the documents that show a category best."""
    rows = np.flatnonzero(placement.nearest == position)
    best = rows[np.argsort(-placement.best[rows].round(5), kind="stable")][: SHOWN - 1]
    return [numbers[row] for row in best]


def _contested(placement: Placement, first: int, second: int) -> Rows:
    """Rows between two categories, the most even first."""
    between = np.abs(placement.similarities[:, first] - placement.similarities[:, second])
    own = np.flatnonzero(np.isin(placement.nearest, (first, second)))
    return np.asarray(own[np.argsort(between[own].round(5), kind="stable")][:SHOWN], dtype=np.int64)


def _as_edits(revision: Revision, taxonomy: Taxonomy) -> list[Edit]:
    """The model's edits with numbers turned into ids; a number that is not there stays, to be refused by name."""
    leaves = taxonomy.leaves

    def reference(number: int) -> str:
        return leaves[number - 1].id if 1 <= number <= len(leaves) else f"number {number}"

    edits: list[Edit] = []
    for edit in revision.edits:
        match edit:
            case AddEdit():
                edits.append(Add(name=edit.name, description=edit.description))
            case RedefineEdit():
                edits.append(
                    Redefine(
                        id=reference(edit.category),
                        name=edit.name or None,
                        description=edit.description or None,
                    )
                )
            case MergeEdit():
                ids = tuple(reference(number) for number in edit.categories)
                edits.append(Merge(ids=ids, name=edit.name or None, description=edit.description or None))
            case RemoveEdit():
                edits.append(Remove(id=reference(edit.category)))
    return edits


def _row(pair: tuple[int, object]) -> int:
    return pair[0]
