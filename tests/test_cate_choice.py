"""The model chosen is the one nearest to the true effects, and no outcome takes part in what judges it."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from econml.data.dgps import ihdp_surface_A, ihdp_surface_B
from sklearn.linear_model import LinearRegression, LogisticRegression
from tqdm.auto import tqdm

import tutorial_pkg as tp
from tutorial_pkg.cate_choice import _without_each_fold

N = 3_000
QUICK = ("constant", "linear_dr", "boosted_dr")
LINES = tp.learners.Learners(LinearRegression(), LogisticRegression())


def known(effect, cluster=None):
    """Nuisances that are the truth, of a market in which ``effect`` depends on x1."""
    rng = np.random.default_rng(3)
    x = rng.uniform(-1, 1, (N, 2))
    m = 0.5 + 0.2 * x[:, 1]
    d = (rng.random(N) < m).astype(int)
    tau, y0 = effect(x[:, 0]), x[:, 1]
    frame = pd.DataFrame(x, columns=["x1", "x2"]).assign(
        y=y0 + d * tau + rng.normal(size=N), d=d, seller=np.arange(N) // 3
    )
    return tp.Nuisances.given(tp.CausalData(frame, "y", "d", ["x1", "x2"], cluster=cluster), y0, y0 + tau, m)


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (lambda x: np.full(N, 2.0), "constant"),
        (lambda x: 1 + x, "linear_dr"),
        (lambda x: np.where(np.abs(x) < 0.4, 3.0, 0.0), "boosted_dr"),
    ],
)
def test_of_a_constant_a_line_and_trees_the_one_that_is_true_is_chosen(effect, expected):
    best = tp.choose_cate(known(effect), QUICK)
    assert best.method == expected
    assert best.comparison.index[best.comparison["chosen"]].tolist() == [expected]
    assert best.comparison["loss above the best"].min() == 0
    assert expected in repr(best)
    assert "loss above the best" in best._repr_html_()


@pytest.mark.parametrize(("surface", "expected"), [(ihdp_surface_A, "constant"), (ihdp_surface_B, "t_learner")])
def test_on_ihdp_the_difference_of_outcome_models_is_chosen_where_effects_differ_and_not_where_they_do_not(
    surface, expected
):
    """On surface A that difference fits the outcomes' noise, and wins if they take part in what judges it."""
    y, d, x, _ = surface(1)
    names = [f"x{i}" for i in range(x.shape[1] - 1)]
    data = tp.CausalData(pd.DataFrame(x[:, 1:], columns=names).assign(y=y, d=d), "y", "d", names)
    best = tp.choose_cate(tp.cross_fit(data), ("constant", "linear_dr", "t_learner"))
    assert best.method == expected


@pytest.fixture
def lines(plain):
    return tp.cross_fit(plain, LINES, n_folds=3)


def test_what_judges_a_fold_is_fitted_without_it_and_without_each_rows_own(lines):
    data, parts = lines.data, [test for _, test in lines.folds[0]]
    for k, (seen, test) in enumerate(_without_each_fold(lines, 1, tqdm(disable=True))):
        np.testing.assert_array_equal(test, parts[k])
        train = np.setdiff1d(np.arange(data.n_rows), test)
        for j in {0, 1, 2} - {k}:
            rest, own = np.setdiff1d(train, parts[j]), np.isin(train, parts[j])
            treated = rest[data.d[rest] == 1]
            for name, rows in (("outcome", rest), ("outcome_treated", treated)):
                expected = LinearRegression().fit(data.x[rows], data.y[rows]).predict(data.x[train[own]])
                np.testing.assert_allclose(getattr(seen, name)[own, 0], expected, rtol=1e-8)


def test_the_choice_does_not_depend_on_the_number_of_jobs(lines):
    found = [tp.choose_cate(lines, ("constant", "linear_dml"), n_jobs=n).comparison for n in (1, 2)]
    pd.testing.assert_frame_equal(*found)


def test_errors_of_the_difference_are_clustered():
    found = [tp.choose_cate(known(lambda x: 1 + x, cluster), QUICK[:2]).comparison for cluster in (None, "seller")]
    by_row, by_seller = (table.loc["constant", "std_error"] for table in found)
    assert by_row != by_seller
    assert by_row == pytest.approx(by_seller, rel=0.2)


