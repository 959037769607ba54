"""Settings are chosen once a nuisance, and no test row's outcome enters the fit that predicts it."""

import warnings

import numpy as np
import pytest
from glum import GeneralizedLinearRegressorCV
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.compose import TransformedTargetRegressor
from sklearn.ensemble import RandomForestRegressor
from sklearn.feature_selection import RFECV
from sklearn.linear_model import (
    ElasticNetCV,
    Lasso,
    LassoCV,
    LassoLarsCV,
    LogisticRegression,
    LogisticRegressionCV,
    OrthogonalMatchingPursuitCV,
    Ridge,
    RidgeCV,
)
from sklearn.model_selection import GridSearchCV, RandomizedSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tutorial_pkg as tp
from tutorial_pkg.boosting import Binned, BoostedRegressor
from tutorial_pkg.choosing import choose, chooses
from tutorial_pkg.lines import Logistic
from tutorial_pkg.nuisance import NUISANCES


@pytest.fixture(scope="module")
def rows():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(300, 6))
    y = x[:, 0] + rng.normal(size=300)
    return x, y, (y > 0).astype(int)


SEARCHES = {
    "LassoCV": LassoCV(),
    "LassoCV, told that it may": LassoCV(precompute=False, tol=1e-6),
    "ElasticNetCV": ElasticNetCV(l1_ratio=[0.5, 0.9]),
    "RidgeCV": RidgeCV(),
    "LassoLarsCV": LassoLarsCV(),
    "OrthogonalMatchingPursuitCV": OrthogonalMatchingPursuitCV(),
    "glum": GeneralizedLinearRegressorCV(l1_ratio=1, n_alphas=5),
    "grid": GridSearchCV(Lasso(), {"alpha": [0.01, 0.1]}),
    "grid of two scores": GridSearchCV(
        Lasso(), {"alpha": [0.01, 0.1]}, refit="a", scoring={"a": "r2", "b": "neg_mean_squared_error"}
    ),
    "random": RandomizedSearchCV(Ridge(), {"alpha": [1, 1e3]}, n_iter=2),
    "search of a search": GridSearchCV(LassoCV(), {"eps": [1e-2, 1e-3]}),
    "pipeline": make_pipeline(StandardScaler(), LassoCV()),
    "transformed": TransformedTargetRegressor(LassoCV(), transformer=StandardScaler()),
}


@pytest.mark.parametrize("name", SEARCHES)
def test_the_chosen_learner_fits_as_the_one_that_chose(name, rows):
    x, y, _ = rows
    model = SEARCHES[name]
    chosen = choose(model, x, y)
    assert chooses(model)
    assert not chooses(chosen)
    np.testing.assert_allclose(chosen.fit(x, y).predict(x), model.fit(x, y).predict(x), atol=2e-3)


@pytest.mark.parametrize("model", [LogisticRegressionCV(Cs=4, scoring="neg_log_loss", l1_ratios=(0,)), Logistic()])
def test_so_do_classifiers(model, rows):
    x, _, d = rows
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", FutureWarning)
        chosen = choose(model, x, d)
        expected = model.fit(x, d).predict_proba(x)
    assert not isinstance(chosen, LogisticRegressionCV)
    np.testing.assert_allclose(chosen.fit(x, d).predict_proba(x), expected, atol=2e-3)


@pytest.mark.parametrize("model", [Ridge(), RandomForestRegressor(5), RFECV(Ridge()), LogisticRegression()])
def test_a_learner_without_settings_to_choose_is_left_alone(model, rows):
    assert not chooses(model)
    assert choose(model, rows[0], rows[1]) is model


class Spy(RegressorMixin, BaseEstimator):
    """Predicts the mean; keeps the outcomes of every fit, and of the one choice."""

    seen, chosen_on = [], []

    def __init__(self, settled=False):
        self.settled = settled

    def choose(self, x, y):
        Spy.chosen_on.append(len(y))
        return Spy(settled=True)

    def fit(self, x, y):
        Spy.seen.append((self.settled, set(y)))
        self.mean_ = y.mean()
        return self

    def predict(self, x):
        return np.full(len(x), self.mean_)


