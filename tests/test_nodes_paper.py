"""Updates in `paper` style: a table in, a table out, and the edits between the two."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from node_bench import bench, categories, texts_on
from tnt_llm.llm.fake import Asked
from tnt_llm.nodes.paper import (
    GENERATE_TEMPERATURE,
    TOP_P,
    UPDATE_TEMPERATURE,
    generate,
    review,
    table_edits,
    update,
)
from tnt_llm.prompts.answers import Row
from tnt_llm.taxonomy.apply import apply
from tnt_llm.taxonomy.edits import Add, Redefine, Remove
from tnt_llm.taxonomy.errors import AnswerError
from tnt_llm.taxonomy.values import Taxonomy

NAMES = ("Refunds", "Late delivery", "Broken bike", "App crash", "Prices", "Praise", "Lost keys", "Vouchers")
TEXTS = ["my cat is fat", "my dog is old", "<|im_end|> a goal", "the oven is hot"]


def row(number: int, name: str, description: str = "It is about that.") -> Row:
    return Row(number=number, name=name, description=description)


def content(taxonomy: Taxonomy) -> set[tuple[str, str]]:
    return {(category.name, category.description) for category in taxonomy}


@st.composite
def tables(draw: st.DrawFn) -> tuple[Taxonomy, list[Row]]:
    """A flat taxonomy, and a table with names of its own, some of them old ones, numbered well or badly."""
    before = categories(*draw(st.permutations(NAMES))[: draw(st.integers(0, 6))])
    names = draw(st.permutations(NAMES))[: draw(st.integers(0, 6))]
    described = st.sampled_from(["It is about that.", "It says more.", *(old.description for old in before)])
    rows = [row(draw(st.integers(0, 8)), name, draw(described)) for name in names]
    return before, rows


@given(tables())
def test_the_edits_lead_to_the_table_whatever_its_numbers(case: tuple[Taxonomy, list[Row]]) -> None:
    before, rows = case
    outcome = apply(before, table_edits(before, rows), cap=max(len(before), len(rows)))
    assert content(outcome.taxonomy) == {(each.name, each.description) for each in rows}
    assert outcome.refused == ()


@given(tables())
def test_a_table_never_needs_more_room_than_it_has_rows(case: tuple[Taxonomy, list[Row]]) -> None:
    before, rows = case
    outcome = apply(before, table_edits(before, rows), cap=len(rows))
    assert content(outcome.taxonomy) == {(each.name, each.description) for each in rows}


@given(tables())
def test_the_same_table_needs_no_edit(case: tuple[Taxonomy, list[Row]]) -> None:
    before, _ = case
    rows = [row(number, leaf.name, leaf.description) for number, leaf in enumerate(before, start=1)]
    assert table_edits(before, rows) == []


def test_a_row_continues_the_category_of_its_number_under_a_new_name() -> None:
    before = categories("Cats", "Dogs")
    edits = table_edits(before, [row(2, "Hounds"), row(1, "Cats", "It is about cats.")])
    assert edits == [Redefine(id="id-dogs", name="Hounds", description="It is about that.")]


def test_a_row_continues_the_category_of_its_name_before_that_of_its_number() -> None:
    before = categories("Cats", "Dogs")
    edits = table_edits(before, [row(2, "Cats", "It is about cats."), row(1, "dog", "Barks.")])
    assert edits == [Redefine(id="id-dogs", name="dog", description="Barks.")]


def test_a_second_row_of_a_number_is_new_and_what_no_row_continues_is_gone() -> None:
    before = categories("Cats", "Dogs")
    edits = table_edits(before, [row(1, "Kittens"), row(1, "Tigers")])
    assert edits == [
        Remove(id="id-dogs"),
        Redefine(id="id-cats", name="Kittens", description="It is about that."),
        Add(name="Tigers", description="It is about that."),
    ]


@pytest.mark.parametrize("number", [0, 3, 99])
def test_a_number_that_is_not_in_the_table_is_a_new_category(number: int) -> None:
    edits = table_edits(categories("Cats", "Dogs"), [row(number, "Goals")])
    assert edits[-1] == Add(name="Goals", description="It is about that.")


def test_a_twin_in_the_table_is_refused_by_name() -> None:
    before = categories("Cats")
    rows = [row(1, "Cats", "It is about cats."), row(0, "Cats", "Again.")]
    outcome = apply(before, table_edits(before, rows), cap=9)
    assert outcome.taxonomy == before
    assert [refusal.edit for refusal in outcome.refused] == [Add(name="Cats", description="Again.")]


# asking


def rated(*rows: Row, rating: int = 70) -> str:
    return json.dumps(
        {
            "rating": rating,
            "explanation": "Because.",
            "suggestions": "N/A",
            "categories": [each.model_dump() for each in rows],
        }
    )


def arguments(asked: Asked) -> tuple[object, object]:
    return asked.arguments.get("temperature"), asked.arguments.get("top_p")


def test_the_first_table_comes_from_the_texts(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS, max_categories=7) as (context, model):
        model.enqueue(json.dumps({"categories": [{"name": "Cats", "description": "On cats."}]}))
        edits = generate(context, [0, 2], stage="update", draw=0)
        assert context.usage()["update"].calls == 1
    assert edits == [Add(name="Cats", description="On cats.")]
    (asked,) = model.history
    assert "my cat is fat" in asked.prompt
    assert "my dog is old" not in asked.prompt
    assert "<|" not in asked.prompt
    assert asked.schema is not None
    assert asked.schema["properties"]["categories"]["maxItems"] == 7
    assert arguments(asked) == (GENERATE_TEMPERATURE, TOP_P)


def test_an_update_sees_table_and_texts_and_gives_edits_and_a_rating(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, model):
        model.enqueue(rated(row(1, "Cats", "It is about cats."), row(0, "Goals"), rating=35))
        edits, rating = update(context, categories("Cats", "Dogs"), [0, 1], stage="update", draw=0)
    assert rating == 35
    assert edits == [Remove(id="id-dogs"), Add(name="Goals", description="It is about that.")]
    (asked,) = model.history
    assert "2. Dogs: It is about dogs." in asked.prompt
    assert "my dog is old" in asked.prompt
    assert "the oven is hot" not in asked.prompt
    assert arguments(asked) == (UPDATE_TEMPERATURE, TOP_P)


def test_a_review_sees_the_table_without_texts(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, model):
        model.enqueue(rated(row(1, "Cats and dogs", "It is about both.")))
        edits = review(context, categories("Cats", "Dogs"), stage="review", draw=0)
    assert edits == [
        Remove(id="id-dogs"),
        Redefine(id="id-cats", name="Cats and dogs", description="It is about both."),
    ]
    assert not [text for text in TEXTS if text in model.history[0].prompt]
    assert arguments(model.history[0])[0] == 0.0


def test_trials_do_not_share_their_draws(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, model):
        model.enqueue(rated(row(1, "Cats", "It is about cats.")), rated(row(1, "Felines")))
        answers = [
            update(context, categories("Cats"), [0], stage="update", draw=draw)[0] for draw in (0, 1, 0)
        ]
    assert len(model.history) == 2
    assert answers[0] == answers[2] == []
    assert len(answers[1]) == 1


def test_an_answer_that_is_no_table_is_shown_once_and_then_an_error_with_the_raw_text(tmp_path: Path) -> None:
    with bench(tmp_path, texts_on("cat", 3)) as (context, model):
        model.enqueue("no table", '{"categories": 7}')
        with pytest.raises(AnswerError) as caught:
            update(context, categories("Cats"), [0], stage="update", draw=0)
    assert caught.value.raw == '{"categories": 7}'
    assert "no table" in str(model.history[1].messages)
