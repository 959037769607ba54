"""Weights are those of their formulas, written out here."""

import numpy as np
import pytest

from tutorial_pkg import weighting

M = np.array([0.001, 0.25, 0.5, 0.999, 0.01, 0.99])
D = np.array([0, 1, 0, 1, 1, 0])


def test_propensities_are_clipped_on_both_sides():
    assert weighting.clipped(M, 0.1).tolist() == [0.1, 0.25, 0.5, 0.9, 0.1, 0.9]
    assert weighting.clipped(M).tolist() == [0.01, 0.25, 0.5, 0.99, 0.01, 0.99]


def test_the_share_clipped_counts_those_that_move_on_both_sides():
    assert weighting.share_clipped(M, 0.01) == pytest.approx(2 / 6)
    assert weighting.share_clipped(M, 0.3) == pytest.approx(5 / 6)


def test_each_arm_is_weighted_by_the_probability_of_its_own_arm():
    expected = [1 / 0.9, 1 / 0.25, 1 / 0.5, 1 / 0.9, 1 / 0.1, 1 / 0.1]
    assert weighting.inverse_weights(D, M, 0.1) == pytest.approx(expected)


def test_the_effective_share_is_kishs():
    assert weighting.effective_share(np.ones(7)) == 1
    assert weighting.effective_share(np.array([3.0, 1.0])) == pytest.approx(16 / 10 / 2)


@pytest.mark.parametrize("clipping", [0, 0.5, -0.1, 0.7])
def test_a_threshold_that_moves_nothing_or_everything_is_refused(clipping):
    with pytest.raises(ValueError, match="clipping"):
        weighting.clipped(M, clipping)
