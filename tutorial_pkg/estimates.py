"""Several estimates that belong together: one table, beside their truths, with intervals that hold for all at once."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import combinations

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2

from tutorial_pkg.data import CausalData
from tutorial_pkg.display import Table, show_estimates
from tutorial_pkg.estimate import Estimate, cautions, check_level, cluster_sums, clusters_of


class Estimates:
    """Several estimates that belong together, such as one a group; iterable, and indexed by name.

    Parameters
    ----------
    estimates : iterable of Estimate, or mapping of name to Estimate
        The names of a mapping become the labels.
    """

    def __init__(self, estimates: Iterable[Estimate] | Mapping[str, Estimate]) -> None:
        if isinstance(estimates, Mapping):
            estimates = [replace(e, label=str(name)) for name, e in estimates.items()]
        self._all = tuple(estimates)
        if not self._all:
            raise ValueError("There is no estimate to show; pass at least one.")

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, key: int | str) -> Estimate:
        if isinstance(key, int | np.integer):
            return self._all[key]
        for estimate in self._all:
            if key in (estimate.label, estimate.method):
                return estimate
        raise KeyError(f"{key!r}; there are: {', '.join(self.names)}")

    @property
    def names(self) -> list[str]:
        """The name of each estimate."""
        return [e.name for e in self._all]

    @property
    def values(self) -> pd.Series:
        """The estimated value of each name, as a Series."""
        return pd.Series([e.value for e in self._all], index=self.names, name="value")

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """A row an estimate: label, outcome, estimand, method, value, std_error, lower, upper, n_rows, caution."""
        return pd.concat([e.tidy(level) for e in self._all], ignore_index=True)

    def compare(self, truth: "float | Mapping[str, float] | pd.Series", level: float = 0.95) -> Table:
        """The estimates beside their truth, a row each: error, and whether the interval covers.

        Parameters
        ----------
        truth : float, mapping or Series
            One truth for all, or one for each name.

        Returns
        -------
        Table
            ``value``, ``lower``, ``upper``, ``truth``, ``error`` and ``covers``, in front of them what else
            differs between the estimates: outcome, estimand or number of rows.
        """
        table = self.tidy(level).set_axis(self.names)
        facts = {name: table[name] for name in ("outcome", "estimand", "n_rows")}
        kept = [name for name, fact in facts.items() if fact.nunique() > 1 and list(fact) != self.names]
        table["truth"] = truth_of_each(self.names, truth)
        table["error"] = table["value"] - table["truth"]
        table["covers"] = table["truth"].between(table["lower"], table["upper"])
        columns = [*kept, "value", "lower", "upper", "truth", "error", "covers"]
        return show_estimates(table[columns], table["std_error"], level)

    def simultaneous(self, level: float = 0.95, n_draws: int = 20_000, seed: int = 0) -> pd.DataFrame:
        """Intervals that cover all their targets at once with the stated probability: columns value, lower, upper.

        The largest standardised error of a normal draw with the estimates' correlation gives the critical value
        (sup-t band). Correlations come from the influence values, within clusters where there are any.

        References
        ----------
        Montiel Olea and Plagborg-Moller (2019), Simultaneous confidence bands; for groups, Semenova and
        Chernozhukov (2021).
        """
        check_level(level)
        covariance = self._covariance()
        errors = np.sqrt(np.diag(covariance))
        draws = np.random.default_rng(seed).multivariate_normal(np.zeros(len(errors)), covariance, n_draws)
        half = np.quantile(np.max(np.abs(draws) / errors, axis=1), level) * errors
        values = self.values
        return pd.DataFrame({"value": values, "lower": values - half, "upper": values + half})

    def pairs(self) -> "Estimates":
        """The difference of every two of them, the first less the second; :meth:`simultaneous` then compares them all.

        Their errors come from the influence values, as those of any difference of estimates of the same rows.
        """
        if len(self) < 2:
            raise ValueError("There is no pair to compare; this needs at least two estimates.")
        return Estimates([replace(a - b, label=f"{a.name} - {b.name}") for a, b in combinations(self._all, 2)])

    def test_equal(self) -> pd.Series:
        """Wald test that all targets are equal: statistic, degrees of freedom, p_value."""
        covariance, values = self._covariance(), self.values.to_numpy()
        contrast = np.diff(np.eye(len(values)), axis=0)  # neighbours' differences
        gaps = contrast @ values
        statistic = float(gaps @ np.linalg.solve(contrast @ covariance @ contrast.T, gaps))
        df = len(values) - 1
        return pd.Series({"statistic": statistic, "df": df, "p_value": float(chi2.sf(statistic, df))})

    def _covariance(self) -> NDArray[np.float64]:
        """Covariance of the estimates: correlation of their influence values, scaled to their standard errors."""
        if len(self) < 2:
            raise ValueError("This needs at least two estimates with influence values, such as those of estimate_gate.")
        clusters = clusters_of(self._all)
        sums = np.array([cluster_sums(e.influence, clusters) for e in self._all if e.influence is not None])
        product = sums @ sums.T
        scale = np.array([e.std_error for e in self._all]) / np.sqrt(np.diag(product))
        return np.asarray(product * np.outer(scale, scale), dtype=float)

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._all))

    def _repr_html_(self) -> str:
        table = self.tidy()
        return show_estimates(table, table["std_error"])._repr_html_() + cautions(self._all)


def join_tables(tables: Iterable[tuple[Iterable[Estimate], CausalData]]) -> Estimates:
    """Estimates from several tables as one set: values and errors stay, and errors of the same sellers go together.

    Afterwards :meth:`Estimates.simultaneous`, :meth:`Estimates.pairs` and differences work over all of them. Clusters
    are known by their value in the cluster's column: the same value is the same cluster in every table. Without a
    cluster rows of different tables are taken to be independent.

    Parameters
    ----------
    tables : iterable of (estimates, data)
        Each table once, with what was estimated from it.

    Returns
    -------
    Estimates
        In the order given, with their labels; ``n_rows`` is that of all tables together. An influence value is
        stretched by the share of its table, and is zero in the rows of the others.

    Raises
    ------
    ValueError
        When an estimate is from other rows than its data, a table comes twice, or the clusters are not of one kind.
    """
    tables = [(list(found), data) for found, data in tables]
    if len({id(data.frame) for _, data in tables}) < len(tables):
        raise ValueError("A table comes twice; put all of its estimates into one pair.")
    for found, data in tables:
        for e in found:
            same = e.clusters is None or (data.clusters is not None and np.array_equal(e.clusters, data.clusters))
            if e.influence is None or e.n_rows != data.n_rows or not same:
                raise ValueError(f"{e.name} has no influence values for the rows beside it; pair it with its own data.")
    clusters, start, joined = _common_clusters([data for _, data in tables]), 0, []
    total = sum(data.n_rows for _, data in tables)
    for found, data in tables:
        joined += [_stretched(e, start, total, clusters) for e in found]
        start += data.n_rows
    return Estimates(joined)


def _common_clusters(tables: list[CausalData]) -> NDArray[np.int64] | None:
    names = sorted({str(data.cluster) for data in tables})
    if len(names) > 1:
        raise ValueError(
            f"The tables name different clusters ({', '.join(names)}); name the same one, such as the seller, in each."
        )
    if all(data.cluster is None for data in tables):
        return None
    values = [data.frame[data.cluster].astype(object) for data in tables]
    if len(kinds := sorted({pd.api.types.infer_dtype(column) for column in values})) > 1:
        raise ValueError(f"Cluster {names[0]!r} is {' in one table, '.join(kinds)} in another; make them alike.")
    return np.asarray(pd.factorize(pd.concat(values, ignore_index=True))[0])


def _stretched(e: Estimate, start: int, total: int, clusters: NDArray | None) -> Estimate:
    """The estimate as one of all tables' rows, of which its own begin at ``start``."""
    influence = np.zeros(total)
    influence[start : start + e.n_rows] = np.asarray(e.influence) * (total / e.n_rows)
    splits = tuple(_stretched(part, start, total, clusters) for part in e.splits)
    return replace(e, n_rows=total, influence=influence, clusters=clusters, splits=splits)


def truth_of_each(names: list[str], truth: "float | Mapping[str, float] | pd.Series") -> list[float]:
    """The truth of each name: one for all, or that of the label that reads like the name."""
    if not isinstance(truth, Mapping | pd.Series):
        return [float(truth)] * len(names)
    known = {str(label): float(value) for label, value in truth.items()}
    if missing := [name for name in names if name not in known]:
        raise ValueError(f"truth says nothing of {missing[0]!r}; give one number for each of: {', '.join(names)}.")
    return [known[name] for name in names]
