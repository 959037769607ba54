"""Naive comparisons equal what a second implementation gives, and their standard errors are what they claim."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy.stats import ttest_ind
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.preprocessing import StandardScaler

import tutorial_pkg as tp
from tutorial_pkg import naive


def regression(data, *controls, **fit):
    return sm.OLS(data.y, np.column_stack([data.d, np.ones(data.n_rows), *controls])).fit(**fit)


# --- difference in means --------------------------------------------------------------------------------


def test_difference_in_means_equals_a_robust_regression_on_the_treatment(plain):
    estimate, expected = naive.difference_in_means(plain), regression(plain, cov_type="HC0")
    assert estimate.value == pytest.approx(expected.params[0], abs=1e-12)
    assert estimate.std_error == pytest.approx(expected.bse[0], rel=1e-10)


def test_difference_in_means_is_welchs_up_to_degrees_of_freedom(plain):
    y, d = plain.y, plain.d
    welch = ttest_ind(y[d == 1], y[d == 0], equal_var=False)
    estimate = naive.difference_in_means(plain)
    assert estimate.value / estimate.std_error == pytest.approx(welch.statistic, rel=0.01)
    hc2 = regression(plain, cov_type="HC2")
    assert hc2.tvalues[0] == pytest.approx(welch.statistic, rel=1e-10)  # so HC2 is Welch's, and HC0 close to it


def test_difference_in_means_clustered_equals_the_clustered_regression(clustered):
    options = {"groups": clustered.clusters, "use_correction": False}
    expected = regression(clustered, cov_type="cluster", cov_kwds=options)
    assert naive.difference_in_means(clustered).std_error == pytest.approx(expected.bse[0], rel=1e-10)


# --- strata ---------------------------------------------------------------------------------------------


def test_stratified_equals_the_hand_formula(plain):
    y, d, kind = plain.y, plain.d, plain.frame["kind"].to_numpy()
    share = {s: np.mean(kind == s) for s in ("a", "b")}
    effect = {s: y[(kind == s) & (d == 1)].mean() - y[(kind == s) & (d == 0)].mean() for s in share}
    value = sum(share[s] * effect[s] for s in share)
    within = sum(share[s] ** 2 * y[(kind == s) & (d == a)].var() / np.sum((kind == s) & (d == a))
                 for s in share for a in (0, 1))  # fmt: skip
    between = sum(share[s] * (effect[s] - value) ** 2 for s in share) / plain.n_rows
    estimate = naive.stratified(plain, "kind")
    assert estimate.value == pytest.approx(value, abs=1e-12)
    assert estimate.std_error == pytest.approx(np.sqrt(within + between), rel=1e-10)


def test_strata_may_be_labelled_by_words_numbers_intervals_or_booleans(plain):
    size = plain.frame["size"]
    boolean = (size > 0).rename("big")
    expected = naive.stratified(plain, boolean.map({True: "yes", False: "no"}))
    halves = pd.cut(size, [-np.inf, 0, np.inf])
    for labels in (boolean, boolean.astype(int), boolean.astype("category"), halves):
        estimate = naive.stratified(plain, labels)
        assert estimate.value == pytest.approx(expected.value, abs=1e-12)
        assert estimate.std_error == pytest.approx(expected.std_error, rel=1e-12)


def test_one_stratum_is_the_difference_in_means(clustered):
    one = naive.stratified(clustered, pd.Series("all", index=clustered.frame.index))
    expected = naive.difference_in_means(clustered)
    assert one.value == pytest.approx(expected.value, abs=1e-12)
    assert one.std_error == pytest.approx(expected.std_error, rel=1e-12)


# --- least squares --------------------------------------------------------------------------------------


def test_ols_equals_statsmodels(plain):
    is_a = (plain.frame["kind"] == "a").to_numpy(float)
    expected = regression(plain, plain.frame["size"], is_a, cov_type="HC1")
    estimate = naive.regression_adjusted(plain)
    assert estimate.value == pytest.approx(expected.params[0], abs=1e-10)
    assert estimate.std_error == pytest.approx(expected.bse[0], rel=1e-8)


def test_ols_clustered_equals_statsmodels(clustered):
    expected = regression(
        clustered, clustered.frame["size"], cov_type="cluster", cov_kwds={"groups": clustered.clusters}
    )
    estimate = naive.regression_adjusted(clustered, controls=["size"])
    assert estimate.value == pytest.approx(expected.params[0], abs=1e-10)
    assert estimate.std_error == pytest.approx(expected.bse[0], rel=1e-8)


def test_ols_does_not_mind_copies_of_a_column_or_a_constant_one(clustered):
    frame = clustered.frame.assign(copy=lambda f: 2 * f["size"] + 1, constant=1.0, again=lambda f: -f["size"])
    more = replace(
        clustered, frame=frame, covariates=["size", "kind", "copy", "constant", "again"], effect_modifiers=()
    )
    estimate, expected = naive.regression_adjusted(more), naive.regression_adjusted(clustered)
    assert estimate.value == pytest.approx(expected.value, abs=1e-10)
    assert estimate.std_error == pytest.approx(expected.std_error, rel=1e-8)


def test_ols_error_is_finite_and_of_the_right_size_in_market_after_market():
    errors = [
        naive.regression_adjusted(tp.simulate_sellers(800, seed=seed, n_covariates=30).data).std_error
        for seed in range(40)
    ]
    assert np.all(np.isfinite(errors))
    assert max(errors) < 3 * min(errors)


# --- matching -------------------------------------------------------------------------------------------


def pairs(y_treated, y_control, place):
    """Each treated row has one exact copy among the others."""
    n = len(place)
    columns = {"y": [*y_treated, *y_control], "d": [1] * n + [0] * n, "x": [*place, *place]}
    return tp.CausalData(pd.DataFrame(columns), "y", "d", ["x"])


def test_matching_with_exact_duplicates_equals_hand_computation():
    data = pairs([5.0, 7.0, 12.0, 9.0], [4.0, 5.0, 7.0, 9.0], [0.0, 1.0, 10.0, 11.0])
    estimate = naive.matched(data, "x")
    gaps = np.array([1.0, 2.0, 5.0, 0.0] * 2)
    twins = np.array([2, 2, 4.5, 4.5, 0.5, 0.5, 2, 2])  # half the squared difference to the nearest of the same arm
    assert estimate.value == pytest.approx(2.0, abs=1e-12)
    assert estimate.std_error == pytest.approx(np.sqrt(np.mean((gaps - 2) ** 2 + 2 * twins) / 8), rel=1e-10)


def brute_force_match(y, d, z, n_matches):
    """Abadie and Imbens (2006), theorem 7, with loops over every pair of rows."""
    n, imputed, used, variance = len(y), np.zeros(len(y)), np.zeros(len(y)), np.zeros(len(y))
    distance = ((z[:, None, :] - z[None, :, :]) ** 2).sum(axis=2)
    for i in range(n):
        near = sorted((j for j in range(n) if d[j] != d[i]), key=lambda j: distance[i, j])[:n_matches]
        imputed[i] = np.mean(y[near])
        used[near] += 1  # K_M(i)
        own = min((j for j in range(n) if d[j] == d[i] and j != i), key=lambda j: distance[i, j])
        variance[i] = (y[i] - y[own]) ** 2 / 2
    gap = (2 * d - 1) * (y - imputed)
    k, m = used, n_matches
    total = np.mean((gap - gap.mean()) ** 2) + np.mean(((k / m) ** 2 + (2 * m - 1) / m * (k / m)) * variance)
    return gap.mean(), np.sqrt(total / n)


@pytest.mark.parametrize("n_matches", [1, 3])
def test_matching_equals_a_brute_force_search(plain, n_matches):
    frame = plain.frame.assign(other=np.random.default_rng(5).normal(size=plain.n_rows))
    data = replace(plain, frame=frame, covariates=["size", "other"], effect_modifiers=())
    expected = brute_force_match(data.y, data.d.astype(int), StandardScaler().fit_transform(data.x), n_matches)
    estimate = naive.matched(data, ["size", "other"], n_matches)
    assert (estimate.value, estimate.std_error) == pytest.approx(expected, rel=1e-10)


def test_matching_breaks_ties_without_regard_to_the_order_of_the_rows(table):
    ordered = table.sort_values("sales", ignore_index=True)
    for frame in (ordered, ordered[::-1].reset_index(drop=True)):
        data = tp.CausalData(frame, "sales", "followed", ["kind"])
        matched, strata = naive.matched(data, "kind"), naive.stratified(data, "kind")
        assert abs(matched.value - strata.value) < 2 * matched.std_error
        assert matched.std_error > 0.9 * strata.std_error


# --- weighting and prediction ---------------------------------------------------------------------------


def test_ipw_equals_hajeks_formula_by_hand(plain):
    x = StandardScaler().fit_transform(plain.x.astype(float))
    m = LogisticRegression().fit(x, plain.d).predict_proba(x)[:, 1]
    y, d = plain.y, plain.d
    expected = (d * y / m).sum() / (d / m).sum() - ((1 - d) * y / (1 - m)).sum() / ((1 - d) / (1 - m)).sum()
    assert naive.inverse_propensity_weighted(plain).value == pytest.approx(expected, abs=1e-8)


def test_ipw_equals_weighted_least_squares_with_robust_errors(clustered):
    x = StandardScaler().fit_transform(clustered.x.astype(float))
    m = LogisticRegression().fit(x, clustered.d).predict_proba(x)[:, 1]
    model = sm.WLS(
        clustered.y, sm.add_constant(clustered.d.astype(float)), np.where(clustered.d == 1, 1 / m, 1 / (1 - m))
    )
    for data, options in (
        (replace(clustered, cluster=None), {"cov_type": "HC0"}),
        (clustered, {"cov_type": "cluster", "cov_kwds": {"groups": clustered.clusters, "use_correction": False}}),
    ):
        estimate, expected = naive.inverse_propensity_weighted(data), model.fit(**options)
        assert estimate.value == pytest.approx(expected.params[1], abs=1e-8)
        assert estimate.std_error == pytest.approx(expected.bse[1], rel=1e-6)


def test_plug_in_with_a_line_equals_two_regressions(plain):
    arms = [LinearRegression().fit(plain.x[plain.d == a], plain.y[plain.d == a]).predict(plain.x) for a in (0, 1)]
    estimate = naive.plug_in(plain, LinearRegression())
    assert estimate.value == pytest.approx(np.mean(arms[1] - arms[0]), abs=1e-10)


# --- standard errors ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def draws():
    """Estimates in 150 small markets without clusters, in which a line is right and the ATE is 1."""
    rows = []
    for seed in range(150):
        rng = np.random.default_rng(seed)
        x = rng.uniform(-1, 1, (300, 2))
        kind = rng.integers(0, 3, 300)
        d = (rng.random(300) < 1 / (1 + np.exp(-x[:, 0] - 0.5 * (kind - 1)))).astype(int)
        y = d + 2 * x[:, 0] + kind + rng.normal(size=300) * (1 + d)
        frame = pd.DataFrame({"y": y, "d": d, "x1": x[:, 0], "x2": x[:, 1], "kind": kind.astype(str)})
        data = tp.CausalData(frame, "y", "d", ["x1", "x2", "kind"])
        coin = replace(data, frame=frame.assign(d=rng.integers(0, 2, 300)))
        found = {
            "difference in means": naive.difference_in_means(coin),
            "strata": naive.stratified(coin, "kind"),
            "least squares": naive.regression_adjusted(data),
            "matching": naive.matched(data, ["x1", "kind"]),
            "matching with ties": naive.matched(coin, ["kind"]),
            "matching, 3 rows": naive.matched(data, ["x1", "kind"], n_matches=3),
            "propensity matching": naive.matched(data),
            "weighting": naive.inverse_propensity_weighted(data),
            "plug-in": naive.plug_in(data, LinearRegression()),
        }
        rows += [(name, e.value, e.std_error) for name, e in found.items()]
    table = pd.DataFrame(rows, columns=["method", "value", "std_error"]).groupby("method")
    return pd.DataFrame(
        {"spread": table["value"].std(), "claimed": table["std_error"].mean(), "mean": table["value"].mean()}
    )


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", ["difference in means", "strata", "least squares", "matching", "matching with ties", "matching, 3 rows"]
)
def test_standard_errors_are_about_right(draws, method):
    spread, claimed = draws.loc[method, ["spread", "claimed"]]
    assert 0.82 < claimed / spread < 1.22  # three standard errors of a spread from 150 draws


@pytest.mark.slow
@pytest.mark.parametrize("method", ["propensity matching", "weighting"])
def test_taking_an_estimated_propensity_as_known_does_not_make_the_error_too_small(draws, method):
    spread, claimed = draws.loc[method, ["spread", "claimed"]]
    assert 0.85 < claimed / spread < 2


@pytest.mark.slow
def test_the_plug_ins_standard_error_is_far_too_small(draws):
    assert draws.loc["plug-in", "claimed"] < 0.5 * draws.loc["plug-in", "spread"]


@pytest.mark.slow
@pytest.mark.parametrize(
    "method", ["least squares", "matching", "matching, 3 rows", "propensity matching", "weighting", "plug-in"]
)
def test_estimates_are_right_on_average_where_their_models_are_right(draws, method):
    assert abs(draws.loc[method, "mean"] - 1) < 4 * draws.loc[method, "spread"] / np.sqrt(150) + 0.03


# --- the exact account of the bias ----------------------------------------------------------------------


# --- what a user can get wrong --------------------------------------------------------------------------


@pytest.mark.parametrize(
    "method",
    [naive.regression_adjusted, naive.inverse_propensity_weighted, naive.matched, lambda d: naive.matched(d, "size")],
)
def test_a_missing_covariate_is_named(plain, method):
    holes = replace(plain, frame=plain.frame.assign(size=plain.frame["size"].mask(plain.frame.index < 3)))
    with pytest.raises(ValueError, match=r"'size' is missing in 3 rows.*drop it"):
        method(holes)


def test_a_control_that_is_the_treatment_is_refused(plain):
    spoiled = replace(plain, frame=plain.frame.assign(size=plain.frame["followed"] * 2.0))
    with pytest.raises(ValueError, match="determine the treatment 'followed'"):
        naive.regression_adjusted(spoiled)


def test_more_controls_than_rows_are_refused(plain):
    wide = pd.DataFrame(np.random.default_rng(0).normal(size=(200, 250))).rename(columns=lambda i: f"x{i}")
    data = tp.CausalData(pd.concat([plain.frame, wide], axis=1), "sales", "followed", list(wide))
    with pytest.raises(ValueError, match="fewer controls than rows"):
        naive.regression_adjusted(data)


@pytest.mark.parametrize("n_matches", [0, 150])
def test_an_impossible_number_of_matches_is_refused(plain, n_matches):
    with pytest.raises(ValueError, match="n_matches"):
        naive.matched(plain, "size", n_matches)


def test_weighting_clips_the_propensities_of_scikit_learns_logistic_regression(plain):
    size = StandardScaler().fit_transform(plain.x)
    m = LogisticRegression(C=1.0, max_iter=1000).fit(size, plain.d).predict_proba(size)[:, 1]
    y, d, found = plain.y, plain.d, {}
    for clipping in (0.01, 0.4):
        p = np.minimum(np.maximum(m, clipping), 1 - clipping)
        w1, w0 = d / p, (1 - d) / (1 - p)
        mean1, mean0 = np.sum(w1 * y) / np.sum(w1), np.sum(w0 * y) / np.sum(w0)
        psi = w1 * (y - mean1) / w1.mean() - w0 * (y - mean0) / w0.mean()
        estimate = found[clipping] = naive.inverse_propensity_weighted(plain, clipping)
        assert estimate.value == pytest.approx(mean1 - mean0, rel=1e-10)
        assert estimate.std_error == pytest.approx(np.sqrt(np.mean(psi**2) / len(y)), rel=1e-10)
    assert abs(found[0.4].value - found[0.01].value) > 0.01  # so that a clipping left out would be noticed


def test_a_plug_in_takes_a_regressor_not_a_pair(plain):
    with pytest.raises(ValueError, match="is no regressor"):
        naive.plug_in(plain, tp.learners.linear())


def test_a_clipping_that_leaves_nothing_is_refused(plain):
    with pytest.raises(ValueError, match=r"clipping=0\.6"):
        naive.inverse_propensity_weighted(plain, clipping=0.6)


def test_a_stratum_without_both_arms_is_named(plain):
    labels = pd.Series(np.where(plain.d == 1, "yes", "no"), index=plain.frame.index, name="echo")
    with pytest.raises(ValueError, match=r"Group 'no' of 'echo'"):
        naive.stratified(plain, labels)


def test_ipw_takes_propensities_from_elsewhere_and_with_the_true_ones_finds_the_effect():
    sample = tp.simulate_sellers(20_000, seed=3, n_covariates=15)
    found = naive.inverse_propensity_weighted(sample.data, propensity=sample.truth.propensity)
    assert abs(found.value - sample.truth.ate) < 4 * found.std_error
    m, d, y = sample.truth.propensity, sample.data.d, sample.data.y
    assert found.value == pytest.approx(np.average(y, weights=d / m) - np.average(y, weights=(1 - d) / (1 - m)))
    for wrong in (sample.truth.propensity[:5], sample.truth.propensity + 1):
        with pytest.raises(ValueError, match="propensity needs one value between 0 and 1"):
            naive.inverse_propensity_weighted(sample.data, propensity=wrong)


def test_matching_takes_propensities_from_elsewhere_and_finds_the_nearest_on_their_logit():
    data = tp.simulate_sellers(400, seed=3, n_covariates=15).data
    m, d, y = (
        np.random.default_rng(0).uniform(0.05, 0.95, data.n_rows),
        data.d,
        data.y,
    )  # no two alike, as ties are drawn
    z = np.log(m / (1 - m))
    gap = [s * (y[i] - y[np.argmin(np.where(d != d[i], abs(z - z[i]), np.inf))]) for i, s in enumerate(2 * d - 1)]
    assert naive.matched(data, propensity=m).value == pytest.approx(np.mean(gap))
    for wrong in (m[:5], m[:, None], m + 1):
        with pytest.raises(ValueError, match="propensity needs one value between 0 and 1"):
            naive.matched(data, propensity=wrong)
    with pytest.raises(ValueError, match="clip those at either end"):
        naive.matched(data, propensity=np.where(m > 0.5, 1.0, m))


def test_the_logistic_propensity_fitted_once_gives_the_same_answers(plain):
    m = naive.logistic_propensity(plain)
    assert m.mean() == pytest.approx(plain.d.mean(), abs=1e-4)  # as the score of a logistic regression demands
    for method in (naive.matched, naive.inverse_propensity_weighted):
        assert method(plain, propensity=m).value == method(plain).value
