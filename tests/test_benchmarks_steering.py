"""The steering benchmark: its halves are sound and equally hard, and its judge tells a right plan from a wrong one."""

import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from stub_endpoint import StubEndpoint
from tnt_llm.taxonomy.edits import Add, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.errors import AnswerError
from tnt_llm.taxonomy.names import is_vague
from tnt_llm.taxonomy.plan import About, Instruction, Intent, Plan, Question

ROOT = str(Path(__file__).parent.parent)
added = ROOT not in sys.path
if added:
    sys.path.append(ROOT)
from benchmarks.steering import measure, wants  # noqa: E402

if added:
    sys.path.remove(ROOT)

TAXONOMY = wants.read_taxonomy()
ID = {category.name: category.id for category in TAXONOMY}
EDIT = Intent.EDIT


@pytest.fixture(params=list(wants.HALVES))
def half(request: pytest.FixtureRequest) -> list[wants.Message]:
    return wants.read_half(request.param)


def message(kind: str = "merge", *edits: dict[str, Any], intent: str = "edit", **more: Any) -> wants.Message:
    return wants.Message("x", "...", (), kind, ({"intent": intent, "edits": list(edits), **more},))


def right(wanted: wants.Message, plan: Plan) -> bool:
    return wants.is_right(wanted, plan, TAXONOMY)


def understood(wanted: wants.Message, plan: Plan) -> bool:
    return wants.is_understood(wanted, plan, TAXONOMY)


# --- the data


def test_a_half_has_thirty_messages_and_enough_edit_requests(half: list[wants.Message]) -> None:
    assert len(half) == 30
    assert sum(line.is_edit_request for line in half) >= 15


def test_the_halves_hold_the_same_number_of_every_kind() -> None:
    kinds = [Counter(line.kind for line in wants.read_half(name)) for name in wants.HALVES]
    assert kinds[0] == kinds[1]
    assert set(kinds[0]) == set(wants.KINDS)


def test_no_message_is_in_both_halves() -> None:
    lines = [line for name in wants.HALVES for line in wants.read_half(name)]
    assert len({line.text.casefold() for line in lines}) == len({line.id for line in lines}) == 60


def test_the_taxonomy_is_one_that_a_run_could_make() -> None:
    assert len(TAXONOMY) == 12
    assert not any(is_vague(name) for name in TAXONOMY.names)
    parents = {category.id: category.parent for category in TAXONOMY}
    assert all(parent is None or parents[parent] is None for parent in parents.values())


def test_every_wanted_category_is_there_and_every_pattern_is_one(half: list[wants.Message]) -> None:
    for line in half:
        for edit in line.wants[0]["edits"]:
            assert {*edit["categories"], edit.get("parent") or "Medical"} <= set(TAXONOMY.names), line.id
            for pattern in [edit.get("name", "x"), *edit.get("parts", ())]:
                assert re.compile(pattern), line.id
        assert line.wants[0].get("category", "Medical") in TAXONOMY.names


def test_what_changes_nothing_wants_no_edit(half: list[wants.Message]) -> None:
    for line in half:
        if line.kind in {"constraint", "question", "approval", "nonsense", "injection"}:
            assert not any(wanted["edits"] for wanted in line.wants), line.id
        else:
            assert line.is_edit_request, line.id


def test_turns_are_numbered_as_the_state_numbers_them(half: list[wants.Message]) -> None:
    followed = [line for line in half if line.before]
    assert followed
    for line in followed:
        assert [said["turn"] for said in line.before] == [1, 1]
        assert [said["role"] for said in line.before] == ["user", "tnt"]


# --- the judge


def test_a_merge_is_judged_by_its_categories_in_any_order_and_by_the_name_it_leaves() -> None:
    wanted = message(
        "merge", {"op": "merge", "categories": ["Medical", "Wheelchair Access"], "name": "wheelchair"}
    )
    assert right(wanted, Plan(intent=EDIT, edits=(Merge(ids=(ID["Wheelchair Access"], ID["Medical"])),)))
    assert not right(wanted, Plan(intent=EDIT, edits=(Merge(ids=(ID["Medical"], ID["Wheelchair Access"])),)))
    named = Merge(ids=(ID["Medical"], ID["Wheelchair Access"]), name="Wheelchair Access")
    assert right(wanted, Plan(intent=EDIT, edits=(named,)))
    three = Merge(ids=(ID["Wheelchair Access"], ID["Medical"], ID["Seat Issues"]))
    assert not right(wanted, Plan(intent=EDIT, edits=(three,)))


