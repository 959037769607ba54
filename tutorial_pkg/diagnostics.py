"""Can the estimate be trusted? Overlap, balance, placebo, permutation, stability, learners, single rows.

Each function returns a :class:`tutorial_pkg.check.Check`. A check that passes does not prove that all confounders were recorded;
for that see :mod:`tutorial_pkg.sensitivity`.
"""

from collections.abc import Callable
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.special import logit

from tutorial_pkg import plots
from tutorial_pkg.check import Check
from tutorial_pkg.choosing import is_binary
from tutorial_pkg.crossfitting import cross_fit
from tutorial_pkg.data import CausalData
from tutorial_pkg.effects import estimate_ate
from tutorial_pkg.estimate import Estimate, from_influence, robust_errors
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import CLIPPING, check_clipping, clipped, effective_share, inverse_weights, share_clipped

CONTAINED = 0.95
"""Share of a placebo outcome that covariates may explain before the placebo says nothing."""


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


def placebo(nuisances: Nuisances, outcome: str) -> Check:
    """Is there an effect where there can be none? The ATE on an outcome measured before the decision.

    The propensities are reused; only outcome models are fitted. Fails when the 95% interval excludes zero.
    Refuses an outcome of which the covariates explain more than 95%: adjusting for them adjusts the placebo to
    nothing, whatever was left out, and the check could not fail.
    """
    fitted = cross_fit(nuisances.data.with_outcome(outcome), reuse=nuisances, progress=False)
    explained = fitted.losses["share explained"].drop("propensity").astype(float).max()
    if explained > CONTAINED:
        raise ValueError(
            f"The covariates contain {outcome!r} ({explained:.0%} of it is explained), so it would show no effect "
            "whatever is hidden; take the covariates of its window out, or a placebo from outside their windows."
        )
    return _should_be_zero("placebo", estimate_ate(fitted), f"on {outcome}, which the decision cannot have changed,")


def placebo_treatment(nuisances: Nuisances, treatment: str) -> Check:
    """Has a decision an effect that can have none, such as one made after the outcome? Everything is fitted again.

    A negative-control exposure: chosen for the same reasons as the treatment, it cannot have changed the outcome.
    The treatment is one of its covariates, because it has an effect. Fails when the 95% interval excludes zero.

    References
    ----------
    Lipsitch, Tchetgen Tchetgen and Cohen (2010), Negative controls.
    """
    data = nuisances.data
    if treatment not in data.frame.columns or treatment in (data.treatment, data.outcome, *data.covariates):
        raise ValueError(f"{treatment!r} is no further column of the frame; name a decision made after the outcome.")
    frame = data.frame.assign(**{data.treatment: data.d})
    other = replace(data, frame=frame, treatment=treatment, covariates=(*data.covariates, data.treatment), treated=None)
    fitted = _fitted_again(nuisances, other)
    return _should_be_zero("placebo treatment", estimate_ate(fitted), f"of {treatment}, which cannot have one,")


def permuted(nuisances: Nuisances, seed: int = 0) -> Check:
    """Is there an effect of a decision that nobody made? Decisions shuffled among the rows, everything fitted again.

    Fails when the 95% interval excludes zero, which by chance it does in 5% of the shuffles.
    """
    data = nuisances.data
    frame = data.frame.assign(**{data.treatment: np.random.default_rng(seed).permutation(data.d)})
    fitted = _fitted_again(nuisances, replace(data, frame=frame, treated=None))
    return _should_be_zero("permuted treatment", estimate_ate(fitted), "with decisions shuffled among the rows")


def score_moments(nuisances: Nuisances, clipping: float = CLIPPING) -> Check:
    """Do the nuisances keep the promises of the score? Means that are zero if they do, out of fold, with their errors.

    The score of the ATE does not feel small errors of m or g because its derivatives in their direction have mean zero.
    These derivatives are means over rows, so they can be looked at: in the direction of a constant and of g itself
    (where weighting should leave nothing), in that of m (1 - m), the odds; and the slopes of decision and outcomes on
    what was predicted for them, which are one where predictions are calibrated. Fails when one is more than four
    standard errors away.

    References
    ----------
    Chernozhukov et al. (2018), definition 2.1 (orthogonality); slopes: Cox (1958).
    """
    data, (y, d) = nuisances.data, (nuisances.data.y, nuisances.data.d)
    m = clipped(nuisances.propensity.mean(axis=1), clipping)
    g0, g1 = nuisances.outcome_control.mean(axis=1), nuisances.outcome_treated.mean(axis=1)
    one, other = 1 - d / m, 1 - (1 - d) / (1 - m)
    means = {
        "weights of the treated": one,
        "weights of the untreated": other,
        "outcome model of the treated": one * (g1 - g1.mean()),
        "outcome model of the untreated": other * (g0 - g0.mean()),
        "odds": d * (y - g1) * (1 - m) / m + (1 - d) * (y - g0) * m / (1 - m),
    }
    rows = {name: _mean_and_error(values, data) for name, values in means.items()}
    rows["slope of the decision on its log-odds, less 1"] = _slope(logit(m), d, np.full(len(d), True), data)
    for name, g, arm in (("untreated", g0, d == 0), ("treated", g1, d == 1)):
        if np.ptp(g[arm]) > 0:
            rows[f"slope of the {name} on their prediction, less 1"] = _slope(g, y, arm, data)
    table = pd.DataFrame(rows, index=["value", "std_error"]).T
    table["z"] = table["value"] / table["std_error"]
    worst = table["z"].abs().idxmax()
    sentence = f"of {len(table)} means that should be zero the furthest is {worst}, {table.loc[worst, 'z']:+.1f} standard errors."
    return Check("score's moments", abs(table.loc[worst, "z"]) <= 4, sentence, table, measures=dict(table["z"]))


