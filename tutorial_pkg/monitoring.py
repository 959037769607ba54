"""An effect watched over time: each period is fitted once and kept as sums; is it above zero, and has it changed?

A period's rows are fitted by :func:`tutorial_pkg.crossfitting.cross_fit` when they arrive. What is kept of them are the
estimate and, for each cluster (each seller), the sum of its influence values: enough for every later answer, and small.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg.check import Check, chance_of_largest, graded
from tutorial_pkg.data import CausalData
from tutorial_pkg.estimate import Estimate, check_level, cluster_sums
from tutorial_pkg.plots.style import COLOURS, new_axes
from tutorial_pkg.storage import write_results
from tutorial_pkg.weighting import USED_MODELS, counted

if TYPE_CHECKING:
    from matplotlib.axes import Axes

ALLOWANCE, LIMIT = 0.5, 5.6
"""Of the CUSUM, in standard errors: what it forgives each period, and where it raises the alarm. Without change it does so
in about 5% of years of 52 periods."""


@dataclass(frozen=True, eq=False)
class History:
    """The periods so far.

    ``sums`` has a row for each period and cluster: ``period``, ``cluster`` (its name; rows without a cluster count for
    themselves), and ``share``, what the cluster adds to the period's estimate beyond its value: the influence values of its
    rows over the number of rows. ``periods`` has a row a period: value, std_error and weight, the number of rows
    (of the treated for an ATT, of the untreated for an ATC).
    """

    periods: pd.DataFrame = field(default_factory=lambda: pd.DataFrame(columns=["value", "std_error", "weight"]))
    sums: pd.DataFrame = field(repr=False, default_factory=lambda: pd.DataFrame(columns=["period", "cluster", "share"]))

    def add(self, period: object, estimate: Estimate, data: CausalData, n_rows: int | None = None) -> "History":
        """The history with one more period, estimated on ``data``; the past is not fitted again.

        Parameters
        ----------
        n_rows : int, optional
            Over how many rows the estimate averages, by which periods are weighed; by default all, or those of the arm that
            an ATT or ATC is about. For a group's effect it has to be said.

        Raises
        ------
        ValueError
            When the period is there already, the estimate has no influence values of these rows, or is a group's and
            ``n_rows`` is missing.
        """
        if period in self.periods.index:
            raise ValueError(f"Period {period!r} is in the history already; give every period its own name.")
        if estimate.influence is None or len(estimate.influence) != data.n_rows:
            raise ValueError(f"The estimate is not of these {data.n_rows:,} rows, or gives no influence values.")
        rows = pd.Series(range(data.n_rows)).map(lambda i: f"{period}:{i}")
        names = rows if data.cluster is None else data.frame[data.cluster].astype(str)
        shares = pd.Series(estimate.influence / data.n_rows).groupby(names.to_numpy()).sum()
        new = pd.DataFrame({"period": period, "cluster": shares.index, "share": shares.to_numpy()})
        whom = estimate.estimand.split(" ")[0]
        if n_rows is None:
            if whom.startswith("G"):
                raise ValueError(f"A {whom} does not tell how many rows its group has; pass n_rows.")
            n_rows = int(counted(data.d, whom).sum()) if whom in USED_MODELS else data.n_rows
        facts = {"value": estimate.value, "std_error": estimate.std_error, "weight": float(n_rows)}
        fact = pd.DataFrame(facts, [period])
        fact.index.name = "period"
        old = [] if self.periods.empty else [(self.periods, self.sums)]
        return History(
            pd.concat([*(p for p, _ in old), fact]), pd.concat([*(s for _, s in old), new], ignore_index=True)
        )

    def save(self, path: "str | Path") -> None:
        """Write the history to one Parquet file, which :func:`load_history` reads."""
        write_results(self.sums.merge(self.periods.reset_index(), on="period"), path)

    def running(self) -> pd.DataFrame:
        """The average effect of all periods up to each: value, std_error (clustered over periods) and weight.

        The average weighs periods by their rows. A cluster that comes back is one cluster: its shares add up.
        """
        shares, weights = self._matrix()
        values, total = self.periods["value"].to_numpy(dtype=float), np.cumsum(weights)
        value = np.cumsum(weights * values) / total
        error = np.sqrt(np.sum((np.cumsum(weights * shares, axis=1) / total) ** 2, axis=0))
        return pd.DataFrame({"value": value, "std_error": error, "weight": total}, self.periods.index)

    def above_zero(self, level: float = 0.95, best_at: float | None = None) -> pd.DataFrame:
        """Is the average effect so far above zero? Intervals that hold at all periods at once: value, lower, upper.

        An asymptotic confidence sequence: however often one looks, and whenever one stops, the average effect lies
        within all of the intervals with probability ``level``. The price is their width, about 1.6 times that of an interval
        for one look where they are narrowest.

        Parameters
        ----------
        best_at : float, optional
            The number of rows at which the intervals shall be narrowest against those of a single look; by default four
            times that of the first period. It must not depend on what was seen, nor change from one look to the next.

        References
        ----------
        Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas (2024), Time-uniform central limit theory and asymptotic confidence
        sequences, theorem 2.2 and its appendix on the choice of rho.
        """
        check_level(level)
        found, alpha = self.running(), 1 - level
        t = found["weight"].to_numpy()
        rho2 = _rho2(alpha, best_at or 4 * float(t[0]))
        # half-width of the paper: sd sqrt(2 (t rho^2 + 1) / (t^2 rho^2) log(sqrt(t rho^2 + 1) / alpha)), sd = se sqrt(t)
        half = found["std_error"] * np.sqrt(2 * (t * rho2 + 1) / (t * rho2) * np.log(np.sqrt(t * rho2 + 1) / alpha))
        return found.assign(lower=found["value"] - half, upper=found["value"] + half)[["value", "lower", "upper"]]

    def changed(self, allowance: float = ALLOWANCE, limit: float = LIMIT) -> pd.DataFrame:
        """Has the effect changed? A two-sided CUSUM of standardised recursive residuals, a row a period from the second on.

        The residual of a period is its effect less the average of the periods before, over the standard error of that
        difference, in which a cluster that comes back is compared with itself. ``up`` and ``down`` add residuals beyond
        the allowance, and begin again at zero; ``alarm`` is whether one of them has passed the limit in this period.

        References
        ----------
        Page (1954), Continuous inspection schemes; Brown, Durbin and Evans (1975) for recursive residuals.
        """
        if len(self.periods) < 2:
            raise ValueError("There is one period only; a change needs at least two.")
        shares, weights = self._matrix()
        values, before = self.periods["value"].to_numpy(dtype=float), self.running()["value"].to_numpy()
        past = np.cumsum(weights * shares, axis=1) / np.cumsum(weights)
        error = np.sqrt(np.sum((shares[:, 1:] - past[:, :-1]) ** 2, axis=0))
        residual = (values[1:] - before[:-1]) / error
        up, down, rows = 0.0, 0.0, []
        for r in residual:
            up, down = max(0.0, up + r - allowance), max(0.0, down - r - allowance)
            rows.append((r, up, down, max(up, down) > limit))
        return pd.DataFrame(rows, self.periods.index[1:], columns=["residual", "up", "down", "alarm"])

    def _matrix(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Shares, a row a cluster and a column a period, and the periods' weights."""
        if self.periods.empty:
            raise ValueError("The history is empty; add a period first.")
        wide = self.sums.pivot_table("share", "cluster", "period", aggfunc="sum", fill_value=0.0, observed=True)
        return wide[self.periods.index].to_numpy(dtype=float), self.periods["weight"].to_numpy(dtype=float)


