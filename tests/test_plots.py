"""Every figure draws where it is told, names its axes, keeps the book's colours and takes its words from the data."""

from dataclasses import replace

import matplotlib as mpl

mpl.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tutorial_pkg import plots
from tutorial_pkg.groups import group_labels


@pytest.fixture(autouse=True)
def closed():
    yield
    plt.close("all")


@pytest.fixture
def drawings(market, nuisances):
    """Each plotting function with data to draw, waiting for axes."""
    data, truth = market.data, market.truth
    groups = tp.estimate_gate(nuisances, "product_category")
    of_groups = truth.gate(group_labels(data, "product_category"))
    curve = pd.DataFrame({"one": [1.0, 2], "other": [1.0, 1]}, index=[1, 2])
    balance = tp.diagnostics.balance(nuisances).table
    learners = pd.DataFrame({"learner": ["trees, a", "trees, b", "linear"], "s": [1.0, 2, 3], "e": [3.0, 2, 1]})
    hits = pd.DataFrame({"coverage": [0.9, 0.5], "width": [1.0, 2.0]}, index=["one", "other"])
    v, u = data.d - nuisances.propensity[:, 0], data.y - nuisances.outcome[:, 0]
    cover = data.frame["weeks_of_cover"]
    return {
        "plot_estimates": lambda ax: plots.plot_estimates(groups, of_groups, ax),
        "plot_decomposition": lambda ax: plots.plot_decomposition(tp.truth.decompose_bias(data, truth), ax),
        "plot_arms": lambda ax: plots.plot_arms(truth.propensity, data.arm, "propensity", ax),
        "plot_curves": lambda ax: plots.plot_curves(curve, "rows", "units", 1.0, ax),
        "plot_residuals": lambda ax: plots.plot_residuals(v, u, 5.0, "decision", "units", ax),
        "plot_sampling": lambda ax: plots.plot_sampling({"one": [1.0, 2], "other": [3.0, 4]}, 1.5, "units", ax),
        "plot_coverage": lambda ax: plots.plot_coverage(hits, ax),
        "plot_draws": lambda ax: plots.plot_draws({"one": [1.0, 2], "other": [3.0, 4]}, 1.5, "units", ax),
        "plot_balance": lambda ax: plots.plot_balance(balance, ax=ax),
        "plot_effects": lambda ax: plots.plot_effects(cover, {"a model": truth.cate}, "weeks", "units", None, ax),
        "plot_calibration": lambda ax: plots.plot_calibration(groups, of_groups + 1, "predicted", "units", None, ax),
        "plot_graph": lambda ax: plots.plot_graph({"a": ["b"]}, {"a": (0, 0), "b": (1, 0)}, ax),
        "plot_rates": lambda ax: plots.plot_rates(pd.DataFrame({"a": [5.0, 95.0]}, ["x", "y"]), ax),
        "plot_scatter": lambda ax: plots.plot_scatter(learners, "s", "e", "learner", "seconds", "error", 2, ax),
        "plot_tradeoff": lambda ax: plots.plot_tradeoff(learners, "s", "e", "learner", ax),
    }


@pytest.mark.parametrize("along", ["x", "y"])
def test_a_guess_stands_beside_the_truth_and_none_changes_nothing(along):
    ax = plots.plot_draws({"one": [1.0, 2], "other": [3.0, 4]}, 1.5, "units")
    before = ax.get_children()
    assert plots.show_guess(None, ax, along) is ax
    assert ax.get_children() == before
    plots.show_guess(np.float64(7), ax, along)
    line = ax.lines[-1]
    assert set(line.get_xdata() if along == "x" else line.get_ydata()) == {7}
    assert ax.texts[-1].get_text() == "you: 7"
    lower, upper = ax.get_xlim() if along == "x" else sorted(ax.get_ylim())
    assert along == "y" or lower <= 7 <= upper


@pytest.mark.parametrize("guess", ["5 units", True, [5], np.nan])
def test_a_guess_is_a_number(guess):
    with pytest.raises(ValueError, match="is not a number; write 5"):
        plots.show_guess(guess, plots.panels(1)[0])


def test_no_figure_is_left_out(drawings):
    assert set(drawings) == {name for name in plots.__all__ if name.startswith("plot_")}