def stability(nuisances: Nuisances, estimate: Callable[[Nuisances], Estimate] = estimate_ate) -> Check:
    """Does the answer depend on how the rows were split? Needs ``cross_fit(..., n_repeats=5)`` or so.

    Fails when the estimates' standard deviation over splits exceeds half a standard error.
    """
    combined = estimate(nuisances)
    if len(combined.splits) < 2:
        raise ValueError("stability compares sample splits, and there is one; use cross_fit(..., n_repeats=5).")
    table = Estimates(combined.splits).tidy()
    spread = float(table["value"].std())
    sentence = (
        f"over {len(table)} splits the {combined.estimand} runs from {table['value'].min():.3g} to {table['value'].max():.3g}; "
        f"its standard deviation is {spread / combined.std_error:.0%} of a standard error."
    )
    draw = partial(plots.plot_estimates, {f"split {i + 1}": s for i, s in enumerate(combined.splits)}, None)
    measures = {"spread / std. error": spread / combined.std_error}
    return Check("stability over splits", spread <= 0.5 * combined.std_error, sentence, table, draw, measures)


def nuisance_quality(nuisances: Nuisances) -> Check:
    """Do the learners know more than a constant? Out-of-fold losses against those of a constant.

    Fails when an outcome model is worse than a constant. A propensity model that is no better is what a
    randomised treatment looks like. An arm whose outcome never varies has nothing to explain and is left out.
    """
    losses = nuisances.losses
    explained = losses["share explained"].astype(float)
    y, d = nuisances.data.y, nuisances.data.d
    arms = {"outcome_control": d == 0, "outcome_treated": d == 1}
    still = [name for name, arm in arms.items() if np.ptp(y[arm]) == 0]
    outcome_models = explained.drop(["propensity", *still])
    sentence = (
        f"the outcome models explain {outcome_models.min():.0%} to {outcome_models.max():.0%} of the variance, the propensity "
        f"model {explained['propensity']:.0%} of the log loss of a constant"
        + "".join(f"; {name} has a constant outcome" for name in still)
        + "."
    )
    measures = {"least explained": outcome_models.min(), "propensity explained": explained["propensity"]}
    return Check("learners against a constant", (outcome_models > 0).all(), sentence, losses, measures=measures)


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


def all_checks(nuisances: Nuisances, placebo_outcome: str | None = None) -> list[Check]:
    """The checks that cost nothing, and the placebo where an outcome for it is named."""
    checks = [overlap(nuisances), balance(nuisances), nuisance_quality(nuisances), leverage(nuisances)]
    if nuisances.n_repeats > 1:
        checks.append(stability(nuisances))
    if placebo_outcome is not None:
        checks.append(placebo(nuisances, placebo_outcome))
    return checks


def _fitted_again(nuisances: Nuisances, data: CausalData) -> Nuisances:
    """Other data with the same learners and as many folds."""
    if nuisances.learners is None:
        raise ValueError(
            "These nuisances were given, not fitted, or come from a file, which keeps no learners, so nothing can be "
            "fitted again; use cross_fit, or dataclasses.replace(nuisances, learners=...)."
        )
    return cross_fit(data, nuisances.learners, len(nuisances.folds[0]), progress=False)


def _mean_and_error(values: NDArray, data: CausalData) -> tuple[float, float]:
    found = from_influence(values.mean(), values - values.mean(), data, estimand="", method="")
    return found.value, found.std_error


def _slope(predicted: NDArray, seen: NDArray, rows: NDArray, data: CausalData) -> tuple[float, float]:
    """Slope less one of what was seen on what was predicted, and its error; logistic where 0 and 1 were seen."""
    family = sm.families.Binomial() if is_binary(seen[rows]) else sm.families.Gaussian()
    errors = robust_errors(data)
    if data.clusters is not None:
        errors["cov_kwds"] = {"groups": data.clusters[rows]}
    fit = sm.GLM(seen[rows], sm.add_constant(predicted[rows]), family).fit(**errors)
    return fit.params[1] - 1, fit.bse[1]


def _mean_gap(column: NDArray, d: NDArray, weights: NDArray) -> float:
    known = np.isfinite(column)
    column, d, weights = column[known].astype(float), d[known], weights[known]
    spread = np.sqrt((column[d == 1].var() + column[d == 0].var()) / 2)
    gap = np.average(column[d == 1], weights=weights[d == 1]) - np.average(column[d == 0], weights=weights[d == 0])
    return gap / spread if spread > 0 else 0.0


def _should_be_zero(name: str, ate: Estimate, what: str) -> Check:
    lower, upper = ate.conf_int()
    found = "no effect is found" if lower <= 0 <= upper else "an effect is found"
    sentence = f"{what} {found}: {ate.value:.3g}, 95% interval {lower:.3g} to {upper:.3g}."
    draw = partial(plots.plot_estimates, {name: ate}, 0.0)
    return Check(name, ate.covers(0.0), sentence, ate.tidy(), draw, {"z": ate.value / ate.std_error})
