"""A small scoreboard: resumable, the same however it is run, with honest Monte Carlo errors."""

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tutorial_pkg.scoreboard import dml, naive, oracle, record, run_scoreboard, seller_market, summarise

KEY = ["market", "n_rows", "seed", "estimator", "estimand"]


NAIVE = naive(tp.naive.difference_in_means)


@pytest.fixture(scope="module")
def markets():
    return [seller_market(600, scenario, n_covariates=15) for scenario in ("proactive", "randomised")]


@pytest.fixture(scope="module")
def estimators():
    return {"naive": NAIVE, "DML, linear": dml(tp.learners.linear(), n_folds=2), "oracle": oracle}


@pytest.fixture(scope="module")
def results(markets, estimators):
    return run_scoreboard(estimators, markets, 12, progress=False)


def test_every_estimator_meets_every_draw(results):
    counts = results.groupby(["market", "estimator", "estimand"])["seed"].nunique()
    assert (counts == 12).all()
    assert set(results["estimand"]) == {"ATE", "ATT", "PLR"}


def test_the_summary_tells_the_story_of_the_book(results):
    table = summarise(results)
    error = table.xs(("proactive", 600), level=("market", "n_rows"))["rmse"]
    assert error["naive", "ATE"] > 3 * error["DML, linear", "ATE"]
    assert table.loc[("proactive", 600, "naive", "ATE"), "coverage"] < 0.2
    assert table.loc[("randomised", 600, "naive", "ATE"), "coverage"] > 0.6
    for column in ("bias", "rmse", "coverage", "width", "seconds"):
        assert (table[f"{column} ±"] >= 0).all()


def test_summary_figures_are_those_of_their_formulas():
    rows = pd.DataFrame(
        {"market": "m", "n_rows": 9, "seed": range(4), "estimator": "e", "estimand": "ATE", "value": [1.0, 2, 3, 6]}
    ).assign(
        std_error=[0.5, 1.0, 1.0, 1.5], lower=[0, 1, 2, 4.0], upper=[2, 3, 4, 9.0],
        target=[2.0, 2, 2, 3], seconds=[1.0, 2, 3, 4],
    )  # fmt: skip
    found, error = summarise(rows).iloc[0], np.array([-1, 0, 1, 3.0])
    assert found["draws"] == 4
    assert found["bias"] == 0.75
    assert found["bias ±"] == pytest.approx(np.std(error, ddof=1) / 2)
    assert found["bias / se"] == 0.75
    assert found["rmse"] == pytest.approx(np.sqrt(11 / 4))
    assert found["rmse ±"] == pytest.approx(np.std(error**2, ddof=1) / (2 * np.sqrt(11 / 4) * 2))
    assert found["coverage"] == 0.75
    assert found["coverage ±"] == pytest.approx(np.sqrt(0.75 * 0.25 / 4))
    assert found["width"] == 2.75
    assert found["width ±"] == pytest.approx(np.std([2, 2, 2, 5], ddof=1) / 2)
    assert found["se / sd"] == pytest.approx(1 / np.std(error, ddof=1))  # of the errors: the targets differ
    assert found["seconds"] == 2.5
    assert found["seconds ±"] == pytest.approx(np.std([1, 2, 3, 4], ddof=1) / 2)


def test_a_record_is_the_summary_under_words_that_need_no_legend(results):
    found, whole = record(results), summarise(results)
    assert list(found) == ["mean error", "Monte Carlo error", "std. error / spread", "coverage", "width"]
    assert np.array_equal(found, whole[["bias", "bias ±", "se / sd", "coverage", "width"]])
    assert found.index.names == ["market", "estimator", "estimand"]  # all have as many rows
    assert not found.index.has_duplicates
    alone = results[(results["market"] == "proactive") & (results["estimand"] == "ATE")]
    assert record(alone).index.names == ["estimator"]
    assert record(alone).loc["naive", "width"] == whole.loc[("proactive", 600, "naive", "ATE"), "width"]


def test_a_coverage_of_all_is_not_said_to_be_exact():
    rows = pd.DataFrame({"value": [1.0, 1.5], "seed": [0, 1]}).assign(
        market="m",
        n_rows=9,
        estimator="e",
        estimand="ATE",
        std_error=1.0,
        lower=0.0,
        upper=2.0,
        target=1.0,
        seconds=1.0,
    )
    found = summarise(rows).iloc[0]
    assert found["coverage"] == 1
    assert found["coverage ±"] == pytest.approx(np.sqrt(0.25 / 2 / 2))


