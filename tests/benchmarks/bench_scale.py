"""Wide and long data: seconds and peak memory of one cross-fit and all average effects, and growth per row."""

import pytest

from tests.benchmarks.measure import keep, measure

SETUP = """
sample = tp.simulate_sellers({n}, seed=1, n_covariates={p})
data = sample.data; data.x
learners = tp.learners.{preset}()
"""
OURS = """
nuisances = tp.cross_fit(data, learners, n_folds=2, n_jobs=1, progress=False)
tp.estimate_ate(nuisances); tp.estimate_att(nuisances); tp.estimate_plr(nuisances)
"""
DOUBLEML = """
from doubleml import DoubleMLData, DoubleMLIRM, DoubleMLPLR
columns = data.x_names
import pandas as pd
frame = pd.DataFrame(data.x, columns=columns).assign(y=data.y, d=data.d)
wide = DoubleMLData(frame, "y", "d", columns)
for score in ("ATE", "ATTE"):
    DoubleMLIRM(wide, learners.outcome, learners.propensity, n_folds=2, score=score).fit()
DoubleMLPLR(wide, learners.outcome, learners.propensity, n_folds=2).fit()
"""
SHAPES = {"wide": [(25_000, 300), (100_000, 300)], "long": [(250_000, 50), (1_000_000, 50)]}
LIGHT = "linear"  # DoubleML fits each nuisance up to three times: with trees its long run takes hours


@pytest.mark.parametrize("shape", SHAPES)
def test_wide_and_long_data(shape):
    found = {}
    for n, p in SHAPES[shape]:
        for name, job, preset in (
            ("tp, recommended", OURS, "recommended"),
            ("tp, linear", OURS, LIGHT),
            ("DoubleML, linear", DOUBLEML, LIGHT),
        ):
            found[f"{name}, {n} x {p}"] = measure(job, SETUP.format(n=n, p=p, preset=preset))
            print(name, n, p, found[f"{name}, {n} x {p}"], flush=True)
    keep(f"scale_{shape}", found)
