"""Average effects from fitted nuisances, through DoubleML: ATE, ATT, residual on residual, and groups."""

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg.estimate import Estimate, combine_splits, from_influence
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.groups import group_labels
from tutorial_pkg.handover import irm_models, plr_models, quiet, signal_of, to_estimate
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import CLIPPING


def estimate_ate(nuisances: Nuisances, clipping: float = CLIPPING) -> Estimate:
    """Average treatment effect E[Y1 - Y0] by the augmented inverse-propensity (AIPW) score.

    Parameters
    ----------
    nuisances : Nuisances
        From :func:`cross_fit`.
    clipping : float
        Propensities are moved into [clipping, 1 - clipping].

    Returns
    -------
    Estimate
        In units of the outcome; its standard error is clustered where the data name a cluster. With several
        repeats value and standard error are DoubleML's; the interval is symmetric around the median value with the
        aggregated error, where DoubleML's ``confint`` takes the medians of the splits' limits.

    References
    ----------
    Robins, Rotnitzky and Zhao (1994); Chernozhukov et al. (2018), eq. 5.3; ``doubleml.DoubleMLIRM``,
    ``score="ATE"``.
    """
    models = irm_models(nuisances, "ATE", clipping)
    return combine_splits([to_estimate(model, nuisances.data, "ATE", "DML (IRM)") for model in models])


def estimate_att(nuisances: Nuisances, clipping: float = CLIPPING) -> Estimate:
    """Average treatment effect on the treated E[Y1 - Y0 | D = 1].

    Needs the outcome model of the untreated and the propensity only, and overlap only where there are
    treated rows. Arguments and result as in :func:`estimate_ate`.

    References
    ----------
    Chernozhukov et al. (2018), eq. 5.4; ``doubleml.DoubleMLIRM``, ``score="ATTE"``.
    """
    models = irm_models(nuisances, "ATTE", clipping)
    return combine_splits([to_estimate(model, nuisances.data, "ATT", "DML (IRM)") for model in models])


def estimate_plr(nuisances: Nuisances) -> Estimate:
    """Residual on residual: the coefficient of Y - E[Y|X] on D - P(D=1|X).

    Its target is E[m(1-m)tau] / E[m(1-m)], the overlap-weighted effect. It equals the ATE when the effect
    is the same for everyone, or unrelated to the propensity.

    References
    ----------
    Robinson (1988); Chernozhukov et al. (2018), eq. 4.4; ``doubleml.DoubleMLPLR``.
    """
    models = plr_models(nuisances)
    return combine_splits([to_estimate(model, nuisances.data, "PLR", "DML (PLR)") for model in models])


def estimate_gate(nuisances: Nuisances, groups: "str | pd.Series", clipping: float = CLIPPING) -> Estimates:
    """Group average treatment effects E[Y1 - Y0 | group], one an estimate, labelled by group.

    Parameters
    ----------
    nuisances : Nuisances
    groups : str or Series
        A column of the data's frame, or one label a row. Groups must not depend on the treatment or on the
        outcome.
    clipping : float
        As in :func:`estimate_ate`.

    References
    ----------
    Semenova and Chernozhukov (2021); ``doubleml.DoubleMLIRM.gate``: the mean of the AIPW signal in each group.
    """
    data = nuisances.data
    dummies = pd.get_dummies(group_labels(data, groups), dtype=bool).rename(columns=str)
    per_repeat = []
    for model in irm_models(nuisances, "ATE", clipping):
        with quiet():
            means, signal = model.gate(dummies).blp_model[0].params, signal_of(model)
        per_repeat.append([_group_estimate(nuisances, signal, dummies[name], value) for name, value in means.items()])
    return Estimates([combine_splits(list(splits)) for splits in zip(*per_repeat, strict=True)])


def _group_estimate(nuisances: Nuisances, signal: NDArray, member: pd.Series, value: float) -> Estimate:
    influence = np.where(member, (signal - value) / member.mean(), 0.0)
    names = {"estimand": "GATE", "method": "DML (IRM)", "label": str(member.name)}
    return from_influence(value, influence, nuisances.data, family="dml", **names)
