"""What is judged against the truth: the bias taken apart, models of the effect, policies."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tutorial_pkg import truth


def test_the_outcomes_mean_is_what_rows_sell_whoever_follows(big):
    t, y = big.truth, big.data.y
    assert np.allclose(t.outcome_mean, t.propensity * t.outcome_treated + (1 - t.propensity) * t.outcome_control)
    assert np.mean(y - t.outcome_mean) == pytest.approx(0, abs=4 * np.std(y - t.outcome_mean) / len(y) ** 0.5)


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


@pytest.fixture(scope="module")
def known():
    """Eight rows small enough to reckon by hand."""
    m = np.array([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    d = np.array([0, 1, 0, 0, 1, 1, 0, 1], dtype=np.int8)
    y0, y1 = np.arange(8.0), np.arange(8.0) + np.array([1, 2, 3, 4, 4, 3, 2, 9.0])
    return truth.Truth("y", d, m, y0, y1, y0 + 1, y1 + 2)


def test_averages_of_the_sample_are_those_of_its_rows(known):
    tau, d, w = known.cate, known.treatment, known.propensity * (1 - known.propensity)
    assert known.sample.ate == pytest.approx(28 / 8)
    assert known.sample.att == pytest.approx(tau[d == 1].mean())
    assert known.sample.atc == pytest.approx(tau[d == 0].mean())
    assert known.sample.plr == pytest.approx((w * tau).sum() / w.sum())
    assert known.sample.errors == {}
    assert list(known.gate(pd.Series(list("aabbaabb")))) == pytest.approx([10 / 4, 18 / 4])


def test_averages_of_a_population_weigh_by_the_propensity_and_know_their_error():
    rng = np.random.default_rng(0)
    m, tau = rng.uniform(0.1, 0.9, 40_000), rng.normal(2, 1, 40_000)
    found = truth.targets_of(tau, m, None)
    for name, w in {"ate": np.ones_like(m), "att": m, "atc": 1 - m, "plr": m * (1 - m)}.items():
        value = (w * tau).sum() / w.sum()
        assert getattr(found, name) == pytest.approx(value)
        error = np.sqrt(np.mean((w * (tau - value) / w.mean()) ** 2) / len(m))
        assert found.errors[name] == pytest.approx(error, rel=0.2)  # from 200 blocks: known to five per cent


def test_a_population_is_asked_for_when_it_is_needed(known):
    with pytest.raises(ValueError, match="knows only its own rows"):
        known.ate  # noqa: B018
    asked = []
    targets = truth.Targets(1.0, 2.0, 3.0, 4.0, errors={"ate": 0.5})
    lazy = replace(known, population_targets=lambda: asked.append(1) or targets)
    assert asked == []
    assert (lazy.ate, lazy.att, lazy.atc, lazy.plr) == (1.0, 2.0, 3.0, 4.0)
    assert asked == [1]
    table = lazy.summary()
    assert list(table["population"]) == [1.0, 2.0, 3.0, 4.0]
    assert table.loc["ATE", "Monte Carlo error"] == 0.5
    assert table.loc["ATT", "this sample"] == known.sample.att


def test_a_truth_survives_pickling(market):
    again = pickle.loads(pickle.dumps(market.truth))
    assert again.ate == market.truth.ate


def test_the_parts_of_the_bias_are_those_of_the_drawn_outcomes(market):
    t, d = market.truth, market.data.d == 1
    gain = t.observed_treated - t.observed_control
    parts = truth.decompose_bias(market.data, t)
    assert parts["ATE"] == pytest.approx(gain.mean())
    assert parts["selection bias"] == pytest.approx(t.observed_control[d].mean() - t.observed_control[~d].mean())
    expected = (1 - d.mean()) * (gain[d].mean() - gain[~d].mean())
    assert parts["(1 - p)(ATT - ATC)"] == pytest.approx(expected)
    assert parts.name == "units sold in 30 days"


def test_effects_are_judged_by_their_formulas(known):
    effect = known.cate + np.array([1, -1, 1, -1, 2, -2, 0, 0.0])
    interval = pd.DataFrame({"lower": effect - 1.5, "upper": effect + 0.9})
    measures, bands = truth.evaluate_cate(effect, known, interval, n_bands=2)
    pehe, spread = np.sqrt(12 / 8), known.cate.std()
    assert measures["pehe"] == pytest.approx(pehe)
    assert measures["pehe of a constant"] == pytest.approx(spread)
    assert measures["relative pehe"] == pytest.approx(pehe / spread)
    assert measures["calibration slope"] == pytest.approx(np.polyfit(effect, known.cate, 1)[0])
    ranks = [pd.Series(v).rank() for v in (effect, known.cate)]
    assert measures["rank correlation"] == pytest.approx(np.corrcoef(*ranks)[0, 1])
    assert list(bands["rows"]) == [4, 4]
    assert list(bands["pehe"]) == pytest.approx([1.0, np.sqrt(8 / 4)])
    assert list(bands["coverage"]) == [0.5, 0.5]


def test_the_value_of_a_policy_is_that_of_the_rows_it_marks(known):
    treat = np.array([1, 0, 1, 0, 1, 0, 0, 1])
    gain = 2 * known.cate - 5
    found = truth.policy_regret(known, treat, cost=5, value_per_unit=2)
    assert found["value"] == pytest.approx((gain * treat).mean())
    assert truth.policy_value(known, treat, 5, 2) == found["value"]
    assert found["optimum"] == pytest.approx(gain[gain > 0].sum() / 8)
    assert found["regret"] == pytest.approx(found["optimum"] - found["value"])
    assert found["share of optimum"] == pytest.approx(found["value"] / found["optimum"])
    assert np.isnan(truth.policy_regret(known, treat, cost=100)["share of optimum"])
    assert truth.policy_regret(known, treat)["value"] == pytest.approx((known.cate * treat).mean())  # free, in units


def test_the_truth_about_some_rows_is_that_of_these_rows(big):
    rows = np.flatnonzero(big.truth.cate > 5)
    some = big.truth.take(rows)
    np.testing.assert_array_equal(some.cate, big.truth.cate[rows])
    assert some.sample.ate == pytest.approx(big.truth.cate[rows].mean())
    np.testing.assert_array_equal(big.truth.take(big.truth.cate > 5).propensity, some.propensity)
    assert some.ate == big.truth.ate


def test_nuisances_are_measured_against_the_true_functions_in_each_arm(big):
    """Off by one unit among the treated and exact elsewhere; the mean outcome follows by the propensity."""
    known, d = big.truth, big.data.d
    given = tp.Nuisances.given(big.data, known.outcome_control + d, known.outcome_treated, known.propensity)
    errors = truth.evaluate_nuisances(given, known)
    assert errors.loc["outcome_control"].to_list() == pytest.approx([np.sqrt(d.mean()), 0, 1])
    assert errors.loc[["outcome_treated", "propensity"]].to_numpy() == pytest.approx(0)
    mean = np.sqrt(np.mean((1 - known.propensity[d == 1]) ** 2))
    assert errors.loc["outcome", "treated"] == pytest.approx(mean)
    assert list(errors.index) == list(tp.nuisance.NUISANCES)
