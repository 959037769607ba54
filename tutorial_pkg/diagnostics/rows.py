"""Checks of rows and weights: overlap, balance, and whether single rows carry the answer."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg import plots
from tutorial_pkg.check import Check
from tutorial_pkg.effects import estimate_ate
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import CLIPPING, check_clipping, effective_share, inverse_weights, share_clipped


def overlap(nuisances: Nuisances, clipping: float = CLIPPING) -> Check:
    """Are there comparable rows in both arms? Propensities by arm, share clipped, effective sample sizes.

    The effective sample size of an arm is (sum w)^2 / sum w^2 with inverse-propensity weights. Fails when more
    than 1% of the rows are clipped or an arm is worth less than a fifth of its rows. ``table`` also holds the
    ATE over clipping thresholds, which should not move it.
    """
    check_clipping(clipping)
    m, d = nuisances.propensity.mean(axis=1), nuisances.data.d
    weights = inverse_weights(d, m, clipping)
    rows, effective = {}, {}
    for name, arm in (("treated", d == 1), ("untreated", d == 0)):
        effective[name] = effective_share(weights[arm])
        quantiles = dict(
            zip(["min", "1%", "median", "99%", "max"], np.quantile(m[arm], [0, 0.01, 0.5, 0.99, 1]), strict=True)
        )
        rows[f"propensity of the {name}"] = quantiles | {"effective share": effective[name]}
    for threshold in (0.001, 0.01, 0.02, 0.05, 0.1):
        ate = estimate_ate(nuisances, clipping=threshold)
        rows[f"ATE clipped at {threshold:g}"] = {
            "value": ate.value,
            "std_error": ate.std_error,
            "share clipped": share_clipped(m, threshold),
        }
    beyond = share_clipped(m, clipping)
    passed = beyond <= 0.01 and min(effective.values()) >= 0.2
    sentence = (
        f"propensities run from {m.min():.3f} to {m.max():.3f}, {beyond:.1%} of the rows are clipped at {clipping:g}, and "
        f"weighting leaves {effective['treated']:.0%} of the treated and {effective['untreated']:.0%} of the untreated rows."
    )
    return Check(
        "overlap",
        passed,
        sentence,
        pd.DataFrame(rows).T,
        partial(plots.plot_arms, m, nuisances.data.arm, "propensity"),
        {"smallest effective share": min(effective.values()), "share clipped": beyond},
    )


def balance(nuisances: Nuisances, clipping: float = CLIPPING, limit: float = 0.1) -> Check:
    """Do the arms look alike after weighting by the propensity? Standardised mean differences, worst first.

    Differences of means over the pooled standard deviation before weighting, for every numeric column of the
    covariates. Fails when one exceeds ``limit`` after weighting (Austin, 2011, uses 0.1).
    """
    check_clipping(clipping)
    x, d, names = nuisances.data.x, nuisances.data.d, nuisances.data.x_names
    weights = inverse_weights(d, nuisances.propensity.mean(axis=1), clipping)
    before, after = (np.array([_mean_gap(c, d, w) for c in x.T]) for w in (np.ones_like(weights), weights))
    table = pd.DataFrame({"before": before, "after": after}, index=names)
    table = table.sort_values("after", key=np.abs, ascending=False)
    worst, n_over = table.index[0], int((table["after"].abs() > limit).sum())
    sentence = (
        f"of {len(table)} covariates {int((table['before'].abs() > limit).sum())} differ by more than {limit:g} standard deviations "
        f"before weighting and {n_over} after; the worst after is {worst} ({table['after'].iloc[0]:+.3f})."
    )
    worth = sum(1 / (effective_share(weights[d == arm]) * (d == arm).sum()) for arm in (0, 1))
    largest = float(table["after"].abs().max())
    measures = {"largest difference": largest, "largest difference, z": largest / np.sqrt(worth)}
    return Check("balance", n_over == 0, sentence, table, partial(plots.plot_balance, table, limit), measures)


def leverage(nuisances: Nuisances, estimate: Callable[[Nuisances], Estimate] = estimate_ate) -> Check:
    """Do single rows carry the answer? The estimate without its most influential rows.

    Each row's influence value over the number of rows is about what leaving it out changes. Fails when one row
    moves the estimate by more than half a standard error. ``table``: the most influential rows, with their
    outcome and propensity.
    """
    full = estimate(nuisances)
    if full.influence is None:
        raise ValueError(f"{full.method} gives no influence values; pass an estimate of double machine learning.")
    shift = full.influence / full.n_rows
    order = np.argsort(-np.abs(shift))
    outcome = nuisances.data.outcome
    outcome = f"outcome {outcome}" if outcome in ("row", "treated", "propensity", "shift") else outcome
    table = pd.DataFrame(
        {
            "row": order,
            outcome: nuisances.data.y[order],
            "treated": nuisances.data.d[order],
            "propensity": nuisances.propensity.mean(axis=1)[order],
            "shift": shift[order],
        }
    ).head(20)
    top = order[: max(1, full.n_rows // 100)]
    share = float((shift[top] ** 2).sum() / (shift**2).sum())
    sentence = (
        f"the most influential row moves the {full.estimand} by {abs(shift[order[0]]) / full.std_error:.0%} of a standard "
        f"error, and the top 1% of the rows make up {share:.0%} of its variance."
    )
    measures = {"largest shift / std. error": abs(shift[order[0]]) / full.std_error}
    return Check("single rows", abs(shift[order[0]]) <= 0.5 * full.std_error, sentence, table, measures=measures)


def _mean_gap(column: NDArray, d: NDArray, weights: NDArray) -> float:
    known = np.isfinite(column)
    column, d, weights = column[known].astype(float), d[known], weights[known]
    spread = np.sqrt((column[d == 1].var() + column[d == 0].var()) / 2)
    gap = np.average(column[d == 1], weights=weights[d == 1]) - np.average(column[d == 0], weights=weights[d == 0])
    return gap / spread if spread > 0 else 0.0