def test_a_rename_needs_the_new_name_on_the_right_category() -> None:
    wanted = message("rename", {"op": "redefine", "categories": ["Lost luggage"], "name": "baggage"})
    assert right(wanted, Plan(intent=EDIT, edits=(Redefine(id=ID["Lost luggage"], name="Baggage"),)))
    assert not right(wanted, Plan(intent=EDIT, edits=(Redefine(id=ID["Medical"], name="Baggage"),)))
    assert not right(
        wanted, Plan(intent=EDIT, edits=(Redefine(id=ID["Lost luggage"], description="Baggage."),))
    )


def test_a_split_may_leave_its_parts_open_unless_they_were_named() -> None:
    open_ = message("split", {"op": "split", "categories": ["Flight Issues"]})
    named = message("split", {"op": "split", "categories": ["Flight Issues"], "parts": ["delay", "cancel"]})
    parts = tuple(Part(name=name, description="...") for name in ("Cancellations", "Delays"))
    given = Plan(intent=EDIT, edits=(Split(id=ID["Flight Issues"], parts=parts),))
    later = Plan(intent=EDIT, split=ID["Flight Issues"])
    assert right(open_, later)
    assert right(open_, given)
    assert right(named, given)
    assert not right(named, later)


def test_an_addition_and_a_move_need_the_right_parent() -> None:
    below = message("add", {"op": "add", "categories": [], "name": "upgrade", "parent": "Seat Issues"})
    assert right(below, Plan(intent=EDIT, edits=(Add(name="Upgrades", description="...", parent="seats"),)))
    assert not right(below, Plan(intent=EDIT, edits=(Add(name="Upgrades", description="..."),)))
    top = message("move", {"op": "move", "categories": ["Refund Requests"], "parent": None})
    assert right(top, Plan(intent=EDIT, edits=(Move(id=ID["Refund Requests"], parent=None),)))
    assert not right(top, Plan(intent=EDIT, edits=(Move(id=ID["Refund Requests"], parent="pets"),)))


def test_two_requests_need_both_edits_and_no_third() -> None:
    wanted = message(
        "two",
        {"op": "remove", "categories": ["Medical"]},
        {"op": "redefine", "categories": ["Lost luggage"], "name": "baggage"},
    )
    rename, remove = Redefine(id="luggage", name="Baggage"), Remove(id="medical")
    assert right(wanted, Plan(intent=EDIT, edits=(rename, remove)))
    assert not right(wanted, Plan(intent=EDIT, edits=(remove,)))
    assert not right(wanted, Plan(intent=EDIT, edits=(rename, remove, Remove(id="pets"))))


def test_an_edit_without_the_intent_is_not_right() -> None:
    wanted = message("remove", {"op": "remove", "categories": ["Medical"]})
    assert not right(wanted, Plan(intent=Intent.ASK, edits=(Remove(id="medical"),)))
    assert not right(wanted, Plan(intent=Intent.UNCLEAR))


@pytest.mark.parametrize("intent", [EDIT, Intent.UNCLEAR])
def test_any_edit_is_wrong_where_none_is_wanted(intent: Intent) -> None:
    nonsense = message("nonsense", intent="unclear")
    assert right(nonsense, Plan(intent=Intent.UNCLEAR))
    assert not right(nonsense, Plan(intent=intent, edits=(Remove(id="medical"),)))
    assert not right(nonsense, Plan(intent=intent, split="medical"))


def test_a_category_may_be_named_by_its_name() -> None:
    wanted = message("remove", {"op": "remove", "categories": ["Medical"]})
    assert right(wanted, Plan(intent=EDIT, edits=(Remove(id="medical"),)))
    assert right(wanted, Plan(intent=EDIT, edits=(Remove(id="MEDICAL"),)))
    assert not right(wanted, Plan(intent=EDIT, edits=(Remove(id="Surgery"),)))


def test_a_question_is_understood_with_what_it_is_about() -> None:
    asked = message("question", intent="ask", about="count", category="Seat Issues")
    assert understood(asked, Plan(intent=Intent.ASK, question=Question(about=About.COUNT, category="seats")))
    for question in (Question(about=About.COUNT), Question(about=About.TEXTS, category="seats"), None):
        plan = Plan(intent=Intent.ASK, question=question)
        assert right(asked, plan)
        assert not understood(asked, plan)


