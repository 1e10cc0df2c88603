"""What holds for any list of edits on any taxonomy."""

from collections import Counter
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st
from taxonomies import CAPS, EDITS, FAST, NAMES, faults, histories, taxonomies
from tnt_llm.taxonomy.apply import apply
from tnt_llm.taxonomy.edits import Edit
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.taxonomy.version import Author, Version

ANY_TAXONOMY = st.builds(
    Taxonomy,
    categories=st.lists(
        st.builds(
            Category,
            id=st.sampled_from(["c0", "c1", "c2", ""]) | st.text(max_size=3),
            name=st.sampled_from([*NAMES[:3], "Other", ""]) | st.text(max_size=5),
            description=st.text(max_size=5),
            parent=st.sampled_from([None, "c0", "c1", "c2", "gone"]),
        ),
        max_size=6,
    ).map(tuple),
)


@FAST
@given(taxonomies(), EDITS, CAPS)
def test_every_invariant_holds_after_any_edits(
    taxonomy: Taxonomy, edits: list[Edit], cap: int | None
) -> None:
    assert faults(taxonomy) == []
    after = apply(taxonomy, edits, cap=cap).taxonomy
    assert faults(after) == []
    assert cap is None or len(after) <= max(cap, len(taxonomy))


@FAST
@given(ANY_TAXONOMY, EDITS, CAPS)
def test_no_taxonomy_however_broken_makes_it_raise(
    taxonomy: Taxonomy, edits: list[Edit], cap: int | None
) -> None:
    outcome = apply(taxonomy, edits, cap=cap)
    assert len(outcome.applied) + len(outcome.refused) == len(edits)


@FAST
@given(taxonomies(), EDITS, CAPS)
def test_every_edit_is_applied_or_refused_and_every_refusal_says_why(
    taxonomy: Taxonomy, edits: list[Edit], cap: int | None
) -> None:
    outcome = apply(taxonomy, edits, cap=cap)
    assert len(outcome.applied) + len(outcome.refused) == len(edits)
    assert all(refusal.reason for refusal in outcome.refused)
    assert not Counter(refusal.edit for refusal in outcome.refused) - Counter(edits)
    if not outcome.applied:
        assert outcome.taxonomy is taxonomy


@FAST
@given(taxonomies(), EDITS, CAPS)
def test_nothing_changes_but_what_the_applied_edits_say(
    taxonomy: Taxonomy, edits: list[Edit], cap: int | None
) -> None:
    outcome = apply(taxonomy, edits, cap=cap)
    touched = {category_id for applied in outcome.applied for category_id in applied.ids_touched}
    born = {category_id for applied in outcome.applied for category_id in applied.ids_born}
    after = {category.id: category for category in outcome.taxonomy}
    assert all(after.get(category.id) == category for category in taxonomy if category.id not in touched)
    assert set(after) <= set(taxonomy.ids) | born
    assert not born & set(taxonomy.ids)


@FAST
@given(taxonomies(), EDITS, CAPS)
def test_the_applied_edits_give_the_same_taxonomy_again(
    taxonomy: Taxonomy, edits: list[Edit], cap: int | None
) -> None:
    outcome = apply(taxonomy, edits, cap=cap)
    again = apply(taxonomy, outcome.edits, cap=cap)
    assert again.taxonomy == outcome.taxonomy
    assert again.applied == outcome.applied
    assert not again.refused


@FAST
@given(taxonomies(), EDITS, CAPS)
def test_it_is_a_function_of_its_arguments(taxonomy: Taxonomy, edits: list[Edit], cap: int | None) -> None:
    before = taxonomy.model_dump_json()
    assert apply(taxonomy, edits, cap=cap) == apply(taxonomy, edits, cap=cap)
    assert taxonomy.model_dump_json() == before


@FAST
@given(histories(), EDITS, EDITS)
def test_ids_never_clash_across_forks(path: list[Version], one: list[Edit], other: list[Edit]) -> None:
    """An id that two branches both gave birth to stands for one and the same birth."""
    births: dict[str, tuple[str, str]] = {}
    fork = path[-2]
    branches = [path[-1], fork.then(one, author=Author.HUMAN), fork.then(other, author=Author.MODEL)]
    for parent, child in [*pairwise(path), *((fork, branch) for branch in branches)]:
        outcome = apply(parent.taxonomy, child.edits, origin=parent.id)
        for position, applied in enumerate(outcome.applied):
            for category_id in applied.ids_born:
                birth = (parent.id, str(outcome.edits[: position + 1]))
                assert births.setdefault(category_id, birth) == birth


@FAST
@given(histories())
def test_an_id_is_never_used_again(path: list[Version]) -> None:
    seen: set[str] = set()
    present: set[str] = set()
    for version in path:
        ids = set(version.taxonomy.ids)
        assert not (ids - present) & seen
        seen |= ids
        present = ids


@FAST
@given(histories(), EDITS)
def test_undo_restores_exactly(path: list[Version], edits: list[Edit]) -> None:
    """Going back is going to the parent, and what is kept of it is all there was."""
    kept = {version.id: version.model_dump_json() for version in path}
    child = path[-1].then(edits, author=Author.HUMAN)
    assert child.parent is not None
    parent = Version.model_validate_json(kept[child.parent])
    assert parent == path[-1]
    assert parent.then(edits, author=Author.HUMAN) == child


@FAST
@given(histories())
def test_any_history_survives_json_and_replays(path: list[Version]) -> None:
    for parent, version in pairwise(path):
        assert Version.model_validate_json(version.model_dump_json()) == version
        assert apply(parent.taxonomy, version.edits, origin=parent.id).taxonomy == version.taxonomy
