"""Hands out-of-fold predictions to DoubleML and EconML, which then fit no nuisance model of their own.

DoubleML takes them as external predictions. EconML takes them as columns of W, through learners that only pass a
column on. Scores, estimates and influence values are the libraries' own.
"""

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from tutorial_pkg.data import CausalData
from tutorial_pkg.estimate import Estimate, cluster_sums, from_influence
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import CLIPPING, check_clipping, clipped

if TYPE_CHECKING:
    from doubleml import DoubleMLFramework, DoubleMLIIVM, DoubleMLIRM, DoubleMLPLR
    from doubleml.double_ml import DoubleML

Score = Literal["ATE", "ATTE"]


def irm_models(
    nuisances: Nuisances, score: Score, clipping: float = CLIPPING, exchanged: bool = False
) -> "list[DoubleMLIRM]":
    """One ``doubleml.DoubleMLIRM`` a repeat, fitted to the predictions; ``score`` "ATE" or "ATTE".

    ``exchanged`` lets the untreated take the place of the treated: the model's effect is then that of not treating.
    """
    from doubleml import DoubleMLIRM
    from doubleml.utils import DMLDummyClassifier, DMLDummyRegressor, PSProcessorConfig

    check_clipping(clipping)
    n, clip = nuisances, PSProcessorConfig(clipping_threshold=clipping)
    m = clipped(n.propensity, clipping)  # as DoubleML does, which would warn of each that is nearly 0 or 1
    predictions = {"ml_g0": n.outcome_control, "ml_g1": n.outcome_treated, "ml_m": m}
    d = n.data.d.astype(float)
    if exchanged:
        predictions = {"ml_g0": n.outcome_treated, "ml_g1": n.outcome_control, "ml_m": 1 - m}
        d = 1 - d
    options = {"score": score, "ps_processor_config": clip}
    return _fit_repeats(DoubleMLIRM, (DMLDummyRegressor(), DMLDummyClassifier()), n, predictions, d, **options)


def plr_models(nuisances: Nuisances) -> "list[DoubleMLPLR]":
    """One ``doubleml.DoubleMLPLR`` ("partialling out") a repeat, fitted to the predictions."""
    from doubleml import DoubleMLPLR
    from doubleml.utils import DMLDummyRegressor

    predictions = {"ml_l": nuisances.outcome, "ml_m": nuisances.propensity}
    d = nuisances.data.d.astype(float)
    return _fit_repeats(DoubleMLPLR, (DMLDummyRegressor(), DMLDummyRegressor()), nuisances, predictions, d)


def iivm_models(outcome: Nuisances, decision: Nuisances, clipping: float = CLIPPING) -> "list[DoubleMLIIVM]":
    """One ``doubleml.DoubleMLIIVM`` a repeat, fitted to predictions of the outcome and of the decision by the instrument.

    Where nobody decides for it at 0 of the instrument, or everybody at 1, DoubleML takes that for the rule.
    """
    from doubleml import DoubleMLIIVM
    from doubleml.utils import DMLDummyClassifier, DMLDummyRegressor, PSProcessorConfig

    check_clipping(clipping)
    z, d = outcome.data.d, decision.data.y
    predictions = {"ml_g0": outcome.outcome_control, "ml_g1": outcome.outcome_treated}
    predictions |= {"ml_r0": decision.outcome_control, "ml_r1": decision.outcome_treated}
    predictions["ml_m"] = clipped(outcome.propensity, clipping)
    options = {
        "subgroups": {"always_takers": bool(d[z == 0].any()), "never_takers": bool((d[z == 1] == 0).any())},
        "ps_processor_config": PSProcessorConfig(clipping_threshold=clipping),
    }
    learners = (DMLDummyRegressor(), DMLDummyClassifier(), DMLDummyClassifier())
    return _fit_repeats(DoubleMLIIVM, learners, outcome, predictions, d, z, **options)


