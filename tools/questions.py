"""Answers to questions about a taxonomy and its texts: from the data, never from a model's memory.

An answer is short, gives figures, quotes names, and puts each text that it shows on a line of its own.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

import numpy as np

from ..checkpoints.labels import Source
from ..classifiers.encoders import Vectors
from ..taxonomy.errors import WorkspaceError
from ..taxonomy.names import quoted
from ..taxonomy.plan import About, Instruction, Question
from ..taxonomy.values import Category, Taxonomy
from ..taxonomy.version import Version
from .commands import help_text
from .compare import compare
from .overlap import find_overlap
from .plain import shorten
from .view import Standing, View

WIDTH = 120
"""Characters of a text that is shown."""
SHOWN = 5
"""Texts that are shown when nobody says how many."""
MOST_SHOWN = 100
NEIGHBOURS = 4
BETWEEN = 3
SAME = 0.9
"""Words that are nearer than this to a text are its own."""


def answer_question(question: Question, view: View) -> str:
    """The answer, in lines."""
    if question.category is not None and question.category not in view.taxonomy:
        return "That category is not in this taxonomy any more. /taxonomy lists those that are."
    match question.about:
        case About.COUNT:
            return _count(question, view)
        case About.TEXTS:
            return _texts(question, view)
        case About.WHY:
            return _why(question, view)
        case About.NEAR:
            return _near(question, view)
        case About.OVERLAP:
            return _overlap(question, view)
        case About.DIFFERENCE:
            return _difference(question, view)
        case About.INSTRUCTIONS:
            return _instructions(view.instructions)
        case About.TAXONOMY:
            return _taxonomy(view)
        case About.HELP:
            return _help()
    assert_never(question.about)


# --- how many


def _count(question: Question, view: View) -> str:
    total = sum(view.counts.values())
    if question.category is not None:
        category = view.taxonomy[question.category]
        count = _size(category, view)
        of = f"of {_texts_(total)} ({_share(count, total)})"
        if view.is_labelled:
            return _lines(f"{_named(category, view)} has {count:,} {of}.", _waiting(view))
        return (
            f"{count:,} {of} of the sample are nearest to {_named(category, view)}; nothing is labelled yet."
        )
    return _lines(_basis(view), *_table(view, described=False), _waiting(view))


def _taxonomy(view: View) -> str:
    if not len(view.taxonomy):
        return "The taxonomy has no categories yet."
    return _lines(_basis(view), *_table(view, described=True), _waiting(view))


def _table(view: View, *, described: bool) -> list[str]:
    """A line a category, numbered, with its count and share; the undefined last."""
    total = sum(view.counts.values())
    rows = [
        (
            str(number),
            shorten(category.name, 50) + _above(category, view.taxonomy),
            _size(category, view),
            f"     {shorten(category.description, WIDTH)}" if described else "",
        )
        for number, category in enumerate(view.taxonomy, 1)
    ]
    rows.append(("-", "undefined", view.counts.get(None, 0), ""))
    name = max(len(row[1]) for row in rows)
    figure = max(len(f"{row[2]:,}") for row in rows)
    lines: list[str] = []
    for number, label, count, description in rows:
        lines.append(f"{number:>3}  {label:<{name}}  {count:>{figure},}  {_share(count, total):>4}")
        lines += [description] if description else []
    return lines


def _basis(view: View) -> str:
    """What the counts are of."""
    total = sum(view.counts.values())
    if not view.is_labelled:
        return (
            f"{_texts_(total)} of the sample, each counted with the category that it is nearest to; "
            "nothing is labelled yet:"
        )
    return f"{_texts_(total)}, by their labels:"


_WHO = {
    Source.LLM: "the LLM",
    Source.STUDENT: "the classifier",
    Source.LINEAGE: "the LLM before your edits",
    Source.HUMAN: "you",
}


def _waiting(view: View) -> str:
    if not view.waiting:
        return ""
    are = "text is" if view.waiting == 1 else "texts are"
    return f"{view.waiting:,} {are} labelled anew when you approve, since edits touched their categories."


# --- which


def _texts(question: Question, view: View) -> str:
    wanted = min(max(question.count or SHOWN, 1), MOST_SHOWN)
    if question.category is None:
        if not view.counts.get(None):
            return "No text is undefined."
        count, numbers = view.counts[None], view.surest(None, wanted)
        head = f"{_texts_(count)} {'fits' if count == 1 else 'fit'} no category; {len(numbers)} of them:"
        return _lines(head, *_show(numbers, view))
    category = view.taxonomy[question.category]
    size = _size(category, view)
    if not size:
        return f"{_named(category, view)} has no texts{'' if view.is_labelled else ' in the sample'}."
    leaves = _leaves(category, view.taxonomy)
    numbers = [number for leaf in leaves for number in view.surest(leaf.id, -(-wanted // len(leaves)))][
        :wanted
    ]
    where = "" if view.is_labelled else " of the sample (by nearness: nothing is labelled yet)"
    which = "All of them" if len(numbers) == size else f"The {len(numbers)} surest"
    return _lines(
        f"{_named(category, view)} has {_texts_(size)}{where}. {which}:",
        *_show(numbers, view),
    )


def _show(numbers: Sequence[int], view: View, notes: Mapping[int, str] | None = None) -> list[str]:
    """A line a text: its id, what there is to note, its beginning."""
    return [
        f"  [{shorten(document.id, 30)}]{f' ({notes[document.number]})' if notes else ''} "
        f"{shorten(document.text, WIDTH)}"
        for document in view.documents(numbers)
    ]


# --- why


def _why(question: Question, view: View) -> str:
    wanted = (question.document or "").strip()
    if not wanted:
        return "Which text? Give its id: /why ID. The ids stand in brackets before the texts, see /examples."
    numbers = view.find(wanted) or view.find(wanted.strip("[]# "))
    if numbers:
        many = f"More than one text has the id {quoted(wanted)}; this is the first."
        return _lines(*([many] if len(numbers) > 1 else []), *_explain(numbers[0], view))
    # Perhaps it is the text itself.
    near = _neighbours(view.encode(wanted), view, BETWEEN)
    if near and near[0][1] >= SAME:
        return _lines(*_explain(near[0][0], view))
    return _lines(
        f"No text has the id {quoted(wanted)}." + (" Nearest to these words:" if near else ""),
        *_placed(near, view),
        "The ids stand in brackets: /why ID",
    )


def _explain(number: int, view: View) -> list[str]:
    lines = _show([number], view)
    standing = view.standing([number]).get(number)
    lines.append(_verdict(standing, view))
    if standing is not None and standing.reason:
        lines.append(f"The reason given: {shorten(standing.reason, 2 * WIDTH)}")
    vector = view.vector(number)
    near = view.prototypes() @ vector
    leaves = view.taxonomy.leaves
    if len(leaves):
        best = np.argsort(-near.round(5), kind="stable")[:2].tolist()
        named = ", ".join(f"{_named(leaves[k], view)} {near[k]:.2f}" for k in best)
        lines.append(f"Nearest categories (similarity 0 to 1): {named}.")
        if near[best[0]] < view.placement.threshold:
            lines.append(f"A text fits from {view.placement.threshold:.2f} on; this one fits none well.")
    others = _neighbours(vector, view, NEIGHBOURS, besides=number)
    if others:
        lines += ["Nearest texts:", *_placed(others, view)]
    return lines


def _verdict(standing: Standing | None, view: View) -> str:
    if standing is None:
        return "It has no label yet, and is not in the sample that the taxonomy was made from."
    name = "undefined" if standing.category is None else _named(view.taxonomy[standing.category], view)
    if standing.former:
        now = "fits no category" if standing.category is None else f"is nearest to {name}"
        return (
            f"It was labelled “{shorten(standing.former, 50)}”, which labels no texts any more. "
            f"Now it {now}, and is labelled anew when you approve."
        )
    if standing.source is None:
        if standing.category is None:
            return "Nothing is labelled yet. It fits no category."
        return f"Nothing is labelled yet. It is nearest to {name}."
    also = ", ".join(_named(view.taxonomy[other], view) for other in standing.also)
    return (
        f"Labelled {name} by {_WHO[standing.source]}, confidence {standing.confidence:.2f}"
        + (f"; also {also}" if also else "")
        + (
            "; labelled anew when you approve, since an edit touched its category."
            if standing.waiting
            else "."
        )
    )


# --- near


def _near(question: Question, view: View) -> str:
    words = (question.text or "").strip()
    if not words:
        return "Near what? Give some words: /find lost suitcase"
    wanted = min(max(question.count or SHOWN, 1), MOST_SHOWN)
    vector = view.encode(words)
    found = _neighbours(vector, view, wanted)
    if not found:
        return "The sample holds no texts to look in."
    lines = [
        f"Nearest to {quoted(words)} among {_texts_(len(view.sample))} of the sample:",
        *_placed(found, view),
    ]
    leaves = view.taxonomy.leaves
    if leaves:
        near = view.prototypes() @ vector
        best = int(near.round(5).argmax())
        lines.append(f"The words themselves are nearest to {_named(leaves[best], view)} ({near[best]:.2f}).")
    return _lines(*lines)


def _neighbours(
    vector: Vectors, view: View, count: int, besides: int | None = None
) -> list[tuple[int, float]]:
    """(number, similarity) of the sample's documents, the nearest first."""
    similarities, rows = view.index.search(vector[np.newaxis], count + 1)
    found = [
        (view.sample[row], float(similarity))
        for row, similarity in zip(rows[0].tolist(), similarities[0].tolist(), strict=True)
        if view.sample[row] != besides
    ]
    return found[:count]


