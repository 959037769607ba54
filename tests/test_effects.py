"""Estimates equal both libraries to the last digit, and cover their truths."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from doubleml import DoubleMLAPO, DoubleMLData, DoubleMLIIVM, DoubleMLIRM, DoubleMLPanelData, DoubleMLPLR
from doubleml.did import DoubleMLDIDBinary
from doubleml.utils import DMLDummyClassifier, DMLDummyRegressor
from econml.dml import LinearDML
from econml.dr import LinearDRLearner
from scipy.stats import binom
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor
from sklearn.linear_model import Lasso, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils import ClassifierTags

import tutorial_pkg as tp

LINEAR = (Lasso(alpha=0.1), make_pipeline(StandardScaler(), LogisticRegression(C=0.1)))
FOREST = (
    RandomForestRegressor(20, min_samples_leaf=10, random_state=1),
    RandomForestClassifier(20, min_samples_leaf=10, random_state=1),
)

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def plain():
    """A market without clusters, as DoubleML's guides take it."""
    sample = tp.simulate_sellers(1_500, seed=3, n_covariates=20)
    d = sample.data
    # In double precision: from float32 covariates scikit-learn's linear models predict in float32, and DoubleML called
    # directly then computes part of its score in float32, which rounds in the eighth digit.
    frame = d.frame.astype(dict.fromkeys(d.covariates[1:], "float64"))
    return tp.CausalData(frame, d.outcome, d.treatment, list(d.covariates[1:]), ["weeks_of_cover"])


@pytest.fixture(scope="module", params=[LINEAR, FOREST], ids=["linear", "forest"])
def both(request, plain):
    return plain, request.param, tp.cross_fit(plain, tp.learners.Learners(*request.param), n_folds=3)


def doubleml_data(data):
    columns = list(data.covariates)
    return DoubleMLData(data.frame[[*columns, data.outcome, data.treatment]], data.outcome, data.treatment, columns)


@pytest.mark.parametrize(("score", "estimate"), [("ATE", tp.estimate_ate), ("ATTE", tp.estimate_att)])
def test_irm_equals_doubleml_called_directly(both, score, estimate):
    data, (outcome, propensity), nuisances = both
    direct = DoubleMLIRM(doubleml_data(data), outcome, propensity, score=score, draw_sample_splitting=False)
    direct.set_sample_splitting(nuisances.folds).fit()
    ours = estimate(nuisances)
    assert ours.value == pytest.approx(direct.coef[0], abs=1e-10)
    assert ours.std_error == pytest.approx(direct.se[0], abs=1e-10)
    assert ours.conf_int() == pytest.approx(tuple(direct.confint().iloc[0]), abs=1e-10)


def test_plr_equals_doubleml_and_econml_called_directly(both):
    data, (outcome, propensity), nuisances = both
    direct = DoubleMLPLR(doubleml_data(data), outcome, propensity, draw_sample_splitting=False)
    direct.set_sample_splitting(nuisances.folds).fit()
    econml = LinearDML(model_y=outcome, model_t=propensity, discrete_treatment=True, cv=nuisances.folds[0])
    econml.fit(data.y, data.d, X=None, W=data.x)
    ours = tp.estimate_plr(nuisances)
    assert ours.value == pytest.approx(direct.coef[0], abs=1e-10)
    assert ours.std_error == pytest.approx(direct.se[0], abs=1e-10)
    assert ours.value == pytest.approx(float(np.squeeze(econml.ate())), abs=1e-10)


class ByArm:
    """EconML's g(D, X) as two models, one an arm, which is what DoubleML fits."""

    def __init__(self, model):
        self.model = model

    def get_params(self, deep=True):
        return {"model": self.model}

    def fit(self, xt, y):
        from sklearn.base import clone

        arm = xt[:, -1].astype(int)
        self.arms_ = [clone(self.model).fit(xt[arm == a, :-1], y[arm == a]) for a in (0, 1)]
        return self

    def predict(self, xt):
        return np.where(xt[:, -1] == 1, *(m.predict(xt[:, :-1]) for m in self.arms_[::-1]))


def test_ate_equals_econmls_doubly_robust_learner(both):
    data, (outcome, propensity), nuisances = both
    econml = LinearDRLearner(
        model_propensity=propensity, model_regression=ByArm(outcome), min_propensity=0.01, cv=nuisances.folds[0]
    )
    econml.fit(data.y, data.d, X=None, W=data.x)
    assert tp.estimate_ate(nuisances).value == pytest.approx(float(np.squeeze(econml.ate())), abs=1e-10)


