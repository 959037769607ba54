"""Bounds are DoubleML's, widen with the confounder's strength, and hold against a confounder that is known."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from doubleml import DoubleMLData, DoubleMLIRM
from doubleml.utils import DMLDummyClassifier, DMLDummyRegressor, PSProcessorConfig, gain_statistics
from sklearn.linear_model import LinearRegression, LogisticRegression

import tutorial_pkg as tp
from tutorial_pkg import sensitivity


def doubleml_of(nuisances, repeat, score="ATE", clipping=0.01, cluster=None):
    """DoubleML's own model of one repeat, built here from its documentation."""
    data = nuisances.data
    table = pd.DataFrame({"y": data.y, "d": data.d.astype(float), "x": 0.0})
    columns = {} if cluster is None else {"cluster_cols": "c"}
    model = DoubleMLIRM(
        DoubleMLData(table if cluster is None else table.assign(c=cluster), "y", "d", "x", **columns),
        DMLDummyRegressor(),
        DMLDummyClassifier(),
        score=score,
        ps_processor_config=PSProcessorConfig(clipping_threshold=clipping),
        draw_sample_splitting=False,
    )
    folds = nuisances.folds[repeat]
    by_cluster = None
    if cluster is not None:
        by_cluster = [[([np.unique(cluster[a])], [np.unique(cluster[b])]) for a, b in folds]]
    model.set_sample_splitting([folds], by_cluster)
    names = {"ml_g0": "outcome_control", "ml_g1": "outcome_treated", "ml_m": "propensity"}
    given = {key: getattr(nuisances, name)[:, [repeat]] for key, name in names.items()}
    return model.fit(external_predictions={"d": given})


def numbers(analysed):
    found = analysed.sensitivity_params
    return [
        *(found["ci"]["lower"][0], found["theta"]["lower"][0], analysed.coef[0]),
        *(found["theta"]["upper"][0], found["ci"]["upper"][0], found["rv"][0], found["rva"][0]),
    ]


def without_clusters(nuisances):
    return replace(nuisances, data=replace(nuisances.data, cluster=None))


@pytest.mark.parametrize(("estimand", "score"), [("ATE", "ATE"), ("ATT", "ATTE")])
@pytest.mark.parametrize("clipping", [0.01, 0.2])
def test_bounds_are_doublemls(nuisances, estimand, score, clipping):
    nuisances = without_clusters(nuisances)
    strength = {"cf_y": 0.05, "cf_d": 0.04, "rho": 0.9, "level": 0.9}
    direct = doubleml_of(nuisances, 0, score, clipping).sensitivity_analysis(**strength, null_hypothesis=1.0)
    found = sensitivity.bounds(nuisances, **strength, null=1.0, estimand=estimand, clipping=clipping)
    assert list(found) == pytest.approx(numbers(direct), abs=1e-10)
    names = ["lower limit", "lower", "value", "upper", "upper limit", "robustness value", "robustness value, limit"]
    assert list(found.index) == names


def test_limits_are_clustered_as_doublemls_and_bounds_are_not_touched(nuisances):
    clusters = nuisances.data.clusters
    strength = {"cf_y": 0.05, "cf_d": 0.04}
    direct = doubleml_of(nuisances, 0, cluster=clusters).sensitivity_analysis(**strength)
    found, plain = (sensitivity.bounds(n, **strength) for n in (nuisances, without_clusters(nuisances)))
    same = ["lower", "value", "upper", "robustness value"]
    assert list(found[same]) == pytest.approx(list(plain[same]))
    width = found["upper limit"] - found["upper"]
    ends = direct.sensitivity_params
    assert width == pytest.approx(ends["ci"]["upper"][0] - ends["theta"]["upper"][0], rel=0.01)
    assert width > 1.1 * (plain["upper limit"] - plain["upper"])


def test_without_a_confounder_the_limits_are_those_of_the_clustered_estimate(nuisances):
    found, estimate = sensitivity.bounds(nuisances, 0.0, 0.0), tp.estimate_ate(nuisances)
    assert (found["lower limit"], found["upper limit"]) == pytest.approx(estimate.conf_int(0.9))


def test_bounds_over_repeats_are_medians(market):
    repeated = without_clusters(tp.cross_fit(market.data, tp.learners.linear(), n_folds=2, n_repeats=3))
    each = [numbers(doubleml_of(repeated, r).sensitivity_analysis(cf_y=0.05, cf_d=0.04)) for r in range(3)]
    assert list(sensitivity.bounds(repeated, 0.05, 0.04)) == pytest.approx(np.median(each, axis=0), abs=1e-10)
    assert np.abs(np.median(each, axis=0) - np.mean(each, axis=0)).max() > 1e-3  # so that a mean would be noticed


