"""Answers and proposals over a real workspace: by nearness before there are labels, by labels afterwards."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from langgraph.runtime import Runtime
from node_bench import bench, texts_on
from tnt_llm.checkpoints.labels import LabelRow, Source
from tnt_llm.nodes.answer import answer
from tnt_llm.nodes.context import Context
from tnt_llm.nodes.labeler import calls_ahead
from tnt_llm.nodes.settings import LabelStyle
from tnt_llm.nodes.state import AWAIT, State
from tnt_llm.nodes.view import RunView, members_after, propose, relabel_cost
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.errors import WorkspaceError
from tnt_llm.taxonomy.plan import About, Instruction, Intent, Plan, Question
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.evidence import Placement

EACH = 8
GOALS, OVENS, TRAINS = range(EACH), range(EACH, 2 * EACH), range(2 * EACH, 3 * EACH)
TEXTS = [text for topic in ("goal", "oven", "train") for text in texts_on(topic, EACH)]
"""Numbers 0-7 are about goals, 8-15 about ovens, 16-23 about trains."""


def keep(context: Context, edits: Iterable[Edit], after: Version | None = None) -> Version:
    """A version of the run."""
    parent = after or Version.first()
    context.workspace.versions.put(context.run, parent)
    version = parent.then(edits, author=Author.MODEL)
    context.workspace.versions.put(context.run, version)
    return version


def usual(context: Context) -> Version:
    """Goals, ovens, and taxes, which no text is about."""
    named = (("Goals", "goal"), ("Ovens", "oven"), ("Taxes", "tax"))
    return keep(context, [Add(name=name, description=f"It is about a {topic}.") for name, topic in named])


def label(context: Context, version: Version, wheres: dict[int, str | None], **changes: Any) -> None:
    """Label rows: number to the category's name, or None."""
    ids = {category.name: category.id for category in version.taxonomy}
    chosen = {"confidence": 0.9, "source": Source.LLM, "reason": "", **changes}
    rows = [
        LabelRow(
            number=number,
            primary=None if name is None else ids[name],
            all=() if name is None else (ids[name],),
            **chosen,
        )
        for number, name in wheres.items()
    ]
    context.workspace.labels.put_many(context.run, version.id, rows)


def by_topic() -> dict[int, str | None]:
    return {
        number: "Goals" if number in GOALS else "Ovens" if number in OVENS else None for number in range(24)
    }


def state(version: Version, **more: Any) -> State:
    return State(version=version.id, turn=3, **more)  # type: ignore[typeddict-item]


def in_names(version: Version, found: dict[str | None, list[int]]) -> dict[str, list[int]]:
    names = {category.id: category.name for category in version.taxonomy}
    return {"-" if key is None else names.get(key, key): list(numbers) for key, numbers in found.items()}


# the node


def test_the_node_answers_without_asking_anybody_and_waits_again(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, model):
        version = usual(context)
        plan = Plan(
            intent=Intent.ASK, reply="You want the figures.", question=Question(about=About.COUNT)
        ).model_dump(mode="json")
        moved = answer(state(version, plan=plan), Runtime(context=context))
        assert model.history == ()
    (message,) = moved["messages"]
    assert set(moved) == {"phase", "messages"}
    assert moved["phase"] == AWAIT
    assert (message["role"], message["turn"]) == ("tnt", 3)
    assert message["text"].startswith("You want the figures.\n24 texts of the sample")
    assert "Goals" in message["text"]


