"""Parts come out of a category's documents, or its documents go to the parts and categories that a user named."""

import json
from pathlib import Path

import pytest
from node_bench import TOPICS, bench, categories, named, texts_on
from tnt_llm.llm.fake import Asked, Reply
from tnt_llm.nodes.context import Context
from tnt_llm.nodes.splitting import MOST_PARTS, SURE, fill_parts, find_parts
from tnt_llm.taxonomy.apply import apply
from tnt_llm.taxonomy.edits import Add, Merge, Move, Part, Remove, Split
from tnt_llm.taxonomy.errors import AnswerError, RunStateError
from tnt_llm.taxonomy.values import Taxonomy

GOALS, OVENS, TAXES = (texts_on(topic, 8) for topic in ("goal", "oven", "tax"))
THINGS = categories("Things", "Trains")


def by_topic(asked: Asked) -> Reply:
    shown = [topic for topic in TOPICS if f"my {topic} number" in asked.prompt]
    return named(f"{shown[0].title()}s")


def split(context: Context, taxonomy: Taxonomy = THINGS, place: int = 0, **changes: object) -> Split:
    numbers = changes.get("numbers", context.reading.sample)
    return find_parts(context, taxonomy, taxonomy.categories[place], numbers, stage="split", draw=0)  # type: ignore[arg-type]


def test_each_group_of_documents_is_a_part_with_its_name_and_examples(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS, *TAXES], by_topic) as (context, model):
        found = split(context)
    assert found.id == "id-things"
    assert sorted(part.name for part in found.parts) == ["Goals", "Ovens", "Taxs"]
    for part in found.parts:
        start = 8 * ["Goals", "Ovens", "Taxs"].index(part.name)
        assert len(part.exemplars) == 4
        assert set(part.exemplars) <= set(range(start, start + 8))
    assert len(model.history) == 3
    outcome = apply(THINGS, [found])
    assert outcome.refused == ()
    assert set(outcome.taxonomy.names) == {"Goals", "Ovens", "Taxs", "Trains"}


def test_each_name_is_asked_for_with_those_that_are_taken(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS], by_topic) as (context, model):
        found = split(context)
    first, second = (asked.prompt for asked in model.history)
    assert "Trains" in first
    assert "Things" not in first
    assert found.parts[0].name not in first
    assert found.parts[0].name in second


def test_the_split_is_the_same_again_and_costs_nothing_then(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS], by_topic) as (context, model):
        assert split(context) == split(context)
        assert len(model.history) == 2


def test_there_are_no_more_parts_than_people_can_take_in(tmp_path: Path) -> None:
    texts = [text for topic in TOPICS for text in texts_on(topic, 8)]
    with bench(tmp_path, texts, lambda asked: named(f"Name {len(asked.prompt)}")) as (context, _):
        assert 2 <= len(split(context).parts) <= MOST_PARTS


def test_a_name_that_is_taken_or_vague_is_asked_for_once_more(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS]) as (context, model):
        model.enqueue(named("trains"), named("Games"), named("Other"), named("Kitchen"))
        found = split(context)
    assert [part.name for part in found.parts] == ["Games", "Kitchen"]
    assert "Trains" in model.history[1].prompt
    assert "vague" in model.history[3].prompt


def test_a_part_without_a_usable_name_is_left_out_and_reported(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS, *TAXES]) as (context, model):
        model.enqueue(named("Games"), named("Games"), named("games"), named("Money"))
        found = split(context)
        (failure,) = context.workspace.failures.list("main")
    assert [part.name for part in found.parts] == ["Games", "Money"]
    assert failure.stage == "split"
    assert "games" in failure.raw


def test_without_two_names_there_is_no_split_but_a_hint(tmp_path: Path) -> None:
    with (
        bench(tmp_path, [*GOALS, *OVENS], lambda _: json.dumps({"name": "Games"})) as (context, _),
        pytest.raises(AnswerError, match=r"no names.*/split 1 into NAME, NAME") as caught,
    ):
        split(context)
    assert "Games" in caught.value.raw


@pytest.mark.parametrize(
    ("texts", "match"),
    [
        (GOALS[:5], r'"Things" has only 5 texts.*too few.*/split 1 into'),
        ([*GOALS, *texts_on("goal", 9)], r'texts of "Things" do not come apart.*/split 1 into'),
    ],
)
def test_what_does_not_come_apart_is_not_split_and_nobody_is_asked(
    tmp_path: Path, texts: list[str], match: str
) -> None:
    with bench(tmp_path, texts) as (context, model):
        with pytest.raises(RunStateError, match=match):
            split(context)
        assert model.history == ()


