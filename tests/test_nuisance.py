"""Cross-fitting predicts each row from models that never saw it, the same way every time."""

import numpy as np
import pandas as pd
import pytest
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.dummy import DummyClassifier, DummyRegressor
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss
from threadpoolctl import threadpool_info, threadpool_limits

import tutorial_pkg as tp
from tutorial_pkg.nuisance import NUISANCES

SIMPLE = tp.learners.Learners(LinearRegression(), LogisticRegression(solver="liblinear"))
ROLES = {"outcome": "sales", "treatment": "followed", "covariates": ["size", "kind"]}


def equal(one, other):
    return all(np.array_equal(getattr(one, name), getattr(other, name)) for name in NUISANCES)


def test_predictions_are_those_of_models_fitted_on_the_other_folds(table):
    data = tp.CausalData(table, **ROLES)
    nuisances = tp.cross_fit(data, SIMPLE, n_folds=4)
    for train, test in nuisances.folds[0]:
        treated, control = train[data.d[train] == 1], train[data.d[train] == 0]
        expected = {
            "outcome": LinearRegression().fit(data.x[train], data.y[train]).predict(data.x[test]),
            "outcome_treated": LinearRegression().fit(data.x[treated], data.y[treated]).predict(data.x[test]),
            "outcome_control": LinearRegression().fit(data.x[control], data.y[control]).predict(data.x[test]),
            "propensity": LogisticRegression(solver="liblinear")
            .fit(data.x[train], data.d[train])
            .predict_proba(data.x[test])[:, 1],
        }
        for name, values in expected.items():
            np.testing.assert_allclose(getattr(nuisances, name)[test, 0], values, rtol=1e-10)


@pytest.mark.parametrize("preset", ["linear", "boosted_trees"])
def test_results_depend_neither_on_n_jobs_nor_on_the_run(market, preset):
    learners = getattr(tp.learners, preset)()
    runs = [tp.cross_fit(market.data, learners, n_folds=2, n_jobs=jobs) for jobs in (1, 2, -1)]
    assert equal(runs[0], runs[1])
    assert equal(runs[0], runs[2])


def test_the_seed_also_reaches_learners_without_a_seed_of_their_own(market):
    forest = tp.learners.Learners(
        RandomForestRegressor(10, min_samples_leaf=20), RandomForestClassifier(10, min_samples_leaf=20)
    )
    one, same, other = (tp.cross_fit(market.data, forest, n_folds=2, seed=s) for s in (0, 0, 1))
    assert equal(one, same)
    assert not equal(one, other)


def test_folds_keep_clusters_whole_and_arms_balanced(market):
    nuisances = tp.cross_fit(market.data, SIMPLE, n_repeats=2)
    assert len(nuisances.folds) == 2
    for repeat in nuisances.folds:
        tested = np.sort(np.concatenate([test for _, test in repeat]))
        assert np.array_equal(tested, np.arange(market.data.n_rows))
        for train, test in repeat:
            assert not np.intersect1d(market.data.clusters[train], market.data.clusters[test]).size
            assert market.data.d[test].mean() == pytest.approx(market.data.d.mean(), abs=0.03)


class Threads(RegressorMixin, BaseEstimator):
    """A regressor that predicts how many threads the libraries below it may use."""

    def fit(self, x, y):
        self.n_threads_ = max(pool["num_threads"] for pool in threadpool_info())
        return self

    def predict(self, x):
        return np.full(len(x), float(self.n_threads_))


def test_learners_run_on_one_thread_whatever_is_set_outside(table):
    data = tp.CausalData(table, **ROLES)
    with threadpool_limits(2):
        assert Threads().fit(data.x, data.y).n_threads_ == 2
        nuisances = tp.cross_fit(data, tp.learners.Learners(Threads(), SIMPLE.propensity), n_folds=2, n_jobs=1)
    assert (nuisances.outcome == 1).all()


def test_losses_are_those_of_their_formulas(market):
    repeated = tp.cross_fit(market.data, SIMPLE, n_folds=2, n_repeats=2)
    y, d = market.data.y, market.data.d
    found = repeated.losses
    m, g1 = repeated.propensity.mean(axis=1), repeated.outcome_treated.mean(axis=1)
    assert found.loc["outcome_treated", "loss"] == pytest.approx(np.mean((y - g1)[d == 1] ** 2))
    assert found.loc["outcome_treated", "constant's loss"] == pytest.approx(y[d == 1].var())
    assert found.loc["outcome_control", "constant's loss"] == pytest.approx(y[d == 0].var())
    assert found.loc["outcome", "loss"] == pytest.approx(np.mean((y - repeated.outcome.mean(axis=1)) ** 2))
    assert found.loc["propensity", "loss"] == pytest.approx(log_loss(d, m))
    assert found.loc["propensity", "constant's loss"] == pytest.approx(log_loss(d, np.full(len(d), d.mean())))
    share = 1 - found.loc["outcome", "loss"] / y.var()
    assert found.loc["outcome", "share explained"] == pytest.approx(share)
    assert list(found["seconds"]) == [repeated.seconds[name] for name in NUISANCES]


