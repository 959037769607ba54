"""Linear models, boosted trees and neural networks as nuisance learners: `python -m tests.benchmarks.learner_comparison`.

The marketplace in three sizes, and DoubleML's make_irm_data, in which lines are the truth; for each learner the out-of-fold loss, the error against the true nuisances, the ATE with
its interval, processor seconds and peak memory. Interrupted, it goes on where it stopped, and takes the samples of
all sizes in step, so that what is there at any time compares the learners on the same samples. Results with versions
and date: data/learner_comparison.parquet, which the chapter reads; the cells are kept under _build/learners.

A deep network for tables, RealMLP, is one more rival, on the first samples only. It needs pytabkit and torch, which the
book's environment does not have: `python -m tests.benchmarks.learner_comparison --rival` in one that does computes its
cells, and the next run without the option takes them up.
"""

import argparse
import json
import time
import warnings
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler

import tutorial_pkg as tp
from tests.benchmarks.hostile import doubleml_irm
from tests.benchmarks.measure import measure
from tutorial_pkg.learners import Learners, boosted_trees, linear, neural_network
from tutorial_pkg.nuisance import NUISANCES
from tutorial_pkg.scoreboard import Draw, Market, seller_market
from tutorial_pkg.storage import finish_cells, read_cells, write_results

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "data" / "learner_comparison.parquet"
CELLS = ROOT / "_build" / "learners"
N_DRAWS = {
    ("proactive", 1_000): 40,
    ("proactive", 4_000): 40,
    ("proactive", 16_000): 12,
    ("make_irm_data", 1_000): 40,
    ("make_irm_data", 4_000): 40,
}
RIVAL, N_RIVAL = (
    "network, deep",
    {
        ("proactive", 1_000): 10,
        ("proactive", 4_000): 5,
        ("make_irm_data", 1_000): 10,
    },
)
N_COVARIATES = 30  # of 214, all confounders among them; make_irm_data has its own 20
N_FOLDS = 2
PILOT = 900_000  # the seed of the sample on which the network is tuned: none of those that are judged
MEMORY = {"rows": 10_000, "covariates": 214}
TUNED = "MLP, tuned"
STOP: dict[str, Any] = {"early_stopping": True, "n_iter_no_change": 15, "max_iter": 500, "random_state": 0}


def presets() -> dict[str, Learners]:
    """The learners that need no sample to be named."""
    lightgbm = {"n_jobs": 1, "verbose": -1, "random_state": 0}
    careless = MLPClassifier((64, 64), alpha=1e-3, **STOP)
    return {
        "linear": linear(),
        "trees, untuned": Learners(LGBMRegressor(**lightgbm), LGBMClassifier(**lightgbm)),
        "trees, plain": boosted_trees(start="mean"),
        "trees, recommended": boosted_trees(),
        "MLP, untuned": Learners(neural_network(alpha=1e-3).outcome, make_pipeline(StandardScaler(), careless)),
    }


def network_candidates() -> tuple[list[Any], list[Any]]:
    """Networks of two to three layers, lightly to strongly penalised, for the outcome and for the decision."""
    squared = [neural_network(h, a).outcome for h in ((64, 64), (100, 100, 100)) for a in (1, 3, 10)]
    poisson = [
        make_pipeline(StandardScaler(), MLPRegressor(loss="poisson", hidden_layer_sizes=h, alpha=a, **STOP))
        for h in ((64, 64), (100, 100, 100))
        for a in (30, 100)
    ]
    # MLPClassifier stops early on accuracy, which says little about probabilities: its epochs are tuned instead
    decision = [
        make_pipeline(StandardScaler(), MLPClassifier(h, alpha=a, max_iter=epochs, random_state=0))
        for h in ((32, 32), (64, 64, 64))
        for a, epochs in ((1, 10), (1, 30), (3, 30), (5, 100), (10, 100))
    ]
    return squared + poisson, decision


def deep_network() -> Learners:
    """RealMLP with its tuned defaults (Holzmüller, Grinsztajn and Steinwart, 2024)."""
    from pytabkit import RealMLP_TD_Classifier, RealMLP_TD_Regressor

    options = {"device": "cpu", "random_state": 0, "n_threads": 1, "verbosity": 0}
    # probabilities are wanted, so it stops by the log loss and its labels are not smoothed, as its authors advise
    decision = RealMLP_TD_Classifier(val_metric_name="cross_entropy", use_ls=False, **options)
    return Learners(RealMLP_TD_Regressor(**options), decision)


