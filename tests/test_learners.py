"""The presets are good without tuning: they beat simpler ones where those fail, and never fall far behind."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.utils.estimator_checks import parametrize_with_checks

import tutorial_pkg as tp
from tutorial_pkg.boosting import BoostedClassifier, BoostedRegressor
from tutorial_pkg.learners import best_of, boosted_trees, linear, neural_network


def losses(learners, sample, fresh):
    x, y, d = sample.data.x, sample.data.y, sample.data.d
    outcome, propensity = learners.outcome.fit(x, y), learners.propensity.fit(x, d)
    truth, m = fresh.truth, propensity.predict_proba(fresh.data.x)[:, 1]
    return mean_squared_error(truth.outcome_mean, outcome.predict(fresh.data.x)), mean_squared_error(
        truth.propensity, m
    )


@pytest.fixture(scope="module")
def market_pair():
    return tp.simulate_sellers(3_000, seed=1, n_covariates=30), tp.simulate_sellers(5_000, seed=2, n_covariates=30)


def test_trees_from_a_linear_start_beat_plain_trees_at_the_outcome_and_the_line_at_the_decision(market_pair):
    """Sales follow their own history in proportion, as a line can say; decisions follow thresholds, as trees do."""
    ours, line, plain = (losses(p, *market_pair) for p in (boosted_trees(), linear(), boosted_trees(start="mean")))
    assert ours[0] < 0.7 * plain[0]
    assert ours[0] < 2 * line[0]
    assert ours[1] < 0.9 * line[1]
    assert ours[1] < 1.1 * plain[1]


def test_propensities_are_calibrated(market_pair):
    sample, fresh = market_pair
    m = boosted_trees().propensity.fit(sample.data.x, sample.data.d).predict_proba(fresh.data.x)[:, 1]
    log_odds = np.log(m / (1 - m))
    slope = np.polyfit(log_odds, np.log(fresh.truth.propensity / (1 - fresh.truth.propensity)), 1)[0]
    assert 0.85 < slope < 1.2


@pytest.mark.parametrize("rewrite", [np.exp, lambda z: z**3, lambda z: -np.exp(-2 * z)])
def test_however_the_covariates_are_written_trees_from_a_line_beat_lines_and_plain_trees(market_pair, rewrite):
    """As recorded, past sales foretell sales in proportion, which no other way of writing them does as well."""

    def rewritten(sample):
        x = sample.data.x
        z = ((x - x.mean(axis=0)) / x.std(axis=0)).clip(-3, 3)
        kept = dataclasses.replace(sample.data, frame=sample.data.frame.assign(**dict(zip(names, rewrite(z).T))))
        return dataclasses.replace(sample, data=kept)

    names = [name for name in market_pair[0].data.covariates if name in market_pair[0].data.x_names]
    market_pair = [
        dataclasses.replace(s, data=dataclasses.replace(s.data, covariates=names, effect_modifiers=()))
        for s in market_pair
    ]
    rewritten_pair = [rewritten(sample) for sample in market_pair]
    ours, line, plain = (losses(p, *rewritten_pair) for p in (boosted_trees(), linear(), boosted_trees(start="mean")))
    assert ours[0] < 0.75 * min(line[0], plain[0])
    assert ours[1] < 0.75 * line[1]
    assert ours[1] < 1.1 * plain[1]


def heavy_tailed(seed):
    rng = np.random.default_rng(seed)
    z, other = rng.standard_t(1.5, 1_000), rng.normal(size=1_000)
    d = rng.random(1_000) < 1 / (1 + np.exp(-np.tanh(z)))
    y = d + z.clip(-3, 3) + other + rng.normal(size=1_000)
    return pd.DataFrame({"y": y, "d": d, "z": z, "other": other})


def test_heavy_tails_do_not_send_the_line_astray():
    found = []
    for seed in range(4):
        data = tp.CausalData(heavy_tailed(seed), "y", "d", ["z", "other"])
        found.append(tp.estimate_ate(tp.cross_fit(data, boosted_trees(), n_folds=2, n_jobs=1)))
    assert abs(np.mean([e.value for e in found]) - 1) < 0.15
    assert max(e.std_error for e in found) < 0.12


@pytest.mark.parametrize("code", [1e4, -999999, 1e12])
def test_one_mistyped_value_hardly_matters(code):
    clean = heavy_tailed(0)
    typo = clean.assign(z=clean["z"].where(np.arange(len(clean)) != 7, code))
    one, other = (
        tp.estimate_ate(tp.cross_fit(tp.CausalData(f, "y", "d", ["z", "other"]), boosted_trees(), n_folds=2, n_jobs=1))
        for f in (clean, typo)
    )
    assert abs(one.value - other.value) < one.std_error
    assert other.std_error < 1.5 * one.std_error


def test_a_hard_step_is_found_by_trees():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(2_000, 5))
    y = np.where(x[:, 0] * x[:, 1] > 0, 4.0, -4.0) + rng.normal(size=2_000)
    line, trees = (p.outcome.fit(x[:1_000], y[:1_000]).predict(x[1_000:]) for p in (linear(), boosted_trees()))
    assert mean_squared_error(y[1_000:], trees) < 0.3 * mean_squared_error(y[1_000:], line)


def test_what_three_columns_do_together_is_found_where_there_are_few():
    """Trees that see half of four columns see two, and learn nothing of the three."""
    rng = np.random.default_rng(0)
    x, fresh = np.sign(rng.normal(size=(2, 2_000, 4)))
    y = x[:, :3].prod(axis=1) + 0.5 * rng.normal(size=2_000)
    d = rng.random(2_000) < 0.5 + 0.4 * x[:, :3].prod(axis=1)
    product, learners = fresh[:, :3].prod(axis=1), boosted_trees()
    assert mean_squared_error(product, learners.outcome.fit(x, y).predict(fresh)) < 0.02
    propensity = learners.propensity.fit(x, d).predict_proba(fresh)[:, 1]
    assert mean_squared_error(0.5 + 0.4 * product, propensity) < 0.02 * 0.16 * 4


def test_a_line_is_left_a_line():
    rng = np.random.default_rng(1)
    x = rng.normal(size=(600, 20))
    y = x[:, 0] - x[:, 1] + rng.normal(size=600)
    truth = x[300:, 0] - x[300:, 1]
    line, trees = (p.outcome.fit(x[:300], y[:300]).predict(x[300:]) for p in (linear(), boosted_trees()))
    assert mean_squared_error(truth, trees) < mean_squared_error(truth, line) + 0.1


def test_the_line_keeps_to_the_range_of_its_training_rows():
    """Of a row far from those it was fitted on a line says anything; trees say what they say at the edge."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=(500, 3))
    y = 10 * x[:, 0] + 0.1 * rng.normal(size=500)
    d = (rng.random(500) < 1 / (1 + np.exp(-2 * x[:, 0]))).astype(int)
    far = np.array([[50.0, 0, 0], [-50.0, 0, 0]])
    high, low = boosted_trees().outcome.fit(x, y).predict(far)
    assert y.max() - 3 < high < y.max() + 3
    assert y.min() - 3 < low < y.min() + 3
    fitted = boosted_trees().propensity.fit(x, d)
    inside = fitted.predict_proba(x)[:, 1]
    assert (np.abs(fitted.predict_proba(far)[:, 1] - [inside.max(), inside.min()]) < 0.05).all()


