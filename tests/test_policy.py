"""Policies are worth what they are worth, in money, on rows that did not choose them."""

import re
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import tutorial_pkg as tp


def test_nudging_everybody_is_worth_the_ate_less_the_cost(fitted):
    everybody = np.ones(fitted.data.n_rows)
    value = tp.policy.policy_value(fitted, everybody, cost=3.0, value_per_unit=2.0)
    assert value.value == pytest.approx(2 * tp.estimate_ate(fitted).value - 3)
    assert value.std_error == pytest.approx(2 * tp.estimate_ate(fitted).std_error)
    assert tp.policy.policy_value(fitted, 0 * everybody).value == 0


def test_a_learned_policy_beats_everybody_and_nobody_on_rows_that_did_not_choose_it(halves, big, fitted):
    train, judged = halves
    cost = 6.0
    nudge = tp.estimate_cate(train, "linear_dr").effect(judged.data.frame) > cost
    value = tp.policy.policy_value(judged, nudge, cost)
    assert value.value > max(0.0, tp.policy.policy_value(judged, np.ones(len(nudge)), cost).value)
    _, rows = tp.folds.split_rows(fitted.data)
    gain = (big.truth.cate - cost)[rows]
    assert abs(value.value - np.mean(nudge * gain)) < 3 * value.std_error


def test_against_everybody_a_policy_saves_what_it_leaves_out(fitted):
    some = np.arange(fitted.data.n_rows) % 3 == 0
    value = tp.policy.policy_value(fitted, some, 3.0, 2.0, baseline="everybody")
    left_out = tp.policy.policy_value(fitted, ~some, 3.0, 2.0)
    assert (value.value, value.std_error) == pytest.approx((-left_out.value, left_out.std_error))


def test_against_the_status_quo_nobody_loses_what_the_treated_gained(fitted):
    share, att = fitted.data.d.mean(), tp.estimate_att(fitted)
    nobody = tp.policy.policy_value(fitted, np.zeros(fitted.data.n_rows), 3.0, 2.0, baseline="status quo")
    assert nobody.value == pytest.approx(-share * (2 * att.value - 3))
    everybody = tp.policy.policy_value(fitted, np.ones(fitted.data.n_rows), 3.0, 2.0, 1e-4, baseline="status quo")
    atc = tp.estimate_atc(fitted, 1e-4).value
    assert everybody.value == pytest.approx((1 - share) * (2 * atc - 3))


@pytest.mark.parametrize("baseline", ["nobody", "everybody", "status quo"])
def test_policies_cover_their_gain_over_each_baseline(baseline):
    """40 markets: by this bound a 95% interval covers too few of them once in 500 times."""
    covered, n_markets, cost = 0, 40, 3.0
    for seed in range(n_markets):
        sample = tp.simulate_sellers(1_000, seed=2_000 + seed, n_covariates=15)
        truth, data = sample.truth, sample.data
        # The true nuisances, so that the test is of the score alone
        known = tp.Nuisances.given(data, truth.outcome_control, truth.outcome_treated, truth.propensity)
        treat = data.frame["weeks_of_cover"].to_numpy() > 24
        against = {"nobody": 0.0, "everybody": 1.0, "status quo": truth.propensity}[baseline]
        gain = np.mean((treat - against) * (truth.cate - cost))
        covered += tp.policy.policy_value(known, treat, cost, baseline=baseline).covers(gain)
    assert covered >= binom.ppf(0.002, n_markets, 0.95)


def test_decisions_have_averages_of_their_own(fitted, big):
    found = tp.policy.decisions(fitted)
    ate, att, message, default = found
    p = fitted.data.d.mean()
    assert (ate.value, att.value) == (tp.estimate_ate(fitted).value, tp.estimate_att(fitted).value)
    assert message.value == pytest.approx(p * att.value)
    assert message.value + default.value == pytest.approx(ate.value)
    assert default.value == pytest.approx((1 - p) * tp.estimate_atc(fitted).value, rel=1e-3)  # but for clipping
    truths = big.truth.decisions()
    assert list(truths.index) == list(tp.policy.DECISIONS)
    assert truths.iloc[2] + truths.iloc[3] == pytest.approx(big.truth.ate)
    assert found.compare(truths)["covers"].all()


