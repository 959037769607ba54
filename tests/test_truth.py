"""What is judged against the truth: the bias taken apart, models of the effect, policies."""

import numpy as np
import pytest

import tutorial_pkg as tp
from tutorial_pkg import truth


def test_a_constant_effect_is_scored_without_a_slope_or_a_rank(big):
    measures, _ = tp.truth.evaluate_cate(np.full(big.data.n_rows, 0.1), big.truth)
    assert measures[["calibration slope", "rank correlation"]].isna().all()


def test_regret_is_zero_for_the_optimum_and_positive_for_the_rest(big):
    best = tp.truth.policy_regret(big.truth, big.truth.cate > 6, cost=6)
    assert best["regret"] == pytest.approx(0)
    assert best["share of optimum"] == pytest.approx(1)
    assert tp.truth.policy_regret(big.truth, np.ones(big.data.n_rows), cost=6)["regret"] > 0


@pytest.mark.parametrize("scenario", tp.marketplace.SCENARIOS)
@pytest.mark.parametrize("outcome", tp.marketplace.OUTCOMES)
def test_the_decomposition_is_exact(scenario, outcome):
    sample = tp.simulate_sellers(2_000, scenario, seed=4, n_covariates=15, outcome=outcome)
    parts = truth.decompose_bias(sample.data, sample.truth)
    scale = max(1.0, parts.abs().max())
    assert abs(parts.iloc[:-1].sum() - parts["naive difference"]) < 1e-12 * scale
    assert parts["naive difference"] == pytest.approx(
        tp.naive.difference_in_means(sample.data).value, abs=1e-12 * scale
    )


def test_the_decomposition_is_exact_on_the_committed_data():
    sellers = tp.load_sellers()
    parts = truth.decompose_bias(sellers.data, sellers.truth)
    assert abs(parts.iloc[:-1].sum() - parts["naive difference"]) < 1e-12


def test_the_truth_of_another_outcome_is_refused(market):
    with pytest.raises(ValueError, match=r"'revenue_30d'.*'units_30d'"):
        truth.decompose_bias(market.data, market.truths["revenue_30d"])
