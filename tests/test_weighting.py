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


def test_weights_of_an_average_over_one_arm_leave_that_arm_as_it_is():
    m = np.clip(M, 0.1, 0.9)
    assert weighting.inverse_weights(D, M, 0.1, "ATT") == pytest.approx(np.where(D == 1, 1, m / (1 - m)))
    assert weighting.inverse_weights(D, M, 0.1, "ATC") == pytest.approx(np.where(D == 0, 1, (1 - m) / m))


def test_the_weight_added_is_what_clipping_from_below_adds():
    raw, moved = M / (1 - M), np.clip(M, 0.3, 0.7) / (1 - np.clip(M, 0.3, 0.7))
    others = D == 0  # propensities 0.001, 0.5 and 0.99: the first is lifted, the last is lowered, which adds nothing
    added = moved[0] - raw[0]
    assert weighting.weight_added(D, M, 0.3, "ATT") == pytest.approx(added / moved[others].sum())
    assert weighting.weight_added(1 - D, 1 - M, 0.3, "ATC") == pytest.approx(added / moved[others].sum())
    assert weighting.weight_added(D, M, 0.3, "ATE") == 0


def test_the_usual_clipping_is_smaller_for_an_average_over_a_rare_arm():
    m = np.full(10_000, 0.002)
    m[:20] = 0.5
    d = (np.arange(10_000) % 500 == 0).astype(int)
    assert weighting.usual_clipping(d, m, "ATE") == weighting.CLIPPING
    assert weighting.usual_clipping(d, m, "ATT") == pytest.approx(0.001)
    assert weighting.usual_clipping(1 - d, 1 - m, "ATC") == pytest.approx(0.001)
    assert weighting.usual_clipping(D, np.full(6, 0.4), "ATT") == weighting.CLIPPING


def test_the_effective_share_is_kishs():
    assert weighting.effective_share(np.ones(7)) == 1
    assert weighting.effective_share(np.array([3.0, 1.0])) == pytest.approx(16 / 10 / 2)


@pytest.mark.parametrize("clipping", [0, 0.5, -0.1, 0.7])
def test_a_threshold_that_moves_nothing_or_everything_is_refused(clipping):
    with pytest.raises(ValueError, match="clipping"):
        weighting.clipped(M, clipping)
