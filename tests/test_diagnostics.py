"""Each check passes where nothing is wrong and fails where something is."""

import pickle
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.dummy import DummyRegressor
from sklearn.linear_model import LogisticRegression

import tutorial_pkg as tp
from tutorial_pkg import diagnostics

LINES = tp.learners.linear()


@pytest.fixture(scope="module")
def repeated(market):
    return tp.cross_fit(market.data, tp.learners.linear(), n_folds=3, n_repeats=3, progress=False)


def test_a_sound_analysis_passes_every_check():
    data = tp.simulate_sellers(4_000, seed=12, n_covariates=15, selection=0.5).data  # far from every limit
    nuisances = tp.cross_fit(data, n_folds=3, n_repeats=3, progress=False)
    checks = diagnostics.all_checks(nuisances, placebo_outcome="units_prev_30d")
    assert len(checks) == 7
    for check in checks:
        assert check.passed, check
    table = tp.check.summarise(checks)
    assert list(table.columns) == ["grade", "finding"]


def test_every_check_reads_alike(repeated):
    for check in diagnostics.all_checks(repeated):
        assert check.sentence.endswith(".")
        assert check.name in repr(check)
        assert "<table" in check._repr_html_()
        if check.draw:
            assert check.figure().get_xlabel()
        else:
            with pytest.raises(ValueError, match="has no figure"):
                check.figure()


def test_overlap_fails_when_the_arms_have_little_in_common():
    sample = tp.simulate_sellers(3_000, seed=2, overlap=0.3, n_covariates=15)
    check = diagnostics.overlap(tp.cross_fit(sample.data, tp.learners.linear(), n_folds=3, progress=False))
    assert check.passed is False
    assert (
        check.table.loc["ATE clipped at 0.1", "share clipped"] > check.table.loc["ATE clipped at 0.01", "share clipped"]
    )


def test_effective_shares_are_those_of_the_formula(nuisances):
    m, d = nuisances.propensity[:, 0], nuisances.data.d
    table = diagnostics.overlap(nuisances, clipping=0.2).table
    for name, own in (("treated", m[d == 1]), ("untreated", 1 - m[d == 0])):
        w = 1 / np.clip(own, 0.2, 0.8)
        expected = w.sum() ** 2 / (w**2).sum() / len(w)
        assert table.loc[f"propensity of the {name}", "effective share"] == pytest.approx(expected)
        arm = m[d == (name == "treated")]
        expected = [arm.min(), np.quantile(arm, 0.01), np.median(arm), np.quantile(arm, 0.99), arm.max()]
        assert list(table.loc[f"propensity of the {name}", ["min", "1%", "median", "99%", "max"]]) == expected
    for clipping in (0.001, 0.1):
        row, ate = table.loc[f"ATE clipped at {clipping}"], tp.estimate_ate(nuisances, clipping)
        assert row["value"] == ate.value
        assert row["std_error"] == ate.std_error
        assert row["share clipped"] == np.mean((m < clipping) | (m > 1 - clipping))


def test_standardised_differences_are_those_of_the_formula(nuisances):
    x, d, m = nuisances.data.x.astype(float), nuisances.data.d, np.clip(nuisances.propensity[:, 0], 0.01, 0.99)
    column = x[:, nuisances.data.x_names.index("engagement_score")]
    scale = np.sqrt((column[d == 1].var() + column[d == 0].var()) / 2)
    weighted = [np.sum(column[own] * w[own]) / np.sum(w[own]) for own, w in ((d == 1, 1 / m), (d == 0, 1 / (1 - m)))]
    check = diagnostics.balance(nuisances)
    row = check.table.loc["engagement_score"]
    assert row["before"] == pytest.approx((column[d == 1].mean() - column[d == 0].mean()) / scale)
    assert row["after"] == pytest.approx((weighted[0] - weighted[1]) / scale)
    influence = np.where(d == 1, (column - weighted[0]) / m / (d / m).sum(), 0)
    influence -= np.where(d == 0, (column - weighted[1]) / (1 - m) / ((1 - d) / (1 - m)).sum(), 0)
    by_seller = pd.Series(influence).groupby(nuisances.data.frame["seller_id"].to_numpy()).sum()
    assert row["z"] == pytest.approx((weighted[0] - weighted[1]) / np.sqrt((by_seller**2).sum()))
    assert check.measures["largest z"] == check.table["z"].abs().max()


def test_balance_fails_when_the_propensity_model_is_empty(market, nuisances):
    empty = tp.learners.Learners(DummyRegressor(), LogisticRegression(C=1e-9))
    check = diagnostics.balance(tp.cross_fit(market.data, empty, n_folds=3))
    assert check.passed is False
    good = diagnostics.balance(nuisances)
    assert good.table["z"].abs().is_monotonic_decreasing
    assert abs(good.table.loc["engagement_score", "before"]) > 0.3
    assert abs(good.table.loc["engagement_score", "after"]) < 0.1