def to_estimate(
    model: "DoubleML",
    data: CausalData,
    estimand: str,
    method: str,
    weights: NDArray[np.float64] | None = None,
    exchanged: bool = False,
    label: str = "",
) -> Estimate:
    """Value, standard error and influence values of a fitted DoubleML model, for its rows as they are or weighted.

    All of DoubleML's scores here are linear, psi_a theta + psi_b; the weighted mean of the score is zero at the
    weighted effect. The error is that of the mean influence value, summed within clusters first where the data name a
    cluster; without cluster and weights it is DoubleML's to the last digit. ``exchanged`` as in :func:`irm_models`.
    """
    slope, constant = (model.psi_elements[name][:, 0, 0] for name in ("psi_a", "psi_b"))
    constant = -constant if exchanged else constant
    w = np.ones(len(slope)) if weights is None else weights
    value = -np.mean(w * constant) / np.mean(w * slope)
    # The score at the estimate over minus its mean derivative: value - truth is close to its mean.
    influence = -w * (slope * value + constant) / np.mean(w * slope)
    return from_influence(value, influence, data, estimand=estimand, method=method, family="dml", label=label)


def aipw_signal(nuisances: Nuisances, clipping: float = CLIPPING) -> NDArray[np.float64]:
    """The doubly robust signal of each row, (n_rows, n_repeats): DoubleML's AIPW score before it is centred.

    g(1,X) - g(0,X) + D (Y - g(1,X)) / m - (1-D) (Y - g(0,X)) / (1-m). Its mean is the ATE, its mean over rows
    chosen by covariates their mean effect.
    """
    return np.column_stack([signal_of(model) for model in irm_models(nuisances, "ATE", clipping)])


def gained_signal(nuisances: Nuisances, clipping: float = CLIPPING) -> NDArray[np.float64]:
    """Signal of what treatment has added, (n_rows, n_repeats): its mean is E[D (Y1 - Y0)], that is P(D=1) times ATT."""
    share = nuisances.data.d.mean()
    return share * np.column_stack([signal_of(model) for model in irm_models(nuisances, "ATTE", clipping)])


def signal_of(model: "DoubleMLIRM") -> NDArray[np.float64]:
    """The part of a fitted model's score that is free of the effect, (n_rows,): for the ATE the doubly robust signal."""
    return model.psi_elements["psi_b"][:, 0, 0]


def sensitivity_gains(long: Nuisances, short: Nuisances, score: Score, clipping: float = CLIPPING) -> dict[str, float]:
    """What the covariates that ``short`` lacks explain: cf_y, cf_d, rho and delta_theta, medians over repeats.

    Wraps ``doubleml.utils.gain_statistics``.
    """
    from doubleml.utils import gain_statistics

    pairs = zip(*(irm_models(n, score, clipping) for n in (long, short)), strict=True)
    gains = pd.DataFrame([{name: value[0] for name, value in gain_statistics(*pair).items()} for pair in pairs])
    return gains.median().to_dict()


def clustered_framework(model: "DoubleMLIRM", data: CausalData) -> "DoubleMLFramework":
    """The model's ``doubleml.DoubleMLFramework``, for limits of sensitivity bounds that are clustered as ours are.

    Its scores are summed within clusters, which then count as its rows: errors of sums over independent clusters, in
    linear time, where DoubleML's for clustered data go through rows times clusters.
    """
    from doubleml import DoubleMLFramework

    framework = model.framework
    if data.clusters is None:
        return framework
    core, clusters = framework.dml_core, data.clusters
    scale = (clusters.max() + 1) / data.n_rows

    def summed(values: NDArray) -> NDArray:
        return scale * cluster_sums(values[:, 0, 0], clusters)[:, None, None]

    bias = core.sensitivity_elements | {"psi_max_bias": summed(core.sensitivity_elements["psi_max_bias"])}
    return DoubleMLFramework(replace(core, scaled_psi=summed(core.scaled_psi), sensitivity_elements=bias))