def _placed(found: Sequence[tuple[int, float]], view: View) -> list[str]:
    """Texts with where they are and how near."""
    standings = view.standing([number for number, _ in found])
    notes = {
        number: f"{_where(standings.get(number), view)}, {similarity:.2f}" for number, similarity in found
    }
    return _show([number for number, _ in found], view, notes)


def _where(standing: Standing | None, view: View) -> str:
    if standing is None:
        return "not labelled"
    return (
        "undefined"
        if standing.category is None
        else f"“{shorten(view.taxonomy[standing.category].name, 50)}”"
    )


# --- overlap


def _overlap(question: Question, view: View) -> str:
    leaves = view.taxonomy.leaves
    of = None
    if question.category is not None:
        own = _leaves(view.taxonomy[question.category], view.taxonomy)
        of = [place for place, leaf in enumerate(leaves) if leaf in own]
    found = find_overlap(view.placement, view.prototypes(), of=of)
    if found is None:
        return "There are no two categories to compare."
    first, second = (leaves[place] for place in found.pair)
    between = f"{len(found.rows):,} of their {_texts_(found.texts)} in the sample"
    lie = "lies" if len(found.rows) == 1 else "lie"
    lines = [
        f"{_named(first, view)} and {_named(second, view)} overlap most.",
        f"{between} {lie} between them; their similarity is {found.cosine:.2f}, where 1 is the same.",
        *_show([view.sample[row] for row in found.rows[:BETWEEN]], view),
    ]
    if view.is_labelled:
        standings = view.standing(view.sample).values()
        twice = sum({there.category, *there.also} >= {first.id, second.id} for there in standings)
        if twice:
            lines.append(f"{_texts_(twice)} of the sample {'bears' if twice == 1 else 'bear'} both labels.")
    lines.append(f"To make them one: /merge {_number(first, view)}, {_number(second, view)}")
    return _lines(*lines)


