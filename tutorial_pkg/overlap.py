"""What a table without overlap can still answer: the effect of the rows that can be compared, and who the others are."""

from dataclasses import replace

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg.display import Table, show
from tutorial_pkg.effects import estimate_ate
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import CLIPPING, clipped


def estimate_trimmed(nuisances: Nuisances, clipping: float = CLIPPING) -> Estimate:
    """Average treatment effect of the rows that have others to be compared with; the method says how many are left out.

    E[Y1 - Y0 | comparable rows], by the score of the ATE, with the rows kept by :func:`comparable`. The choice looks at
    propensities alone, and is taken as given by the error. Another question than that of the ATE: :func:`left_out` says
    whom it is not about.

    References
    ----------
    Crump, Hotz, Imbens and Mitnik (2009); for the score see :func:`tutorial_pkg.effects.estimate_ate`.
    """
    m = nuisances.propensity.mean(axis=1)
    kept = comparable(m, clipping)
    found = estimate_ate(nuisances, clipping, weights=kept.astype(float))
    method = f"DML (IRM), {1 - kept.mean():.1%} of the rows left out, propensities {m[kept].min():.3f} to {m[kept].max():.3f}"
    return replace(found, estimand="trimmed ATE", method=method)


def comparable(propensity: NDArray[np.float64], clipping: float = CLIPPING) -> NDArray[np.bool_]:
    """The rows whose average effect can be told best, (n_rows,): those not too near a propensity of 0 or 1.

    The k rows with the smallest v = 1 / (m (1-m)) that minimise sum(v) / k^2, the variance of their average effect by
    the semiparametric bound if outcomes vary alike everywhere; all rows where overlap is good. m is clipped first.

    References
    ----------
    Crump, Hotz, Imbens and Mitnik (2009), Dealing with limited overlap in estimation of average treatment effects.
    """
    m = clipped(propensity, clipping)
    v = 1 / (m * (1 - m))
    ordered = np.sort(v)
    best = np.argmin(np.cumsum(ordered) / np.arange(1, len(v) + 1) ** 2)
    return v <= ordered[best]


def left_out(nuisances: Nuisances, clipping: float = CLIPPING) -> Table:
    """Whom :func:`estimate_trimmed` is not about: the rows it keeps and leaves out, by covariate.

    Returns
    -------
    Table
        A row a covariate: means of the rows kept and left out, and their difference in standard deviations of all
        rows, largest first. Empty when no row is left out.
    """
    kept = comparable(nuisances.propensity.mean(axis=1), clipping)
    x = pd.DataFrame(nuisances.data.x, columns=nuisances.data.x_names)
    table = pd.DataFrame({"kept": x[kept].mean(), "left out": x[~kept].mean()})
    table["difference"] = ((table["left out"] - table["kept"]) / x.std()).where(x.std() > 0, 0.0)
    table = table.sort_values("difference", key=np.abs, ascending=False)
    return show(table[:0] if kept.all() else table)
