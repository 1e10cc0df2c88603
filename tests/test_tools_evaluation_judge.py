"""Judging without an LLM: what is asked, how answers are read, and what figures come of known mistakes."""

import math
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tnt_llm.prompts.judge import read_shares
from tnt_llm.taxonomy.document import Document
from tnt_llm.taxonomy.values import Category, Taxonomy
from tnt_llm.tools.evaluation.bootstrap import Bootstrap
from tnt_llm.tools.evaluation.judge_purposes import OTHER_USE_CASE, known_purposes
from tnt_llm.tools.evaluation.judge_questions import (
    MOST,
    NEITHER,
    UNANSWERED,
    UNCLEAR,
    YES,
    Asker,
    read_item,
    relevance_item,
)
from tnt_llm.tools.evaluation.judge_sample import Sampled, draw_known, draw_sample, nearest_others
from tnt_llm.tools.evaluation.judge_skill import CHANCE, LEAST_KNOWN, Skill, judged_figures
from tnt_llm.tools.evaluation.judge_spans import cut, plan_removals, spans_of
from tnt_llm.tools.evaluation.judge_verdicts import (
    Bill,
    Kind,
    Removed,
    Verdicts,
    agreement_section,
    judge_sections,
    notes_of,
    skill_of,
)
from tnt_llm.tools.evaluation.outcome import Answers, Outcome
from toy_texts import WORDS, WordEncoder, texts_about

QUICK = Bootstrap(resamples=300)
PERFECT = Skill(yes=30, hits=30, no=30, rejections=30)


def codes(*values):
    return np.array(values, dtype=np.int64)


def leaves_of(*names):
    return tuple(
        Category(id=name, name=name, description=" ".join(WORDS.get(name, ["something"])[:4]))
        for name in names
    )


ASKER = Asker.of("tell what it is", leaves_of("pets", "taxes", "football"), seed=0)


def sure(chosen, letters):
    return {letter: 0.9 if letter == chosen else 0.1 / (len(letters) - 1) for letter in letters}


# --- answers ---


def test_shares_come_from_the_alternatives_or_else_from_the_text():
    top = [("A", math.log(0.6)), (" B", math.log(0.3)), ("C", math.log(0.1))]
    assert read_shares(top, "B", "ABC") == pytest.approx({"A": 0.6, "B": 0.3, "C": 0.1})
    assert read_shares((), "B) the second", "ABC") == {"A": 0.0, "B": 1.0, "C": 0.0}


@pytest.mark.parametrize(
    ("top", "text"), [((), "A or B"), ((), "Both fit"), ((), ""), ([("The", -0.1)], "A")]
)
def test_what_is_no_letter_is_no_judgement(top, text):
    assert read_shares(top, text, "ABC") is None


# --- items ---


def test_the_other_order_of_a_pair_swaps_the_categories_and_leaves_neither_last():
    first, second = ASKER.pair("a cat", 0, 2).questions
    assert (first.meanings, second.meanings) == ((0, 2, NEITHER), (2, 0, NEITHER))
    assert first.variables["first"]["name"] == second.variables["second"]["name"] == "pets"


@pytest.mark.parametrize(
    ("letters", "said"),
    [("AB", 0), ("BA", 2), ("CC", NEITHER), ("AA", UNCLEAR), ("BB", UNCLEAR), ("AC", UNCLEAR)],
)
def test_a_pair_counts_only_where_both_orders_say_the_same(letters, said):
    item = ASKER.pair("a cat", 0, 2)
    assert read_item(item, [sure(letter, "ABC") for letter in letters]) == said


def test_a_pair_with_an_order_unanswered_is_unanswered():
    assert read_item(ASKER.pair("a cat", 0, 2), [sure("A", "ABC"), None]) == UNANSWERED


def test_a_tie_is_unclear():
    even = {"A": 0.4, "B": 0.4, "C": 0.2}
    assert read_item(ASKER.pair("a cat", 0, 2), [even, even]) == UNCLEAR