@pytest.mark.parametrize("in_folds", [False, True])
def test_settings_are_chosen_once_a_nuisance_unless_asked_for_in_every_fold(plain, in_folds):
    Spy.seen, Spy.chosen_on = [], []
    learners = tp.learners.Learners(Spy(), LogisticRegression())
    nuisances = tp.cross_fit(plain, learners, n_folds=3, n_repeats=2, n_jobs=1, tune_on_folds=in_folds)
    arms = [plain.n_rows, int((plain.d == 0).sum()), int((plain.d == 1).sum())]
    assert sorted(Spy.chosen_on) == ([] if in_folds else sorted(arms))
    assert len(Spy.seen) == 3 * 3 * 2
    assert {settled for settled, _ in Spy.seen} == {not in_folds}
    assert set(nuisances.chosen) == set(NUISANCES)
    assert nuisances.chosen["outcome"].settled is not in_folds


def test_no_outcome_of_a_test_row_enters_the_fit_that_predicts_it(plain):
    Spy.seen = []
    frame = plain.frame.assign(**{plain.outcome: np.arange(plain.n_rows, dtype=float)})  # an outcome tells its row
    data = tp.CausalData(frame, plain.outcome, plain.treatment, plain.covariates)
    nuisances = tp.cross_fit(data, tp.learners.Learners(Spy(), LogisticRegression()), n_folds=3, n_jobs=1)
    fitted_on = [rows for _, rows in Spy.seen[-3:]]  # E[Y | X] is fitted last, on rows of both arms
    for (train, test), rows in zip(nuisances.folds[0], fitted_on):
        assert rows == set(train)
        assert not rows & set(test)


def test_boosted_trees_of_a_fold_do_not_know_its_outcomes(market):
    """With the settings given, other outcomes in the test rows change nothing of what is predicted there."""
    data = market.data
    chosen = tp.cross_fit(data, n_folds=2, n_jobs=1).chosen
    fixed = tp.learners.Learners(chosen["outcome"], chosen["propensity"])
    nuisances = tp.cross_fit(data, fixed, n_folds=2, n_jobs=1)
    test = nuisances.folds[0][0][1]
    y = data.y.copy()
    y[test] = y[test][::-1]
    other = tp.CausalData(data.frame.assign(y=y), "y", data.treatment, data.covariates, cluster=data.cluster)
    again = tp.cross_fit(other, fixed, reuse=nuisances, n_jobs=1)
    assert np.array_equal(again.outcome[test], nuisances.outcome[test])
    rest = np.setdiff1d(np.arange(data.n_rows), test)
    assert not np.array_equal(again.outcome[rest], nuisances.outcome[rest])


def test_rows_share_bins_in_any_order_and_predict_as_arrays_do(market):
    x, y = market.data.x, market.data.y
    rows = np.random.default_rng(0).permutation(len(y))[:1500]
    settled = BoostedRegressor("mean", objective="regression", n_trees=30)
    shared = Binned(x)
    shuffled = settled.fit(shared[rows], y[rows]).predict(shared[rows])
    ordered = settled.fit(shared[np.sort(rows)], y[np.sort(rows)]).predict(x[rows])
    np.testing.assert_allclose(shuffled, ordered, rtol=1e-12)


@pytest.mark.parametrize("preset", ["linear", "boosted_trees"])
def test_an_outcome_of_zeros_and_ones_is_predicted_within_them(market, preset):
    data = market.data
    sold = (data.y > np.quantile(data.y, 0.9)).astype(float)
    binary = tp.CausalData(data.frame.assign(sold=sold), "sold", data.treatment, data.covariates)
    nuisances = tp.cross_fit(binary, getattr(tp.learners, preset)(), n_folds=2, n_jobs=1)
    for name in ("outcome", "outcome_control", "outcome_treated"):
        predicted = getattr(nuisances, name)
        assert predicted.min() >= 0
        assert predicted.max() <= 1
        assert predicted.std() > 0.02


def test_repeats_and_a_grid_of_presets_work_with_settings_chosen_once(plain):
    learners = tp.learners.best_of(tp.learners.linear(), tp.learners.boosted_trees("mean", max_trees=20))
    nuisances = tp.cross_fit(plain, learners, n_folds=2, n_repeats=2, n_jobs=1)
    assert not isinstance(nuisances.chosen["outcome"], GridSearchCV)
    assert np.isfinite(tp.estimate_ate(nuisances).value)
