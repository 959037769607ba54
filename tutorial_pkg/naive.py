"""Comparisons made before double machine learning: means, strata, least squares, matching, weighting, plug-in.

What they estimate is called a difference: each says under which assumption it is the ATE.
"""

from dataclasses import replace

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from tutorial_pkg.data import CausalData
from tutorial_pkg.estimate import Estimate, from_error, from_influence, robust_errors
from tutorial_pkg.groups import group_labels
from tutorial_pkg.learners import Regressor, recommended
from tutorial_pkg.weighting import CLIPPING, check_clipping, checked_propensity, inverse_weights


def difference_in_means(data: CausalData) -> Estimate:
    """Mean outcome of the treated minus mean outcome of the untreated.

    Estimates E[Y | D=1] - E[Y | D=0], which is the ATE only when the treatment is independent of both
    potential outcomes. Standard error without assuming equal variances, clustered where data name a cluster.
    """
    y, d = data.y, data.d
    means = np.array([y[d == 0].mean(), y[d == 1].mean()])
    influence = np.where(d == 1, (y - means[1]) / d.mean(), -(y - means[0]) / (1 - d.mean()))
    return _estimate(data, means[1] - means[0], influence, "difference in means")


def stratified(data: CausalData, by: "str | pd.Series") -> Estimate:
    """Differences in means within strata, averaged by the strata's share of rows.

    Estimates the ATE when the treatment is as good as random within each stratum (Imbens and Rubin, 2015,
    chapter 17). ``by`` is a column name or one label a row; a stratum needs three rows of each arm. The
    standard error is that of the AIPW score with the strata's means and shares, clustered where data name a
    cluster; it includes that the strata's shares are those of a sample.
    """
    labels = group_labels(data, by)
    y, d = data.y, data.d
    stratum = labels.groupby(labels, observed=True).ngroup().to_numpy()
    n_rows = [np.bincount(stratum, weights=d == arm) for arm in (0, 1)]
    mean = [np.bincount(stratum, weights=y * (d == arm)) / n_rows[arm] for arm in (0, 1)]
    share = n_rows[1] / (n_rows[0] + n_rows[1])
    fitted, m = [mean[arm][stratum] for arm in (0, 1)], share[stratum]
    value = np.mean(fitted[1] - fitted[0])
    influence = fitted[1] - fitted[0] - value
    influence += d * (y - fitted[1]) / m - (1 - d) * (y - fitted[0]) / (1 - m)
    return _estimate(data, value, influence, f"stratified by {labels.name}")


def regression_adjusted(data: CausalData, controls: "list[str] | None" = None) -> Estimate:
    """Coefficient of the treatment in ordinary least squares with controls (all covariates by default).

    Equals the ATE when the outcome is linear in the controls and the effect is the same for everyone;
    otherwise a variance-weighted effect (Angrist, 1998). Wraps ``statsmodels.OLS``, robust (HC1) or clustered.
    """
    source = data if controls is None else replace(data, covariates=controls, effect_modifiers=())
    x = _standardised_covariates(source)
    # An orthonormal basis of the controls: all levels of a category, or copies of a column, do no harm.
    basis, size, _ = np.linalg.svd(x, full_matrices=False)
    basis = basis[:, size > 1e-9 * size[0]]
    centred = data.d - data.d.mean()
    if np.sum((centred - basis @ (basis.T @ centred)) ** 2) < 1e-9 * data.n_rows:
        raise ValueError(
            f"The controls determine the treatment {data.treatment!r} exactly, so nothing is left to compare; drop "
            "controls that are consequences or copies of it, or use fewer controls than rows."
        )
    design = np.column_stack([data.d, np.ones(data.n_rows), basis * np.sqrt(data.n_rows)])
    fit = sm.OLS(data.y, design).fit(**robust_errors(data))
    return _without_influence(data, fit.params[0], fit.bse[0], f"OLS with {len(source.covariates)} controls")


def logistic_propensity(data: CausalData) -> NDArray[np.float64]:
    """In-sample propensities of a logistic regression on all covariates, one a row.

    What :func:`matched` and :func:`inverse_propensity_weighted` take when they are given none; fitted once, it
    serves both, and every outcome.
    """
    model = LogisticRegression(C=1.0, max_iter=1000)
    x = _standardised_covariates(data)
    return model.fit(x, data.d).predict_proba(x)[:, 1]


