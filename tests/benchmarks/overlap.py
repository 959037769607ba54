"""How often estimates warn where their intervals fail, and where they do not: `python -m tests.benchmarks.overlap`.

Studies with and without overlap, none of which served to set the thresholds of `tutorial_pkg/support.py`. A caution
looks at propensities, so it is judged by shape of the propensity and question: **unsound** when, on some of the outcome
surfaces, 95% intervals cover in less than 85%, and sound otherwise. Interrupted, it goes on where it stopped: the cells
are kept under _build/overlap. Results with versions and date: results/overlap.parquet, and their summary in
results/overlap.csv.
"""

import argparse
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import special

import tutorial_pkg as tp
from tests.benchmarks.hostile import Nature, market
from tutorial_pkg.scoreboard import Draw, Market, run_scoreboard, summarise
from tutorial_pkg.storage import write_results

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results" / "overlap.parquet"
N_DRAWS, N_ROWS, N_TRAITS = 100, 2_000, 5
FAILS = 0.85

SHAPES: dict[str, Callable[[np.ndarray], np.ndarray]] = {  # the propensity, from standard normal covariates
    "randomised": lambda x: np.full(len(x), 0.5),
    "rare": lambda x: special.expit(-2.7 + 0.5 * x[:, 0]),
    "slope 1": lambda x: special.expit((x[:, 0] + x[:, 1]) / np.sqrt(2)),
    "slope 2": lambda x: special.expit(2 * (x[:, 0] + x[:, 1]) / np.sqrt(2)),
    "slope 3": lambda x: special.expit(3 * (x[:, 0] + x[:, 1]) / np.sqrt(2)),
    "slope 5": lambda x: special.expit(5 * (x[:, 0] + x[:, 1]) / np.sqrt(2)),
    "bounded": lambda x: special.expit(3 * x[:, 0]).clip(0.05, 0.95),
    "steps": lambda x: np.where(x[:, 0] * x[:, 1] > 0, 0.85, 0.15),
    "wall, treated": lambda x: np.where(x[:, 0] > 1, 0.998, 0.4),
    "wall, untreated": lambda x: np.where(x[:, 0] > 1, 0.002, 0.6),
    "pocket": lambda x: np.where((x[:, 0] > 0.8) & (x[:, 1] > 0.8), 0.995, 0.4),
    "tails": lambda x: special.expit(3 * (np.abs(x[:, 0]) - 1)),
}

SURFACES: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {  # E[Y0 | X] and the effect
    "line": lambda x: (x @ [1, 1, 0.5, 0, 0], np.ones(len(x))),
    "curve": lambda x: (x[:, 0] ** 2 + x[:, 1], 1 + x[:, 0]),
    "edge": lambda x: (x[:, 0] + x[:, 1], 3 * np.maximum(x[:, 0] - 0.8, 0)),
}


def _equations(shape: str, surface: str, u: np.ndarray) -> Nature:
    x = special.ndtri(u)
    return x, SHAPES[shape](x), *SURFACES[surface](x)


def designs() -> list[Market]:
    """Each shape of the propensity with each surface of the outcome."""
    return [
        market(f"{shape} | {surface}", N_ROWS, N_TRAITS, partial(_equations, shape, surface))
        for shape in SHAPES
        for surface in SURFACES
    ]


def every_question(draw: Draw) -> list[tp.Estimate]:
    """All four averages by the default, from one cross-fit."""
    nuisances = tp.cross_fit(draw.data, n_jobs=1, progress=False)
    return [ask(nuisances) for ask in (tp.estimate_ate, tp.estimate_att, tp.estimate_atc, tp.estimate_plr)]


def judge(results: pd.DataFrame) -> pd.DataFrame:
    """By shape and question: coverage on each surface, the share of studies cautioned, and whether it is sound."""
    coverage = summarise(results)[["coverage"]]
    coverage["cautioned"] = results.groupby(coverage.index.names)["caution"].mean()
    coverage = coverage.reset_index()
    coverage[["shape", "surface"]] = coverage["market"].str.split(" | ", regex=False, expand=True)
    keys = ["shape", "estimand"]
    table = coverage.pivot(index=keys, columns="surface", values="coverage")[list(SURFACES)]
    table["cautioned"] = coverage.groupby(keys)["cautioned"].mean()
    table["draws"] = results["seed"].nunique()
    table["sound"] = (table[list(SURFACES)] >= FAILS).all(axis=1)
    return table.reindex(list(SHAPES), level="shape")


def rates(table: pd.DataFrame) -> dict[str, float]:
    """Share of studies cautioned among the unsound (hits) and among the sound (false alarms)."""
    cautioned = table.groupby("sound")["cautioned"].mean()
    return {"hits": float(cautioned[False]), "false alarms": float(cautioned[True])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--share", type=float, default=1.0, help="share of the full number of samples")
    options = parser.parse_args()
    n = int(N_DRAWS * options.share)
    results = run_scoreboard(
        {"DML, default": every_question}, designs(), n, ROOT / "_build" / "overlap", n_jobs=options.n_jobs
    )
    write_results(results, RESULTS)
    table = judge(results)
    table.round(3).to_csv(RESULTS.with_suffix(".csv"))
    print(table.round(2).to_string())
    print(rates(table))


if __name__ == "__main__":
    main()