def test_a_level_that_lies_in_one_fold_alone_and_zeros_and_ones_are_judged_like_others():
    rng = np.random.default_rng(0)
    n = 600
    frame = pd.DataFrame({"x": rng.normal(size=n), "kind": rng.choice(["a", "b"], n), "d": rng.integers(0, 2, n)})
    frame.loc[0, "kind"] = "rare"
    frame["y"] = (rng.random(n) < 0.1 + 0.5 * frame["d"]).astype(int)
    own = tp.cross_fit(tp.CausalData(frame, "y", "d", ["x", "kind"]), LINES, n_folds=3)
    for seen, _ in _without_each_fold(own, 1, tqdm(disable=True)):
        assert 0 <= seen.outcome_control.min() <= seen.outcome_treated.max() <= 1
    assert tp.choose_cate(own, ("constant", "t_learner")).method == "constant"


def test_a_propensity_that_was_given_stays_and_the_outcomes_are_fitted_anew(plain):
    first = tp.cross_fit(plain, LINES, n_folds=3)
    given = replace(first, chosen={})
    own = tp.cross_fit(plain, LINES, reuse=given)
    for seen, _ in _without_each_fold(own, 1, tqdm(disable=True)):
        assert np.isin(seen.propensity[:, 0], own.propensity[:, 0]).all()
        assert not np.isin(seen.outcome[:, 0], own.outcome[:, 0]).any()


def test_what_cannot_be_chosen_is_refused_in_one_sentence(plain, lines, tmp_path):
    with pytest.raises(ValueError, match="method='magic' is not known; choose from causal_forest"):
        tp.choose_cate(lines, ("constant", "magic"))
    for few in (("constant",), ("constant", "constant")):
        with pytest.raises(ValueError, match="name at least two methods, each once"):
            tp.choose_cate(lines, few)
    with pytest.raises(ValueError, match="n_folds=3 or more"):
        tp.choose_cate(tp.cross_fit(plain, LINES, n_folds=2), QUICK)
    lines.save(tmp_path / "lines.npz")
    with pytest.raises(ValueError, match="call cross_fit"):
        tp.choose_cate(tp.load_nuisances(tmp_path / "lines.npz", plain), QUICK)


# --- the models it chooses among that have no intervals, and the constant ------------------------------------


@pytest.mark.parametrize("method", ["boosted_dr", "t_learner"])
def test_boosted_models_find_the_differences_and_say_what_they_do_not_have(method, fitted, big):
    model = tp.estimate_cate(fitted, method)
    measures, _ = tp.truth.evaluate_cate(model.effect(), big.truth)
    assert measures["rank correlation"] > 0.6
    importance = model.importance()
    assert importance.sum() == pytest.approx(1)
    assert importance.min() >= 0
    for ask in (model.interval, model.average, model.slopes):
        with pytest.raises(ValueError, match=f"'{method}' (has no|gives no)"):
            ask()


def test_the_difference_of_outcome_models_is_learned_from_them_alone(fitted):
    shifted = replace(fitted, outcome_treated=fitted.outcome_treated + 7)
    gap = tp.estimate_cate(shifted, "t_learner").effect() - tp.estimate_cate(fitted, "t_learner").effect()
    np.testing.assert_allclose(gap, 7, atol=0.02)


def test_the_constant_is_the_ate_with_its_error(nuisances, clustered):
    for some in (nuisances, tp.cross_fit(clustered, LINES, n_folds=3)):
        model, ate = tp.estimate_cate(some, "constant"), tp.estimate_ate(some)
        np.testing.assert_allclose(model.effect(), ate.value, rtol=1e-9)
        average = model.average()
        assert (average.value, average.estimand) == (pytest.approx(ate.value, rel=1e-9), "ATE")
        assert average.std_error == pytest.approx(ate.std_error, rel=2e-3)
        assert (model.importance() == 0).all()
        half = (model.interval()["upper"] - model.interval()["lower"]).unique()
        assert half == pytest.approx(2 * 1.96 * ate.std_error, rel=0.02)  # of clusters by Student's t