def market_named(name: str, n_rows: int) -> Market:
    """The markets of the comparison."""
    return doubleml_irm(n_rows) if name == "make_irm_data" else seller_market(n_rows, n_covariates=N_COVARIATES)


def tune_network(market: str, n_rows: int) -> tuple[Learners, dict[str, object]]:
    """The candidates with the smallest held-out loss on the pilot sample, and what was chosen in how many seconds."""
    kept = CELLS / f"tuned-{market}-{n_rows}.joblib"
    if not kept.exists():
        data, start = market_named(market, n_rows).draw(PILOT).data, time.process_time()
        chosen = []
        for models, target, loss in zip(
            network_candidates(),
            (data.y, data.d),
            ("neg_mean_squared_error", "neg_log_loss"),
        ):
            folds = KFold(3, shuffle=True, random_state=0)
            search = GridSearchCV(
                Pipeline([("model", models[0])]), {"model": models}, scoring=loss, cv=folds, refit=False
            )
            chosen.append(search.fit(data.x, target).best_params_["model"])
        facts = {"seconds": time.process_time() - start, "outcome": _words(chosen[0]), "propensity": _words(chosen[1])}
        joblib.dump((Learners(*chosen), facts), kept)
    return joblib.load(kept)


def _words(model) -> str:
    network = next(v for v in model.get_params().values() if isinstance(v, MLPRegressor | MLPClassifier))
    loss = f", {network.loss}" if isinstance(network, MLPRegressor) else f", at most {network.max_iter} epochs"
    return f"layers {network.hidden_layer_sizes}, penalty {network.alpha}{loss}"


def run_cell(draw: Draw, learners: Learners) -> dict[str, float]:
    """Everything the chapter says about one learner on one sample."""
    data, truth = draw.data, draw.truth
    assert truth is not None
    nuisances = tp.cross_fit(data, learners, n_folds=N_FOLDS, n_jobs=1, progress=False)
    ate = tp.estimate_ate(nuisances)
    lower, upper = ate.conf_int()
    m, g0, g1 = truth.propensity, truth.outcome_control, truth.outcome_treated
    true = {"outcome_control": g0, "outcome_treated": g1, "outcome": g0 + m * (g1 - g0), "propensity": m}
    found = {name: getattr(nuisances, name)[:, 0] for name in NUISANCES}
    error = {name: found[name] - true[name] for name in NUISANCES}
    clipped = found["propensity"].clip(0.01, 0.99)  # as estimate_ate does
    slips = {"outcome_treated": 1 - m / clipped, "outcome_control": 1 - (1 - m) / (1 - clipped)}
    biases = {arm: np.mean(error[arm] * slip) for arm, slip in slips.items()}
    losses = nuisances.losses
    return {
        "value": ate.value,
        "std_error": ate.std_error,
        "lower": lower,
        "upper": upper,
        "target": draw.targets["ATE"],
        "sample_ate": truth.sample.ate,
        # what the nuisances' errors do to the plug-in and to the estimate, luck of the outcomes aside
        "plug_in_bias": float(np.mean(error["outcome_treated"] - error["outcome_control"])),
        "bias": float(biases["outcome_treated"] - biases["outcome_control"]),
        "product": float(sum(_rms(error[arm]) * _rms(slip) for arm, slip in slips.items())),
        "seconds": sum(nuisances.seconds.values()),
        **{f"error_{name}": _rms(error[name]) for name in NUISANCES},
        "error_of_followers": float(np.sqrt(np.average(error["outcome_control"] ** 2, weights=m))),
        **{f"loss_{name}": losses.loc[name, "loss"] for name in NUISANCES},
        **{f"share_{name}": losses.loc[name, "share explained"] for name in NUISANCES},
        **{f"seconds_{name}": nuisances.seconds[name] for name in NUISANCES},
    }


def _rms(values) -> float:
    return float(np.sqrt(np.mean(values**2)))


