"""Comparisons made before double machine learning, and the exact account of their bias."""

import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import statsmodels.api as sm
from numpy.typing import NDArray
from scipy.special import logit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.neighbors import NearestNeighbors
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from tutorial_pkg.data import CausalData
from tutorial_pkg.effects import group_labels, irm_model, to_estimate
from tutorial_pkg.estimate import Estimate, from_influence
from tutorial_pkg.learners import Learners, boosted_trees
from tutorial_pkg.nuisance import draw_folds
from tutorial_pkg.simulate import Truth


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

    Estimates the ATE when the treatment is as good as random within each stratum. ``by`` is a column name
    or one label a row; a stratum without both arms is an error.
    """
    labels = group_labels(data, by)
    cells = pd.DataFrame({"y": data.y, "stratum": labels, "d": data.d})
    mean = cells.groupby(["stratum", "d"], observed=True)["y"].mean().unstack()
    share = cells.groupby("stratum", observed=True)["d"].mean()
    effect = mean[1] - mean[0]
    value = float(effect.loc[labels].mean())
    m = share.loc[labels].to_numpy()
    fitted = [mean[arm].loc[labels].to_numpy() for arm in (0, 1)]
    influence = fitted[1] - fitted[0] - value + data.d * (data.y - fitted[1]) / m
    influence -= (1 - data.d) * (data.y - fitted[0]) / (1 - m)
    return _estimate(data, value, influence, f"stratified by {labels.name}")


def regression_adjusted(data: CausalData, controls: "list[str] | None" = None) -> Estimate:
    """Coefficient of the treatment in ordinary least squares with controls (all covariates by default).

    Equals the ATE when the outcome is linear in the controls and the effect is the same for everyone;
    otherwise a variance-weighted effect (Angrist, 1998). Wraps ``statsmodels.OLS``, robust (HC1) or clustered.
    """
    source = data if controls is None else replace(data, covariates=controls, effect_modifiers=())
    x = _standardised(source.x)
    design = np.column_stack([data.d, np.ones(data.n_rows), x])
    robust = (
        {"cov_type": "HC1"} if data.clusters is None else {"cov_type": "cluster", "cov_kwds": {"groups": data.clusters}}
    )
    with warnings.catch_warnings():
        # All levels of a category beside the constant: redundant, and without effect on the treatment's coefficient.
        warnings.filterwarnings("ignore", message=".*rank-deficient")
        fit = sm.OLS(data.y, design).fit(**robust)
    n_controls = len(source.covariates)
    return Estimate(
        float(fit.params[0]), float(fit.bse[0]), "ATE", f"OLS with {n_controls} controls", data.n_rows,
        outcome=data.outcome, clusters=data.clusters,
    )  # fmt: skip


def matched(data: CausalData, on: "str | list[str]" = "propensity", n_matches: int = 1) -> Estimate:
    """Each row against its nearest rows of the other arm, on the propensity or on covariates.

    Estimates the ATE when rows alike in what is matched on would have had the same outcome untreated.
    Covariates are standardised first. The standard error is that of Abadie and Imbens (2006, theorem 7) with
    the conditional variance taken from the nearest row of the same arm; for the propensity it leaves out
    that the propensity is itself estimated.
    """
    if on == "propensity":
        z, name = logit(_logit_propensity(data))[:, None], "matching on the propensity"
    else:
        source = replace(data, covariates=on, effect_modifiers=())
        z, name = _standardised(source.x), f"matching on {len(source.covariates)} covariates"
    y, d = data.y, data.d
    imputed, times_used, variance = np.empty_like(y), np.zeros_like(y), np.empty_like(y)
    for arm in (0, 1):
        own, other = np.flatnonzero(d == arm), np.flatnonzero(d != arm)
        neighbours = other[NearestNeighbors(n_neighbors=n_matches).fit(z[other]).kneighbors(z[own])[1]]
        imputed[own] = y[neighbours].mean(axis=1)
        times_used += np.bincount(neighbours.ravel(), minlength=len(y)) / n_matches
        twin = own[NearestNeighbors(n_neighbors=2).fit(z[own]).kneighbors(z[own])[1][:, 1]]
        variance[own] = (y[own] - y[twin]) ** 2 / 2
    gap = np.where(d == 1, y - imputed, imputed - y)
    value = gap.mean()
    extra = times_used**2 + (2 - 1 / n_matches) * times_used
    std_error = np.sqrt(np.mean((gap - value) ** 2 + extra * variance) / len(y))
    return Estimate(float(value), float(std_error), "ATE", name, data.n_rows, outcome=data.outcome)


def inverse_propensity_weighted(data: CausalData, clipping: float = 0.01) -> Estimate:
    """Difference of outcome means weighted by 1/m and 1/(1-m), weights summing to one in each arm.

    Estimates the ATE when the propensity model, a logistic regression on all rows, is right. DoubleML's
    normalised score with outcome models of zero.
    """
    zero = np.zeros(data.n_rows)
    folds = draw_folds(data, n_folds=2, seed=0)  # DoubleML asks for folds; nothing is fitted on them
    model = irm_model(data, folds, zero, zero, _logit_propensity(data), clipping=clipping, normalize_ipw=True)
    return to_estimate(model, data, "ATE", "inverse propensity weighting")


def plug_in(data: CausalData, learners: Learners | None = None) -> Estimate:
    """Mean difference of two outcome models' predictions, one an arm, with no correction.

    Estimates the ATE only as well as the outcome models: their regularisation bias passes straight through.
    The models predict the rows they were fitted on, and the standard error, that of a mean of predictions,
    ignores that they were estimated: both are what goes wrong in practice.
    """
    learner = (learners or boosted_trees()).outcome
    arms = [clone(learner).fit(data.x[data.d == arm], data.y[data.d == arm]).predict(data.x) for arm in (0, 1)]
    effect = arms[1] - arms[0]
    return _estimate(data, effect.mean(), effect - effect.mean(), "plug-in learner")


def decompose_bias(data: CausalData, truth: Truth) -> pd.Series:
    """The naive difference as a sum of three parts, exact in the sample of drawn potential outcomes.

    naive = ATE + (E[Y0|D=1] - E[Y0|D=0]) + (1 - p)(ATT - ATC), every mean over the sample's rows, in outcome
    units: the effect, the selection bias, and the part due to who responds more.
    """
    d, y0, y1 = data.d == 1, truth.observed_control, truth.observed_treated
    gain = y1 - y0
    att, atc = gain[d].mean(), gain[~d].mean()
    parts = {
        "ATE": gain.mean(),
        "selection bias": y0[d].mean() - y0[~d].mean(),
        "(1 - p)(ATT - ATC)": (1 - d.mean()) * (att - atc),
        "naive difference": data.y[d].mean() - data.y[~d].mean(),
    }
    return pd.Series(parts, name=data.outcome)


def _estimate(data: CausalData, value: float, influence: NDArray, method: str) -> Estimate:
    return from_influence(value, influence, data.clusters, estimand="ATE", method=method, outcome=data.outcome)


def _standardised(x: NDArray) -> NDArray[np.float64]:
    return StandardScaler().fit_transform(x.astype(float))


def _logit_propensity(data: CausalData) -> NDArray[np.float64]:
    """In-sample propensities of a logistic regression on all covariates."""
    model = make_pipeline(StandardScaler(), LogisticRegression(C=1.0, max_iter=1000))
    return model.fit(data.x, data.d).predict_proba(data.x)[:, 1]
