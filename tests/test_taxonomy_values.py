"""Documents, categories and taxonomies: frozen values with a content hash."""

import json

import pytest
from pydantic import ValidationError
from taxonomies import grown
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.edits import EDIT, EDITS
from tnt_llm.taxonomy.errors import AnswerError, Stopped, TntError
from tnt_llm.taxonomy.values import Category, Taxonomy


def test_equal_texts_have_equal_hashes_whatever_their_ids() -> None:
    one, twin, other = Document(0, "a", "Hello"), Document(7, "b", "Hello"), Document(0, "a", "Hello.")
    assert one.content_hash == twin.content_hash != other.content_hash


def test_half_a_surrogate_pair_can_be_hashed() -> None:
    assert len(Document(0, "a", "\ud83d").content_hash) == 16


def test_a_taxonomy_is_its_categories_by_id_and_in_order() -> None:
    taxonomy = grown("Refunds", "Prices")
    assert len(taxonomy) == 2
    assert [category.name for category in taxonomy] == ["Refunds", "Prices"]
    assert taxonomy.ids == ("refunds", "prices")
    assert taxonomy.names == ("Refunds", "Prices")
    assert "prices" in taxonomy
    assert "Prices" not in taxonomy
    assert taxonomy["prices"].text == "Prices: About Prices."
    with pytest.raises(KeyError, match="nothing"):
        taxonomy["nothing"]


def test_only_those_that_are_nobodys_parent_label_documents() -> None:
    assert [leaf.name for leaf in grown("Money", "Refunds", "Prices", under="Money").leaves] == [
        "Refunds",
        "Prices",
    ]


def test_a_fingerprint_depends_on_all_of_the_content() -> None:
    base = grown("Refunds", "Prices")
    variants = [
        Taxonomy(categories=(base.categories[0].model_copy(update=change), base.categories[1]))
        for change in [
            {"id": "x"},
            {"name": "X"},
            {"description": "X"},
            {"parent": "prices"},
            {"exemplars": (1,)},
        ]
    ]
    variants.append(Taxonomy(categories=base.categories[::-1]))
    assert base.fingerprint == grown("Refunds", "Prices").fingerprint
    assert len({base.fingerprint, *(variant.fingerprint for variant in variants)}) == 7


def test_values_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        grown("Refunds")["refunds"].name = "Other"


def test_half_a_surrogate_pair_in_a_category_is_replaced() -> None:
    category = Category(id="a", name="\ud83d\ude00 \ud83d", description="Fine.")
    assert category.name.encode() == b"?? ?"
    assert Taxonomy(categories=(category,)).fingerprint


@pytest.mark.parametrize(
    "edit",
    [
        {
            "op": "add",
            "name": "Refunds",
            "description": "Money back.",
            "parent": "Money",
            "exemplars": [3, 1],
        },
        {"op": "redefine", "id": "a", "name": "Refunds"},
        {"op": "merge", "ids": ["a", "b"]},
        {
            "op": "split",
            "id": "a",
            "parts": [{"name": "B", "description": "b"}, {"name": "C", "description": "c"}],
        },
        {"op": "remove", "id": "a"},
        {"op": "move", "id": "a", "parent": None},
    ],
    ids=lambda edit: str(edit["op"]),
)
def test_an_edit_is_told_by_its_op_and_survives_json(edit: dict[str, object]) -> None:
    read = EDIT.validate_json(json.dumps(edit))
    assert read.op == edit["op"]
    assert EDIT.validate_json(EDIT.dump_json(read)) == read
    assert EDITS.validate_python([edit]) == (read,)


@pytest.mark.parametrize(
    "edit",
    [
        {"op": "rename", "id": "a"},
        {"id": "a"},
        {"op": "merge", "ids": ["a"]},
        {"op": "split", "id": "a", "parts": [{"name": "B", "description": "b"}]},
        {"op": "move", "id": "a"},
        {"op": "remove", "id": "a", "reason": "empty"},
        {"op": "add", "name": "Refunds"},
    ],
    ids=str,
)
def test_what_is_no_edit_is_not_read_as_one(edit: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        EDIT.validate_python(edit)


def test_an_edit_from_json_with_half_a_surrogate_pair_can_be_written_again() -> None:
    edit = EDIT.validate_python(json.loads(r'{"op": "add", "name": "\ud83d smile", "description": "x"}'))
    assert EDIT.validate_json(edit.model_dump_json()) == edit


def test_errors_carry_what_their_reader_needs() -> None:
    assert AnswerError("unreadable", raw="{").raw == "{"
    assert Stopped("stopped", signum=15).signum == 15
    assert issubclass(Stopped, TntError)