def test_a_plan_without_a_question_is_answered_by_its_reply_alone(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        plan = Plan(intent=Intent.ASK, reply="Ask away.").model_dump(mode="json")
        moved = answer(state(usual(context), plan=plan), Runtime(context=context))
    assert [message["text"] for message in moved["messages"]] == ["Ask away."]


@pytest.mark.parametrize("about", list(About))
def test_every_question_has_an_answer_with_and_without_labels(tmp_path: Path, about: About) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        version = usual(context)
        question = Question(about=about, document="d3", text="my train")
        before = answer(
            state(version, plan=Plan(intent=Intent.ASK, question=question).model_dump(mode="json")),
            Runtime(context=context),
        )
        label(context, version, by_topic())
        after = answer(
            state(version, plan=Plan(intent=Intent.ASK, question=question).model_dump(mode="json")),
            Runtime(context=context),
        )
    assert before["messages"][0]["text"]
    assert after["messages"][0]["text"]
    assert "nothing is labelled yet" not in after["messages"][0]["text"].lower()


# before there are labels


def test_without_labels_the_sample_counts_by_nearness(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        version = usual(context)
        view = RunView(context, state(version))
        found = RunView(context, state(version)).members()
        assert not view.is_labelled
        assert view.waiting == 0
        assert {key: len(numbers) for key, numbers in found.items()} == dict(view.counts)
    assert in_names(version, found) == {
        "Goals": [*GOALS],
        "Ovens": [*OVENS],
        "Taxes": [],
        "-": [*TRAINS],
    }


def test_without_labels_nothing_outside_the_sample_is_known(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS, sample=12) as (context, _):
        view = RunView(context, state(usual(context)))
        outside = next(number for number in range(24) if number not in view.sample)
        assert outside not in view.standing(range(24))
        assert len(view.standing(range(24))) == 12
        # Its vector is that of its text all the same.
        assert view.vector(outside) == pytest.approx(context.encoder.encode([TEXTS[outside]])[0])
        inside = view.sample[0]
        assert view.vector(inside) == pytest.approx(context.reading.vectors([inside])[0])


def test_the_surest_are_the_nearest_and_of_the_undefined_the_farthest(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        version = usual(context)
        view = RunView(context, state(version))
        best = view.placement.best
        goals = view.surest(version.taxonomy.ids[0], 3)
        undefined = view.surest(None, 3)
    assert goals == sorted(GOALS, key=lambda number: -best[number])[:3]
    assert undefined == sorted(TRAINS, key=lambda number: best[number])[:3]


def test_before_the_first_category_everything_is_undefined(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        root = Version.first()
        context.workspace.versions.put(context.run, root)
        assert RunView(context, state(root)).counts == {None: 24}


# with labels


def test_labels_count_over_the_whole_corpus_and_not_nearness(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS, sample=12) as (context, _):
        version = usual(context)
        label(context, version, {**by_topic(), 16: "Goals"})
        view = RunView(context, state(version))
        goals, ovens, taxes = version.taxonomy.ids
        assert dict(view.counts) == {goals: 9, ovens: 8, taxes: 0, None: 7}
        assert view.members() == {goals: [*GOALS, 16], ovens: [*OVENS], taxes: [], None: [*range(17, 24)]}
        outside = next(number for number in GOALS if number not in view.sample)
        assert view.standing([outside])[outside].category == goals


def test_labels_follow_the_edits_since_they_were_given(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        old = usual(context)
        label(context, old, by_topic())
        goals, ovens, taxes = old.taxonomy.ids
        renamed = keep(context, [Redefine(id=goals, name="Matches")], old)
        merged = keep(context, [Merge(ids=(goals, ovens), name="Both")], renamed)
        view = RunView(context, state(merged))
        assert view.labelled == old
        assert dict(view.counts) == {goals: 16, taxes: 0, None: 8}
        assert view.members() == {goals: [*range(16)], taxes: [], None: [*TRAINS]}
        assert (view.waiting, view.standing([8])[8].category) == (0, goals)


def test_what_a_removed_category_held_counts_where_it_is_nearest_to_now(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        old = usual(context)
        # Two texts about ovens were labelled as goals.
        label(context, old, {**by_topic(), 8: "Goals", 9: "Goals"})
        goals, ovens, _ = old.taxonomy.ids
        view = RunView(context, state(keep(context, [Remove(id=goals)], old)))
        standing = view.standing([8])[8]
        assert (standing.former, standing.waiting, standing.category) == ("Goals", True, ovens)
        assert view.waiting == 10
        near = context.reading.place(view.taxonomy, range(24))
        strays = [number for number in GOALS if near.fits[number] and near.nearest[number] == 0]
        assert view.members()[ovens] == [*strays, *OVENS]
        assert {key: len(numbers) for key, numbers in view.members().items()} == dict(view.counts)


def test_outside_the_sample_it_counts_nowhere_but_can_be_asked_about(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS, sample=12) as (context, _):
        old = usual(context)
        label(context, old, {**by_topic(), **dict.fromkeys(OVENS, "Goals")})
        goals, ovens, _ = old.taxonomy.ids
        view = RunView(context, state(keep(context, [Remove(id=goals)], old)))
        outside = next(number for number in OVENS if number not in view.sample)
        known = {number for numbers in view.members().values() for number in numbers}
        assert {number for number in (*GOALS, *OVENS) if number in known} < set(view.sample)
        assert {number for number in OVENS if number in view.sample} < set(view.members()[ovens])
        assert (view.standing([outside])[outside].category, view.waiting) == (ovens, 16)
        assert {key: len(numbers) for key, numbers in view.members().items()} == dict(view.counts)


def test_outside_the_sample_a_text_may_be_near_to_nothing(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS, sample=12) as (context, _):
        old = usual(context)
        outside = next(number for number in GOALS if number not in context.reading.sample)
        label(context, old, {outside: "Goals"})
        view = RunView(context, state(keep(context, [Remove(id="Goals")], old)))
        view.placement = Placement(view.placement.similarities, 0.99)
        standing = view.standing([outside])[outside]
    assert (standing.category, standing.former) == (None, "Goals")


def test_a_category_with_a_new_description_keeps_its_texts_until_they_are_asked(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        old = usual(context)
        label(context, old, by_topic())
        goals = old.taxonomy.ids[0]
        view = RunView(context, state(keep(context, [Redefine(id=goals, description="Else.")], old)))
        assert (view.counts[goals], view.waiting) == (8, 8)
        standing = view.standing([0])[0]
        assert (standing.category, standing.waiting, standing.former) == (goals, True, "")


def test_more_texts_than_the_sample_has_come_from_the_rest_the_surest_first(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS, sample=12) as (context, _):
        version = usual(context)
        goals = version.taxonomy.ids[0]
        view = RunView(context, state(version))
        inside = [number for number in GOALS if number in view.sample]
        outside = [number for number in GOALS if number not in view.sample]
        assert inside
        assert len(outside) > 1
        label(context, version, dict.fromkeys(inside, "Goals"))
        label(context, version, dict.fromkeys(outside, "Goals"), confidence=0.5, source=Source.STUDENT)
        label(context, version, {outside[-1]: "Goals"}, confidence=0.8, source=Source.STUDENT)
        view = RunView(context, state(version))
        assert view.surest(goals, len(inside)) == inside
        assert view.surest(goals, len(inside) + 1) == [*inside, outside[-1]]
        assert view.surest(goals, 100) == [*inside, outside[-1], *outside[:-1]]


# documents and versions


def test_an_id_is_found_exactly_before_it_is_found_in_another_case(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        view = RunView(context, state(usual(context)))
        assert view.find("d7") == [7]
        assert view.find("D7") == [7]
        assert view.find("nope") == []


def test_a_version_is_found_by_the_beginning_of_its_id(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        first = usual(context)
        second = keep(context, [Add(name="Trains", description="x")], first)
        view = RunView(context, state(second))
        assert [version.id for version in view.path()] == [Version.first().id, first.id, second.id]
        assert view.path(first.id[:9])[-1] == first
        with pytest.raises(WorkspaceError, match="no version.*" + second.id[:8]):
            view.path("nope")
        with pytest.raises(WorkspaceError, match="3 versions begin"):
            view.path("")


def test_standing_instructions_are_read_from_the_state(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        wish = Instruction(text="at most 3", max_categories=3)
        held = [wish.model_dump(mode="json")]
        assert RunView(context, state(usual(context), instructions=held)).instructions == (wish,)


def test_the_index_finds_what_brute_force_finds(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        view = RunView(context, state(usual(context)))
        query = view.encode("my train number 3 of 8")
        similarities = context.reading.vectors(view.sample) @ query
        _, rows = view.index.search(query[np.newaxis], 5)
    assert rows[0].tolist() == np.argsort(-similarities, kind="stable")[:5].tolist()


# proposals


def test_a_proposal_shows_what_a_new_category_and_new_parts_would_get(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        before = keep(
            context,
            [
                Add(name="Goals", description="It is about a goal.", exemplars=(0, 1)),
                Add(name="Things", description="It is about things.", exemplars=(8, 9, 16, 17)),
            ],
        )
        things = before.taxonomy.ids[1]
        after = before.then(
            [
                Split(
                    id=things,
                    parts=(
                        Part(name="Ovens", description="It is about an oven.", exemplars=(8,)),
                        Part(name="Trains", description="It is about a train.", exemplars=(16,)),
                    ),
                ),
                Add(name="More goals", description="It is about a goal.", exemplars=(2, 3)),
                Add(name="Other", description="The rest."),
            ],
            author=Author.HUMAN,
        )
        shown = propose(RunView(context, state(before)), after)
        found = members_after(RunView(context, state(before)), after)
    assert [line.op for line in shown.lines] == ["split", "add"]
    assert shown.lines[0].documents == 16
    assert shown.lines[0].detail == "“Ovens” 8; “Trains” 8"
    assert shown.lines[1].documents > 0
    assert shown.lines[1].example
    assert [text for text, _ in shown.refused] == ["Add “Other”"]
    assert (shown.calls, shown.tokens) == (0, 0)
    assert "nothing is labelled yet" in shown.note
    assert "24 texts" in shown.note
    ovens, trains = (category.id for category in after.taxonomy if category.name in ("Ovens", "Trains"))
    assert (found[ovens], found[trains]) == ([*OVENS], [*TRAINS])


def test_a_part_that_the_same_list_takes_away_again_is_no_crash(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        before = usual(context)
        parts = (Part(name="Home", description="x"), Part(name="Away", description="y"))
        after = before.then(
            [
                Split(id="Goals", parts=parts),
                Remove(id="Home"),
                Add(name="Trains", description="x"),
                Remove(id="Trains"),
            ],
            author=Author.HUMAN,
        )
        shown = propose(RunView(context, state(before)), after)
    assert [line.documents for line in shown.lines] == [8, 0, 0, 0]


def test_a_proposal_after_labelling_counts_labels_and_costs_what_is_asked_anew(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        before = usual(context)
        label(context, before, by_topic())
        removed = before.then([Remove(id="Goals")], author=Author.HUMAN)
        shown = propose(RunView(context, state(before)), removed)
        line = context.workspace.versions.path(before.id)
        expected = calls_ahead(context, [*line, removed], LabelStyle.FAST)
        assert shown.calls == expected >= 8
        assert shown.tokens > 10 * shown.calls
        assert shown.lines[0].documents == 8
        assert "labels of 24 texts" in shown.note


def test_a_rename_asks_nobody_and_only_what_an_edit_adds_is_its_cost(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        labelled = usual(context)
        label(context, labelled, by_topic())
        renamed = labelled.then([Redefine(id="Goals", name="Matches")], author=Author.HUMAN)
        assert relabel_cost(context, state(labelled), labelled, renamed)[0] == 0
        removed = keep(context, [Remove(id="Goals")], labelled)
        # What the removal costs was shown with it; renaming what is left adds nothing.
        more = removed.then([Redefine(id="Ovens", name="Stoves")], author=Author.HUMAN)
        assert relabel_cost(context, state(removed), removed, more)[0] == 0


def test_tokens_are_those_that_labelling_has_taken_once_it_has_been_done(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        before = usual(context)
        label(context, before, by_topic())
        removed = before.then([Remove(id="Goals")], author=Author.HUMAN)
        estimate = relabel_cost(context, state(before), before, removed)[1]
        context.workspace.answers.for_run("main").put(
            "k",
            "{}",
            model="m",
            stage="label",
            prompt_tokens=90,
            cached_tokens=0,
            completion_tokens=10,
            seconds=1.0,
            cost=0.0,
        )
        assert relabel_cost(context, state(before), before, removed)[1] == 100
    assert estimate > 10


def test_reasons_cost_a_call_a_text(tmp_path: Path) -> None:
    with bench(tmp_path, TEXTS) as (context, _):
        before = usual(context)
        label(context, before, by_topic())
        removed = before.then([Remove(id="Goals")], author=Author.HUMAN)
        explained = state(before, label_style="explain")
        assert relabel_cost(context, explained, before, removed)[0] == 8