def test_an_offer_pays_those_too_who_follow_anyway():
    """40 markets: by this bound a 95% interval covers too few of them once in 500 times."""
    covered, n_markets, cost, worth = 0, 40, 12.0, 4.0
    for seed in range(n_markets):
        sample = tp.simulate_sellers(1_000, seed=3_000 + seed, n_covariates=15)
        truth, data = sample.truth, sample.data
        known = tp.Nuisances.given(data, truth.outcome_control, truth.outcome_treated, truth.propensity)
        keen = data.frame["engagement_score"].to_numpy() > 50
        gain = tp.truth.offer_value(truth, keen, cost, worth)
        assert gain == pytest.approx(np.mean(keen * (worth * (1 - truth.propensity) * truth.cate - cost)))
        value = tp.policy.offer_value(known, keen, cost, worth)
        assert value.value < tp.policy.policy_value(known, keen, cost, worth).value
        covered += value.covers(gain)
    assert covered >= binom.ppf(0.002, n_markets, 0.95)


@pytest.mark.parametrize("wrong", [{"cost": np.nan}, {"value_per_unit": np.inf}, {"offered": [1, 0]}])
def test_an_offer_that_makes_no_sense_is_refused(fitted, wrong):
    arguments = {"offered": np.ones(fitted.data.n_rows), "cost": 1.0} | wrong
    with pytest.raises(ValueError, match=next(iter(wrong)) if "offered" not in wrong else "one True or False"):
        tp.policy.offer_value(fitted, **arguments)


