"""The marketplace keeps the promises that every chapter stands on."""

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tutorial_pkg.marketplace import OUTCOMES, PLACEBO, RECOMMENDATIONS, SCENARIOS, Dials, population_targets

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


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ({"scenario": "lucky"}, "scenario"),
        ({"recommendation": "pray"}, "recommendation"),
        ({"outcome": "profit"}, "outcome"),
        ({"overlap": 0}, "overlap"),
        ({"hidden": 2}, "hidden"),
        ({"n_rows": 3}, "n_rows"),
        ({"n_covariates": 5}, "n_covariates"),
    ],
)
def test_an_impossible_market_is_refused_by_name(arguments, named):
    with pytest.raises(ValueError, match=named):
        tp.simulate_sellers(**({"n_rows": 100} | arguments))


def test_the_committed_data_are_drawn_again_in_this_process():
    """The data-generating process is fixed by design: every number of it is held by the data drawn with it."""
    drawn, committed = tp.simulate_sellers(10_000, seed=6), tp.load_sellers()
    pd.testing.assert_frame_equal(drawn.data.frame, committed.data.frame, check_exact=True)
    for outcome in (*OUTCOMES, PLACEBO):
        one, other = drawn.truths[outcome], committed.truths[outcome]
        np.testing.assert_allclose(one.propensity, other.propensity, atol=1e-6)
        for part in ("outcome_control", "outcome_treated", "observed_control", "observed_treated"):
            np.testing.assert_allclose(getattr(one, part), getattr(other, part), atol=1e-5)


FROZEN = {  # means over 2,000 rows: propensity, decision; of each outcome E[Y1 - Y0 | X] and what was seen
    ("proactive", "restock"): [
        0.3027396702,
        0.308,
        7.7113255102,
        22.569,
        172.834014959,
        507.749145,
        59.905118739,
        176.009,
        0,
        17.9305,
    ],
    ("proactive", "sponsored_ads"): [
        0.296685793321,
        0.2965,
        7.26341205017,
        22.357,
        162.634210459,
        508.39087,
        56.2393594572,
        173.31,
        0,
        17.952,
    ],
    ("proactive", "outlet_deal"): [
        0.297868018467,
        0.2955,
        7.33259196551,
        22.6195,
        111.969594511,
        487.08053,
        56.679596819,
        174.9235,
        0,
        17.9625,
    ],
    ("self_reliant", "restock"): [
        0.351288474055,
        0.346,
        7.7113255102,
        20.74,
        172.834014959,
        467.246275,
        59.905118739,
        161.4895,
        0,
        17.9305,
    ],
    ("self_reliant", "sponsored_ads"): [
        0.350167739833,
        0.346,
        7.26341205017,
        20.678,
        162.634210459,
        468.144055,
        56.2393594572,
        160.14,
        0,
        17.952,
    ],
    ("self_reliant", "outlet_deal"): [
        0.351065667522,
        0.347,
        7.33259196551,
        20.8855,
        111.969594511,
        446.887385,
        56.679596819,
        162.1365,
        0,
        17.9625,
    ],
    ("randomised", "restock"): [
        0.5,
        0.5015,
        7.7113255102,
        22.375,
        172.834014959,
        503.14283,
        59.905118739,
        173.8865,
        0,
        17.9305,
    ],
    ("randomised", "sponsored_ads"): [
        0.5,
        0.5015,
        7.26341205017,
        22.2815,
        162.634210459,
        503.441055,
        56.2393594572,
        172.6885,
        0,
        17.952,
    ],
    ("randomised", "outlet_deal"): [
        0.5,
        0.5015,
        7.33259196551,
        22.386,
        111.969594511,
        471.64902,
        56.679596819,
        173.389,
        0,
        17.9625,
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
