"""Bounds are DoubleML's, widen with the confounder's strength, and hold against a confounder that is known."""

import numpy as np
import pytest

import tutorial_pkg as tp
from tutorial_pkg import sensitivity
from tutorial_pkg.handover import irm_models


def test_bounds_are_doublemls(nuisances):
    model = irm_models(nuisances, "ATE", 0.01)[0].sensitivity_analysis(cf_y=0.05, cf_d=0.04)
    found = sensitivity.bounds(nuisances, cf_y=0.05, cf_d=0.04)
    assert found["lower"] == pytest.approx(model.sensitivity_params["theta"]["lower"][0], abs=1e-10)
    assert found["upper"] == pytest.approx(model.sensitivity_params["theta"]["upper"][0], abs=1e-10)
    assert found["robustness value"] == pytest.approx(model.sensitivity_params["rv"][0], abs=1e-10)


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
    assert "drive" in check.sentence


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