def test_a_list_offers_all_and_none_and_its_orders_are_each_others_reverse():
    first, second = ASKER.listwise("a cat", (0, 1, 2)).questions
    assert sorted(first.meanings) == [NEITHER, 0, 1, 2]
    assert first.meanings[-1] == second.meanings[-1] == NEITHER
    assert first.meanings[:-1] == second.meanings[:-1][::-1]
    assert first.variables["last"] == "D"
    assert ASKER.listwise("a cat", (0, 1, 2), 1).questions == (first,)


def test_a_liking_for_the_first_letter_cancels_out_in_a_list():
    item = ASKER.listwise("a cat", (0, 1, 2))
    liked = {0: 0.5, 1: 0.2, 2: 0.2, NEITHER: 0.1}
    answers = []
    for question in item.questions:
        shares = {letter: liked[meaning] for letter, meaning in zip("ABCD", question.meanings, strict=True)}
        answers.append(shares | {"A": shares["A"] + 0.25})
    assert read_item(item, answers) == 0


def test_two_texts_that_name_different_places_of_a_list_are_unclear_and_one_alone_counts():
    item = ASKER.listwise("a cat", (0, 1, 2))
    one = {"A": 1.0, "B": 0.0, "C": 0.0, "D": 0.0}
    assert read_item(item, [one, one]) == UNCLEAR
    assert read_item(item, [one, None]) == item.questions[0].meanings[0]
    assert read_item(item, [None, None]) == UNANSWERED


def test_relevance_is_asked_with_yes_first_and_with_yes_last():
    item = relevance_item("see", "Pets", "About pets.")
    assert [question.variables["first"] for question in item.questions] == ["Yes", "No"]
    assert read_item(item, [sure("A", "AB"), sure("B", "AB")]) == YES
    assert read_item(item, [sure("A", "AB"), sure("A", "AB")]) == UNCLEAR


def test_known_purposes_have_as_many_right_as_wrong_ones_and_none_is_both():
    yes, no = known_purposes()
    assert len(yes) == len(no) >= LEAST_KNOWN

    def told(items):
        return {
            (item.questions[0].variables["use_case"], item.questions[0].variables["category"]["name"])
            for item in items
        }

    assert not told(yes) & told(no)
    assert any(use_case == OTHER_USE_CASE for use_case, _ in told(yes))


# --- the sample ---


def outcome_of(texts, primary, leaves):
    n = len(texts)
    labels = Answers.given(
        n, {row: ((place,) if place >= 0 else (), 0.9) for row, place in enumerate(primary)}
    )
    return Outcome(
        run="main",
        use_case="tell what it is",
        version="v",
        taxonomy=Taxonomy(categories=leaves),
        documents=tuple(Document(row, f"d{row}", text) for row, text in enumerate(texts)),
        labels=labels,
        teacher=labels,
        student=Answers.none(n),
        learned=np.ones(n, dtype=bool),
        representative=np.ones(n, dtype=bool),
    )


@pytest.fixture(scope="module")
def given_run():
    """Ten texts on each of three topics, all labelled right but the first, and ten undefined ones."""
    names = ("pets", "taxes", "football")
    texts = [text for topic in (*names, "strange") for text in texts_about(topic, 10)]
    primary = [place for place in (0, 1, 2, -1) for _ in range(10)]
    primary[0] = 1
    leaves = leaves_of(*names)
    encoder = WordEncoder()
    described = encoder.encode([leaf.text for leaf in leaves])
    return outcome_of(texts, primary, leaves), described, encoder


def test_a_larger_sample_goes_on_where_a_smaller_one_ended(given_run):
    small = draw_sample(*given_run, count=8, seed=1, read=str)
    large = draw_sample(*given_run, count=20, seed=1, read=str)
    assert large[:8] == small
    assert draw_sample(*given_run, count=8, seed=2, read=str) != small


def test_what_is_undefined_or_blank_is_not_sampled_and_the_label_is_never_its_own_alternative(given_run):
    sampled = draw_sample(*given_run, count=100, seed=0, read=lambda text: "" if "cat" in text else text)
    assert {one.assigned for one in sampled} == {0, 1, 2}
    assert all("cat" not in one.text and one.row < 30 for one in sampled)
    assert all(one.assigned not in (one.random, one.nearest) for one in sampled)
    assert {one.random for one in sampled} == {0, 1, 2}


