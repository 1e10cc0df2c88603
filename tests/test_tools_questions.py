"""Questions are answered from the data: with figures, names in quotes, and texts on lines of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pytest
from numpy.typing import NDArray
from planted import WIDTH as DIMENSIONS
from planted import about, axis, between
from tnt_llm.checkpoints.labels import Source
from tnt_llm.classifiers.index import EmbeddingIndex
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.edits import Add, Merge, Move, Redefine, Remove
from tnt_llm.taxonomy.errors import WorkspaceError
from tnt_llm.taxonomy.plan import About, Instruction, Question
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.taxonomy.version import Author, Version
from tnt_llm.tools.commands import COMMANDS
from tnt_llm.tools.evidence import Placement
from tnt_llm.tools.questions import MOST_SHOWN, WIDTH, answer_question
from tnt_llm.tools.view import Standing, View

Vectors = NDArray[np.float32]

FIRST = Version.first().then(
    [
        Add(name="Cats", description="About cats."),
        Add(name="Dogs", description="About dogs."),
        Add(name="Taxes", description="About taxes."),
    ],
    author=Author.MODEL,
)
CATS, DOGS, TAXES = FIRST.taxonomy.ids
EACH = 4
VECTORS = np.concatenate([about([0, 1, 2], EACH), about([9], 1)])
"""Four documents of each category, then one that is about something else."""


@dataclass
class ListView:
    """A view over a few lists; document n is "text n" and has the id "d<n>"."""

    versions: tuple[Version, ...] = (FIRST,)
    vectors: Vectors = field(default_factory=lambda: VECTORS)
    labels: Mapping[int, Standing] = field(default_factory=dict)
    waiting: int = 0
    instructions: Sequence[Instruction] = ()
    texts: Mapping[int, str] = field(default_factory=dict)
    ids: Mapping[int, str] = field(default_factory=dict)
    outside: int = 2
    """Documents beyond the sample."""

    @property
    def taxonomy(self) -> Taxonomy:
        return self.versions[-1].taxonomy

    @property
    def is_labelled(self) -> bool:
        return bool(self.labels)

    @property
    def sample(self) -> Sequence[int]:
        return range(len(self.vectors))

    @property
    def counts(self) -> Mapping[str | None, int]:
        found: dict[str | None, int] = {}
        for there in self.standing(range(len(self.vectors) + self.outside)).values():
            found[there.category] = found.get(there.category, 0) + 1
        return found

    def prototypes(self) -> Vectors:
        return np.eye(DIMENSIONS, dtype=np.float32)[: len(self.taxonomy.leaves)]

    @property
    def placement(self) -> Placement:
        return Placement(np.asarray(self.vectors @ self.prototypes().T, dtype=np.float32), 0.5)

    @property
    def index(self) -> EmbeddingIndex:
        return EmbeddingIndex.build(self.vectors)

    def vector(self, number: int) -> Vectors:
        return self.vectors[number] if number < len(self.vectors) else axis(0)

    def encode(self, text: str) -> Vectors:
        return axis({"cat": 0, "dog": 1, "tax": 2}.get(text, DIMENSIONS - 1))

    def documents(self, numbers: Sequence[int]) -> list[Document]:
        return [Document(n, self.ids.get(n, f"d{n}"), self.texts.get(n, f"text {n}")) for n in numbers]

    def find(self, document_id: str) -> list[int]:
        everything = self.documents(range(len(self.vectors) + self.outside))
        return [document.number for document in everything if document.id == document_id]

    def standing(self, numbers: Sequence[int]) -> dict[int, Standing]:
        if self.labels:
            return {number: self.labels[number] for number in numbers if number in self.labels}
        placement, leaves = self.placement, self.taxonomy.leaves
        return {
            number: Standing(
                leaves[placement.nearest[number]].id if placement.fits[number] else None,
                None,
                float(placement.best[number]),
            )
            for number in numbers
            if number < len(self.vectors)
        }

    def surest(self, category: str | None, count: int) -> list[int]:
        found = self.standing(range(len(self.vectors) + self.outside))
        own = [number for number, there in found.items() if there.category == category]
        return sorted(own, key=lambda number: -found[number].confidence)[:count]

    def path(self, version: str | None = None) -> list[Version]:
        if version is None:
            return list(self.versions)
        for place, known in enumerate(self.versions):
            if known.id.startswith(version):
                return list(self.versions[: place + 1])
        raise WorkspaceError(f'This run has no version "{version}".')


def labels(**changes: object) -> dict[int, Standing]:
    """The three categories by the LLM, the surest first; the last document is undefined."""
    found = {
        number: Standing((CATS, DOGS, TAXES)[number // EACH], Source.LLM, 0.9 - number / 100)
        for number in range(3 * EACH)
    }
    return {**found, 3 * EACH: Standing(None, Source.LLM, 0.4)}


def ask(about: About, view: View | None = None, **more: object) -> str:
    return answer_question(Question(about=about, **more), view or ListView())  # type: ignore[arg-type]


def lines(text: str) -> list[str]:
    return text.splitlines()


# how many


def test_before_there_are_labels_a_count_is_of_the_sample_and_says_so() -> None:
    answer = ask(About.COUNT, category=CATS)
    assert "4 of 13 texts (31%)" in answer
    assert "“Cats” (1)" in answer
    assert "sample" in answer
    assert "nothing is labelled yet" in answer


def test_a_count_of_labels_is_of_all_texts_and_of_those_that_wait_for_a_new_one() -> None:
    answer = ask(About.COUNT, ListView(labels=labels(), waiting=2), category=DOGS)
    assert lines(answer)[0] == "“Dogs” (2) has 4 of 13 texts (31%)."
    assert lines(answer)[1].startswith("2 texts are labelled anew when you approve")
    assert "sample" not in answer


def test_all_counts_are_a_line_a_category_with_the_undefined_last() -> None:
    answer = lines(ask(About.COUNT, ListView(labels=labels())))
    assert answer[0] == "13 texts, by their labels:"
    assert [line.split() for line in answer[1:]] == [
        ["1", "Cats", "4", "31%"],
        ["2", "Dogs", "4", "31%"],
        ["3", "Taxes", "4", "31%"],
        ["-", "undefined", "1", "8%"],
    ]


def test_a_category_with_others_below_it_counts_theirs() -> None:
    nested = FIRST.then(
        [
            Add(name="Animals", description="All animals."),
            Move(id=CATS, parent="Animals"),
            Move(id=DOGS, parent="Animals"),
        ],
        author=Author.HUMAN,
    )
    view = ListView(versions=(FIRST, nested), labels=labels())
    assert "“Animals” (4) has 8 of 13 texts (62%)." in ask(
        About.COUNT, view, category=nested.taxonomy.ids[-1]
    )
    assert "Cats (under Animals)" in ask(About.COUNT, view)
    shown = ask(About.TEXTS, view, category=nested.taxonomy.ids[-1], count=2)
    assert "[d0]" in shown
    assert "[d4]" in shown  # one of each below it


def test_the_taxonomy_is_listed_with_numbers_counts_and_descriptions() -> None:
    answer = ask(About.TAXONOMY)
    assert [word in answer for word in ("About cats.", "About dogs.", "About taxes.")] == [True] * 3
    assert [line.split()[:2] for line in lines(answer) if line.lstrip()[:1].isdigit()][1:] == [
        ["1", "Cats"],
        ["2", "Dogs"],
        ["3", "Taxes"],
    ]
    assert "no categories yet" in ask(About.TAXONOMY, ListView(versions=(Version.first(),)))


def test_a_category_that_is_gone_is_no_crash() -> None:
    assert "not in this taxonomy any more" in ask(About.COUNT, category="gone")


# which


def test_the_surest_texts_of_a_category_stand_on_lines_of_their_own() -> None:
    answer = lines(ask(About.TEXTS, ListView(labels=labels()), category=DOGS, count=2))
    assert answer == [
        "“Dogs” (2) has 4 texts. The 2 surest:",
        "  [d4] text 4",
        "  [d5] text 5",
    ]


def test_texts_by_nearness_are_called_so_and_all_of_them_are_called_all() -> None:
    answer = lines(ask(About.TEXTS, category=TAXES, count=50))
    assert answer[0] == (
        "“Taxes” (3) has 4 texts of the sample (by nearness: nothing is labelled yet). All of them:"
    )
    assert len(answer) == 5


def test_without_a_category_the_undefined_texts_are_shown() -> None:
    assert lines(ask(About.TEXTS)) == ["1 text fits no category; 1 of them:", "  [d12] text 12"]
    everything = {number: replace(there, category=CATS) for number, there in labels().items()}
    assert ask(About.TEXTS, ListView(labels=everything)) == "No text is undefined."


def test_a_category_without_texts_says_so_and_nobody_gets_a_million_texts() -> None:
    few = {number: there for number, there in labels().items() if there.category != DOGS}
    assert ask(About.TEXTS, ListView(labels=few), category=DOGS) == "“Dogs” (2) has no texts."
    many = ListView(vectors=about([0], 300))
    assert len(lines(ask(About.TEXTS, many, category=CATS, count=10**9))) == MOST_SHOWN + 1


def test_a_long_hostile_text_is_cut_and_harmless() -> None:
    view = ListView(
        labels=labels(), texts={0: "\x1b[31mred\nsecond line " + 100 * "and on "}, ids={0: "a\x1bb\n"}
    )
    shown = lines(ask(About.TEXTS, view, category=CATS, count=1))
    assert len(shown) == 2
    assert "\x1b" not in shown[1]
    assert "red second line" in shown[1]
    assert shown[1].endswith("…")
    assert len(shown[1]) < WIDTH + 20


# why


def test_why_gives_label_source_confidence_reason_and_neighbours() -> None:
    known = labels()
    known[0] = replace(known[0], reason="It purrs.", also=(DOGS,))
    answer = ask(About.WHY, ListView(labels=known), document="d0")
    assert lines(answer)[:3] == [
        "  [d0] text 0",
        "Labelled “Cats” (1) by the LLM, confidence 0.90; also “Dogs” (2).",
        "The reason given: It purrs.",
    ]
    nearest = next(line for line in lines(answer) if line.startswith("Nearest categories"))
    assert nearest.startswith("Nearest categories (similarity 0 to 1): “Cats” (1) 0.9")
    neighbours = lines(answer)[lines(answer).index("Nearest texts:") + 1 :]
    assert len(neighbours) == 4
    assert all("“Cats”" in line for line in neighbours[:3])
    assert not any("[d0]" in line for line in neighbours)


def test_why_before_labels_goes_by_nearness_and_says_when_nothing_fits() -> None:
    assert "Nothing is labelled yet. It is nearest to “Dogs” (2)." in ask(About.WHY, document="d5")
    strange = ask(About.WHY, document="d12")
    assert "Nothing is labelled yet. It fits no category." in strange
    assert "A text fits from 0.50 on; this one fits none well." in strange


def test_why_tells_of_labels_that_edits_have_ended() -> None:
    known = labels()
    known[0] = replace(known[0], waiting=True)
    known[1] = replace(known[1], waiting=True, former="Kittens")
    known[2] = replace(known[2], waiting=True, former="Kittens", category=None)
    view = ListView(labels=known)
    assert "confidence 0.90; labelled anew when you approve" in ask(About.WHY, view, document="d0")
    assert (
        "It was labelled “Kittens”, which labels no texts any more. Now it is nearest to “Cats” (1)"
        in ask(About.WHY, view, document="d1")
    )
    assert "Now it fits no category" in ask(About.WHY, view, document="d2")


@pytest.mark.parametrize(
    ("source", "who"),
    [(Source.STUDENT, "by the classifier"), (Source.HUMAN, "by you"), (Source.LINEAGE, "before your edits")],
)
def test_why_tells_who_gave_the_label(source: Source, who: str) -> None:
    known = {**labels(), 0: Standing(CATS, source, 0.7)}
    assert who in ask(About.WHY, ListView(labels=known), document="d0")


def test_why_of_an_undefined_text_and_of_one_that_nothing_is_known_of() -> None:
    view = ListView(labels=labels())
    assert "Labelled undefined by the LLM, confidence 0.40." in ask(About.WHY, view, document="d12")
    assert "no label yet" in ask(About.WHY, view, document="d13")
    assert "not in the sample" in ask(About.WHY, view, document="d13")


def test_why_takes_an_id_in_brackets_and_a_texts_own_words() -> None:
    by_id = ask(About.WHY, document="d5")
    assert ask(About.WHY, document="[d5]") == by_id
    assert ask(About.WHY, document="dog") == ask(About.WHY, document="d5")  # its vector is nearest to d5


def test_why_of_an_unknown_id_says_where_ids_are_found_and_of_a_repeated_one_that_it_is() -> None:
    unknown = lines(ask(About.WHY, document="nope"))
    assert unknown[0] == 'No text has the id "nope". Nearest to these words:'
    assert len(unknown) == 5
    assert unknown[-1].endswith("/why ID")
    nowhere = ask(About.WHY, ListView(vectors=VECTORS[:0]), document="nope")
    assert lines(nowhere) == ['No text has the id "nope".', unknown[-1]]
    assert "/why ID" in ask(About.WHY)
    assert "/why ID" in ask(About.WHY, document="  ")
    view = ListView(ids={0: "same", 5: "same"})
    assert lines(ask(About.WHY, view, document="same"))[0].startswith("More than one text has the id")


def test_why_works_without_categories() -> None:
    view = ListView(versions=(Version.first(),), labels={0: Standing(None, Source.LLM, 0.2)})
    assert "Nearest categories" not in ask(About.WHY, view, document="d0")


# near


def test_what_is_near_to_words_is_found_before_there_are_labels() -> None:
    answer = lines(ask(About.NEAR, text="dog", count=3))
    assert answer[0] == 'Nearest to "dog" among 13 texts of the sample:'
    assert len(answer) == 5
    assert all(line.split("]")[0] in {"  [d4", "  [d5", "  [d6", "  [d7"} for line in answer[1:4])
    assert all("(“Dogs”, 0.9" in line for line in answer[1:4])
    assert answer[4] == "The words themselves are nearest to “Dogs” (2) (1.00)."


def test_the_nearest_come_first_as_brute_force_finds_them() -> None:
    similarities = VECTORS @ axis(1)
    expected = [f"  [d{number}]" for number in np.argsort(-similarities)[:5]]
    assert [line.split(" (")[0] for line in lines(ask(About.NEAR, text="dog"))[1:6]] == expected


def test_near_needs_words_and_texts() -> None:
    assert "/find" in ask(About.NEAR, text=" ")
    assert "no texts" in ask(About.NEAR, ListView(vectors=VECTORS[:0]), text="dog")
    known = {number: there for number, there in labels().items() if number != 4}
    assert "(not labelled" in ask(About.NEAR, ListView(labels=known), text="dog")
    assert "(undefined" in ask(About.NEAR, ListView(labels=labels()), text="dog", count=13)


# overlap


def crowded(**changes: object) -> ListView:
    """Three texts are between dogs and taxes."""
    vectors = np.concatenate([about([0, 1, 2], EACH), between(1, 2, 3)])
    return ListView(vectors=vectors, **changes)  # type: ignore[arg-type]


def test_the_two_categories_that_claim_the_same_texts_overlap_most() -> None:
    answer = lines(ask(About.OVERLAP, crowded()))
    assert answer[0] == "“Dogs” (2) and “Taxes” (3) overlap most."
    assert answer[1].startswith(
        "3 of their 11 texts in the sample lie between them; their similarity is 0.00"
    )
    assert sorted(line[:7] for line in answer[2:5]) == ["  [d12]", "  [d13]", "  [d14]"]
    assert answer[5] == "To make them one: /merge 2, 3"


def test_asked_about_one_category_the_answer_has_it() -> None:
    assert "“Cats” (1) and" in ask(About.OVERLAP, crowded(), category=CATS)
    lonely = ListView(
        versions=(Version.first().then([Add(name="Cats", description="x")], author=Author.HUMAN),)
    )
    assert ask(About.OVERLAP, lonely) == "There are no two categories to compare."


def test_labels_that_name_both_are_counted() -> None:
    known = {**labels(), 4: Standing(DOGS, Source.LLM, 0.9, also=(TAXES,))}
    assert "1 text of the sample bears both labels." in ask(About.OVERLAP, crowded(labels=known))


# the rest


def test_the_difference_is_the_last_change_unless_versions_are_named() -> None:
    renamed = FIRST.then([Redefine(id=CATS, name="Felines")], author=Author.HUMAN)
    merged = renamed.then([Merge(ids=(DOGS, TAXES), name="Dog taxes")], author=Author.HUMAN)
    view = ListView(versions=(Version.first(), FIRST, renamed, merged))
    last = ask(About.DIFFERENCE, view)
    assert (
        lines(last)[0] == f"From version {renamed.id[:8]} (3 categories) to {merged.id[:8]} (2 categories):"
    )
    assert "Dog taxes" in last
    assert "Felines" not in last
    both = ask(About.DIFFERENCE, view, versions=(FIRST.id[:6],))
    assert "Felines" in both
    assert "Dog taxes" in both
    one = ask(About.DIFFERENCE, view, versions=(FIRST.id, renamed.id))
    assert "Felines" in one
    assert "Dog taxes" not in one
    back = ask(About.DIFFERENCE, view, versions=(merged.id, FIRST.id))
    assert lines(back)[0].endswith("(3 categories):")


def test_a_difference_of_nothing_says_so() -> None:
    assert "nothing differs" in ask(About.DIFFERENCE, versions=(FIRST.id,))
    assert "nothing has changed yet" in ask(About.DIFFERENCE, ListView(versions=(Version.first(),)))
    assert "no version" in ask(About.DIFFERENCE, versions=("zzz",))


def test_two_branches_are_compared_through_where_they_part() -> None:
    other = FIRST.then([Remove(id=TAXES)], author=Author.HUMAN)

    class Forked(ListView):
        def path(self, version: str | None = None) -> list[Version]:
            return [FIRST, other] if version == "other" else super().path(version)

    renamed = FIRST.then([Redefine(id=CATS, name="Felines")], author=Author.HUMAN)
    answer = ask(About.DIFFERENCE, Forked(versions=(FIRST, renamed)), versions=("other",))
    assert "Felines" in answer
    assert "Taxes" in answer


def test_standing_instructions_are_listed_with_the_numbers_that_drop_them() -> None:
    assert "no standing instructions" in ask(About.INSTRUCTIONS)
    wishes = (Instruction(text="at most 8"), Instruction(text="in German"))
    answer = ask(About.INSTRUCTIONS, ListView(instructions=wishes))
    assert "  1  at most 8" in lines(answer)
    assert "  2  in German" in lines(answer)
    assert "/instructions drop" in answer


def test_help_lists_every_command() -> None:
    answer = ask(About.HELP)
    assert all(command.form in answer for command in COMMANDS)


def test_a_very_long_name_is_cut() -> None:
    long = Taxonomy(categories=(Category(id="x", name=40 * "long ", description="d"),))
    version = FIRST.model_copy(update={"taxonomy": long})
    assert max(map(len, lines(ask(About.COUNT, ListView(versions=(version,)))))) < 130
