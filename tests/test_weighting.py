"""Weights are those of their formulas, written out here."""

import numpy as np
import pandas as pd
import pytest

from tutorial_pkg import weighting
from tutorial_pkg.groups import mix_weights

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


def test_with_the_mix_of_others_a_group_counts_as_much_as_it_does_there():
    here = pd.Series(["a", "a", "a", "b", None, "c"], index=range(10, 16))
    weights = mix_weights(here, pd.Series(["a", "b", "b", None]))
    assert list(weights.index) == list(here.index)
    # a: 1/3 wanted, 3/5 had; b: 2/3 wanted, 1/5 had; c is not wanted
    assert weights.tolist() == pytest.approx([5 / 9, 5 / 9, 5 / 9, 10 / 3, 0, 0])
    values = np.array([1.0, 2, 3, 8, 100, 100])
    assert np.average(values, weights=weights) == pytest.approx(2 / 3 + 2 / 3 * 8)
    cut = pd.cut(pd.Series([1.0, 5, 20]), [0, 4, 8])
    assert mix_weights(cut, cut).tolist() == [1, 1, 0]


def test_a_mix_for_which_no_row_can_stand_is_refused():
    with pytest.raises(ValueError, match="Group 'c' has no row here"):
        mix_weights(pd.Series(["a", "b"]), pd.Series(["a", "c"]))
    with pytest.raises(ValueError, match="None of the other rows has a group"):
        mix_weights(pd.Series(["a", "b"]), pd.Series([None, None]))