def test_the_nearest_other_description_is_the_most_alike_one():
    described = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    assert nearest_others(described).tolist() == [1, 0, 1]


def test_known_texts_have_the_label_that_their_description_says_too_and_a_wrong_one_beside(given_run):
    outcome, described, encoder = given_run
    known = draw_known(*given_run, count=12, seed=0, read=str)
    cosines = encoder.encode([one.text for one in known]) @ described.T
    assert cosines.argmax(axis=1).tolist() == [one.right for one in known]
    assert outcome.documents[0].text not in {one.text for one in known}
    for one in known:
        assert one.right != one.wrong
        assert one.beside_right != one.right
        assert one.beside_wrong != one.wrong
    counts = [sum(one.right == place for one in known) for place in range(3)]
    assert max(counts) - min(counts) <= 2


def test_where_categories_are_more_than_letters_the_nearest_are_offered_and_the_label_among_them():
    names = [f"topic{place}" for place in range(MOST + 15)]
    encoder = WordEncoder()
    leaves = leaves_of(*names)
    described = encoder.encode([leaf.name for leaf in leaves])
    texts = [f"{name} of all" for name in names]
    outcome = outcome_of(texts, [0] * len(names), leaves)
    sampled = draw_sample(outcome, described, encoder, count=10, seed=0, read=str)
    for one in sampled:
        assert len(one.offered) == MOST
        assert {0, one.row} <= set(one.offered)
        (question, _) = Asker.of("x", leaves, 0).listwise(one.text, one.offered).questions
        assert len(question.letters) == MOST + 1


# --- spans ---


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("It is late. Send 1.5 back! Why?", ["It is late. ", "Send 1.5 back! ", "Why?"]),
        ("配送が遅い。返金して。", ["配送が遅い。", "返金して。"]),
        ("one two three four", ["one", "two", "three", "four"]),
        ("one two three", []),
        ("", []),
    ],
)
def test_parts_are_sentences_or_else_a_quarter_of_the_words(text, parts):
    assert [text[start:end] for start, end in spans_of(text)] == parts


@given(st.text(max_size=80))
def test_a_part_that_is_taken_out_leaves_the_rest(text):
    for start, end in spans_of(text):
        assert cut(text, (start, end)).split() == (text[:start].split() + text[end:].split())


def test_what_is_taken_out_is_like_the_label_and_the_control_is_not():
    encoder = WordEncoder()
    label = encoder.encode(["cat dog hamster"])
    text = "The stadium was full. My cat and my dog slept. It was late."
    (removal,) = plan_removals([text], label, encoder)
    assert "cat" not in removal.without_span
    assert "cat" in removal.without_other
    assert plan_removals(["short text"], label, encoder) == [None]
    assert plan_removals([], label[:0], encoder) == []


# --- skill ---


def test_skill_counts_clear_answers_alone():
    skill = skill_of(
        codes(0, 1, UNCLEAR, NEITHER), [0, 0, 0, 0], codes(1, 2, NEITHER, UNANSWERED), [1, 1, 1, 1]
    )
    assert skill == Skill(yes=3, hits=1, no=3, rejections=2)
    assert skill.youden == pytest.approx(0)


def test_a_judge_that_is_never_wrong_still_has_an_interval():
    found = PERFECT.figures(QUICK)
    assert found["sensitivity"].value == found["sensitivity"].high == 1
    assert 0.8 < found["sensitivity"].low < 0.97
    assert PERFECT.is_usable(QUICK)


@pytest.mark.parametrize(
    ("skill", "usable"),
    [
        (Skill(30, 15, 30, 15), False),  # a coin
        (Skill(30, 30, 30, 0), False),  # always yes
        (Skill(30, 20, 30, 20), False),  # .33, but it may be below .1
        (Skill(30, 24, 30, 24), True),
        (Skill(LEAST_KNOWN - 1, LEAST_KNOWN - 1, 30, 30), False),  # nothing known
        (Skill(0, 0, 0, 0), False),
    ],
)
def test_a_judge_near_chance_or_unknown_is_unusable(skill, usable):
    assert skill.is_usable(Bootstrap()) is usable
    if skill.is_measured:
        assert (skill.figures(Bootstrap())["youden"].low >= CHANCE) is usable


