"""Three recommendations and three outcomes in sixty small markets: `python -m tests.benchmarks.recommendations`.

Do intervals for nine effects hold at once, with errors by seller over three tables? And what do four ways of comparing
sponsored ads with outlet deals make of them? 2,000 rows a table, by lines. Interrupted, it goes on where it stopped.
Results with versions and date: data/recommendations.parquet.
"""

import argparse
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd

import tutorial_pkg as tp
from tutorial_pkg.marketplace import (
    OUTCOMES,
    RECOMMENDATIONS,
    Dials,
    effects_on,
    population_rows,
    simulate_recommendations,
)
from tutorial_pkg.storage import add_results

RESULTS = Path(__file__).parents[2] / "data" / "recommendations.parquet"
N_ROWS, N_MARKETS, FIRST_SEED = 6_000, 60, 3_000
EDGES = [12, 16, 20, 24, 32, np.inf]
ADS, DEAL = "sponsored_ads", "outlet_deal"
WAYS = ("raw difference", "those who followed", "rows with excess", "the deals' mix")


def bands(rows: pd.DataFrame) -> pd.Series:
    return pd.cut(rows["weeks_of_cover"], EDGES)


@lru_cache
def truth_of_ways(outcome: str) -> dict[str, float]:
    """What each way of comparing aims at, and the difference on the very rows that get the deal; population."""
    rows = {name: population_rows(Dials(recommendation=name)) for name in (ADS, DEAL)}
    att = {name: np.average(r[outcome], weights=r["propensity"]) for name, r in rows.items()}
    excess, deal = rows[ADS][bands(rows[ADS]).notna()], rows[DEAL][outcome].mean()
    shares = bands(rows[DEAL]).value_counts(normalize=True)
    mixed = (excess.groupby(bands(excess), observed=True)[outcome].mean() * shares).sum()
    own = [att[ADS] - att[DEAL], att[ADS] - att[DEAL], excess[outcome].mean() - deal, mixed - deal]
    same = effects_on(rows[DEAL], Dials(recommendation=ADS))[outcome].mean() - deal
    return dict(zip(WAYS, own, strict=True)) | {"same rows": same}


def compared(outcome: str, fits: dict[str, tp.Nuisances]) -> list[dict]:
    """Ads less deals on one outcome, four ways."""
    excess = {name: bands(fits[name].data.frame) for name in (ADS, DEAL)}
    inside = {ADS: excess[ADS].notna().astype(float), DEAL: None}
    mix = {ADS: tp.groups.mix_weights(excess[ADS], excess[DEAL]), DEAL: None}
    ways = (
        lambda name: tp.naive.difference_in_means(fits[name].data),
        lambda name: tp.estimate_att(fits[name]),
        lambda name: tp.estimate_ate(fits[name], weights=inside[name]),
        lambda name: tp.estimate_ate(fits[name], weights=mix[name]),
    )
    truths, rows = truth_of_ways(outcome), []
    for way, answer in zip(WAYS, ways, strict=True):
        ads, deal = tp.estimates.join_tables(([answer(name)], fits[name].data) for name in (ADS, DEAL))
        gap = ads - deal
        names = {"part": "ads less deal", "name": way, "outcome": outcome}
        rows.append(names | ends(gap) | {"truth": truths[way], "same rows": truths["same rows"]})
    return rows


def ends(e: tp.Estimate) -> dict[str, float]:
    lower, upper = e.conf_int()
    return {"value": e.value, "std_error": e.std_error, "lower": lower, "upper": upper}


def cell(seed: int) -> pd.DataFrame:
    """The nine effects on those who followed, the nine differences in means, and the comparisons, in one market."""
    tables, fits = simulate_recommendations(N_ROWS, seed, n_covariates=20), {}
    for name, sample in tables.items():
        first = tp.cross_fit(sample.data, tp.learners.linear(), n_jobs=1, progress=False)
        more = [tp.cross_fit(sample.for_outcome(o).data, reuse=first, n_jobs=1, progress=False) for o in OUTCOMES[1:]]
        fits[name] = dict(zip(OUTCOMES, [first, *more], strict=True))
    rows = []
    for part, answer in {
        "nine effects": tp.estimate_att,
        "nine differences": lambda fitted: tp.naive.difference_in_means(fitted.data),
    }.items():
        found = [([answer(fits[n][o]) for o in OUTCOMES], tables[n].data) for n in RECOMMENDATIONS]
        band = tp.estimates.join_tables(found).simultaneous()[["lower", "upper"]].to_numpy()
        for (name, outcome), e, (lower, upper) in zip(
            [(n, o) for n in RECOMMENDATIONS for o in OUTCOMES],
            [e for estimates, _ in found for e in estimates],
            band,
            strict=True,
        ):
            facts = {"truth": tables[name].truths[outcome].att, "lower at once": lower, "upper at once": upper}
            rows.append({"part": part, "name": name, "outcome": outcome} | ends(e) | facts)
    for outcome in ("units_30d", "revenue_30d"):
        rows += compared(outcome, {name: fits[name][outcome] for name in RECOMMENDATIONS})
    return pd.DataFrame(rows).assign(seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    cells = {(FIRST_SEED + s,): partial(cell, FIRST_SEED + s) for s in range(N_MARKETS)}
    found = add_results(cells, RESULTS, ["seed"], n_jobs=parser.parse_args().n_jobs, n_rows=N_ROWS)
    found["one"] = found["truth"].between(found["lower"], found["upper"])
    found["all"] = found["truth"].between(found["lower at once"], found["upper at once"])
    nine = found[found["part"] == "nine effects"].groupby("seed")[["one", "all"]].all()
    print("all nine covered, one by one and at once:", *nine.mean())
    error = (found["value"] - found["truth"]).rename("error")
    print(
        found.assign(error=error).groupby(["part", "name", "outcome"])[["error", "one"]].agg(["mean", "sem"]).round(3)
    )


if __name__ == "__main__":
    from tests.benchmarks import (
        recommendations,
    )  # under its name: other processes cannot find what is cached in a script

    recommendations.main()
