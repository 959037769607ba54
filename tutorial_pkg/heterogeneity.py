"""For whom the effect is large: conditional effects through EconML, their validation, and policies.

EconML receives the out-of-fold predictions as columns of W, through learners that only pass them on; what it
fits itself is the model of the effect.
"""

import itertools
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit

from tutorial_pkg.data import CausalData
from tutorial_pkg.effects import aipw_signal, irm_models
from tutorial_pkg.estimate import Estimate, check_level, from_influence
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.simulate import Truth

if TYPE_CHECKING:
    from econml._cate_estimator import BaseCateEstimator

Method = Literal["causal_forest", "linear_dml", "linear_dr", "forest_dr"]
_CLIPPING = 0.01


@dataclass(frozen=True, eq=False)
class CateModel:
    """A fitted model of the conditional effect E[Y1 - Y0 | effect modifiers], in outcome units.

    ``model`` is EconML's estimator, with everything it offers.
    """

    model: "BaseCateEstimator" = field(repr=False)
    method: str
    nuisances: Nuisances = field(repr=False)

    def effect(self, frame: pd.DataFrame | None = None) -> NDArray[np.float64]:
        """Estimated effect of each row, (n,); of the rows it was fitted on, or of any frame with the modifiers.

        A forest knows the rows it was fitted on, and looks a little better on them than on others.
        """
        return np.ravel(self.model.effect(self._modifiers(frame)))

    def interval(self, frame: pd.DataFrame | None = None, level: float = 0.95) -> pd.DataFrame:
        """Pointwise confidence interval of each row's effect: columns lower and upper, in the frame's index.

        Each covers the mean effect of rows with the same effect modifiers with the stated probability, not all
        rows at once; for a linear model the best linear one, which may be another. Where the data name a cluster
        the errors of ``linear_dml`` and ``linear_dr`` are clustered; those of the forests, and of what ``model``
        prints itself, treat rows as independent, and are too small where the treatment is alike within a cluster.
        """
        check_level(level)
        if self._is_line and self.nuisances.data.clusters is not None:
            lower, upper = self._line().get_prediction(self._features(frame)).conf_int(alpha=1 - level).T
        else:
            lower, upper = self.model.effect_interval(self._modifiers(frame), alpha=1 - level)
        index = (self.nuisances.data.frame if frame is None else frame).index
        return pd.DataFrame({"lower": np.ravel(lower), "upper": np.ravel(upper)}, index=index)

    def importance(self) -> pd.Series:
        """How much each effect modifier shapes the effect, largest first.

        Forests: share of the splits' gain in heterogeneity. Linear models: absolute coefficient times the
        modifier's standard deviation, in outcome units.
        """
        names = self.nuisances.data.modifier_names
        model: Any = self.model
        if self.method == "causal_forest":
            values = model.feature_importances_
        elif self.method == "forest_dr":
            values = model.feature_importances_(T=1)
        else:
            slopes = model.coef_ if self.method == "linear_dml" else model.coef_(T=1)
            values = np.abs(np.ravel(slopes)) * self._modifiers(None).std(axis=0)
        return pd.Series(np.ravel(values), index=names, name="importance").sort_values(ascending=False)

    def average(self) -> Estimate:
        """The average effect this model implies over its rows, labelled by what it estimates.

        ``causal_forest``: EconML's doubly robust average, an estimate of the ATE. ``linear_dr``: the mean of
        the doubly robust signal, the ATE again. ``linear_dml`` and ``forest_dr``: the mean of the model's
        conditional effects, right for the ATE if the model of the effect is.

        Where the data name a cluster, the error is that of the mean influence value summed within clusters, as
        that of :func:`estimate_ate`; for forests with the influence values of the doubly robust signal.
        Otherwise it is EconML's: for linear models that of the coefficients, these rows' modifiers given, and for
        ``forest_dr`` an upper bound, as if the errors of all rows were one.
        """
        data = self.nuisances.data
        if self.method == "causal_forest":
            inference = self.model.ate__inference()
            value, error = inference.point_estimate, inference.stderr
        else:
            inference = self.model.ate_inference(data.modifiers())
            value, error = inference.mean_point, inference.stderr_mean
        value = float(np.squeeze(value))
        estimand = "ATE" if self.method in ("causal_forest", "linear_dr") else "mean of the model's CATE"
        if data.clusters is None:
            error = float(np.squeeze(error))
            return Estimate(value, error, estimand, self.method, data.n_rows, outcome=data.outcome)
        return from_influence(
            value, self._influence(), data.clusters, estimand=estimand, method=self.method, outcome=data.outcome
        )

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
        features, clusters = self._features(), self.nuisances.data.clusters
        if self.method == "linear_dml":
            y, d, *_ = self.model.residuals_  # type: ignore[attr-defined]
            target, design = np.ravel(y), np.ravel(d)[:, None] * features
        else:
            target, design = self._signal(), features
        return sm.OLS(target, design).fit(cov_type="cluster", cov_kwds={"groups": clusters})

    @property
    def _is_line(self) -> bool:
        return self.method in ("linear_dml", "linear_dr")

    def _signal(self) -> NDArray[np.float64]:
        """The doubly robust signal of the predictions the model was fitted to, those of the first repeat."""
        clipping = getattr(self.model, "min_propensity", _CLIPPING)
        return irm_models(self.nuisances, "ATE", clipping)[0].psi_elements["psi_b"][:, 0, 0]

    def _features(self, frame: pd.DataFrame | None = None) -> NDArray[np.float64]:
        """The modifiers as the model takes them: through its featurizer, with its intercept."""
        model: Any = self.model
        x = self._modifiers(frame)
        x = x if model.featurizer_ is None else model.featurizer_.transform(x)  # of linear_dml with the intercept
        return sm.add_constant(x, has_constant="add") if self.method == "linear_dr" and model.fit_cate_intercept else x

    def __repr__(self) -> str:
        data = self.nuisances.data
        errors = "clustered by" if self._is_line else "that take rows as independent, not clustered by"
        end = "" if data.clusters is None else f", pointwise intervals {errors} {data.cluster}"
        return f"CateModel: {self.method} of {data.outcome} along {len(data.effect_modifiers)} effect modifiers{end}"

    def _modifiers(self, frame: pd.DataFrame | None) -> NDArray[np.float64]:
        return self.nuisances.data.modifiers(frame)