def test_predictions_from_elsewhere_are_taken_as_they_are(market):
    t = market.truth
    known = tp.Nuisances.given(market.data, t.outcome_control, t.outcome_treated, t.propensity)
    assert known.n_repeats == 1
    assert np.array_equal(known.propensity[:, 0], t.propensity)
    assert np.allclose(known.outcome[:, 0], t.outcome_control + t.propensity * t.cate)
    assert not np.shares_memory(known.propensity, t.propensity)
    assert repr(known) == "Nuisances of units_30d and aligned, given"
    with pytest.raises(ValueError, match="between 0 and 1"):
        tp.Nuisances.given(market.data, t.outcome_control, t.outcome_treated, 1.5 * t.propensity)
    with pytest.raises(ValueError, match="between 0 and 1"):
        tp.Nuisances.given(market.data, t.outcome_control, t.outcome_treated, t.propensity - 0.5)
    assert list(known.losses["seconds"]) == [0.0] * 4
    whole = tp.Nuisances.given(market.data, np.zeros(2_000, int), np.ones(2_000, int), t.propensity)
    assert whole.outcome_treated.dtype == float
    for wrong in (t.propensity[:-1], np.where(market.data.d == 1, np.nan, 0.5), t.propensity[:, None]):
        with pytest.raises(ValueError, match="propensity needs one finite number for each of the 2,000 rows"):
            tp.Nuisances.given(market.data, t.outcome_control, t.outcome_treated, wrong)


def test_given_folds_are_used(market):
    first = tp.cross_fit(market.data, SIMPLE, seed=3)
    assert equal(first, tp.cross_fit(market.data, SIMPLE, folds=first.folds))


def test_another_outcome_takes_over_folds_and_propensity(market):
    first = tp.cross_fit(market.data, SIMPLE)
    second = tp.cross_fit(market.data.with_outcome("clicks_30d"), reuse=first)
    alone = tp.cross_fit(market.data.with_outcome("clicks_30d"), SIMPLE)
    assert equal(second, alone)
    assert second.seconds["propensity"] == 0
    assert not np.shares_memory(second.propensity, first.propensity)


def test_losses_compare_each_model_with_a_constant(nuisances):
    assert list(nuisances.losses.index) == list(NUISANCES)
    assert (nuisances.losses["share explained"] > 0.05).all()
    assert repr(nuisances).startswith("Nuisances of units_30d and aligned, 5 folds, ")


def test_missing_values_go_where_the_learner_takes_them(table):
    table.loc[table.index[:20], "size"] = np.nan
    data = tp.CausalData(table, **ROLES)
    with pytest.raises(ValueError, match=r"'size' is missing in 20 rows .*LinearRegression"):
        tp.cross_fit(data, SIMPLE)
    for preset in (tp.learners.linear(), tp.learners.boosted_trees()):
        assert np.isfinite(tp.cross_fit(data, preset, n_folds=2).outcome).all()


@pytest.mark.parametrize("wrong", [tp.learners.linear, LinearRegression(), (LinearRegression(), LogisticRegression())])
def test_what_is_no_pair_of_learners_is_refused(table, wrong):
    with pytest.raises(ValueError, match=r"is no pair of learners; pass tp\.learners\.Learners"):
        tp.cross_fit(tp.CausalData(table, **ROLES), wrong)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({"n_folds": 1}, "n_folds=1"),
        ({"n_repeats": 0}, "n_repeats=0"),
        ({"n_folds": 90}, "'followed' has only"),
        ({"seed": None}, "seed=None"),
        ({"n_folds": 2.0}, "n_folds=2.0"),
        ({"folds": []}, "row positions"),
        ({"folds": [(np.arange(100), np.arange(100, 200))]}, "row positions"),
        ({"folds": [[(np.arange(100.0), np.arange(100, 200))]]}, "row positions"),
        ({"folds": [[(np.arange(-100, 0), np.arange(200))]]}, "row positions"),
        ({"folds": [[(np.arange(100), np.arange(100, 150))]]}, "exactly once"),
        ({"folds": [[(np.arange(200), np.arange(100)), (np.arange(100), np.arange(100, 200))]]}, "keep train and test"),
    ],
)
def test_what_cannot_be_fitted_is_refused_before_any_work(table, arguments, words):
    with pytest.raises(ValueError, match=words):
        tp.cross_fit(tp.CausalData(table, **ROLES), **({"learners": SIMPLE} | arguments))