# --- what has changed, what is wished, what there is to say


def _difference(question: Question, view: View) -> str:
    try:
        after = view.path(question.versions[1] if len(question.versions) > 1 else None)
        if question.versions:
            before = view.path(question.versions[0])
        elif len(after) > 1:
            before = after[:-1]
        else:
            return "There is only one version: nothing has changed yet."
    except WorkspaceError as error:
        return str(error)
    old, new = before[-1], after[-1]
    common = sum(one.id == other.id for one, other in zip(before, after, strict=False))
    # Up to where the two part, and down from there.
    way = [*before[common - 1 :][::-1], *after[common:]]
    lines = compare(old.taxonomy, new.taxonomy, way).lines()
    head = f"From version {old.id[:8]} ({_sized(old)}) to {new.id[:8]} ({_sized(new)})"
    if not lines:
        return f"{head} nothing differs."
    return _lines(f"{head}:", *(f"  {shorten(line, 2 * WIDTH)}" for line in lines))


def _sized(version: Version) -> str:
    return f"{len(version.taxonomy)} {'category' if len(version.taxonomy) == 1 else 'categories'}"


def _instructions(instructions: Sequence[Instruction]) -> str:
    if not instructions:
        return "There are no standing instructions. Add one: /instructions add at most 8 categories"
    return _lines(
        "Every later prompt carries these:",
        *(f"{number:>3}  {shorten(wish.text, 2 * WIDTH)}" for number, wish in enumerate(instructions, 1)),
        "To drop one: /instructions drop 1",
    )


def _help() -> str:
    return f"Say what you want in your own words, or type a command:\n{help_text()}"


# --- words


def _named(category: Category, view: View) -> str:
    return f"“{shorten(category.name, 50)}” ({_number(category, view)})"


def _number(category: Category, view: View) -> int:
    """Its place in the taxonomy, from 1: what users type."""
    return view.taxonomy.ids.index(category.id) + 1


def _above(category: Category, taxonomy: Taxonomy) -> str:
    return f" (under {shorten(taxonomy[category.parent].name, 30)})" if category.parent else ""


def _leaves(category: Category, taxonomy: Taxonomy) -> list[Category]:
    """The category itself, or those below it."""
    return [child for child in taxonomy if child.parent == category.id] or [category]


def _size(category: Category, view: View) -> int:
    return sum(view.counts.get(leaf.id, 0) for leaf in _leaves(category, view.taxonomy))


def _texts_(count: int) -> str:
    return f"{count:,} {'text' if count == 1 else 'texts'}"


def _share(count: int, total: int) -> str:
    return f"{count / total:.0%}" if total else "0%"


def _lines(*lines: str) -> str:
    return "\n".join(line for line in lines if line)
