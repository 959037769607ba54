"""Wide and long data: seconds and peak memory of one cross-fit and the average effects, and how they grow with rows.

ATE, ATT and PLR of `tp` and of DoubleML, PLR and ATE of EconML, which has no ATT; two folds, one thread.
"""

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
ECONML = """
from econml.dml import LinearDML
from econml.dr import LinearDRLearner
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import FixedThresholdClassifier
y, d, x = data.y, data.d, data.x
# wrapped, because EconML takes models that choose their own penalty apart, and stumbles over scikit-learn's newest
outcome, propensity = TransformedTargetRegressor(learners.outcome), FixedThresholdClassifier(learners.propensity)
LinearDML(model_y=outcome, model_t=propensity, discrete_treatment=True, cv=2).fit(y, d, W=x)
LinearDRLearner(model_regression=outcome, model_propensity=propensity, cv=2).fit(y, d, W=x)
"""
SHAPES = {"wide": [(25_000, 300), (100_000, 300)], "long": [(250_000, 50), (1_000_000, 50)]}
JOBS = {
    "tp, recommended": (OURS, "recommended"),
    "tp, linear": (OURS, "linear"),  # the others fit each nuisance up to three times: with trees that takes hours
    "DoubleML, linear": (DOUBLEML, "linear"),
    "EconML, linear": (ECONML, "linear"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_wide_and_long_data(shape):
    (few, p), (many, _) = SHAPES[shape]
    found = {}
    for name, (job, preset) in JOBS.items():
        small, large = (measure(job, SETUP.format(n=n, p=p, preset=preset)) for n in (few, many))
        growth = {f"{key}, growth a row": (large[key] / many) / (small[key] / few) for key in small}
        found[name] = {f"{few:,} x {p}": small, f"{many:,} x {p}": large, **growth}
        print(name, found[name], flush=True)
        keep(f"scale_{shape}", found)
