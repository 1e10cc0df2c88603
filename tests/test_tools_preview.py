"""What edits would do, shown before they are applied."""

import json
from collections.abc import Mapping, Sequence

import pytest
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.preview import WIDTH, Preview, PreviewLine, preview

ROOT = Version.first().then(
    [
        Add(name="Late bags", description="A bag came late.", exemplars=(7, 2)),
        Add(name="Lost bags", description="A bag never came.", exemplars=(4,)),
        Add(name="Meals", description="What there is to eat."),
        Add(name="Seats", description="Where one sits."),
    ],
    author=Author.MODEL,
)
LATE, LOST, MEALS, SEATS = ROOT.taxonomy.ids
MEMBERS = {LATE: [1, 2, 3], LOST: [4, 5], MEALS: [6], SEATS: [], None: [8, 9]}


def show(
    *edits: Edit,
    before: Version = ROOT,
    members: Mapping[str | None, Sequence[int]] = MEMBERS,
    calls: int = 0,
    tokens_per_call: float = 0,
) -> Preview:
    after = before.then(edits, author=Author.HUMAN, cap=6)
    return preview(
        before,
        after,
        members=members,
        text_of=lambda number: f"text {number}",
        calls=calls,
        tokens_per_call=tokens_per_call,
    )


@pytest.mark.parametrize(
    ("edit", "text", "documents", "example"),
    [
        (Redefine(id=LATE, name="Delayed bags"), "Rename “Late bags” to “Delayed bags”", 3, "text 2"),
        (Redefine(id=LOST, description="It is gone."), "Reword “Lost bags”", 2, "text 4"),
        (Merge(ids=(LATE, LOST), name="Bags"), "Merge “Late bags” and “Lost bags” into “Bags”", 5, "text 2"),
        (Remove(id=MEALS), "Remove “Meals”", 1, "text 6"),
        (Remove(id=SEATS), "Remove “Seats”", 0, ""),
        (Move(id=LATE, parent=MEALS), "Move “Late bags” under “Meals”", 3, "text 2"),
        (Add(name="Pets", description="Animals on board."), "Add “Pets”", 0, ""),
    ],
)
def test_an_edit_is_worded_with_the_texts_that_it_touches_and_an_example(
    edit: Edit, text: str, documents: int, example: str
) -> None:
    (line,) = show(edit).lines
    assert (line.op, line.text, line.documents, line.example) == (edit.op, text, documents, example)


def test_the_example_is_one_that_shows_the_category_if_it_is_still_in_it() -> None:
    # 7 is an exemplar of the late bags too, and the better one, but it is not among their documents.
    (line,) = show(Redefine(id=LATE, name="Delayed bags")).lines
    assert line.example == "text 2"


def test_documents_are_counted_where_earlier_edits_have_moved_them() -> None:
    shown = show(Merge(ids=(LATE, LOST)), Merge(ids=(LATE, MEALS)), Redefine(id=LATE, name="Bags"))
    assert [line.documents for line in shown.lines] == [5, 6, 6]


def test_a_parent_counts_what_is_below_it_but_removing_it_touches_only_its_own() -> None:
    nested = ROOT.then(
        [Add(name="Bags", description="All about bags."), Move(id=LATE, parent="Bags")], author=Author.MODEL
    )
    bags = nested.taxonomy.ids[-1]
    assert show(Redefine(id=bags, name="Luggage"), before=nested).lines[0].documents == 3
    assert show(Remove(id=bags), before=nested).lines[0].documents == 0
    assert [line.documents for line in show(Remove(id=bags), Remove(id=LATE), before=nested).lines] == [0, 3]
    assert show(Move(id=LATE, parent=None), before=nested).lines[0].documents == 3
    # Taken in by a merge, it hands over what was below it.
    shown = show(Merge(ids=(MEALS, bags)), Redefine(id=MEALS, name="Service"), before=nested)
    assert [line.documents for line in shown.lines] == [4, 4]


def test_a_child_that_takes_its_parent_in_stands_on_top() -> None:
    nested = ROOT.then([Move(id=LATE, parent=MEALS)], author=Author.MODEL)
    shown = show(Merge(ids=(LATE, MEALS)), Redefine(id=LATE, name="Service"), before=nested)
    assert [line.documents for line in shown.lines] == [4, 4]


def test_a_split_says_what_each_part_would_get() -> None:
    split = Split(id=LATE, parts=(Part(name="Hours", description="a"), Part(name="Days", description="b")))
    hours, days = (
        category.id
        for category in ROOT.then([split], author=Author.HUMAN).taxonomy
        if category.name in ("Hours", "Days")
    )
    blind = show(split).lines[0]
    assert (blind.documents, blind.detail) == (3, "“Hours”; “Days”")
    seeing = show(split, Redefine(id=days, name="Weeks"), members={**MEMBERS, hours: [1], days: [2, 3]})
    assert seeing.lines[0].detail == "“Hours” 1; “Days” 2"
    assert [line.documents for line in seeing.lines] == [3, 2]


def test_a_new_category_counts_the_documents_that_are_near_to_it_where_they_are_known() -> None:
    add = Add(name="Pets", description="Animals on board.")
    pets = ROOT.then([add], author=Author.HUMAN).taxonomy.ids[-1]
    (line,) = show(add, members={**MEMBERS, pets: [8]}).lines
    assert (line.documents, line.example, line.detail) == (1, "text 8", "Animals on board.")


def test_what_is_refused_comes_with_its_reason_and_costs_nothing() -> None:
    shown = show(Add(name="Other", description="The rest."), Remove(id="no such"))
    assert shown.lines == ()
    assert [text for text, _ in shown.refused] == ["Add “Other”", "Remove “no such”"]
    assert "vague" in shown.refused[0][1]
    assert "no such" in shown.refused[1][1]


def test_tokens_are_those_of_the_calls() -> None:
    shown = show(Remove(id=MEALS), calls=7, tokens_per_call=120.4)
    assert (shown.calls, shown.tokens) == (7, 843)


def test_an_example_is_cut_and_harmless_in_a_terminal() -> None:
    after = ROOT.then([Remove(id=MEALS)], author=Author.HUMAN)
    shown = preview(
        ROOT,
        after,
        members=MEMBERS,
        text_of=lambda _: "\x1b]0;owned\x07first\nsecond " + 50 * "word ",
        calls=0,
        tokens_per_call=0,
    )
    example = shown.lines[0].example
    assert example.startswith("first second word")
    assert example.endswith("…")
    assert len(example) <= WIDTH


def test_it_survives_json() -> None:
    shown = show(Remove(id=MEALS), Add(name="Other", description="x"), calls=3, tokens_per_call=10)
    noted = Preview(shown.lines, shown.refused, shown.calls, shown.tokens, "of the sample")
    assert Preview.from_dict(json.loads(json.dumps(noted.to_dict()))) == noted
    assert isinstance(noted.lines[0], PreviewLine)
