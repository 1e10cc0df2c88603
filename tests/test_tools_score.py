"""The score prefers the taxonomy that was planted to every neighbour of it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from planted import WIDTH, about, axis
from tnt_llm.tools.evidence import Placement, fit_threshold, unit
from tnt_llm.tools.score import LEAST_COVERAGE, REDUNDANT_FROM, Score, score

TOPICS = (0, 1, 2, 3)
DOCUMENTS = about(TOPICS, 15, spread=0.12)


def scored(categories: np.ndarray) -> Score:
    """Of the planted documents among categories whose prototype is their description."""
    similarities = np.asarray(DOCUMENTS @ categories.T, dtype=np.float32)
    return score(Placement(similarities, fit_threshold(similarities, 0.9)), categories)


PLANTED = np.stack([axis(topic) for topic in TOPICS])


def test_the_planted_taxonomy_covers_its_documents_and_repeats_nothing() -> None:
    found = scored(PLANTED)
    assert found.coverage == 1.0
    assert found.redundancy == 0.0
    assert found.silhouette > 0.5
    assert found.value == pytest.approx(found.silhouette)


@pytest.mark.parametrize("topic", TOPICS)
def test_a_twin_makes_a_taxonomy_worse(topic: int) -> None:
    twin = unit((axis(topic) + 0.1 * axis(9))[None])
    worse = scored(np.concatenate([PLANTED, twin]))
    assert worse.value < scored(PLANTED).value
    assert worse.redundancy > 0


@pytest.mark.parametrize("topic", TOPICS)
def test_a_missing_category_makes_a_taxonomy_worse(topic: int) -> None:
    worse = scored(np.delete(PLANTED, topic, axis=0))
    assert worse.value < scored(PLANTED).value
    assert worse.coverage < 1


def test_two_topics_in_one_category_make_a_taxonomy_worse() -> None:
    lumped = np.concatenate([PLANTED[:2], unit((axis(2) + axis(3))[None])])
    assert scored(lumped).value < scored(PLANTED).value


def test_a_category_beside_the_matter_is_no_gain() -> None:
    assert scored(np.concatenate([PLANTED, axis(12)[None]])).value <= scored(PLANTED).value + 1e-6


@given(st.permutations(range(4)))
def test_the_order_of_categories_does_not_matter(order: list[int]) -> None:
    assert scored(PLANTED[order]).value == pytest.approx(scored(PLANTED).value, abs=1e-5)


def test_the_silhouette_by_value() -> None:
    similarities = np.array([[0.8, 0.2], [0.4, 0.4]], dtype=np.float32)
    # (0.8 - 0.2) / 0.8 for the first; the second is between the two.
    assert score(Placement(similarities, 0.0), PLANTED[:2]).silhouette == pytest.approx((0.75 + 0.0) / 2)


@pytest.mark.parametrize(
    ("cosine", "redundancy"),
    [(0.0, 0.0), (REDUNDANT_FROM, 0.0), ((1 + REDUNDANT_FROM) / 2, 0.5), (1.0, 1.0)],
)
def test_redundancy_grows_from_its_limit_to_1(cosine: float, redundancy: float) -> None:
    second = cosine * axis(0) + np.sqrt(1 - cosine**2) * axis(1)
    described = np.stack([axis(0), second]).astype(np.float32)
    placement = Placement(np.array([[0.5, 0.4]], dtype=np.float32), 0.0)
    assert score(placement, described).redundancy == pytest.approx(redundancy, abs=1e-5)


def test_coverage_counts_only_below_its_limit() -> None:
    enough = Score(silhouette=0.4, redundancy=0.1, coverage=LEAST_COVERAGE)
    assert enough.value == pytest.approx(0.3)
    assert Score(0.4, 0.1, 1.0).value == enough.value
    assert Score(0.4, 0.1, LEAST_COVERAGE - 0.2).value == pytest.approx(0.1)


def test_an_empty_taxonomy_is_worse_than_any() -> None:
    nothing = score(Placement(np.zeros((5, 0), np.float32), 0.0), np.zeros((0, WIDTH), np.float32))
    assert nothing == Score(silhouette=-1.0, redundancy=0.0, coverage=0.0)
    assert nothing.value < scored(PLANTED[:1]).value


def test_one_category_tells_nothing_apart() -> None:
    placement = Placement(np.array([[0.9], [0.2]], dtype=np.float32), 0.5)
    assert score(placement, PLANTED[:1]) == Score(silhouette=0.0, redundancy=0.0, coverage=0.5)
    assert scored(PLANTED[:1]).value < scored(PLANTED).value


def test_no_documents_give_no_score() -> None:
    assert score(Placement(np.zeros((0, 4), np.float32), 0.0), PLANTED).silhouette == -1.0
