"""Updates in `residual` style: what the evidence is, what the model is shown of it, and what its answers change."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from node_bench import TOPICS, bench, categories, is_about_a_pair, letter, named, texts_on
from tnt_llm.llm.answer import Answer
from tnt_llm.llm.fake import Asked, Reply
from tnt_llm.nodes.context import Context
from tnt_llm.nodes.residual import gather, pair_edits, small_edits, whole_edits
from tnt_llm.taxonomy.apply import Outcome, apply
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Redefine, Remove
from tnt_llm.taxonomy.errors import AnswerError
from tnt_llm.taxonomy.values import Category, Taxonomy

CATS, DOGS, GOALS, OVENS = (texts_on(topic, 12) for topic in TOPICS[:4])
ALONE = [f"my {topic} number 1" for topic in TOPICS[3:6]]


def topics_in(prompt: str) -> list[str]:
    """The topics of the documents that a prompt shows."""
    return [topic for topic in TOPICS if f"my {topic} number" in prompt]


def by_topic(asked: Asked) -> Reply:
    """Name a group by its topic; two groups are two topics."""
    if is_about_a_pair(asked):
        return letter("B")
    (topic,) = topics_in(asked.prompt)
    return named(f"{topic.title()}s")


def ask(
    edits: Callable[..., list[Edit]], context: Context, taxonomy: Taxonomy | None = None, **changes: Any
) -> list[Edit]:
    numbers = changes.pop("numbers", context.reading.sample)
    return edits(context, taxonomy or Taxonomy(), numbers, stage="update", draw=changes.pop("draw", 0))


def applied(taxonomy: Taxonomy, edits: list[Edit]) -> Outcome:
    return apply(taxonomy, edits, cap=25)


# evidence


def test_without_categories_every_document_is_a_misfit_and_topics_are_groups(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS, *GOALS]) as (context, _):
        evidence = gather(context, Taxonomy(), context.reading.sample)
    assert sorted(sorted({row // 12 for row in rows.tolist()}) for rows in evidence.groups) == [[0], [1], [2]]
    assert evidence.pairs == evidence.empty == ()


def test_documents_that_fit_are_no_evidence_and_those_that_do_not_are_grouped(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS, *GOALS]) as (context, _):
        evidence = gather(context, categories("Cats", "Dogs"), context.reading.sample)
    assert [set(rows.tolist()) <= set(range(24, 36)) for rows in evidence.groups] == [True]
    assert not {row for row in evidence.loose.tolist() if row < 24}


def test_what_lies_alone_is_loose(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS, *ALONE]) as (context, _):
        evidence = gather(context, categories("Cats", "Dogs"), context.reading.sample)
    assert evidence.groups == ()
    assert set(evidence.loose.tolist()) == {24, 25, 26}


def test_a_category_that_gets_nothing_is_empty(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS], least_group=0.25) as (context, _):
        evidence = gather(context, categories("Cats", "Trains", "Dogs"), context.reading.sample)
    assert evidence.empty == (1,)


def test_a_small_minibatch_cannot_tell_that_a_category_is_empty(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS], least_group=0.1) as (context, _):
        evidence = gather(context, categories("Cats", "Trains", "Dogs"), context.reading.sample)
    assert evidence.empty == ()


def test_evidence_is_the_same_again(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS, *GOALS]) as (context, _):
        one, other = (gather(context, categories("Cats"), context.reading.sample) for _ in range(2))
    assert [rows.tolist() for rows in one.groups] == [rows.tolist() for rows in other.groups]
    assert (one.pairs, one.empty, one.loose.tolist()) == (other.pairs, other.empty, other.loose.tolist())


# small: names for groups


def test_each_group_becomes_a_category_with_the_name_it_is_given(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS, *GOALS], by_topic) as (context, _):
        edits = ask(small_edits, context)
    adds = [edit for edit in edits if isinstance(edit, Add)]
    assert sorted(add.name for add in adds) == ["Cats", "Dogs", "Goals"]
    for add in adds:
        start = 12 * ["Cats", "Dogs", "Goals"].index(add.name)
        assert len(add.exemplars) == context.settings.exemplars
        assert set(add.exemplars) <= set(range(start, start + 12))


def test_the_model_is_shown_texts_of_one_group_at_a_time_and_the_names_that_are_taken(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS, *GOALS, *OVENS], by_topic) as (context, model):
        ask(small_edits, context, categories("Cats", "Dogs"))
    shown = [asked for asked in model.history if not is_about_a_pair(asked)]
    assert sorted(topics_in(asked.prompt) for asked in shown) == [["goal"], ["oven"]]
    assert all("Cats" in asked.prompt and "Dogs" in asked.prompt for asked in shown)
    assert all("learn what it is about" in str(asked.messages) for asked in shown)


def test_the_documents_of_other_minibatches_are_not_shown(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS, *GOALS], by_topic) as (context, model):
        ask(small_edits, context, numbers=list(range(24)))
    assert {topic for asked in model.history for topic in topics_in(asked.prompt)} == {"cat", "dog"}


def test_two_groups_of_one_name_become_one_category_with_exemplars_of_both(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS], lambda _: named("Pets")) as (context, _):
        edits = ask(small_edits, context)
    (add,) = edits
    assert isinstance(add, Add)
    assert len(add.exemplars) == context.settings.exemplars
    assert sorted(number // 12 for number in add.exemplars) == [0, 0, 1, 1]


def test_a_group_that_gets_the_name_of_another_is_asked_once_more_for_what_sets_it_apart(
    tmp_path: Path,
) -> None:
    def respond(asked: Asked) -> Reply:
        return by_topic(asked) if "Pets" in asked.prompt else named("Pets")

    with bench(tmp_path, [*CATS, *DOGS], respond) as (context, model):
        edits = ask(small_edits, context)
    names = [edit.name for edit in edits if isinstance(edit, Add)]
    assert names[0] == "Pets"
    assert names[1] in ("Cats", "Dogs")
    assert len(model.history) == 3


def test_a_second_question_that_fails_leaves_the_first_answer(tmp_path: Path) -> None:
    def respond(asked: Asked) -> Reply:
        return Answer("", finish_reason="content_filter") if "Pets" in asked.prompt else named("Pets")

    with bench(tmp_path, [*CATS, *DOGS], respond) as (context, _):
        edits = ask(small_edits, context)
        failures = context.workspace.failures.list("main")
    assert [edit.name for edit in edits if isinstance(edit, Add)] == ["Pets"]
    assert ["filter" in failure.error for failure in failures] == [True]


@pytest.mark.parametrize("name", ["cats", "CAT", "Cats"])
def test_a_group_with_the_name_of_a_category_goes_into_that(tmp_path: Path, name: str) -> None:
    before = Taxonomy(
        categories=(
            Category(id="id-cats", name="Cats", description="It is about cats.", exemplars=(0, 1)),
            Category(id="id-goals", name="Goals", description="It is about goals."),
        )
    )
    with bench(tmp_path, [*CATS, *DOGS, *GOALS], lambda _: named(name)) as (context, _):
        edits = ask(small_edits, context, before)
    assert not [edit for edit in edits if isinstance(edit, Add)]
    (grown,) = [edit for edit in edits if isinstance(edit, Redefine)]
    assert grown.id == "Cats"
    assert grown.exemplars is not None
    assert set(grown.exemplars) & {0, 1}
    assert set(grown.exemplars) & set(range(12, 24))
    assert (grown.name, grown.description) == (None, None)


def test_a_name_that_cannot_be_read_loses_its_group_only_and_is_reported_raw(tmp_path: Path) -> None:
    def respond(asked: Asked) -> Reply:
        return '{"name": 7}' if "dog" in topics_in(str(asked.messages)) else by_topic(asked)

    with bench(tmp_path, [*CATS, *DOGS, *GOALS], respond) as (context, _):
        edits = ask(small_edits, context)
        (failure,) = context.workspace.failures.list("main")
    assert sorted(edit.name for edit in edits if isinstance(edit, Add)) == ["Cats", "Goals"]
    assert (failure.stage, failure.number, failure.raw) == ("update", None, '{"name": 7}')
    assert "could not be read" in failure.error


def test_a_call_that_fails_loses_its_group_only(tmp_path: Path) -> None:
    def respond(asked: Asked) -> Reply:
        return Answer("", finish_reason="content_filter") if "my dog" in asked.prompt else by_topic(asked)

    with bench(tmp_path, [*CATS, *DOGS, *GOALS], respond) as (context, _):
        edits = ask(small_edits, context)
        failures = context.workspace.failures.list("main")
    assert sorted(edit.name for edit in edits if isinstance(edit, Add)) == ["Cats", "Goals"]
    assert ["filter" in failure.error for failure in failures] == [True]


def test_a_vague_name_is_refused_with_its_reason(tmp_path: Path) -> None:
    with bench(tmp_path, CATS, lambda _: named("Other issues")) as (context, _):
        edits = ask(small_edits, context)
    (refusal,) = applied(Taxonomy(), edits).refused
    assert "Other issues" in refusal.reason


def test_a_category_that_gets_nothing_is_removed(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS], by_topic, least_group=0.25) as (context, model):
        edits = ask(small_edits, context, categories("Cats", "Trains", "Dogs"))
    assert edits == [Remove(id="id-trains")]
    assert model.history == ()


def test_trials_draw_their_own_names_and_a_repeated_step_asks_nothing(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS, *GOALS], by_topic) as (context, model):
        first = ask(small_edits, context)
        asked = len(model.history)
        assert ask(small_edits, context) == first
        assert len(model.history) == asked
        ask(small_edits, context, draw=1)
    assert len(model.history) == 2 * asked


# pairs: twins and rivals

BOTH = [f"my cat and dog number {number}" for number in range(12)]
RIVALS = {"rival_margin": 0.2, "rival_share": 0.2, "twin_similarity": 0.99}
ONE_TOPIC = named("Pets")


def answering(straight: Reply, swapped: Reply, name: Reply = ONE_TOPIC) -> Callable[[Asked], Reply]:
    """Answer about Cats and Dogs, in this order and in the other."""

    def respond(asked: Asked) -> Reply:
        if not is_about_a_pair(asked):
            return name
        return straight if asked.prompt.index("Cats") < asked.prompt.index("Dogs") else swapped

    return respond


def rival_edits(
    path: Path, respond: Callable[[Asked], Reply], *more: str
) -> tuple[list[Edit], tuple[Asked, ...]]:
    """The pair edits among Cats, Dogs and Goals, whose documents are on cats and dogs at once; and what was asked."""
    with bench(path, [*BOTH, *CATS[:4], *DOGS[:4], *GOALS], respond, **RIVALS) as (context, model):
        edits = ask(pair_edits, context, categories("Cats", "Dogs", "Goals", *more))
        assert context.workspace.failures.list("main") == []
    return edits, model.history


def test_rivals_are_merged_when_the_model_says_in_both_orders_that_they_are_one(tmp_path: Path) -> None:
    edits, asked = rival_edits(tmp_path, answering(letter("A"), letter("A")))
    assert edits == [Merge(ids=("Cats", "Dogs"), name="Pets", description="It is about pets.")]
    assert len([each for each in asked if is_about_a_pair(each)]) == 2
    assert applied(categories("Cats", "Dogs", "Goals"), edits).taxonomy.names == ("Pets", "Goals")


@pytest.mark.parametrize(("straight", "swapped"), [("A", "B"), ("B", "A"), ("B", "B")])
def test_an_opinion_that_does_not_survive_the_swap_merges_nothing(
    tmp_path: Path, straight: str, swapped: str
) -> None:
    edits, asked = rival_edits(tmp_path, answering(letter(straight), letter(swapped)))
    assert edits == []
    assert [each for each in asked if not is_about_a_pair(each)] == []


@pytest.mark.parametrize(
    ("answer", "merges"),
    [
        (Answer("A"), True),
        (Answer("B"), False),
        (Answer("Actually two"), False),
        (Answer("A or B"), False),
        (Answer("A", top_logprobs=(("A", -0.7), ("B", -0.7))), False),
        (Answer("A", top_logprobs=(("The", -0.1), ("Both", -3.0))), False),
        (Answer("", finish_reason="content_filter"), False),
    ],
)
def test_only_a_clear_answer_merges(tmp_path: Path, answer: Answer, merges: bool) -> None:
    edits, _ = rival_edits(tmp_path, answering(answer, answer))
    assert bool(edits) is merges


@pytest.mark.parametrize(("decisions", "asks"), [("small", False), ("whole", True)])
def test_a_small_model_is_not_asked_about_rivals_whose_texts_lie_apart(
    tmp_path: Path, decisions: str, asks: bool
) -> None:
    respond = answering(letter("B"), letter("B"))
    settings = {**RIVALS, "rival_margin": 2.0, "decisions": decisions}
    with bench(tmp_path, [*CATS, *DOGS, *GOALS], respond, **settings) as (context, model):
        ask(pair_edits, context, categories("Cats", "Dogs", "Goals"))
    assert bool(model.history) is asks


def test_a_small_model_is_asked_about_rivals_whose_texts_lie_together(tmp_path: Path) -> None:
    respond = answering(letter("A"), letter("A"))
    with bench(tmp_path, [*BOTH, *GOALS], respond, **RIVALS, decisions="small") as (context, _):
        edits = ask(pair_edits, context, categories("Cats", "Dogs", "Goals"))
    assert [edit.name for edit in edits if isinstance(edit, Merge)] == ["Pets"]


def test_each_side_of_a_pair_is_shown_with_its_own_documents(tmp_path: Path) -> None:
    _, asked = rival_edits(tmp_path, answering(letter("B"), letter("B")))
    for each in asked:
        one, other = sorted((each.prompt.index("Cats"), each.prompt.index("Dogs")))
        sides = [each.prompt[one:other], each.prompt[other:]]
        assert all("my cat" in side or "my dog" in side for side in sides)
        assert "my goal" not in each.prompt


def test_a_merger_whose_naming_fails_keeps_the_first_name(tmp_path: Path) -> None:
    edits, _ = rival_edits(tmp_path, answering(letter("A"), letter("A"), "no name at all"))
    assert edits == [Merge(ids=("Cats", "Dogs"), name="Cats", description="It is about cats.")]


def test_a_merger_never_takes_the_name_of_a_third_category(tmp_path: Path) -> None:
    edits, _ = rival_edits(tmp_path, answering(letter("A"), letter("A"), named("goal")))
    assert [edit.name for edit in edits if isinstance(edit, Merge)] == ["Cats"]
    assert applied(categories("Cats", "Dogs", "Goals"), edits).refused == ()


def test_twins_are_merged_unasked_and_the_first_stays(tmp_path: Path) -> None:
    before = Taxonomy(
        categories=(
            Category(id="a", name="Cats", description="It is about cats."),
            Category(id="b", name="Goals", description="It is about goals."),
            Category(id="c", name="A cat", description="It is about cats."),
        )
    )
    with bench(tmp_path, [*CATS, *GOALS], twin_similarity=0.9) as (context, model):
        edits = ask(pair_edits, context, before)
    assert edits == [Merge(ids=("Cats", "A cat"), name="Cats", description="It is about cats.")]
    assert model.history == ()


def test_three_twins_become_one(tmp_path: Path) -> None:
    names = ("Cats", "A cat", "The cats")
    before = Taxonomy(
        categories=tuple(Category(id=name, name=name, description="It is about cats.") for name in names)
    )
    with bench(tmp_path, [*CATS, *GOALS], by_topic, twin_similarity=0.8) as (context, _):
        outcome = applied(before, ask(pair_edits, context, before))
    assert outcome.taxonomy.names == ("Cats",)
    assert outcome.refused == ()


def test_categories_that_share_no_documents_are_not_asked_about(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS, *GOALS], twin_similarity=0.99) as (context, model):
        assert ask(pair_edits, context, categories("Cats", "Dogs", "Goals")) == []
    assert model.history == ()


# whole


def whole(
    path: Path, taxonomy: Taxonomy, texts: list[str], *edits: dict[str, Any]
) -> tuple[list[Edit], Asked]:
    """The edits that come of an answer, and the question."""
    with bench(path, texts, **RIVALS) as (context, model):
        model.enqueue(json.dumps({"edits": list(edits)}))
        found = ask(whole_edits, context, taxonomy)
    (asked,) = model.history
    return found, asked


def test_all_evidence_is_in_one_call(tmp_path: Path) -> None:
    texts = [*CATS, *DOGS, *BOTH, *GOALS, *ALONE]
    _, asked = whole(tmp_path, categories("Cats", "Dogs", "Trains"), texts)
    assert set(topics_in(asked.prompt)) >= {"goal"}
    assert "my cat and dog" in asked.prompt
    assert [name for name in ("Cats", "Dogs", "Trains") if name not in asked.prompt] == []
    assert any(text in asked.prompt for text in ALONE)
    assert asked.schema is not None


def test_numbers_become_ids_and_each_edit_its_own(tmp_path: Path) -> None:
    before = categories("Cats", "Dogs", "Trains", "Tax")
    edits, _ = whole(
        tmp_path,
        before,
        [*CATS, *DOGS, *GOALS],
        {"op": "add", "name": "Goals", "description": "On goals."},
        {"op": "redefine", "category": 1, "name": "Felines", "description": ""},
        {"op": "merge", "categories": [2, 4], "name": "", "description": None},
        {"op": "remove", "category": 3},
    )
    assert edits == [
        Add(name="Goals", description="On goals."),
        Redefine(id="id-cats", name="Felines"),
        Merge(ids=("id-dogs", "id-tax")),
        Remove(id="id-trains"),
    ]


def test_an_edit_of_a_number_that_is_not_there_is_refused_by_that_number(tmp_path: Path) -> None:
    before = categories("Cats", "Dogs")
    edits, _ = whole(
        tmp_path,
        before,
        [*CATS, *DOGS, *GOALS],
        {"op": "remove", "category": 9},
        {"op": "merge", "categories": [1, 3]},
        {"op": "redefine", "category": 7, "name": "Felines"},
        {"op": "add", "name": "Goals", "description": "On goals."},
    )
    outcome = applied(before, edits)
    assert outcome.taxonomy.names == ("Cats", "Dogs", "Goals")
    reasons = [refusal.reason for refusal in outcome.refused]
    assert [number in reason for number, reason in zip(("9", "3", "7"), reasons, strict=True)] == [True] * 3


def test_without_evidence_nothing_is_asked(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS], fit_quantile=0.01) as (context, model):
        assert ask(whole_edits, context, categories("Cats", "Dogs")) == []
    assert model.history == ()


def test_an_unreadable_revision_is_an_error_that_holds_it(tmp_path: Path) -> None:
    with bench(tmp_path, [*CATS, *DOGS]) as (context, model):
        model.enqueue("I would add cats.", '{"edits": [{"op": "explode"}]}')
        with pytest.raises(AnswerError) as caught:
            ask(whole_edits, context)
    assert "explode" in caught.value.raw
