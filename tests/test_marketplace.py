"""The marketplace keeps the promises that every chapter stands on."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from lightgbm import LGBMClassifier, LGBMRegressor

import tutorial_pkg as tp
from tutorial_pkg.handover import sensitivity_gains
from tutorial_pkg.marketplace import (
    OUTCOMES,
    PLACEBO,
    RECOMMENDATIONS,
    SCENARIOS,
    Dials,
    effect_on_all,
    effects_on,
    hidden_strength,
    population_rows,
    population_targets,
    simulate_recommendations,
)

N = 20_000


@pytest.fixture(scope="module")
def markets():
    return {s: tp.simulate_sellers(N, s, seed=5, n_covariates=20) for s in SCENARIOS}


def naive(sample):
    return tp.naive.difference_in_means(sample.data)


@pytest.mark.parametrize("recommendation", RECOMMENDATIONS)
def test_naive_at_least_doubles_the_effect_among_proactive_sellers(recommendation):
    sample = tp.simulate_sellers(N, "proactive", recommendation, seed=1, n_covariates=20)
    assert naive(sample).value >= 2 * sample.truth.ate


@pytest.mark.parametrize("recommendation", RECOMMENDATIONS)
def test_naive_understates_by_half_or_turns_the_sign_among_self_reliant_sellers(recommendation):
    sample = tp.simulate_sellers(N, "self_reliant", recommendation, seed=1, n_covariates=20)
    assert naive(sample).value < 0.5 * sample.truth.ate


def test_naive_is_right_within_its_interval_when_randomised():
    covered = [
        naive(sample).covers(sample.truth.ate)
        for sample in (tp.simulate_sellers(4_000, "randomised", seed=s, n_covariates=15) for s in range(60))
    ]
    assert sum(covered) >= 51  # a 95% interval covers fewer than 51 of 60 once in a thousand times


@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_four_targets_differ_by_a_tenth_of_the_ate(outcome):
    t = population_targets(Dials())[outcome]
    values = sorted([t.ate, t.att, t.atc, t.plr])
    assert min(np.diff(values)) >= 0.10 * t.ate


def test_population_truth_comes_with_a_small_monte_carlo_error():
    t = population_targets(Dials())["units_30d"]
    assert all(0 < t.errors[name] < 0.01 * t.ate for name in ("ate", "att", "atc", "plr"))


def test_population_truth_does_not_depend_on_the_draw_of_its_covariates():
    one, other = (population_targets(Dials(), seed=s)["units_30d"] for s in (1, 2))
    for name in ("ate", "att", "atc", "plr"):
        error = np.hypot(one.errors[name], other.errors[name])
        assert abs(getattr(one, name) - getattr(other, name)) < 4 * error


def test_sample_and_population_truth_agree_within_sampling_error(markets):
    truth = markets["proactive"].truth
    assert truth.sample.ate == pytest.approx(truth.cate.mean(), rel=1e-12)
    assert abs(truth.sample.ate - truth.ate) < 5 * truth.cate.std() / np.sqrt(N / 4)


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("outcome", OUTCOMES)
def test_the_bias_decomposition_is_exact(markets, scenario, outcome):
    sample = markets[scenario].for_outcome(outcome)
    parts = tp.truth.decompose_bias(sample.data, sample.truth)
    assert parts.iloc[:3].sum() == pytest.approx(parts["naive difference"], abs=1e-12 * max(1, abs(parts).max()))


@pytest.mark.parametrize("scenario", SCENARIOS)
@pytest.mark.parametrize("recommendation", RECOMMENDATIONS)
def test_propensities_stay_inside_at_default_overlap(scenario, recommendation):
    m = tp.simulate_sellers(N, scenario, recommendation, seed=3, n_covariates=15).truth.propensity
    assert m.min() > 0.02
    assert m.max() < 0.98


def test_propensities_are_the_frequencies_of_following(markets):
    for hidden in (0.0, 1.0):
        sample = tp.simulate_sellers(100_000, seed=8, n_covariates=15, hidden=hidden)
        cells = pd.DataFrame({"m": sample.truth.propensity, "d": sample.data.d})
        means = cells.groupby(pd.cut(cells["m"], 10), observed=True).agg(["mean", "size"])
        error = np.sqrt(means["m", "mean"] * (1 - means["m", "mean"]) / means["d", "size"])
        assert (abs(means["d", "mean"] - means["m", "mean"]) < 5 * error).all()


@pytest.mark.parametrize("hidden", [0.0, 1.0])
@pytest.mark.parametrize("outcome", [*OUTCOMES, PLACEBO])
def test_conditional_means_are_the_means_of_the_potential_outcomes(outcome, hidden):
    truth = tp.simulate_sellers(100_000, seed=9, n_covariates=15, hidden=hidden).for_outcome(outcome).truth
    for drawn, mean in (
        (truth.observed_control, truth.outcome_control),
        (truth.observed_treated, truth.outcome_treated),
    ):
        rest = (drawn - mean).reshape(-1, 4).sum(axis=1)  # one value a seller, because frailty is shared
        assert abs(rest.mean()) < 4.5 * rest.std() / np.sqrt(len(rest))


def test_same_seed_gives_the_same_bytes_and_another_seed_does_not():
    one, same, other = (tp.simulate_sellers(500, seed=s).data.frame for s in (4, 4, 5))
    pd.testing.assert_frame_equal(one, same, check_exact=True)
    assert not one["units_30d"].equals(other["units_30d"])


def test_fewer_covariates_are_the_same_ones_and_more_are_noise():
    few, named, more = (tp.simulate_sellers(300, n_covariates=k).data for k in (30, None, 300))
    assert len(few.covariates) == 30
    assert len(named.covariates) >= 200
    assert len(more.covariates) == 300
    columns = ["units_30d", "aligned", *few.covariates]
    pd.testing.assert_frame_equal(few.frame[columns], named.frame[columns])
    pd.testing.assert_frame_equal(few.frame[columns], more.frame[columns])


def test_covariates_come_in_float32_and_in_named_groups():
    data = tp.simulate_sellers(200).data
    assert data.x.dtype == np.float32
    assert len({c.group for c in tp.marketplace.marketplace_columns()}) >= 5


def test_nobody_responds_when_the_effect_dial_is_zero():
    sample = tp.simulate_sellers(2_000, effect=0.0, n_covariates=15)
    for outcome in OUTCOMES:
        assert np.allclose(sample.for_outcome(outcome).truth.cate, 0)
        assert sample.for_outcome(outcome).truth.ate == 0


def test_selection_zero_makes_following_unrelated_to_the_covariates():
    assert np.ptp(tp.simulate_sellers(1_000, selection=0.0, n_covariates=15).truth.propensity) == 0


def test_less_overlap_pushes_propensities_outwards():
    spread = [tp.simulate_sellers(4_000, overlap=o, n_covariates=15).truth.propensity.std() for o in (0.5, 1, 2)]
    assert spread[0] > spread[1] > spread[2]


def test_the_hidden_trait_biases_what_the_covariates_cannot_correct():
    plain, hidden = (tp.simulate_sellers(20_000, seed=2, n_covariates=15, hidden=h) for h in (0.0, 1.0))
    biases = []
    for sample in (plain, hidden):
        t, d, y = sample.truth, sample.data.d, sample.data.y
        m = t.propensity
        oracle = t.cate + d * (y - t.outcome_treated) / m - (1 - d) * (y - t.outcome_control) / (1 - m)
        biases.append(abs(oracle.mean() - t.ate) / (oracle.std() / np.sqrt(len(y))))
    assert biases[0] < 4
    assert biases[1] > 10


def test_the_placebo_has_no_effect_but_a_naive_difference():
    sample = tp.simulate_sellers(10_000, n_covariates=15, outcome=PLACEBO)
    assert sample.truth.ate == 0
    assert naive(sample).conf_int()[0] > 1


@pytest.fixture(scope="module")
def sellers():
    return tp.simulate_sellers(5_000, seed=17).data.frame.astype({"product_category": str})


def weeks(frame, series):
    return frame[[f"{series}_week_{week:02d}" for week in range(1, 27)]].to_numpy(float)


def test_every_ratio_is_the_ratio_of_its_parts(sellers):
    f, units, stock = sellers, weeks(sellers, "units_sold"), weeks(sellers, "stock_level")
    pace = f["units_sold_26w"] / 26
    assert (units.sum(axis=1) == f["units_sold_26w"]).all()
    assert (stock[:, 0] == f["stock_on_hand"]).all()
    np.testing.assert_allclose(f["weeks_of_cover"], f["stock_on_hand"] / pace, atol=0.051)
    np.testing.assert_allclose(f["excess_units"], np.maximum(f["stock_on_hand"] - np.ceil(12 * pace), 0))
    np.testing.assert_allclose(f["conversion_share"], units.sum(axis=1) / weeks(f, "visits").sum(axis=1), atol=6e-4)
    np.testing.assert_allclose(f["demand_volatility"], units.std(axis=1) / pace, atol=0.006)
    np.testing.assert_allclose(f["stock_turn"], units.sum(axis=1) / np.maximum(stock.mean(axis=1), 1), atol=0.006)
    sold = f["units_sold_26w"]
    np.testing.assert_allclose(f["sell_through_share"], sold / (sold + f["stock_on_hand"]), atol=6e-4)
    assert (f["reserved_units"] <= f["stock_on_hand"]).all()
    assert (f["deal_units_26w"] <= sold).all()


def test_stock_follows_from_sales_and_deliveries_week_by_week(sellers):
    units, delivered, stock = (weeks(sellers, name) for name in ("units_sold", "delivered", "stock_level"))
    np.testing.assert_array_equal(stock[:, :-1], stock[:, 1:] + delivered[:, :-1] - units[:, :-1])
    assert stock.min() >= 0
    assert (delivered.sum(axis=1) == sellers["delivered_units_26w"]).all()
    assert ((delivered > 0).sum(axis=1) == sellers["deliveries_26w"]).all()


def test_the_covariates_do_not_contain_the_month_of_the_placebo(sellers):
    """What is left of the placebo month given all that the 26 weeks tell is about as much as a month's luck."""
    x = np.column_stack([np.ones(len(sellers)), weeks(sellers, "units_sold"), weeks(sellers, "stock_level")])
    y = sellers["units_prev_30d"].to_numpy()
    rest = y - x @ np.linalg.lstsq(x, y, rcond=None)[0]
    assert rest.var() > y.mean()  # more than that of counts with known means
    assert np.corrcoef(sellers["units_sold_26w"], y)[0, 1] > 0.7  # and yet the same product