def test_placebo_fails_when_a_confounder_is_left_out(market):
    kept = ["product_category", "list_price", "season_index", "rating_score"]  # neither seller nor history
    blind = tp.CausalData(market.data.frame, "units_30d", "aligned", kept, cluster="seller_id")
    fitted = tp.cross_fit(blind, tp.learners.linear(), n_folds=3)
    assert diagnostics.placebo(fitted, "units_prev_30d").passed is False


def test_a_placebo_that_the_covariates_contain_is_refused(market):
    """Its window lies inside theirs: adjusted for its own parts, it shows no effect whatever is hidden."""
    data = tp.simulate_sellers(1_500, seed=3).data
    month = [f"units_sold_week_{week:02d}" for week in (1, 2, 3, 4)]
    frame = data.frame.assign(last_month=data.frame[month].sum(axis=1).astype(float))
    few = ["engagement_score", "demand_score", *month]
    inside = tp.CausalData(frame, "units_30d", "aligned", few, cluster="seller_id")
    fitted = tp.cross_fit(inside, tp.learners.linear(), n_folds=3, progress=False)
    with pytest.raises(ValueError, match=r"contain 'last_month'.*take the covariates of its window out"):
        diagnostics.placebo(fitted, "last_month")
    assert diagnostics.placebo(fitted, "units_prev_30d")  # the month that no covariate contains


@pytest.mark.slow
def test_permuted_decisions_have_no_effect(nuisances):
    passed = [bool(diagnostics.permuted(nuisances, seed=s).passed) for s in range(8)]
    assert sum(passed) >= 6  # fewer happens less than once in a hundred times


def test_sentences_tell_what_was_found(repeated, nuisances):
    sentence = diagnostics.placebo(repeated, "units_prev_30d").sentence
    assert sentence.startswith("on units_prev_30d, which the decision cannot have changed, no effect is found: ")
    overlap = diagnostics.overlap(nuisances, clipping=0.2).sentence
    m = nuisances.propensity[:, 0]
    assert f"run from {m.min():.3f} to {m.max():.3f}, {np.mean((m < 0.2) | (m > 0.8)):.1%} of the rows" in overlap
    shift = np.sort(np.abs(tp.estimate_ate(nuisances).influence))[::-1] / nuisances.data.n_rows
    largest = shift[0] / tp.estimate_ate(nuisances).std_error
    share = np.sum(shift[:20] ** 2) / np.sum(shift**2)  # the top 1% of 2,000 rows
    sentence = diagnostics.leverage(nuisances).sentence
    assert f"by {largest:.0%} of a standard error" in sentence
    assert f"make up {share:.0%} of its variance" in sentence
    spread = np.std([e.value for e in tp.estimate_ate(repeated).splits], ddof=1)
    ratio = spread / tp.estimate_ate(repeated).std_error
    assert f"standard deviation is {ratio:.0%} of a standard error" in diagnostics.stability(repeated).sentence


def test_given_predictions_cannot_be_permuted(market):
    t = market.truth
    known = tp.Nuisances.given(market.data, t.outcome_control, t.outcome_treated, t.propensity)
    with pytest.raises(ValueError, match="given, not fitted"):
        diagnostics.permuted(known)


def test_stability_needs_repeats(nuisances, repeated):
    with pytest.raises(ValueError, match="n_repeats=5"):
        diagnostics.stability(nuisances)
    assert len(diagnostics.stability(repeated, tp.estimate_att).table) == 3


def test_learners_no_better_than_a_constant_are_found_out(market):
    constant = tp.learners.Learners(DummyRegressor(), LogisticRegression(C=0.1, max_iter=500))
    assert diagnostics.nuisance_quality(tp.cross_fit(market.data, constant, n_folds=3)).passed is False


def test_a_single_row_that_carries_the_answer_is_named(market):
    frame = market.data.frame.copy()
    frame["units_30d"] = frame["units_30d"].astype(float)
    frame.loc[17, "units_30d"] = 50_000.0
    data = tp.CausalData(frame, "units_30d", "aligned", list(market.data.covariates), cluster="seller_id")
    check = diagnostics.leverage(tp.cross_fit(data, tp.learners.linear(), n_folds=3))
    assert check.passed is False
    assert check.table["row"].iloc[0] == 17
    assert isinstance(check.table, pd.DataFrame)


def test_verdicts_are_plain_and_checks_survive_pickling(repeated):
    for check in [*diagnostics.all_checks(repeated), diagnostics.placebo(repeated, "units_prev_30d")]:
        assert type(check.passed) is bool
        assert repr(pickle.loads(pickle.dumps(check))) == repr(check)


