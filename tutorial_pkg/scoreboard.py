"""Estimators over many simulated markets: bias, RMSE, coverage, width and seconds, with Monte Carlo errors.

A cell is one estimator on one draw of one market.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tutorial_pkg.crossfitting import cross_fit
from tutorial_pkg.data import CausalData
from tutorial_pkg.effects import estimate_ate, estimate_att, estimate_gate, estimate_plr
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.learners import Learners
from tutorial_pkg.marketplace import Dials, population_rows, population_targets, simulate_sellers
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.storage import finish_cells
from tutorial_pkg.truth import Truth


@dataclass(frozen=True, eq=False)
class Draw:
    """One simulated sample; ``targets`` holds the true value of each estimand, "GATE toys" for a group."""

    data: CausalData
    targets: dict[str, float]
    truth: Truth | None = None


Estimator = Callable[[Draw], Iterable[Estimate]]


@dataclass(frozen=True, eq=False)
class Market:
    """A named source of samples: ``draw(seed)`` gives one."""

    name: str
    n_rows: int
    draw: Callable[[int], Draw]


def seller_market(
    n_rows: int,
    scenario: str = "proactive",
    outcome: str = "units_30d",
    *,
    recommendation: str = "outlet_deal",
    n_covariates: int | None = None,
    **dials: float,
) -> Market:
    """The marketplace of :func:`simulate_sellers`, with the population's effects as targets.

    Its name is the scenario, and what else is not at its default, but for the number of covariates.
    """
    settings = Dials(scenario, recommendation, **dials)

    def draw(seed: int) -> Draw:
        sample = simulate_sellers(
            n_rows, scenario, recommendation, seed, outcome=outcome, n_covariates=n_covariates, **dials
        )
        return Draw(sample.data, _seller_targets(settings, outcome), sample.truth)

    usual = {"outcome": "units_30d", **asdict(Dials(scenario))}
    chosen = {"outcome": outcome, **asdict(settings)}
    unusual = [f"{name} {value}" for name, value in chosen.items() if value != usual[name]]
    return Market(", ".join([scenario, *unusual]), n_rows, draw)


def _seller_targets(dials: Dials, outcome: str) -> dict[str, float]:
    average = population_targets(dials)[outcome]
    groups = population_rows(dials).groupby("product_category", observed=True)[outcome].mean()
    return {
        "ATE": average.ate,
        "ATT": average.att,
        "PLR": average.plr,
        **{f"GATE {name}": float(value) for name, value in groups.items()},
    }


def dml(learners: Learners | None = None, groups: str | None = None, **options: Any) -> Estimator:
    """ATE, ATT, PLR and, with a column of groups, GATE, from one cross-fit; options go to :func:`cross_fit`."""

    def estimate(draw: Draw) -> list[Estimate]:
        nuisances = cross_fit(draw.data, learners, n_jobs=1, progress=False, **options)
        average = [estimate_ate(nuisances), estimate_att(nuisances), estimate_plr(nuisances)]
        return average + (list(estimate_gate(nuisances, groups)) if groups else [])

    return estimate


def naive(comparison: Callable[[CausalData], Estimate]) -> Estimator:
    """One comparison of :mod:`tutorial_pkg.naive`, judged as if it estimated the ATE."""

    def estimate(draw: Draw) -> list[Estimate]:
        return [replace(comparison(draw.data), estimand="ATE")]

    return estimate


def oracle(draw: Draw) -> list[Estimate]:
    """ATE and ATT with the true nuisances: its intervals are as narrow as the semiparametric bound allows."""
    truth, data = draw.truth, draw.data
    assert truth is not None, "the oracle needs the truth of the draw"
    known = Nuisances.given(data, truth.outcome_control, truth.outcome_treated, truth.propensity)
    found = estimate_ate(known, clipping=1e-6), estimate_att(known, clipping=1e-6)
    return [replace(e, method="oracle", family="benchmark") for e in found]


def run_scoreboard(
    estimators: Mapping[str, Estimator],
    markets: Sequence[Market],
    n_draws: int,
    folder: "str | Path | None" = None,
    *,
    n_jobs: int = -1,
    progress: bool = True,
) -> pd.DataFrame:
    """Run every estimator on the same draws of every market.

    Parameters
    ----------
    estimators : mapping of name to function
        Each takes a :class:`Draw` and returns estimates; see :func:`dml`, :func:`naive` and :func:`oracle`.
    markets : sequence of Market
    n_draws : int
        Seeds 0 to n_draws - 1 of each market.
    folder : path, optional
        Where finished cells are kept, so that the same call goes on after an interruption. Cells are known by
        the names of market, size and estimator, so rename what you change.
    n_jobs : int
        Cells computed side by side.

    Returns
    -------
    DataFrame
        One row an estimate: market, n_rows, seed, estimator, estimand, value, std_error, lower, upper, target,
        seconds (processor time of the estimator on that draw), caution (whether the estimate gave one).
    """
    sources = [(market.name, market.n_rows) for market in markets]
    if repeated := [source for source in sources if sources.count(source) > 1]:
        raise ValueError(
            f"Two markets are called {repeated[0][0]!r} at {repeated[0][1]:,} rows; give each its own name."
        )
    cells = {
        f"{market.name}-{market.n_rows}-{name}-{seed}": partial(_run_cell, market, name, estimator, seed)
        for market in markets
        for seed in range(n_draws)
        for name, estimator in estimators.items()
    }
    results = finish_cells(cells, folder, n_jobs=n_jobs, progress=progress)
    return results.sort_values(["market", "n_rows", "estimator", "seed"], kind="stable", ignore_index=True)


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Bias, RMSE, coverage, width and seconds of each estimator, each with its Monte Carlo error.

    ``bias / se`` is the bias relative to the mean standard error; ``se / sd`` compares the mean standard error
    with the spread of the estimates, one if errors are honest.
    """
    table = results.assign(
        error=results["value"] - results["target"],
        covers=results["target"].between(results["lower"], results["upper"]),
        width=results["upper"] - results["lower"],
    )
    rows = {}
    for key, cell in table.groupby(["market", "n_rows", "estimator", "estimand"], sort=False):
        n, error = len(cell), cell["error"]
        squared = error**2
        rmse = np.sqrt(squared.mean())
        coverage = cell["covers"].mean()
        rows[key] = {
            "draws": n,
            "bias": error.mean(),
            "bias ±": error.std() / np.sqrt(n),
            "bias / se": error.mean() / cell["std_error"].mean(),
            "rmse": rmse,
            "rmse ±": squared.std() / (2 * rmse * np.sqrt(n)),
            "coverage": coverage,
            "coverage ±": np.sqrt(max(coverage * (1 - coverage), 0.25 / n) / n),
            "width": cell["width"].mean(),
            "width ±": cell["width"].std() / np.sqrt(n),
            "se / sd": cell["std_error"].mean() / error.std(),
        }
        if "seconds" in cell:
            timed = cell["seconds"]  # of some runs it is missing
            rows[key] |= {"seconds": timed.mean(), "seconds ±": timed.sem()}
    index = pd.MultiIndex.from_tuples(list(rows), names=["market", "n_rows", "estimator", "estimand"])
    return pd.DataFrame(list(rows.values()), index=index)