@pytest.mark.parametrize("recommendation", RECOMMENDATIONS)
def test_recommendations_reach_those_for_whom_they_are_made(recommendation):
    f = tp.simulate_sellers(4_000, recommendation=recommendation, seed=2, n_covariates=40).data.frame
    if recommendation == "outlet_deal":
        assert f["weeks_of_cover"].min() >= 12
        assert f["excess_units"].min() > 0
    elif recommendation == "restock":
        assert f["weeks_of_cover"].max() <= 8
        assert f["excess_units"].max() == 0
    else:
        assert np.quantile(f["weeks_of_cover"], 0.1) < 8 < 12 < np.quantile(f["weeks_of_cover"], 0.9)


@pytest.mark.parametrize("scenario", ["proactive", "self_reliant"])
def test_no_straight_line_gives_the_log_odds_of_following(scenario):
    sample = tp.simulate_sellers(20_000, scenario, seed=4, n_covariates=15)
    m, x = sample.truth.propensity, sample.data.x.astype(float)
    x = np.column_stack([np.ones(len(m)), x / x.std(axis=0)])
    line = x @ np.linalg.lstsq(x, np.log(m / (1 - m)), rcond=None)[0]
    assert np.sqrt(np.mean((1 / (1 + np.exp(-line)) - m) ** 2)) > 0.04