def test_repeats_are_aggregated_as_doubleml_does(plain):
    nuisances = tp.cross_fit(plain, tp.learners.Learners(*FOREST), n_folds=2, n_repeats=3)
    direct = DoubleMLIRM(doubleml_data(plain), *FOREST, n_rep=3, draw_sample_splitting=False)
    direct.set_sample_splitting(nuisances.folds).fit()
    ours = tp.estimate_ate(nuisances)
    assert ours.value == pytest.approx(direct.coef[0], abs=1e-10)
    assert ours.std_error == pytest.approx(direct.se[0], abs=1e-10)


def direct_irm(nuisances, d, control, treated, propensity, **options):
    """DoubleML's model of predictions in hand, built here from its documentation."""
    frame = pd.DataFrame({"y": nuisances.data.y, "d": d.astype(float), "x": 0.0})
    parts = (DMLDummyRegressor(), DMLDummyClassifier())
    model = DoubleMLIRM(DoubleMLData(frame, "y", "d", "x"), *parts, draw_sample_splitting=False, **options)
    model.set_sample_splitting([nuisances.folds[0]])
    return model.fit(external_predictions={"d": {"ml_g0": control, "ml_g1": treated, "ml_m": propensity}})


def predictions(nuisances):
    return nuisances.outcome_control, nuisances.outcome_treated, nuisances.propensity


def test_the_atc_is_doublemls_atte_with_the_arms_exchanged(both):
    _, _, n = both
    direct = direct_irm(n, 1 - n.data.d, n.outcome_treated, n.outcome_control, 1 - n.propensity, score="ATTE")
    ours = tp.estimate_atc(n)
    assert (ours.estimand, ours.value) == ("ATC", pytest.approx(-direct.coef[0], abs=1e-10))
    assert ours.std_error == pytest.approx(direct.se[0], abs=1e-10)


def test_the_ate_is_made_of_att_and_atc(nuisances):
    ate, att, atc = (e(nuisances, 1e-4) for e in (tp.estimate_ate, tp.estimate_att, tp.estimate_atc))
    share = nuisances.data.d.mean()
    assert ate.value == pytest.approx(share * att.value + (1 - share) * atc.value, abs=1e-10)
    parts = share * att.influence + (1 - share) * atc.influence + (att.value - atc.value) * (nuisances.data.d - share)
    np.testing.assert_allclose(ate.influence, parts, atol=1e-8)


def test_weighted_rows_are_doublemls(both):
    _, _, n = both
    w = np.exp(np.random.default_rng(0).normal(size=n.data.n_rows))
    w[:50] = 0
    direct = direct_irm(n, n.data.d, *predictions(n), weights=w / w.mean())
    ours = tp.estimate_ate(n, weights=w)
    assert (ours.value, ours.std_error) == pytest.approx((direct.coef[0], direct.se[0]), abs=1e-10)
    assert "weighted" in ours.method
    assert tp.estimate_plr(n, np.ones(len(w))).value == pytest.approx(tp.estimate_plr(n).value)
    y, d = n.data.y - n.outcome[:, 0], n.data.d - n.propensity[:, 0]
    assert tp.estimate_plr(n, w).value == pytest.approx(np.sum(w * d * y) / np.sum(w * d * d))


@pytest.mark.parametrize("estimate", [tp.estimate_ate, tp.estimate_att, tp.estimate_atc])
def test_the_names_of_a_column_or_its_values_weigh_alike_and_their_scale_is_nothing(nuisances, estimate):
    column = nuisances.data.frame["weeks_of_cover"]
    named, given = estimate(nuisances, weights="weeks_of_cover"), estimate(nuisances, weights=7.0 * column)
    assert (named.value, named.std_error) == pytest.approx((given.value, given.std_error), rel=1e-5)
    assert abs(named.value - estimate(nuisances).value) > 1e-3


def test_groups_of_the_treated_are_doublemls_weighted_atte_and_those_of_the_untreated_the_rest(both):
    data, _, n = both
    much = (data.frame["weeks_of_cover"] > 24).to_numpy()
    labels = pd.Series(np.where(much, "much", "little"), index=data.frame.index)
    direct = direct_irm(n, data.d, *predictions(n), score="ATTE", weights=much.astype(float))
    treated = tp.estimate_gate(n, labels, estimand="ATT")["much"]
    assert (treated.estimand, treated.value) == ("GATT", pytest.approx(direct.coef[0], abs=1e-10))
    assert treated.std_error == pytest.approx(direct.se[0], rel=1e-2)  # DoubleML takes the group's size as known
    whole, rest = (tp.estimate_gate(n, labels, 1e-4, e)["much"].value for e in ("ATE", "ATC"))
    share = data.d[much].mean()
    assert whole == pytest.approx(share * tp.estimate_gate(n, labels, 1e-4, "ATT")["much"].value + (1 - share) * rest)


