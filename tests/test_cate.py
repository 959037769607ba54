"""Conditional effects equal EconML's on its own fits, find the differences there are, and pay in money."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from econml.dml import LinearDML
from econml.validate import DRTester
from scipy.stats import norm
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler

import tutorial_pkg as tp
from tutorial_pkg.handover import aipw_signal
from tutorial_pkg.nuisance import NUISANCES

METHODS = ("linear_dml", "linear_dr", "causal_forest", "forest_dr")
SMALL = {"n_estimators": 200}


@pytest.fixture(scope="module")
def models(fitted):
    options = {m: SMALL if "forest" in m else {} for m in METHODS}
    return {m: tp.estimate_cate(fitted, m, **options[m]) for m in METHODS}


def test_linear_dml_on_shared_nuisances_equals_econml_fitting_them_itself(market):
    modifiers = ["weeks_of_cover", "engagement_score"]
    frame = market.data.frame.astype(dict.fromkeys(market.data.covariates[1:], "float64"))
    data = tp.CausalData(frame, "units_30d", "aligned", list(market.data.covariates[1:]), modifiers)
    learners = tp.learners.Learners(Lasso(alpha=0.1), make_pipeline(StandardScaler(), LogisticRegression(C=0.1)))
    nuisances = tp.cross_fit(data, learners, n_folds=3)
    rest = [c for c in data.covariates if c not in modifiers]
    order = [data.x_names.index(c) for c in [*modifiers, *rest]]
    ours = tp.estimate_cate(nuisances, "linear_dml").effect()
    direct = LinearDML(
        model_y=learners.outcome, model_t=learners.propensity, discrete_treatment=True, cv=nuisances.folds[0]
    )
    direct.fit(data.y, data.d, X=data.modifiers(), W=data.x[:, order[len(modifiers) :]])
    # The same covariates in another order: the learners' convergence, not the estimator, sets the tolerance.
    np.testing.assert_allclose(ours, np.ravel(direct.effect(data.modifiers())), rtol=0.02, atol=0.02)


@pytest.mark.parametrize("method", METHODS)
def test_effects_beat_a_constant_and_rank_rows_as_the_truth_does(models, big, method):
    measures, coverage = tp.truth.evaluate_cate(models[method].effect(), big.truth, models[method].interval())
    assert measures["relative pehe"] < 0.85
    assert measures["rank correlation"] > 0.6
    assert measures["calibration slope"] > 0.5
    assert coverage["rows"].sum() == big.data.n_rows
    assert coverage["coverage"].between(0, 1).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_average_agrees_with_the_ate_and_says_what_it_estimates(models, fitted, method):
    average, ate = models[method].average(), tp.estimate_ate(fitted)
    assert abs(average.value - ate.value) < 2 * ate.std_error
    assert average.estimand in ("ATE", "mean of the model's CATE")


def test_the_doubly_robust_line_averages_to_the_ate_exactly(models, fitted):
    assert models["linear_dr"].average().value == pytest.approx(tp.estimate_ate(fitted).value, abs=1e-8)


@pytest.mark.parametrize("method", METHODS)
def test_copies_of_a_row_in_its_cluster_add_nothing_to_what_is_known(fitted, method):
    rows = np.arange(1_000)
    once = fitted.take(rows)
    doubled = pd.concat([once.data.frame] * 2, ignore_index=True)
    twice = replace(
        once,
        data=replace(once.data, frame=doubled),
        folds=[[(np.r_[a, a + 1_000], np.r_[b, b + 1_000]) for a, b in once.folds[0]]],
        **{name: np.tile(getattr(once, name), (2, 1)) for name in NUISANCES},
    )
    options = {"n_estimators": 100} if "forest" in method else {}
    one, two = (tp.estimate_cate(n, method, **options) for n in (once, twice))
    assert two.average().std_error == pytest.approx(one.average().std_error, rel=1e-8)
    assert two.average().influence.mean() == pytest.approx(0, abs=1e-8)
    if not options:
        width = [(i["upper"] - i["lower"]).iloc[0] for i in (one.interval(), two.interval())]
        assert width[1] == pytest.approx(width[0], rel=0.01)  # but for the corrections for few rows


@pytest.mark.parametrize("method", METHODS[:2])
@pytest.mark.parametrize(
    "option", [{}, {"featurizer": PolynomialFeatures(2, include_bias=False)}, {"fit_cate_intercept": False}]
)
def test_intervals_clustered_by_row_are_econmls(fitted, method, option):
    half = fitted.take(np.arange(1_000))
    frame = half.data.frame.assign(row=np.arange(1_000))
    modifiers = ["weeks_of_cover", "engagement_score"]
    data = replace(half.data, frame=frame, cluster="row", effect_modifiers=modifiers)
    cate = tp.estimate_cate(replace(half, data=data), method, **option)
    expected = cate.model.effect_interval(data.modifiers(), alpha=0.1)
    np.testing.assert_allclose(cate.interval(level=0.9).to_numpy().T, [np.ravel(e) for e in expected], atol=1e-6)
    assert "clustered by row" in repr(cate)


@pytest.mark.parametrize("method", METHODS[:2])
def test_without_clusters_the_average_and_its_error_are_econmls(fitted, models, method):
    alone = tp.estimate_cate(replace(fitted, data=replace(fitted.data, cluster=None)), method)
    inference = alone.model.ate_inference(fitted.data.modifiers())
    assert alone.average().std_error == pytest.approx(float(np.squeeze(inference.stderr_mean)))
    assert alone.average().value == pytest.approx(models[method].average().value)


def test_the_clustered_error_of_the_doubly_robust_line_is_that_of_the_ate(models, fitted):
    assert models["linear_dr"].average().std_error == pytest.approx(tp.estimate_ate(fitted).std_error)


@pytest.mark.parametrize("method", METHODS)
def test_new_rows_get_effects_and_intervals_in_their_own_index(models, method):
    new = tp.simulate_sellers(40, seed=5, n_covariates=15).data.frame.set_index(np.arange(100, 140))
    effect, interval = models[method].effect(new), models[method].interval(new)
    assert effect.shape == (40,)
    assert list(interval.columns) == ["lower", "upper"]
    assert (interval.index == new.index).all()
    assert ((interval["lower"] < effect) & (effect < interval["upper"])).all()
    wide, narrow = (models[method].interval(new, level=level) for level in (0.99, 0.5))
    assert (wide["lower"] < narrow["lower"]).all()


@pytest.mark.parametrize("method", METHODS)
def test_importance_puts_the_strongest_modifier_first(models, method):
    importance = models[method].importance()
    assert importance.index[0] == "engagement_score"
    assert importance.name == "importance"
    assert importance.is_monotonic_decreasing


def test_the_same_forest_grows_twice(fitted):
    one, same = (tp.estimate_cate(fitted, "causal_forest", n_estimators=40).effect() for _ in range(2))
    assert np.array_equal(one, same)


def test_validation_without_truth_finds_real_differences(halves):
    train, held_out = halves
    table = tp.validation.validate_cate(tp.estimate_cate(train, "linear_dr"), held_out)
    assert table.loc["best linear predictor", "p_value"] < 0.01
    assert table.loc["best linear predictor", "value"] > 0.4
    assert table.loc["uplift (Qini)", "value"] > 0
    again = tp.validation.validate_cate(tp.estimate_cate(train, "linear_dr"), held_out)
    pd.testing.assert_frame_equal(table, again)


def test_the_validation_cuts_into_quarters_and_is_calibrated_as_dwivedi_say(halves):
    """One minus the quarters' mean absolute deviation of predicted from found effects, over that of the ATE."""
    train, held_out = halves
    model = tp.estimate_cate(train, "linear_dr")
    table = tp.validation.validate_cate(model, held_out)
    pd.testing.assert_frame_equal(table, tp.validation.validate_cate(model, held_out, n_groups=4))
    signal, effect = aipw_signal(held_out)[:, 0], model.effect(held_out.data.frame)
    cuts = np.quantile(model.effect(), [0, 0.25, 0.5, 0.75, 1])
    inside = [(a <= effect) & (effect <= b) for a, b in pairwise(cuts)]
    share = np.array([i.mean() for i in inside])
    found, told = (np.array([v[i].mean() for i in inside]) for v in (signal, effect))
    score = 1 - np.sum(share * abs(found - told)) / np.sum(share * abs(found - signal.mean()))
    assert table.loc["calibration R squared", "value"] == pytest.approx(score, abs=0.02)


