"""Commands: every form gives its plan, in ids; whatever cannot be read says what the form is, and nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from source_tree import ROOT
from taxonomies import grown
from tnt_llm.taxonomy.apply import apply
from tnt_llm.taxonomy.edits import Add, Merge, Move, Part, Redefine, Remove, Split
from tnt_llm.taxonomy.plan import About, Intent, Plan, Question, Stage
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.tools.commands import (
    _EXAMPLES,
    COMMANDS,
    CommandError,
    help_text,
    parse_command,
    read_instruction,
)

NAMES = (
    "Billing",
    "Late delivery",
    "Late refund",
    "Terms and conditions",
    "Bills, fees",
    "Access",
    "Access to account",
    "Down under",
)
TAXONOMY = Taxonomy(
    categories=tuple(
        Category(id=f"c{number}", name=name, description=f"About {name}.")
        for number, name in enumerate(NAMES, 1)
    )
)


def edits(text: str, taxonomy: Taxonomy = TAXONOMY) -> tuple[object, ...]:
    plan = parse_command(text, taxonomy)
    assert plan.intent is Intent.EDIT
    assert not plan.reply
    return plan.edits


def error(text: str, taxonomy: Taxonomy = TAXONOMY) -> str:
    with pytest.raises(CommandError) as raised:
        parse_command(text, taxonomy)
    return str(raised.value)


@pytest.mark.parametrize(
    ("text", "edit"),
    [
        ("/add Refunds", Add(name="Refunds", description="Texts about Refunds.")),
        ("/add Refunds: Wants money.", Add(name="Refunds", description="Wants money.")),
        ("/add Refunds: Wants money: now", Add(name="Refunds", description="Wants money: now")),
        ("/add Refunds:", Add(name="Refunds", description="Texts about Refunds.")),
        (
            "/add Refunds under 1",
            Add(name="Refunds", description="Texts about Refunds.", parent="c1"),
        ),
        (
            "/add Refunds: Wants money. under billi",
            Add(name="Refunds", description="Wants money. under billi"),
        ),
        (
            "/add Refunds: Wants money. under billing",
            Add(name="Refunds", description="Wants money.", parent="c1"),
        ),
        ("/add Refunds under billi: Money.", Add(name="Refunds", description="Money.", parent="c1")),
        ("/add Parcels: stuck under a heap", Add(name="Parcels", description="stuck under a heap")),
        ('/add Toys: "for children under 5"', Add(name="Toys", description="for children under 5")),
        ('/add "Goods: under way": Moving.', Add(name="Goods: under way", description="Moving.")),
        ("/ADD  Refunds ", Add(name="Refunds", description="Texts about Refunds.")),
        ("/rename 3 to Slow refund", Redefine(id="c3", name="Slow refund")),
        ("/rename #3, Slow refund", Redefine(id="c3", name="Slow refund")),
        ("/rename 3 -> Slow refund", Redefine(id="c3", name="Slow refund")),
        ("/rename 3 Slow refund", Redefine(id="c3", name="Slow refund")),
        ("/rename c3 to Slow refund", Redefine(id="c3", name="Slow refund")),
        ("/rename late REFUNDS to Slow to come", Redefine(id="c3", name="Slow to come")),
        ("/rename Late r to Slow refund", Redefine(id="c3", name="Slow refund")),
        ("/rename Access to account to Logins", Redefine(id="c7", name="Logins")),
        ("/rename Access to Logins", Redefine(id="c6", name="Logins")),
        ('/rename "Bills, fees" to "Costs, fees"', Redefine(id="c5", name="Costs, fees")),
        ("/rename “Bills, fees” to Costs", Redefine(id="c5", name="Costs")),
        ("/describe 2: A parcel: late.", Redefine(id="c2", description="A parcel: late.")),
        ("/describe billi: Money", Redefine(id="c1", description="Money")),
        ("/describe 2 A parcel is late.", Redefine(id="c2", description="A parcel is late.")),
        ("/merge 1, 2", Merge(ids=("c1", "c2"))),
        ("/merge 2,1,3", Merge(ids=("c2", "c1", "c3"))),
        ("/merge 1 2 3", Merge(ids=("c1", "c2", "c3"))),
        ("/merge 1 and 2", Merge(ids=("c1", "c2"))),
        ("/merge 1 with 2", Merge(ids=("c1", "c2"))),
        ("/merge 1, 2, and 3", Merge(ids=("c1", "c2", "c3"))),
        ("/merge 1, 2, 1 into Money", Merge(ids=("c1", "c2"), name="Money")),
        ("/merge late d, late r into Late", Merge(ids=("c2", "c3"), name="Late")),
        ("/merge Billing and late refund", Merge(ids=("c1", "c3"))),
        ("/merge terms and conditions, billing", Merge(ids=("c4", "c1"))),
        ("/merge terms and conditions and billing", Merge(ids=("c4", "c1"))),
        ('/merge "Bills, fees", Billing into "Bills, fees"', Merge(ids=("c5", "c1"))),
        ("/merge 2, 3 into 3", Merge(ids=("c3", "c2"))),
        ("/merge 2 into billing", Merge(ids=("c1", "c2"))),
        ("/merge 2, 3 into 1", Merge(ids=("c1", "c2", "c3"))),
        (
            "/split 2 into Slow, Lost",
            Split(
                id="c2",
                parts=(
                    Part(name="Slow", description="Texts about Slow."),
                    Part(name="Lost", description="Texts about Lost."),
                ),
            ),
        ),
        (
            "/split late d into Slow: Not yet, but soon; and Lost",
            Split(
                id="c2",
                parts=(
                    Part(name="Slow", description="Not yet, but soon"),
                    Part(name="Lost", description="Texts about Lost."),
                ),
            ),
        ),
        (
            "/split 2 into Slow and Lost",
            Split(
                id="c2",
                parts=(
                    Part(name="Slow", description="Texts about Slow."),
                    Part(name="Lost", description="Texts about Lost."),
                ),
            ),
        ),
        ("/remove 5", Remove(id="c5")),
        ("/delete down under", Remove(id="c8")),
        ("/move 3 under Billing", Move(id="c3", parent="c1")),
        ("/move 3 to the top", Move(id="c3", parent=None)),
        ("/move access to account to top", Move(id="c7", parent=None)),
        ("/move Down under under 1", Move(id="c8", parent="c1")),
    ],
)
def test_a_command_for_a_change_gives_its_edit_in_ids(text: str, edit: object) -> None:
    assert edits(text) == (edit,)


def test_remove_and_move_take_several_categories() -> None:
    assert edits("/remove 1, 3") == (Remove(id="c1"), Remove(id="c3"))
    assert edits("/move 2, late r under 1") == (Move(id="c2", parent="c1"), Move(id="c3", parent="c1"))


def test_a_split_without_names_leaves_the_parts_to_be_found() -> None:
    assert parse_command("/split late d", TAXONOMY) == Plan(intent=Intent.EDIT, split="c2")


@pytest.mark.parametrize(
    ("text", "question"),
    [
        ("/examples", Question(about=About.TEXTS)),
        ("/examples undefined 4", Question(about=About.TEXTS, count=4)),
        ("/examples 3", Question(about=About.TEXTS, category="c3")),
        ("/examples 3 5", Question(about=About.TEXTS, category="c3", count=5)),
        ("/examples late refund, 5", Question(about=About.TEXTS, category="c3", count=5)),
        ("/count", Question(about=About.COUNT)),
        ("/count billi", Question(about=About.COUNT, category="c1")),
        ("/overlap", Question(about=About.OVERLAP)),
        ("/why t-17", Question(about=About.WHY, document="t-17")),
        ('/why "my id"', Question(about=About.WHY, document="my id")),
        ("/find money back, please", Question(about=About.NEAR, text="money back, please")),
        ("/diff", Question(about=About.DIFFERENCE)),
        ("/diff 3 7", Question(about=About.DIFFERENCE, versions=("3", "7"))),
        ("/diff 3, 7", Question(about=About.DIFFERENCE, versions=("3", "7"))),
        ("/instructions", Question(about=About.INSTRUCTIONS)),
        ("/taxonomy", Question(about=About.TAXONOMY)),
        ("/list", Question(about=About.TAXONOMY)),
        ("/help", Question(about=About.HELP)),
        ("/?", Question(about=About.HELP)),
    ],
)
def test_a_command_that_asks_gives_its_question(text: str, question: Question) -> None:
    assert parse_command(text, TAXONOMY) == Plan(intent=Intent.ASK, question=question)


def test_a_name_that_ends_with_a_number_is_not_taken_for_a_count() -> None:
    taxonomy = grown("Windows 11", "Linux")
    plan = parse_command("/examples windows 11", taxonomy)
    assert plan.question == Question(about=About.TEXTS, category="windows 11")


@pytest.mark.parametrize(
    ("text", "plan"),
    [
        ("/undo", Plan(intent=Intent.UNDO)),
        ("/redo", Plan(intent=Intent.REDO)),
        ("/approve", Plan(intent=Intent.APPROVE)),
        ("/continue", Plan(intent=Intent.CONTINUE)),
        ("/rerun Review", Plan(intent=Intent.RERUN, stage=Stage.REVIEW)),
        ("/instructions drop 2", Plan(intent=Intent.LIFT, lift=2)),
        ("/instructions drop all", Plan(intent=Intent.LIFT, lift=0)),
    ],
)
def test_the_other_commands_give_their_intent(text: str, plan: Plan) -> None:
    assert parse_command(text, TAXONOMY) == plan


def test_an_added_instruction_is_read_for_size_language_and_purpose() -> None:
    plan = parse_command(
        "/instructions add at most 8 categories, in german, by cause not by product", TAXONOMY
    )
    assert plan.intent is Intent.CONSTRAIN
    assert plan.instruction is not None
    assert plan.instruction.text == "at most 8 categories, in german, by cause not by product"
    assert (plan.instruction.max_categories, plan.instruction.language) == (8, "German")
    assert plan.instruction.changes_purpose


@pytest.mark.parametrize(
    ("text", "size", "language", "purpose"),
    [
        ("no more than 12", 12, None, False),
        ("at most 20 words in a description", None, None, False),
        ("at most 0 categories", None, None, False),
        ("maximum of 5 topics.", 5, None, False),
        ("names in plain words", None, None, False),
        ("translate the names into French", None, "French", False),
        ("by cause", None, None, True),
    ],
)
def test_an_instruction_says_no_more_than_its_words(
    text: str, size: int | None, language: str | None, purpose: bool
) -> None:
    wish = read_instruction(text)
    assert (wish.max_categories, wish.language, wish.changes_purpose) == (size, language, purpose)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("/merge 1", "A merge needs two different categories."),
        ("/merge 1, Billing", "A merge needs two different categories."),
        ("/merge", "Which category?"),
        ("/merge 1, 99", "There is no category 99: they go from 1 to 8."),
        ("/merge 0, 1", "There is no category 0: they go from 1 to 8."),
        ("/merge 1, late", '"late" may be 2 "Late delivery" or 3 "Late refund".'),
        ("/merge 1, delivery", 'No category is called "delivery". The nearest: 2 "Late delivery".'),
        ("/merge 1, biling", 'No category is called "biling". The nearest: 1 "Billing".'),
        ("/merge 1, quux", 'No category is called "quux". /taxonomy shows them all.'),
        ('/merge 1, "3"', 'No category is called "3". /taxonomy shows them all.'),
        ("/merge 1, quux into Money", 'No category is called "quux". /taxonomy shows them all.'),
        ("/merge 1, 2 into ''", "Which name?"),
        ("/add", "Which name?"),
        ("/add : a description", "Which name?"),
        ("/add Refunds under nowhere", 'No category is called "nowhere". /taxonomy shows them all.'),
        ("/rename 3", "Which category, and what is new?"),
        ("/rename Billing", "Which category, and what is new?"),
        ("/rename quux to Billing", 'No category is called "quux". /taxonomy shows them all.'),
        ("/rename 9 to Billing", "There is no category 9: they go from 1 to 8."),
        ("/describe 3", "Which category, and what is new?"),
        ("/split", "Which category?"),
        ("/split 2 into Lost", "A split needs two names at least."),
        ("/remove", "Which category?"),
        ("/move 3", "Where to?"),
        ("/move 3 under nowhere", 'No category is called "nowhere". /taxonomy shows them all.'),
        ("/examples 3 0", "From 1 to 100 texts can be shown."),
        ("/why", "Which text? Give its id."),
        ("/find", "Near which words?"),
        ("/diff 1 2 3", "Two versions can be compared."),
        ("/instructions add", "Add what, or drop which one?"),
        ("/instructions drop 0", "Add what, or drop which one?"),
        ("/instructions at most 8", "Add what, or drop which one?"),
        ("/rerun", "What is to be done anew?"),
        ("/rerun everything", "What is to be done anew?"),
        ("/undo 2", "Nothing follows this command."),
    ],
)
def test_what_cannot_be_read_says_why_and_the_right_form(text: str, why: str) -> None:
    first, _, form = error(text).partition("\n")
    assert first.startswith(why)
    name = text.split()[0]
    assert form.startswith(f"The form is {name}")
    assert form.count(name) == (2 if name[1:] in _EXAMPLES else 1)


def test_a_wrong_command_is_told_the_nearest_one() -> None:
    assert error("/mrge 1, 2") == 'There is no command "/mrge". Did you mean /merge? /help lists them all.'
    assert error("/") == 'There is no command "/". /help lists them all.'
    assert error("merge 1, 2").startswith('There is no command "merge".')


def test_nothing_can_be_meant_before_there_are_categories() -> None:
    assert error("/remove 1", Taxonomy()).startswith("There are no categories yet.")


def test_a_beginning_that_is_a_whole_name_is_that_category() -> None:
    assert edits("/remove access") == (Remove(id="c6"),)


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.name)
def test_every_command_can_be_read_in_the_form_of_its_example(command: object) -> None:
    taxonomy = grown("Billing", "Lost parcels", "Slow refunds", "Invoices", "Access")
    assert parse_command(_EXAMPLES.get(command.name, f"/{command.name}"), taxonomy)  # type: ignore[attr-defined]


def test_help_lists_every_command_once_with_its_arguments() -> None:
    lines = help_text().splitlines()
    assert [line.split("  ")[0] for line in lines[:-1]] == [command.form for command in COMMANDS]
    assert all(line.endswith(command.does) for line, command in zip(lines[:-1], COMMANDS, strict=True))


def test_the_page_of_the_command_line_has_the_same_table() -> None:
    page = (ROOT / "docs" / "cli.md").read_text("utf-8")
    rows = re.findall(r"^\| `(/.+)` \| (.+) \|$", page, re.MULTILINE)
    assert [(form.replace("\\|", "|"), does) for form, does in rows] == [
        (command.form, command.does) for command in COMMANDS
    ]


_words = st.sampled_from(
    [
        "1 2 99 #3 Billing late and to into under top drop add all -> c2 ١ é , : ;",
        "9" * 5000,
        "\x00",
        "\ud800",
    ]
).flatmap(lambda words: st.sampled_from([*words.split(" "), '"', '"Bills, fees"', "“", "”", ""]))


@given(st.sampled_from([f"/{command.name}" for command in COMMANDS]), st.lists(_words, max_size=7))
def test_any_words_give_a_plan_of_known_categories_or_a_message(name: str, words: list[str]) -> None:
    try:
        plan = parse_command(" ".join([name, *words]), TAXONOMY)
    except CommandError:
        return
    assert plan == Plan.model_validate_json(plan.model_dump_json())
    outcome = apply(TAXONOMY, plan.edits)
    assert not [refusal for refusal in outcome.refused if re.match("no category has", refusal.reason)]
    if plan.split is not None:
        assert plan.split in TAXONOMY
