"""The two nodes that ask: what counts as an answer, whoever gives it, and what an answer decides."""

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import END, START, StateGraph
from langgraph.types import Command
from tnt_llm.nodes.await_user import ask_user, await_user, wrong_answer
from tnt_llm.nodes.confirm import confirm, read_decision
from tnt_llm.nodes.state import State


@pytest.mark.parametrize(
    ("text", "decision"),
    [
        ("yes", [1, 2, 3]),
        ("  Yes! ", [1, 2, 3]),
        ("ok", [1, 2, 3]),
        ("/approve", [1, 2, 3]),
        ("no", []),
        ("No, thanks.", []),
        ("cancel", []),
        ("2", [2]),
        ("1 3", [1, 3]),
        ("only 3, 1", [1, 3]),
        ("1 and 2", [1, 2]),
        ("4", None),
        ("0", None),
        ("yes but call it Billing", None),
        ("merge 1 and 2", None),
        ("", None),
    ],
)
def test_what_an_answer_to_a_proposal_decides(text, decision):
    assert read_decision(text, 3) == decision


def test_a_proposal_without_edits_can_be_agreed_to_and_dropped():
    assert read_decision("yes", 0)
    assert read_decision("no", 0) == []


@pytest.mark.parametrize(
    "said",
    [
        None,
        {},
        "approve",
        ["approve"],
        {"say": "approve"},
        {"turn": 3},
        {"turn": 3, "say": ""},
        {"turn": 3, "say": 1},
        {"turn": 2, "say": "approve"},
        {"turn": "3", "say": "approve"},
    ],
)
def test_what_cannot_answer_a_question_is_told_from_what_can(said):
    assert wrong_answer(said, 3)
    assert wrong_answer({"turn": 3, "say": "approve"}, 3) is None


def asking(node):
    """A graph of one node that asks, on its own."""
    graph = StateGraph(State)
    graph.add_node("ask", node)
    graph.add_edge(START, "ask")
    graph.add_edge("ask", END)
    compiled = graph.compile(checkpointer=InMemorySaver())
    return compiled, {"configurable": {"thread_id": "one"}}


@pytest.mark.parametrize("wrong", ["approve", 7, {"say": "approve"}, {"turn": 9, "say": "approve"}])
def test_a_client_of_the_graph_itself_is_asked_again_and_told_why(wrong):
    graph, config = asking(await_user)
    graph.invoke({"version": "v", "turn": 4}, config)
    graph.invoke(Command(resume=wrong), config)
    (interrupt,) = graph.get_state(config).interrupts
    assert interrupt.value["turn"] == 5
    assert interrupt.value["refused"]
    moved = graph.invoke(Command(resume={"turn": 5, "say": "approve"}), config)
    assert moved["said"] == {"turn": 5, "say": "approve", "yes": False}
    assert not graph.get_state(config).interrupts


@pytest.mark.parametrize(
    ("text", "phase", "kept", "told"),
    [
        ("yes", "apply", [1], ["yes"]),
        ("no", "await", None, ["no", "Dropped; nothing has changed."]),
        ("rename 1 to Cats", "plan", None, []),
    ],
)
def test_a_proposal_is_shown_and_the_answer_says_where_it_goes(text, phase, kept, told):
    graph, config = asking(confirm)
    proposal = {"lines": [{"op": "remove"}], "refused": [], "calls": 0, "tokens": 0, "note": ""}
    graph.invoke({"version": "v", "proposal": proposal}, config)
    (interrupt,) = graph.get_state(config).interrupts
    assert interrupt.value["proposal"] == proposal
    moved = graph.invoke(Command(resume={"turn": 1, "say": text, "yes": False}), config)
    assert moved["phase"] == phase
    assert moved.get("kept") == kept
    assert [message["text"] for message in moved["messages"]] == told
    assert bool(moved["proposal"]) == (phase == "apply")


def test_a_question_outside_a_graph_is_a_mistake():
    with pytest.raises(RuntimeError):
        ask_user({"question": "?", "turn": 1})
