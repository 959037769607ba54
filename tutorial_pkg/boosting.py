"""Boosted trees that start from a penalised line: LightGBM as a scikit-learn estimator with nothing left to tune."""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tutorial_pkg.lines import lasso, logistic, standardised


@dataclass(frozen=True)
class _Line:
    """A fitted penalised line; its scores, log-odds for a classifier, keep to the range of its training rows.

    Of a row far from those a line says anything.
    """

    pipeline: Pipeline
    low: float = -np.inf
    high: float = np.inf

    def score(self, x: NDArray) -> NDArray[np.float64]:
        raw = getattr(self.pipeline, "decision_function", self.pipeline.predict)
        return np.clip(raw(x), self.low, self.high)


def _normal_scores(ranks: NDArray, end: float) -> NDArray[np.float64]:
    return ndtri(np.clip(ranks, end, 1 - end))


def _best_line(model: LassoCV | LogisticRegressionCV, x: NDArray, y: NDArray) -> _Line:
    """The line in the covariates or in their normal scores, whichever has the smaller held-out loss."""
    n_quantiles = min(200, len(x))
    ranks = QuantileTransformer(n_quantiles=n_quantiles, random_state=0)
    # Its own normal scores would send a value at or beyond either end to 5.2; half a rank from it, it is near 2.8.
    normal_scores = FunctionTransformer(_normal_scores, kw_args={"end": 0.5 / n_quantiles})
    lines = [standardised(clone(model), *before).fit(x, y) for before in ((), (ranks, normal_scores))]

    def held_out(line: Pipeline) -> float:
        fitted = line[-1]
        if isinstance(fitted, LassoCV):
            return fitted.mse_path_.mean(axis=-1).min()
        return -fitted.scores_.mean(axis=0).max()

    best = min(lines, key=held_out)
    scores = _Line(best).score(x)
    return _Line(best, scores.min(), scores.max())


class _Boosted(BaseEstimator):
    """LightGBM from a linear start, with the number of trees chosen on held-out rows."""

    PARAMS: ClassVar[dict[str, Any]] = {
        "num_leaves": 8,
        "min_data_in_leaf": 20,
        "feature_fraction": 0.5,
        "bagging_fraction": 0.8,
        "bagging_freq": 1,
        "lambda_l2": 5.0,
        "max_bin": 63,
        "boost_from_average": False,
        "num_threads": 1,
        "deterministic": True,
        "force_row_wise": True,
        "verbose": -1,
    }

    def __init__(
        self, start: str = "linear", learning_rate: float = 0.1, max_trees: int = 600, random_state: int = 0
    ) -> None:
        self.start = start
        self.learning_rate = learning_rate
        self.max_trees = max_trees
        self.random_state = random_state

    def _fit(
        self, x: NDArray, y: NDArray, line: Any, constant: float, objectives: tuple[str, ...], metric: str
    ) -> None:
        """Choose where to start, the objective and the number of trees by cross-validation, then fit all rows."""
        import lightgbm as lgb

        if self.start not in ("linear", "mean"):
            raise ValueError(f"start={self.start!r} is not known; use 'linear' or 'mean'.")
        parameters = {
            "learning_rate": self.learning_rate,
            "metric": metric,
            "seed": self.random_state,
            **self.PARAMS,
        }
        self.constant_ = constant
        self.line_ = _best_line(line, x, y) if self.start == "linear" else None
        score = self._score(x)
        rows = lgb.Dataset(x, y, params=parameters, free_raw_data=False)
        best = np.inf
        for objective in objectives:
            curve: Any = lgb.cv(
                parameters | {"objective": objective},
                rows.set_init_score(self._on_scale(score, objective)),
                self.max_trees,
                nfold=4,
                stratified=objective == "binary",
                seed=self.random_state,
                callbacks=[lgb.early_stopping(30, verbose=False)],
            )
            losses = curve[f"valid {metric}-mean"]
            if losses[-1] < best:
                best, self.objective_, self.n_trees_ = losses[-1], objective, len(losses)
        rows.set_init_score(self._on_scale(score, self.objective_))
        self.booster_ = lgb.train(parameters | {"objective": self.objective_}, rows, self.n_trees_)

    def _validated(self, *xy: Any) -> Any:
        """scikit-learn's validation of x, or of x and y when fitting: float32 stays, missing values are welcome."""
        fitting = len(xy) == 2
        options: dict[str, Any] = {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan"}
        return validate_data(self, *xy, reset=fitting, ensure_min_samples=1 + fitting, **options)

    def _score(self, x: NDArray) -> NDArray[np.float64]:
        return np.full(len(x), self.constant_) if self.line_ is None else self.line_.score(x)

    def _on_scale(self, score: NDArray[np.float64], objective: str) -> NDArray[np.float64]:
        # On the log scale a line that predicts less than a tenth of the mean starts there instead.
        return np.log(np.maximum(score, 0.1 * self.constant_)) if objective == "poisson" else score

    def _raw_score(self, x: NDArray) -> NDArray[np.float64]:
        check_is_fitted(self)
        x = self._validated(x)
        return self._on_scale(self._score(x), self.objective_) + self.booster_.predict(x, raw_score=True, num_threads=1)

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class BoostedRegressor(RegressorMixin, _Boosted):
    """Boosted trees for E[Y | X]; see :func:`tutorial_pkg.learners.boosted_trees`."""

    def fit(self, x: NDArray, y: NDArray) -> "BoostedRegressor":
        x, y = self._validated(x, y)
        y = y.astype(float)
        positive = y.min() >= 0 and y.mean() > 0 and len(np.unique(y)) > 2
        self._fit(x, y, lasso(), y.mean(), ("regression", "poisson") if positive else ("regression",), "l2")
        return self

    def predict(self, x: NDArray) -> NDArray[np.float64]:
        raw = self._raw_score(x)
        return np.exp(raw) if self.objective_ == "poisson" else raw


class BoostedClassifier(ClassifierMixin, _Boosted):
    """Boosted trees for P(D = 1 | X); see :func:`tutorial_pkg.learners.boosted_trees`."""

    def fit(self, x: NDArray, y: NDArray) -> "BoostedClassifier":
        x, y = self._validated(x, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(f"Only binary classification is supported; y has {len(self.classes_)} class(es).")
        self._fit(x, codes, logistic(), logit(codes.mean()), ("binary",), "binary_logloss")
        return self

    def predict_proba(self, x: NDArray) -> NDArray[np.float64]:
        p = expit(self._raw_score(x))
        return np.column_stack([1 - p, p])

    def predict(self, x: NDArray) -> NDArray:
        likely = self.predict_proba(x)[:, 1] > 0.5
        return self.classes_[likely.astype(int)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags
