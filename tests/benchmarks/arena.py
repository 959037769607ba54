"""The simple comparisons and double machine learning on the same markets: `python -m tests.benchmarks.arena`.

All methods that learn use the same learners, those of the recommended preset; one more average effect is learned by
lines. Interrupted, it goes on where it stopped, and takes the markets in step; what the file holds is not computed
again. Results with versions and date: data/arena.parquet, which the chapters read.
"""

import argparse
import time
from collections.abc import Callable
from functools import lru_cache, partial
from pathlib import Path

import pandas as pd
from numpy.typing import NDArray

import tutorial_pkg as tp
from tests.benchmarks.hostile import doubleml_irm, kang_schafer, nie_wager, sine
from tutorial_pkg.marketplace import PLACEBO
from tutorial_pkg.scoreboard import Market, seller_market
from tutorial_pkg.storage import add_results

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "data" / "arena.parquet"
N_COVARIATES = 30  # of 214, all confounders among them
FIRST_SEED = 1_000  # of no sample that a chapter draws
SAMPLES = {  # fewer where a sample takes longer
    ("proactive", 2_000): 100,
    ("self_reliant", 2_000): 100,
    ("proactive, hidden 1.0", 2_000): 50,
    ("proactive, overlap 0.3", 2_000): 50,
    ("randomised", 2_000): 60,
    ("Kang-Schafer", 2_000): 100,
    **{(f"Nie-Wager {setup}", 2_000): 150 for setup in "ABCD"},
    ("make_irm_data", 2_000): 150,
    ("a wave", 2_000): 60,
    ("two waves", 2_000): 60,
    ("Kang-Schafer", 8_000): 20,
    ("Nie-Wager A", 8_000): 40,
}
AVERAGE, BY_LINES = "DML, average effect", "DML by lines, average effect"


@lru_cache
def market(name: str, n_rows: int) -> Market:
    """A market by its name: one of the sellers', a published design, or a wave that is hard on the default learners."""
    if name.startswith("Nie-Wager"):
        return nie_wager(name[-1], n_rows)
    designs = {
        "Kang-Schafer": kang_schafer,
        "make_irm_data": doubleml_irm,
        "a wave": partial(sine, False),
        "two waves": partial(sine, True),
    }
    if name in designs:
        return designs[name](n_rows)
    scenario, _, dial = name.partition(", ")
    dials = {key: float(value) for key, value in [dial.split(" ")]} if dial else {}
    return seller_market(n_rows, scenario, n_covariates=N_COVARIATES, **dials)


def groups_of_book(data: tp.CausalData) -> pd.Series | None:
    """Engagement and demand by thirds, where the data are sellers', unless a group has next to nobody of one arm."""
    if "engagement_score" not in data.frame:
        return None
    thirds = data.frame[["engagement_score", "demand_score"]].apply(pd.qcut, q=3, labels=False)
    groups = thirds.groupby(list(thirds)).ngroup()
    return groups if pd.crosstab(groups, data.d).min(axis=None) >= 3 else None


def answer(
    method: str, targets: dict[str, float], ask: Callable[[], tp.Estimate], fitting: float = 0.0
) -> pd.DataFrame:
    """One method's answer beside its target, with the processor's seconds, to which those of its fits are added.

    A method that does not say what its target is, the naive ones, is judged by the ATE.
    """
    start = time.process_time()
    estimate = ask()
    seconds = fitting + time.process_time() - start
    estimand = estimate.estimand if estimate.family == "dml" else "ATE"
    said = {"estimator": method, "estimand": estimand, "target": targets[estimand], "seconds": seconds}
    return estimate.tidy().assign(**said, caution=estimate.caution is not None)