def test_the_benchmark_is_doublemls_gain_statistics(nuisances):
    dropped = ["engagement_score", "past_alignment_score"]
    found = sensitivity.benchmark(nuisances, {"drive": dropped}, progress=False, clipping=0.05).loc["drive"]
    data = nuisances.data
    kept = [c for c in data.covariates if c not in dropped]
    short = tp.cross_fit(
        tp.CausalData(data.frame, data.outcome, data.treatment, kept, cluster="seller_id"),
        tp.learners.linear(),
        folds=nuisances.folds,
    )
    gains = gain_statistics(doubleml_of(nuisances, 0, clipping=0.05), doubleml_of(short, 0, clipping=0.05))
    expected = [gains[name][0] for name in ("cf_y", "cf_d", "rho", "delta_theta")]
    assert list(found[["cf_y", "cf_d", "rho", "delta"]]) == pytest.approx(expected, abs=1e-10)


pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def test_no_hidden_confounder_leaves_the_estimate(nuisances):
    found = sensitivity.bounds(nuisances, cf_y=0.0, cf_d=0.0)
    assert found["lower"] == pytest.approx(tp.estimate_ate(nuisances).value)
    assert found["upper"] == pytest.approx(tp.estimate_ate(nuisances).value)


def test_stronger_confounders_widen_the_bounds(nuisances):
    widths = []
    for strength in (0.01, 0.05, 0.2):
        found = sensitivity.bounds(nuisances, strength, strength)
        assert found["lower limit"] < found["lower"] <= found["upper"] < found["upper limit"]
        widths.append(found["upper"] - found["lower"])
    assert np.all(np.diff(widths) > 0)


def test_the_limits_are_one_sided(nuisances):
    found = sensitivity.bounds(nuisances, 0.0, 0.0, level=0.95)
    lower, upper = tp.estimate_ate(nuisances).conf_int(0.90)
    assert found["lower limit"] == pytest.approx(lower, abs=0.1 * (upper - lower))


def test_at_its_robustness_value_the_bound_touches_the_null(nuisances):
    rv = sensitivity.bounds(nuisances)["robustness value"]
    found = sensitivity.bounds(nuisances, rv, rv)
    assert min(abs(found["lower"]), abs(found["upper"])) < 0.02 * tp.estimate_ate(nuisances).value


def test_a_group_that_confounds_is_a_strong_benchmark(nuisances):
    groups = {"drive": ["engagement_score", "past_alignment_score"], "season": ["season_index"]}
    table = sensitivity.benchmark(nuisances, groups, progress=False)
    assert table.loc["drive", "cf_d"] > table.loc["season", "cf_d"]
    assert table.loc["drive", "delta"] > 5 * abs(table.loc["season", "delta"])
    check = sensitivity.hidden_confounding(nuisances, groups)
    assert "as strong as drive" in check.sentence
    strength = table.loc["drive"]
    bounds = sensitivity.bounds(nuisances, strength["cf_y"], strength["cf_d"])
    assert check.table.loc["drive", "lower bound"] == pytest.approx(bounds["lower"])
    assert check.table.loc["drive", "upper bound"] == pytest.approx(bounds["upper"])
    assert check.passed is bool(bounds["lower"] > 0)


def test_a_check_of_hidden_confounding_passes_on_either_side_of_the_null(nuisances):
    groups = {"season": ["season_index"]}
    assert sensitivity.hidden_confounding(nuisances, groups).passed is True
    clipped = sensitivity.hidden_confounding(nuisances, groups, clipping=0.3).table.loc["season"]
    strength = sensitivity.benchmark(nuisances, groups, progress=False, clipping=0.3).loc["season"]
    bounds = sensitivity.bounds(nuisances, strength["cf_y"], strength["cf_d"], clipping=0.3)
    assert list(clipped[["cf_d", "upper bound"]]) == pytest.approx([strength["cf_d"], bounds["upper"]])
    assert sensitivity.hidden_confounding(nuisances, groups, null=100.0).passed is True
    ate = tp.estimate_ate(nuisances).value
    assert sensitivity.hidden_confounding(nuisances, groups, null=ate).passed is False