def test_the_slope_of_the_validation_has_the_error_that_fits_its_signal(halves):
    train, held_out = halves
    model = tp.estimate_cate(train, "linear_dr")
    row = tp.validation.validate_cate(model, held_out).loc["best linear predictor"]
    design = sm.add_constant(model.effect(held_out.data.frame))
    fit = sm.OLS(aipw_signal(held_out)[:, 0], design).fit(
        cov_type="cluster", cov_kwds={"groups": held_out.data.clusters}
    )
    assert row["value"] == pytest.approx(fit.params[1])
    assert row["std_error"] == pytest.approx(fit.bse[1])
    assert row["p_value"] == pytest.approx(fit.pvalues[1])


def test_the_uplift_is_that_of_econmls_tester_with_an_error_by_cluster(halves):
    train, held_out = halves
    model = tp.estimate_cate(train, "linear_dr")
    state = np.random.get_state()  # noqa: NPY002
    tester = DRTester(model_regression=None, model_propensity=None, cate=model.model)
    tester.treatments, tester.n_treat, tester.dr_train_ = np.array([0, 1]), 1, None
    tester.dr_val_ = aipw_signal(held_out)
    tester.ate_val = tester.dr_val_.mean(axis=0)
    tester.get_cate_preds(held_out.data.modifiers(), train.data.modifiers())
    direct = tester.evaluate_uplift(metric="qini", n_bootstrap=2)
    np.random.set_state(state)  # noqa: NPY002
    alone = replace(held_out, data=replace(held_out.data, cluster=None))
    by_row, by_cluster = (tp.validation.validate_cate(model, n).loc["uplift (Qini)"] for n in (alone, held_out))
    assert (by_row["value"], by_row["std_error"]) == pytest.approx((direct.params[0], direct.errs[0]))
    assert by_cluster["value"] == by_row["value"]
    clusters = held_out.data.clusters
    effect, signal = model.effect(held_out.data.frame), aipw_signal(held_out)[:, 0]
    grid = np.linspace(5, 95, 50)
    above = (effect[:, None] >= np.percentile(model.effect(), grid[:-1])) @ np.diff(grid) / 100
    gain = (signal - signal.mean()) * (above - above.mean())
    sums = pd.Series(gain - gain.mean()).groupby(clusters).sum()
    assert by_cluster["std_error"] == pytest.approx(np.sqrt((sums**2).sum()) / len(gain))
    assert by_cluster["std_error"] != pytest.approx(by_row["std_error"], rel=1e-3)


