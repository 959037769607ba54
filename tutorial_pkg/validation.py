"""Does a model of the effect find real differences? Judged without truth, on rows it was not fitted on."""

import itertools
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import ArrayLike, NDArray
from scipy.stats import norm

from tutorial_pkg.cate import CateModel
from tutorial_pkg.display import Table, show
from tutorial_pkg.estimate import Estimate, from_influence, robust_errors
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.handover import aipw_signal
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.words import Words

if TYPE_CHECKING:
    from econml.validate import DRTester


def validate_cate(cate: CateModel, held_out: Nuisances, n_groups: int = 4) -> Table:
    """Does the model find real differences? Judged without truth, on rows it was not fitted on.

    Three tests of EconML's ``DRTester`` against the doubly robust signal of the held-out rows: calibration by
    quartile of the prediction (called R squared, of absolute deviations; 1 is perfect, 0 no better than the
    ATE), the best linear predictor (slope 1 when calibrated, 0 when the differences are noise) and uplift (area
    under the Qini curve, in outcome units; 0 when the ranking is random). The errors of slope and uplift are robust,
    and clustered where the data name a cluster.

    Returns
    -------
    Table
        A row a test: value, std_error, p_value (two-sided, of "no heterogeneity found").

    References
    ----------
    Chernozhukov et al. (2025) for the slope; Dwivedi et al. (2020) for calibration; ``econml.validate.DRTester``.
    """
    from econml.validate import DRTester

    # The model's own encoding, since the rows held out may have other levels of a category.
    fitted_on = cate.nuisances.data
    rows_in, rows_out = fitted_on.modifiers(), fitted_on.modifiers(held_out.data.frame)
    tester = DRTester(model_regression=None, model_propensity=None, cate=cate.model)
    tester.treatments, tester.n_treat = np.array([0, 1]), 1
    tester.dr_train_ = None  # asked for, but not used by these tests
    tester.dr_val_ = aipw_signal(held_out).mean(axis=1)[:, None]
    tester.ate_val = tester.dr_val_.mean(axis=0)
    tester.get_cate_preds(rows_out, rows_in)
    _check_groups(np.ravel(tester.cate_preds_train_), np.ravel(tester.cate_preds_val_), n_groups)
    calibration = tester.evaluate_cal(n_groups=n_groups)
    uplift = _uplift(tester, held_out)
    # DRTester's own slope takes the errors as equally large in all rows, which those of the signal never are.
    slope = sm.OLS(tester.dr_val_, sm.add_constant(tester.cate_preds_val_)).fit(**robust_errors(held_out.data))
    rows = {
        "calibration R squared": (calibration.cal_r_squared[0], np.nan, np.nan),
        "best linear predictor": (slope.params[1], slope.bse[1], slope.pvalues[1]),
        "uplift (Qini)": (uplift.value, uplift.std_error, 2 * norm.sf(abs(uplift.value) / uplift.std_error)),
    }
    table = pd.DataFrame.from_dict(rows, orient="index", columns=["value", "std_error", "p_value"])
    return show(table.astype(float), 3)


def compare_cate(effects: Mapping[str, ArrayLike], held_out: Nuisances, baseline: str) -> Estimates:
    """Is one model of the effect nearer to the true effects than another? Paired, on rows they were not fitted on.

    Each model's doubly robust loss, the mean squared gap between its effects and the signal of the held-out rows, less
    that of the baseline. The signal's noise adds the same to all on average, so that, where the signal has no bias, a
    difference of losses is a difference of mean squared errors about the true effects.

    Parameters
    ----------
    effects : mapping of name to array (n_rows,)
        What each model says of the held-out rows, such as :meth:`tutorial_pkg.cate.CateModel.effect` of their frame.
    held_out : Nuisances
    baseline : str
        The name of the model with which the others are compared.

    Returns
    -------
    Estimates
        One a model but the baseline, negative where it is nearer; in squared outcome units.

    References
    ----------
    Schuler, Baiocchi, Tibshirani and Shah (2018); Mahajan, Mitliagkas, Neal and Syrgkanis (2024).
    """
    if baseline not in effects or len(effects) < 2:
        raise ValueError(f"baseline={baseline!r} needs a model of that name among the effects, and another one beside.")
    signal, losses = aipw_signal(held_out).mean(axis=1), {}
    for name, effect in effects.items():
        if np.shape(effect) != signal.shape:
            raise ValueError(f"The effects of {name!r} need one value for each of the {len(signal):,} rows held out.")
        losses[name] = (signal - np.asarray(effect, dtype=float)) ** 2
    estimand, words = f"loss above {baseline}", Words("the model", "doubly robust loss", "squared units")
    gaps = {name: loss - losses[baseline] for name, loss in losses.items() if name != baseline}
    found = {
        name: from_influence(gap.mean(), gap - gap.mean(), held_out.data, estimand=estimand, method=name, family="dml")
        for name, gap in gaps.items()
    }
    return Estimates({name: replace(e, outcome="squared units", words=words) for name, e in found.items()})


def _uplift(tester: "DRTester", held_out: Nuisances) -> Estimate:
    """Area under DRTester's Qini curve from the top 5% to the top 95%, whose own error takes rows as independent.

    The curve's point at a percentile q is the mean of (signal - ATE) over all rows, those below q counting zero, so
    that the area is that of (signal - ATE) times the percentiles that a row is above.
    """
    percentiles = np.linspace(5, 95, 50)
    cuts = np.percentile(np.ravel(tester.cate_preds_train_), percentiles[:-1])
    above = (np.ravel(tester.cate_preds_val_)[:, None] >= cuts) @ np.diff(percentiles) / 100
    gain = np.ravel(tester.dr_val_ - tester.ate_val) * (above - above.mean())
    names = {"estimand": "uplift", "method": "Qini"}
    return from_influence(gain.mean(), gain - gain.mean(), held_out.data, family="dml", **names)


def _check_groups(fitted: NDArray, held_out: NDArray, n_groups: int) -> None:
    if np.ptp(held_out) <= 1e-9 * np.abs(held_out).max():
        raise ValueError("The model gives all rows held out the same effect, so there is no difference to validate.")
    if not isinstance(n_groups, int | np.integer) or n_groups < 2:
        raise ValueError(f"n_groups={n_groups!r} is not a whole number of at least 2; 4 is the usual choice.")
    cuts = np.quantile(fitted, np.linspace(0, 1, n_groups + 1))
    if any(not ((a <= held_out) & (held_out <= b)).any() for a, b in itertools.pairwise(cuts)):
        raise ValueError(f"n_groups={n_groups!r} leaves a group of effects without a row held out; use fewer groups.")
