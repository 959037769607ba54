"""Penalised lines: lasso, logistic and Poisson regression with an L1 penalty, on standardised covariates."""

import warnings
from typing import Any, Literal

import numpy as np
from glum import GeneralizedLinearRegressor, GeneralizedLinearRegressorCV
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LassoCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tutorial_pkg.choosing import held_out_parts

# Of a step on the way, or of one penalty among many that held-out rows judge; catching them around a fit would not be
# safe where fits run in threads.
for step in ("Sigmoid function too close", "Line search failed", "IRLS failed to converge"):
    warnings.filterwarnings("ignore", message=step, module="glum")


def lasso() -> LassoCV:
    """A lasso that chooses its penalty by five-fold cross-validation."""
    return LassoCV(cv=5, alphas=30, eps=1e-2, tol=1e-3, max_iter=20_000)


def penalised(family: Literal["poisson", "binomial"], y: NDArray) -> GeneralizedLinearRegressorCV:
    """An L1-penalised generalised linear model for ``y`` that chooses its penalty by held-out deviance."""
    path = {"l1_ratio": 1, "n_alphas": 12, "min_alpha_ratio": 0.01}
    return GeneralizedLinearRegressorCV(family=family, cv=held_out_parts(3, y), **path)


class Logistic(ClassifierMixin, BaseEstimator):
    """L1-penalised logistic regression, glum's as a classifier.

    Parameters
    ----------
    alpha : float, optional
        Weight of the absolute coefficients beside the mean log loss; the intercept is not penalised. By default
        chosen by held-out deviance.
    """

    def __init__(self, alpha: float | None = None) -> None:
        self.alpha = alpha

    def fit(self, x: NDArray, y: NDArray) -> "Logistic":
        x, y = validate_data(self, x, y, dtype=np.float64)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(f"Only binary classification is supported; y has {len(self.classes_)} class(es).")
        if self.alpha is None:
            self.model_ = penalised("binomial", codes)
        else:
            self.model_ = GeneralizedLinearRegressor(family="binomial", l1_ratio=1, alpha=self.alpha)
        self.model_.fit(x, codes.astype(float))
        return self

    def choose(self, x: NDArray, y: NDArray) -> "Logistic":
        """The same, not fitted, with the penalty that suits these rows."""
        return Logistic(float(self.fit(x, y).model_.alpha_)) if self.alpha is None else self

    def decision_function(self, x: NDArray) -> NDArray[np.float64]:
        check_is_fitted(self)
        return self.model_.linear_predictor(validate_data(self, x, dtype=np.float64, reset=False))

    def predict_proba(self, x: NDArray) -> NDArray[np.float64]:
        p = expit(self.decision_function(x))
        return np.column_stack([1 - p, p])

    def predict(self, x: NDArray) -> NDArray:
        return self.classes_[(self.decision_function(x) > 0).astype(int)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


def standardised(model: Any, *before: Any) -> Pipeline:
    """``model`` behind what lines and networks need: means for missing values, a marker, equal scales."""
    imputer = SimpleImputer(add_indicator=True, keep_empty_features=True)
    # scikit-learn's lasso rejects Gram matrices that it computed itself in float32
    return make_pipeline(imputer, FunctionTransformer(np.float64), *before, StandardScaler(copy=False), model)
