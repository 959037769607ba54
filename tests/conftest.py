"""Shared data: one small market and its nuisances, fitted once for all tests."""

import os

# The tests fit small data, for which starting processes or threads takes longer than the fits.
for name in ("LOKY_MAX_CPU_COUNT", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(name, "1")

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp


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


@pytest.fixture
def plain(table):
    return tp.CausalData(table, "sales", "followed", ["size", "kind"])


@pytest.fixture
def clustered(table):
    return tp.CausalData(table, "sales", "followed", ["size", "kind"], cluster="seller")


@pytest.fixture(scope="session")
def big():
    return tp.simulate_sellers(6_000, seed=21, n_covariates=15)


@pytest.fixture(scope="session")
def fitted(big):
    return tp.cross_fit(big.data, tp.learners.linear(), n_folds=3, progress=False)


@pytest.fixture(scope="session")
def halves(fitted):
    chosen, judged = tp.folds.split_rows(fitted.data)
    return fitted.take(chosen), fitted.take(judged)


@pytest.fixture(scope="session")
def categories():
    """Two halves that share the levels b and c of a modifier; the first half has a as well."""
    rng = np.random.default_rng(3)
    n = 800
    d, size = rng.integers(0, 2, n), rng.normal(size=n)
    kind = np.where(np.arange(n) < 400, rng.choice(["a", "b", "c"], n), rng.choice(["b", "c"], n))
    frame = pd.DataFrame({"y": size + 3 * d * (kind == "b") + rng.normal(size=n), "d": d, "size": size, "kind": kind})
    fitted = tp.cross_fit(tp.CausalData(frame, "y", "d", ["size", "kind"]), tp.learners.linear(), n_folds=2, n_jobs=1)
    return fitted, fitted.take(np.arange(400)), fitted.take(np.arange(400, n))


ALONE = {"tests/chapters/": "chapters", "tests/browser/test_lab.py": "lab", "tests/browser/test_workshop.py": "lab"}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With ``-n 2``: tests of one place stay in one process; two would execute the chapters, or start JupyterLab, at once."""
    from xdist.scheduler import LoadScopeScheduling

    class ByPlace(LoadScopeScheduling):
        def _split_scope(self, nodeid):
            return next((place for start, place in ALONE.items() if nodeid.startswith(start)), nodeid)

    return ByPlace(config, log)
