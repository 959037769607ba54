"""Average effects from fitted nuisances, through DoubleML: ATE, ATT, ATC, LATE, residual on residual, groups, per cent."""

from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tutorial_pkg.estimate import Estimate, combine_splits, from_influence
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.folds import same_folds
from tutorial_pkg.groups import group_labels
from tutorial_pkg.handover import iivm_models, irm_models, plr_models, to_estimate
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.support import Question, caution, together
from tutorial_pkg.weighting import CLIPPING, Estimand, counted, row_weights
from tutorial_pkg.words import Words

if TYPE_CHECKING:
    from doubleml import DoubleMLIRM

Weights = str | ArrayLike | None


def estimate_ate(nuisances: Nuisances, clipping: float = CLIPPING, weights: Weights = None) -> Estimate:
    """Average treatment effect E[Y1 - Y0] by the augmented inverse-propensity (AIPW) score.

    Parameters
    ----------
    nuisances : Nuisances
        From :func:`cross_fit`.
    clipping : float
        Propensities are moved into [clipping, 1 - clipping].
    weights : str or array (n_rows,), optional
        What each row counts for, such as the people behind it: the effect is then E[w (Y1 - Y0)] / E[w]. The weights
        may depend on covariates; one that depends on the decision or on the outcome brings selection back.

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
    return _average(nuisances, "ATE", clipping, weights)


def estimate_att(nuisances: Nuisances, clipping: float = CLIPPING, weights: Weights = None) -> Estimate:
    """Average treatment effect on the treated E[Y1 - Y0 | D = 1].

    Needs the outcome model of the untreated and the propensity only, and overlap only where there are
    treated rows. Arguments and result as in :func:`estimate_ate`.

    References
    ----------
    Chernozhukov et al. (2018), eq. 5.4; ``doubleml.DoubleMLIRM``, ``score="ATTE"``.
    """
    return _average(nuisances, "ATT", clipping, weights)


def estimate_atc(nuisances: Nuisances, clipping: float = CLIPPING, weights: Weights = None) -> Estimate:
    """Average treatment effect on the untreated (the controls) E[Y1 - Y0 | D = 0]: what they leave lying.

    The score of the ATT with the arms exchanged. Needs the outcome model of the treated and the propensity only, and
    overlap only where there are untreated rows. Arguments and result as in :func:`estimate_ate`.

    References
    ----------
    As for :func:`estimate_att`.
    """
    return _average(nuisances, "ATC", clipping, weights)


def estimate_plr(nuisances: Nuisances, weights: Weights = None) -> Estimate:
    """Residual on residual: the coefficient of Y - E[Y|X] on D - P(D=1|X).

    Its target is E[m(1-m)tau] / E[m(1-m)], the overlap-weighted effect. It equals the ATE when the effect
    is the same for everyone, or unrelated to the propensity. ``weights`` as in :func:`estimate_ate`; the target is
    then E[w m(1-m)tau] / E[w m(1-m)].

    References
    ----------
    Robinson (1988); Chernozhukov et al. (2018), eq. 4.4; ``doubleml.DoubleMLPLR``.
    """
    w = row_weights(nuisances.data, weights)
    method = "DML (PLR)" + _WEIGHTED * (w is not None)
    found = combine_splits([to_estimate(m, nuisances.data, "PLR", method, w) for m in plr_models(nuisances)])
    return replace(found, caution=_caution(nuisances, "PLR", w))


def estimate_gate(
    nuisances: Nuisances,
    groups: "str | pd.Series",
    clipping: float = CLIPPING,
    estimand: Estimand = "ATE",
    weights: Weights = None,
) -> Estimates:
    """Group average treatment effects E[Y1 - Y0 | group], one an estimate, labelled by group.

    Parameters
    ----------
    nuisances : Nuisances
    groups : str or Series
        A column of the data's frame, or one label a row. Groups must not depend on the treatment or on the
        outcome.
    clipping, weights
        As in :func:`estimate_ate`.
    estimand : {"ATE", "ATT", "ATC"}
        Of the whole group (GATE), of its treated (GATT) or of its untreated rows (GATC).

    References
    ----------
    Semenova and Chernozhukov (2021); ``doubleml.DoubleMLIRM.gate``: the mean of the AIPW signal in each group. For
    the treated ``doubleml.DoubleMLIRM`` with ``score="ATTE"`` and the group as its weights.
    """
    labels = group_labels(nuisances.data, groups)
    members = pd.get_dummies(labels, dtype=bool).rename(columns=str)
    w = row_weights(nuisances.data, weights)
    if w is not None:
        for name in members:
            if len(set(nuisances.data.d[members[name] & (w > 0)])) < 2:
                raise ValueError(
                    f"The weights leave group {name!r} without rows in one arm; merge it with another group."
                )
    models = _models(nuisances, estimand, clipping)
    return Estimates([_of_rows(nuisances, models, estimand, w, members[name]) for name in members])


def estimate_percent(nuisances: Nuisances, estimand: Estimand = "ATE", clipping: float = CLIPPING) -> Estimate:
    """The effect in per cent of E[Y0] of the same rows: how much more than without treatment.

    100 E[Y1 - Y0] / E[Y0], of all rows, of the treated ("ATT") or of the untreated ("ATC"). E[Y0] is the mean outcome
    less what treatment added to it, so that the ratio and its error (by the delta method, on influence values) come
    from the same scores as the effect.

    Raises
    ------
    ValueError
        When E[Y0] is not above zero by two standard errors: of such a base per cents say nothing.
    """
    data, y, d = nuisances.data, nuisances.data.y, nuisances.data.d
    about = counted(d, estimand)
    names: dict[str, Any] = {"estimand": f"{estimand} in %", "method": "DML (IRM)", "family": "dml"}
    whole = _average(nuisances, estimand, clipping, None)
    on_treated = whole if estimand == "ATT" else _average(nuisances, "ATT", clipping, None)
    splits = []
    for effect, att in zip(whole.splits or (whole,), on_treated.splits or (on_treated,), strict=True):
        assert effect.influence is not None
        assert att.influence is not None
        who = about / about.mean()
        mean, share = np.mean(who * y), np.mean(who * d)
        pull = who * (y - mean) - share * att.influence - att.value * who * (d - share)
        base = from_influence(float(mean - share * att.value), pull, data, **names)
        if base.value <= 2 * base.std_error:
            raise ValueError(
                f"E[Y0] of {data.outcome!r} is {base.value:.3g} with a standard error of {base.std_error:.2g}, not clearly "
                "above zero; give the effect in the outcome's own units."
            )
        ratio = effect.value / base.value
        influence = 100 * (effect.influence - ratio * pull) / base.value
        splits.append(from_influence(100 * ratio, influence, data, **names))
    words = Words(data.words.treatment, data.words.outcome, "% of E[Y0]")
    return replace(combine_splits(splits), words=words, caution=whole.caution)


def estimate_late(outcome: Nuisances, decision: Nuisances, clipping: float = CLIPPING) -> Estimate:
    """Local average treatment effect: of those whose decision an instrument moves, such as a coin for who sees a message.

    The instrument's effect on the outcome over its effect on the decision, both doubly robust. Where nobody is treated
    at 0 of the instrument (nobody follows what he has not seen) it is the ATT of those who are treated at 1. It needs
    an instrument that is as good as random given the covariates, moves the outcome through the decision alone, and
    moves nobody against it; no unconfoundedness of the decision.

    Parameters
    ----------
    outcome : Nuisances
        :func:`cross_fit` of the outcome, with the instrument as treatment.
    decision : Nuisances
        :func:`cross_fit` of the decision, zeros and ones, as outcome, with ``reuse=outcome``.
    clipping : float
        Of the instrument's propensity, as in :func:`estimate_ate`.

    Returns
    -------
    Estimate
        In units of the outcome, with a caution where the instrument hardly moves the decision (its effect less than
        3.2 standard errors, an F of 10): a ratio over nearly nothing has no normal interval.

    References
    ----------
    Imbens and Angrist (1994); Bloom (1984), one-sided; ``doubleml.DoubleMLIIVM``, ``score="LATE"``.
    """
    one, other = outcome.data, decision.data
    if not np.array_equal(one.d, other.d) or not same_folds(outcome.folds, decision.folds):
        raise ValueError(
            f"The nuisances of {one.outcome!r} and {other.outcome!r} differ in rows, folds or instrument; fit the second "
            "with reuse= the first."
        )
    if not set(np.unique(other.y)) <= {0.0, 1.0}:
        raise ValueError(f"{other.outcome!r} is the outcome of the second nuisances and must hold zeros and ones.")
    first = estimate_ate(decision, clipping)
    weak = None
    if abs(first.value) < 3.2 * first.std_error:
        weak = (
            f"{one.treatment!r} moves {other.outcome!r} by {first.value:.2g} with a standard error of "
            f"{first.std_error:.2g} only; the interval of a ratio over so little cannot be trusted."
        )
    models = iivm_models(outcome, decision, clipping)
    found = combine_splits([to_estimate(m, one, "LATE", "DML (IIVM)") for m in models])
    words = replace(one.words, treatment=other.words.outcome)
    return replace(found, words=words, caution=together(weak, _caution(outcome, "ATE", None)))


AVERAGES: dict[Estimand, Callable[..., Estimate]] = {"ATE": estimate_ate, "ATT": estimate_att, "ATC": estimate_atc}
"""The average over everyone, over the treated and over the untreated, by name."""

_WEIGHTED = ", weighted rows"


def _models(nuisances: Nuisances, estimand: Estimand, clipping: float) -> "list[DoubleMLIRM]":
    """DoubleML's fitted models of an estimand, one a repeat."""
    if estimand not in get_args(Estimand):
        raise ValueError(f"estimand={estimand!r} is not known; choose one of {', '.join(get_args(Estimand))}.")
    return irm_models(nuisances, "ATE" if estimand == "ATE" else "ATTE", clipping, exchanged=estimand == "ATC")


def _average(nuisances: Nuisances, estimand: Estimand, clipping: float, weights: Weights) -> Estimate:
    return _of_rows(nuisances, _models(nuisances, estimand, clipping), estimand, row_weights(nuisances.data, weights))


def _of_rows(
    nuisances: Nuisances,
    models: Iterable,
    estimand: Estimand,
    weights: NDArray[np.float64] | None,
    member: pd.Series | None = None,
) -> Estimate:
    """The estimate for all rows, or for the members of a group, as they are or weighted."""
    data, method = nuisances.data, "DML (IRM)" + _WEIGHTED * (weights is not None)
    name, label = str(estimand), ""
    if member is not None:
        name, label = f"G{estimand}", str(member.name)
        weights = member.to_numpy(float) * (1.0 if weights is None else weights)
    splits = [to_estimate(m, data, name, method, weights, estimand == "ATC", label) for m in models]
    return replace(combine_splits(splits), caution=_caution(nuisances, estimand, weights))


def _caution(nuisances: Nuisances, question: Question, weights: NDArray[np.float64] | None) -> str | None:
    return caution(nuisances.data.d, nuisances.propensity.mean(axis=1), question, weights)