def test_every_figure_draws_on_the_axes_it_is_given_and_names_its_quantities(drawings):
    for name, draw in drawings.items():
        _, ax = plt.subplots()
        assert draw(ax) is ax, name
        assert ax.has_data(), name
        # a graph has no quantities; of rates the caption says what they are shares of
        assert ax.get_xlabel() or ax.get_ylabel() or name in ("plot_graph", "plot_rates"), name


def test_every_figure_makes_its_own_axes_when_it_is_given_none(drawings):
    for name, draw in drawings.items():
        assert draw(None).has_data(), name


def colour_of(artist):
    return mpl.colors.to_hex(artist.get_color()).upper()


def test_estimates_have_the_colour_of_their_family_whatever_they_are_called(market, nuisances):
    known = tp.scoreboard.oracle(tp.scoreboard.Draw(market.data, {}, market.truth))[0]
    forest = tp.estimate_cate(nuisances, "causal_forest", n_estimators=40).average()
    named = {"DML for sure": tp.naive.difference_in_means(market.data), "naive": forest, "it": known}
    expected = [plots.COLOURS["naive"], plots.COLOURS["dml"], plots.COLOURS["truth"]]
    assert [colour_of(line) for line in plots.plot_estimates(named).lines[::2]] == expected
    draws = {name: [e, e] for name, e in named.items()}
    assert [colour_of(line) for line in plots.plot_draws(draws, 1.0, "units").lines[:-1:2]] == expected


def test_curves_and_histograms_take_the_family_they_are_told():
    table = pd.DataFrame({"DML?": [1.0, 2], "b": [1.0, 1], "c": [0.0, 1]})
    kinds = {"DML?": "naive", "b": "truth"}
    lines = plots.plot_curves(table, "x", "y", family=kinds).lines
    assert [colour_of(line) for line in lines[:2]] == [plots.COLOURS["naive"], plots.COLOURS["truth"]]
    assert lines[1].get_linestyle() == "--"
    ax = plots.plot_sampling({"a": [1.0, 2], "b": [2.0, 3]}, 1.0, "x", family="dml")
    assert {mpl.colors.to_hex(p.get_facecolor()).upper() for p in ax.patches} == {plots.COLOURS["dml"]}


