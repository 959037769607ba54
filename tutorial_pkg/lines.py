"""Penalised lines: lasso and L1-penalised logistic regression on standardised covariates."""

from typing import Any

import numpy as np
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LassoCV, LogisticRegressionCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler


def lasso() -> LassoCV:
    """A lasso that chooses its penalty by five-fold cross-validation."""
    return LassoCV(cv=5, alphas=30, eps=1e-2, tol=1e-3)


def logistic() -> LogisticRegressionCV:
    """An L1-penalised logistic regression that chooses its penalty by three-fold cross-validated log loss."""
    return LogisticRegressionCV(
        Cs=np.logspace(-2.7, -0.5, 6),
        cv=3,
        l1_ratios=(1,),
        solver="liblinear",
        scoring="neg_log_loss",
        random_state=0,
        use_legacy_attributes=False,
    )


def standardised(model: Any, *before: Any) -> Pipeline:
    """``model`` behind what lines and networks need: means for missing values, a marker, equal scales."""
    imputer = SimpleImputer(add_indicator=True, keep_empty_features=True)
    # scikit-learn's lasso rejects Gram matrices that it computed itself in float32
    return make_pipeline(imputer, FunctionTransformer(np.float64), *before, StandardScaler(), model)
