"""Rows that can be compared are told from those that cannot, and their effect is found where the ATE is hopeless."""

import re

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

import tutorial_pkg as tp


def test_comparable_rows_are_those_of_crump_and_others():
    """Their condition: a row is kept when its 1/(m(1-m)) is at most twice the mean of those that are kept."""
    m = np.random.default_rng(0).beta(0.5, 0.7, 5_000)
    kept = tp.overlap.comparable(m, 1e-6)
    v = 1 / (m * (1 - m))
    assert 0.1 < kept.mean() < 0.95
    assert v[kept].max() <= 2 * v[kept].mean() <= v[~kept].min() * (1 + 1e-3)
    assert tp.overlap.comparable(np.linspace(0.3, 0.7, 100)).all()


def test_the_trimmed_effect_covers_that_of_the_rows_it_keeps_where_the_ate_is_hopeless():
    """40 markets without overlap, true nuisances; by this bound intervals cover too few once in 500 times."""
    rng, n, n_markets, covered, errors = np.random.default_rng(1), 1_000, 40, 0, []
    for _ in range(n_markets):
        x = rng.normal(size=n)
        m = 1 / (1 + np.exp(-4 * x))
        d = (rng.random(n) < m).astype(int)
        frame = pd.DataFrame({"y": x + d * (1 + x) + rng.normal(size=n), "d": d, "x": x})
        known = tp.Nuisances.given(tp.CausalData(frame, "y", "d", ["x"]), x, 1 + 2 * x, m.clip(1e-6, 1 - 1e-6))
        found, ate = (e(known, 1e-6) for e in (tp.estimate_trimmed, tp.estimate_ate))
        truth = np.mean((1 + x)[tp.overlap.comparable(m, 1e-6)])
        covered += found.covers(truth)
        errors.append([found.value - truth, ate.value - 1])
    assert covered >= binom.ppf(0.002, n_markets, 0.95)
    trimmed, whole = np.sqrt(np.mean(np.square(errors), axis=0))
    assert trimmed < 0.5 * whole
    assert found.estimand == "trimmed ATE"
    table = tp.overlap.left_out(known, 1e-6)
    assert float(re.search(r"([\d.]+)% of the rows", found.method)[1]) == pytest.approx(
        100 * (1 - tp.overlap.comparable(m, 1e-6).mean()), abs=0.05
    )
    assert table.loc["x", "kept"] == pytest.approx(x[tp.overlap.comparable(m, 1e-6)].mean())


def test_with_good_overlap_nobody_is_left_out(market):
    truth, good = market.truth, np.clip(market.truth.propensity, 0.3, 0.7)
    known = tp.Nuisances.given(market.data, truth.outcome_control, truth.outcome_treated, good)
    assert tp.estimate_trimmed(known).value == pytest.approx(tp.estimate_ate(known).value)
    assert len(tp.overlap.left_out(known)) == 0