def answers(fitted: tp.Nuisances, logistic: NDArray, targets: dict[str, float], cost: dict[str, float]) -> list:
    """Every method's answer; those that learn have learned with the same learners, at ``cost`` seconds a nuisance."""
    naive, data = tp.naive, fitted.data
    m, propensity = fitted.propensity[:, 0], cost["propensity"]
    arms = cost["outcome_control"] + cost["outcome_treated"] + propensity
    found = [
        answer("difference in means", targets, lambda: naive.difference_in_means(data)),
        answer("OLS", targets, lambda: naive.regression_adjusted(data)),
        answer("matching on all", targets, lambda: naive.matched(data, list(data.covariates))),
        answer("matching on propensity", targets, lambda: naive.matched(data, propensity=logistic), cost["logistic"]),
        answer(
            "IPW, logistic",
            targets,
            lambda: naive.inverse_propensity_weighted(data, propensity=logistic),
            cost["logistic"],
        ),
        answer(
            "IPW, same learners", targets, lambda: naive.inverse_propensity_weighted(data, propensity=m), propensity
        ),
        answer("plug-in, same learners", targets, lambda: naive.plug_in(data)),
        answer("DML, residual on residual", targets, lambda: tp.estimate_plr(fitted), cost["outcome"] + propensity),
        answer(AVERAGE, targets, lambda: tp.estimate_ate(fitted), arms),
        answer("DML, effect on followers", targets, lambda: tp.estimate_att(fitted), arms - cost["outcome_treated"]),
    ]
    groups = groups_of_book(data)
    if groups is not None:
        found.append(answer("strata", targets, lambda: naive.stratified(data, groups)))
    return found


def finished(found: list[pd.DataFrame], name: str, n_rows: int, seed: int) -> pd.DataFrame:
    """The rows of a sample, with the columns of the file."""
    columns = ["outcome", "estimator", "estimand", "value", "std_error", "lower", "upper"]
    rows = pd.concat(found, ignore_index=True)[[*columns, "target", "seconds", "caution"]]
    return rows.assign(market=name, n_rows=n_rows, seed=seed)


def cell(name: str, n_rows: int, seed: int) -> pd.DataFrame:
    """Every method on one sample: the outcome and, where nothing can have had an effect, the placebo."""
    draw = market(name, n_rows).draw(seed)
    nuisances = tp.cross_fit(draw.data, n_jobs=1, progress=False)
    start = time.process_time()
    logistic = tp.naive.logistic_propensity(draw.data)
    cost = {**nuisances.seconds, "logistic": time.process_time() - start}
    found = answers(nuisances, logistic, draw.targets, cost)
    if PLACEBO in draw.data.frame:
        before = tp.cross_fit(draw.data.with_outcome(PLACEBO), reuse=nuisances, n_jobs=1, progress=False)
        nothing = dict.fromkeys(draw.targets, 0.0)
        found += answers(before, logistic, nothing, {**cost, **before.seconds, "propensity": cost["propensity"]})
    return finished(found, name, n_rows, seed)


def cell_by_lines(name: str, n_rows: int, seed: int) -> pd.DataFrame:
    """The average effect learned by lines, a lasso and a logistic one, on the same sample."""
    draw = market(name, n_rows).draw(seed)
    nuisances = tp.cross_fit(draw.data, tp.learners.linear(), n_jobs=1, progress=False)
    cost = sum(nuisances.seconds.values()) - nuisances.seconds["outcome"]
    return finished([answer(BY_LINES, draw.targets, lambda: tp.estimate_ate(nuisances), cost)], name, n_rows, seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    options = parser.parse_args()
    samples = sorted((s / n, *which, FIRST_SEED + s) for which, n in SAMPLES.items() for s in range(n))
    kinds = {AVERAGE: cell, BY_LINES: cell_by_lines}  # a cell is known by the one answer that only it gives
    cells = {
        (*sample, estimator): partial(compute, *sample)
        for _, *sample in samples
        for estimator, compute in kinds.items()
    }
    key = ["market", "n_rows", "seed", "estimator"]
    rows = add_results(cells, RESULTS, key, n_jobs=options.n_jobs, n_covariates=N_COVARIATES)
    columns = ["draws", "bias", "bias ±", "rmse", "coverage", "width", "se / sd", "seconds"]
    print(tp.scoreboard.summarise(rows[rows["outcome"] != PLACEBO])[columns].round(3).to_string())


if __name__ == "__main__":
    from tests.benchmarks import arena  # under its name: other processes cannot find what is cached in a script

    arena.main()
