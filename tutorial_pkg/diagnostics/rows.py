"""Checks of rows and weights: overlap, balance, and whether single rows carry the answer."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg import plots
from tutorial_pkg.check import Check, chance_of_largest, graded
from tutorial_pkg.data import CausalData
from tutorial_pkg.effects import AVERAGES, estimate_ate
from tutorial_pkg.estimate import Estimate, cluster_sums
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import (
    CLIPPING,
    Estimand,
    check_clipping,
    effective_share,
    inverse_weights,
    share_clipped,
    weight_added,
)


def overlap(nuisances: Nuisances, clipping: float = CLIPPING, estimand: Estimand = "ATE") -> Check:
    """Are there comparable rows in both arms? Propensities by arm, share clipped, effective sample sizes.

    The effective sample size of an arm is (sum w)^2 / sum w^2 with the estimand's weights. Look when more than 1%
    of the rows are clipped or an arm is worth less than a fifth of its rows; stop at 5%, or less than a tenth. An average
    over one arm (ATT, ATC) asks something else: the share clipped is that of its own rows where clipping shortens a weight,
    or the share of the other arm's weight that clipping adds, if that is more; and the other arm, however large, need
    only be worth a fifth of the smaller arm's rows.
    ``table`` also holds the estimate over clipping thresholds, which should not move it.
    """
    check_clipping(clipping)
    m, d = nuisances.propensity.mean(axis=1), nuisances.data.d
    weights = inverse_weights(d, m, clipping, estimand)
    rows, effective = {}, {}
    least = min(d.sum(), len(d) - d.sum())
    for name, arm in (("treated", d == 1), ("untreated", d == 0)):
        effective[name] = effective_share(weights[arm]) * (1.0 if estimand == "ATE" else arm.sum() / least)
        quantiles = dict(
            zip(["min", "1%", "median", "99%", "max"], np.quantile(m[arm], [0, 0.01, 0.5, 0.99, 1]), strict=True)
        )
        rows[f"propensity of the {name}"] = quantiles | {"effective share": effective[name]}
    beyond, whose = _clipped(m, d, clipping, estimand)
    for threshold in (0.001, 0.01, 0.02, 0.05, 0.1):
        found = AVERAGES[estimand](nuisances, clipping=threshold)
        rows[f"{estimand} clipped at {threshold:g}"] = {
            "value": found.value,
            "std_error": found.std_error,
            "share clipped": _clipped(m, d, threshold, estimand)[0],
        }
    worth = min(effective.values())
    measures = {"smallest effective share": worth, "share clipped": beyond}
    others = "untreated" if estimand == "ATT" else "treated"
    leaves = (
        f"weighting leaves {effective['treated']:.0%} of the treated and {effective['untreated']:.0%} of the untreated rows."
        if estimand == "ATE"
        else f"weighting makes the {others} worth {effective[others] * least:,.0f} rows, where the smaller arm has {least:,}."
    )
    sentence = (
        f"propensities run from {m.min():.3f} to {m.max():.3f}, {beyond:.1%} of {whose} at {clipping:.2g}, and {leaves}"
    )
    return Check(
        "overlap",
        graded("overlap", measures),
        sentence,
        pd.DataFrame(rows).T,
        partial(plots.plot_arms, m, nuisances.data.arm, "propensity"),
        measures,
    )


def _clipped(m: NDArray, d: NDArray, clipping: float, estimand: Estimand) -> tuple[float, str]:
    """The share clipped, and of what."""
    if estimand == "ATE":
        return share_clipped(m, clipping), "the rows are clipped"
    name, others, beyond = ("treated", "untreated", m[d == 1] > 1 - clipping)
    if estimand == "ATC":
        name, others, beyond = ("untreated", "treated", m[d == 0] < clipping)
    added, cut = weight_added(d, m, clipping, estimand), float(beyond.mean())
    return (
        (added, f"the weight of the {others} comes from clipping") if added > cut else (cut, f"the {name} are clipped")
    )


def balance(nuisances: Nuisances, clipping: float = CLIPPING, estimand: Estimand = "ATE") -> Check:
    """Do the arms look alike after weighting by the propensity? Standardised mean differences, worst first.

    Weighted so that both look like all rows (ATE), like the treated (ATT) or like the untreated (ATC).

    Differences of means over the pooled standard deviation before weighting, for every numeric column of the covariates;
    ``table`` also has each difference after weighting over its own standard error, clustered where the data name a
    cluster. Among many columns some differ by chance, the more so the fewer rows the weights leave: look when the
    largest would by chance be exceeded in fewer than 5% of studies with so many columns (Bonferroni), stop at 0.01%.

    References
    ----------
    Austin (2011), An introduction to propensity score methods, for the usual limit, a difference of 0.1 whatever the rows.
    """
    check_clipping(clipping)
    data = nuisances.data
    weights = inverse_weights(data.d, nuisances.propensity.mean(axis=1), clipping, estimand)
    rows = [
        (*_mean_gap(column, data, np.ones_like(weights))[:1], *_mean_gap(column, data, weights)) for column in data.x.T
    ]
    table = pd.DataFrame(rows, columns=["before", "after", "z"], index=data.x_names)
    table = table.sort_values("z", key=np.abs, ascending=False)
    worst, z = table.index[0], abs(table["z"].iloc[0])
    sentence = (
        f"the largest of {len(table)} differences between the arms is {table['before'].abs().max():.2f} standard deviations "
        f"before weighting and {table['after'].abs().max():.2f} after; the clearest after is that of {worst}, "
        f"{table['after'].iloc[0]:+.3f}, {z:.1f} standard errors."
    )
    measures = {
        "largest difference": float(table["after"].abs().max()),
        "largest z": z,
        "chance of the largest": chance_of_largest(table["z"]),
    }
    return Check(
        "balance", graded("balance", measures), sentence, table, partial(plots.plot_balance, table, 0.1), measures
    )


def leverage(nuisances: Nuisances, estimate: Callable[[Nuisances], Estimate] = estimate_ate) -> Check:
    """Do single rows carry the answer? The estimate without its most influential rows.

    Each row's influence value over the number of rows is about what leaving it out changes. Look when one row
    moves the estimate by more than half a standard error, stop at a whole one. ``table``: the most influential rows,
    with their outcome and propensity.
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
    measures = {"largest shift / std. error": float(abs(shift[order[0]]) / full.std_error)}
    return Check("single rows", graded("single rows", measures), sentence, table, measures=measures)


def _mean_gap(column: NDArray, data: CausalData, weights: NDArray) -> tuple[float, float]:
    """Difference between the arms in weighted means, in standard deviations, and over its own standard error."""
    known = np.isfinite(column)
    values, d, w = column[known].astype(float), data.d[known], weights[known]
    spread = np.sqrt((values[d == 1].var() + values[d == 0].var()) / 2)
    if not spread > 0:
        return 0.0, 0.0
    arms = [np.where(d == arm, w, 0) / w[d == arm].sum() for arm in (1, 0)]
    means = [share @ values for share in arms]
    influence = arms[0] * (values - means[0]) - arms[1] * (values - means[1])
    sums = cluster_sums(influence, None if data.clusters is None else data.clusters[known])
    return (means[0] - means[1]) / spread, (means[0] - means[1]) / np.sqrt(np.sum(sums**2))