# --- correction ---


def test_a_share_is_corrected_as_rogan_and_gladen_do():
    skill = Skill(yes=100, hits=90, no=100, rejections=80)
    found = judged_figures({"p": np.repeat(codes(0, 1), [34, 66])}, skill, QUICK)
    assert found["p"].value == pytest.approx(0.66)
    assert found["p_corrected"].value == pytest.approx((0.66 + 0.8 - 1) / (0.9 + 0.8 - 1))
    assert found["p_corrected"].high - found["p_corrected"].low > found["p"].high - found["p"].low


def test_a_perfect_judge_corrects_nothing_and_what_goes_over_is_clipped():
    values = np.repeat(codes(0, 1), [20, 80])
    assert judged_figures({"p": values}, PERFECT, QUICK)["p_corrected"].value == pytest.approx(0.8)
    timid = Skill(yes=50, hits=30, no=50, rejections=50)
    found = judged_figures({"p": values}, timid, QUICK)["p_corrected"]
    assert found.value == found.high == 1


def test_a_difference_is_corrected_by_the_index_alone():
    said = {"a": np.repeat(codes(0, 1), [30, 70]), "b": np.repeat(codes(0, 1), [60, 40])}
    skill = Skill(yes=100, hits=90, no=100, rejections=70)
    found = judged_figures(said, skill, QUICK, difference="d")
    assert found["d_corrected"].value == pytest.approx(0.3 / 0.6)
    assert found["a_corrected"].value == pytest.approx((0.7 - 0.3) / 0.6)


def test_a_corrected_share_without_an_exception_leaves_an_interval_open():
    few, many = (
        judged_figures({"p": np.ones(n, dtype=np.int64)}, PERFECT, QUICK)["p_corrected"] for n in (5, 500)
    )
    assert few.value == few.high == many.value == 1
    assert few.low < 0.9 < many.low


@pytest.mark.parametrize(
    ("p", "sensitivity", "specificity"), [(0.8, 0.9, 0.8), (0.6, 0.7, 0.9), (0.7, 0.95, 0.6)]
)
def test_corrected_intervals_hold_the_truth_and_uncorrected_ones_often_do_not(p, sensitivity, specificity):
    draw, held, missed, trials = np.random.default_rng(0), 0, 0, 200
    for trial in range(trials):
        skill = Skill(40, int(draw.binomial(40, sensitivity)), 40, int(draw.binomial(40, specificity)))
        says_yes = p * sensitivity + (1 - p) * (1 - specificity)
        values = (draw.random(100) < says_yes).astype(np.int64)
        found = judged_figures({"p": values}, skill, Bootstrap(resamples=300, seed=trial))
        held += found["p_corrected"].low <= p <= found["p_corrected"].high
        missed += not found["p"].low <= p <= found["p"].high
    assert held / trials >= 0.9
    assert missed / trials > 1 - held / trials


# --- sections ---


def verdicts_of(labels, judge="j", skills=None, **given):
    n = len(next(iter(labels.values()), ()))
    sampled = tuple(
        Sampled(row, f"text {row}", row % 3, (row + 1) % 3, (row + 2) % 3, (0, 1, 2)) for row in range(n)
    )
    return Verdicts(
        judge=judge,
        sampled=sampled,
        skills=dict.fromkeys(Kind, PERFECT) if skills is None else skills,
        labels=labels,
        other_use_case="another",
        bills={
            part: Bill({f"{part}{row}": 7 for row in range(4)})
            for part in ("skill", "labels", "relevance", "removal")
        },
        **given,
    )