def test_a_constraint_is_understood_with_its_number_and_language() -> None:
    eight = message("constraint", intent="constrain", max_categories=8)
    german = message("constraint", intent="constrain", language="german|de")
    cause = message("constraint", intent="constrain", changes_purpose=True)

    def plan(**fields: Any) -> Plan:
        return Plan(intent=Intent.CONSTRAIN, instruction=Instruction(text="...", **fields))

    assert understood(eight, plan(max_categories=8))
    assert not understood(eight, plan(max_categories=9))
    assert understood(german, plan(language="German"))
    assert not understood(german, plan(language="Old German"))
    assert not understood(german, plan())
    assert understood(cause, plan(changes_purpose=True))
    assert not understood(cause, plan())
    assert not understood(cause, Plan(intent=Intent.CONSTRAIN))


def test_what_is_as_good_is_as_good() -> None:
    wanted = message("nonsense", intent="unclear", **{"or": [{"intent": "ask", "edits": []}]})
    line = {"id": "x", "message": "...", "before": [], "kind": "nonsense", "wants": wanted.wants[0]}
    either = wants._message(line)
    assert understood(either, Plan(intent=Intent.ASK))
    assert understood(either, Plan(intent=Intent.UNCLEAR))
    assert not understood(either, Plan(intent=Intent.APPROVE))


# --- the figures


def test_the_figures_count_right_requests_and_others_that_gave_an_edit() -> None:
    merge = message("merge", {"op": "merge", "categories": ["Medical", "Wheelchair Access"]})
    remove = message("remove", {"op": "remove", "categories": ["Medical"]})
    nonsense = message("nonsense", intent="unclear")
    asked = message("question", intent="ask")
    outcomes = measure.measure(
        lambda taxonomy, before, text: Plan(intent=EDIT, edits=(Remove(id="medical"),)),
        [merge, remove, nonsense, asked],
        TAXONOMY,
    )
    found = measure.figures(outcomes)
    assert (found["edit_requests"], found["right"], found["share_right"], found["wrong_edits"]) == (
        2,
        1,
        0.5,
        1,
    )
    assert (found["others"], found["others_with_an_edit"], found["others_understood"]) == (2, 2, 0)
    assert found["kinds"]["remove"] == [1, 1, 1]
    assert "1 of 2 (50%)" in measure.table(found)
    assert json.loads(json.dumps(measure.as_json(outcomes[0])))["plan"]["edits"][0]["id"] == "medical"


def test_an_answer_that_cannot_be_read_is_a_plan_without_edits() -> None:
    def read(*_: Any) -> Plan:
        raise AnswerError("not JSON", raw="{")

    lines = [message("merge", {"op": "merge", "categories": ["Medical", "Pet Transportation"]})]
    (outcome,) = measure.measure(read, lines, TAXONOMY)
    assert (outcome.is_right, outcome.error) == (False, "not JSON")
    assert measure.figures([outcome])["errors"] == 1


def test_of_the_held_out_half_only_figures_are_printed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with StubEndpoint(lambda payload: "no object at all") as stub:
        for half in wants.HALVES:
            measure.main(["--half", half, "--llm", stub.spec, "--out", str(tmp_path)])
            printed = capsys.readouterr().out
            lines = wants.read_half(half)
            assert "edit requests with the right edits: 0 of 18" in printed
            assert "other messages that gave an edit: 0 of 12" in printed
            assert any(line.id in printed or line.text in printed for line in lines) == (half == "dev")
            report = json.loads((tmp_path / f"steering.{half}.json").read_text(encoding="utf-8"))
            assert [message["id"] for message in report["messages"]] == [line.id for line in lines]
            assert report["errors"] == 30
        asked = stub.count
        measure.main(["--half", "dev", "--llm", stub.spec, "--out", str(tmp_path)])
        assert stub.count == asked


def test_the_reader_gets_the_taxonomy_and_the_conversation() -> None:
    seen: list[Any] = []

    def read(taxonomy: Any, before: Any, text: str) -> Plan:
        seen.append((taxonomy, before, text))
        return Plan(intent=Intent.UNCLEAR)

    lines = [line for line in wants.read_half("dev") if line.before]
    measure.measure(read, lines, TAXONOMY)
    assert [(list(before), text) for _, before, text in seen] == [
        (list(line.before), line.text) for line in lines
    ]
    assert all(taxonomy == TAXONOMY for taxonomy, _, _ in seen)
