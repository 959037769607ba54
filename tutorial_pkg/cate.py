"""For whom the effect is large: models of the conditional effect, through EconML.

EconML receives the out-of-fold predictions through learners that only pass them on; what it fits itself is the
model of the effect.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, cast, get_args

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray
from sklearn.preprocessing import PolynomialFeatures

from tutorial_pkg.boosting import BoostedRegressor
from tutorial_pkg.display import Table, paragraph, show_estimates
from tutorial_pkg.estimate import Estimate, check_level, from_error, from_influence, robust_errors
from tutorial_pkg.handover import aipw_signal, doubly_robust_learners, residual_learners
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import CLIPPING

if TYPE_CHECKING:
    from econml._cate_estimator import BaseCateEstimator

Method = Literal["causal_forest", "linear_dml", "linear_dr", "forest_dr", "boosted_dr", "t_learner", "constant"]


@dataclass(frozen=True, eq=False)
class CateModel:
    """A fitted model of the conditional effect E[Y1 - Y0 | effect modifiers], in outcome units.

    ``model`` is EconML's estimator, with everything it offers; ``comparison`` the losses of the models among which
    :func:`tutorial_pkg.cate_choice.choose_cate` chose this one.
    """

    model: "BaseCateEstimator" = field(repr=False)
    method: str
    nuisances: Nuisances = field(repr=False)
    comparison: Table | None = field(default=None, repr=False)

    def effect(self, frame: pd.DataFrame | None = None) -> NDArray[np.float64]:
        """Estimated effect of each row, (n,); of the rows it was fitted on, or of any frame with the modifiers.

        A forest knows the rows it was fitted on, and looks a little better on them than on others.
        """
        return np.ravel(self.model.effect(self.nuisances.data.modifiers(frame)))

    def interval(self, frame: pd.DataFrame | None = None, level: float = 0.95) -> pd.DataFrame:
        """Pointwise confidence interval of each row's effect: columns lower and upper, in the frame's index.

        Each covers the mean effect of rows with the same effect modifiers with the stated probability, not all
        rows at once; for a linear model the best linear one, which may be another. Where the data name a cluster
        the errors of ``linear_dml`` and ``linear_dr`` are clustered; those of the forests, and of what ``model``
        prints itself, treat rows as independent, and are too small where the treatment is alike within a cluster.
        """
        check_level(level)
        if self.method in _WITHOUT_INTERVAL:
            raise ValueError(f"{self.method!r} has no intervals; those of a forest or of linear_dr have.")
        if self._is_line and self.nuisances.data.clusters is not None:
            lower, upper = self._line().get_prediction(self._features(frame)).conf_int(alpha=1 - level).T
        else:
            lower, upper = self.model.effect_interval(self.nuisances.data.modifiers(frame), alpha=1 - level)
        index = (self.nuisances.data.frame if frame is None else frame).index
        return pd.DataFrame({"lower": np.ravel(lower), "upper": np.ravel(upper)}, index=index)

    def importance(self) -> pd.Series:
        """How much each effect modifier shapes the effect, largest first.

        Forests: share of the splits' gain in heterogeneity; boosted models: share of the loss that splits save. Linear
        models: absolute coefficient times the modifier's standard deviation, in outcome units.
        """
        names = self.nuisances.data.modifier_names
        model: Any = self.model
        if self.method == "causal_forest":
            values = model.feature_importances_
        elif self.method == "forest_dr":
            values = model.feature_importances_(T=1)
        elif self.method in _WITHOUT_INTERVAL:
            values = model.model_cate(T=1).feature_importances_
        elif self.method == "constant":
            values = np.zeros(len(names))
        else:
            slopes = model.coef_ if self.method == "linear_dml" else model.coef_(T=1)
            values = np.abs(np.ravel(slopes)) * self.nuisances.data.modifiers(None).std(axis=0)
        return pd.Series(np.ravel(values), index=names, name="importance").sort_values(ascending=False)

    def slopes(self, level: float = 0.95) -> Table:
        """Coefficients of a linear model of the effect: columns value, std_error, lower, upper and p_value.

        Outcome units for one unit of the modifier. Errors are robust, and clustered where the data name a cluster;
        without one they are EconML's, but for its correction of ``linear_dml`` for the number of coefficients.
        """
        if self.method not in ("linear_dml", "linear_dr"):
            raise ValueError(f"{self.method!r} has no slopes; fit linear_dml or linear_dr, or ask importance().")
        check_level(level)
        line, model = self._line(), cast(Any, self.model)
        names = list(model.cate_feature_names(self.nuisances.data.modifier_names))
        lower, upper = line.conf_int(1 - level).T
        columns = {"value": line.params, "std_error": line.bse, "lower": lower, "upper": upper, "p_value": line.pvalues}
        table = pd.DataFrame(columns, index=["intercept"] * bool(model.fit_cate_intercept) + names)
        return show_estimates(table, table["std_error"], level)

    def average(self) -> Estimate:
        """The average effect this model implies over its rows, labelled by what it estimates.

        ``causal_forest``: EconML's doubly robust average, an estimate of the ATE. ``linear_dr`` and ``constant``: the
        mean of the doubly robust signal, the ATE again. ``linear_dml`` and ``forest_dr``: the mean of the model's
        conditional effects, right for the ATE if the model of the effect is. The other models imply none.

        Where the data name a cluster, the error is that of the mean influence value summed within clusters, as
        that of :func:`estimate_ate`; for forests with the influence values of the doubly robust signal.
        Otherwise it is EconML's: for linear models that of the coefficients, these rows' modifiers given, and for
        ``forest_dr`` an upper bound, as if the errors of all rows were one.
        """
        data = self.nuisances.data
        if self.method in _WITHOUT_INTERVAL:
            raise ValueError(f"{self.method!r} gives no average with an error; use estimate_ate(nuisances).")
        if self.method == "causal_forest":
            inference = self.model.ate__inference()
            value, error = inference.point_estimate, inference.stderr
        else:
            inference = self.model.ate_inference(data.modifiers())
            value, error = inference.mean_point, inference.stderr_mean
        value = float(np.squeeze(value))
        estimand = "ATE" if self.method in ("causal_forest", "linear_dr", "constant") else "mean of the model's CATE"
        if data.clusters is None:
            error = float(np.squeeze(error))
            return from_error(value, error, data, estimand=estimand, method=self.method, family="dml")
        return from_influence(value, self._influence(), data, estimand=estimand, method=self.method, family="dml")

    def _influence(self) -> NDArray[np.float64]:
        """What each row does to the average."""
        if not self._is_line:
            # Not the forest's own out-of-bag effects: they have seen other rows of the cluster, the signal has not.
            signal = self._signal()
            return signal - signal.mean()
        line, effect = self._line(), self.effect()
        pull = line.model.exog @ (line.normalized_cov_params @ self._features().mean(axis=0)) * line.resid
        return pull * len(pull) + effect - effect.mean()

    def _line(self) -> Any:
        """The last stage of a linear model once more in statsmodels, whose errors can be clustered."""
        features = self._features()
        if self.method == "linear_dml":
            y, d, *_ = self.model.residuals_  # type: ignore[attr-defined]
            target, design = np.ravel(y), np.ravel(d)[:, None] * features
        else:
            target, design = self._signal(), features
        return sm.OLS(target, design).fit(**robust_errors(self.nuisances.data))

    @property
    def _is_line(self) -> bool:
        return self.method in ("linear_dml", "linear_dr", "constant")

    def _signal(self) -> NDArray[np.float64]:
        """The doubly robust signal of the predictions the model was fitted to, those of the first repeat."""
        return aipw_signal(self.nuisances, getattr(self.model, "min_propensity", CLIPPING))[:, 0]

    def _features(self, frame: pd.DataFrame | None = None) -> NDArray[np.float64]:
        """The modifiers as the model takes them: through its featurizer, with its intercept."""
        model: Any = self.model
        x = self.nuisances.data.modifiers(frame)
        x = x if model.featurizer_ is None else model.featurizer_.transform(x)  # of linear_dml with the intercept
        from_signal = self.method != "linear_dml"
        return sm.add_constant(x, has_constant="add") if from_signal and model.fit_cate_intercept else x

    def __repr__(self) -> str:
        data = self.nuisances.data
        errors = "clustered by" if self._is_line else "that take rows as independent, not clustered by"
        end = "" if data.clusters is None else f", pointwise intervals {errors} {data.cluster}"
        return f"CateModel: {self.method} of {data.outcome} along {len(data.effect_modifiers)} effect modifiers{end}"

    def _repr_html_(self) -> str:
        html = paragraph("CateModel", repr(self).removeprefix("CateModel"))
        return html if self.comparison is None else html + self.comparison._repr_html_()


def estimate_cate(nuisances: Nuisances, method: Method = "causal_forest", **options: Any) -> CateModel:
    """Model of the conditional average treatment effect along the data's effect modifiers.

    Parameters
    ----------
    nuisances : Nuisances
        From :func:`cross_fit`; of several repeats the first is used.
    method : {"causal_forest", "linear_dml", "linear_dr", "forest_dr", "boosted_dr", "t_learner", "constant"}
        ``causal_forest``: honest forest on residuals (``econml.dml.CausalForestDML``). ``linear_dml``: effect
        linear in the modifiers, residual on residual (``econml.dml.LinearDML``). ``linear_dr`` and
        ``forest_dr``: linear model or honest forest of the doubly robust signal (``econml.dr``). ``boosted_dr``: boosted
        trees of that signal, as many as held-out rows ask for; ``t_learner``: the same of the difference of the two
        outcome models (both ``econml.dr.DRLearner``, no intervals). ``constant``: one effect for all.
        :func:`tutorial_pkg.cate_choice.choose_cate` chooses among them.
    **options
        Passed to EconML's class.

    References
    ----------
    Athey, Tibshirani and Wager (2019) for the forest; Nie and Wager (2021) for residual on residual; Kennedy
    (2023) and Semenova and Chernozhukov (2021) for the doubly robust signal.
    """
    if method not in get_args(Method):
        raise ValueError(f"method={method!r} is not known; choose one of {', '.join(get_args(Method))}.")
    data = nuisances.data
    modifiers = data.modifiers()
    model, passed_on = _make(method, nuisances, options)
    # With the arm's own prediction as outcome, the doubly robust signal is the difference of the two predictions.
    y = np.where(data.d == 1, *passed_on.T[[1, 0]]) if method == "t_learner" else data.y
    model.fit(y, data.d, X=modifiers, W=passed_on, cache_values=True)
    return CateModel(model, method, nuisances)


_WITHOUT_INTERVAL = ("boosted_dr", "t_learner")
_BOOSTED = {"model_final": BoostedRegressor(learning_rate=0.05)}
_FOREST = {"n_estimators": 500, "min_samples_leaf": 5, "n_jobs": 1, "random_state": 0}


def _make(method: Method, nuisances: Nuisances, options: dict[str, Any]) -> "tuple[BaseCateEstimator, NDArray]":
    """EconML's estimator with learners that pass on, and the W that hands them the predictions."""
    from econml.dml import CausalForestDML, LinearDML
    from econml.dr import DRLearner, ForestDRLearner, LinearDRLearner

    if method in ("causal_forest", "linear_dml"):
        learners, passed_on = residual_learners(nuisances)
        learners["discrete_treatment"] = True
    else:
        learners, passed_on = doubly_robust_learners(nuisances)
        learners["min_propensity"] = CLIPPING
    shared = learners | {"cv": 1, "random_state": 0}  # the predictions are out of fold already
    estimators: dict[str, tuple[Any, dict[str, Any]]] = {
        "causal_forest": (CausalForestDML, _FOREST),
        "linear_dml": (LinearDML, {}),
        "linear_dr": (LinearDRLearner, {}),
        "forest_dr": (ForestDRLearner, _FOREST),
        "boosted_dr": (DRLearner, _BOOSTED),
        "t_learner": (DRLearner, _BOOSTED),
        "constant": (LinearDRLearner, {"featurizer": PolynomialFeatures(0), "fit_cate_intercept": False}),
    }
    estimator, defaults = estimators[method]
    return estimator(**(shared | defaults | options)), passed_on
