"""Do cards keep what they promise? Sixty markets, groups of products, before and after shrinkage: `python -m tests.benchmarks.cards`.

The effects of 36 groups, product category by stock and by engagement, from 6,000 rows by lines; their truth from the population.
Interrupted, it goes on where it stopped. Results with versions and date: data/cards.parquet.
"""

import argparse
from functools import lru_cache, partial
from pathlib import Path

import pandas as pd

import tutorial_pkg as tp
from tutorial_pkg.marketplace import Dials, population_rows
from tutorial_pkg.storage import add_results

RESULTS = Path(__file__).parents[2] / "data" / "cards.parquet"
N_ROWS, N_MARKETS, FIRST_SEED = 6_000, 60, 2_000
CUTS = {"weeks_of_cover": ("low cover", "high cover"), "engagement_score": ("less engaged", "engaged")}


@lru_cache
def medians() -> dict[str, float]:
    rows = population_rows(Dials())
    return {name: float(rows[name].median()) for name in CUTS}


def groups_of(frame: pd.DataFrame) -> pd.Series:
    """The group of each row: category, weeks of cover and engagement, cut at the population's medians."""
    label = frame["product_category"].astype(str)
    for name, words in CUTS.items():
        label = label + ", " + (frame[name] > medians()[name]).map({False: words[0], True: words[1]})
    return label


@lru_cache
def truth() -> pd.Series:
    """The true average effect of each group in the population."""
    rows = population_rows(Dials())
    return rows.groupby(groups_of(rows))["units_30d"].mean()


def cell(seed: int) -> pd.DataFrame:
    """Every group's estimate, shrunken effect and truth in one market."""
    data = tp.simulate_sellers(N_ROWS, seed=seed, n_covariates=30).data
    nuisances = tp.cross_fit(data, tp.learners.linear(), n_jobs=1, progress=False)
    groups = groups_of(data.frame)
    effects = tp.estimate_gate(nuisances, groups)
    table = effects.tidy()[["label", "value", "std_error", "lower", "upper"]]
    drawn = tp.cards.shrink(effects)[["value", "lower", "upper"]].add_prefix("shrunken ")
    table = table.join(drawn.reset_index(drop=True))
    facts = {"truth": table["label"].map(truth()), "rows": table["label"].map(groups.value_counts()), "seed": seed}
    return table.assign(**facts)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    cells = {(FIRST_SEED + s,): partial(cell, FIRST_SEED + s) for s in range(N_MARKETS)}
    found = add_results(cells, RESULTS, ["seed"], n_jobs=parser.parse_args().n_jobs, n_rows=N_ROWS)
    best = found.loc[found.groupby("seed")["value"].idxmax()]
    print("all: ", (found["value"] - found["truth"]).mean(), "best:", (best["value"] - best["truth"]).mean())
    print("shrunken best:", (best["shrunken value"] - best["truth"]).mean())
    covers = found["truth"].between(found["shrunken lower"], found["shrunken upper"])
    print("coverage, shrunken:", covers.mean(), "plain:", found["truth"].between(found["lower"], found["upper"]).mean())


if __name__ == "__main__":
    from tests.benchmarks import cards  # under its name: other processes cannot find what is cached in a script

    cards.main()
