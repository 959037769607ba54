"""What every estimator returns: a value, its standard error and what it estimates."""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import chi2, norm


@dataclass(frozen=True, eq=False)
class Estimate:
    """One estimated effect, in units of the outcome.

    ``influence`` holds the estimated influence value of each row, (n_rows,): the standard error is that of
    their mean, summed within clusters first where the data have clusters. With several sample splits
    (repeats), ``influence`` is their average, and value and standard error are the median-aggregated ones
    of Chernozhukov et al. (2018, section 3.4).
    """

    value: float
    std_error: float
    estimand: str
    method: str
    n_rows: int
    influence: NDArray[np.float64] | None = field(default=None, repr=False)
    outcome: str = ""
    label: str = ""
    clusters: NDArray | None = field(default=None, repr=False)
    splits: "tuple[Estimate, ...]" = field(default=(), repr=False)  # one a repeat, when there are several

    def conf_int(self, level: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval (lower, upper)."""
        check_level(level)
        half = norm.ppf(0.5 + level / 2) * self.std_error
        return self.value - half, self.value + half

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """One row: estimand, method, value, std_error, lower, upper, n_rows."""
        lower, upper = self.conf_int(level)
        row = {
            "estimand": self.estimand,
            "method": self.method,
            "value": self.value,
            "std_error": self.std_error,
            "lower": lower,
            "upper": upper,
            "n_rows": self.n_rows,
        }
        return pd.DataFrame([row], index=[self.label] if self.label else None)

    def covers(self, truth: float, level: float = 0.95) -> bool:
        """Whether the interval contains the truth."""
        lower, upper = self.conf_int(level)
        return bool(lower <= truth <= upper)

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The contrast of two estimates from the same rows, its error from their influence values."""
        if not isinstance(other, Estimate):
            return NotImplemented
        if self.influence is None or other.influence is None:
            which = self if self.influence is None else other
            raise ValueError(f"{which.method} gives no influence values, so the error of a difference is unknown.")
        if self.n_rows != other.n_rows:
            raise ValueError(f"The estimates are from different rows ({self.n_rows:,} and {other.n_rows:,}).")
        if (
            self.clusters is not None
            and other.clusters is not None
            and not np.array_equal(self.clusters, other.clusters)
        ):
            raise ValueError("The estimates are from different rows: their clusters differ.")
        estimand = f"{self.estimand} - {other.estimand}"
        method = self.method if self.method == other.method else f"{self.method} - {other.method}"
        if self.splits and len(self.splits) == len(other.splits):
            return combine_splits([a - b for a, b in zip(self.splits, other.splits, strict=True)])
        influence = self.influence - other.influence
        return from_influence(
            self.value - other.value, influence, self.clusters, estimand=estimand, method=method, outcome=self.outcome
        )

    def __repr__(self) -> str:
        lower, upper = self.conf_int()
        unit = f" {self.outcome}" if self.outcome else ""
        name = f"{self.label}: " if self.label else ""
        return (
            f"{name}{self.estimand} = {self.value:.4g}{unit}, 95% interval {lower:.4g} to {upper:.4g} "
            f"(std. error {self.std_error:.3g}, {self.n_rows:,} rows; {self.method})"
        )

    def _repr_html_(self) -> str:
        return Estimates([self])._repr_html_()


class Estimates:
    """Several estimates that belong together, such as one a group; iterable and indexed by label."""

    def __init__(self, estimates: "list[Estimate] | tuple[Estimate, ...]") -> None:
        self._all = tuple(estimates)

    def __iter__(self) -> Iterator[Estimate]:
        return iter(self._all)

    def __len__(self) -> int:
        return len(self._all)

    def __getitem__(self, key: int | str) -> Estimate:
        if isinstance(key, int):
            return self._all[key]
        for estimate in self._all:
            if key in (estimate.label, estimate.method):
                return estimate
        raise KeyError(f"{key!r}; there are: {', '.join(e.label or e.method for e in self._all)}")

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """A row an estimate, in the columns of :meth:`Estimate.tidy`."""
        return pd.concat([e.tidy(level) for e in self._all], ignore_index=not all(e.label for e in self._all))

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
        values = np.array([e.value for e in self._all])
        index = [e.label or e.method for e in self._all]
        return pd.DataFrame({"value": values, "lower": values - half, "upper": values + half}, index=index)

    def test_equal(self) -> pd.Series:
        """Wald test that all targets are equal: statistic, degrees of freedom, p_value."""
        covariance, values = self._covariance(), np.array([e.value for e in self._all])
        contrast = np.diff(np.eye(len(values)), axis=0)  # neighbours' differences
        gaps = contrast @ values
        statistic = float(gaps @ np.linalg.solve(contrast @ covariance @ contrast.T, gaps))
        df = len(values) - 1
        return pd.Series({"statistic": statistic, "df": df, "p_value": float(chi2.sf(statistic, df))})

    def _covariance(self) -> NDArray[np.float64]:
        """Covariance of the estimates: correlation of their influence values, scaled to their standard errors."""
        if len(self) < 2 or any(e.influence is None for e in self._all):
            raise ValueError("This needs at least two estimates with influence values, such as those of estimate_gate.")
        clusters = self._all[0].clusters
        influence = [e.influence for e in self._all if e.influence is not None]
        sums = [i if clusters is None else np.bincount(clusters, weights=i) for i in influence]
        product = np.array(sums) @ np.array(sums).T
        scale = np.array([e.std_error for e in self._all]) / np.sqrt(np.diag(product))
        return np.asarray(product * np.outer(scale, scale), dtype=float)

    def compare(self, truth: "float | pd.Series", level: float = 0.95) -> pd.DataFrame:
        """The estimates beside their truth: error and whether the interval covers."""
        table = self.tidy(level)
        table["truth"] = truth.reindex(table.index) if isinstance(truth, pd.Series) else truth
        table["error"] = table["value"] - table["truth"]
        table["covers"] = table["truth"].between(table["lower"], table["upper"])
        return table

    def __repr__(self) -> str:
        return "\n".join(map(repr, self._all))

    def _repr_html_(self) -> str:
        return show(self.tidy()).to_html()


def show(table: pd.DataFrame, decimals: int = 2):  # type: ignore[no-untyped-def]
    """A table for reading: rounded, thousands separated, no index where it only counts."""
    styled = table.style.format(precision=decimals, thousands=",", na_rep="").set_table_attributes('class="dataframe"')
    return styled.hide(axis="index") if isinstance(table.index, pd.RangeIndex) else styled


def check_level(level: float) -> None:
    """Refuse a confidence level that is no share, such as 95 for 0.95."""
    if not 0 < level < 1:
        raise ValueError(f"level={level!r} is not between 0 and 1; a 95% interval has level=0.95.")


def from_influence(
    value: float,
    influence: NDArray[np.float64],
    clusters: NDArray | None,
    *,
    estimand: str,
    method: str,
    outcome: str = "",
    label: str = "",
) -> Estimate:
    """An estimate whose standard error is that of the mean of its influence values."""
    n_rows = len(influence)
    sums = influence if clusters is None else np.bincount(clusters, weights=influence)
    std_error = float(np.sqrt(np.sum(sums**2)) / n_rows)
    return Estimate(float(value), std_error, estimand, method, n_rows, influence, outcome, label, clusters)


def combine_splits(splits: list[Estimate]) -> Estimate:
    """Median over sample splits of the value and of the upper limit, as DoubleML aggregates repeats."""
    if len(splits) == 1:
        return splits[0]
    values = np.array([s.value for s in splits])
    errors = np.array([s.std_error for s in splits])
    value = float(np.median(values))
    std_error = float(np.median(values + 1.96 * errors) - value) / 1.96
    influence = np.mean([s.influence for s in splits if s.influence is not None], axis=0)
    return replace(splits[0], value=value, std_error=std_error, influence=influence, splits=tuple(splits))
