"""Average effects from fitted nuisances, through DoubleML: ATE, ATT, residual on residual, and groups.

Scores, estimates, influence values and group regressions are DoubleML's own; it receives the out-of-fold
predictions as external predictions and fits nothing. Standard errors are those of the mean influence value,
summed within clusters first where the data name a cluster; without one they are DoubleML's to the last digit.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg.data import CausalData
from tutorial_pkg.estimate import Estimate, Estimates, combine_splits, from_influence
from tutorial_pkg.nuisance import Folds, Nuisances

if TYPE_CHECKING:
    from doubleml import DoubleMLData, DoubleMLIRM, DoubleMLPLR
    from doubleml.double_ml import DoubleML


def estimate_ate(nuisances: Nuisances, clipping: float = 0.01) -> Estimate:
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


def estimate_att(nuisances: Nuisances, clipping: float = 0.01) -> Estimate:
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
    n = nuisances
    models = [plr_model(n.data, *one) for one in zip(n.folds, n.outcome.T, n.propensity.T, strict=True)]
    return combine_splits([to_estimate(model, n.data, "PLR", "DML (PLR)") for model in models])


def estimate_gate(nuisances: Nuisances, groups: "str | pd.Series", clipping: float = 0.01) -> Estimates:
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
        with _quiet():
            regression = model.gate(dummies).blp_model[0]
        signal = np.asarray(regression.model.endog)
        per_repeat.append(
            [_group_estimate(data, signal, dummies[name], value) for name, value in regression.params.items()]
        )
    return Estimates([combine_splits(list(splits)) for splits in zip(*per_repeat, strict=True)])


def _group_estimate(data: CausalData, signal: NDArray, member: pd.Series, value: float) -> Estimate:
    influence = np.where(member, (signal - value) / member.mean(), 0.0)
    return from_influence(
        value,
        influence,
        data.clusters,
        estimand="GATE",
        method="DML (IRM)",
        outcome=data.outcome,
        label=str(member.name),
    )


def group_labels(data: CausalData, groups: "str | pd.Series") -> pd.Series:
    """One label a row, checked: no missing label, every group with rows of both arms."""
    if isinstance(groups, str):
        if groups not in data.frame.columns:
            raise ValueError(
                f"groups={groups!r} is not a column of the frame; check its spelling or pass a Series of labels."
            )
        name = groups
        labels = data.frame[groups]
    else:
        labels = pd.Series(groups)
        name = labels.name or "groups"
        if len(labels) != data.n_rows:
            raise ValueError(f"{name!r} has {len(labels):,} labels for {data.n_rows:,} rows; pass one label a row.")
        if isinstance(groups, pd.Series) and not labels.index.equals(data.frame.index):
            raise ValueError(
                f"{name!r} has another index than the frame; align it, for instance with groups.loc[frame.index]."
            )
    if n_missing := int(labels.isna().sum()):
        raise ValueError(
            f"{name!r} has no label in {n_missing:,} rows; give them a group or leave those rows out of the data."
        )
    if len(set(map(str, labels.unique()))) < labels.nunique():
        raise ValueError(f"{name!r} has different labels that read alike, such as 1 and '1'; give them one type.")
    if isinstance(labels.dtype, pd.CategoricalDtype):
        labels = labels.cat.remove_unused_categories()
    labels = labels.reset_index(drop=True).rename(str(name))
    counts = pd.crosstab(labels, data.d)
    small = counts.index[(counts.reindex(columns=[0, 1], fill_value=0) < 3).any(axis=1)]
    if len(small):
        raise ValueError(
            f"Group {small[0]!r} of {name!r} has fewer than three rows in one arm; merge it with another group."
        )
    return labels


# --- DoubleML -------------------------------------------------------------------------------------------


def irm_model(
    data: CausalData,
    folds: Folds,
    outcome_control: NDArray,
    outcome_treated: NDArray,
    propensity: NDArray,
    score: str = "ATE",
    clipping: float = 0.01,
) -> "DoubleMLIRM":
    """``doubleml.DoubleMLIRM`` fitted to given predictions, each (n_rows,); ``score`` "ATE" or "ATTE"."""
    from doubleml import DoubleMLIRM
    from doubleml.utils import DMLDummyClassifier, DMLDummyRegressor, PSProcessorConfig

    check_clipping(clipping)
    with _quiet():
        model = DoubleMLIRM(
            _dml_data(data),
            DMLDummyRegressor(),
            DMLDummyClassifier(),
            score=score,
            ps_processor_config=PSProcessorConfig(clipping_threshold=clipping),
            draw_sample_splitting=False,
        )
        return _fit(model, folds, ml_g0=outcome_control, ml_g1=outcome_treated, ml_m=propensity)


def check_clipping(clipping: float) -> None:
    """Refuse a threshold that would move no propensity, or all of them."""
    if not 0 < clipping < 0.5:
        raise ValueError(f"clipping={clipping!r} is not between 0 and 0.5; 0.01 is the usual choice.")


def plr_model(data: CausalData, folds: Folds, outcome: NDArray, propensity: NDArray) -> "DoubleMLPLR":
    """``doubleml.DoubleMLPLR`` ("partialling out") fitted to given predictions, each (n_rows,)."""
    from doubleml import DoubleMLPLR
    from doubleml.utils import DMLDummyRegressor

    with _quiet():
        model = DoubleMLPLR(_dml_data(data), DMLDummyRegressor(), DMLDummyRegressor(), draw_sample_splitting=False)
        return _fit(model, folds, ml_l=outcome, ml_m=propensity)


def to_estimate(model: "DoubleML", data: CausalData, estimand: str, method: str) -> Estimate:
    """Value, standard error and influence values of a fitted DoubleML model."""
    # The score at the estimate over minus its mean derivative: value - truth is close to its mean.
    influence = -model.psi[:, 0, 0] / model.psi_deriv[:, 0, 0].mean()
    return from_influence(
        float(model.coef[0]), influence, data.clusters, estimand=estimand, method=method, outcome=data.outcome
    )


def irm_models(nuisances: Nuisances, score: str, clipping: float) -> "list[DoubleMLIRM]":
    """One fitted ``DoubleMLIRM`` a repeat."""
    n = nuisances
    arrays = zip(n.folds, n.outcome_control.T, n.outcome_treated.T, n.propensity.T, strict=True)
    return [irm_model(n.data, *one, score=score, clipping=clipping) for one in arrays]


def aipw_signal(nuisances: Nuisances, clipping: float = 0.01) -> NDArray[np.float64]:
    """The doubly robust signal of each row, (n_rows,): its mean is the ATE, its mean given X the conditional effect.

    g(1,X) - g(0,X) + D (Y - g(1,X)) / m - (1-D) (Y - g(0,X)) / (1-m), averaged over repeats.
    """
    return np.mean([m.psi_elements["psi_b"][:, 0, 0] for m in irm_models(nuisances, "ATE", clipping)], axis=0)


def _fit(model: "DoubleML", folds: Folds, **predictions: NDArray) -> "DoubleML":
    model.set_sample_splitting([folds])
    external = {"d": {name: values[:, None] for name, values in predictions.items()}}
    return model.fit(external_predictions=external, store_predictions=False)


def _dml_data(data: CausalData) -> "DoubleMLData":
    """Outcome and treatment with one dummy covariate, so that nothing wide is copied.

    Clusters are not named: DoubleML would then average the score fold by fold, in time that grows with rows
    times clusters. Its influence values, summed within clusters, give the same standard error in linear time.
    """
    from doubleml import DoubleMLData

    return DoubleMLData(pd.DataFrame({"y": data.y, "d": data.d.astype(float), "x": 0.0}), "y", "d", "x")


@contextmanager
def _quiet() -> Iterator[None]:
    """Silence what DoubleML says of pandas' future and, where overlap is weak, of how it gets sensitivity bounds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The estimated nu2")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        yield
