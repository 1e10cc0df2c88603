"""From votes to labels: planted preferences for letters are found and divided out."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tnt_llm.tools.evidence import Placement
from tnt_llm.tools.settle import ALSO_FROM, Settled, balanced, choose, contested, prior, settle

K = 4
NOBODY = np.array([], dtype=np.int64)
"""A balanced sample without members: no letter is preferred."""
FLAT = 1e6
"""A temperature at which the embedding has no say."""


def placed(rows: list[list[float]] | np.ndarray, threshold: float = 0.0) -> Placement:
    return Placement(np.asarray(rows, dtype=np.float32), threshold)


def softmax(logits: np.ndarray) -> np.ndarray:
    powers = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=-1, keepdims=True))


class Planted:
    """120 documents of four topics; an LLM that sees the topic, and likes some letters whatever it sees."""

    def __init__(self, liking: list[float], *, noise: float = 0.4, seed: int = 0) -> None:
        draw = np.random.default_rng(seed)
        self.truth = np.repeat(np.arange(K), 30)
        own = np.eye(K)[self.truth]
        # The embedding is right about three in four.
        seen = np.where(draw.uniform(size=len(own)) < 0.75, self.truth, draw.integers(0, K, len(own)))
        self.placement = placed(0.3 + 0.3 * np.eye(K)[seen])
        logits = 2.0 * own + draw.normal(0, noise, own.shape) + np.array(liking)
        self.votes = dict(enumerate(softmax(logits)))
        self.sample = balanced(self.placement, 20)

    def accuracy(self, prior_power: float, temperature: float = FLAT) -> float:
        settled = settle(
            [self.votes], self.placement, self.sample, prior_power=prior_power, temperature=temperature
        )
        return float(np.mean([settled[row].primary == topic for row, topic in enumerate(self.truth)]))


# the sample that priors are estimated on


def test_the_sample_has_so_many_of_each_category_those_nearest_to_it() -> None:
    placement = placed([[0.9, 0.1], [0.5, 0.1], [0.7, 0.1], [0.1, 0.6], [0.8, 0.2]])
    assert balanced(placement, 2).tolist() == [0, 3, 4]
    assert balanced(placement, 9).tolist() == [0, 1, 2, 3, 4]


def test_no_categories_have_no_sample() -> None:
    assert balanced(Placement(np.zeros((3, 0), np.float32), 0.0), 3).tolist() == []


@given(st.integers(0, 1000), st.integers(1, 5))
def test_no_category_has_more_than_its_part_of_the_sample(seed: int, each: int) -> None:
    placement = placed(np.random.default_rng(seed).uniform(size=(30, K)))
    rows = balanced(placement, each)
    assert rows.tolist() == sorted(set(rows.tolist()))
    sizes = np.bincount(placement.nearest, minlength=K)
    assert np.bincount(placement.nearest[rows], minlength=K).tolist() == np.minimum(sizes, each).tolist()


# the prior


def test_every_embedding_group_weighs_the_same_in_the_prior() -> None:
    votes = {0: np.array([1.0, 0.0]), 1: np.array([1.0, 0.0]), 2: np.array([0.0, 1.0])}
    found = prior(votes, np.array([0, 1, 2]), np.array([0, 0, 1]), 2)
    assert found.tolist() == pytest.approx([0.5, 0.5])


def test_rows_of_the_sample_without_a_vote_are_passed_over() -> None:
    votes = {0: np.array([0.8, 0.2])}
    assert prior(votes, np.array([0, 1]), np.array([0, 1]), 2).tolist() == pytest.approx([0.8, 0.2])


def test_votes_outside_the_sample_do_not_count() -> None:
    votes = {0: np.array([0.8, 0.2]), 1: np.array([0.0, 1.0])}
    assert prior(votes, np.array([0]), np.array([0, 1]), 2).tolist() == pytest.approx([0.8, 0.2])


def test_without_votes_the_prior_prefers_nothing() -> None:
    assert prior({}, np.array([0, 1]), np.array([0, 1]), 4).tolist() == [0.25] * 4


@given(st.integers(0, 1000))
def test_a_prior_sums_to_1(seed: int) -> None:
    draw = np.random.default_rng(seed)
    votes = dict(enumerate(softmax(draw.normal(0, 3, size=(12, K)))))
    found = prior(votes, np.arange(0, 12, 2), draw.integers(0, K, 12), K)
    assert found.sum() == pytest.approx(1)
    assert (found > 0).all()


# contested


def test_contested_rows_are_those_where_vote_and_embedding_differ() -> None:
    placement = placed([[0.9, 0.1], [0.9, 0.1], [0.1, 0.9], [0.1, 0.9]])
    votes = {3: np.array([0.6, 0.4]), 0: np.array([0.6, 0.4]), 1: np.array([0.4, 0.6])}
    assert contested(votes, placement, NOBODY, prior_power=0.5).tolist() == [1, 3]
    assert contested({}, placement, NOBODY, prior_power=0.5).tolist() == []


def test_a_vote_for_a_letter_that_is_always_liked_is_not_contested() -> None:
    placement = placed([[0.9, 0.1], [0.1, 0.9]])
    votes = {0: np.array([0.9, 0.1]), 1: np.array([0.6, 0.4])}
    both = np.array([0, 1])
    assert contested(votes, placement, both, prior_power=0.0).tolist() == [1]
    assert contested(votes, placement, both, prior_power=1.0).tolist() == []


# settling


def test_a_planted_liking_for_a_letter_is_corrected() -> None:
    planted = Planted(liking=[3.0, 0.0, 0.0, 0.0])
    assert planted.accuracy(prior_power=0.0) < 0.5
    assert planted.accuracy(prior_power=1.0) > 0.75
    assert planted.accuracy(prior_power=0.5) > planted.accuracy(prior_power=0.0) + 0.2


def test_without_a_liking_the_correction_does_no_harm() -> None:
    planted = Planted(liking=[0.0] * K)
    assert planted.accuracy(prior_power=0.5) >= planted.accuracy(prior_power=0.0) - 0.02


def test_a_slice_of_one_topic_keeps_its_label() -> None:
    """The prior is that of the balanced sample, not of the documents that are being labelled."""
    planted = Planted(liking=[0.0] * K)
    votes = {
        row: vote for row, vote in planted.votes.items() if planted.truth[row] == 2 or row in planted.sample
    }
    settled = settle([votes], planted.placement, planted.sample, prior_power=1.0, temperature=FLAT)
    labels = [settled[row].primary for row in np.flatnonzero(planted.truth == 2)]
    assert np.mean([label == 2 for label in labels]) > 0.9


def test_votes_and_embedding_together_beat_either() -> None:
    planted = Planted(liking=[2.0, 0.0, 1.0, 0.0], noise=1.2)
    together = planted.accuracy(prior_power=0.5, temperature=0.2)
    by_embedding = float(np.mean(planted.placement.nearest == planted.truth))
    assert together > by_embedding
    assert together > planted.accuracy(prior_power=0.5)


def test_a_cold_embedding_decides_alone() -> None:
    placement = placed([[0.9, 0.1]])
    votes = {0: np.array([0.01, 0.99])}
    settled = settle([votes], placement, NOBODY, prior_power=0.5, temperature=0.001)
    assert settled[0].primary == 0
    settled = settle([votes], placement, NOBODY, prior_power=0.5, temperature=FLAT)
    assert settled[0].primary == 1


def test_further_letter_orders_are_averaged_where_they_were_asked() -> None:
    placement = placed([[0.5, 0.5], [0.5, 0.5]])
    first = {0: np.array([0.6, 0.4]), 1: np.array([0.6, 0.4])}
    second = {0: np.array([0.1, 0.9])}
    settled = settle([first, second], placement, NOBODY, prior_power=0.0, temperature=FLAT)
    assert [settled[row].primary for row in (0, 1)] == [1, 0]
    odds = np.sqrt(0.4 / 0.6 * 0.9 / 0.1)
    assert settled[0].confidence == pytest.approx(odds / (1 + odds), abs=1e-4)
    assert settled[1].confidence == pytest.approx(0.6, abs=1e-4)


def test_each_letter_order_has_a_prior_of_its_own() -> None:
    """One order likes the first category, the other the second; corrected they agree."""
    placement = placed([[0.6, 0.5], [0.5, 0.6]])
    first = {0: np.array([0.95, 0.05]), 1: np.array([0.85, 0.15])}
    second = {0: np.array([0.15, 0.85]), 1: np.array([0.05, 0.95])}
    settled = settle([first, second], placement, np.array([0, 1]), prior_power=1.0, temperature=FLAT)
    assert [settled[row].primary for row in (0, 1)] == [0, 1]
    assert settled[0].confidence > 0.6


def test_only_rows_with_a_vote_are_settled() -> None:
    settled = settle(
        [{1: np.array([0.6, 0.4])}],
        placed([[0.9, 0.1]] * 3),
        np.array([0, 1]),
        prior_power=0.5,
        temperature=0.05,
    )
    assert list(settled) == [1]


def test_a_document_that_fits_nothing_is_undefined_whatever_the_votes() -> None:
    placement = placed([[0.2, 0.1], [0.9, 0.1]], threshold=0.5)
    votes = {0: np.array([0.99, 0.01]), 1: np.array([0.99, 0.01])}
    settled = settle([votes], placement, np.array([1]), prior_power=0.5, temperature=0.05)
    assert (settled[0].primary, settled[0].all) == (None, ())
    assert settled[1].primary == 0


def test_a_vote_of_zero_is_no_trouble() -> None:
    settled = settle(
        [{0: np.array([0.0, 1.0])}],
        placed([[0.5, 0.5]]),
        np.array([0]),
        prior_power=0.5,
        temperature=0.05,
    )
    assert settled[0].primary == 1
    assert np.isfinite(settled[0].confidence)


@given(st.integers(0, 1000))
def test_settling_is_deterministic_and_its_labels_are_sound(seed: int) -> None:
    draw = np.random.default_rng(seed)
    placement = placed(draw.uniform(-1, 1, size=(10, K)), threshold=0.3)
    orders = [
        {
            row: vote
            for row, vote in enumerate(softmax(draw.normal(0, 3, size=(10, K))))
            if draw.uniform() < 0.7
        }
        for _ in range(3)
    ]
    sample = balanced(placement, 2)
    settled = settle(orders, placement, sample, prior_power=0.5, temperature=0.05)
    assert settled == settle(orders, placement, sample, prior_power=0.5, temperature=0.05)
    assert set(settled) == {row for votes in orders for row in votes}
    for row, label in settled.items():
        assert (label.primary is not None) == bool(placement.fits[row])
        assert 0 <= label.confidence <= 1
        assert label.all[:1] == (() if label.primary is None else (label.primary,))


# one document


def test_all_that_apply_are_those_that_are_likely_enough_the_likeliest_first() -> None:
    assert choose(np.array([0.15, 0.5, 0.35]), fits=True) == Settled(primary=1, all=(1, 2), confidence=0.5)
    assert choose(np.array([0.34, 0.33, 0.33]), fits=True).all == (0, 1, 2)
    assert choose(np.array([0.9, 0.1]), fits=True).all == (0,)


def test_the_first_applies_however_unlikely() -> None:
    label = choose(np.full(10, 0.1), fits=True)
    assert ALSO_FROM > 0.1
    assert (label.primary, label.all) == (0, (0,))


@pytest.mark.parametrize("likeliest", [0.3, 0.6, 1.0])
def test_undefined_is_the_surer_the_less_one_category_stands_out(likeliest: float) -> None:
    label = choose(np.array([likeliest, 0.0]), fits=False)
    assert (label.primary, label.all) == (None, ())
    assert label.confidence == pytest.approx(1 - likeliest / 2)
