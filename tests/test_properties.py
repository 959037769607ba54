"""What must not change an answer does not, whatever the data: order, units, labels, scale."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tutorial_pkg as tp

# Unpenalised or scale-free, so that units of covariates do not matter to the learner either.
LEARNERS = tp.learners.Learners(
    LinearRegression(), make_pipeline(StandardScaler(), LogisticRegression(C=1.0, tol=1e-10, max_iter=1000))
)
ESTIMATES = {"ATE": tp.estimate_ate, "ATT": tp.estimate_att, "PLR": tp.estimate_plr}
COVARIATES = ["a", "b", "c"]
seeds = st.integers(0, 10_000)
relaxed = settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))


def draw(seed, n=240):
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(rng.normal(size=(n, 3)), columns=COVARIATES)
    frame["d"] = (rng.random(n) < 1 / (1 + np.exp(-0.7 * frame["a"]))).astype(int)
    frame["y"] = frame["a"] + frame["d"] * (1 + 0.5 * frame["b"]) + rng.normal(size=n)
    return frame


def answers(frame, folds=None, covariates=COVARIATES, **roles):
    data = tp.CausalData(frame, "y", "d", covariates, **roles)
    nuisances = tp.cross_fit(data, LEARNERS, n_folds=3, n_jobs=1, folds=folds, progress=False)
    return {name: estimate(nuisances) for name, estimate in ESTIMATES.items()}, nuisances.folds


def agree(one, other, scale=1.0, tolerance=1e-6):
    for name in one:
        assert other[name].value == pytest.approx(scale * one[name].value, rel=tolerance, abs=tolerance)
        assert other[name].std_error == pytest.approx(abs(scale) * one[name].std_error, rel=tolerance, abs=tolerance)


@relaxed
@given(seeds)
def test_the_order_of_rows_does_not_matter(seed):
    frame = draw(seed)
    first, folds = answers(frame)
    order = np.random.default_rng(seed).permutation(len(frame))
    place = np.argsort(order)
    carried = [[(np.sort(place[a]), np.sort(place[b])) for a, b in repeat] for repeat in folds]
    agree(first, answers(frame.iloc[order], carried)[0])


@relaxed
@given(seeds, st.permutations(COVARIATES))
def test_the_order_of_columns_does_not_matter(seed, order):
    frame = draw(seed)
    first, folds = answers(frame)
    agree(first, answers(frame[["y", *order, "d"]], folds, order)[0])


@relaxed
@given(seeds, st.floats(0.01, 100), st.floats(-50, 50))
def test_units_of_a_covariate_do_not_matter(seed, factor, shift):
    frame = draw(seed)
    first, folds = answers(frame)
    agree(first, answers(frame.assign(a=factor * frame["a"] + shift), folds)[0], tolerance=1e-5)


@relaxed
@given(seeds, st.floats(-1e3, 1e3))
def test_a_constant_added_to_the_outcome_does_not_matter(seed, constant):
    frame = draw(seed)
    first, folds = answers(frame)
    agree(first, answers(frame.assign(y=frame["y"] + constant), folds)[0])


@relaxed
@given(seeds, st.floats(0.01, 100) | st.floats(-100, -0.01))
def test_effects_scale_with_the_outcome(seed, factor):
    frame = draw(seed)
    first, folds = answers(frame)
    agree(first, answers(frame.assign(y=factor * frame["y"]), folds)[0], scale=factor)


@relaxed
@given(seeds)
def test_swapped_labels_turn_the_sign_of_the_ate(seed):
    frame = draw(seed)
    first, folds = answers(frame)
    swapped, _ = answers(frame.assign(d=1 - frame["d"]), folds)
    for name in ("ATE", "PLR"):
        assert swapped[name].value == pytest.approx(-first[name].value, rel=1e-6)
        assert swapped[name].std_error == pytest.approx(first[name].std_error, rel=1e-6)


@relaxed
@given(seeds, st.sampled_from([("no", "yes"), (False, True), (3, 9)]))
def test_names_of_the_labels_do_not_matter(seed, labels):
    frame = draw(seed)
    first, folds = answers(frame)
    named = frame.assign(d=np.where(frame["d"] == 1, labels[1], labels[0]))
    agree(first, answers(named, folds, treated=labels[1])[0], tolerance=1e-12)


@relaxed
@given(seeds)
def test_clusters_of_one_row_change_nothing(seed):
    frame = draw(seed).assign(unit=np.arange(240))
    first, folds = answers(frame)
    agree(first, answers(frame, folds, cluster="unit")[0], tolerance=1e-10)


@relaxed
@given(seeds, st.integers(5, 12))
def test_a_tiny_arm_gives_a_finite_answer_or_one_clear_sentence(seed, n_treated):
    frame = draw(seed).assign(d=0)
    frame.loc[frame.sample(n_treated, random_state=seed).index, "d"] = 1
    try:
        found, _ = answers(frame)
    except ValueError as error:
        assert "'d'" in str(error)
        assert "\n" not in str(error)
    else:
        assert all(np.isfinite([e.value, e.std_error]).all() for e in found.values())


@relaxed
@given(seeds, st.floats(1e-9, 1e-3))
def test_a_near_constant_outcome_gives_a_small_effect_or_one_clear_sentence(seed, spread):
    frame = draw(seed)
    frame["y"] = 5.0 + spread * frame["y"]
    try:
        found, _ = answers(frame)
    except ValueError as error:
        assert "'y'" in str(error)
    else:
        assert abs(found["ATE"].value) < 10 * spread
