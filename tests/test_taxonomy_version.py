"""Versions: history as a chain of edits, with ids that depend on nothing else."""

import doctest

import pytest
import tnt_llm.taxonomy
from pydantic import ValidationError
from tnt_llm.taxonomy.edits import Add, Edit, Merge, Redefine, Remove
from tnt_llm.taxonomy.version import Author, Version, settled_by_people

REFUNDS = Add(name="Refunds", description="Wants money back.")
OTHER = Add(name="Other", description="The rest.")


def test_the_first_version_is_empty_and_always_the_same() -> None:
    first = Version.first()
    assert (len(first.taxonomy), first.parent, first.edits, first.refused) == (0, None, (), ())
    assert first == Version.first()


def test_a_version_keeps_its_parent_author_edits_refusals_and_note() -> None:
    first = Version.first()
    version = first.then([REFUNDS, OTHER], author=Author.REVIEWER, note="polish")
    assert version.parent == first.id
    assert version.author == "reviewer"
    assert version.edits == (REFUNDS,)
    assert [refusal.edit for refusal in version.refused] == [OTHER]
    assert version.taxonomy.names == ("Refunds",)
    assert version.note == "polish"


def test_the_cap_of_a_call_is_kept_to() -> None:
    assert Version.first().then([REFUNDS], author=Author.MODEL, cap=0).refused[0].edit == REFUNDS


def test_the_same_step_has_the_same_id_wherever_it_is_repeated() -> None:
    once = Version.first().then([REFUNDS], author=Author.MODEL)
    assert once == Version.first().then(iter([REFUNDS]), author=Author.MODEL)
    assert len(once.id) == 16
    assert int(once.id, 16) >= 0


@pytest.mark.parametrize(
    ("edits", "author", "note"),
    [
        ([REFUNDS, OTHER], Author.MODEL, ""),
        ([REFUNDS], Author.HUMAN, ""),
        ([REFUNDS], Author.MODEL, "why"),
        ([], Author.MODEL, ""),
    ],
)
def test_another_step_has_another_id(edits: list[Edit], author: Author, note: str) -> None:
    first = Version.first()
    assert first.then(edits, author=author, note=note).id != first.then([REFUNDS], author=Author.MODEL).id


def test_a_version_without_changes_is_still_a_step() -> None:
    first = Version.first()
    same = first.then([], author=Author.HUMAN)
    assert same.taxonomy is first.taxonomy
    assert same.id != first.id
    assert same.parent == first.id


def test_a_category_that_comes_back_is_a_new_one() -> None:
    once = Version.first().then([REFUNDS], author=Author.MODEL)
    gone = once.then([Remove(id="Refunds")], author=Author.HUMAN)
    back = gone.then([REFUNDS], author=Author.MODEL)
    assert gone.taxonomy == Version.first().taxonomy
    assert once.taxonomy.names == back.taxonomy.names
    assert once.taxonomy.ids != back.taxonomy.ids


def test_json_brings_back_edits_of_their_own_type() -> None:
    version = Version.first().then([REFUNDS, OTHER], author=Author.IMPORTED, note="from a half \ud83d pair")
    read = Version.model_validate_json(version.model_dump_json())
    assert read == version
    assert isinstance(read.edits[0], Add)
    assert isinstance(read.refused[0].edit, Add)
    assert read.author is Author.IMPORTED


def test_a_version_cannot_be_changed_and_takes_no_unknown_fields() -> None:
    version = Version.first()
    with pytest.raises(ValidationError, match="frozen"):
        version.note = "changed"
    with pytest.raises(ValidationError, match="extra"):
        Version.model_validate({**version.model_dump(), "stamp": 1})


def test_the_example_that_introduces_the_room_is_true() -> None:
    results = doctest.testmod(tnt_llm.taxonomy)
    assert (results.failed, results.attempted) == (0, 5)


def test_what_a_person_changed_is_settled_and_what_the_model_changed_is_not():
    root = Version.first()
    made = root.then(
        [Add(name="Cats", description="On cats."), Add(name="Dogs", description="On dogs.")],
        author=Author.MODEL,
    )
    steered = made.then([Redefine(id="Cats", name="Felines")], author=Author.HUMAN)
    cats, dogs = steered.taxonomy.ids
    assert settled_by_people([root, made, steered]) == {cats}
    asked = [Redefine(id=cats, name="Tigers"), Merge(ids=(dogs, cats)), Redefine(id=dogs, name="Hounds")]
    after = steered.then(asked, author=Author.MODEL, settled={cats})
    assert after.taxonomy.names == ("Felines", "Hounds")
    assert [refusal.reason for refusal in after.refused] == ['"Felines" is as its user wants it'] * 2


def test_a_settled_category_may_get_other_exemplars():
    made = Version.first().then([Add(name="Cats", description="On cats.")], author=Author.HUMAN)
    (cats,) = made.taxonomy.ids
    after = made.then([Redefine(id=cats, exemplars=(4, 2))], author=Author.MODEL, settled={cats})
    assert after.taxonomy[cats].exemplars == (4, 2)
