"""Policies are worth what they are worth, in money, on rows that did not choose them."""

import re
from dataclasses import replace

import numpy as np
import pytest

import tutorial_pkg as tp


def test_nudging_everybody_is_worth_the_ate_less_the_cost(fitted):
    everybody = np.ones(fitted.data.n_rows)
    value = tp.policy.policy_value(fitted, everybody, cost=3.0, value_per_unit=2.0)
    assert value.value == pytest.approx(2 * tp.estimate_ate(fitted).value - 3)
    assert value.std_error == pytest.approx(2 * tp.estimate_ate(fitted).std_error)
    assert tp.policy.policy_value(fitted, 0 * everybody).value == 0


def test_a_learned_policy_beats_everybody_and_nobody_on_rows_that_did_not_choose_it(halves, big, fitted):
    train, judged = halves
    cost = 6.0
    nudge = tp.estimate_cate(train, "linear_dr").effect(judged.data.frame) > cost
    value = tp.policy.policy_value(judged, nudge, cost)
    assert value.value > max(0.0, tp.policy.policy_value(judged, np.ones(len(nudge)), cost).value)
    _, rows = tp.folds.split_rows(fitted.data)
    gain = (big.truth.cate - cost)[rows]
    assert abs(value.value - np.mean(nudge * gain)) < 3 * value.std_error


def test_the_policy_tree_is_shallow_and_worth_something(halves):
    train, judged = halves
    tree = tp.policy.policy_tree(train, depth=2, cost=6.0)
    nudge = tree.nudge(judged.data.frame)
    assert 0 < nudge.mean() < 1
    assert "nudge" in repr(tree)
    assert tp.policy.policy_value(judged, nudge, 6.0).value > tp.policy.policy_value(judged, ~nudge, 6.0).value


def test_the_printed_tree_is_the_one_that_decides(halves):
    train, judged = halves
    tree = tp.policy.policy_tree(train, depth=1, cost=6.0)
    head, first, *_ = [line.strip() for line in repr(tree).splitlines()]
    name, threshold = head.removeprefix("if ").split(" <= ")
    below = judged.data.frame[name].to_numpy() <= float(threshold)
    clear = np.abs(judged.data.frame[name].to_numpy() - float(threshold)) > 0.06  # the text is rounded
    assert (tree.nudge(judged.data.frame)[clear] == (below if first == "nudge" else ~below)[clear]).all()


def test_thresholds_of_small_and_large_modifiers_stay_readable(categories):
    fitted, *_ = categories
    better = replace(
        fitted.data, frame=fitted.data.frame.assign(y=fitted.data.y + 4 * fitted.data.d * fitted.data.frame["size"])
    )
    for scale, pattern in ((1e-4, r"<= -?\d\.?\d*e-0\d"), (1e5, r"<= -?\d{4,}$")):
        data = replace(
            better, frame=better.frame.assign(size=(1 + better.frame["size"]) * scale), effect_modifiers=["size"]
        )
        tree = tp.policy.policy_tree(tp.cross_fit(data, tp.learners.linear(), n_folds=2, n_jobs=1), 1, cost=1.0)
        assert re.search(pattern, repr(tree), re.MULTILINE)


def test_a_deeper_tree_is_worth_more_on_the_rows_that_grew_it(halves):
    train, _ = halves
    values = [
        tp.policy.policy_value(train, tp.policy.policy_tree(train, depth, cost=6.0).nudge(), 6.0).value
        for depth in (1, 2, 3)
    ]
    assert values[0] < values[1] <= values[2]
