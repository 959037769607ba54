"""The designs of the benchmark in hostile markets are those that were published, and their truths are true."""

import numpy as np
import pandas as pd
import pytest
from scipy.special import expit

from tests.benchmarks.hostile import (
    DEFAULT,
    ESTIMATORS,
    ORACLE,
    designs,
    doubleml_heterogeneous,
    doubleml_irm,
    ihdp,
    judge,
    kang_schafer,
    nie_wager,
    oracle_with_plr,
    sine,
    verdict,
)

LARGE = 200_000
SIMULATED = {  # large samples of the designs that can be drawn at any size
    "Kang-Schafer": lambda: kang_schafer(LARGE),
    **{f"Nie-Wager {s}": lambda s=s: nie_wager(s, LARGE) for s in "ABCD"},
    "make_irm_data": lambda: doubleml_irm(LARGE),
    **{f"make_heterogeneous_data, {n}": lambda n=n: doubleml_heterogeneous(n, LARGE) for n in (1, 2)},
    "sine": lambda: sine(False, LARGE),
    "sine, interaction": lambda: sine(True, LARGE),
}


@pytest.fixture(scope="module", params=SIMULATED)
def large(request):
    return SIMULATED[request.param]().draw(2)


@pytest.fixture(scope="module")
def markets():
    return {(m.name, m.n_rows): m for m in designs()}


def within(values, expected, n_errors=4):
    """The mean of the values is the expected one, as far as chance tells."""
    error = np.std(values) / np.sqrt(len(values))
    return abs(np.mean(values) - expected) <= n_errors * error + 1e-12


def test_the_true_effects_are_averages_of_a_large_sample(large):
    effect, m, d = large.truth.cate, large.truth.propensity, large.data.d
    weights = {"ATE": np.ones_like(m), "ATT": d, "ATC": 1 - d, "PLR": m * (1 - m)}
    for estimand, w in weights.items():
        assert within(w * (effect - large.targets[estimand]), 0), estimand


def test_treatment_and_outcome_follow_the_conditional_means(large):
    """Residuals are uncorrelated with the covariates, the propensity and both means."""
    t, data = large.truth, large.data
    mean = np.where(data.d == 1, t.outcome_treated, t.outcome_control)
    for trait in (*data.x.T, t.propensity, t.outcome_control, t.outcome_treated, np.ones(LARGE)):
        assert within((data.d - t.propensity) * trait, 0, n_errors=4.5)
        assert within((data.y - mean) * trait, 0, n_errors=4.5)


# --- each design is the one of its source -----------------------------------------------------------------


def test_kang_and_schafers_published_means_are_met():
    """Section 1.4: half respond; the mean is 210, that of respondents 200, that of the others 220."""
    draw = kang_schafer(LARGE).draw(0)
    y, d = draw.data.y, draw.data.d
    assert d.mean() == pytest.approx(0.5, abs=0.005)
    assert [y.mean(), y[d == 1].mean(), y[d == 0].mean()] == pytest.approx([210, 200, 220], abs=0.3)
    assert draw.targets == {"ATE": 0, "ATT": 0, "ATC": 0, "PLR": 0}


def test_kang_and_schafers_traits_can_be_read_back_from_what_is_seen():
    draw = kang_schafer(2_000).draw(0)
    x1, x2, x3, x4 = draw.data.x.T
    z1 = 2 * np.log(x1)
    z2 = (x2 - 10) * (1 + np.exp(z1))
    z3 = 25 * (np.cbrt(x3) - 0.6) / z1
    z4 = np.sqrt(x4) - 20 - z2
    assert [np.std(z) for z in (z1, z2, z3, z4)] == pytest.approx([1] * 4, abs=0.06)
    np.testing.assert_allclose(draw.truth.propensity, expit(-z1 + 0.5 * z2 - 0.25 * z3 - 0.1 * z4), rtol=1e-6)
    np.testing.assert_allclose(draw.truth.outcome_control, 210 + 27.4 * z1 + 13.7 * (z2 + z3 + z4), rtol=1e-6)


# By hand from the formulas: propensity, effect, and the baseline b = E[Y0 | X] + effect / 2.
BY_HAND = {
    "A": lambda x: (
        min(max(np.sin(np.pi * x[0] * x[1]), 0.1), 0.9),
        (x[0] + x[1]) / 2,
        np.sin(np.pi * x[0] * x[1]) + 2 * (x[2] - 0.5) ** 2 + x[3] + x[4] / 2,
    ),
    "B": lambda x: (0.5, x[0] + np.log(1 + np.exp(x[1])), max(x[0] + x[1], x[2], 0) + max(x[3] + x[4], 0)),
    "C": lambda x: (1 / (1 + np.exp(x[1] + x[2])), 1, 2 * np.log(1 + np.exp(x[0] + x[1] + x[2]))),
    "D": lambda x: (
        1 / (1 + np.exp(-x[0]) + np.exp(-x[1])),
        max(x[0] + x[1] + x[2], 0) - max(x[3] + x[4], 0),
        (max(x[0] + x[1] + x[2], 0) + max(x[3] + x[4], 0)) / 2,
    ),
}


