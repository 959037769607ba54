"""The simple comparisons and double machine learning on the same markets: `python -m tests.benchmarks.arena`.

All methods that learn use the same learners, those of the recommended preset. Interrupted, it goes on where it stopped,
and takes the markets in step. Results with versions and date: data/arena.parquet, which the chapters read.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd
from numpy.typing import NDArray

import tutorial_pkg as tp
from tutorial_pkg.marketplace import PLACEBO
from tutorial_pkg.scoreboard import Market, seller_market
from tutorial_pkg.storage import finish_cells, read_cells, write_results

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "data" / "arena.parquet"
CELLS = ROOT / "_build" / "arena"
N_ROWS, N_COVARIATES = 2_000, 30  # of 214, all confounders among them
FIRST_SEED = 1_000  # of no sample that a chapter draws
MARKETS = {
    "proactive": 100,
    "self_reliant": 100,
    "proactive, hidden 1.0": 50,
    "proactive, overlap 0.3": 50,
}


def markets() -> dict[str, Market]:
    """The markets by name."""
    options = {"n_covariates": N_COVARIATES}
    found = [
        seller_market(N_ROWS, **options),
        seller_market(N_ROWS, "self_reliant", **options),
        seller_market(N_ROWS, hidden=1.0, **options),
        seller_market(N_ROWS, overlap=0.3, **options),
    ]
    return {market.name: market for market in found}


def methods(data: tp.CausalData, nuisances: tp.Nuisances, logistic: NDArray) -> dict[str, tp.Estimate]:
    """Every method's answer; those that learn have learned with the same learners."""
    thirds = data.frame[["engagement_score", "demand_score"]].apply(pd.qcut, q=3, labels=False)
    groups = thirds.groupby(list(thirds)).ngroup()
    smallest = pd.crosstab(groups, data.d).min(
        axis=None
    )  # where overlap is thin, some strata have next to nobody of one arm
    m = nuisances.propensity[:, 0]
    strata = {"strata": tp.naive.stratified(data, groups)} if smallest >= 3 else {}
    return {
        "difference in means": tp.naive.difference_in_means(data),
        **strata,
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
    past = tp.cross_fit(draw.data.with_outcome(PLACEBO), reuse=nuisances, n_jobs=1, progress=False)
    logistic = tp.naive.logistic_propensity(draw.data)
    rows = []
    for fitted in (nuisances, past):
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
    parser.add_argument("--write", action="store_true", help="compute nothing more; write what is finished")
    options = parser.parse_args()
    samples = sorted((s / n, name, FIRST_SEED + s) for name, n in MARKETS.items() for s in range(n))
    cells = {f"{name}-{seed}": partial(cell, name, seed) for _, name, seed in samples}
    rows = read_cells(CELLS) if options.write else finish_cells(cells, CELLS, n_jobs=options.n_jobs)
    rows = rows.sort_values(["market", "seed", "outcome"], kind="stable", ignore_index=True)
    write_results(rows, RESULTS, n_covariates=N_COVARIATES)
    columns = ["draws", "bias", "bias ±", "rmse", "coverage", "width", "se / sd"]
    print(tp.scoreboard.summarise(rows[rows["outcome"] != PLACEBO])[columns].round(3).to_string())


if __name__ == "__main__":
    main()