def test_curves_of_one_family_can_be_told_apart_and_truths_have_their_names():
    table = pd.DataFrame({"a": [1.0, 2], "b": [1.0, 1], "c": [0.0, 1]})
    ax = plots.plot_curves(
        table, "x", "y", {"ATE": 1.0, "PLR target": 2.0}, family={"a": "dml", "b": "naive", "c": "dml"}
    )
    assert [line.get_linestyle() for line in ax.lines] == ["-", "-", "--", "--", ":"]
    assert [line.get_ydata()[0] for line in ax.lines[3:]] == [1.0, 2.0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["a", "b", "c", "ATE", "PLR target"]
    draws = plots.plot_draws({"one": [1.0, 2]}, {"ATE": 1.0, "PLR target": 2.0}, "x")
    assert [line.get_xdata()[0] for line in draws.lines[-2:]] == [1.0, 2.0]
    assert [text.get_text() for text in draws.get_legend().get_texts()] == ["ATE", "PLR target"]


def test_a_bar_is_as_long_as_intervals_of_a_hundred_cover_and_says_how_wide_they_are():
    table = pd.DataFrame({"coverage": [0.9, 0.5], "width": [1.26, 2.0]}, index=["ours", "theirs"])
    ax = plots.plot_coverage(table, family={"ours": "dml", "theirs": "naive"})
    assert [bar.get_width() for bar in ax.patches] == [90, 50]
    assert [mpl.colors.to_hex(bar.get_facecolor()).upper() for bar in ax.patches] == [
        plots.COLOURS["dml"],
        plots.COLOURS["naive"],
    ]
    assert ax.lines[0].get_xdata()[0] == 95
    assert [text.get_text() for text in ax.texts] == ["hits", "90", "50", "width", "1.3", "2.0"]


def test_words_come_from_the_data(table):
    roles = {"outcome": "sales", "treatment": "followed", "covariates": ["size", "kind"]}
    words = {"labels": {"followed": "training", "sales": "earnings in 1978"}, "units": {"sales": "USD"}}
    data = tp.CausalData(table, **roles, **words, arms=("not trained", "trained"))
    estimate = tp.naive.difference_in_means(data)
    axes = [
        plots.plot_estimates([estimate], 0.0),
        plots.plot_arms(data.frame["size"], data.arm, "size"),
        plots.plot_decomposition({"effect": estimate, "rest": estimate, "sum": estimate}),
        tp.diagnostics.overlap(tp.cross_fit(data, tp.learners.linear(), n_folds=2, n_jobs=1)).figure(),
    ]
    assert axes[0].get_xlabel() == "effect of training on earnings in 1978 (USD),\nwith 95% interval"
    assert [t.get_text() for t in axes[1].get_legend().get_texts()] == ["trained", "not trained"]
    assert axes[2].get_ylabel() == "difference in earnings in 1978 (USD)"
    assert [t.get_text() for t in axes[3].get_legend().get_texts()] == ["trained", "not trained"]
    assert " = " in repr(estimate)
    assert " USD, 95% interval" in repr(estimate)
    plain = plots.plot_estimates([tp.naive.difference_in_means(replace(data, labels={}, units={}))])
    assert plain.get_xlabel() == "effect of followed on sales,\nwith 95% interval"


def test_estimates_of_several_outcomes_are_not_said_to_be_of_one(market):
    both = [tp.naive.difference_in_means(market.for_outcome(name).data) for name in ("units_30d", "clicks_30d")]
    assert plots.plot_estimates(both).get_xlabel() == "effect of following,\nwith 95% interval"


def test_a_dollar_sign_in_a_name_is_no_formula(table):
    data = tp.CausalData(table.rename(columns={"sales": "$ x_{ $"}), "$ x_{ $", "followed", ["size"])
    ax = plots.plot_estimates({"$ a_{ $": tp.naive.difference_in_means(data)})
    ax.figure.canvas.draw()
    assert ax.get_yticklabels()[0].get_text() == r"\$ a_{ \$"


def test_the_waterfall_ends_at_the_naive_difference(market):
    parts = tp.truth.decompose_bias(market.data, market.truth)
    bars = plots.plot_decomposition(parts).patches
    ends = [bar.get_y() + bar.get_height() for bar in bars]
    assert ends[-2] == pytest.approx(ends[-1])
    assert np.isclose(ends[-1], parts["naive difference"])


def test_figures_refuse_what_they_cannot_draw(market):
    with pytest.raises(ValueError, match=r"pass data\.arm"):
        plots.plot_arms(market.data.y, market.data.d, "units")
    with pytest.raises(ValueError, match="family='blue' is not known"):
        plots.plot_draws({"a": [1.0, 2.0]}, 1.0, "x", family="blue")
    with pytest.raises(ValueError, match="truth says nothing of 'ATE'"):
        plots.plot_estimates({"ATE": tp.naive.difference_in_means(market.data)}, {"other": 1.0})


def test_a_name_that_begins_with_an_underscore_stays_in_the_legend(table):
    data = tp.CausalData(table, "sales", "followed", ["size"], arms=("_no", "yes"))
    texts = plots.plot_arms(table["size"], data.arm, "size").get_legend().get_texts()
    assert [t.get_text().strip("\u200b") for t in texts] == ["yes", "_no"]


def test_a_graph_has_a_box_for_each_name_an_arrow_for_each_effect_and_dashes_for_what_nobody_recorded():
    places = {"calls": (0, 1), "follows": (0, 0), "sales": (1, 0), "elsewhere": (9, 9)}
    ax = plots.plot_graph({"calls": ["follows", "sales"], "follows": ["sales"]}, places, unrecorded=["calls"])
    boxes = {text.get_text(): text.get_bbox_patch() for text in ax.texts}
    dashes = {name: box.get_linestyle() for name, box in boxes.items()}
    assert dashes == {"calls": "--", "follows": "-", "sales": "-"}
    assert [(arrow.patchA, arrow.patchB) for arrow in ax.patches] == [
        tuple(boxes[name] for name in pair) for pair in (("calls", "follows"), ("calls", "sales"), ("follows", "sales"))
    ]
    assert ax.get_xlim()[1] < 9


def test_a_name_without_a_place_is_refused():
    with pytest.raises(ValueError, match="'sales', which has no place"):
        plots.plot_graph({"follows": ["sales"]}, {"follows": (0, 0)})
