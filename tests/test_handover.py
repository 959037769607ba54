"""What is handed over arrives unchanged, in the form each library asks for."""

import numpy as np
import pytest

import tutorial_pkg as tp
from tutorial_pkg import handover


def test_learners_pass_on_their_columns(nuisances):
    learners, w = handover.residual_learners(nuisances)
    x = np.column_stack([nuisances.data.modifiers(), w])
    assert np.array_equal(learners["model_y"].fit(x, None).predict(x), nuisances.outcome[:, 0])
    classifier = learners["model_t"].fit(x, None)
    assert list(classifier.classes_) == [0, 1]
    m = nuisances.propensity[:, 0]
    assert np.array_equal(classifier.predict_proba(x), np.column_stack([1 - m, m]))
    assert np.array_equal(classifier.predict(x), m > 0.5)
    learners, w = handover.doubly_robust_learners(nuisances)
    for arm, name in ((0, "outcome_control"), (1, "outcome_treated")):
        with_arm = np.column_stack([w, np.full(len(w), arm)])
        assert np.array_equal(learners["model_regression"].predict(with_arm), getattr(nuisances, name)[:, 0])
    assert np.array_equal(learners["model_propensity"].fit(w, None).predict_proba(w)[:, 1], m)


@pytest.mark.parametrize("clipping", [0.01, 0.3])
def test_the_signal_is_the_aipw_score_of_each_repeat(market, clipping):
    repeated = tp.cross_fit(market.data, tp.learners.linear(), n_folds=2, n_repeats=2)
    y, d = market.data.y[:, None], market.data.d[:, None]
    m = np.clip(repeated.propensity, clipping, 1 - clipping)
    g0, g1 = repeated.outcome_control, repeated.outcome_treated
    expected = g1 - g0 + d * (y - g1) / m - (1 - d) * (y - g0) / (1 - m)
    np.testing.assert_allclose(handover.aipw_signal(repeated, clipping), expected, rtol=1e-12)
