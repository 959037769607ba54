"""The full set of questions for three outcomes: both libraries one by one, as their guides show, against `tp`.

ATE, ATT, PLR, GATE, linear CATE and forest CATE. Processor time on one thread; the growing of the forests, the
same in both, is taken out. Estimates must be equal.
"""

import cProfile
import pstats
import warnings

import numpy as np
import pandas as pd
import pytest
from doubleml import DoubleMLData, DoubleMLIRM, DoubleMLPLR
from econml.dml import CausalForestDML, LinearDML
from lightgbm import LGBMClassifier, LGBMRegressor

import tutorial_pkg as tp
from tests.benchmarks.measure import Clock, keep

N_ROWS, N_FOLDS, N_SAMPLES = 5_000, 3, 8
OUTCOMES = ("units_30d", "revenue_30d", "clicks_30d")
FOREST = {"n_estimators": 200, "n_jobs": 1, "random_state": 0, "min_samples_leaf": 5}
GUIDE = tp.learners.Learners(  # the settings of DoubleML's guides for LightGBM, one thread
    LGBMRegressor(n_estimators=500, learning_rate=0.01, n_jobs=1, verbose=-1, random_state=0),
    LGBMClassifier(n_estimators=500, learning_rate=0.01, n_jobs=1, verbose=-1, random_state=0),
)
PLAIN = tp.learners.Learners(
    LGBMRegressor(n_estimators=100, max_bin=63, n_jobs=1, verbose=-1, random_state=0),
    LGBMClassifier(n_estimators=100, max_bin=63, n_jobs=1, verbose=-1, random_state=0),
)


@pytest.fixture(scope="module")
def sample():
    drawn = tp.simulate_sellers(N_ROWS, seed=3)
    data = drawn.data
    modifiers = ["weeks_of_cover", "engagement_score"]
    # first, as EconML stacks X and W, so that trees break ties alike
    names = modifiers + [c for c in data.covariates if c not in ("product_category", *modifiers)]
    plain = tp.CausalData(data.frame, data.outcome, data.treatment, names, modifiers)
    return drawn, plain


def one_by_one(data, learners, folds, clock):
    """Every question put to the library that answers it, each fitting its own nuisances."""
    found = {}
    modifiers = list(data.effect_modifiers)
    rest = [c for c in data.covariates if c not in modifiers]
    labels = pd.get_dummies(data.frame["product_category"])
    for outcome in OUTCOMES:
        frame = data.frame[[*data.covariates, outcome, "aligned"]]
        with clock("separately"):
            table = DoubleMLData(frame, outcome, "aligned", list(data.covariates))
        for name, score in (("ATE", "ATE"), ("ATT", "ATTE")):
            with clock(name):
                model = DoubleMLIRM(
                    table, learners.outcome, learners.propensity, score=score, draw_sample_splitting=False
                )
                found[outcome, name] = model.set_sample_splitting(folds).fit().coef[0]
            if name == "ATE":  # the groups are asked of the model already fitted
                with clock("separately"):
                    found[outcome, "GATE"] = model.gate(labels).summary["coef"].to_numpy(dtype=float)
        with clock("separately"):
            model = DoubleMLPLR(table, learners.outcome, learners.propensity, draw_sample_splitting=False)
            found[outcome, "PLR"] = model.set_sample_splitting(folds).fit().coef[0]
            x, w = frame[modifiers].to_numpy(float), frame[rest].to_numpy()
            y, d = frame[outcome].to_numpy(float), frame["aligned"].to_numpy()
            options = {
                "model_y": learners.outcome,
                "model_t": learners.propensity,
                "discrete_treatment": True,
                "cv": folds[0],
                "random_state": 0,
            }
            found[outcome, "linear CATE"] = LinearDML(**options).fit(y, d, X=x, W=w).effect(x)
            forest = CausalForestDML(**(options | FOREST)).fit(y, d, X=x, W=w)
            found[outcome, "forest CATE"] = forest.effect(x)
    return found


def from_one_fit(data, learners, folds, clock):
    """The same questions of `tp`."""
    found, nuisances = {}, None
    for outcome in OUTCOMES:
        with clock("nuisances"):
            nuisances = tp.cross_fit(
                data.with_outcome(outcome), learners, n_jobs=1, progress=False, folds=folds, reuse=nuisances
            )
        clock.seconds["bare fits"] = clock.seconds.get("bare fits", 0.0) + sum(nuisances.seconds.values())
        with clock("questions"):
            found[outcome, "ATE"] = tp.estimate_ate(nuisances).value
            found[outcome, "ATT"] = tp.estimate_att(nuisances).value
            found[outcome, "PLR"] = tp.estimate_plr(nuisances).value
            groups = tp.estimate_gate(nuisances, "product_category")
            found[outcome, "GATE"] = np.array([g.value for g in groups])
            found[outcome, "linear CATE"] = tp.estimate_cate(nuisances, "linear_dml").effect()
        with clock("forests"):
            found[outcome, "forest CATE"] = tp.estimate_cate(nuisances, "causal_forest", **FOREST).effect()
    return found


