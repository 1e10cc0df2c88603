"""The parsers, one section for each: good answers, bad ones, ambiguous ones."""

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from tnt_llm.prompts.answers import (
    AddEdit,
    Explained,
    MergeEdit,
    Named,
    RatedTable,
    RedefineEdit,
    RemoveEdit,
    Revision,
    Row,
    Table,
    letter_distribution,
    parse_letter,
    parse_phrase,
    parse_summary,
    says_first,
    schema_of,
)

ANSWERS: tuple[type[BaseModel], ...] = (Named, Table, RatedTable, Revision, Explained)


# phrase


@pytest.mark.parametrize(
    ("text", "phrase"),
    [
        ("late delivery", "late delivery"),
        ("Subject: late delivery.", "late delivery"),
        ('  "Late delivery"\n', "Late delivery"),
        ("**late   delivery**", "late delivery"),
        ("`late`", "late"),
        ("\n\nlate delivery\n\nThe customer writes about ...", "late delivery"),
        ("U.S. tax refund", "U.S. tax refund"),
        ("配送の遅れ", "配送の遅れ"),
        ("one two three four five six seven eight nine ten eleven twelve",) * 2,
    ],
)
def test_a_phrase_is_the_first_line_without_its_wrapping(text: str, phrase: str) -> None:
    assert parse_phrase(text) == phrase


@pytest.mark.parametrize("text", ["", " \n\t", '""', "Subject:", "...", "***"])
def test_a_phrase_that_is_empty_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="empty"):
        parse_phrase(text)


def test_a_sentence_is_no_phrase() -> None:
    with pytest.raises(ValueError, match="2 to 4 words"):
        parse_phrase("one two three four five six seven eight nine ten eleven twelve thirteen")


@given(st.text(max_size=60))
def test_a_phrase_is_one_line_of_few_words_or_an_error(text: str) -> None:
    try:
        phrase = parse_phrase(text)
    except ValueError:
        return
    assert phrase == " ".join(phrase.split())
    assert 1 <= len(phrase.split()) <= 12


# summary


@pytest.mark.parametrize(
    "text",
    [
        "Summary: The parcel is late.\nSubject: late parcel",
        "Subject: late parcel.\nSummary: The parcel is late.",
        'Summary:   "The parcel  is late."\n\nSubject: "late parcel"\n',
    ],
)
def test_a_summary_is_read_with_its_subject_in_either_order(text: str) -> None:
    assert parse_summary(text) == ("late parcel", "The parcel is late.")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "late parcel",
        "Summary: The parcel is late.",
        "Subject: late parcel",
        "Summary:\nSubject: late parcel.",
    ],
)
def test_a_summary_without_one_of_its_parts_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match=r"Summary:.*Subject:"):
        parse_summary(text)


def test_a_summary_on_the_line_after_its_mark_is_read() -> None:
    assert parse_summary("Summary:\nThe parcel is late.\nSubject:\nlate parcel") == (
        "late parcel",
        "The parcel is late.",
    )


def test_two_subjects_are_an_error_unless_they_are_the_same() -> None:
    text = "Summary: The parcel is late.\nSubject: late parcel\n"
    assert parse_summary(text + "Subject: late parcel")[0] == "late parcel"
    with pytest.raises(ValueError, match="two lines"):
        parse_summary(text + "Subject: refund")


def test_a_summary_whose_subject_is_empty_is_an_error() -> None:
    with pytest.raises(ValueError, match="empty"):
        parse_summary('Summary: The parcel is late.\nSubject: "."')


# letters, from the alternatives of a token

TOKENS = st.sampled_from(["A", " A", "a", "B", "b)", "\nC", "(D)", "E", "The", "", "AB", "1", "**"])
LOGPROBS = st.lists(st.tuples(TOKENS, st.floats(-60, 0)), max_size=12)


@given(LOGPROBS, st.sampled_from(["AB", "ABCD", "ABCDEFGH"]))
def test_the_letters_share_a_probability_of_one_or_it_is_an_error(
    top: list[tuple[str, float]], letters: str
) -> None:
    try:
        shares = letter_distribution(top, letters)
    except ValueError:
        assert not any(token.strip(" ().:\n").upper() in set(letters) for token, _ in top)
        return
    assert list(shares) == list(letters)
    assert sum(shares.values()) == pytest.approx(1)
    assert all(0 < share <= 1 for share in shares.values())


@given(st.permutations([("A", -0.1), (" B", -3.0), ("C", -4.0), ("x", -9.0)]))
def test_the_order_of_the_alternatives_does_not_matter(top: list[tuple[str, float]]) -> None:
    shares = letter_distribution(top, "ABCD")
    assert shares == pytest.approx(letter_distribution(sorted(top), "ABCD"))
    assert shares["A"] > shares["B"] > shares["C"] > shares["D"]