def test_documents_outside_the_sample_are_passed_over(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS], by_topic, sample=12) as (context, _):
        found = split(context, numbers=range(16))
        assert {number for part in found.parts for number in part.exemplars} <= set(context.reading.sample)


def test_a_category_with_others_below_it_is_not_split(tmp_path: Path) -> None:
    nested = apply(THINGS, [Move(id="Trains", parent="Things")]).taxonomy
    with bench(tmp_path, [*GOALS, *OVENS]) as (context, _), pytest.raises(RunStateError, match="below it"):
        split(context, nested)


# parts that the user names


def named_parts(*names: str) -> Split:
    return Split(id="id-things", parts=tuple(Part(name=name, description=f"{name}.") for name in names))


def test_named_parts_get_the_documents_nearest_to_them_as_examples(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS]) as (context, model):
        filled = fill_parts(context, named_parts("goal", "oven"), {"id-things": range(16)})
        assert model.history == ()
    assert isinstance(filled, Split)
    goals, ovens = (set(part.exemplars) for part in filled.parts)
    assert len(goals) == len(ovens) == 4
    assert goals <= set(range(8))
    assert ovens <= set(range(8, 16))


def test_a_part_gets_the_surer_half_of_what_is_nearest_to_it_at_most(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS[:3], *OVENS], exemplars=8) as (context, _):
        filled = fill_parts(context, named_parts("goal", "oven"), {"id-things": range(11)})
    assert isinstance(filled, Split)
    assert [len(part.exemplars) for part in filled.parts] == [2, 4]


def test_examples_that_are_there_stay(tmp_path: Path) -> None:
    given = Split(
        id="id-things",
        parts=(
            Part(name="goal", description="x", exemplars=(9,)),
            Part(name="oven", description="x"),
        ),
    )
    with bench(tmp_path, [*GOALS, *OVENS]) as (context, _):
        filled = fill_parts(context, given, {"id-things": range(16)})
    assert isinstance(filled, Split)
    assert filled.parts[0].exemplars == (9,)
    assert filled.parts[1].exemplars


def test_a_part_that_nothing_is_about_takes_only_what_is_nearer_to_it_than_to_others(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS]) as (context, _):
        filled = fill_parts(context, named_parts("goal", "oven", "train"), {"id-things": range(16)})
    assert isinstance(filled, Split)
    goals, ovens, trains = (set(part.exemplars) for part in filled.parts)
    assert goals <= set(range(8))
    assert ovens <= set(range(8, 16))
    assert not trains & (goals | ovens)


def test_other_edits_and_categories_without_documents_stay_as_they_are(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS], sample=8) as (context, _):
        outside = [number for number in range(16) if number not in context.reading.sample]
        for edit in (Remove(id="x"), Merge(ids=("a", "b")), named_parts("goal", "oven")):
            assert fill_parts(context, edit, {"id-things": outside, "x": range(3)}) == edit
            assert fill_parts(context, edit, {}) == edit


# a category that the user adds


THREE = {"goals": range(8), "ovens": range(8, 16), None: range(16, 24)}


def test_an_added_category_gets_the_few_texts_that_are_surely_about_it(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS, *TAXES], exemplars=12) as (context, model):
        filled = fill_parts(context, Add(name="Taxes", description="It is about a tax."), THREE)
        assert model.history == ()
    assert isinstance(filled, Add)
    assert len(filled.exemplars) == SURE
    assert set(filled.exemplars) <= set(range(16, 24))


def test_an_added_category_that_nothing_is_about_gets_none_and_given_ones_stay(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS, *TAXES]) as (context, _):
        stranger = Add(name="Trains", description="It is about a train.")
        assert fill_parts(context, stranger, THREE) == stranger
        given = Add(name="Ovens", description="It is about an oven.", exemplars=(3,))
        assert fill_parts(context, given, THREE) == given


def test_while_no_text_has_a_category_all_are_compared(tmp_path: Path) -> None:
    with bench(tmp_path, [*GOALS, *OVENS, *TAXES]) as (context, _):
        filled = fill_parts(context, Add(name="Trains", description="It is about a train."), {})
    assert isinstance(filled, Add)
    assert filled.exemplars == ()


def test_with_its_examples_more_of_its_texts_are_nearest_to_it(tmp_path: Path) -> None:
    texts = [*texts_on("cat dog", 8), *texts_on("dog cat dog", 8), *GOALS]
    add = Add(name="Dogs", description="It is about a dog.")
    found = []
    with bench(tmp_path, texts) as (context, _):
        for edit in (add, fill_parts(context, add, {"id-cats": range(8), "id-goals": range(16, 24)})):
            taxonomy = apply(categories("Cats", "Goals"), [edit]).taxonomy
            found.append(int((context.reading.place(taxonomy, range(24)).nearest == 2).sum()))
    assert found[1] >= found[0]
