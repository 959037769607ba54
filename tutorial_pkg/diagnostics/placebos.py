"""Checks that fit something again: effects that must be nought, and what leaving out a column changes."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg import plots
from tutorial_pkg.check import Check, graded
from tutorial_pkg.crossfitting import cross_fit, fit_again, fit_without
from tutorial_pkg.data import CausalData
from tutorial_pkg.effects import AVERAGES
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import Estimand

CONTAINED = 0.95
"""Share of a placebo outcome that covariates may explain before the placebo says nothing."""


def placebo(nuisances: Nuisances, outcome: str, estimand: Estimand = "ATE") -> Check:
    """Is there an effect where there can be none? The average effect on an outcome measured before the decision.

    The propensities are reused; only outcome models are fitted. Look when the 95% interval excludes zero, stop when zero
    is more than three standard errors away. Refuses an outcome of which the covariates explain more than 95%: adjusting
    for them adjusts the placebo to nothing, whatever was left out, and the check could not fail.
    """
    fitted = cross_fit(nuisances.data.with_outcome(outcome), reuse=nuisances, progress=False)
    explained = fitted.losses["share explained"].drop("propensity").astype(float).max()
    if explained > CONTAINED:
        raise ValueError(
            f"The covariates contain {outcome!r} ({explained:.0%} of it is explained), so it would show no effect "
            "whatever is hidden; take the covariates of its window out, or a placebo from outside their windows."
        )
    return _should_be_zero(
        "placebo", AVERAGES[estimand](fitted), f"on {outcome}, which the decision cannot have changed,"
    )


def placebo_treatment(nuisances: Nuisances, treatment: str, estimand: Estimand = "ATE") -> Check:
    """Has a decision an effect that can have none, such as one made after the outcome? Everything is fitted again.

    A negative-control exposure: chosen for the same reasons as the treatment, it cannot have changed the outcome.
    The treatment is one of its covariates, because it has an effect. The ATT is that of those who made this other
    decision. Graded as the placebo outcome.

    References
    ----------
    Lipsitch, Tchetgen Tchetgen and Cohen (2010), Negative controls.
    """
    data = nuisances.data
    if treatment not in data.frame.columns or treatment in (data.treatment, data.outcome, *data.covariates):
        raise ValueError(f"{treatment!r} is no further column of the frame; name a decision made after the outcome.")
    frame = _with_decisions(data, data.d)
    other = replace(data, frame=frame, treatment=treatment, covariates=(*data.covariates, data.treatment), treated=None)
    fitted = fit_again(nuisances, other, progress=False)
    return _should_be_zero("placebo treatment", AVERAGES[estimand](fitted), f"of {treatment}, which cannot have one,")


def permuted(nuisances: Nuisances, seed: int = 0) -> Check:
    """Is there an effect of a decision that nobody made? Decisions shuffled among the rows, everything fitted again.

    Graded as the placebo outcome; by chance the 95% interval excludes zero in 5% of the shuffles.
    """
    data = nuisances.data
    frame = _with_decisions(data, np.random.default_rng(seed).permutation(data.d))
    fitted = fit_again(nuisances, replace(data, frame=frame, treated=None), progress=False)
    return _should_be_zero("permuted treatment", AVERAGES["ATE"](fitted), "with decisions shuffled among the rows")


def without(nuisances: Nuisances, columns: Sequence[str], estimand: Estimand = "ATE") -> Check:
    """Does the answer hang on these covariates? The average effect without them, everything fitted again on the same folds.

    It moves when they are confounders, which belong in, and when they are consequences of the decision, which do not;
    no number says which. A change beyond two of its standard errors asks for the answer from someone who knows how
    and when the columns came about.
    """
    average = AVERAGES[estimand]
    change = average(fit_without(nuisances, columns, progress=False)) - average(nuisances)
    z = change.value / change.std_error
    sentence = f"without {', '.join(columns)} the {estimand} changes by {change.value:.3g}, {abs(z):.1f} of the change's standard errors."
    measures = {"z": z}
    name = "without " + ", ".join(columns)
    return Check(name, graded("without a column", measures), sentence, change.tidy(), measures=measures)


def _with_decisions(data: CausalData, decisions: NDArray) -> pd.DataFrame:
    frame = data.frame.copy(deep=False)
    frame[data.treatment] = decisions  # a column's name need not be a string
    return frame


def _should_be_zero(name: str, effect: Estimate, what: str) -> Check:
    lower, upper = effect.conf_int()
    found = "no effect is found" if lower <= 0 <= upper else "an effect is found"
    sentence = f"{what} {found}: {effect.value:.3g}, 95% interval {lower:.3g} to {upper:.3g}."
    draw = partial(plots.plot_estimates, {name: effect}, 0.0)
    measures = {"z": effect.value / effect.std_error}
    return Check(name, graded(name, measures), sentence, effect.tidy(), draw, measures)