def test_a_constant_arm_has_nothing_to_explain(market):
    y = market.data.y * (market.data.d == 0)
    data = replace(market.data, frame=market.data.frame.assign(units_30d=y))
    check = diagnostics.nuisance_quality(tp.cross_fit(data, tp.learners.linear(), n_folds=3, n_jobs=1))
    assert check.passed is True
    assert check.sentence.endswith("outcome_treated has a constant outcome.")
    assert "outcome_control has" not in check.sentence


@pytest.mark.parametrize("check", [diagnostics.overlap, diagnostics.balance])
@pytest.mark.parametrize("clipping", [-1, 0.6])
def test_impossible_clipping_is_refused(nuisances, check, clipping):
    with pytest.raises(ValueError, match="clipping"):
        check(nuisances, clipping)


def test_columns_may_have_any_name(table):
    frame = table.rename(columns={"sales": "treated", "followed": 0, "size": "kind=b"})
    data = tp.CausalData(frame, "treated", 0, ["kind=b", "kind"])
    fitted = tp.cross_fit(data, tp.learners.linear(), n_folds=2, n_jobs=1)
    assert sorted(diagnostics.balance(fitted).table.index) == ["kind=a", "kind=b", "kind=b"]
    assert np.isfinite(diagnostics.permuted(fitted).table["value"]).all()
    leverage = diagnostics.leverage(fitted).table
    assert np.array_equal(leverage["treated"], data.d[leverage["row"]])
    assert np.array_equal(leverage["outcome treated"], data.y[leverage["row"]])


def test_leverage_needs_influence_values(nuisances):
    with pytest.raises(ValueError, match="no influence values"):
        diagnostics.leverage(nuisances, lambda n: tp.naive.matched(n.data))


def test_a_later_decision_shows_an_effect_where_a_trait_is_hidden(market):
    hidden = tp.simulate_sellers(2_000, seed=4, n_covariates=15, hidden=1.0).data
    assert diagnostics.placebo_treatment(tp.cross_fit(hidden, LINES, n_folds=3), "aligned_next").grade == "stop"
    sound = diagnostics.placebo_treatment(tp.cross_fit(market.data, LINES, n_folds=3), "aligned_next")
    assert abs(sound.measures["z"]) < 3.5


def test_a_placebo_treatment_is_a_column_of_its_own(nuisances):
    for name in ("aligned", "units_30d", "engagement_score", "no_such_column"):
        with pytest.raises(ValueError, match=f"'{name}' is no further column"):
            diagnostics.placebo_treatment(nuisances, name)


def test_an_answer_that_hangs_on_a_column_says_so(market):
    fitted = tp.cross_fit(market.data, LINES, n_folds=3)
    check = diagnostics.without(fitted, ["engagement_score", "demand_score"])
    kept = [name for name in market.data.covariates if name not in ("engagement_score", "demand_score")]
    short = replace(market.data, covariates=kept, effect_modifiers=())
    change = tp.estimate_ate(tp.cross_fit(short, LINES, folds=fitted.folds)) - tp.estimate_ate(fitted)
    assert check.measures["z"] == pytest.approx(change.value / change.std_error)
    assert check.grade == ("look" if abs(check.measures["z"]) > 2 else "fine")
    with pytest.raises(ValueError, match="names 'size', which is not a covariate"):
        diagnostics.without(fitted, ["size"])
    with pytest.raises(ValueError, match="holds every covariate"):
        diagnostics.without(fitted, list(market.data.covariates))


def test_the_moments_of_the_score_are_those_of_the_formulas(nuisances):
    data, m = nuisances.data, np.clip(nuisances.propensity[:, 0], 0.01, 0.99)
    g1, y, d = nuisances.outcome_treated[:, 0], data.y, data.d
    table = diagnostics.score_moments(nuisances).table
    assert table.loc["weights of the treated", "value"] == pytest.approx(np.mean(1 - d / m))
    assert table.loc["outcome model of the treated", "value"] == pytest.approx(np.mean((1 - d / m) * (g1 - g1.mean())))
    slope = np.polyfit(g1[d == 1], y[d == 1], 1)[0] - 1
    assert table.loc["slope of the treated on their prediction, less 1", "value"] == pytest.approx(slope)
    assert diagnostics.score_moments(nuisances).measures["largest z"] == table["z"].abs().max()