@pytest.mark.parametrize("method", ["linear_dml", "linear_dr"])
def test_slopes_are_econmls_and_their_errors_clustered(fitted, models, method):
    names = ["intercept", *fitted.data.modifier_names]
    clustered = models[method].slopes()
    assert list(clustered.index) == names
    alone = tp.estimate_cate(replace(fitted, data=replace(fitted.data, cluster=None)), method)
    treatment = {} if method == "linear_dml" else {"T": 1}
    slopes, intercept = alone.model.coef__inference(**treatment), alone.model.intercept__inference(**treatment)
    plain = alone.slopes(0.9)
    assert list(plain["value"]) == pytest.approx(
        [*np.ravel(intercept.point_estimate), *np.ravel(slopes.point_estimate)]
    )
    assert list(plain["std_error"]) == pytest.approx([*np.ravel(intercept.stderr), *np.ravel(slopes.stderr)], rel=5e-3)
    assert list(clustered["value"]) == pytest.approx(list(plain["value"]))
    assert not np.allclose(clustered["std_error"], plain["std_error"], rtol=1e-3)
    half = norm.ppf(0.95) * plain["std_error"]
    np.testing.assert_allclose(plain["upper"] - plain["value"], half)


@pytest.mark.parametrize("method", ["linear_dml", "linear_dr"])
def test_slopes_are_named_by_what_the_model_takes(fitted, method):
    names = list(fitted.data.modifier_names)
    assert list(tp.estimate_cate(fitted, method, fit_cate_intercept=False).slopes().index) == names
    powers = PolynomialFeatures(2, include_bias=False)
    found = list(tp.estimate_cate(fitted, method, featurizer=powers).slopes().index)
    assert found == ["intercept", *powers.fit(fitted.data.modifiers()).get_feature_names_out(names)]