def test_labels_are_counted_where_the_judge_is_clear_and_the_bill_tells_questions_and_tokens():
    said = codes(0, 1, 2, 1, NEITHER, UNCLEAR, UNANSWERED)  # the labels are 0 1 2 0 1 2 0
    (_, section) = judge_sections("judge", verdicts_of({Kind.RANDOM: said}), QUICK)
    figure = section.figures["label_random"]
    assert (figure.value, figure.n) == (pytest.approx(3 / 5), 5)
    assert section.figures["clear_random"].value == pytest.approx(5 / 6)
    assert section.facts["unanswered"] == 1
    assert (section.facts["judgements"], section.facts["tokens"]) == (4, 28)


def test_relevance_less_that_to_another_use_case_is_paired_by_category():
    found = verdicts_of({}, relevant=codes(1, 1, 1, 0, UNCLEAR), elsewhere=codes(0, 0, 1, 0, 1))
    section = judge_sections("judge", found, QUICK)[-1]
    values = {name: figure.value for name, figure in section.figures.items()}
    assert values["relevance"] == pytest.approx(3 / 4)
    assert values["relevance_elsewhere"] == pytest.approx(1 / 4)
    assert values["relevance_difference"] == pytest.approx(1 / 2)
    assert section.figures["relevance"].n == 4


def test_the_counterfactual_check_is_held_against_its_control():
    removed = Removed(
        before=codes(0, 1, 2, 0), without_span=codes(1, NEITHER, 2, UNCLEAR), without_other=codes(0, 1, 0, 0)
    )
    section = judge_sections("judge", verdicts_of({}, removed=removed), QUICK)[-1]
    assert section.figures["span_changes"].value == pytest.approx(2 / 3)
    assert section.figures["span_difference"].value == pytest.approx(1 / 3)
    assert section.facts["documents"] == 3


def test_what_nobody_was_clear_about_makes_no_figures_and_no_fault():
    unclear = np.full(5, UNCLEAR)
    found = verdicts_of({Kind.RANDOM: unclear}, relevant=unclear, elsewhere=unclear)
    for section in judge_sections("judge", found, QUICK):
        assert "label_random" not in section.figures
        assert "relevance" not in section.figures


def test_an_unusable_kind_has_a_note_that_says_why():
    skills = {Kind.RANDOM: Skill(30, 15, 30, 15), Kind.LISTWISE: Skill(3, 3, 3, 3), Kind.NEAREST: PERFECT}
    chance, few = notes_of(verdicts_of({}, skills=skills), Bootstrap())
    assert "near chance" in chance
    assert "only 3 right and 3 wrong" in few
    (section,) = judge_sections("judge", verdicts_of({}, skills=skills), Bootstrap())
    assert "random other" in section.facts["unusable"]


def test_two_judges_agree_by_what_they_take_for_right():
    # The label, the other one, neither; then one that is clear to a single judge.
    one = verdicts_of({Kind.RANDOM: codes(0, 2, NEITHER, 0)})
    other = verdicts_of({Kind.RANDOM: codes(0, 1, NEITHER, UNCLEAR)}, judge="k")
    section = agreement_section("judges_1_2", one, other, QUICK)
    assert section.figures["agree_random"].value == pytest.approx(2 / 3)
    assert section.figures["agree_random"].n == 3
    assert section.facts["second_judge"] == "k"
    assert agreement_section("judges_1_2", one, verdicts_of({}, judge="k"), QUICK) is None


def test_none_of_all_is_something_to_agree_on():
    same = {Kind.LISTWISE: codes(NEITHER, NEITHER, 1, UNANSWERED)}
    section = agreement_section("x", verdicts_of(same), verdicts_of(same, judge="k"), QUICK)
    assert section.figures["agree_listwise"] == section.figures["kappa_listwise"]
    assert section.figures["agree_listwise"].n == 3


def test_a_bill_counts_a_question_once():
    assert (Bill({"a": 3, "b": 4}) + Bill({"b": 4})).facts == {"judgements": 2, "tokens": 7}


def test_a_judge_sees_no_more_of_an_item_than_its_variables():
    fields = {"use_case", "first", "second", "text"}
    assert set(ASKER.pair("t", 0, 1).questions[0].variables) == fields
    assert SimpleNamespace(**ASKER.pair("t", 0, 1).questions[0].variables["first"]).__dict__.keys() == {
        "name",
        "description",
    }
