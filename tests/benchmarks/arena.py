"""The simple comparisons and double machine learning on the same markets: `python -m tests.benchmarks.arena`.

All methods that learn use the same learners, those of the recommended preset. Interrupted, it goes on where it stopped,
and takes the markets in step; what the file holds is not computed again. Results with versions and date:
data/arena.parquet, which the chapters read.
"""

import argparse
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import pandas as pd
from numpy.typing import NDArray

import tutorial_pkg as tp
from tests.benchmarks.hostile import doubleml_irm, kang_schafer, nie_wager
from tutorial_pkg.marketplace import PLACEBO
from tutorial_pkg.scoreboard import Market, seller_market
from tutorial_pkg.storage import add_results

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "data" / "arena.parquet"
N_ROWS, N_COVARIATES = 2_000, 30  # of 214, all confounders among them
FIRST_SEED = 1_000  # of no sample that a chapter draws
MARKETS = {
    "proactive": 100,
    "self_reliant": 100,
    "proactive, hidden 1.0": 50,
    "proactive, overlap 0.3": 50,
    "randomised": 100,
    "Kang-Schafer": 100,
    "Nie-Wager A": 100,
    "Nie-Wager B": 100,
    "Nie-Wager C": 100,
    "Nie-Wager D": 100,
    "make_irm_data": 100,
}


@lru_cache(maxsize=1)
def markets() -> dict[str, Market]:
    """The markets by name: the sellers', and published designs."""
    options = {"n_covariates": N_COVARIATES}
    found = [
        seller_market(N_ROWS, **options),
        seller_market(N_ROWS, "self_reliant", **options),
        seller_market(N_ROWS, hidden=1.0, **options),
        seller_market(N_ROWS, overlap=0.3, **options),
        seller_market(N_ROWS, "randomised", **options),
        kang_schafer(N_ROWS),
        *(nie_wager(setup, N_ROWS) for setup in "ABCD"),
        doubleml_irm(N_ROWS),
    ]
    return {market.name: market for market in found}


def strata(data: tp.CausalData) -> dict[str, tp.Estimate]:
    """The strata of the book, where the data are sellers', and none of them has next to nobody of one arm."""
    if "engagement_score" not in data.frame:
        return {}
    thirds = data.frame[["engagement_score", "demand_score"]].apply(pd.qcut, q=3, labels=False)
    groups = thirds.groupby(list(thirds)).ngroup()
    smallest = pd.crosstab(groups, data.d).min(axis=None)
    return {"strata": tp.naive.stratified(data, groups)} if smallest >= 3 else {}


def methods(data: tp.CausalData, nuisances: tp.Nuisances, logistic: NDArray) -> dict[str, tp.Estimate]:
    """Every method's answer; those that learn have learned with the same learners."""
    m = nuisances.propensity[:, 0]
    return {
        "difference in means": tp.naive.difference_in_means(data),
        **strata(data),
        "OLS": tp.naive.regression_adjusted(data),
        "matching on all": tp.naive.matched(data, list(data.covariates)),
        "matching on propensity": tp.naive.matched(data, propensity=logistic),
        "IPW, logistic": tp.naive.inverse_propensity_weighted(data, propensity=logistic),
        "IPW, same learners": tp.naive.inverse_propensity_weighted(data, propensity=m),
        "plug-in, same learners": tp.naive.plug_in(data),
        "DML, residual on residual": tp.estimate_plr(nuisances),
        "DML, average effect": tp.estimate_ate(nuisances),
        "DML, effect on followers": tp.estimate_att(nuisances),
    }


def cell(name: str, seed: int) -> pd.DataFrame:
    """Every method on one sample: the outcome and, where nothing can have had an effect, the placebo."""
    draw = markets()[name].draw(seed)
    nuisances = tp.cross_fit(draw.data, n_jobs=1, progress=False)
    fits = [nuisances]
    if PLACEBO in draw.data.frame:
        fits.append(tp.cross_fit(draw.data.with_outcome(PLACEBO), reuse=nuisances, n_jobs=1, progress=False))
    logistic = tp.naive.logistic_propensity(draw.data)
    rows = []
    for fitted in fits:
        for method, estimate in methods(fitted.data, fitted, logistic).items():
            estimand = estimate.estimand if estimate.family == "dml" else "ATE"
            target = draw.targets[estimand] if fitted is nuisances else 0.0
            answer = replace(estimate, estimand=estimand).tidy()
            said = {"estimator": method, "target": target, "caution": estimate.caution is not None}
            rows.append(answer.assign(**said))
    columns = ["outcome", "estimator", "estimand", "value", "std_error", "lower", "upper", "target", "caution"]
    found = pd.concat(rows, ignore_index=True)[columns]
    return found.assign(market=name, n_rows=N_ROWS, seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    options = parser.parse_args()
    samples = sorted((s / n, name, FIRST_SEED + s) for name, n in MARKETS.items() for s in range(n))
    cells = {(name, seed): partial(cell, name, seed) for _, name, seed in samples}
    rows = add_results(cells, RESULTS, ["market", "seed"], n_jobs=options.n_jobs, n_covariates=N_COVARIATES)
    columns = ["draws", "bias", "bias ±", "rmse", "coverage", "width", "se / sd"]
    print(tp.scoreboard.summarise(rows[rows["outcome"] != PLACEBO])[columns].round(3).to_string())


if __name__ == "__main__":
    main()