def test_a_forest_has_no_slopes(models):
    with pytest.raises(ValueError, match="has no slopes"):
        models["causal_forest"].slopes()


def test_validation_leaves_the_global_random_stream_alone_and_reports_two_sided(halves):
    train, held_out = halves
    before = np.random.get_state()[1].copy()  # noqa: NPY002
    row = tp.validation.validate_cate(tp.estimate_cate(train, "linear_dr"), held_out).loc["uplift (Qini)"]
    assert np.array_equal(before, np.random.get_state()[1])  # noqa: NPY002
    assert row["p_value"] == pytest.approx(2 * norm.sf(abs(row["value"] / row["std_error"])))


def test_residual_on_residual_gets_the_propensities_as_they_are(fitted):
    extreme = fitted.propensity.copy()
    extreme[0, 0] = 0.002
    model = tp.estimate_cate(replace(fitted, propensity=extreme), "linear_dml").model
    _, treatment_residual, *_ = model.residuals_
    assert np.ravel(treatment_residual)[0] == pytest.approx(fitted.data.d[0] - 0.002)


def test_validation_without_truth_finds_nothing_where_there_is_nothing():
    sample = tp.simulate_sellers(4_000, "randomised", seed=3, n_covariates=15, effect=0.0)
    fitted = tp.cross_fit(sample.data, tp.learners.linear(), n_folds=3, progress=False)
    train, held_out = (fitted.take(rows) for rows in tp.folds.split_rows(fitted.data))
    table = tp.validation.validate_cate(tp.estimate_cate(train, "linear_dr"), held_out)
    assert table.loc["best linear predictor", "p_value"] > 0.01


def test_validation_matches_categories_by_level(categories):
    _, train, held_out = categories
    model = tp.estimate_cate(train, "linear_dr")
    slope = tp.validation.validate_cate(model, held_out, n_groups=2).loc["best linear predictor", "value"]
    effect = model.effect(held_out.data.frame)
    assert slope == pytest.approx(np.polyfit(effect, aipw_signal(held_out)[:, 0], 1)[0])
    assert 0.7 < slope < 1.3


def test_rows_the_model_cannot_place_are_refused(categories):
    fitted, train, held_out = categories
    with pytest.raises(ValueError, match="'kind' has the level 'a'"):
        tp.validation.validate_cate(tp.estimate_cate(held_out, "linear_dr"), train)
    model = tp.estimate_cate(train, "linear_dr")
    with pytest.raises(ValueError, match="'size' is missing or infinite in 800 rows"):
        model.interval(fitted.data.frame.assign(size=np.inf))
    gaps = replace(train.data, frame=train.data.frame.assign(size=train.data.frame["size"].where(train.data.d == 1)))
    one_level = replace(train.data, frame=train.data.frame.assign(kind="a"), effect_modifiers=["kind"])
    for grow in (tp.estimate_cate, tp.policy.policy_tree):
        with pytest.raises(ValueError, match="'size' is missing or infinite in"):
            grow(replace(train, data=gaps))
        with pytest.raises(ValueError, match="'kind' has one level only"):
            grow(replace(train, data=one_level))