def test_shares_are_the_renormalised_probabilities() -> None:
    top = [("A", math.log(0.6)), ("B", math.log(0.2)), ("The", math.log(0.2))]
    assert letter_distribution(top, "AB") == pytest.approx({"A": 0.75, "B": 0.25})


def test_spellings_of_a_letter_count_together() -> None:
    top = [("A", math.log(0.3)), (" B", math.log(0.2)), ("b", math.log(0.2)), ("(B)", math.log(0.1))]
    assert letter_distribution(top, "AB") == pytest.approx({"A": 0.375, "B": 0.625})


def test_a_letter_that_is_not_reported_gets_less_than_the_rarest_alternative() -> None:
    top = [("A", math.log(0.5)), ("x", math.log(0.1))]
    shares = letter_distribution(top, "ABC")
    assert shares["B"] == shares["C"] == pytest.approx(0.05 / 0.6)


def test_two_letters_that_are_equally_likely_stay_so() -> None:
    shares = letter_distribution([("A", -1.0), ("B", -1.0)], "AB")
    assert shares["A"] == shares["B"] == 0.5


@pytest.mark.parametrize("top", [[], [("C", -0.1)], [("The", -0.1), ("AB", -0.2)], [("A", -math.inf)]])
def test_alternatives_without_any_of_the_letters_are_an_error(top: list[tuple[str, float]]) -> None:
    with pytest.raises(ValueError, match="none of the letters AB"):
        letter_distribution(top, "AB")


@pytest.mark.parametrize("logprob", [math.nan, math.inf, 800.0])
def test_what_is_no_probability_is_an_error(logprob: float) -> None:
    with pytest.raises(ValueError, match="impossible"):
        letter_distribution([("A", -1.0), ("B", logprob)], "AB")


# a letter, from text


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("B", "B"),
        ("b", "B"),
        (" (B) ", "B"),
        ("**B**", "B"),
        ("B) the second", "B"),
        ("B: it fits", "B"),
        ("B\nbecause it fits", "B"),
        ("A, it is a topic", "A"),
    ],
)
def test_a_clear_letter_is_read(text: str, letter: str) -> None:
    assert parse_letter(text, "ABC") == letter


@pytest.mark.parametrize("text", ["", "?", "D", "The answer is B", "Actually, B", "Both", "bee"])
def test_a_text_that_begins_with_no_letter_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="A, B, C"):
        parse_letter(text, "ABC")


@pytest.mark.parametrize("text", ["A or B", "A/B", "A, B", "A and B", "A\nB", "A text about bikes"])
def test_an_ambiguous_letter_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="one of the letters"):
        parse_letter(text, "ABC")


# name_group

NAMED = {"name": "Late bikes", "description": "Bikes that come late."}


def test_a_named_group_is_read_and_what_it_adds_is_passed_over() -> None:
    assert Named.model_validate_json(json.dumps({**NAMED, "why": "x"})) == Named(
        name="Late bikes", description="Bikes that come late."
    )


@pytest.mark.parametrize(
    "change",
    [
        {"name": None},
        {"name": "x"},
        {"name": "x" * 81},
        {"description": None},
        {"description": "no"},
        {"description": "x" * 401},
        {"name": 7},
        {"name": ["Late", "bikes"]},
    ],
)
def test_a_group_without_a_usable_name_and_description_is_an_error(change: dict[str, Any]) -> None:
    answer = {key: value for key, value in {**NAMED, **change}.items() if value is not None}
    with pytest.raises(ValidationError):
        Named.model_validate_json(json.dumps(answer))


# generate


def test_a_table_is_read_and_a_row_without_a_number_is_new() -> None:
    table = Table.model_validate_json(json.dumps({"categories": [NAMED, {**NAMED, "number": 3}]}))
    assert [row.number for row in table.categories] == [0, 3]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[]",
        "{}",
        "null",
        "Here is the table:",
        '{"categories": {}}',
        '{"categories": [{"name": "Late bikes"}]}',
        '{"categories": [{"number": -1, "name": "Late bikes", "description": "Bikes that come late."}]}',
    ],
)
def test_what_is_no_table_is_an_error(text: str) -> None:
    with pytest.raises(ValidationError):
        Table.model_validate_json(text)


# update, review

RATED = {"rating": 70, "explanation": "Fine.", "suggestions": "N/A", "categories": [{**NAMED, "number": 1}]}


def test_a_rated_table_is_read() -> None:
    table = RatedTable.model_validate_json(json.dumps(RATED))
    assert (table.rating, table.categories) == (
        70,
        (Row(number=1, name="Late bikes", description="Bikes that come late."),),
    )