def estimate_cate(nuisances: Nuisances, method: Method = "causal_forest", **options: Any) -> CateModel:
    """Model of the conditional average treatment effect along the data's effect modifiers.

    Parameters
    ----------
    nuisances : Nuisances
        From :func:`cross_fit`; of several repeats the first is used.
    method : {"causal_forest", "linear_dml", "linear_dr", "forest_dr"}
        ``causal_forest``: honest forest on residuals (``econml.dml.CausalForestDML``). ``linear_dml``: effect
        linear in the modifiers, residual on residual (``econml.dml.LinearDML``). ``linear_dr`` and
        ``forest_dr``: linear model or honest forest of the doubly robust signal (``econml.dr``).
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
    modifiers = _checked_modifiers(data)
    model, passed_on = _make(method, nuisances, options)
    w = np.column_stack([prediction[:, 0] for prediction in passed_on])
    model.fit(data.y, data.d, X=modifiers, W=w, cache_values=True)
    return CateModel(model, method, nuisances)


def _checked_modifiers(data: CausalData) -> NDArray[np.float64]:
    modifiers = data.modifiers()
    if not modifiers.shape[1]:
        raise ValueError(
            f"Effect modifier {data.effect_modifiers[0]!r} has one level only, along which no effect can differ; name "
            "one that varies."
        )
    return modifiers


def split_rows(data: CausalData, share: float = 0.5, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two disjoint sets of row positions, the first with the given share; no cluster is divided.

    One is for choosing, a model or a policy or the best group, the other for judging what was chosen.
    """
    splitter: Any = ShuffleSplit if data.clusters is None else GroupShuffleSplit
    first, second = next(splitter(1, train_size=share, random_state=seed).split(data.d, groups=data.clusters))
    return np.sort(first), np.sort(second)