def matched(
    data: CausalData, on: "str | list[str]" = "propensity", n_matches: int = 1, propensity: NDArray | None = None
) -> Estimate:
    """Each row against its nearest rows of the other arm, on the propensity or on covariates.

    Estimates the ATE when rows alike in what is matched on differ in treatment by chance alone. Covariates
    are standardised first; ties are broken at random, always in the same way. The standard error is that of
    Abadie and Imbens (2006, theorem 7) with the conditional variance taken from the nearest row of the same
    arm. It takes rows as independent, so where rows cluster it is too small. For the propensity it leaves out
    that the propensity is itself estimated, and is then too large if anything (Abadie and Imbens, 2016). It
    knows nothing of the bias of matches that are not close. ``propensity``, one value a row, replaces that of
    :func:`logistic_propensity`.
    """
    smallest = min(np.bincount(data.d))
    if not 1 <= n_matches <= smallest:
        raise ValueError(
            f"n_matches={n_matches} is not between 1 and {smallest:,}, the rows of the smaller arm of "
            f"{data.treatment!r}; 1 is the usual choice."
        )
    if on == "propensity":
        z, name = logit(_propensity(data, propensity))[:, None], "matching on the propensity"
        if not np.isfinite(z).all():
            raise ValueError("matching needs propensities between 0 and 1; clip those at either end.")
    else:
        source = replace(data, covariates=on, effect_modifiers=())
        n_columns = len(source.covariates)
        z, name = _standardised_covariates(source), f"matching on {n_columns} covariate{'s' * (n_columns > 1)}"
    # Ties would otherwise be broken by the order of the rows, which may have to do with the outcome.
    z = z + 1e-7 * np.random.default_rng(0).standard_normal(z.shape)
    y, d = data.y, data.d
    imputed, times_used, variance = np.empty_like(y), np.zeros_like(y), np.empty_like(y)
    for arm in (0, 1):
        own, other = np.flatnonzero(d == arm), np.flatnonzero(d != arm)
        neighbours = other[NearestNeighbors(n_neighbors=n_matches).fit(z[other]).kneighbors(z[own])[1]]
        imputed[own] = y[neighbours].mean(axis=1)
        times_used += np.bincount(neighbours.ravel(), minlength=len(y)) / n_matches
        twin = own[NearestNeighbors(n_neighbors=1).fit(z[own]).kneighbors()[1][:, 0]]
        variance[own] = (y[own] - y[twin]) ** 2 / 2
    gap = np.where(d == 1, y - imputed, imputed - y)
    value = gap.mean()
    extra = times_used**2 + (2 - 1 / n_matches) * times_used
    std_error = np.sqrt(np.mean((gap - value) ** 2 + extra * variance) / len(y))
    return _without_influence(data, value, std_error, name)


def inverse_propensity_weighted(
    data: CausalData, clipping: float = CLIPPING, propensity: NDArray | None = None
) -> Estimate:
    """Difference of outcome means weighted by 1/m and 1/(1-m), weights summing to one in each arm.

    Estimates the ATE when the propensity model is right: that of :func:`logistic_propensity`, or whatever gave
    ``propensity``, one value a row; the estimator IPW2 of Lunceford and Davidian (2004). Propensities are moved
    into [clipping, 1 - clipping]. The standard error takes them as known, clustered where data name a cluster;
    that a logistic regression estimates them makes it too large if anything (Lunceford and Davidian, 2004).
    """
    check_clipping(clipping)
    y, d = data.y, data.d
    weights = inverse_weights(d, _propensity(data, propensity), clipping)
    means = np.array([np.average(y[d == arm], weights=weights[d == arm]) for arm in (0, 1)])
    influence = np.zeros(data.n_rows)
    for arm, sign in ((0, -1), (1, 1)):
        own = d == arm
        influence[own] = sign * weights[own] * (y[own] - means[arm]) / (weights[own].sum() / data.n_rows)
    return _estimate(data, means[1] - means[0], influence, "inverse propensity weighting")


def plug_in(data: CausalData, outcome: Regressor | None = None) -> Estimate:
    """Mean difference of two outcome models' predictions, one an arm, with no correction.

    ``outcome`` is a scikit-learn regressor; that of the recommended preset by default.
    Estimates the ATE only as well as the outcome models: their regularisation bias passes straight through.
    The models predict the rows they were fitted on, and the standard error, that of a mean of predictions,
    ignores that they were estimated: both are what goes wrong in practice.
    """
    if outcome is not None and not hasattr(outcome, "predict"):
        raise ValueError(f"outcome={outcome!r} is no regressor; pass one, such as tp.learners.linear().outcome.")
    learner = outcome or recommended().outcome
    arms = [clone(learner).fit(data.x[data.d == arm], data.y[data.d == arm]).predict(data.x) for arm in (0, 1)]
    effect = arms[1] - arms[0]
    return _estimate(data, effect.mean(), effect - effect.mean(), "plug-in learner")


def _estimate(data: CausalData, value: float, influence: NDArray, method: str) -> Estimate:
    return from_influence(value, influence, data, estimand="difference", method=method, family="naive")


def _without_influence(data: CausalData, value: float, std_error: float, method: str) -> Estimate:
    return from_error(value, std_error, data, estimand="difference", method=method, family="naive")


def _standardised_covariates(data: CausalData) -> NDArray[np.float64]:
    """Covariates as numbers with mean 0 and variance 1, (n_rows, n_columns); none may be missing."""
    x = data.x.astype(float)
    for name, missing in zip(data.x_names, np.isnan(x).sum(axis=0), strict=True):
        if missing:
            raise ValueError(
                f"Covariate {name!r} is missing in {missing:,} rows, and this comparison needs every value; fill it "
                "in with a marker column beside it, or drop it."
            )
    return StandardScaler().fit_transform(x)


def _propensity(data: CausalData, given: NDArray | None) -> NDArray[np.float64]:
    """The propensities that were given, checked, or those of the logistic regression."""
    return logistic_propensity(data) if given is None else checked_propensity(given, data.n_rows)