def test_the_oracle_uses_the_truth_and_nothing_else(markets):
    draw = markets[0].draw(3)
    t, y, d = draw.truth, draw.data.y, draw.data.d
    m, g0, g1 = t.propensity, t.outcome_control, t.outcome_treated
    signal = g1 - g0 + d * (y - g1) / m - (1 - d) * (y - g0) / (1 - m)
    ate, att = oracle(draw)
    assert ate.value == pytest.approx(signal.mean(), rel=1e-10)
    assert att.value == pytest.approx(np.mean((d - (1 - d) * m / (1 - m)) * (y - g0)) / d.mean(), rel=1e-10)
    assert (ate.method, ate.family, att.estimand) == ("oracle", "benchmark", "ATT")


def test_targets_are_the_populations(markets):
    draw, population = markets[0].draw(0), tp.marketplace.population_targets(tp.marketplace.Dials())["units_30d"]
    rows = tp.marketplace.population_rows(tp.marketplace.Dials())
    assert [draw.targets[name] for name in ("ATE", "ATT", "PLR")] == [population.ate, population.att, population.plr]
    toys = rows[rows["product_category"] == "toys"]["units_30d"].mean()
    assert draw.targets["GATE toys"] == pytest.approx(toys)


class Counting:
    """An estimator that leaves a mark each time it is asked."""

    def __init__(self, folder):
        self.folder = folder

    def __call__(self, draw):
        (self.folder / f"{len(list(self.folder.iterdir()))}").touch()
        return NAIVE(draw)


def test_an_interrupted_run_goes_on_where_it_stopped(markets, tmp_path):
    cells, marks = tmp_path / "cells", tmp_path / "marks"
    marks.mkdir()
    some = {"counted": Counting(marks), "oracle": oracle}
    first = run_scoreboard(some, markets, 3, cells, n_jobs=1, progress=False)
    files = sorted(cells.glob("*counted*.parquet"))
    assert len(files) == len(list(marks.iterdir())) == 2 * 3
    files[0].unlink()
    again = run_scoreboard(some, markets, 4, cells, n_jobs=1, progress=False)
    assert len(list(marks.iterdir())) == 2 * 3 + 1 + 2
    columns = [*KEY, "value", "std_error", "target"]
    merged = again[again["seed"] < 3][columns].reset_index(drop=True)
    pd.testing.assert_frame_equal(merged, first[columns])


def test_results_do_not_depend_on_how_many_run_at_once(markets, estimators, results):
    alone = run_scoreboard(estimators, markets[:1], 2, n_jobs=1, progress=False)
    same = results[(results["market"] == "proactive") & (results["seed"] < 2)]
    columns = [*KEY, "value", "std_error"]
    pd.testing.assert_frame_equal(alone[columns], same[columns].reset_index(drop=True))


def test_the_oracle_is_as_narrow_as_the_bound_allows(results):
    width = summarise(results).xs(("proactive", 600, "ATE"), level=("market", "n_rows", "estimand"))["width"]
    assert width["oracle"] < width["DML, linear"]


def test_one_cross_fit_answers_for_averages_and_groups(markets):
    draw = markets[0].draw(1)
    found = dml(tp.learners.linear(), groups="product_category", n_folds=2)(draw)
    nuisances = tp.cross_fit(draw.data, tp.learners.linear(), n_folds=2, n_jobs=1)
    expected = [tp.estimate_ate(nuisances), tp.estimate_att(nuisances), tp.estimate_plr(nuisances)]
    expected += list(tp.estimate_gate(nuisances, "product_category"))
    assert [(e.estimand, e.label, e.value) for e in found] == [(e.estimand, e.label, e.value) for e in expected]


def test_markets_that_differ_have_names_that_differ(markets):
    named = [seller_market(600), seller_market(600, effect=0.0), seller_market(600, outcome="revenue_30d")]
    assert [m.name for m in named] == ["proactive", "proactive, effect 0.0", "proactive, outcome revenue_30d"]
    with pytest.raises(ValueError, match="Two markets are called 'proactive' at 600 rows"):
        run_scoreboard({"oracle": oracle}, [markets[0], markets[0]], 1, progress=False)