@pytest.mark.parametrize("setup", BY_HAND)
def test_nie_and_wagers_set_ups_follow_their_formulas_row_by_row(setup):
    draw = nie_wager(setup, 200, 6).draw(1)
    t = draw.truth
    found = np.column_stack([t.propensity, t.cate, t.outcome_control + t.cate / 2])
    np.testing.assert_allclose(found, [BY_HAND[setup](x) for x in draw.data.x], rtol=1e-10, atol=1e-12)
    assert draw.data.x.shape == (200, 6)
    assert (draw.data.x.min() >= 0) == (setup == "A")


def test_nie_and_wagers_average_effects_have_their_closed_forms(markets):
    targets = {s: markets[f"Nie-Wager {s}", 1_000].draw(0).targets for s in "ABCD"}
    assert targets["A"]["ATE"] == pytest.approx(0.5, abs=1e-4)
    x = np.linspace(-12, 12, 100_001)
    softplus = np.trapezoid(np.log1p(np.exp(x)) * np.exp(-(x**2) / 2), x) / np.sqrt(2 * np.pi)
    assert targets["B"] == pytest.approx(dict.fromkeys(("ATE", "ATT", "ATC", "PLR"), softplus), abs=1e-4)
    assert targets["C"] == pytest.approx(dict.fromkeys(("ATE", "ATT", "ATC", "PLR"), 1))
    assert targets["D"]["ATE"] == pytest.approx((np.sqrt(3) - np.sqrt(2)) / np.sqrt(2 * np.pi), abs=1e-4)


def test_doublemls_irm_has_an_att_above_its_ate_and_r2_of_a_half():
    draw = doubleml_irm(LARGE).draw(0)
    assert draw.targets["ATE"] == pytest.approx(0.5, abs=1e-4)
    assert draw.targets["PLR"] == pytest.approx(0.5, abs=1e-4)
    assert draw.targets["ATT"] > 1
    # c_y makes the explained variance of the treated that of the noise, which is one
    assert [draw.truth.cate.var(), draw.data.y[draw.data.d == 0].var()] == pytest.approx([1, 1], abs=0.02)


@pytest.mark.parametrize("n_modifiers", [1, 2])
def test_doublemls_heterogeneous_noise_is_uniform_once_the_replayed_coefficients_are_taken_out(n_modifiers):
    draw = doubleml_heterogeneous(n_modifiers).draw(5)
    noise = draw.truth.observed_control - draw.truth.outcome_control
    assert np.abs(noise).max() <= 1
    assert noise.var() == pytest.approx(1 / 3, abs=0.03)
    assert len(draw.data.covariates) == 30
    expected = (np.exp(2) - 1) / 2 + 3 * (1 - np.cos(4)) / 4
    assert draw.targets["ATE"] == pytest.approx(expected, abs=1e-4)


def test_ihdp_has_the_rows_and_effects_of_its_surfaces():
    a, b = (ihdp(surface).draw(3) for surface in "AB")
    assert a.data.x.shape == b.data.x.shape == (747, 25)
    assert a.data.d.sum() == 139
    np.testing.assert_allclose(a.truth.cate, 4)
    assert a.targets == {"ATE": 4, "ATT": 4, "PLR": 4}
    # surface B is shifted so that the effect on the treated is 4, and differs among rows
    assert b.targets["ATT"] == pytest.approx(4)
    assert b.truth.cate.std() > 0.5
    for draw in (a, b):
        t, d = draw.truth, draw.data.d
        noise = draw.data.y - np.where(d == 1, t.outcome_treated, t.outcome_control)
        assert [noise.mean(), noise.std()] == pytest.approx([0, 1], abs=0.15)
        control = np.column_stack([np.ones(747), draw.data.x])
        rest = t.outcome_treated - control @ np.linalg.lstsq(control, t.outcome_treated)[0]
        assert np.abs(rest).max() < 1e-8  # on both surfaces a line without noise