def cell(market: str, n_rows: int, seed: int, name: str) -> pd.DataFrame:
    """One learner on one sample, as a row."""
    warnings.simplefilter("ignore")  # networks that use up their epochs say so
    found = run_cell(market_named(market, n_rows).draw(seed), learners_named(name, market, n_rows))
    return pd.DataFrame([{"market": market, "n_rows": n_rows, "seed": seed, "learner": name, **found}])


def memory(name: str) -> float:
    """Peak memory in MB that fitting both models once adds, in a process of its own."""
    kept = CELLS / f"memory-{name.replace(', ', '-')}.json"
    if not kept.exists():
        setup = f"""
from tests.benchmarks.learner_comparison import learners_named
data = tp.simulate_sellers({MEMORY["rows"]}, seed={PILOT + 1}).data
x, y, d = data.x, data.y, data.d
learners = learners_named({name!r}, "proactive", {max(n for _, n in N_DRAWS)})
"""
        job = "learners.outcome.fit(x, y); learners.propensity.fit(x, d)"
        kept.write_text(json.dumps(measure(job, setup)["added MB"]))
    return json.loads(kept.read_text())


def learners_named(name: str, market: str, n_rows: int) -> Learners:
    """A contender by its name; the network as tuned for the market and so many rows."""
    if name == RIVAL:
        return deep_network()
    return tune_network(market, n_rows)[0] if name == TUNED else presets()[name]


def finish(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """Write the samples on which every learner is finished, but for the rival, which has fewer."""
    keys = ["market", "n_rows", "seed"]
    finished = table[table["learner"] != RIVAL].groupby(keys)["learner"].nunique() == len(names)
    table = table[pd.MultiIndex.from_frame(table[keys]).map(finished).to_numpy(bool)]
    table = table.sort_values(["market", "n_rows", "learner", "seed"], ignore_index=True)
    table.insert(4, "estimand", "ATE")  # with "estimator" below, the columns that scoreboard.summarise reads
    table["peak_mb"] = table["learner"].map({name: memory(name) for name in names})
    tuned = {key: tune_network(*key)[1] for key in N_DRAWS}
    spent = [tuned[key]["seconds"] for key in zip(table["market"], table["n_rows"], strict=True)]
    table["tuning_seconds"] = pd.Series(spent, dtype=float).where(table["learner"] == TUNED, 0)
    settings = {
        f"network, {market}, {n} rows": f"{f['outcome']}; {f['propensity']}" for (market, n), f in tuned.items()
    }
    kept = CELLS / "rival.json"
    rival = {"rival": kept.read_text()} if kept.exists() else {}
    table = table.rename(columns={"learner": "estimator"})
    write_results(table, RESULTS, n_covariates=N_COVARIATES, n_folds=N_FOLDS, memory=MEMORY, **rival, **settings)
    return table


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--share", type=float, default=1.0, help="share of the full number of samples")
    parser.add_argument("--write", action="store_true", help="compute nothing more; write what is finished")
    parser.add_argument("--rival", action="store_true", help="compute the cells of the deep network, and no others")
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    CELLS.mkdir(parents=True, exist_ok=True)
    names = [RIVAL] if options.rival else [*presets(), TUNED]
    wanted = N_RIVAL if options.rival else N_DRAWS
    samples = sorted((s / n, *key, s) for key, n in wanted.items() for s in range(round(n * options.share)))
    cells = {
        f"{market}-{n}-{s}-{name}": partial(cell, market, n, s, name) for _, market, n, s in samples for name in names
    }  # the samples of all markets and sizes in step
    if options.rival:
        versions = {package: metadata.version(package) for package in ("pytabkit", "torch")}
        (CELLS / "rival.json").write_text(json.dumps(versions))
        finish_cells(cells, CELLS, n_jobs=options.n_jobs)
        return
    if not options.write:
        for key in N_DRAWS:
            tune_network(*key)
        for name in names:
            memory(name)
        finish_cells(cells, CELLS, n_jobs=options.n_jobs)
    table = finish(read_cells(CELLS), names)
    columns = ["error_outcome_control", "error_propensity", "product", "bias", "seconds", "peak_mb"]
    print(table.groupby(["market", "n_rows", "estimator"])[columns].mean().round(3).to_string())


if __name__ == "__main__":
    main()
