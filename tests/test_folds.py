"""Folds test each row once, never divide a cluster, and are refused when they cannot be used."""

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tutorial_pkg import folds


def test_halves_divide_no_cluster(fitted):
    chosen, judged = folds.split_rows(fitted.data)
    sellers = fitted.data.clusters
    assert not np.intersect1d(sellers[chosen], sellers[judged]).size
    assert len(chosen) + len(judged) == fitted.data.n_rows


@pytest.mark.parametrize("share", [0.25, 0.5])
def test_the_first_part_has_the_share_asked_for(plain, clustered, share):
    for one in (plain, clustered):
        first, second = folds.split_rows(one, share, seed=3)
        assert abs(len(first) - 200 * share) <= (0 if one is plain else 4)  # a cluster has four rows
        assert sorted([*first, *second]) == list(range(200))
        assert (np.diff(first) > 0).all()
        assert not np.array_equal(first, folds.split_rows(one, share, seed=4)[0])
    with pytest.raises(ValueError, match="share=5"):
        folds.split_rows(plain, 5)


def test_each_repeat_is_drawn_anew_and_the_same_seed_draws_the_same(plain):
    first, second = folds.make_folds(plain, None, 4, 2, seed=7)
    assert not folds.same_folds([first], [second])
    assert folds.same_folds([first, second], folds.make_folds(plain, None, 4, 2, seed=7))
    assert folds.same_folds([second], folds.make_folds(plain, None, 4, 1, seed=8))
    assert not folds.same_folds([first], [first, second])
    assert [len(test) for _, test in first] == [50] * 4
    for train, test in first:
        assert abs(plain.d[test].sum() - plain.d.sum() / 4) <= 1
        assert sorted([*train, *test]) == list(range(200))


def test_taken_rows_keep_their_fold(plain):
    split = folds.draw_folds(plain, 4, 0)
    rows = np.arange(0, 200, 3)
    taken = folds.take_rows(split, rows, 200)
    for (train, test), (old_train, old_test) in zip(taken, split):
        assert sorted(rows[test]) == sorted(set(old_test) & set(rows))
        assert sorted(rows[train]) == sorted(set(old_train) & set(rows))


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ((1, 1), "n_folds=1"),
        ((2, 0), "n_repeats=0"),
        ((2.0, 1), "n_folds=2.0"),
        ((60, 1), "use n_folds=4[0-9] or less"),
    ],
)
def test_impossible_counts_are_refused(plain, counts, words):
    with pytest.raises(ValueError, match=words):
        folds.make_folds(plain, None, *counts, seed=0)


def few(n_treated):
    """A table with few treated rows."""
    d = np.r_[np.ones(n_treated, int), np.zeros(60, int)]
    frame = pd.DataFrame({"y": np.arange(len(d)), "d": d, "x": np.arange(len(d)) % 7, "c": np.arange(len(d))})
    return tp.CausalData(frame, "y", "d", ["x"], cluster="c")


def test_the_smaller_arm_needs_two_rows_a_fold():
    assert len(folds.make_folds(few(10), None, 5, 1, 0)[0]) == 5
    with pytest.raises(ValueError, match="only 9 rows in its smaller arm, too few for 5 folds; use n_folds=4 or less"):
        folds.make_folds(few(9), None, 5, 1, 0)
    with pytest.raises(ValueError, match="only 3 rows in its smaller arm, too few for 2 folds; gather more rows"):
        folds.make_folds(few(3), None, 2, 1, 0)
    assert len(folds.make_folds(few(4), None, 2, 1, 0)[0]) == 2


def test_each_arm_needs_a_cluster_a_fold():
    frame = pd.DataFrame(
        {"y": np.arange(80), "d": np.arange(80) < 20, "x": np.arange(80) % 7, "c": np.arange(80) // 10}
    )
    data = tp.CausalData(frame, "y", "d", ["x"], cluster="c")
    with pytest.raises(ValueError, match="lies in 2 clusters of 'c', too few for 3 folds"):
        folds.make_folds(data, None, 3, 1, 0)
    assert len(folds.make_folds(data, None, 2, 1, 0)[0]) == 2


def test_folds_that_starve_an_arm_are_refused(plain):
    control, treated = np.flatnonzero(plain.d == 0), np.flatnonzero(plain.d == 1)
    one = np.r_[control[:50], treated[1:]]
    other = np.setdiff1d(np.arange(200), one)
    with pytest.raises(ValueError, match="leaves fewer than two rows of one arm of 'followed'"):
        folds.make_folds(plain, [[(other, one), (one, other)]], 0, 0, 0)