def test_the_same_answers_for_a_fraction_of_the_time(sample):
    drawn, data = sample
    folds = tp.cross_fit(data, tp.learners.linear(), n_folds=N_FOLDS, n_jobs=1, progress=False).folds
    truth = {o: drawn.for_outcome(o).truth.ate for o in OUTCOMES}
    report = {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for name, theirs, ours in (("identical learners", PLAIN, PLAIN), ("own presets", GUIDE, None)):
            slow, fast = Clock(), Clock()
            theirs_found = one_by_one(data, theirs, folds, slow)
            ours_found = from_one_fit(data, ours, folds, fast)
            separately = sum(slow.seconds.values())
            without_forests = separately - fast.seconds["forests"]
            spent = fast.seconds["nuisances"] + fast.seconds["questions"]
            report[name] = {
                **{f"tp: {k}, processor s": v for k, v in fast.seconds.items()},
                "libraries one by one, processor s": separately,
                "times less, forests aside": without_forests / spent,
                "times less, when GATE fits its own model": (without_forests + slow.seconds["ATE"]) / spent,
                "over the bare fits": spent / fast.seconds["bare fits"] - 1,
                "largest difference by question": {
                    q: max(float(np.max(np.abs(theirs_found[o, q] - ours_found[o, q]))) for o in OUTCOMES)
                    for q in ("ATE", "ATT", "PLR", "GATE", "linear CATE", "forest CATE")
                },
                "error of the ATE, libraries": {o: float(theirs_found[o, "ATE"] - truth[o]) for o in OUTCOMES},
                "error of the ATE, tp": {o: float(ours_found[o, "ATE"] - truth[o]) for o in OUTCOMES},
            }
            print(name, report[name], flush=True)
    keep("speed", report | {"n_rows": N_ROWS, "n_folds": N_FOLDS, "n_covariates": len(data.covariates)})


def test_the_preset_errs_no_more_than_the_guides_settings():
    """Error of the ATE of units sold over several samples of the same size, guides' settings against own preset."""
    errors = {"guides": [], "tp": []}
    for seed in range(10, 10 + N_SAMPLES):
        drawn = tp.simulate_sellers(N_ROWS, seed=seed)
        folds = None
        for name, learners in (("guides", GUIDE), ("tp", None)):
            nuisances = tp.cross_fit(drawn.data, learners, n_folds=N_FOLDS, n_jobs=1, progress=False, folds=folds)
            folds = nuisances.folds
            errors[name].append(tp.estimate_ate(nuisances).value - drawn.truth.ate)
    found = {
        name: {"bias": np.mean(e), "root mean squared error": np.sqrt(np.mean(np.square(e)))}
        for name, e in errors.items()
    }
    print(found, flush=True)
    keep("speed_error", found | {"samples": N_SAMPLES, "n_rows": N_ROWS})


def test_where_the_time_goes(sample):
    """Shares of the processor time of one cross-fit and its questions, own preset."""
    _, data = sample
    profile = cProfile.Profile()
    with profile, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        nuisances = tp.cross_fit(data, n_folds=N_FOLDS, n_jobs=1, progress=False)
        for question in (tp.estimate_ate, tp.estimate_att, tp.estimate_plr):
            question(nuisances)
        tp.estimate_gate(nuisances, "product_category")
    spent = {
        (file.rsplit("/", 1)[-1], function): row[3] for (file, _, function), row in pstats.Stats(profile).stats.items()
    }
    whole = sum(spent["effects.py", f"estimate_{name}"] for name in ("ate", "att", "plr", "gate"))
    whole += spent["crossfitting.py", "cross_fit"]
    parts = {
        "number of trees, on held-out rows": ("engine.py", "cv"),
        "choosing the line to start from": ("boosting.py", "_best_line"),
        "fitting the lines": ("boosting.py", "_fit_start"),
        "the final trees": ("engine.py", "train"),
        "scores of the lines": ("boosting.py", "_start_score"),
        "ATE by DoubleML": ("effects.py", "estimate_ate"),
    }
    shares = {name: spent[place] / whole for name, place in parts.items()}
    by_nuisance = {name: seconds / sum(nuisances.seconds.values()) for name, seconds in nuisances.seconds.items()}
    print(shares, by_nuisance, flush=True)
    keep("profile", {"share of all": shares, "share of the fits": by_nuisance, "seconds": whole})
