"""Every figure draws where it is told, names its axes, and keeps the book's colours."""

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tutorial_pkg import plots
from tutorial_pkg.effects import group_labels


@pytest.fixture
def drawings(market, nuisances):
    """Each plotting function with data to draw, waiting for axes."""
    data, truth = market.data, market.truth
    groups = tp.estimate_gate(nuisances, "product_category")
    of_groups = truth.gate(group_labels(data, "product_category"))
    curve = pd.DataFrame({"naive": [1.0, 2], "DML": [1.0, 1], "truth": [1.0, 1]}, index=[1, 2])
    balance = tp.diagnostics.balance(nuisances).table
    learners = pd.DataFrame({"learner": ["trees, a", "trees, b", "linear"], "s": [1.0, 2, 3], "e": [3.0, 2, 1]})
    v, u = data.d - nuisances.propensity[:, 0], data.y - nuisances.outcome[:, 0]
    return {
        "estimates": lambda ax: plots.plot_estimates({"DML": tp.estimate_ate(nuisances)}, truth.ate, ax),
        "groups": lambda ax: plots.plot_estimates(groups, of_groups, ax),
        "decomposition": lambda ax: plots.plot_decomposition(tp.naive.decompose_bias(data, truth), ax),
        "arms": lambda ax: plots.plot_arms(truth.propensity, data.d, "propensity", ax),
        "curves": lambda ax: plots.plot_curves(curve, "rows", "units", 1.0, ax),
        "residuals": lambda ax: plots.plot_residuals(v, u, 5.0, "units", ax),
        "draws": lambda ax: plots.plot_draws({"DML": [1.0, 2], "naive": [3.0, 4]}, 1.5, "units", ax),
        "balance": lambda ax: plots.plot_balance(balance, ax=ax),
        "effects": lambda ax: plots.plot_effects(
            data.frame["weeks_of_cover"], {"DML": truth.cate}, "weeks", "units", truth.cate, ax
        ),
        "calibration": lambda ax: plots.plot_calibration(groups, of_groups + 1, "predicted", "units", of_groups, ax),
        "tradeoff": lambda ax: plots.plot_tradeoff(learners, "s", "e", "learner", "seconds", "error", ax),
    }


def test_every_figure_draws_on_the_axes_it_is_given_and_names_its_quantities(drawings):
    for name, draw in drawings.items():
        _, ax = plt.subplots()
        assert draw(ax) is ax, name
        assert ax.has_data(), name
        assert ax.get_xlabel() or ax.get_ylabel(), name
        plt.close("all")


def test_every_figure_makes_its_own_axes_when_it_is_given_none(drawings):
    for name, draw in drawings.items():
        assert draw(None).has_data(), name
        plt.close("all")


def test_truth_naive_and_dml_keep_their_colours(drawings):
    _, ax = plt.subplots()
    drawings["curves"](ax)
    colours = {line.get_label(): mpl.colors.to_hex(line.get_color()).upper() for line in ax.get_lines()[:3]}
    assert colours == {"naive": plots.COLOURS["naive"], "DML": plots.COLOURS["dml"], "truth": plots.COLOURS["truth"]}
    plt.close("all")


def test_the_waterfall_ends_at_the_naive_difference(market):
    parts = tp.naive.decompose_bias(market.data, market.truth)
    bars = plots.plot_decomposition(parts).patches
    ends = [bar.get_y() + bar.get_height() for bar in bars]
    assert ends[-2] == pytest.approx(ends[-1])
    assert np.isclose(ends[-1], parts["naive difference"])
    plt.close("all")