# --- validation -----------------------------------------------------------------------------------------


def validate_cate(cate: CateModel, held_out: Nuisances, n_groups: int = 4) -> pd.DataFrame:
    """Does the model find real differences? Judged without truth, on rows it was not fitted on.

    Three tests of EconML's ``DRTester`` against the doubly robust signal of the held-out rows: calibration by
    quartile of the prediction (called R squared, of absolute deviations; 1 is perfect, 0 no better than the
    ATE), the best linear predictor (slope 1 when calibrated, 0 when the differences are noise) and uplift (area
    under the Qini curve, in outcome units; 0 when the ranking is random). The slope's error is robust and
    clustered where the data name a cluster; that of the uplift takes rows as independent.

    Returns
    -------
    DataFrame
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
    tester.dr_train_ = aipw_signal(cate.nuisances, _CLIPPING)[:, None]
    tester.dr_val_ = aipw_signal(held_out, _CLIPPING)[:, None]
    tester.ate_val = tester.dr_val_.mean(axis=0)
    tester.get_cate_preds(rows_out, rows_in)
    _check_groups(np.ravel(tester.cate_preds_train_), np.ravel(tester.cate_preds_val_), n_groups)
    calibration = tester.evaluate_cal(n_groups=n_groups)
    state = np.random.get_state()  # noqa: NPY002, DRTester's band, which we do not use, draws from the global stream
    try:
        uplift = tester.evaluate_uplift(metric="qini", n_bootstrap=1)
    finally:
        np.random.set_state(state)  # noqa: NPY002
    # DRTester's own slope takes the errors as equally large in all rows, which those of the signal never are.
    clusters = held_out.data.clusters
    robust = {"cov_type": "HC1"} if clusters is None else {"cov_type": "cluster", "cov_kwds": {"groups": clusters}}
    slope = sm.OLS(tester.dr_val_, sm.add_constant(tester.cate_preds_val_)).fit(**robust)
    rows = {
        "calibration R squared": (calibration.cal_r_squared[0], np.nan, np.nan),
        "best linear predictor": (slope.params[1], slope.bse[1], slope.pvalues[1]),
        "uplift (Qini)": (uplift.params[0], uplift.errs[0], 2 * uplift.pvals[0]),  # DRTester's is one-sided
    }
    return pd.DataFrame.from_dict(rows, orient="index", columns=["value", "std_error", "p_value"]).astype(float)


def _check_groups(fitted: NDArray, held_out: NDArray, n_groups: int) -> None:
    if np.ptp(held_out) <= 1e-9 * np.abs(held_out).max():
        raise ValueError("The model gives all rows held out the same effect, so there is no difference to validate.")
    if not isinstance(n_groups, int | np.integer) or n_groups < 2:
        raise ValueError(f"n_groups={n_groups!r} is not a whole number of at least 2; 4 is the usual choice.")
    cuts = np.quantile(fitted, np.linspace(0, 1, n_groups + 1))
    if any(not ((a <= held_out) & (held_out <= b)).any() for a, b in itertools.pairwise(cuts)):
        raise ValueError(f"n_groups={n_groups!r} leaves a group of effects without a row held out; use fewer groups.")


def evaluate_cate(
    effect: ArrayLike, truth: Truth, interval: pd.DataFrame | None = None, n_bands: int = 4
) -> tuple[pd.Series, pd.DataFrame]:
    """The same question with the truth at hand; ``effect`` has one value a row of ``truth``.

    Returns
    -------
    measures : Series
        ``pehe``: root mean squared error of the effects, outcome units; ``pehe of a constant``: that of the
        true mean effect, which is the spread of the true effects; ``relative pehe``: their ratio, below one
        when the model beats a constant; ``calibration slope`` of truth on estimate; ``rank correlation``.
    coverage : DataFrame
        By band of the true propensity: rows, pehe and, with intervals, the share that covers the truth.

    Notes
    -----
    ``truth.cate`` is the effect given all covariates, a model's effect and interval are about the effect given
    the effect modifiers. Where other covariates move the effect as well, even a perfect model has a ``pehe``
    above zero, and its intervals cover ``truth.cate`` less often than they promise for their own target.
    """
    tau, estimated = truth.cate, np.asarray(effect, dtype=float)
    if estimated.shape != tau.shape:
        raise ValueError(f"effect has {estimated.size:,} values and the truth {tau.size:,} rows; pass one a row.")
    if interval is not None and not (len(interval) == tau.size and {"lower", "upper"} <= set(interval.columns)):
        raise ValueError(
            f"interval needs columns lower and upper and {tau.size:,} rows; pass one of CateModel.interval."
        )
    pehe, spread = np.sqrt(np.mean((estimated - tau) ** 2)), tau.std()
    varies = np.ptp(estimated) > 0
    measures = {
        "pehe": pehe,
        "pehe of a constant": spread,
        "relative pehe": pehe / spread,
        "calibration slope": np.cov(tau, estimated)[0, 1] / estimated.var(ddof=1) if varies else np.nan,
        "rank correlation": spearmanr(tau, estimated).statistic if varies else np.nan,
    }
    rows = pd.DataFrame({"squared": (estimated - tau) ** 2})
    if interval is not None:
        rows["covers"] = (interval["lower"].to_numpy() <= tau) & (tau <= interval["upper"].to_numpy())
    bands = rows.groupby(pd.qcut(truth.propensity, n_bands, duplicates="drop"), observed=True)
    table = pd.DataFrame({"rows": bands.size(), "pehe": np.sqrt(bands["squared"].mean())})
    if interval is not None:
        table["coverage"] = bands["covers"].mean()
    return pd.Series(measures), table.rename_axis("propensity")


# --- policies -------------------------------------------------------------------------------------------


def policy_value(
    nuisances: Nuisances, treat: ArrayLike, cost: float = 0.0, value_per_unit: float = 1.0, clipping: float = _CLIPPING
) -> Estimate:
    """Mean gain per row of nudging the rows marked in ``treat`` instead of nobody, in money.

    Estimates E[pi(X) (value_per_unit (Y1 - Y0) - cost)] from the doubly robust signal. Honest only on rows that
    did not choose the policy: see :func:`split_rows`.

    References
    ----------
    Athey and Wager (2021), Policy learning with observational data.
    """
    data = nuisances.data
    if isinstance(treat, pd.Series) and len(treat) == data.n_rows and not treat.index.equals(data.frame.index):
        raise ValueError("treat has another index than the frame; align it, for instance with treat.loc[frame.index].")
    gain = _marked(treat, data.n_rows) * (value_per_unit * aipw_signal(nuisances, clipping) - cost)
    return from_influence(
        gain.mean(),
        gain - gain.mean(),
        data.clusters,
        estimand="policy value",
        method="DML (IRM)",
        outcome="money a row",
    )


def policy_regret(truth: Truth, treat: ArrayLike, cost: float = 0.0, value_per_unit: float = 1.0) -> pd.Series:
    """True value of a policy on the truth's rows, of the best possible one, and what is lost between them.

    In money a row; ``share of optimum`` is the policy's value over the optimum's.
    """
    gain = value_per_unit * truth.cate - cost
    value, optimum = float(np.mean(_marked(treat, gain.size) * gain)), float(np.mean(np.maximum(gain, 0.0)))
    share = value / optimum if optimum > 0 else np.nan
    return pd.Series({"value": value, "optimum": optimum, "regret": optimum - value, "share of optimum": share})


def _marked(treat: ArrayLike, n_rows: int) -> NDArray:
    marked = np.asarray(treat)
    if marked.shape != (n_rows,) or pd.isna(marked).any() or not np.isin(marked, [0, 1]).all():
        raise ValueError(f"treat needs one True or False for each of the {n_rows:,} rows.")
    return marked


@dataclass(frozen=True, eq=False)
class PolicyTree:
    """A shallow tree over the effect modifiers that says whom to nudge; print it to read it.

    ``tree`` is the fitted ``econml.policy.PolicyTree``.
    """

    tree: Any = field(repr=False)
    data: CausalData = field(repr=False)

    def nudge(self, frame: pd.DataFrame | None = None) -> NDArray[np.bool_]:
        """Whether to nudge each row, (n,), of the rows it was grown on or of a new frame."""
        return self.tree.predict(self.data.modifiers(frame)) == 1

    def __repr__(self) -> str:
        return "\n".join(self._lines(0, ""))

    def _lines(self, node: int, indent: str) -> list[str]:
        """The rule from this node on; branches that come to the same verdict are not told apart."""
        nodes, verdicts = self.tree.tree_, self._verdicts(node)
        if len(verdicts) == 1:
            return [indent + ("nudge" if verdicts.pop() else "do not nudge")]
        name, threshold = self.data.modifier_names[nodes.feature[node]], nodes.threshold[node]
        shown = f"{threshold:.3g}" if abs(threshold) < 1000 else f"{threshold:.0f}"
        at_most, above = (f"if {name} {sign} {shown}" for sign in ("<=", ">"))
        if name not in self.data.covariates:  # the 0/1 column of a level
            at_most, above = (f"if {name.replace('=', f' {word} ', 1)}" for word in ("is not", "is"))
        deeper = indent + "    "
        left, right = nodes.children_left[node], nodes.children_right[node]
        return [indent + at_most, *self._lines(left, deeper), indent + above, *self._lines(right, deeper)]

    def _verdicts(self, node: int) -> set[bool]:
        """What the leaves below a node say."""
        nodes = self.tree.tree_
        if nodes.children_left[node] < 0:
            return {bool(np.ravel(nodes.value[node])[1] > 0)}
        return self._verdicts(nodes.children_left[node]) | self._verdicts(nodes.children_right[node])


def policy_tree(
    nuisances: Nuisances, depth: int = 2, cost: float = 0.0, value_per_unit: float = 1.0, clipping: float = _CLIPPING
) -> PolicyTree:
    """A tree of at most the given depth with a high doubly robust :func:`policy_value` on these rows.

    Grown split by split, each the one that gains most (``econml.policy.PolicyTree``); a leaf holds at least a
    hundredth of the rows. Judge it on other rows.

    References
    ----------
    Athey and Wager (2021), Policy learning with observational data.
    """
    from econml.policy import PolicyTree as WelfareTree

    modifiers = _checked_modifiers(nuisances.data)
    gain = value_per_unit * aipw_signal(nuisances, clipping) - cost
    smallest = max(5, nuisances.data.n_rows // 100)
    tree = WelfareTree(max_depth=depth, min_samples_leaf=smallest, honest=False, random_state=0)
    tree.fit(modifiers, np.column_stack([np.zeros_like(gain), gain]))
    return PolicyTree(tree, nuisances.data)


# --- EconML ---------------------------------------------------------------------------------------------


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


_FOREST = {"n_estimators": 500, "min_samples_leaf": 5, "n_jobs": 1, "random_state": 0}


def _make(method: Method, nuisances: Nuisances, options: dict[str, Any]) -> "tuple[BaseCateEstimator, list[NDArray]]":
    """EconML's estimator with learners that pass on, and the predictions that W hands to them."""
    from econml.dml import CausalForestDML, LinearDML
    from econml.dr import ForestDRLearner, LinearDRLearner

    n = nuisances
    shared: dict[str, Any] = {"cv": n.folds[0], "random_state": 0}
    if method in ("causal_forest", "linear_dml"):
        shared |= {"model_y": PassOn(2), "model_t": PassOnProbability(), "discrete_treatment": True}
        passed_on = [n.outcome, n.propensity]
    else:
        models = {"model_regression": PassOnArm(1), "model_propensity": PassOnProbability()}
        shared |= models | {"min_propensity": _CLIPPING}
        passed_on = [n.outcome_control, n.outcome_treated, n.propensity]
    estimators: dict[str, tuple[Any, dict[str, Any]]] = {
        "causal_forest": (CausalForestDML, _FOREST),
        "linear_dml": (LinearDML, {}),
        "linear_dr": (LinearDRLearner, {}),
        "forest_dr": (ForestDRLearner, _FOREST),
    }
    estimator, defaults = estimators[method]
    return estimator(**(shared | defaults | options)), passed_on
