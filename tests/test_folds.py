"""Folds test each row once and never divide a cluster."""

import numpy as np

import tutorial_pkg as tp


def test_halves_divide_no_cluster(fitted):
    chosen, judged = tp.folds.split_rows(fitted.data)
    sellers = fitted.data.clusters
    assert not np.intersect1d(sellers[chosen], sellers[judged]).size
    assert len(chosen) + len(judged) == fitted.data.n_rows