def test_a_sine_seen_by_no_line_moves_treatment_and_outcome():
    draw = sine().draw(0)
    x1, x2, x3 = draw.data.x.T
    np.testing.assert_allclose(draw.truth.outcome_control, 2 * np.sin(2 * x1) + x2 * x3)
    np.testing.assert_allclose(draw.truth.propensity, 0.05 + 0.9 * expit(2.5 * np.sin(2 * x1) + x2 / 2))
    draw = sine(strong=True).draw(0)
    x1, x2, x3 = draw.data.x.T
    np.testing.assert_allclose(draw.truth.outcome_control, 3 * np.sin(2 * x1) + x2 * x3)
    np.testing.assert_allclose(draw.truth.propensity, 0.05 + 0.9 * expit(2.5 * np.sin(2 * x1) + x2 * x3))


def test_the_oracle_covers_in_every_design(markets):
    """All designs together, as 95% intervals promise."""
    covers = []
    for market in markets.values():
        for seed in range(10):
            draw = market.draw(seed)
            for estimate in oracle_with_plr(draw):
                if estimate.estimand in draw.targets:
                    assert abs(estimate.value - draw.targets[estimate.estimand]) < 4 * estimate.std_error
                    lower, upper = estimate.conf_int()
                    covers.append(lower <= draw.targets[estimate.estimand] <= upper)
    assert len(covers) == 10 * (3 * len(markets) - 1)
    assert 0.9 < np.mean(covers) < 0.99


# --- the judgement ------------------------------------------------------------------------------------------


def results(errors, market="m"):
    """Results of one design whose truth is 1, from each estimator's errors."""
    rows = [
        {"market": market, "n_rows": 9, "seed": seed, "estimator": name, "estimand": "ATE", "value": 1 + e}
        for name, column in errors.items()
        for seed, e in enumerate(column)
    ]
    table = pd.DataFrame(rows).assign(target=1.0, std_error=0.5, seconds=1.0)
    return table.assign(lower=table["value"] - 1, upper=table["value"] + (table["estimator"] != ORACLE))


def test_the_worst_is_larger_than_both_others_beyond_chance():
    rng = np.random.default_rng(0)
    noise = rng.normal(size=100)
    small, clear, alike = 0.2 * noise, 2 + 0.2 * noise, 0.2 * rng.permutation(noise)
    lost = judge(results({DEFAULT: clear, "a": small, "b": alike, ORACLE: small}))
    assert lost.loc[("m", 9, DEFAULT, "ATE"), ["rank", "worst"]].tolist() == [3, "yes"]
    assert set(lost["worst"].dropna()) == {"yes", "no"}
    tied = judge(results({DEFAULT: 1.01 * small, "a": alike, "b": 0.1 * noise, ORACLE: small}))
    assert tied.loc[("m", 9, DEFAULT, "ATE"), ["rank", "worst"]].tolist() == [3, "tie"]
    won = judge(results({DEFAULT: small, "a": clear, "b": clear, ORACLE: small}))
    assert won.loc[("m", 9, DEFAULT, "ATE"), ["rank", "worst"]].tolist() == [1, "no"]


def test_bias_over_spread_and_width_over_the_oracles_are_those_of_their_formulas():
    errors = {DEFAULT: [-1, 0, 1, 3.0], "a": [0, 0, 0, 1.0], "b": [0, 1, 0, 0.0], ORACLE: [1, 0, 0, 0.0]}
    table = judge(results(errors))
    row = table.loc[("m", 9, DEFAULT, "ATE")]
    ratio = 0.75 / np.std(errors[DEFAULT], ddof=1)
    assert row["bias / spread"] == pytest.approx(ratio)
    assert row["bias / spread ±"] == pytest.approx(np.sqrt((1 + ratio**2 / 2) / 4))
    assert row["width / oracle"] == pytest.approx(2)


def test_the_verdict_tells_each_design_its_own_figures():
    """Also where the designs are not in the order of their names."""
    rng = np.random.default_rng(1)
    off = {"z": 3.0, "a": 0.0, "k": 1.0}
    names = [name for name in ESTIMATORS if name != ORACLE]
    some = [
        results({**{e: shift + rng.normal(size=50) for e in names}, ORACLE: rng.normal(size=50)}, market)
        for market, shift in off.items()
    ]
    table = judge(pd.concat(some))
    lines = verdict(table)
    assert list(lines.index) == [(market, 9, "ATE") for market in off]
    for market, draws in zip(off, some):
        own = draws[draws["estimator"] == DEFAULT]
        error = own["value"] - 1
        line = lines.loc[(market, 9, "ATE")]
        assert line[DEFAULT].startswith(f"{error.mean() / error.std():+.2f} ±")
        assert line["coverage"].startswith(f"{(error.abs() <= 1).mean():.3f} ±")
        assert line["worst of three?"] == table.loc[(market, 9, DEFAULT, "ATE"), "worst"]
        assert line["width / oracle"] == 2
