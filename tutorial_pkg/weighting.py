"""Weights made from propensities, and the clipping that keeps them finite."""

from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tutorial_pkg.data import CausalData

Estimand = Literal["ATE", "ATT", "ATC"]
USED_MODELS = {
    "ATE": ("outcome_control", "outcome_treated"),
    "ATT": ("outcome_control",),
    "ATC": ("outcome_treated",),
}
"""The outcome models that each estimand's score uses."""

CLIPPING = 0.01
"""Propensities are moved into [0.01, 0.99] unless another threshold is asked for."""


def check_clipping(clipping: float) -> None:
    """Refuse a threshold that would move no propensity, or all of them."""
    if not 0 < clipping < 0.5:
        raise ValueError(f"clipping={clipping!r} is not between 0 and 0.5; {CLIPPING} is the usual choice.")


def clipped(propensity: NDArray[np.float64], clipping: float = CLIPPING) -> NDArray[np.float64]:
    """Propensities moved into [clipping, 1 - clipping]."""
    check_clipping(clipping)
    return np.clip(propensity, clipping, 1 - clipping)


def checked_propensity(given: ArrayLike, n_rows: int) -> NDArray[np.float64]:
    """Propensities from elsewhere as numbers, (n_rows,), refused when they are not one between 0 and 1 a row."""
    m = np.asarray(given, dtype=float)
    if m.shape != (n_rows,) or not ((m >= 0) & (m <= 1)).all():
        raise ValueError(f"propensity needs one value between 0 and 1 for each of the {n_rows:,} rows.")
    return m


def share_clipped(propensity: NDArray[np.float64], clipping: float = CLIPPING) -> float:
    """Share of the rows whose propensity :func:`clipped` moves."""
    return float(np.mean((propensity < clipping) | (propensity > 1 - clipping)))


def counted(d: NDArray[np.int8], estimand: str) -> NDArray[np.float64]:
    """Whom an average is about, (n_rows,): 1 for everyone (ATE), for the treated (ATT) or for the untreated (ATC), else 0."""
    return {"ATE": np.ones(len(d)), "ATT": d.astype(float), "ATC": 1.0 - d}[estimand]


def inverse_weights(
    d: NDArray[np.int8],
    propensity: NDArray[np.float64],
    clipping: float = CLIPPING,
    estimand: Estimand = "ATE",
) -> NDArray[np.float64]:
    """1/m of the treated and 1/(1-m) of the untreated, with m clipped, (n_rows,).

    Both arms then look like all rows. So that they look like the treated (ATT) these weights are multiplied by m, so that
    they look like the untreated (ATC) by 1 - m; one arm then counts as it is.
    """
    m = clipped(propensity, clipping)
    tilt = {"ATE": 1.0, "ATT": m, "ATC": 1 - m}[estimand]
    return np.where(d == 1, 1 / m, 1 / (1 - m)) * tilt


def weight_added(
    d: NDArray[np.int8], propensity: NDArray[np.float64], clipping: float = CLIPPING, estimand: Estimand = "ATT"
) -> float:
    """Share of the other arm's weight in an average over one arm (ATT, ATC) that comes from clipping alone; 0 for the ATE.

    Where 1% are treated, most of the untreated have propensities below 0.01. Moved there they are worth a hundredth of
    a row each, and together they can outweigh those few who resemble the treated.
    """
    if estimand == "ATE":
        return 0.0
    m = propensity[d == 0] if estimand == "ATT" else 1 - propensity[d == 1]
    moved, low = clipped(m, clipping), m < clipping
    weights = moved / (1 - moved)
    return float(np.sum(weights[low] - m[low] / (1 - m[low])) / weights.sum())


def usual_clipping(d: NDArray[np.int8], propensity: NDArray[np.float64], estimand: Estimand = "ATE") -> float:
    """0.01, or the next power of ten at which clipping adds at most 1% to the weight of any arm."""
    clipping = CLIPPING
    while clipping > 1e-6 and weight_added(d, propensity, clipping, estimand) > 0.01:
        clipping /= 10
    return clipping


def effective_share(weights: NDArray[np.float64]) -> float:
    """Effective sample size (sum w)^2 / sum w^2 of weighted rows, as a share of their number (Kish, 1965)."""
    return float(weights.sum() ** 2 / (weights**2).sum() / len(weights))


def row_weights(data: CausalData, weights: "str | ArrayLike | None") -> NDArray[np.float64] | None:
    """What each row shall count for, (n_rows,), from a column's name or one number a row, checked."""
    if weights is None:
        return None
    if isinstance(weights, str) and weights not in data.frame.columns:
        raise ValueError(f"weights={weights!r} is not a column of the frame; check its spelling.")
    values = np.asarray(data.frame[weights] if isinstance(weights, str) else weights)
    name = repr(weights) if isinstance(weights, str) else "weights"
    if values.shape != (data.n_rows,) or values.dtype.kind not in "biuf" or not np.isfinite(values).all():
        raise ValueError(f"{name} needs one finite number for each of the {data.n_rows:,} rows.")
    data.check_index(weights, "weights")
    if (values < 0).any() or any(not values[data.d == arm].any() for arm in (0, 1)):
        raise ValueError(f"{name} needs numbers from 0 on, and in each arm some row above 0.")
    return values.astype(float)
