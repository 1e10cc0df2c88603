"""What an edit did not touch keeps its label exactly; what it did is mapped, or asked again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from taxonomies import FAST, histories
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.lineage import Lineage, follow
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.relabel import LOW, Relabel, plan_relabel

START = Version.first().then(
    [Add(name=name, description=f"About {name}.") for name in ("Apples", "Bread", "Cheese", "Dates")],
    author=Author.MODEL,
)
APPLES, BREAD, CHEESE, DATES = START.taxonomy.ids


def row(number: int, *labels: str, sure: float = 0.9, source: Source = Source.LLM) -> LabelRow:
    return LabelRow(number, labels[0] if labels else None, labels, sure, source, "A reason.")


ROWS = {
    0: row(0, APPLES),
    1: row(1, BREAD),
    2: row(2, BREAD, CHEESE, sure=0.4),
    3: row(3, CHEESE),
    4: row(4),
    5: row(5, DATES, BREAD, sure=0.7),
}
OWN = {number: each.primary for number, each in ROWS.items()}


def after(
    *steps: Sequence[Edit],
    rows: Mapping[int, LabelRow] = ROWS,
    nearest: Mapping[int, str | None] = OWN,
) -> Relabel:
    """What becomes of the rows when these lists of edits are applied, one version a list."""
    path = [START]
    for edits in steps:
        path.append(path[-1].then(edits, author=Author.HUMAN))
        assert not path[-1].refused
    return plan_relabel(follow(path), rows, nearest)


def test_without_edits_every_row_stays_the_very_same():
    assert after() == Relabel(tuple(ROWS.values()), ())


@pytest.mark.parametrize(
    "edit",
    [
        Redefine(id=BREAD, name="Loaves"),
        Redefine(id=BREAD, exemplars=(1, 2)),
        Move(id=BREAD, parent="Food"),
    ],
    ids=["rename", "exemplars", "move"],
)
def test_a_rename_a_move_and_other_exemplars_leave_every_row_the_very_same(edit):
    food = [Add(name="Food", description="All."), Add(name="Fish", description="Swims.", parent="Food")]
    before = after(food, rows={1: ROWS[1]}, nearest={})
    assert after([*food, edit], rows={1: ROWS[1]}, nearest={}) == before == Relabel((ROWS[1],), ())


def test_a_merge_maps_its_rows_and_says_that_they_were_carried_over():
    kept = {each.number: each for each in after([Merge(ids=(BREAD, CHEESE), name="Lunch")]).kept}
    assert kept[1] == ROWS[1]
    assert kept[2] == replace(ROWS[2], all=(BREAD,), source=Source.LINEAGE)
    assert kept[3] == replace(ROWS[3], primary=BREAD, all=(BREAD,), source=Source.LINEAGE)
    assert kept[5] == ROWS[5]
    assert after([Merge(ids=(BREAD, CHEESE), name="Lunch")]).ask == ()


def test_split_and_removed_ask_their_own_and_those_that_they_were_nearly_the_label_of():
    assert after([Remove(id=CHEESE)]).ask == (2, 3)
    parts = (Part(name="Hard", description="Old."), Part(name="Soft", description="Young."))
    # Also what was undefined or unclear: it may belong to a part.
    assert after([Split(id=CHEESE, parts=parts)]).ask == (2, 3, 4)


def test_a_sure_row_loses_a_further_label_that_ended_and_keeps_the_first():
    kept = {each.number: each for each in after([Remove(id=BREAD)]).kept}
    assert kept[5] == replace(ROWS[5], all=(DATES,), source=Source.LINEAGE)


def test_a_new_description_asks_its_own_and_the_unclear_ones_beside_it():
    redefined = [Redefine(id=CHEESE, description="Blue ones.")]
    assert after(redefined).ask == (2, 3)
    unclear = {7: row(7, APPLES, sure=LOW - 0.01), 8: row(8, APPLES, sure=LOW), 9: row(9)}
    near = dict.fromkeys(unclear, CHEESE)
    assert after(redefined, rows=unclear, nearest=near).ask == (7, 9)
    assert after(redefined, rows=unclear, nearest=dict.fromkeys(unclear, DATES)).ask == ()


def test_a_new_category_asks_the_undefined_the_unclear_and_those_nearest_to_it():
    added = [Add(name="Eggs", description="From hens.")]
    born = START.then(added, author=Author.HUMAN).taxonomy.ids[-1]
    assert after(added).ask == (2, 4)
    assert after(added, nearest=OWN | {0: born}).ask == (0, 2, 4)


def test_what_a_newcomer_took_in_is_not_asked_although_it_lies_nearest_to_it():
    edits = [Add(name="Food", description="All."), Merge(ids=("Food", BREAD))]
    born = START.then(edits, author=Author.HUMAN).taxonomy.ids[-1]
    plan = after(edits, rows={1: ROWS[1]}, nearest={1: born})
    assert plan.kept == (replace(ROWS[1], primary=born, all=(born,), source=Source.LINEAGE),)


def test_what_a_person_labelled_is_asked_only_when_its_category_ended():
    human = {each: replace(ROWS[each], source=Source.HUMAN, confidence=0.1) for each in ROWS}
    assert after([Add(name="Eggs", description="From hens.")], rows=human).ask == ()
    assert after([Redefine(id=CHEESE, description="Blue ones.")], rows=human).ask == (3,)
    merged = after([Merge(ids=(BREAD, CHEESE))], rows=human)
    assert {each.source for each in merged.kept} == {Source.HUMAN}
    assert merged.kept[3].primary == BREAD


def test_a_document_without_a_row_is_asked():
    assert after(nearest=OWN | {6: None, 9: APPLES}).ask == (6, 9)


def test_a_row_of_a_category_that_nobody_knows_is_asked():
    assert after(rows={1: row(1, "nothing")}).ask == (0, 1, 2, 3, 4, 5)


def test_rows_and_questions_come_by_number():
    upside_down = dict(reversed(ROWS.items()))
    plan = after([Remove(id=CHEESE)], rows=upside_down, nearest=dict(reversed(OWN.items())))
    assert [each.number for each in plan.kept] == [0, 1, 4, 5]
    assert plan.ask == (2, 3)


def test_without_lineage_nothing_is_kept_that_has_a_label():
    plan = plan_relabel(Lineage(targets={}, born=frozenset()), ROWS, OWN)
    assert plan == Relabel((ROWS[4],), (0, 1, 2, 3, 5))


@st.composite
def labelled(draw: st.DrawFn, leaves: Sequence[str]) -> dict[int, LabelRow]:
    """Rows for some of ten documents, of these leaves."""
    rows = {}
    for number in draw(st.lists(st.integers(0, 9), unique=True)):
        ids = draw(st.lists(st.sampled_from(leaves), unique=True, max_size=2)) if leaves else []
        rows[number] = row(number, *ids, sure=draw(st.sampled_from([0.3, 0.6, 0.9])))
    return rows


@FAST
@given(histories(), st.data())
def test_every_document_is_kept_or_asked_and_what_is_kept_names_leaves(versions, data):
    path = versions[1:]
    rows = data.draw(labelled([leaf.id for leaf in path[0].taxonomy.leaves]))
    leaves = [leaf.id for leaf in path[-1].taxonomy.leaves]
    near = {number: data.draw(st.sampled_from([None, *leaves])) for number in range(10)}
    plan = plan_relabel(follow(path), rows, near)
    assert sorted([each.number for each in plan.kept] + list(plan.ask)) == list(range(10))
    for each in plan.kept:
        assert {*each.all} <= {*leaves}
        assert each.primary == (each.all[0] if each.all else None)
        assert len(set(each.all)) == len(each.all)
        old = rows[each.number]
        assert (each.confidence, each.reason) == (old.confidence, old.reason)
        assert (each == old) == (each.source is not Source.LINEAGE)


@FAST
@given(histories(), st.data())
def test_what_no_edit_touched_keeps_its_row_exactly(versions, data):
    """Its category is as it was, nothing took part in a merge, and no other lies nearer since."""
    path = versions[1:]
    before, end = path[0].taxonomy, path[-1].taxonomy
    leaves = {leaf.id: leaf.description for leaf in end.leaves}
    rows = data.draw(labelled([leaf.id for leaf in before.leaves]))
    near = {number: each.primary if each.primary in leaves else None for number, each in rows.items()}
    kept = {each.number: each for each in plan_relabel(follow(path), rows, near).kept}
    merged = {
        category
        for version in path[1:]
        for edit in version.edits
        if isinstance(edit, Merge)
        for category in edit.ids
    }
    for number, each in rows.items():
        as_it_was = all(
            category in leaves and before[category].description == leaves[category] and category not in merged
            for category in each.all
        )
        if each.primary is not None and as_it_was and each.confidence >= LOW:
            assert kept[number] == each
