"""Estimates contrast, print and hold together; intervals that promise to cover all at once do."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom, chi2, norm

import tutorial_pkg as tp


def test_simultaneous_intervals_are_wider_than_pointwise_and_narrower_than_bonferroni(fitted):
    groups = tp.estimate_gate(fitted, "product_category")
    band, pointwise = groups.simultaneous().reset_index(), groups.tidy()
    bonferroni = groups.tidy(level=1 - 0.05 / len(groups))
    assert (band["upper"] > pointwise["upper"]).all()
    assert (band["upper"] < bonferroni["upper"] + 0.02 * groups.tidy()["std_error"]).all()


@pytest.mark.slow
def test_simultaneous_intervals_cover_all_groups_at_once():
    """Groups in truth alike, by a coin, in 200 samples: at least 180 are covered whole but once in 500 times."""
    covered, rejected = 0, 0
    for seed in range(200):
        rng = np.random.default_rng(seed)
        d, group, y = rng.integers(0, 2, 400), rng.integers(0, 5, 400), rng.normal(size=400)
        data = tp.CausalData(pd.DataFrame({"y": y + d, "d": d, "x": rng.normal(size=400)}), "y", "d", ["x"])
        folds = [[(np.arange(200), np.arange(200, 400)), (np.arange(200, 400), np.arange(200))]]
        half = np.full((400, 1), 0.5)
        nuisances = tp.Nuisances(data, tp.learners.linear(), folds, 0 * half, 2 * half, half, half, {})
        groups = tp.estimate_gate(nuisances, pd.Series(group))
        band = groups.simultaneous(n_draws=2_000)
        covered += bool(((band["lower"] <= 1) & (band["upper"] >= 1)).all())
        rejected += groups.test_equal()["p_value"] < 0.05
    assert covered >= 180
    assert rejected <= 20


def test_influence_values_give_value_error_and_contrasts(nuisances):
    ate, att = tp.estimate_ate(nuisances), tp.estimate_att(nuisances)
    for e in (ate, att, tp.estimate_plr(nuisances)):
        assert e.influence.mean() == pytest.approx(0, abs=1e-8)
    gap = att - ate
    assert gap.value == pytest.approx(att.value - ate.value)
    assert gap.std_error < att.std_error + ate.std_error
    assert (ate - ate).std_error == 0


def test_a_contrast_is_taken_repeat_by_repeat(market):
    nuisances = tp.cross_fit(market.data, tp.learners.linear(), n_folds=2, n_repeats=3)
    ate, att = tp.estimate_ate(nuisances), tp.estimate_att(nuisances)
    gaps = [b.value - a.value for a, b in zip(ate.splits, att.splits, strict=True)]
    assert (att - ate).value == pytest.approx(np.median(gaps))


def test_estimates_print_and_tidy(nuisances):
    ate = tp.estimate_ate(nuisances)
    columns = ["label", "outcome", "estimand", "method", "value", "std_error", "lower", "upper", "n_rows", "caution"]
    assert list(ate.tidy().columns) == columns
    assert len(ate.tidy()) == 1
    assert " units, 95% interval" in repr(ate)
    assert "<table" in ate._repr_html_()
    lower, upper = ate.conf_int(0.9)
    assert ate.conf_int()[0] < lower < ate.value < upper < ate.conf_int()[1]


def test_a_mapping_names_its_estimates(nuisances):
    both = tp.Estimates({"all": tp.estimate_ate(nuisances), "followers": tp.estimate_att(nuisances)})
    assert both.names == ["all", "followers"]
    assert both["followers"].estimand == "ATT"
    assert list(both.tidy()["label"]) == ["all", "followers"]
    assert list(both.tidy().index) == [0, 1]


def test_a_table_over_outcomes_is_one_line(market):
    found = [tp.naive.difference_in_means(market.for_outcome(o).data) for o in ("units_30d", "clicks_30d")]
    assert list(tp.Estimates(found).tidy()["outcome"]) == ["units_30d", "clicks_30d"]


def test_beside_their_truth_estimates_show_what_differs_and_whether_they_cover():
    one = tp.Estimate(1.0, 0.5, "ATE", "m", 10, outcome="y", label="one")
    other = tp.Estimate(3.0, 0.5, "ATT", "m", 10, outcome="y", label="other")
    table = tp.Estimates([one, other]).compare({"one": 1.5, "other": 1.0}, level=0.9)
    assert list(table.columns) == ["estimand", "value", "lower", "upper", "truth", "error", "covers"]
    assert list(table["error"]) == [-0.5, 2.0]
    assert list(table["covers"]) == [True, False]
    assert table.loc["one", "upper"] == pytest.approx(1 + 1.6448536 * 0.5)
    html = table._repr_html_()
    assert "90% interval" in html
    assert "✓" in html
    assert "✗" in html
    itself = tp.Estimates({"ATE": one, "ATT": other}).compare(1.0)
    assert "estimand" not in itself.columns  # the names say it
    alike = tp.Estimates([one, one]).compare(1.0)
    assert "estimand" not in alike.columns
    with pytest.raises(ValueError, match="'other'"):
        tp.Estimates([one, other]).compare(pd.Series({"one": 1.0}))


def test_a_contrast_says_what_it_contrasts(market, nuisances):
    groups = tp.estimate_gate(nuisances, "product_category")
    assert (tp.estimate_att(nuisances) - tp.estimate_ate(nuisances)).estimand == "ATT - ATE"
    assert (groups["toys"] - groups["home"]).estimand == "GATE: toys - home"
    after = tp.naive.difference_in_means(market.data)
    before = tp.naive.difference_in_means(market.for_outcome("units_prev_30d").data)
    assert (after - before).estimand == ("difference: units sold in 30 days - units sold in the 30 days before")
    assert (after - tp.estimate_ate(nuisances)).family == "other"


def test_naive_estimates_do_not_call_themselves_ate(market):
    for comparison in (
        tp.naive.difference_in_means,
        tp.naive.regression_adjusted,
        tp.naive.matched,
        tp.naive.inverse_propensity_weighted,
        lambda data: tp.naive.stratified(data, "product_category"),
    ):
        estimate = comparison(market.data)
        assert estimate.estimand == "difference"
        assert estimate.family == "naive"


def test_influence_values_of_other_rows_and_no_estimates_are_refused(market):
    with pytest.raises(ValueError, match="3 values for 2,000 rows"):
        tp.from_influence(1.0, np.zeros(3), market.data, estimand="ATE", method="m")
    with pytest.raises(ValueError, match="no estimate"):
        tp.Estimates([])


def with_influence(influence, clusters=None, value=1.0, label=""):
    """An estimate whose error is that of the mean of its influence values, by the textbook."""
    sums = influence if clusters is None else pd.Series(influence).groupby(clusters).sum().to_numpy()
    error = np.sqrt(np.sum(sums**2)) / len(influence)
    return tp.Estimate(value, error, "ATE", "m", len(influence), influence, clusters=clusters, label=label)


def critical_values(estimates):
    band = estimates.simultaneous(n_draws=200_000)
    errors = np.array([e.std_error for e in estimates])
    return ((band["upper"] - band["lower"]) / 2 / errors).to_numpy()


def test_the_critical_value_follows_the_correlation_of_the_estimates():
    """Of one estimate told five times it is that of one, of five independent ones Sidak's."""
    one = np.random.default_rng(0).normal(size=500)
    assert critical_values(tp.Estimates([with_influence(one * k) for k in range(1, 6)])) == pytest.approx(
        1.96, abs=0.02
    )
    apart = [np.where(np.arange(500) // 100 == k, one, 0.0) for k in range(5)]
    sidak = norm.ppf((1 + 0.95 ** (1 / 5)) / 2)
    assert critical_values(tp.Estimates([with_influence(i) for i in apart])) == pytest.approx(sidak, abs=0.02)


def test_estimates_of_other_rows_of_the_same_sellers_are_correlated():
    seller = np.repeat(np.arange(250), 2)
    shock = np.random.default_rng(1).normal(size=250)
    apart = [np.where(np.arange(500) % 2 == k, shock[seller], 0.0) for k in range(2)]
    alike = [with_influence(i, seller, label=str(k)) for k, i in enumerate(apart)]
    assert critical_values(tp.Estimates(alike)) == pytest.approx(1.96, abs=0.02)
    band = tp.Estimates(alike).simultaneous(0.9)
    assert list(band.index) == ["0", "1"]
    assert list(band["value"]) == [1.0, 1.0]
    pd.testing.assert_frame_equal(band, tp.Estimates(alike).simultaneous(0.9))


def test_the_test_of_equality_is_walds():
    rng = np.random.default_rng(2)
    influence, values = rng.normal(size=(3, 400)) + rng.normal(size=400), np.array([1.0, 1.1, 1.3])
    found = tp.Estimates([with_influence(i, value=v) for i, v in zip(influence, values)]).test_equal()
    covariance = influence @ influence.T / 400**2
    contrast = np.array([[1, 0, -1], [0, 1, -1]])
    gap = contrast @ values
    statistic = gap @ np.linalg.inv(contrast @ covariance @ contrast.T) @ gap
    assert found["statistic"] == pytest.approx(statistic)
    assert found["df"] == 2
    assert found["p_value"] == pytest.approx(chi2.sf(statistic, 2))


def test_two_estimates_are_equal_when_their_contrast_is_zero(nuisances):
    ate, att = tp.estimate_ate(nuisances), tp.estimate_att(nuisances)
    gap = att - ate
    found = tp.Estimates([ate, att]).test_equal()
    assert found["statistic"] == pytest.approx((gap.value / gap.std_error) ** 2)
    assert found["p_value"] == pytest.approx(2 * norm.sf(abs(gap.value / gap.std_error)))


def test_the_error_of_a_contrast_is_clustered(market, nuisances):
    gap = tp.estimate_att(nuisances) - tp.estimate_ate(nuisances)
    sums = pd.Series(gap.influence).groupby(market.data.frame["seller_id"].to_numpy()).sum()
    assert gap.std_error == pytest.approx(np.sqrt((sums**2).sum()) / market.data.n_rows)


def test_estimates_without_influence_or_of_other_rows_are_not_subtracted(market, nuisances):
    ate = tp.estimate_ate(nuisances)
    with pytest.raises(ValueError, match="gives no influence values"):
        ate - tp.naive.matched(market.data)
    with pytest.raises(ValueError, match="gives no influence values"):
        tp.Estimates([ate, tp.naive.matched(market.data)]).test_equal()
    with pytest.raises(ValueError, match=r"different rows \(2,000 and 500\)"):
        ate - tp.estimate_ate(nuisances.take(np.arange(500)))
    other = with_influence(np.ones(2_000), np.arange(2_000) // 8)
    with pytest.raises(ValueError, match="their clusters differ"):
        ate - other
    with pytest.raises(TypeError):
        ate - 1.0


def test_an_estimate_is_found_by_its_label_its_method_or_its_place(nuisances):
    both = tp.Estimates({"all": tp.estimate_ate(nuisances), "followers": tp.estimate_att(nuisances)})
    assert both[1] is both["followers"]
    assert both["DML (IRM)"] is both[0]
    with pytest.raises(KeyError, match="'nobody'; there are: all, followers"):
        both["nobody"]


def test_estimates_of_other_rows_are_not_tested_together(nuisances):
    ate = tp.estimate_ate(nuisances)
    with pytest.raises(ValueError, match=r"different rows \(2,000 and 500\)"):
        tp.Estimates([ate, tp.estimate_ate(nuisances.take(np.arange(500)))]).test_equal()
    with pytest.raises(ValueError, match="their clusters differ"):
        tp.Estimates([ate, with_influence(np.ones(2_000), np.arange(2_000) // 8)]).simultaneous()


def test_a_contrast_has_the_clusters_that_either_knows(market, nuisances):
    ate, att = tp.estimate_ate(nuisances), tp.estimate_att(nuisances)
    bare = replace(att, clusters=None)
    assert (ate - bare).std_error == (bare - ate).std_error == (ate - att).std_error


def test_a_contrast_over_repeats_says_what_it_contrasts(market):
    repeated = tp.cross_fit(market.data, tp.learners.linear(), n_folds=2, n_repeats=2)
    both = tp.Estimates({"one": tp.estimate_ate(repeated), "two": tp.estimate_att(repeated)})
    same = tp.Estimates({"one": both[0], "two": both[0]})
    assert (same[0] - same[1]).estimand == "ATE: one - two"
    assert (both[1] - both[0]).estimand == "ATT - ATE"
    assert len((both[1] - both[0]).splits) == 2


def test_truths_are_found_by_how_their_labels_read(nuisances):
    """Groups may be numbers or intervals; estimates are labelled by words."""
    bands = pd.qcut(nuisances.data.frame["weeks_of_cover"], 3)
    groups = tp.estimate_gate(nuisances, bands)
    truth = pd.Series([1.0, 2.0, 3.0], index=bands.cat.categories)
    assert list(groups.compare(truth)["truth"]) == [1.0, 2.0, 3.0]
    assert list(groups.compare({1: 0.0} | dict(zip(groups.names, [4, 5, 6])))["truth"]) == [4.0, 5.0, 6.0]


def test_small_effects_keep_their_digits():
    small = tp.Estimate(0.0031, 0.0011, "ATE", "m", 10)
    assert "0.003" in tp.Estimates([small]).compare(0.003)._repr_html_()
    assert "0.003" in small._repr_html_()
    assert "4.67 " in repr(tp.Estimates([tp.Estimate(4.6731, 0.25, "ATE", "m", 10)]).compare(4.5))


def test_all_pairs_are_the_differences_with_bands_that_hold_for_all_of_them(fitted):
    groups = tp.estimate_gate(fitted, "product_category")
    pairs = groups.pairs()
    assert len(pairs) == len(groups) * (len(groups) - 1) / 2
    first, second = groups[0], groups[2]
    found = pairs[f"{first.label} - {second.label}"]
    assert (found.value, found.std_error) == ((first - second).value, (first - second).std_error)
    band, alone = pairs.simultaneous(), pairs.tidy().set_index("label")
    wider = (band["upper"] - band["lower"]) / (alone["upper"] - alone["lower"])
    n = len(pairs)
    assert 1.1 < wider.min() <= wider.max() < norm.ppf(1 - 0.025 / n) / norm.ppf(0.975)
    with pytest.raises(ValueError, match="no pair"):
        tp.Estimates([first]).pairs()


def test_bands_of_all_pairs_cover_them_at_once():
    """400 draws of four correlated means: by this bound 95% bands cover too few of them once in 500 times."""
    rng, covered, n = np.random.default_rng(5), 0, 400
    plain = tp.CausalData(pd.DataFrame({"y": rng.normal(size=n), "d": np.arange(n) % 2, "x": 0.0}), "y", "d", ["x"])
    for _ in range(400):
        values = rng.normal(size=(n, 4)) + rng.normal(size=(n, 1))
        means = values.mean(axis=0)
        each = [
            tp.from_influence(mean, column - mean, plain, estimand="mean", method="mean", label=str(i))
            for i, (mean, column) in enumerate(zip(means, values.T, strict=True))
        ]
        band = tp.Estimates(each).pairs().simultaneous(n_draws=2_000)
        covered += bool(((band["lower"] < 0) & (band["upper"] > 0)).all())
    assert binom.ppf(0.002, 400, 0.95) <= covered <= binom.ppf(0.998, 400, 0.95)


# --- several tables ---------------------------------------------------------------------------------------


def tables_of(seller_of_a, seller_of_b, seed=3):
    """Two tables of an outcome by seller, and the estimated mean of each."""
    rng, pairs = np.random.default_rng(seed), []
    for name, seller in {"a": seller_of_a, "b": seller_of_b}.items():
        n = len(seller)
        columns = {"y": rng.normal(size=n), "d": np.arange(n) % 2, "x": rng.normal(size=n), "seller": seller}
        data = tp.CausalData(pd.DataFrame(columns), "y", "d", ["x"], cluster="seller")
        influence = data.y - data.y.mean()
        mean = tp.from_influence(data.y.mean(), influence, data, estimand="mean", method="m", label=name)
        pairs.append(([mean], data))
    return pairs


def test_joined_tables_keep_values_and_errors_and_share_their_sellers():
    """The covariance of two means is the sum over sellers of the product of their sums, by the textbook."""
    pairs = tables_of(np.repeat(np.arange(40), 2), np.repeat(np.arange(20, 50), 3))
    joined = tp.estimates.join_tables(pairs)
    assert joined.names == ["a", "b"]
    sums = []
    for ((alone,), data), e in zip(pairs, joined, strict=True):
        assert e.value == alone.value
        assert e.std_error == alone.std_error
        assert e.n_rows == 170
        sums.append(pd.Series(alone.influence).groupby(data.frame["seller"]).sum() / data.n_rows)
    shared = (sums[0] * sums[1]).dropna()
    assert len(shared) == 20
    variance = (sums[0] ** 2).sum() + (sums[1] ** 2).sum() - 2 * shared.sum()
    assert (joined["a"] - joined["b"]).std_error == pytest.approx(np.sqrt(variance))
    assert joined.test_equal()["statistic"] == pytest.approx((joined[0].value - joined[1].value) ** 2 / variance)


def test_tables_of_other_sellers_and_without_sellers_are_independent():
    pairs = tables_of(np.arange(40), np.arange(40, 100))
    joined = tp.estimates.join_tables(pairs)
    apart = np.hypot(joined[0].std_error, joined[1].std_error)
    assert (joined[0] - joined[1]).std_error == pytest.approx(apart)
    bare = [replace(data, cluster=None) for _, data in pairs]
    alone = [([replace(e, clusters=None)], data) for (found, _), data in zip(pairs, bare, strict=True) for e in found]
    without = tp.estimates.join_tables(alone)
    assert (without[0] - without[1]).std_error == pytest.approx(apart)


def test_several_estimates_of_a_table_keep_their_correlation(market, nuisances):
    other = tp.simulate_sellers(2_000, seed=12, n_covariates=30).data
    ate, att = tp.estimate_ate(nuisances), tp.estimate_att(nuisances)
    joined = tp.estimates.join_tables([([ate, att], market.data), ([tp.naive.difference_in_means(other)], other)])
    assert (joined[1] - joined[0]).std_error == pytest.approx((att - ate).std_error)


def test_joined_tables_contrast_repeat_by_repeat(market):
    fitted = tp.cross_fit(market.data, tp.learners.linear(), n_folds=2, n_repeats=3, progress=False)
    ate, att = tp.estimate_ate(fitted), tp.estimate_att(fitted)
    other = tp.simulate_sellers(2_000, seed=12, n_covariates=30).data
    joined = tp.estimates.join_tables([([ate, att], market.data), ([tp.naive.difference_in_means(other)], other)])
    gap = joined[1] - joined[0]
    assert gap.value == pytest.approx((att - ate).value)
    assert gap.std_error == pytest.approx((att - ate).std_error)


def test_tables_that_do_not_go_together_are_refused():
    (found_a, a), (found_b, b) = tables_of(np.arange(40), np.arange(60))
    join = tp.estimates.join_tables
    with pytest.raises(ValueError, match="A table comes twice"):
        join([(found_a, a), (found_a, a)])
    with pytest.raises(ValueError, match="a has no influence values for the rows beside it"):
        join([(found_a, b), (found_b, a)])
    with pytest.raises(ValueError, match="b has no influence values"):
        join([(found_a, a), ([replace(found_b[0], influence=None)], b)])
    with pytest.raises(ValueError, match=r"different clusters \(None, seller\)"):
        join([(found_a, a), ([replace(found_b[0], clusters=None)], replace(b, cluster=None))])
    words = replace(b, frame=b.frame.assign(seller=b.frame["seller"].astype(str)))
    with pytest.raises(ValueError, match="'seller' is integer in one table, string in another"):
        join([(found_a, a), ([replace(found_b[0], clusters=words.clusters)], words)])
    with pytest.raises(ValueError, match="no estimate"):
        join([])
