"""Labels that are likely wrong: found where they were planted, by both signals, and judged by what is answered."""

import numpy as np
import pytest
from planted import around_axes
from tnt_llm.checkpoints.checks import Verdict
from tnt_llm.tools.cleaning import (
    LEAST_TEXTS,
    confident_errors,
    find_suspects,
    judge,
    neighbour_disagreement,
    out_of_fold,
)


def mislabelled(*sizes, wrong, seed=0):
    """Vectors in groups, classes by group but for the rows `wrong`, which bear the next group's."""
    vectors, place = around_axes(*sizes, seed=seed)
    classes = place.copy()
    classes[wrong] = (classes[wrong] + 1) % len(sizes)
    return vectors, classes.astype(np.int64), place


def test_wrong_labels_are_found_and_right_ones_are_left_alone():
    wrong = [0, 7, 33, 50, 71]
    vectors, classes, place = mislabelled(30, 30, 30, wrong=wrong)
    found = find_suspects(vectors, classes)
    assert sorted(suspect.row for suspect in found) == wrong
    assert [suspect.neighbours for suspect in found] == [place[suspect.row] for suspect in found]
    assert [suspect.student for suspect in found] == [place[suspect.row] for suspect in found]
    assert all(0.5 < suspect.doubt <= 1 for suspect in found)


def test_where_all_labels_are_right_none_is_suspect():
    vectors, classes, _ = mislabelled(30, 30, 30, wrong=[])
    assert find_suspects(vectors, classes) == []


def test_no_more_than_the_share_are_suspect_and_those_are_the_most_doubtful():
    wrong = list(range(0, 40, 5))
    vectors, classes, _ = mislabelled(40, 40, wrong=wrong)
    every = find_suspects(vectors, classes, share=1.0)
    few = find_suspects(vectors, classes, share=0.05)
    assert len(few) == 4
    assert few == every[:4]
    assert [suspect.doubt for suspect in every] == sorted((s.doubt for s in every), reverse=True)


def test_only_candidates_are_suspect():
    wrong = [0, 7, 33, 50]
    vectors, classes, _ = mislabelled(30, 30, wrong=wrong)
    found = find_suspects(vectors, classes, candidates=[7, 8, 9, *range(33, 50)], share=0.5)
    assert sorted(suspect.row for suspect in found) == [7, 33]
    assert find_suspects(vectors, classes, candidates=[], share=0.5) == []


def test_a_class_of_few_texts_is_left_alone():
    vectors, classes, _ = mislabelled(40, 40, wrong=[])
    classes[[0, 1, 2]] = 2  # three texts of their own class amid another's
    assert find_suspects(vectors, classes, share=1.0) == []
    classes[[3, 4]] = 2
    assert {suspect.row for suspect in find_suspects(vectors, classes, share=1.0)} <= {0, 1, 2, 3, 4}


@pytest.mark.parametrize("n", [0, 1, LEAST_TEXTS - 1])
def test_of_few_texts_nothing_is_said(n):
    vectors, classes, _ = mislabelled(n // 2, n - n // 2, wrong=[0] if n else [])
    assert find_suspects(vectors, classes, share=1.0) == []


def test_one_class_alone_is_never_wrong():
    vectors, _ = around_axes(30)
    assert find_suspects(vectors, np.zeros(30, dtype=np.int64), share=1.0) == []


def test_neighbours_against_a_label_are_counted_by_weight_without_the_text_itself():
    vectors = np.array([[1, 0], [0.8, 0.6], [0, 1]], dtype=np.float32)
    classes = np.array([0, 1, 1])
    against, majority = neighbour_disagreement(vectors, classes, neighbours=2)
    assert against == pytest.approx([1.0, 0.8 / 1.4, 0.0], abs=1e-5)
    assert majority.tolist() == [1, 0, 1]
    against, majority = neighbour_disagreement(vectors, classes, neighbours=1)
    assert against == pytest.approx([1.0, 1.0, 0.0])
    assert majority.tolist() == [1, 0, 1]


def test_a_tie_speaks_for_the_label():
    vectors = np.array([[1, 0], [1, 0], [1, 0]], dtype=np.float32)
    assert neighbour_disagreement(vectors, np.array([0, 0, 1]))[1].tolist() == [0, 0, 0]


def test_what_is_held_out_is_not_learnt_from():
    vectors, classes, place = mislabelled(20, 20, wrong=[3])
    chances = out_of_fold(vectors, classes)
    assert chances.sum(axis=1) == pytest.approx(np.ones(40))
    assert chances.argmax(axis=1).tolist() == place.tolist()


def test_confidence_is_judged_by_what_is_usual_for_the_class():
    # Class 1 is never given more than .4: being given .35 is a sign of it all the same.
    chances = np.array([[0.9, 0.1], [0.8, 0.2], [0.65, 0.35], [0.6, 0.4], [0.7, 0.3]])
    classes = np.array([0, 0, 0, 1, 1])
    assert confident_errors(chances, classes).tolist() == [False, False, True, False, False]
    assert not confident_errors(chances[:3], classes[:3]).any()


@pytest.mark.parametrize(
    ("label", "answer", "verdict"),
    [
        ("a", "a", Verdict.KEPT),
        (None, None, Verdict.KEPT),
        ("a", "b", Verdict.CHANGED),
        ("a", None, Verdict.CHANGED),
        ("a", "c", Verdict.DROPPED),
        (None, "c", Verdict.DROPPED),
    ],
)
def test_an_answer_counts_where_it_confirms_or_is_borne_out(label, answer, verdict):
    assert judge(label, answer, {"b", None}) is verdict
