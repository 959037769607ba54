"""Shared data: one small market and its nuisances, fitted once for all tests."""

import os

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp

# The tests fit small data, for which starting processes takes longer than the fits.
os.environ.setdefault("LOKY_MAX_CPU_COUNT", "1")


@pytest.fixture(scope="session")
def market():
    return tp.simulate_sellers(2_000, seed=11, n_covariates=30)


@pytest.fixture(scope="session")
def nuisances(market):
    return tp.cross_fit(market.data, tp.learners.linear())


@pytest.fixture
def table():
    """A small plain table in which every role is fine; tests spoil one thing each."""
    rng = np.random.default_rng(0)
    n = 200
    size, kind = rng.normal(size=n), rng.choice(["a", "b"], n)
    followed = (rng.random(n) < 1 / (1 + np.exp(-size))).astype(int)
    sales = 2.0 * followed + size + rng.normal(size=n)
    return pd.DataFrame({"sales": sales, "followed": followed, "size": size, "kind": kind, "seller": np.arange(n) // 4})
