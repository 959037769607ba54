"""Three questions on 20,000 rows of 56 covariates: dml-rs beside DoubleML and `tp`, with scikit-learn's learners.

dml-rs is no dependency of the project. Its own environment runs this:

    python -m venv /tmp/dml_rs && /tmp/dml_rs/bin/pip install -e . dml-rs==0.19.0 pytest
    /tmp/dml_rs/bin/python -m pytest tests/benchmarks/bench_dml_rs.py -s

ATE, ATT and PLR are asked of one outcome on the same folds. Processor time, median of three rounds, one thread; the
fits of a learner are counted. What dml-rs takes with its own learners, written in Rust, is measured as well.
"""

import os
import warnings
from importlib.metadata import version

os.environ["RAYON_NUM_THREADS"] = "1"  # read when dml_rs first fits

import numpy as np
import pandas as pd
import pytest
from doubleml import DoubleMLData, DoubleMLIRM, DoubleMLPLR
from sklearn.linear_model import LassoCV, LinearRegression, LogisticRegression, LogisticRegressionCV
from sklearn.preprocessing import StandardScaler

import tutorial_pkg as tp
from tests.benchmarks.measure import Clock, keep

dml_rs = pytest.importorskip("dml_rs")
N_ROWS, N_COLUMNS, N_FOLDS, N_ROUNDS = 20_000, 56, 5, 3


class Counted:
    """Counts the fits of all learners."""

    fits = 0

    def fit(self, x, y, **options):
        Counted.fits += 1
        return super().fit(x, y, **options)


def counted(model):
    """A learner whose fits are counted, of a class with the model's name."""
    kind = type(model)
    return type(kind.__name__, (Counted, kind), {})(**model.get_params())


def of_probabilities(classifier):
    """The classifier as a regressor for E[D | X]."""
    kind = type(classifier)
    predict = {"predict": lambda self, x: self.predict_proba(x)[:, 1]}
    return type(kind.__name__, (kind,), predict)(**classifier.get_params())


LEARNERS = {
    "LinearRegression, LogisticRegression": (
        (LinearRegression(), LogisticRegression()),
        (dml_rs.Ols(), dml_rs.LogisticRegression()),
    ),
    "LassoCV, LogisticRegressionCV": (
        (LassoCV(), LogisticRegressionCV(Cs=5, cv=3, scoring="neg_log_loss")),
        (dml_rs.LassoCV(), dml_rs.LogisticRegressionCV(Cs=5, cv=3)),
    ),
}


@pytest.fixture(scope="module")
def data():
    """Standardised numbers, so that every solver converges; categories are left out, whose columns are collinear."""
    sample = tp.simulate_sellers(N_ROWS, seed=3, n_covariates=70).data
    names = list(sample.frame[list(sample.covariates)].select_dtypes("number"))[:N_COLUMNS]
    columns = StandardScaler().fit_transform(sample.frame[names].astype(float))
    frame = pd.DataFrame(columns, columns=names).assign(y=sample.y, d=sample.d)
    assert columns.shape == (N_ROWS, N_COLUMNS)
    return tp.CausalData(frame, "y", "d", names)


def by_dml_rs(data, outcome, propensity, folds):
    """One model a question, each fitting its own nuisances; with dml-rs's own learners PLR is given the propensities.

    Its PLR takes a regressor for E[D | X]. Of scikit-learn's classifiers it would take the predicted labels.
    """
    rows = data.x, data.y, data.d.astype(float)
    fitted = {
        "ATE": dml_rs.IRM(outcome, propensity, "ATE").fit(*rows, folds=folds),
        "ATT": dml_rs.IRM(outcome, propensity, "ATTE").fit(*rows, folds=folds),
    }
    if isinstance(propensity, Counted):
        fitted["PLR"] = dml_rs.PLR(outcome, of_probabilities(propensity)).fit(*rows, folds=folds)
    else:
        known = {"ml_m": fitted["ATE"].predictions_["ml_m"][:, :, 0]}
        fitted["PLR"] = dml_rs.PLR(outcome, outcome).fit(*rows, folds=folds, external_predictions=known)
    return {name: (float(model.coef_[0]), float(model.se_[0])) for name, model in fitted.items()}


def by_doubleml(data, outcome, propensity, folds):
    """One model a question, each fitting its own nuisances."""
    table = DoubleMLData(data.frame, "y", "d", list(data.covariates))
    models = {
        "ATE": DoubleMLIRM(table, outcome, propensity, score="ATE", draw_sample_splitting=False),
        "ATT": DoubleMLIRM(table, outcome, propensity, score="ATTE", draw_sample_splitting=False),
        "PLR": DoubleMLPLR(table, outcome, propensity, draw_sample_splitting=False),
    }
    fitted = {name: model.set_sample_splitting(folds).fit() for name, model in models.items()}
    return {name: (float(model.coef[0]), float(model.se[0])) for name, model in fitted.items()}


def by_tp(data, outcome, propensity, folds):
    """All questions of one cross-fit."""
    learners = tp.learners.Learners(outcome, propensity)
    nuisances = tp.cross_fit(data, learners, n_jobs=1, folds=folds, progress=False)
    found = tp.estimate_ate(nuisances), tp.estimate_att(nuisances), tp.estimate_plr(nuisances)
    return {e.estimand: (e.value, e.std_error) for e in found}


def differences(found, reference):
    return max(abs(a / b - 1) for name in reference for a, b in zip(found[name], reference[name]))


@pytest.mark.parametrize("name", LEARNERS)
def test_the_same_numbers_by_all_three(name, data, report):
    scikit, rust = LEARNERS[name]
    scikit = [counted(model) for model in scikit]
    folds = tp.folds.make_folds(data, None, N_FOLDS, 1, 0)
    contenders = {
        "dml-rs": (by_dml_rs, scikit, folds[0]),
        "DoubleML": (by_doubleml, scikit, folds),
        "tp": (by_tp, scikit, folds),
        "dml-rs, its own learners": (by_dml_rs, rust, folds[0]),
    }
    seconds, found, fits = {who: [] for who in contenders}, {}, {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(N_ROUNDS):
            for who, (ask, learners, splits) in contenders.items():
                Counted.fits, clock = 0, Clock()
                with clock("all"):
                    found[who] = ask(data, *learners, splits)
                seconds[who].append(clock.seconds["all"])
                fits[who] = Counted.fits / N_FOLDS
    median = {who: float(np.median(s)) for who, s in seconds.items()}
    apart = {who: differences(found[who], found["DoubleML"]) for who in contenders}
    report[name] = {
        "processor seconds": median,
        "all rounds": seconds,
        "nuisances fitted": {who: n for who, n in fits.items() if n},
        "largest relative difference from DoubleML": apart,
        "estimates and errors by DoubleML": found["DoubleML"],
    }
    print(name, report[name], flush=True)
    assert apart["dml-rs"] < 1e-6
    assert apart["tp"] < 1e-6


@pytest.fixture(scope="module")
def report():
    """Filled by the tests, and kept at the end."""
    found = {"dml-rs": version("dml-rs"), "n_rows": N_ROWS, "n_columns": N_COLUMNS, "n_folds": N_FOLDS}
    yield found
    keep("dml_rs", found)