def test_behind_a_wall_nobody_or_everybody_follows_and_the_targets_know():
    sample = tp.simulate_sellers(20_000, seed=3, n_covariates=15, never_below=40, always_above=65)
    score, m = sample.data.frame["engagement_score"], sample.truth.propensity
    assert (m[score < 40] == 0).all()
    assert (m[score > 65] == 1).all()
    assert (sample.data.d[score < 40] == 0).all()
    open_, walled = (population_targets(Dials(never_below=low))["units_30d"] for low in (0, 40))
    assert walled.ate == open_.ate  # the same products
    assert walled.att > open_.att + 5 * walled.errors["att"]  # other followers
    assert np.average(sample.truth.cate, weights=m) == pytest.approx(sample.truth.att, rel=0.05)


def test_where_sellers_take_from_each_other_even_a_coin_overstates_what_all_would_gain():
    dials = Dials("randomised", crowding=0.1)
    whole, direct = effect_on_all("units_30d", dials), population_targets(dials)["units_30d"].ate
    sample = tp.simulate_sellers(40_000, "randomised", seed=3, n_covariates=15, crowding=0.1)
    assert abs(naive(sample).value - direct) < 4 * naive(sample).std_error
    assert naive(sample).conf_int()[0] > whole > 0
    assert effect_on_all("units_30d", Dials()) == pytest.approx(population_targets(Dials())["units_30d"].ate)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"scenario": "lucky"}, "scenario"),
        ({"recommendation": "pray"}, "recommendation"),
        ({"outcome": "profit"}, "outcome"),
        ({"overlap": 0}, "overlap"),
        ({"hidden": 2}, "hidden"),
        ({"crowding": -1}, "crowding"),
        ({"never_below": 60, "always_above": 40}, "always_above"),
        ({"n_rows": 3}, "n_rows"),
        ({"n_covariates": 5}, "n_covariates"),
    ],
)
def test_an_impossible_market_is_refused_by_name(arguments, named):
    with pytest.raises(ValueError, match=named):
        tp.simulate_sellers(**({"n_rows": 100} | arguments))