def test_the_scale_is_chosen_by_held_out_loss():
    rng = np.random.default_rng(2)
    x = rng.normal(size=(1_500, 4))
    counts = rng.poisson(np.exp(1 + 0.8 * x[:, 0] + 0.5 * x[:, 1]))
    assert boosted_trees().outcome.fit(x, counts).objective_ == "poisson"
    assert boosted_trees().outcome.fit(x, x[:, 0]).objective_ == "regression"
    assert (boosted_trees().outcome.fit(x, counts).predict(x) > 0).all()


def test_best_of_picks_the_smaller_held_out_loss():
    rng = np.random.default_rng(3)
    x = rng.normal(size=(800, 3))
    steps = np.sign(x[:, 0] * x[:, 1]) + 0.1 * rng.normal(size=800)
    d = (rng.random(800) < 1 / (1 + np.exp(-x[:, 2]))).astype(int)
    chosen = best_of(linear(), boosted_trees())
    assert isinstance(chosen.outcome.fit(x, steps).best_params_["model"], BoostedRegressor)
    assert log_loss(d, chosen.propensity.fit(x, d).predict_proba(x)) < np.log(2)


@pytest.mark.slow
def test_a_network_learns_a_product():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(1_500, 2))
    y = 100 + 10 * x[:, 0] * x[:, 1] + rng.normal(size=1_500)
    line, network = (p.outcome.fit(x[:1_000], y[:1_000]).predict(x[1_000:]) for p in (linear(), neural_network((32,))))
    assert mean_squared_error(y[1_000:], network) < 0.4 * mean_squared_error(y[1_000:], line)


@pytest.mark.parametrize(
    "preset", [linear, boosted_trees, pytest.param(neural_network, marks=pytest.mark.slow), best_of]
)
def test_every_preset_answers_every_question_with_missing_values(preset, table):
    table.loc[table.index[:20], "size"] = np.nan
    data = tp.CausalData(table, "sales", "followed", ["size", "kind"])
    nuisances = tp.cross_fit(data, preset(), n_folds=2, n_jobs=1)
    for estimate in (tp.estimate_ate, tp.estimate_att, tp.estimate_plr):
        assert np.isfinite(estimate(nuisances).std_error)


@pytest.mark.parametrize(
    ("outcome", "propensity", "words"),
    [
        (LinearRegression(), LinearRegression(), "learners.propensity must have fit and predict_proba"),
        (None, LogisticRegression(), "learners.outcome must have fit and predict"),
        (LinearRegression, LogisticRegression(), "learners.outcome is the class LinearRegression; pass an instance"),
        (LogisticRegression(), LogisticRegression(), "learners.outcome .* is a classifier"),
    ],
)
def test_learners_that_cannot_play_their_role_are_refused_when_they_are_named(outcome, propensity, words):
    with pytest.raises(ValueError, match=words):
        tp.learners.Learners(outcome, propensity)


@parametrize_with_checks([BoostedRegressor("mean", max_trees=20), BoostedClassifier("mean", max_trees=20)])
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)