def test_a_policy_is_cautioned_for_the_rows_whose_treatment_it_changes():
    """Beyond x = 1 nobody is untreated: treating there changes nothing of the status quo, and nobody knows its gain."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=4_000)
    m = np.where(x > 1, 1 - 1e-3, 0.5)
    d = np.where(x > 1, 1, rng.random(len(x)) < m).astype(int)
    data = tp.CausalData(pd.DataFrame({"y": x + d, "d": d, "x": x}), "y", "d", ["x"])
    own = tp.Nuisances.given(data, x, x + 1, m)
    beyond, below = x > 1, x <= 1
    assert "next to nobody in the other arm" in tp.policy.policy_value(own, beyond).caution
    assert "next to nobody in the other arm" in tp.policy.policy_value(own, below, baseline="everybody").caution
    assert tp.policy.policy_value(own, below).caution is None
    assert tp.policy.policy_value(own, np.ones(len(x)), baseline="status quo").caution is None
    assert tp.policy.policy_value(own, np.zeros(len(x))).caution is None


def test_an_unknown_baseline_is_refused(fitted):
    with pytest.raises(ValueError, match="baseline='today'"):
        tp.policy.policy_value(fitted, np.ones(fitted.data.n_rows), baseline="today")


def test_the_policy_tree_is_shallow_and_worth_something(halves):
    train, judged = halves
    tree = tp.policy.policy_tree(train, depth=2, cost=6.0)
    nudge = tree.nudge(judged.data.frame)
    assert 0 < nudge.mean() < 1
    assert "nudge" in repr(tree)
    assert tp.policy.policy_value(judged, nudge, 6.0).value > tp.policy.policy_value(judged, ~nudge, 6.0).value


def test_the_printed_tree_is_the_one_that_decides(halves):
    train, judged = halves
    tree = tp.policy.policy_tree(train, depth=1, cost=6.0)
    head, first, *_ = [line.strip() for line in repr(tree).splitlines()]
    name, threshold = head.removeprefix("if ").split(" <= ")
    below = judged.data.frame[name].to_numpy() <= float(threshold)
    clear = np.abs(judged.data.frame[name].to_numpy() - float(threshold)) > 0.06  # the text is rounded
    assert (tree.nudge(judged.data.frame)[clear] == (below if first == "nudge" else ~below)[clear]).all()


def test_thresholds_of_small_and_large_modifiers_stay_readable(categories):
    fitted, *_ = categories
    better = replace(
        fitted.data, frame=fitted.data.frame.assign(y=fitted.data.y + 4 * fitted.data.d * fitted.data.frame["size"])
    )
    for scale, pattern in ((1e-4, r"<= -?\d\.?\d*e-0\d"), (1e5, r"<= -?\d{4,}$")):
        data = replace(
            better, frame=better.frame.assign(size=(1 + better.frame["size"]) * scale), effect_modifiers=["size"]
        )
        tree = tp.policy.policy_tree(tp.cross_fit(data, tp.learners.linear(), n_folds=2, n_jobs=1), 1, cost=1.0)
        assert re.search(pattern, repr(tree), re.MULTILINE)


def test_a_deeper_tree_is_worth_more_on_the_rows_that_grew_it(halves):
    train, _ = halves
    values = [
        tp.policy.policy_value(train, tp.policy.policy_tree(train, depth, cost=6.0).nudge(), 6.0).value
        for depth in (1, 2, 3)
    ]
    assert values[0] < values[1] <= values[2]


def test_the_value_of_a_policy_is_the_mean_gain_of_the_rows_it_marks(fitted):
    data, m = fitted.data, np.clip(fitted.propensity[:, 0], 0.05, 0.95)
    g0, g1, y, d = fitted.outcome_control[:, 0], fitted.outcome_treated[:, 0], data.y, data.d
    signal = g1 - g0 + d * (y - g1) / m - (1 - d) * (y - g0) / (1 - m)
    treat = data.frame["weeks_of_cover"].to_numpy() > 24
    gain = treat * (2.0 * signal - 3.0)
    found = tp.policy.policy_value(fitted, treat, cost=3.0, value_per_unit=2.0, clipping=0.05)
    sums = np.bincount(data.clusters, weights=gain - gain.mean())
    assert found.value == pytest.approx(gain.mean())
    assert found.std_error == pytest.approx(np.sqrt(np.sum(sums**2)) / data.n_rows)
    assert found.outcome == found.words.outcome == "money a row"


def test_a_nudge_is_free_and_a_unit_worth_one_unless_said_otherwise(fitted):
    everybody = np.ones(fitted.data.n_rows)
    assert tp.policy.policy_value(fitted, everybody).value == pytest.approx(tp.estimate_ate(fitted).value)
    told = tp.policy.policy_tree(fitted, depth=2, cost=0.0, value_per_unit=1.0)
    assert repr(tp.policy.policy_tree(fitted)) == repr(told)


def test_a_cost_that_is_no_number_is_refused(fitted):
    with pytest.raises(ValueError, match="cost=nan"):
        tp.policy.policy_value(fitted, np.ones(fitted.data.n_rows), cost=np.nan)


def test_a_tree_for_offers_leaves_out_those_who_would_follow_anyway():
    """Everybody gains 5 and x > 0 follows nine times of ten: an offer of 3 pays for the others only."""
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, 4_000)
    m = np.where(x > 0, 0.9, 0.1)
    d = (rng.random(len(x)) < m).astype(int)
    data = tp.CausalData(pd.DataFrame({"y": 5.0 * d, "d": d, "x": x}), "y", "d", ["x"])
    known = tp.Nuisances.given(data, 0 * x, 5 + 0 * x, m)
    by_policy = tp.policy.policy_tree(known, 1, cost=3.0).nudge()
    by_offer = tp.policy.policy_tree(known, 1, cost=3.0, worth="offer value").nudge()
    assert by_policy.all()
    assert (by_offer == (x <= 0)).mean() > 0.99
    dear, worth_more = (
        tp.policy.policy_tree(known, 1, cost=c, value_per_unit=v, worth="offer value").nudge()
        for c, v in ((5, 1), (3, 20))
    )
    assert not dear.any()
    assert worth_more.all()
    with pytest.raises(ValueError, match="worth='offer'"):
        tp.policy.policy_tree(known, worth="offer")


def test_a_tree_splits_where_the_effect_changes_sign():
    rng = np.random.default_rng(0)
    n = 4_000
    x, kind = rng.uniform(-1, 1, n), rng.choice(["a", "b"], n)
    d = rng.integers(0, 2, n)
    effect = np.where((x > 0.3) & (kind == "b"), 5.0, -1.0)
    frame = pd.DataFrame({"y": d * effect + 0.1 * rng.normal(size=n), "d": d, "x": x, "kind": kind})
    half = np.full(n, 0.5)
    data = tp.CausalData(frame, "y", "d", ["x", "kind"])
    known = tp.Nuisances.given(data, np.zeros(n), effect, half)
    tree = tp.policy.policy_tree(known, depth=2)
    assert (tree.nudge() == (effect > 0)).mean() > 0.99
    assert repr(tree).splitlines()[-1].strip() == "nudge"
    text = repr(tree)
    assert "if kind is b" in text
    assert "if x > 0.3" in text or "if x > 0.29" in text
    free, dear = (
        tp.policy.policy_tree(known, depth=2, cost=c, value_per_unit=v).nudge() for c, v in ((-9, 1), (11, 2))
    )
    assert free.all()
    assert not dear.any()
    assert tp.policy.policy_value(known, tree.nudge()).value == pytest.approx(5 * np.mean(effect > 0), rel=0.02)
