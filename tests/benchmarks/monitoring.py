"""How often do ways of watching an effect cry wolf, and how soon do they see a change? `python -m tests.benchmarks.monitoring`.

Simulated years of 52 weeks with 200 rows a week, without an effect: rows of new sellers each week, or of the same sellers,
with effects of their own; errors by row or by seller. And years in which the effect moves in week 27 by one, two or three
standard errors of a week. Results with versions and date: data/monitoring.parquet.
"""

import argparse
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from tutorial_pkg.monitoring import History
from tutorial_pkg.storage import add_results

RESULTS = Path(__file__).parents[2] / "data" / "monitoring.parquet"
N_YEARS, N_WEEKS, N_ROWS, CHANGE = 500, 52, 200, 26
SELLERS, NOISE = 0.5, 1.0  # standard deviations of the sellers' own effects, and of a row's estimate of its effect
WORLDS = ("new sellers", "same sellers")
SHIFTS = (0.0, 1.0, 2.0, 3.0)  # in standard errors of a week


def year(seed: int, world: str, shift: float = 0.0) -> History:
    """A year's weekly effects and shares; the truth is zero until the change."""
    rng = np.random.default_rng(seed)
    own = rng.normal(0, SELLERS, N_ROWS if world == "same sellers" else (N_WEEKS, N_ROWS))
    effects = own + rng.normal(0, NOISE, (N_WEEKS, N_ROWS))
    effects = effects + shift * effects.std() / np.sqrt(N_ROWS) * (np.arange(N_WEEKS)[:, None] >= CHANGE)
    values = effects.mean(axis=1)
    shares = (effects - values[:, None]) / N_ROWS
    facts = {"value": values, "std_error": np.sqrt((shares**2).sum(axis=1)), "weight": N_ROWS}
    seller = np.tile(np.arange(N_ROWS), N_WEEKS) if world == "same sellers" else np.arange(N_ROWS * N_WEEKS)
    week = np.repeat(np.arange(N_WEEKS), N_ROWS)
    sums = pd.DataFrame({"period": week, "cluster": seller.astype(str), "share": shares.ravel()})
    return History(pd.DataFrame(facts).rename_axis("period"), sums)


def by_row(history: History) -> History:
    """The same year with every row a cluster of its own."""
    rows = history.sums.assign(cluster=history.sums["period"].astype(str) + ":" + history.sums["cluster"])
    return History(history.periods, rows)


def first(alarm: pd.Series, since: int = 0) -> float:
    """Weeks from ``since`` to the first alarm, counting from one; missing without any."""
    late = alarm.index[alarm & (alarm.index >= since)]
    return float(late[0] - since + 1) if len(late) else np.nan


def cell(seed: int, world: str) -> pd.DataFrame:
    """What each way of watching does in one year without an effect, and the CUSUM in years with a change."""
    history = year(seed, world)
    rows = []
    for errors, watched in {"by seller": history, "by row": by_row(history)}.items():
        running, band = watched.running(), watched.above_zero()
        weekly = watched.periods
        outside = {
            "a week's interval": weekly["value"].abs() > 1.96 * weekly["std_error"],
            "the average so far, looked at every week": running["value"].abs() > 1.96 * running["std_error"],
            "the average, looked at once": (running["value"].abs() > 1.96 * running["std_error"]).iloc[[-1]],
            "confidence sequence": (band["lower"] > 0) | (band["upper"] < 0),
            "CUSUM of the change": watched.changed()["alarm"],
        }
        rows += [(way, errors, 0.0, first(alarm)) for way, alarm in outside.items()]
    for shift in SHIFTS[1:]:
        alarm = year(seed, world, shift).changed()["alarm"]
        rows.append(("CUSUM of the change", "by seller", shift, first(alarm, CHANGE)))
    table = pd.DataFrame(rows, columns=["way", "errors", "shift", "week"])
    return table.assign(world=world, seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    cells = {(world, seed): partial(cell, seed, world) for seed in range(N_YEARS) for world in WORLDS}
    found = add_results(cells, RESULTS, ["world", "seed"], n_jobs=parser.parse_args().n_jobs, n_rows=N_ROWS)
    table = found.assign(alarm=found["week"].notna()).groupby(["way", "errors", "world", "shift"], sort=False)
    print(table.agg(rate=("alarm", "mean"), weeks=("week", "median")).round(3).to_string())


if __name__ == "__main__":
    main()
