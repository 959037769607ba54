"""What every estimator returns: a value, its standard error and what it estimates."""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import norm

from tutorial_pkg.data import CausalData
from tutorial_pkg.display import paragraph, show_estimates
from tutorial_pkg.support import together
from tutorial_pkg.words import Words

Family = Literal["naive", "dml", "benchmark", "other"]


@dataclass(frozen=True, eq=False)
class Estimate:
    """One estimated effect, in units of the outcome.

    ``influence`` holds the estimated influence value of each row, (n_rows,): the standard error is that of
    their mean, summed within clusters first where the data have clusters. With several sample splits
    (repeats), ``influence`` is their average, and value and standard error are the median-aggregated ones
    of Chernozhukov et al. (2018, section 3.4).

    ``caution`` says where the rows do not carry the estimand, and which they do; see :mod:`tutorial_pkg.support`.

    ``family`` is the kind of estimator, by which figures colour it: "naive" compares without double machine
    learning, "dml" with it, and a "benchmark" knows the truth or an experiment.
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
    family: Family = "other"
    words: Words = field(default=Words(), repr=False)
    caution: str | None = None

    @property
    def name(self) -> str:
        """What tables and figures call it: its label, or else its method."""
        return self.label or self.method

    def conf_int(self, level: float = 0.95) -> tuple[float, float]:
        """Normal confidence interval (lower, upper)."""
        check_level(level)
        half = norm.ppf(0.5 + level / 2) * self.std_error
        return self.value - half, self.value + half

    def tidy(self, level: float = 0.95) -> pd.DataFrame:
        """One row: label, outcome, estimand, method, value, std_error, lower, upper, n_rows, caution ("" for none)."""
        facts = {name: getattr(self, name) for name in ("label", "outcome", "estimand", "method", "value", "std_error")}
        lower, upper = self.conf_int(level)
        ends = {"lower": lower, "upper": upper, "n_rows": self.n_rows, "caution": self.caution or ""}
        return pd.DataFrame([facts | ends])

    def covers(self, truth: float, level: float = 0.95) -> bool:
        """Whether the interval contains the truth."""
        lower, upper = self.conf_int(level)
        return bool(lower <= truth <= upper)

    def __sub__(self, other: "Estimate") -> "Estimate":
        """The contrast of two estimates from the same rows, its error from their influence values."""
        if not isinstance(other, Estimate):
            return NotImplemented
        clusters = clusters_of((self, other))
        if self.splits and len(self.splits) == len(other.splits):
            parts = combine_splits([a - b for a, b in zip(self.splits, other.splits, strict=True)])
        else:
            influence = self.influence - other.influence  # type: ignore[operator]
            value, error = self.value - other.value, _std_error(influence, clusters)
            parts = replace(self, value=value, std_error=error, influence=influence, clusters=clusters, splits=())
        return replace(
            parts,
            estimand=_contrast(self, other),
            method=self.method if self.method == other.method else f"{self.method} - {other.method}",
            label="",
            family=self.family if self.family == other.family else "other",
            caution=together(self.caution, other.caution),
        )

    def __repr__(self) -> str:
        lower, upper = self.conf_int()
        unit = f" {self.words.unit or self.outcome}".rstrip()
        name = f"{self.label}: " if self.label else ""
        return (
            f"{name}{self.estimand} = {self.value:.4g}{unit}, 95% interval {lower:.4g} to {upper:.4g} "
            f"(std. error {self.std_error:.3g}, {self.n_rows:,} rows; {self.method})"
            + (f"\nCaution: {self.caution}" if self.caution else "")
        )

    def _repr_html_(self) -> str:
        table = self.tidy()
        return show_estimates(table, table["std_error"])._repr_html_() + cautions([self])


def cautions(estimates: "Iterable[Estimate]") -> str:
    """Their cautions as HTML paragraphs, each once, with the name where there are several estimates."""
    estimates = list(estimates)
    names = {e.caution: f" ({e.name})" if len(estimates) > 1 else "" for e in reversed(estimates) if e.caution}
    return "".join(paragraph(f"Caution{name}", f": {text}") for text, name in reversed(names.items()))


def check_level(level: float) -> None:
    """Refuse a confidence level that is no share, such as 95 for 0.95."""
    if not 0 < level < 1:
        raise ValueError(f"level={level!r} is not between 0 and 1; a 95% interval has level=0.95.")


def from_influence(
    value: float,
    influence: NDArray[np.float64],
    data: CausalData,
    *,
    estimand: str,
    method: str,
    family: Family = "other",
    label: str = "",
) -> Estimate:
    """An estimate whose standard error is that of the mean of its influence values.

    Parameters
    ----------
    value : float
        In units of the data's outcome.
    influence : ndarray (n_rows,)
        What each row does to the estimate: value minus truth is close to their mean.
    data : CausalData
        The rows the estimate is made from; where they name a cluster, influence values are summed within it.
    estimand, method, family, label : str
        As in :class:`Estimate`.

    Raises
    ------
    ValueError
        When there is not one influence value a row.
    """
    if len(influence) != data.n_rows:
        raise ValueError(f"influence has {len(influence):,} values for {data.n_rows:,} rows; give one a row.")
    error, names = _std_error(influence, data.clusters), {"estimand": estimand, "method": method, "label": label}
    return replace(from_error(value, error, data, family=family, **names), influence=influence)


def from_error(
    value: float,
    std_error: float,
    data: CausalData,
    *,
    estimand: str,
    method: str,
    family: Family = "other",
    label: str = "",
) -> Estimate:
    """An estimate of which the standard error is known; arguments as in :func:`from_influence`."""
    about: dict[str, Any] = {"outcome": data.outcome, "clusters": data.clusters, "words": data.words}
    return Estimate(float(value), float(std_error), estimand, method, data.n_rows, label=label, family=family, **about)


def robust_errors(data: CausalData) -> dict[str, Any]:
    """How statsmodels shall compute the errors of a regression on these rows: clustered where they name a cluster."""
    if data.clusters is None:
        return {"cov_type": "HC1"}
    return {"cov_type": "cluster", "cov_kwds": {"groups": data.clusters}}


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


def clusters_of(estimates: Iterable[Estimate]) -> NDArray | None:
    """The clusters that estimates to be compared have in common; refused when they are not of the same rows."""
    estimates = list(estimates)
    if unknown := [e for e in estimates if e.influence is None]:
        raise ValueError(f"{unknown[0].method} gives no influence values, so the error of a difference is unknown.")
    sizes = sorted({e.n_rows for e in estimates})
    if len(sizes) > 1:
        raise ValueError(f"The estimates are from different rows ({sizes[-1]:,} and {sizes[0]:,}).")
    known = [e.clusters for e in estimates if e.clusters is not None]
    if any(not np.array_equal(clusters, known[0]) for clusters in known):
        raise ValueError("The estimates are from different rows: their clusters differ.")
    return known[0] if known else None


def cluster_sums(influence: NDArray[np.float64], clusters: NDArray | None) -> NDArray[np.float64]:
    """Influence values summed within clusters, whose sums are independent."""
    return influence if clusters is None else np.bincount(clusters, weights=influence).astype(float)


def _std_error(influence: NDArray[np.float64], clusters: NDArray | None) -> float:
    return float(np.sqrt(np.sum(cluster_sums(influence, clusters) ** 2)) / len(influence))


def _contrast(one: Estimate, other: Estimate) -> str:
    """What a difference estimates, in the words in which the two differ: "ATT - ATE", "GATE: toys - home"."""
    if one.estimand != other.estimand:
        return f"{one.estimand} - {other.estimand}"
    pairs = ((one.label, other.label), (one.words.outcome, other.words.outcome), (one.method, other.method))
    first, second = next(((a, b) for a, b in pairs if a and b and a != b), ("", ""))
    return f"{one.estimand}: {first} - {second}" if first else f"{one.estimand} - {other.estimand}"