def test_the_committed_data_are_drawn_again_in_this_process():
    """The data-generating process is fixed by design: every number of it is held by the data drawn with it."""
    drawn, committed = tp.simulate_sellers(10_000, seed=11), tp.load_sellers()
    pd.testing.assert_frame_equal(drawn.data.frame, committed.data.frame, check_exact=True)
    for outcome in (*OUTCOMES, PLACEBO):
        one, other = drawn.truths[outcome], committed.truths[outcome]
        np.testing.assert_allclose(one.propensity, other.propensity, atol=1e-6)
        for part in ("outcome_control", "outcome_treated", "observed_control", "observed_treated"):
            np.testing.assert_allclose(getattr(one, part), getattr(other, part), atol=1e-5)


FROZEN = {  # means over 2,000 rows: propensity, decision; of each outcome E[Y1 - Y0 | X] and what was seen
    ("proactive", "restock"): [
        0.312215351261,
        0.3055,
        7.33749561808,
        22.8175,
        163.783048371,
        509.66036,
        56.9883332162,
        177.8905,
        0,
        19.0685,
    ],
    ("proactive", "sponsored_ads"): [
        0.298026929457,
        0.291,
        7.42608590914,
        22.829,
        167.149829772,
        511.722045,
        57.5629275033,
        177.521,
        0,
        19.088,
    ],
    ("proactive", "outlet_deal"): [
        0.283091906599,
        0.2755,
        6.59784328787,
        22.652,
        97.0000747312,
        486.353865,
        51.1494106997,
        175.627,
        0,
        19.058,
    ],
    ("self_reliant", "restock"): [
        0.390709384421,
        0.39,
        7.33749561808,
        21.381,
        163.783048371,
        484.399135,
        56.9883332162,
        166.456,
        0,
        19.0685,
    ],
    ("self_reliant", "sponsored_ads"): [
        0.386175916934,
        0.382,
        7.42608590914,
        21.369,
        167.149829772,
        479.971875,
        57.5629275033,
        166.819,
        0,
        19.088,
    ],
    ("self_reliant", "outlet_deal"): [
        0.358315315666,
        0.351,
        6.59784328787,
        21.247,
        97.0000747312,
        461.90961,
        51.1494106997,
        164.7885,
        0,
        19.058,
    ],
    ("randomised", "restock"): [
        0.5,
        0.5015,
        7.33749561808,
        22.5235,
        163.783048371,
        509.165045,
        56.9883332162,
        174.6105,
        0,
        19.0685,
    ],
    ("randomised", "sponsored_ads"): [
        0.5,
        0.5015,
        7.42608590914,
        22.391,
        167.149829772,
        500.83474,
        57.5629275033,
        174.605,
        0,
        19.088,
    ],
    ("randomised", "outlet_deal"): [
        0.5,
        0.5015,
        6.59784328787,
        22.356,
        97.0000747312,
        470.966295,
        51.1494106997,
        173.334,
        0,
        19.058,
    ],
}