def test_the_checks_of_the_att_are_about_the_treated(nuisances):
    data, m = nuisances.data, np.clip(nuisances.propensity[:, 0], 0.01, 0.99)
    g0, y, d = nuisances.outcome_control[:, 0], data.y, data.d
    gap = d - (1 - d) * m / (1 - m)
    table = diagnostics.score_moments(nuisances, estimand="ATT").table
    assert table.loc["weights of the untreated", "value"] == pytest.approx(gap.mean())
    expected = np.mean(gap * (g0 - g0[d == 1].mean()))
    assert table.loc["outcome model of the untreated", "value"] == pytest.approx(expected)
    assert table.loc["odds", "value"] == pytest.approx(np.mean((1 - d) * (y - g0) * m / (1 - m)))
    assert not [name for name in table.index if "of the treated" in name]  # whose outcome model it does not use

    j, x = data.x_names.index("engagement_score"), data.x.astype(float)
    spread = np.sqrt((x[d == 1, j].var() + x[d == 0, j].var()) / 2)
    difference = x[d == 1, j].mean() - np.average(x[d == 0, j], weights=(m / (1 - m))[d == 0])
    after = diagnostics.balance(nuisances, estimand="ATT").table.loc["engagement_score", "after"]
    assert after == pytest.approx(difference / spread)

    row, att = (
        diagnostics.overlap(nuisances, estimand="ATT").table.loc["ATT clipped at 0.1"],
        tp.estimate_att(nuisances, 0.1),
    )
    assert (row["value"], row["std_error"]) == (att.value, att.std_error)
    explained = nuisances.losses["share explained"]["outcome_control"]
    assert diagnostics.nuisance_quality(nuisances, "ATT").measures["least explained"] == explained


def test_the_checks_of_the_atc_are_those_of_the_att_with_the_arms_exchanged(nuisances):
    data = nuisances.data
    frame = data.frame.assign(**{data.treatment: 1 - data.d})
    exchanged = replace(
        nuisances,
        data=replace(data, frame=frame, treated=None),
        outcome_control=nuisances.outcome_treated,
        outcome_treated=nuisances.outcome_control,
        propensity=1 - nuisances.propensity,
    )
    for check in (diagnostics.overlap, diagnostics.balance, diagnostics.score_moments):
        one, other = check(nuisances, estimand="ATC").measures, check(exchanged, estimand="ATT").measures
        assert sorted(abs(value) for value in one.values()) == pytest.approx(sorted(abs(v) for v in other.values()))


def test_a_rare_treatment_carries_the_att_where_it_does_not_carry_the_ate():
    rng = np.random.default_rng(4)
    x = rng.normal(size=(12_000, 2))
    d = (rng.random(12_000) < 1 / (1 + np.exp(6 - 2 * x[:, 0]))).astype(int)
    y = 10 + x @ [3, 2] + d + rng.normal(size=12_000)
    frame = pd.DataFrame(x, columns=["a", "b"]).assign(y=y, d=d)
    fitted = tp.cross_fit(tp.CausalData(frame, "y", "d", ["a", "b"]), LINES, n_jobs=1, progress=False)
    usual = tp.weighting.usual_clipping(d, fitted.propensity[:, 0], "ATT")
    assert usual < 0.01
    assert "stop" not in [c.grade for c in diagnostics.all_checks(fitted, estimand="ATT", clipping=usual)]
    assert diagnostics.overlap(fitted, estimand="ATE").grade == "stop"
    check = diagnostics.overlap(fitted, 0.01, "ATT")  # which moves most of the untreated to 0.01
    assert check.grade == "stop"
    assert "of the weight of the untreated comes from clipping at 0.01" in check.sentence


@pytest.mark.slow
def test_checks_of_the_att_hardly_ever_stop_a_sound_study_and_see_a_hidden_cause():
    def grades(seed, **dials):
        data = tp.simulate_sellers(2_000, seed=seed, n_covariates=15, selection=0.5, **dials).data
        fitted = tp.cross_fit(data, LINES, n_folds=3, n_jobs=1, progress=False)
        return {c.name: c.grade for c in diagnostics.all_checks(fitted, "units_prev_30d", estimand="ATT")}

    sound = pd.DataFrame([grades(seed) for seed in range(300, 340)])
    assert (sound == "stop").any(axis=1).sum() <= 2
    assert (sound["placebo"] != "fine").sum() <= 7  # expected 2
    hidden = pd.DataFrame([grades(seed, hidden=1.0) for seed in range(300, 310)])
    assert (hidden["placebo"] != "fine").mean() >= 0.8


@pytest.mark.parametrize(
    ("name", "measures", "grade"),
    [
        ("placebo", {"z": -1.9}, "fine"),
        ("placebo", {"z": -2.5}, "look"),
        ("placebo", {"z": 3.5}, "stop"),
        ("overlap", {"share clipped": 0.0, "smallest effective share": 0.15}, "look"),
        ("overlap", {"share clipped": 0.06, "smallest effective share": 0.5}, "stop"),
        ("balance", {"chance of the largest": 0.00001}, "stop"),
        ("learners against a constant", {"least explained": -0.01}, "look"),
        ("learners against a constant", {"least explained": -0.2}, "stop"),
        ("single rows", {"largest shift / std. error": float("nan")}, "stop"),
    ],
)
def test_grades_follow_from_the_limits(name, measures, grade):
    assert tp.check.graded(name, measures) == grade