def test_a_group_that_explains_everything_has_bounds_all_the_same(table):
    frame = table.assign(sales=2.0 * table["followed"] + table["size"] + 1e-6 * table["sales"])
    data = tp.CausalData(frame, "sales", "followed", ["size", "kind"])
    fitted = tp.cross_fit(data, tp.learners.Learners(LinearRegression(), LogisticRegression()), n_folds=2, n_jobs=1)
    assert "as strong as size" in sensitivity.hidden_confounding(fitted, {"size": ["size"]}).sentence


def test_predictions_that_were_given_cannot_be_benchmarked(market):
    t = market.truth
    known = tp.Nuisances.given(market.data, t.outcome_control, t.outcome_treated, t.propensity)
    with pytest.raises(ValueError, match="given, not fitted"):
        sensitivity.benchmark(known, {"season": ["season_index"]})


def test_bounds_at_the_strength_of_a_known_hidden_trait_contain_the_truth():
    sample = tp.simulate_sellers(8_000, seed=4, n_covariates=15, hidden=0.5)
    frame = sample.data.frame.assign(trait=sample.truth.hidden_trait.astype("float32"))
    roles = {"outcome": "units_30d", "treatment": "aligned", "cluster": "seller_id"}
    full = tp.CausalData(frame, covariates=[*sample.data.covariates, "trait"], **roles)
    seen = tp.cross_fit(full, tp.learners.linear(), n_folds=3, progress=False)
    strength = sensitivity.benchmark(seen, {"trait": ["trait"]}, progress=False).loc["trait"]
    blind = tp.cross_fit(sample.data, tp.learners.linear(), folds=seen.folds, progress=False)
    assert not tp.estimate_ate(blind).covers(sample.truth.ate)
    found = sensitivity.bounds(blind, strength["cf_y"], strength["cf_d"])
    assert found["lower limit"] < sample.truth.ate < found["upper limit"]


@pytest.mark.parametrize("name", ["cf_y", "cf_d"])
def test_an_impossible_strength_is_refused(nuisances, name):
    with pytest.raises(ValueError, match=name):
        sensitivity.bounds(nuisances, **{name: 1.5})


def test_whole_numbers_are_taken_as_numbers(nuisances):
    ours, plain = sensitivity.bounds(nuisances, cf_y=0, rho=1, null=1), sensitivity.bounds(nuisances, 0.0, null=1.0)
    assert ours.equals(plain)


@pytest.mark.parametrize(
    "wrong", [{"rho": 2}, {"level": 95}, {"null": np.nan}, {"estimand": "PLR"}], ids=lambda wrong: next(iter(wrong))
)
def test_what_has_no_bounds_is_refused(nuisances, wrong):
    (name, value), *_ = wrong.items()
    with pytest.raises(ValueError, match=f"{name}={value!r}"):
        sensitivity.bounds(nuisances, **wrong)


def test_unusable_groups_are_refused(nuisances):
    with pytest.raises(ValueError, match="groups is empty"):
        sensitivity.hidden_confounding(nuisances, {})
    with pytest.raises(ValueError, match="'nowhere', which is not a covariate"):
        sensitivity.benchmark(nuisances, {"wrong": ["nowhere"]})
    with pytest.raises(ValueError, match="holds every covariate"):
        sensitivity.benchmark(nuisances, {"all": list(nuisances.data.covariates)})


def test_the_figure_of_the_check_draws_the_bound_and_every_group(nuisances):
    groups = {"drive": ["engagement_score", "past_alignment_score"], "season": ["season_index"]}
    check = sensitivity.hidden_confounding(nuisances, groups)
    ax = check.figure()
    assert [text.get_text() for text in ax.texts if text.get_text() in groups] == list(groups)
    dashed = [line for line in ax.collections if np.ravel(line.get_linewidths())[0] == 2]
    found, estimate = sensitivity.bounds(nuisances, 0.1, 0.1), tp.estimate_ate(nuisances)
    ends = np.vstack([path.vertices for path in dashed[0].get_paths()])
    for d, y in ends[:: len(ends) // 5]:  # on the dashed line the bound is nought
        half = (found["upper"] - estimate.value) / 0.1 * np.sqrt(0.9) * np.sqrt(y * d / (1 - d))
        assert estimate.value - half == pytest.approx(0, abs=0.02)


def test_a_check_without_comparison_says_so(market):
    t, d = market.truth, market.data.d
    known = tp.Nuisances.given(market.data, t.outcome_control, t.outcome_treated, t.propensity)
    alone = replace(known, propensity=np.where(d == 1, 0.999, 0.3)[:, None], learners=tp.learners.linear())
    said = sensitivity.hidden_confounding(alone, {"season": ["season_index"]}, "ATT").sentence
    assert "treated rows have next to nobody in the other arm" in said