@contextmanager
def quiet() -> Iterator[None]:
    """Silence what DoubleML says of pandas' future and, where overlap is weak, of how it gets sensitivity bounds."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The estimated nu2")
        warnings.filterwarnings("ignore", category=DeprecationWarning)
        warnings.filterwarnings("ignore", category=FutureWarning)
        yield


def _fit_repeats(
    kind: Any,
    learners: tuple[Any, ...],
    nuisances: Nuisances,
    predictions: dict[str, NDArray],
    d: NDArray[np.float64],
    z: NDArray | None = None,
    **options: Any,
) -> list[Any]:
    """One DoubleML model a repeat, on outcome and treatment and one dummy covariate, so that nothing wide is copied.

    Clusters are not named: DoubleML would then average the score fold by fold, in time that grows with rows
    times clusters. Its influence values, summed within clusters, give the same standard error in linear time.
    """
    from doubleml import DoubleMLData

    models = []
    with quiet():
        for repeat, folds in enumerate(nuisances.folds):
            table = pd.DataFrame(
                {"y": nuisances.data.y, "d": d, "x": 0.0} | ({} if z is None else {"z": z.astype(float)})
            )
            model = kind(
                DoubleMLData(table, "y", "d", "x", *table.columns[3:]),
                *learners,
                draw_sample_splitting=False,
                **options,
            )
            external = {"d": {name: values[:, [repeat]] for name, values in predictions.items()}}
            model.set_sample_splitting([folds])
            models.append(model.fit(external_predictions=external, store_predictions=False))
    return models


# --- EconML ---------------------------------------------------------------------------------------------


def residual_learners(nuisances: Nuisances) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """For EconML's residual-on-residual classes: the learners that pass on E[Y|X] and m, and W for ``fit``.

    Of several repeats the first.
    """
    learners = {"model_y": PassOn(2), "model_t": PassOnProbability()}
    return learners, np.column_stack([nuisances.outcome[:, 0], nuisances.propensity[:, 0]])


def doubly_robust_learners(nuisances: Nuisances) -> tuple[dict[str, Any], NDArray[np.float64]]:
    """For EconML's doubly robust classes: the learners that pass on g(D, X) and m, and W for ``fit``.

    Of several repeats the first.
    """
    learners = {"model_regression": PassOnArm(1), "model_propensity": PassOnProbability()}
    columns = nuisances.outcome_control, nuisances.outcome_treated, nuisances.propensity
    return learners, np.column_stack([column[:, 0] for column in columns])


class PassOn(RegressorMixin, BaseEstimator):
    """A regressor that returns one column of its input, ``column`` counted from the end."""

    def __init__(self, column: int) -> None:
        self.column = column

    def fit(self, x: NDArray, y: NDArray, sample_weight: NDArray | None = None) -> "PassOn":
        return self

    def predict(self, x: NDArray) -> NDArray[np.float64]:
        return x[:, -self.column]


class PassOnArm(PassOn):
    """Returns the prediction for the arm in the last column: E[Y|D=0,X] or E[Y|D=1,X] before the propensity."""

    def predict(self, x: NDArray) -> NDArray[np.float64]:
        return np.where(x[:, -1] == 1, x[:, -3], x[:, -4])


class PassOnProbability(ClassifierMixin, BaseEstimator):
    """A classifier whose probability of class 1 is the last column of its input."""

    def fit(self, x: NDArray, y: NDArray, sample_weight: NDArray | None = None) -> "PassOnProbability":
        self.classes_ = np.array([0, 1])
        return self

    def predict_proba(self, x: NDArray) -> NDArray[np.float64]:
        return np.column_stack([1 - x[:, -1], x[:, -1]])

    def predict(self, x: NDArray) -> NDArray[np.int64]:
        return (x[:, -1] > 0.5).astype(int)
