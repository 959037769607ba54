"""How near each model of the effect, and the one chosen, comes to IHDP's true effects: `python -m tests.benchmarks.cate_choice`.

Surfaces A, where all effects are alike, and B of Hill (2011), as EconML draws them; everything is fitted to about 70% of
the rows, and the root mean squared error of the effects (PEHE) taken over the others. Interrupted, it goes on where it
stopped: the cells are kept under _build/cate_choice. Results with versions and date: results/cate_choice.parquet, and
their means in results/cate_choice.csv.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from econml.data.dgps import ihdp_surface_A, ihdp_surface_B

import tutorial_pkg as tp
from tutorial_pkg.cate_choice import SIMPLEST_FIRST
from tutorial_pkg.storage import finish_cells, write_results

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results" / "cate_choice.parquet"
SURFACES = {"A": ihdp_surface_A, "B": ihdp_surface_B}
N_DRAWS = 20


def compare(surface: str, seed: int) -> pd.DataFrame:
    """PEHE of each model on rows that it was not fitted to, and which was chosen, in one draw."""
    y, d, x, effect = SURFACES[surface](seed)
    names = [f"x{i}" for i in range(1, x.shape[1])]
    frame = pd.DataFrame(x[:, 1:], columns=names).assign(y=y, d=d)
    fresh = np.random.default_rng(seed).random(len(y)) < 0.3
    data = tp.CausalData(frame[~fresh].reset_index(drop=True), "y", "d", names)
    nuisances = tp.cross_fit(data, n_jobs=1, progress=False)
    comparison = tp.choose_cate(nuisances, n_jobs=1, progress=False).comparison
    assert comparison is not None
    found = {m: tp.estimate_cate(nuisances, m).effect(frame[fresh]) for m in SIMPLEST_FIRST}
    pehe = {m: float(np.sqrt(np.mean((values - effect[fresh]) ** 2))) for m, values in found.items()}
    table = comparison.assign(surface=surface, seed=seed, pehe=pd.Series(pehe))
    return table.rename_axis("method").reset_index()


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Mean PEHE on each surface of each model, of the chosen and of the best in every draw, with Monte Carlo errors."""
    each = results[["surface", "seed", "method", "pehe"]]
    chosen = each[results["chosen"]].assign(method="the one chosen")
    best = each.loc[each.groupby(["surface", "seed"])["pehe"].idxmin()].assign(method="the best in hindsight")
    pehe = pd.concat([each, chosen, best]).groupby(["surface", "method"], sort=False)["pehe"]
    table = pd.DataFrame({"draws": pehe.size(), "pehe": pehe.mean(), "pehe ±": pehe.std() / np.sqrt(pehe.size())})
    times = results[results["chosen"]].groupby(["surface", "method"]).size()
    return table.assign(chosen=times.reindex(table.index, fill_value=0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    options = parser.parse_args()
    cells = {f"{surface}-{seed}": partial(compare, surface, seed) for surface in SURFACES for seed in range(N_DRAWS)}
    results = finish_cells(cells, ROOT / "_build" / "cate_choice", n_jobs=options.n_jobs, progress=True)
    write_results(results, RESULTS)
    table = summarise(results)
    table.round(4).to_csv(RESULTS.with_suffix(".csv"))
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