@pytest.mark.parametrize("missing", RATED)
def test_a_rated_table_without_one_of_its_four_parts_is_an_error(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        RatedTable.model_validate_json(json.dumps({key: RATED[key] for key in RATED if key != missing}))


@pytest.mark.parametrize("rating", [-1, 101, "high", None, 70.5])
def test_a_rating_outside_0_to_100_is_an_error(rating: object) -> None:
    with pytest.raises(ValidationError, match="rating"):
        RatedTable.model_validate_json(json.dumps({**RATED, "rating": rating}))


# revise


def test_each_kind_of_edit_is_read_as_its_own() -> None:
    edits = [
        {"op": "add", **NAMED},
        {"op": "redefine", "category": 2, "name": "Prices"},
        {"op": "merge", "categories": [1, 3], "name": None, "description": None},
        {"op": "remove", "category": 4},
    ]
    assert Revision.model_validate_json(json.dumps({"edits": edits})).edits == (
        AddEdit(op="add", name="Late bikes", description="Bikes that come late."),
        RedefineEdit(op="redefine", category=2, name="Prices"),
        MergeEdit(op="merge", categories=(1, 3)),
        RemoveEdit(op="remove", category=4),
    )


def test_no_edits_are_an_answer() -> None:
    assert Revision.model_validate_json('{"edits": []}').edits == ()


@pytest.mark.parametrize(
    "edit",
    [
        {},
        {"op": "delete", "category": 1},
        {"op": "remove"},
        {"op": "remove", "category": 0},
        {"op": "remove", "category": "Late bikes"},
        {"op": "merge", "categories": [1]},
        {"op": "add", "name": "Late bikes"},
        {"op": "redefine", "name": "Prices"},
    ],
)
def test_an_edit_that_says_too_little_is_an_error(edit: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Revision.model_validate_json(json.dumps({"edits": [edit]}))


# label_explain


def test_an_explained_label_is_read() -> None:
    explained = Explained.model_validate_json('{"reason": "Late.", "primary": 2, "all": [2, 1]}')
    assert (explained.primary, explained.all, explained.reason) == (2, (2, 1), "Late.")
    assert Explained.model_validate_json('{"reason": "Late.", "primary": 0}').all == ()


@pytest.mark.parametrize(
    "text",
    [
        "2",
        '{"primary": 2}',
        '{"reason": "Late."}',
        '{"reason": "Late.", "primary": -1}',
        '{"reason": "Late.", "primary": "Late bikes"}',
        '{"reason": "Late.", "primary": [1, 2]}',
    ],
)
def test_a_label_that_is_not_one_number_with_a_reason_is_an_error(text: str) -> None:
    with pytest.raises(ValidationError):
        Explained.model_validate_json(text)


# schemas


def objects(schema: Any) -> list[dict[str, Any]]:
    """Every object with properties in a schema."""
    if isinstance(schema, dict):
        inner = [found for value in schema.values() for found in objects(value)]
        return [schema, *inner] if "properties" in schema else inner
    return [found for value in schema for found in objects(value)] if isinstance(schema, list) else []


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_schema_requires_every_field_and_allows_no_other(answer: type[BaseModel]) -> None:
    found = objects(schema_of(answer))
    assert found
    for part in found:
        assert part["required"] == list(part["properties"])
        assert part["additionalProperties"] is False
        assert "default" not in json.dumps(part)


@pytest.mark.parametrize("answer", ANSWERS)
def test_a_schema_has_the_fields_of_its_answer(answer: type[BaseModel]) -> None:
    assert list(schema_of(answer)["properties"]) == list(answer.model_fields)


def test_limits_are_added_to_the_field_they_name_and_to_no_other_schema() -> None:
    schema = schema_of(Table, categories={"maxItems": 5})
    assert schema["properties"]["categories"]["maxItems"] == 5
    assert "maxItems" not in schema_of(Table)["properties"]["categories"]


# A or B


@pytest.mark.parametrize(
    ("top_logprobs", "text", "first"),
    [
        ([("A", math.log(0.7)), ("B", math.log(0.3))], "A", True),
        ([("B", math.log(0.7)), (" A", math.log(0.3))], "B", False),
        ([("A", math.log(0.5)), ("B", math.log(0.5))], "A", None),
        ([("The", math.log(0.9))], "A", None),
        ([], "A.", True),
        ([], "B) the second", False),
        ([], "A or B", None),
        ([], "Both", None),
    ],
)
def test_an_answer_to_a_or_b_is_one_of_them_or_no_opinion(top_logprobs, text, first) -> None:
    assert says_first(top_logprobs, text) is first
