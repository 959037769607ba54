"""How good are the checks? Their statistics over hundreds of studies, sound and broken: `python -m tests.benchmarks.checks`.

One row a study: the error of its ATE in standard errors, and what each check measures, not whether it passed, so that
thresholds can be chosen from some studies and tried on others. Interrupted, it goes on where it stopped; run later with
more studies, it adds to those it finds. Results with versions and date: data/checks.parquet, which the chapters read.
"""

import argparse
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor

import tutorial_pkg as tp
from tutorial_pkg import diagnostics, sensitivity
from tutorial_pkg.marketplace import PLACEBO, PLACEBO_TREATMENT
from tutorial_pkg.storage import add_results

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "data" / "checks.parquet"
N_ROWS, N_COVARIATES = 2_000, 30
FIRST_SEED = 5_000  # of no sample that a chapter draws
FULL = 12  # so many studies a case, the last ones, get the checks that fit everything several times over


@dataclass(frozen=True)
class Case:
    """A way to make a study: a market, and what the analyst does wrong."""

    n_studies: int
    dials: dict = field(default_factory=dict)
    outcome: str = "units_30d"
    extra: tuple[str, ...] = ()
    weak: bool = False


CASES = {
    "sound, proactive": Case(160),
    "sound, self-reliant": Case(80, {"scenario": "self_reliant"}),
    "sound, revenue": Case(40, outcome="revenue_30d"),
    "thin overlap": Case(60, {"overlap": 0.3}),
    "hidden trait, half": Case(60, {"hidden": 0.5}),
    "hidden trait": Case(60, {"hidden": 1.0}),
    "clicks as a control": Case(60, outcome="revenue_30d", extra=("clicks_30d",)),
    "weak learners": Case(60, weak=True),
}


def weak_learners() -> tp.learners.Learners:
    """Ten stumps: what is left of boosting when it is stopped much too early."""
    options = {"n_estimators": 10, "max_depth": 1, "verbose": -1, "num_threads": 1}
    return tp.learners.Learners(LGBMRegressor(**options), LGBMClassifier(**options))


def study(name: str, seed: int) -> tuple[tp.Nuisances, float]:
    """One study as its analyst made it, fitted, and the true ATE."""
    case = CASES[name]
    sample = tp.simulate_sellers(N_ROWS, seed=seed, n_covariates=N_COVARIATES, outcome=case.outcome, **case.dials)
    data = replace(sample.data, covariates=[*sample.data.covariates, *case.extra])
    return tp.cross_fit(data, weak_learners() if case.weak else None, n_jobs=1, progress=False), sample.truth.ate


def cell(name: str, seed: int, full: bool) -> pd.DataFrame:
    """What the checks measure in one study."""
    nuisances, truth = study(name, seed)
    ate = tp.estimate_ate(nuisances)
    found = {
        "case": name,
        "seed": seed,
        "trial": False,
        "value": ate.value,
        "std_error": ate.std_error,
        "target": truth,
    }
    checks = [
        diagnostics.overlap(nuisances),
        diagnostics.balance(nuisances),
        diagnostics.nuisance_quality(nuisances),
        diagnostics.leverage(nuisances),
        diagnostics.score_moments(nuisances),
        diagnostics.placebo(nuisances, PLACEBO),
        diagnostics.placebo_treatment(nuisances, PLACEBO_TREATMENT),
    ]
    if full:
        splits = tp.cross_fit(nuisances.data, nuisances.learners, n_repeats=3, seed=1, n_jobs=1, progress=False)
        checks += [diagnostics.permuted(nuisances, seed=seed), diagnostics.stability(splits)]
    found |= {f"{check.name}: {measure}": value for check in checks for measure, value in check.measures.items()}
    found |= {"robustness value": sensitivity.bounds(nuisances)["robustness value, limit"]}
    return pd.DataFrame([found])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--share", type=float, default=1.0, help="share of the full number of studies")
    options = parser.parse_args()
    wanted = sorted(  # all cases in step, so that what is finished is of use
        (s / case.n_studies, name, FIRST_SEED + s, s >= case.n_studies - FULL)
        for name, case in CASES.items()
        for s in range(round(options.share * case.n_studies))
    )
    cells = {(name, seed): partial(cell, name, seed, full) for _, name, seed, full in wanted}
    settings = {"n_rows": N_ROWS, "n_covariates": N_COVARIATES}
    add_results(cells, RESULTS, ["case", "seed"], n_jobs=options.n_jobs, **settings)


if __name__ == "__main__":
    main()