def test_a_validation_without_groups_or_differences_is_refused(categories):
    _, train, held_out = categories
    model = tp.estimate_cate(train, "linear_dr")
    for n_groups in (1, 2.5, 400):
        with pytest.raises(ValueError, match=f"n_groups={n_groups}"):
            tp.validation.validate_cate(model, held_out, n_groups)
    same = replace(held_out, data=replace(held_out.data, frame=held_out.data.frame.assign(kind="b", size=0.0)))
    with pytest.raises(ValueError, match="the same effect"):
        tp.validation.validate_cate(model, same)


def test_what_cannot_be_answered_is_refused(fitted, models, big):
    with pytest.raises(ValueError, match="method='magic'"):
        tp.estimate_cate(fitted, "magic")
    with pytest.raises(ValueError, match="level=95"):
        models["linear_dr"].interval(level=95)
    with pytest.raises(ValueError, match="treat needs one True or False"):
        tp.policy.policy_value(fitted, [1, 0])
    with pytest.raises(ValueError, match="treat needs one True or False"):
        tp.truth.policy_regret(big.truth, np.ones((big.data.n_rows, 1)))
    backwards = pd.Series(1, index=fitted.data.frame.index[::-1])
    with pytest.raises(ValueError, match="treat has another index"):
        tp.policy.policy_value(fitted, backwards)
    with pytest.raises(ValueError, match="treat needs one True or False"):
        tp.policy.policy_value(fitted, backwards[::-1].astype("boolean").where(fitted.data.d == 1))
    for interval in (pd.DataFrame({"lower": [0], "upper": [1]}), pd.DataFrame({"low": big.truth.cate})):
        with pytest.raises(ValueError, match="interval needs columns lower and upper"):
            tp.truth.evaluate_cate(big.truth.cate, big.truth, interval)
    with pytest.raises(ValueError, match="effect has 3 values"):
        tp.truth.evaluate_cate([1, 2, 3], big.truth)
    with pytest.raises(ValueError, match="at least two estimates"):
        tp.Estimates([tp.estimate_ate(fitted)]).test_equal()


def test_the_comparison_of_losses_is_the_one_written_out_and_finds_the_nearer_model(halves, fitted, big):
    _, held_out = halves
    _, rows = tp.folds.split_rows(fitted.data)
    tau = big.truth.cate[rows]
    effects = {"far": tau + 30, "true": tau, "constant": np.full(len(tau), tau.mean())}
    found = tp.validation.compare_cate(effects, held_out, "far")
    m = np.clip(held_out.propensity[:, 0], 0.01, 0.99)
    g0, g1, y, d = held_out.outcome_control[:, 0], held_out.outcome_treated[:, 0], held_out.data.y, held_out.data.d
    signal = g1 - g0 + d * (y - g1) / m - (1 - d) * (y - g0) / (1 - m)
    assert found.names == ["true", "constant"]
    for name in found.names:
        gap = (signal - effects[name]) ** 2 - (signal - effects["far"]) ** 2
        sums = np.bincount(held_out.data.clusters, weights=gap - gap.mean())
        assert found[name].value == pytest.approx(gap.mean())
        assert found[name].std_error == pytest.approx(np.sqrt(np.sum(sums**2)) / len(gap))
        assert found[name].conf_int()[1] < 0
        assert found[name].outcome == "squared units"


@pytest.mark.parametrize(
    ("effects", "message"),
    [({"a": 1, "b": 1}, "baseline='line'"), ({"line": 1}, "another one beside"), ({"line": 1, "b": 2}, "'b' need one")],
)
def test_a_comparison_without_a_baseline_or_a_value_a_row_is_refused(halves, effects, message):
    _, held_out = halves
    given = {name: np.zeros(held_out.data.n_rows * size) for name, size in effects.items()}
    with pytest.raises(ValueError, match=message):
        tp.validation.compare_cate(given, held_out, "line")