def record(results: pd.DataFrame) -> pd.DataFrame:
    """What readers ask first of each estimator, out of :func:`summarise`, under names that need no legend.

    Columns ``mean error``, ``Monte Carlo error`` (of the mean error), ``std. error / spread`` (one if errors are honest),
    ``coverage`` and ``width``. The index has the estimator, and of market, n_rows and estimand what tells rows apart.
    """
    names = {"bias": "mean error", "bias ±": "Monte Carlo error", "se / sd": "std. error / spread"}
    found = summarise(results).rename(columns=names)[[*names.values(), "coverage", "width"]]
    for level in ("estimand", "n_rows", "market"):
        if not found.index.droplevel(level).has_duplicates:
            found = found.droplevel(level)
    return found


def _run_cell(market: Market, name: str, estimator: Estimator, seed: int) -> pd.DataFrame:
    draw = market.draw(seed)
    start = time.process_time()
    estimates = list(estimator(draw))
    seconds = time.process_time() - start
    rows = []
    for estimate in estimates:
        estimand = f"{estimate.estimand} {estimate.label}".strip()
        lower, upper = estimate.conf_int()
        values = (estimand, estimate.value, estimate.std_error, lower, upper, draw.targets[estimand])
        rows.append((market.name, market.n_rows, seed, name, *values, seconds, estimate.caution is not None))
    columns = ["market", "n_rows", "seed", "estimator", "estimand", "value", "std_error", "lower", "upper"]
    return pd.DataFrame(rows, columns=[*columns, "target", "seconds", "caution"])