@pytest.mark.parametrize("recommendation", RECOMMENDATIONS)
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_every_market_is_what_it_was(scenario, recommendation):
    dials = {"selection": 1.2, "overlap": 0.8, "hidden": 0.6, "effect": 1.5}
    sample = tp.simulate_sellers(2_000, scenario, recommendation, seed=3, n_covariates=15, **dials)
    found = [sample.truth.propensity.mean(), sample.data.d.mean()]
    for outcome in (*OUTCOMES, PLACEBO):
        one = sample.for_outcome(outcome)
        found += [one.truth.cate.mean(), one.data.y.mean()]
    assert found == pytest.approx(FROZEN[scenario, recommendation], rel=1e-9)


@pytest.mark.parametrize("estimand", ["ATE", "ATT"])
def test_the_hidden_trait_is_as_strong_as_its_equations_say(estimand):
    """Strengths and bias, against a sample in which the trait is seen, by the definitions in Chernozhukov et al."""
    sample = tp.simulate_sellers(100_000, seed=3, n_covariates=15, hidden=0.8)
    t, d, y, a = sample.truth, sample.data.d, sample.data.y, sample.truth.hidden_trait
    found = hidden_strength(Dials(hidden=0.8), estimand)
    plain = hidden_strength(Dials(hidden=0.0), estimand)
    assert list(plain) == [0, 0, 0, 0]

    # what knows all but the trait: means of Y by arm among rows of like X, here through the true m and the seen trait
    shift = 0.35 * 0.8 * t.outcome_control
    bins = pd.qcut(t.propensity, 200, labels=False)
    mean = pd.DataFrame({"a": a, "d": d, "bin": bins}).groupby(["bin", "d"])["a"].mean().unstack()
    gap = shift * (mean[1] - mean[0]).to_numpy()[bins]
    bias = gap.mean() if estimand == "ATE" else np.average(gap, weights=t.propensity)
    assert found["bias"] == pytest.approx(bias, rel=0.03)
    short = np.where(d == 1, t.outcome_treated, t.outcome_control) + shift * mean.to_numpy()[bins, d]
    told = (shift * (a - mean.to_numpy()[bins, d])) ** 2
    assert found["cf_y"] == pytest.approx(told.mean() / np.mean((y - short) ** 2), rel=0.05)


@pytest.fixture(scope="module")
def with_trait():
    """A large market fitted with the hidden trait among the covariates, and without it."""
    sample = tp.simulate_sellers(40_000, seed=5, n_covariates=15, hidden=0.6)
    size = {"n_estimators": 80, "num_leaves": 15, "n_jobs": 1, "verbose": -1}
    trees = tp.learners.Learners(LGBMRegressor(**size), LGBMClassifier(**size))
    frame = sample.data.frame.assign(trait=sample.truth.hidden_trait.astype("float32"))
    seen = replace(sample.data, frame=frame, covariates=[*sample.data.covariates, "trait"])
    long = tp.cross_fit(seen, trees, n_folds=2, n_jobs=1, progress=False)
    return sample.truth, long, tp.cross_fit(sample.data, trees, folds=long.folds, n_jobs=1, progress=False)


@pytest.mark.parametrize("estimand", ["ATE", "ATT"])
def test_an_estimate_that_knows_all_but_the_trait_is_off_by_its_bias_and_the_bounds_touch_the_truth(
    with_trait, estimand
):
    truth, _, blind = with_trait
    strength = hidden_strength(Dials(hidden=0.6), estimand)
    estimate = {"ATE": tp.estimate_ate, "ATT": tp.estimate_att}[estimand](blind)
    target = {"ATE": truth.ate, "ATT": truth.att}[estimand]
    assert estimate.value - target == pytest.approx(strength["bias"], abs=3 * estimate.std_error)
    found = tp.sensitivity.bounds(blind, **strength[["cf_y", "cf_d", "rho"]], estimand=estimand)
    assert found["lower"] == pytest.approx(target, abs=3 * estimate.std_error)
    assert found["upper"] > target + strength["bias"]


