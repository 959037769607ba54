"""Do the rows carry the question? Who has next to nobody to be compared with, and which other question the rows do carry."""

from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

Question = Literal["ATE", "ATT", "ATC", "PLR"]

NEIGHBOURS = 5
"""A row can be compared when so many rows of the other arm are at its propensity or further on its own arm's side."""

TOLERATED = 3.0
"""Standard errors by which the answer may be off if the rows without comparison are wrong by one of the outcome's."""

MOST_ALONE = 0.5
"""Share of rows without comparison that is never tolerated, however wide the interval."""


def caution(
    d: NDArray[np.int8],
    propensity: NDArray[np.float64],
    question: Question,
    weights: NDArray[np.float64] | None = None,
    counts: NDArray[np.int64] | None = None,
) -> str | None:
    """Why these rows do not carry the question, and which they do; None where they carry it.

    A treated row has next to nobody to be compared with when fewer than five untreated rows are as likely to be
    treated, an untreated one when fewer than five treated rows are as unlikely. For such rows the effect is what the models say
    where they saw no data. With L the share of such rows in what the question averages over, the answer is wrong by L
    times what the models are wrong there, and its standard error is about the outcome's deviation over
    sqrt(sum of m (1-m)): the caution is given when L sqrt(sum of m (1-m)) exceeds 3, or L a half. It sees what the
    propensity model sees: where the model levels off at 0.9 and the truth is 0.99, rows seem to have comparisons that
    they do not have.

    Parameters
    ----------
    d, propensity : ndarray (n_rows,)
        Who was treated, and the propensities before clipping.
    question : {"ATE", "ATT", "ATC", "PLR"}
        Averages over all rows, the treated, the untreated, or all weighted by m (1-m).
    weights : ndarray (n_rows,), optional
        What each row counts for; rows of weight 0 are left out.
    counts : ndarray (n_rows,), optional
        How many rows each entry stands for, where rows of the same arm and propensity have been counted.
    """
    counts = np.ones(len(d), dtype=np.int64) if counts is None else counts
    if weights is not None:
        used = weights > 0
        d, propensity, weights, counts = d[used], propensity[used], weights[used], counts[used]
    alone = _alone(d, propensity, counts)
    parts = counts.astype(float) * (1.0 if weights is None else weights)
    lost = {q: _share(alone, d, propensity, q, parts) for q in get_args(Question)}
    tolerated = min(TOLERATED / np.sqrt(max(np.sum(counts * propensity * (1 - propensity)), 1e-12)), MOST_ALONE)
    if lost[question] <= tolerated:
        return None
    whom = {"ATE": "rows", "ATT": "treated rows", "ATC": "untreated rows", "PLR": "weight lies on rows that"}[question]
    carried = [q for q, share in lost.items() if share <= tolerated]
    instead = f"they do carry {' and '.join(carried)}" if carried else "nor do they carry another average"
    shown = f"{lost[question]:.0%}" if lost[question] >= 0.01 else f"{lost[question]:.1%}"
    return f"{shown} of the {whom} have next to nobody in the other arm to be compared with; {instead}."


def together(*cautions: str | None) -> str | None:
    """Several cautions as one, each said once; None when there is none."""
    return " ".join(dict.fromkeys(c for c in cautions if c)) or None


def _alone(d: NDArray[np.int8], m: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.bool_]:
    """The rows beyond all but four of the other arm."""
    untreated, below_untreated = _ordered(m[d == 0], counts[d == 0])
    treated, below_treated = _ordered(m[d == 1], counts[d == 1])
    as_likely = below_untreated[-1] - below_untreated[np.searchsorted(untreated, m, side="left")]
    as_unlikely = below_treated[np.searchsorted(treated, m, side="right")]
    return np.where(d == 1, as_likely, as_unlikely) < NEIGHBOURS


def _ordered(m: NDArray[np.float64], counts: NDArray[np.int64]) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Propensities in their order, and how many rows lie before each of them, and before the end."""
    order = np.argsort(m)
    return m[order], np.concatenate([[0], np.cumsum(counts[order])])


def _share(alone: NDArray[np.bool_], d: NDArray, m: NDArray, question: str, parts: NDArray[np.float64]) -> float:
    """Share of the rows alone in what a question averages over."""
    counted = parts * {"ATE": np.ones(len(d)), "ATT": d == 1, "ATC": d == 0, "PLR": m * (1 - m)}[question]
    return float(np.sum(counted * alone) / max(np.sum(counted), 1e-12))
