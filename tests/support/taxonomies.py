"""Taxonomies and edits for tests: strategies to draw them, and the invariants written down independently."""

from collections.abc import Sequence

from hypothesis import settings
from hypothesis import strategies as st
from tnt_llm.taxonomy.apply import Outcome, apply
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.names import is_vague, same_name
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.taxonomy.version import Author, Version

FAST = settings(derandomize=True, database=None, deadline=None, max_examples=100)
"""Deterministic, leaves nothing on disk, and fits a suite that runs on every change."""

NAMES = ("Refunds", "Late delivery", "Broken bike", "App crash", "Prices", "Praise", "Lost keys", "Sign-up")

FRESH = ("Helmets", "Night rides", "Vouchers", "Parking", "Tyre pressure", "Family plan", "Theft", "Weather")

_ids = [f"c{number}" for number in range(len(NAMES))]


def _mostly(
    usual: st.SearchStrategy[str], *rare: st.SearchStrategy[str], odds: int = 9
) -> st.SearchStrategy[str]:
    """The usual ``odds`` times for each time that one of the rare."""
    return st.sampled_from([usual] * odds * len(rare) + list(rare)).flatmap(lambda chosen: chosen)


_names = _mostly(
    st.sampled_from(FRESH + NAMES),
    st.sampled_from(
        ["refund", "SIGN UP", " Late\tdelivery. ", "Other", "General issues", "", "?!", "\ud800"]
    ),
    st.text(max_size=12),
)
_texts = _mostly(
    st.sampled_from(["About it.", "Says so.", "Two\nlines"]),
    st.sampled_from(["", " \n"]),
    st.text(max_size=12),
)
_references = _mostly(st.sampled_from(_ids[:5] + list(NAMES[:6])), st.sampled_from(FRESH), _names)
_exemplars = st.lists(st.integers(0, 9), max_size=4).map(tuple)
_parts = st.builds(Part, name=_names, description=_texts, exemplars=_exemplars)

EDITS: st.SearchStrategy[list[Edit]] = st.lists(
    st.one_of(
        st.builds(Add, name=_names, description=_texts, parent=st.none() | _references, exemplars=_exemplars),
        st.builds(
            Redefine,
            id=_references,
            name=st.none() | _names,
            description=st.none() | _texts,
            exemplars=st.none() | _exemplars,
        ),
        st.builds(
            Merge,
            ids=st.lists(_references, min_size=2, max_size=4).map(tuple),
            name=st.none() | _names,
            description=st.none() | _texts,
        ),
        st.builds(Split, id=_references, parts=st.lists(_parts, min_size=2, max_size=3).map(tuple)),
        st.builds(Remove, id=_references),
        st.builds(Move, id=_references, parent=st.none() | _references),
    ),
    min_size=1,
    max_size=8,
)
"""Lists of edits, half of them sensible: their names exist, or do not, or are vague, empty or twins."""

CAPS = st.sampled_from([None, 8, 7, 6, 5, 3, 0])


@st.composite
def taxonomies(draw: st.DrawFn) -> Taxonomy:
    """A sound taxonomy of up to eight categories, two levels deep at most, ids ``c0``, ``c1`` and so on."""
    size = draw(st.sampled_from([8, 7, 8, 6, 8, 5, 6, 7, 8, 2, 0]))
    parents: list[str | None] = []
    for number in range(size):
        tops = [_ids[other] for other in range(number) if parents[other] is None]
        parents.append(draw(st.sampled_from([None, None, *tops])))
    return Taxonomy(
        categories=tuple(
            Category(
                id=_ids[number],
                name=NAMES[number],
                description=f"About {NAMES[number]}.",
                parent=parents[number],
                exemplars=draw(_exemplars.map(lambda numbers: tuple(dict.fromkeys(numbers)))),
            )
            for number in range(size)
        )
    )


@st.composite
def histories(draw: st.DrawFn) -> list[Version]:
    """A path of versions, root first, whose first child has a sound taxonomy of its own."""
    size = draw(st.sampled_from([8, 7, 6, 5, 6, 3]))
    start: list[Edit] = [Add(name=name, description=f"About {name}.") for name in NAMES[:size]]
    path = [Version.first()]
    path.append(path[-1].then(start, author=Author.IMPORTED))
    for edits in draw(st.lists(EDITS, min_size=1, max_size=4)):
        path.append(path[-1].then(edits, author=draw(st.sampled_from(Author)), cap=draw(CAPS)))
    return path


def faults(taxonomy: Taxonomy) -> list[str]:
    """Everything that is wrong with a taxonomy; nothing, if `apply` keeps its word."""
    found: list[str] = []
    by_id = {category.id: category for category in taxonomy}
    if len(by_id) != len(taxonomy):
        found.append("an id occurs twice")
    for position, category in enumerate(taxonomy):
        if not category.name.strip() or not category.description.strip():
            found.append(f"{category!r} has no name or no description")
        if is_vague(category.name):
            found.append(f"{category.name!r} is vague")
        if any(same_name(category.name, other.name) for other in taxonomy.categories[position + 1 :]):
            found.append(f"{category.name!r} occurs twice")
        if category.parent is not None:
            parent = by_id.get(category.parent)
            if parent is None:
                found.append(f"{category.name!r} hangs from nothing")
            elif parent.parent is not None:
                found.append(f"{category.name!r} is on the third level")
        if len(set(category.exemplars)) != len(category.exemplars):
            found.append(f"{category.name!r} has an exemplar twice")
    return found


def grown(*names: str, under: str | None = None) -> Taxonomy:
    """A taxonomy of these names, their ids the same in lower case; all but ``under`` are below that one."""
    return Taxonomy(
        categories=tuple(
            Category(
                id=name.lower(),
                name=name,
                description=f"About {name}.",
                parent=under.lower() if under is not None and name != under else None,
            )
            for name in names
        )
    )


def reasons(taxonomy: Taxonomy, edits: Sequence[Edit], *, cap: int | None = None) -> list[str]:
    """The reasons of what is refused."""
    return [refusal.reason for refusal in outcome(taxonomy, *edits, cap=cap).refused]


def outcome(taxonomy: Taxonomy, *edits: Edit, cap: int | None = None) -> Outcome:
    """``apply`` with the edits as arguments."""
    return apply(taxonomy, edits, cap=cap)
