"""Estimates contrast, print and hold together; intervals that promise to cover all at once do."""

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp


def test_simultaneous_intervals_are_wider_than_pointwise_and_narrower_than_bonferroni(fitted):
    groups = tp.estimate_gate(fitted, "product_category")
    band, pointwise = groups.simultaneous().reset_index(), groups.tidy()
    bonferroni = groups.tidy(level=1 - 0.05 / len(groups))
    assert (band["upper"] > pointwise["upper"]).all()
    assert (band["upper"] < bonferroni["upper"] + 0.02 * groups.tidy()["std_error"]).all()


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
    columns = ["label", "outcome", "estimand", "method", "value", "std_error", "lower", "upper", "n_rows"]
    assert list(ate.tidy().columns) == columns
    assert len(ate.tidy()) == 1
    assert " units, 95% interval" in repr(ate)
    assert "<table" in ate._repr_html_()
    lower, upper = ate.conf_int(0.9)
    assert ate.conf_int()[0] < lower < ate.value < upper < ate.conf_int()[1]