def test_too_few_clusters_are_refused(table):
    data = tp.CausalData(table.assign(seller=np.arange(200) % 3), **ROLES, cluster="seller")
    with pytest.raises(ValueError, match="'seller' has 3 values, fewer than the 5 folds"):
        tp.cross_fit(data, SIMPLE)


def test_folds_that_divide_a_cluster_are_refused(table):
    data = tp.CausalData(table, **ROLES, cluster="seller")
    even, odd = np.arange(0, 200, 2), np.arange(1, 200, 2)
    with pytest.raises(ValueError, match="divides a cluster of 'seller'"):
        tp.cross_fit(data, SIMPLE, folds=[[(even, odd), (odd, even)]])


def test_a_covariate_that_gives_the_treatment_away_is_named(table):
    data = tp.CausalData(table.assign(deal=table["followed"] * 2.0 + 1), "sales", "followed", ["size", "deal"])
    with pytest.raises(ValueError, match="'deal' tells treated from untreated"):
        tp.cross_fit(data, SIMPLE)


def test_a_category_that_gives_the_treatment_away_is_named(table):
    label = np.where(table["followed"] == 1, "t", "u") + pd.Series(np.arange(200) % 2, table.index).astype(str)
    data = tp.CausalData(table.assign(label=label), "sales", "followed", ["size", "label"])
    with pytest.raises(ValueError, match="'label' tells treated from untreated"):
        tp.cross_fit(data, SIMPLE)


def test_covariates_that_together_give_the_treatment_away_are_refused(table):
    hidden = np.where(table["followed"] == 1, 5.0, -5.0) - 4 * table["size"]
    data = tp.CausalData(table.assign(hidden=hidden), "sales", "followed", ["size", "hidden"])
    with pytest.raises(ValueError, match="Together the covariates tell the treated of 'followed'"):
        tp.cross_fit(data, tp.learners.linear())


def test_a_learner_that_fails_is_named_in_one_sentence(table):
    few = table[(table["followed"] == 0) | (table["followed"].cumsum() <= 4)]
    with pytest.raises(ValueError, match=r"learners.outcome failed on E\[Y \| D=1, X\], choosing its") as caught:
        tp.cross_fit(tp.CausalData(few, **ROLES), tp.learners.linear(), n_folds=2, n_jobs=1)
    assert "\n" not in str(caught.value)


def test_an_outcome_model_without_finite_predictions_is_named(table):
    broken = tp.learners.Learners(DummyRegressor(strategy="constant", constant=np.inf), LogisticRegression())
    with pytest.raises(ValueError, match="DummyRegressor"):
        tp.cross_fit(tp.CausalData(table, **ROLES), broken, n_jobs=1)
    binary = tp.CausalData(
        table.assign(many=table["sales"] > table["sales"].median()).astype({"many": float}),
        **ROLES | {"outcome": "many"},
    )
    with pytest.raises(ValueError, match="DummyRegressor"):
        tp.cross_fit(binary, broken, n_jobs=1)


def test_rows_can_be_taken_by_position_or_mask(table):
    nuisances = tp.cross_fit(tp.CausalData(table, **ROLES), SIMPLE)
    mask = np.arange(200) % 2 == 0
    by_mask, by_position = nuisances.take(mask), nuisances.take(np.flatnonzero(mask))
    assert np.array_equal(by_mask.propensity, by_position.propensity)
    assert by_mask.data.n_rows == 100


def test_propensities_of_zero_or_one_are_refused(table):
    certain = tp.learners.Learners(LinearRegression(), DummyClassifier(strategy="most_frequent"))
    with pytest.raises(ValueError, match="propensity of treatment 'followed' is predicted as exactly 0 or 1"):
        tp.cross_fit(tp.CausalData(table, **ROLES), certain)


