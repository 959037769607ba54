"""Checks of the fitted models: losses against a constant, the score's own moments, stability over sample splits."""

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.special import logit

from tutorial_pkg import plots
from tutorial_pkg.check import Check, graded
from tutorial_pkg.choosing import is_binary
from tutorial_pkg.data import CausalData
from tutorial_pkg.effects import estimate_ate
from tutorial_pkg.estimate import Estimate, from_influence, robust_errors
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import CLIPPING, USED_MODELS, Estimand, clipped, counted, inverse_weights


def nuisance_quality(nuisances: Nuisances, estimand: Estimand = "ATE") -> Check:
    """Do the learners know more than a constant? Out-of-fold losses against those of a constant.

    Look when an outcome model that the estimand uses (of the untreated for the ATT, of the treated for the ATC) explains
    less than 2% of the variance, stop when it is clearly worse than a constant. A propensity
    model that is no better is what a randomised treatment looks like. An arm whose outcome never varies has nothing to
    explain and is left out.
    """
    losses = nuisances.losses
    explained = losses["share explained"].astype(float)
    y, d = nuisances.data.y, nuisances.data.d
    arms = {"outcome_control": y[d == 0], "outcome_treated": y[d == 1]}
    still = [name for name in USED_MODELS[estimand] if np.ptp(arms[name]) == 0]
    used = explained[[name for name in USED_MODELS[estimand] if name not in still]]
    share = (
        f"models explain {used.min():.0%} to {used.max():.0%}"
        if estimand == "ATE"
        else f"model explains {used.min():.0%}"
    )
    sentence = (
        f"the outcome {share} of the variance, the propensity "
        f"model {explained['propensity']:.0%} of the log loss of a constant"
        + "".join(f"; {name} has a constant outcome" for name in still)
        + "."
    )
    measures = {"least explained": used.min(), "propensity explained": explained["propensity"]}
    name = "learners against a constant"
    return Check(name, graded(name, measures), sentence, losses, measures=measures)


def score_moments(nuisances: Nuisances, clipping: float = CLIPPING, estimand: Estimand = "ATE") -> Check:
    """Do the nuisances keep the promises of the score? Means that are zero if they do, out of fold, with their errors.

    The score does not feel small errors of m or g because its derivatives in their direction have mean zero.
    These derivatives are means over rows, so they can be looked at: in the direction of a constant and of g itself
    (where weighting should leave nothing), in that of m (1 - m), the odds; and the slopes of decision and outcomes on
    what was predicted for them, which are one where predictions are calibrated. The score of the ATT uses the outcome
    model of the untreated only, that of the ATC the other. Look when one is more than three standard errors away, stop
    at five.

    References
    ----------
    Chernozhukov et al. (2018), definition 2.1 (orthogonality); slopes: Cox (1958).
    """
    data, (y, d) = nuisances.data, (nuisances.data.y, nuisances.data.d)
    m = clipped(nuisances.propensity.mean(axis=1), clipping)
    who = counted(d, estimand)
    each = {"outcome_treated": ("treated", d == 1, (1 - m) / m), "outcome_control": ("untreated", d == 0, m / (1 - m))}
    arms = [
        (arm, rows, getattr(nuisances, model).mean(axis=1), odds)
        for model, (arm, rows, odds) in each.items()
        if model in USED_MODELS[estimand]
    ]
    weights = inverse_weights(d, m, clipping, estimand)
    means = {f"weights of the {name}": who - arm * weights for name, arm, _, _ in arms}
    for name, arm, g, _ in arms:
        means[f"outcome model of the {name}"] = (who - arm * weights) * (g - np.average(g, weights=who))
    means["odds"] = np.sum([arm * (y - g) * odds for _, arm, g, odds in arms], axis=0)
    rows = {name: _mean_and_error(values, data) for name, values in means.items()}
    rows["slope of the decision on its log-odds, less 1"] = _slope(logit(m), d, np.full(len(d), True), data)
    for name, arm, g, _ in reversed(arms):
        if np.ptp(g[arm]) > 0:
            rows[f"slope of the {name} on their prediction, less 1"] = _slope(g, y, arm, data)
    table = pd.DataFrame(rows, index=["value", "std_error"]).T
    table["z"] = table["value"] / table["std_error"]
    worst = table["z"].abs().idxmax()
    sentence = f"of {len(table)} means that should be zero the furthest is {worst}, {table.loc[worst, 'z']:+.1f} standard errors."
    measures = {"largest z": abs(table.loc[worst, "z"]), **table["z"]}
    return Check("score's moments", graded("score's moments", measures), sentence, table, measures=measures)


def stability(nuisances: Nuisances, estimate: Callable[[Nuisances], Estimate] = estimate_ate) -> Check:
    """Does the answer depend on how the rows were split? Needs ``cross_fit(..., n_repeats=5)`` or so.

    Look when the estimates' standard deviation over splits exceeds half a standard error, stop at a whole one.
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
    name = "stability over splits"
    return Check(name, graded(name, measures), sentence, table, draw, measures)


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