def test_groups_of_the_weighted_rows_average_to_the_weighted_effect(nuisances):
    w = nuisances.data.frame["weeks_of_cover"].to_numpy(float)
    kind = nuisances.data.frame["product_category"].to_numpy()
    groups = tp.estimate_gate(nuisances, "product_category", weights=w)
    parts = [g.value * w[kind == g.label].sum() / w.sum() for g in groups]
    assert sum(parts) == pytest.approx(tp.estimate_ate(nuisances, weights=w).value)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ("nowhere", "not a column"),
        ([1.0, 2.0], "one finite number"),
        (-1.0, "from 0 on"),
        (0.0, "from 0 on"),
        (np.nan, "one finite number"),
    ],
)
def test_unusable_weights_are_refused(nuisances, weights, words):
    weights = np.full(nuisances.data.n_rows, weights) if isinstance(weights, float) else weights
    with pytest.raises(ValueError, match=words):
        tp.estimate_ate(nuisances, weights=weights)


def test_weights_in_another_order_or_without_a_group_are_refused(nuisances):
    data = nuisances.data
    with pytest.raises(ValueError, match="another index"):
        tp.estimate_att(nuisances, weights=data.frame["weeks_of_cover"].sort_values())
    with pytest.raises(ValueError, match="group 'toys' without rows"):
        tp.estimate_gate(nuisances, "product_category", weights=data.frame["product_category"] != "toys")
    with pytest.raises(ValueError, match="estimand='PLR'"):
        tp.estimate_gate(nuisances, "product_category", estimand="PLR")


def test_the_base_of_per_cents_is_doublemls_average_potential_outcome(nuisances):
    n = nuisances
    frame = pd.DataFrame({"y": n.data.y, "d": n.data.d.astype(float), "x": 0.0})
    direct = DoubleMLAPO(
        DoubleMLData(frame, "y", "d", "x"), DMLDummyRegressor(), DMLDummyClassifier(), 0, draw_sample_splitting=False
    )
    direct.set_sample_splitting([n.folds[0]])
    given = {"ml_g_d_lvl0": n.outcome_treated, "ml_g_d_lvl1": n.outcome_control, "ml_m": 1 - n.propensity}
    direct.fit(external_predictions={"d": given})
    ate, found = tp.estimate_ate(n), tp.estimate_percent(n)
    assert found.value == pytest.approx(100 * ate.value / direct.coef[0])
    pull = -direct.psi[:, 0, 0] / direct.psi_deriv[:, 0, 0].mean()
    expected = 100 * (ate.influence / direct.coef[0] - ate.value / direct.coef[0] ** 2 * pull)
    np.testing.assert_allclose(found.influence, expected, atol=1e-7)
    assert "% of E[Y0]" in repr(found)


def test_per_cents_of_the_two_arms_have_their_own_base(nuisances):
    data, (att, atc) = nuisances.data, (e(nuisances).value for e in (tp.estimate_att, tp.estimate_atc))
    base = data.y[data.d == 1].mean() - att
    assert tp.estimate_percent(nuisances, "ATT").value == pytest.approx(100 * att / base)
    assert tp.estimate_percent(nuisances, "ATC").value == pytest.approx(100 * atc / data.y[data.d == 0].mean())


def test_per_cents_of_nothing_are_refused(table):
    data = tp.CausalData(table.assign(sales=table["sales"] - 5), "sales", "followed", ["size", "kind"])
    with pytest.raises(ValueError, match="not clearly above zero"):
        tp.estimate_percent(tp.cross_fit(data, tp.learners.linear(), n_folds=2, n_jobs=1))


def test_groups_equal_doublemls_gate(both):
    data, (outcome, propensity), nuisances = both
    labels = pd.Series(np.where(data.frame["weeks_of_cover"] > 24, "much", "little"), index=data.frame.index)
    direct = DoubleMLIRM(doubleml_data(data), outcome, propensity, draw_sample_splitting=False)
    direct.set_sample_splitting(nuisances.folds).fit()
    gate = direct.gate(pd.get_dummies(labels))
    ours = tp.estimate_gate(nuisances, labels)
    assert ours["little"].value == pytest.approx(gate.summary.loc["little", "coef"], abs=1e-10)
    assert ours["much"].value == pytest.approx(gate.summary.loc["much", "coef"], abs=1e-10)
    assert ours["much"].std_error == pytest.approx(gate.summary.loc["much", "std err"], rel=0.01)