@pytest.mark.parametrize("estimand", ["ATE", "ATT"])
def test_the_benchmark_of_a_trait_that_is_seen_is_its_strength_over_what_it_leaves(with_trait, estimand):
    _, long, blind = with_trait
    found = sensitivity_gains(long, blind, {"ATE": "ATE", "ATT": "ATTE"}[estimand])
    strength = hidden_strength(Dials(hidden=0.6), estimand)
    for name in ("cf_y", "cf_d"):
        assert found[name] / (1 + found[name]) == pytest.approx(strength[name], rel=0.2), name


def test_behind_a_wall_a_trait_has_no_strength():
    with pytest.raises(ValueError, match="wall in overlap"):
        hidden_strength(Dials(hidden=0.5, never_below=40))


# --- three recommendations --------------------------------------------------------------------------------


def test_each_product_receives_one_recommendation_and_sellers_are_in_several_tables():
    tables = simulate_recommendations(6_000, seed=4, n_covariates=15)
    assert list(tables) == list(RECOMMENDATIONS)
    frames = {name: sample.data.frame for name, sample in tables.items()}
    assert sum(map(len, frames.values())) == 6_000
    products = pd.concat(frame["seller_id"] for frame in frames.values()).value_counts()
    assert products.max() == 4
    assert len(products) == 1_500
    assert len(set.intersection(*(set(frame["seller_id"]) for frame in frames.values()))) > 300
    assert frames["restock"]["weeks_of_cover"].max() < 8.1
    assert frames["outlet_deal"]["weeks_of_cover"].min() > 12
    one = frames["sponsored_ads"].drop_duplicates("seller_id").set_index("seller_id")["engagement_score"]
    other = frames["outlet_deal"].drop_duplicates("seller_id").set_index("seller_id")["engagement_score"]
    assert one.corr(other) > 0.5  # the same sellers, with other products


def test_the_three_tables_are_of_the_population_that_their_truth_is_about():
    for name, sample in simulate_recommendations(60_000, seed=5, n_covariates=15).items():
        for outcome in OUTCOMES:
            known = sample.for_outcome(outcome).truth
            assert known.sample.ate == pytest.approx(known.ate, rel=0.06), (name, outcome)
            assert np.array_equal(sample.data.d, known.treatment)
            seen = np.where(known.treatment == 1, known.observed_treated, known.observed_control)
            assert np.array_equal(sample.for_outcome(outcome).data.y, seen)


@pytest.mark.parametrize("recommendation", RECOMMENDATIONS)
def test_the_effects_on_given_rows_are_those_of_their_own_recommendation(recommendation):
    sample = tp.simulate_sellers(2_000, recommendation=recommendation, seed=2, n_covariates=15)
    found = effects_on(sample.data.frame, Dials(recommendation=recommendation))
    for outcome in OUTCOMES:
        assert found[outcome].to_numpy() == pytest.approx(sample.for_outcome(outcome).truth.cate)
    assert (found[PLACEBO] == 0).all()
    rows = population_rows(Dials(recommendation=recommendation), 10_000)
    again = effects_on(rows, Dials(recommendation=recommendation))
    assert again["units_30d"].to_numpy() == pytest.approx(rows["units_30d"].to_numpy())


def test_on_rows_with_excess_ads_bring_more_than_a_deal_and_rows_need_their_columns():
    rows = population_rows(Dials(recommendation="outlet_deal"), 10_000)
    deal, ads = (effects_on(rows, Dials(recommendation=name)) for name in ("outlet_deal", "sponsored_ads"))
    assert (ads["units_30d"] > deal["units_30d"]).mean() > 0.99
    with pytest.raises(ValueError, match="rows lack 'weeks_of_cover'"):
        effects_on(rows.drop(columns="weeks_of_cover"), Dials())