def load_history(path: "str | Path") -> History:
    """The history that :meth:`History.save` wrote."""
    try:
        rows = pd.read_parquet(path)
        facts = rows.groupby("period", sort=False)[["value", "std_error", "weight"]].first()
    except (OSError, KeyError, ValueError) as error:
        raise ValueError(f"{path} holds no history; write one with History.save.") from error
    return History(facts, rows[["period", "cluster", "share"]])


def drift(reference: CausalData, now: CausalData) -> Check:
    """Have those whom the recommendation reaches changed? Covariate means of a period against those of a reference.

    ``chance of the largest`` is the probability that the clearest of so many differences arises without any change
    (Bonferroni); differences are in standard deviations of the reference, with errors clustered where the data name a cluster.
    """
    if reference.x_names != now.x_names:
        other = sorted(set(reference.x_names) ^ set(now.x_names))
        raise ValueError(f"The two periods have other columns or levels: {other[0]!r} is in one of them only.")
    rows = {}
    for j, name in enumerate(reference.x_names):
        old, new = (_mean(data, data.x[:, j].astype(float)) for data in (reference, now))
        spread = float(np.nanstd(reference.x[:, j].astype(float))) or 1.0
        gap = new[0] - old[0]
        rows[name] = (gap / spread, gap / max(np.hypot(old[1], new[1]), 1e-12))
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["difference, sd", "z"])
    table = table.reindex(table["z"].abs().sort_values(ascending=False).index)
    first = table.iloc[0]
    sentence = (
        f"of {len(table)} differences between the periods the clearest is that of {table.index[0]}, "
        f"{first['difference, sd']:+.2f} standard deviations, {abs(first['z']):.1f} standard errors."
    )
    measures = {"chance of the largest": chance_of_largest(table["z"])}
    return Check("drift of covariates", graded("balance", measures), sentence, table, measures=measures)


def plot_history(found: pd.DataFrame, ax: "Axes | None" = None, *, label: str = "average effect so far") -> "Axes":
    """A line with its band over the periods: columns value, lower, upper; zero dashed."""
    ax = new_axes(ax)
    places = range(len(found))
    ax.fill_between(places, found["lower"], found["upper"], color=COLOURS["dml"], alpha=0.2, lw=0)
    ax.plot(places, found["value"], color=COLOURS["dml"], marker="o", ms=3)
    ax.axhline(0, color=COLOURS["truth"], ls="--", lw=1)
    step = max(1, len(found) // 8)
    ax.set_xticks(list(places)[::step], [str(name) for name in found.index[::step]])
    ax.set_xlabel(found.index.name or "period")
    ax.set_ylabel(label)
    return ax


def _rho2(alpha: float, t: float) -> float:
    """The rho squared that makes the sequence narrowest at t, to first order."""
    return (-2 * np.log(alpha) + np.log(-2 * np.log(alpha) + 1)) / t


def _mean(data: CausalData, column: NDArray[np.float64]) -> tuple[float, float]:
    """Mean of a column where it is known, and its standard error, clustered."""
    known = np.isfinite(column)
    mean = float(column[known].mean()) if known.any() else 0.0
    off = np.where(known, column - mean, 0.0)
    return mean, float(np.sqrt(np.sum(cluster_sums(off, data.clusters) ** 2)) / max(known.sum(), 1))