def test_groups_average_to_the_ate(nuisances):
    groups = tp.estimate_gate(nuisances, "product_category")
    share = nuisances.data.frame["product_category"].value_counts(normalize=True)
    assert sum(g.value * share[g.label] for g in groups) == pytest.approx(tp.estimate_ate(nuisances).value, abs=1e-10)


def test_the_type_of_the_labels_does_not_matter(nuisances):
    labels = nuisances.data.frame["product_category"]
    plain, *others = (tp.estimate_gate(nuisances, labels.astype(t)).tidy() for t in (object, "string", "category"))
    for other in others:
        pd.testing.assert_frame_equal(plain, other)


def test_clustered_errors_agree_with_doublemls(market, nuisances):
    data = market.data
    frame = pd.DataFrame({"y": data.y, "d": data.d.astype(float), "x": 0.0, "c": data.clusters})
    for score, estimate in (("ATE", tp.estimate_ate), ("ATTE", tp.estimate_att)):
        direct = DoubleMLIRM(
            DoubleMLData(frame, "y", "d", "x", cluster_cols="c"),
            DMLDummyRegressor(),
            DMLDummyClassifier(),
            score=score,
            draw_sample_splitting=False,
        )
        clusters = [([np.unique(data.clusters[a])], [np.unique(data.clusters[b])]) for a, b in nuisances.folds[0]]
        direct.set_sample_splitting([nuisances.folds[0]], [clusters])
        names = {"ml_g0": "outcome_control", "ml_g1": "outcome_treated", "ml_m": "propensity"}
        direct.fit(external_predictions={"d": {k: getattr(nuisances, v) for k, v in names.items()}})
        ours = estimate(nuisances)
        assert ours.std_error == pytest.approx(direct.se[0], rel=1e-2)
        assert abs(ours.value - direct.coef[0]) < 0.02 * ours.std_error


@pytest.mark.parametrize("clipping", [0, 0.5, -1])
def test_impossible_clipping_is_refused(nuisances, clipping):
    with pytest.raises(ValueError, match="clipping"):
        tp.estimate_ate(nuisances, clipping=clipping)