def test_reuse_of_other_rows_or_covariates_is_refused(table):
    first = tp.cross_fit(tp.CausalData(table, **ROLES), SIMPLE)
    with pytest.raises(ValueError, match="same rows and treatment"):
        tp.cross_fit(tp.CausalData(table.iloc[::-1], **ROLES), reuse=first)
    copy = tp.CausalData(table.copy(), **ROLES)  # not the same frame, but the same rows
    assert np.array_equal(tp.cross_fit(copy, reuse=first).propensity, first.propensity)
    with pytest.raises(ValueError, match="same covariates"):
        tp.cross_fit(tp.CausalData(table, **(ROLES | {"covariates": ["size"]})), reuse=first)
    within_arms = table.sort_values(["followed", "size"])
    sorted_by_arm = tp.cross_fit(tp.CausalData(table.sort_values("followed"), **ROLES), SIMPLE)
    with pytest.raises(ValueError, match="same rows in the same order"):
        tp.cross_fit(tp.CausalData(within_arms, **ROLES), reuse=sorted_by_arm)
    with pytest.raises(ValueError, match="brings its own folds"):
        tp.cross_fit(tp.CausalData(table, **ROLES), reuse=first, folds=tp.cross_fit(first.data, SIMPLE, seed=1).folds)
    assert equal(first, tp.cross_fit(first.data, reuse=first, folds=first.folds))


def test_a_repeated_index_changes_nothing(table):
    plain = tp.cross_fit(tp.CausalData(table, **ROLES), SIMPLE)
    repeated = tp.cross_fit(tp.CausalData(table.set_axis([7] * len(table)), **ROLES), SIMPLE)
    assert equal(plain, repeated)


def test_boosted_trees_take_a_binary_outcome(table):
    data = tp.CausalData(table.assign(sales=(table["sales"] > 1).astype(int)), **ROLES)
    nuisances = tp.cross_fit(data, tp.learners.boosted_trees(), n_folds=2)
    assert isinstance(nuisances.losses, pd.DataFrame)
    assert np.isfinite(tp.estimate_ate(nuisances).value)


def test_taken_rows_keep_their_predictions(fitted):
    rows, _ = tp.folds.split_rows(fitted.data)
    half = fitted.take(rows)
    assert np.array_equal(half.outcome, fitted.outcome[rows])
    assert sorted(np.concatenate([test for _, test in half.folds[0]])) == list(range(len(rows)))
    assert tp.estimate_ate(half).value == pytest.approx(tp.handover.aipw_signal(fitted)[:, 0][rows].mean(), abs=1e-10)


def test_losses_are_weighed_where_the_estimand_asks_the_outcome_models(table):
    """By the formula; and with the true weights, the others' squared errors are those that followers would show."""
    data = tp.CausalData(table, **ROLES)
    nuisances = tp.cross_fit(data, SIMPLE, n_folds=4)
    m, d = nuisances.propensity[:, 0].clip(0.01, 0.99), data.d
    for estimand, odds in (("ATE", 1 / (1 - m)), ("ATT", m / (1 - m))):
        squares = (data.y - nuisances.outcome_control[:, 0]) ** 2
        expected = np.sum((squares * odds)[d == 0]) / np.sum(odds[d == 0])
        assert nuisances.losses_where_used(estimand)["outcome_control"] == pytest.approx(expected)
    assert list(nuisances.losses_where_used("ATT").index) == ["outcome_control"]
    same = nuisances.losses_where_used("ATE", np.full(len(d), 0.5))
    assert same["outcome_control"] == pytest.approx(nuisances.losses.loc["outcome_control", "loss"])
    assert same["outcome_treated"] == pytest.approx(nuisances.losses.loc["outcome_treated", "loss"])
    with pytest.raises(ValueError, match="'ATC' is not known; choose ATE or ATT"):
        nuisances.losses_where_used("ATC")


@pytest.mark.parametrize("wrong", [lambda m: m[:, None], lambda m: m[:-1], lambda m: 0.5, lambda m: m + 1])
def test_weighted_losses_refuse_propensities_that_are_not_one_a_row(fitted, wrong):
    """A column would otherwise spread to a square of rows by rows, one number to all of them."""
    with pytest.raises(ValueError, match=f"one value between 0 and 1 for each of the {fitted.data.n_rows:,} rows"):
        fitted.losses_where_used("ATT", wrong(fitted.propensity[:, 0]))


def test_weighted_losses_foretell_the_errors_among_followers():
    sample = tp.simulate_sellers(20_000, seed=31, n_covariates=15)
    truth, data = sample.truth, sample.data
    off = truth.outcome_control + 0.1 * (data.frame["engagement_score"].to_numpy(float) - 50)  # worst for the keen
    known = tp.Nuisances.given(data, off, truth.outcome_treated, truth.propensity)
    chance = tp.Nuisances.given(data, truth.outcome_control, truth.outcome_treated, truth.propensity)
    error = (off - truth.outcome_control) ** 2
    for estimand, rows in (("ATE", np.ones(len(error))), ("ATT", truth.propensity)):
        added = known.losses_where_used(estimand) - chance.losses_where_used(estimand)
        assert added["outcome_control"] == pytest.approx(np.average(error, weights=rows), rel=0.25)