def test_unusable_groups_are_refused(nuisances):
    n = nuisances.data.n_rows
    index = nuisances.data.frame.index
    for groups, words in [
        ("nowhere", "'nowhere' is not a column"),
        (pd.Series(["a"] * 5), "5 labels for"),
        (pd.Series([None, *["a"] * (n - 1)], index=index, name="band"), "'band' has no label in 1 rows"),
        (pd.Series(["rare", *["a"] * (n - 1)], index=index, name="band"), "Group 'rare' of 'band'"),
        (pd.Series(["a"] * n, index=range(1, n + 1), name="band"), "another index"),
        (pd.Series([1, "1"] * (n // 2), index=index, name="band"), "'band' has different labels that read alike"),
    ]:
        with pytest.raises(ValueError, match=words):
            tp.estimate_gate(nuisances, groups)


@pytest.mark.slow
def test_average_effects_cover_their_truths():
    """60 markets: a 95% interval covers too few of them, by this bound, once in 500 times."""
    n_markets, covered = 60, Counter()
    for seed in range(n_markets):
        sample = tp.simulate_sellers(1_000, seed=1_000 + seed, n_covariates=15)
        truth, cover = sample.truth, sample.data.frame["weeks_of_cover"].to_numpy(float)
        nuisances = tp.cross_fit(sample.data, tp.learners.linear(), n_folds=4, n_jobs=1, progress=False)
        base = np.mean(truth.outcome_control)
        found = {
            "ate": (tp.estimate_ate(nuisances), truth.ate),
            "att": (tp.estimate_att(nuisances), truth.att),
            "atc": (tp.estimate_atc(nuisances), truth.atc),
            "plr": (tp.estimate_plr(nuisances), truth.plr),
            "weighted": (tp.estimate_ate(nuisances, weights=cover), np.average(truth.cate, weights=cover)),
            "per cent": (tp.estimate_percent(nuisances), 100 * truth.sample.ate / base),
        }
        covered.update({name: estimate.covers(target) for name, (estimate, target) in found.items()})
    assert {name: n for name, n in covered.items() if n < binom.ppf(0.002, n_markets, 0.95)} == {}


def test_groups_are_clustered_means_of_the_clipped_signal_and_medians_over_repeats(market):
    data, clipping = market.data, 0.25
    repeated = tp.cross_fit(data, tp.learners.linear(), n_folds=2, n_repeats=3)
    toys = (data.frame["product_category"] == "toys").to_numpy()
    values, errors = [], []
    for r in range(3):
        m = np.clip(repeated.propensity[:, r], clipping, 1 - clipping)
        g0, g1, y, d = repeated.outcome_control[:, r], repeated.outcome_treated[:, r], data.y, data.d
        signal = g1 - g0 + d * (y - g1) / m - (1 - d) * (y - g0) / (1 - m)
        values.append(signal[toys].mean())
        sums = pd.Series(np.where(toys, signal - values[-1], 0.0)).groupby(data.clusters).sum()
        errors.append(np.sqrt((sums**2).sum()) / toys.sum())
    found = tp.estimate_gate(repeated, "product_category", clipping)["toys"]
    value = np.median(values)
    assert found.value == pytest.approx(value)
    assert found.std_error == pytest.approx((np.median(np.add(values, 1.96 * np.array(errors))) - value) / 1.96)
    assert (found.estimand, found.family, found.label, len(found.splits)) == ("GATE", "dml", "toys", 3)


@pytest.mark.parametrize("estimate", [tp.estimate_ate, tp.estimate_att])
def test_clipping_reaches_the_score(nuisances, estimate):
    clipped = np.clip(nuisances.propensity, 0.3, 0.7)
    assert estimate(nuisances, 0.3).value == pytest.approx(estimate(replace(nuisances, propensity=clipped), 0.1).value)
    assert abs(estimate(nuisances, 0.3).value - estimate(nuisances).value) > 1e-3


# --- second opinions --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def coin():
    """A coin decides who sees a message, nobody follows unseen, and a hidden trait moves followers' sales."""
    sample = tp.simulate_sellers(3_000, seed=8, n_covariates=15, hidden=1.0)
    z = np.random.default_rng(0).integers(0, 2, sample.data.n_rows)
    d, t = z * sample.data.d, sample.truth
    columns = list(sample.data.covariates[1:])
    frame = sample.data.frame.astype(dict.fromkeys(columns, "float64"))
    frame = frame.assign(sees=z, aligned=d, units_30d=np.where(d == 1, t.observed_treated, t.observed_control))
    plain = tp.CausalData(frame, "units_30d", "sees", columns)
    return sample, plain


def both_by_the_coin(data, learners=None, **options):
    outcome = tp.cross_fit(data, learners or tp.learners.linear(), n_folds=2, n_jobs=1, **options)
    return outcome, tp.cross_fit(replace(data, outcome="aligned"), reuse=outcome, n_jobs=1)


class Probability(Lasso):
    """A lasso that passes for a classifier, so that DoubleML fits it to the decision as it is fitted here."""

    _estimator_type = "classifier"
    classes_ = np.array([0, 1])

    def __sklearn_tags__(self):
        tags = super().__sklearn_tags__()
        tags.estimator_type, tags.regressor_tags, tags.classifier_tags = "classifier", None, ClassifierTags()
        return tags

    def predict_proba(self, x):
        p = np.clip(self.predict(x), 0.0, 1.0)
        return np.column_stack([1 - p, p])


@pytest.mark.parametrize("two_sided", [False, True])
def test_late_equals_doubleml_fitted_itself(coin, two_sided):
    _, data = coin
    if two_sided:  # some follow what they have not seen
        unseen = (data.d == 0) & (np.arange(data.n_rows) % 7 == 0)
        data = replace(data, frame=data.frame.assign(aligned=np.where(unseen, 1, data.frame["aligned"])))
    lasso, chance = Lasso(alpha=0.1), LINEAR[1]
    outcome, decision = both_by_the_coin(data, tp.learners.Learners(lasso, chance))
    table = DoubleMLData(data.frame, "units_30d", "aligned", list(data.covariates), z_cols="sees")
    direct = DoubleMLIIVM(
        table,
        lasso,
        chance,
        Probability(alpha=0.1),
        subgroups={"always_takers": two_sided, "never_takers": True},
        draw_sample_splitting=False,
    )
    direct.set_sample_splitting(outcome.folds).fit()
    ours = tp.estimate_late(outcome, decision)
    assert (ours.value, ours.std_error) == pytest.approx((direct.coef[0], direct.se[0]), abs=1e-9)
    assert (ours.estimand, ours.family, ours.outcome) == ("LATE", "dml", "units_30d")


def test_late_without_covariates_that_matter_is_the_wald_ratio(coin):
    """With constant predictions the doubly robust ratio is the difference of means over the share that follows."""
    _, data = coin
    y, z, d = data.y, data.d, data.frame["aligned"].to_numpy()
    means = [v[z == a].mean() * np.ones(len(z)) for v in (y, d) for a in (0, 1)]
    seen = np.full(len(z), z.mean())
    outcome = tp.Nuisances.given(data, means[0], means[1], seen)
    decision = tp.Nuisances.given(replace(data, outcome="aligned"), means[2], means[3], seen)
    wald = (y[z == 1].mean() - y[z == 0].mean()) / d[z == 1].mean()
    assert tp.estimate_late(outcome, decision).value == pytest.approx(wald, abs=1e-9)


def test_by_a_coin_a_hidden_trait_does_not_bias_and_errors_are_clustered(coin):
    sample, data = coin
    late = tp.estimate_late(*both_by_the_coin(data))
    assert late.covers(sample.truth.att)
    assert late.caution is None
    assert late.words.treatment == "aligned"
    kept = tp.estimate_late(*both_by_the_coin(replace(data, cluster="seller_id")))
    sums = np.bincount(data.frame["seller_id"], kept.influence)
    assert kept.std_error == pytest.approx(np.sqrt(np.sum(sums**2)) / data.n_rows)


def test_late_over_repeats_is_the_median(coin):
    _, data = coin
    outcome, decision = both_by_the_coin(data, n_repeats=3)
    late = tp.estimate_late(outcome, decision)
    assert late.value == pytest.approx(np.median([split.value for split in late.splits]))
    assert len({split.value for split in late.splits}) == 3


def test_an_instrument_that_moves_nothing_brings_a_caution(coin):
    _, data = coin
    rng = np.random.default_rng(1)
    idle = replace(data, frame=data.frame.assign(aligned=rng.integers(0, 2, data.n_rows)))
    assert "'sees' moves 'aligned' by" in tp.estimate_late(*both_by_the_coin(idle)).caution


def test_nuisances_that_do_not_belong_together_have_no_late(coin):
    _, data = coin
    outcome, _ = both_by_the_coin(data)
    other = tp.cross_fit(replace(data, outcome="aligned"), tp.learners.linear(), n_folds=3, n_jobs=1)
    with pytest.raises(ValueError, match="fit the second with reuse="):
        tp.estimate_late(outcome, other)
    with pytest.raises(ValueError, match="'units_30d' is the outcome of the second nuisances"):
        tp.estimate_late(outcome, outcome)


def test_difference_in_differences_by_dml_is_the_att_on_the_change():
    """DoubleML's own class, on the same folds and predictions, is the oracle of our advice to take the change."""
    sample = tp.simulate_sellers(1_000, seed=4, n_covariates=15, hidden=1.0)
    frame = sample.data.frame.assign(change=lambda f: f["units_30d"] - f["units_prev_30d"])
    data = replace(sample.data, frame=frame, outcome="change", cluster=None)
    own = tp.cross_fit(data, tp.learners.linear(), n_folds=2, n_jobs=1)
    months = [frame[["units_prev_30d", "units_30d"]].iloc[:, t].rename("y").to_frame().assign(t=t) for t in (0, 1)]
    long = pd.concat([month.assign(id=np.arange(len(frame)), g=data.d.astype(int), x=0.0) for month in months])
    panel = DoubleMLPanelData(long.reset_index(drop=True), "y", "g", id_col="id", t_col="t", x_cols="x")
    direct = DoubleMLDIDBinary(
        panel,
        g_value=1,
        t_value_pre=0,
        t_value_eval=1,
        ml_g=DMLDummyRegressor(),
        ml_m=DMLDummyClassifier(),
        in_sample_normalization=False,
        draw_sample_splitting=False,
    )
    direct.set_sample_splitting([own.folds[0]])
    given = {"ml_g0": own.outcome_control, "ml_g1": own.outcome_treated, "ml_m": own.propensity}
    direct.fit(external_predictions={"g": given})
    ours = tp.estimate_att(own)
    assert (ours.value, ours.std_error) == pytest.approx((direct.coef[0], direct.se[0]), abs=1e-10)
