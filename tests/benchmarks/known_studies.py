"""Two studies with a known answer over many sample splits: `python -m tests.benchmarks.known_studies`.

An estimate from real data has one sample, but as many sample splits as one likes; how far the answer depends on them is
measured here. Interrupted, it goes on where it stopped. Results with versions and date: data/known_studies.parquet,
which the chapter on known answers reads.
"""

import argparse
from dataclasses import replace
from functools import partial
from pathlib import Path

import pandas as pd

import tutorial_pkg as tp
from tutorial_pkg.datasets import KnownStudy, load_lalonde, load_nhefs
from tutorial_pkg.storage import add_results

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "data" / "known_studies.parquet"
LEARNERS = {"recommended": tp.learners.recommended, "linear": tp.learners.linear}
STUDIES = {
    "LaLonde, CPS": load_lalonde,
    "LaLonde, CPS, placebo": partial(load_lalonde, outcome="re75"),
    "LaLonde, PSID": partial(load_lalonde, "PSID"),
    "LaLonde, PSID, placebo": partial(load_lalonde, "PSID", "re75"),
    "NHEFS": load_nhefs,
}
COMPARABLE = 0.1, 0.9


def comparable_rows(study: KnownStudy, nuisances: tp.Nuisances) -> tp.CausalData:
    """The rows whose propensity lies well inside 0 and 1."""
    rows = pd.Series(nuisances.propensity[:, 0]).between(*COMPARABLE).to_numpy()
    return replace(study.data, frame=study.data.frame[rows].reset_index(drop=True))


def cell(name: str, learners: str, seed: int) -> pd.DataFrame:
    """What one sample split says: of all rows, and of those that can be compared, fitted again."""
    study, chosen = STUDIES[name](), LEARNERS[learners]()
    whole = tp.cross_fit(study.data, chosen, seed=seed, n_jobs=1, progress=False)
    tables = {"all": whole}
    if name.startswith("LaLonde"):
        tables["comparable"] = tp.cross_fit(comparable_rows(study, whole), chosen, seed=seed, n_jobs=1, progress=False)
    rows = []
    for sample, fitted in tables.items():
        for estimate in (tp.estimate_ate(fitted), tp.estimate_att(fitted), tp.estimate_plr(fitted)):
            treated = int(fitted.data.d.sum())
            rows.append(
                estimate.tidy().assign(study=name, learners=learners, sample=sample, seed=seed, treated=treated)
            )
    kept = ["study", "sample", "learners", "seed", "estimand", "value", "std_error", "lower", "upper"]
    return pd.concat(rows, ignore_index=True)[[*kept, "n_rows", "treated", "caution"]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--splits", type=int, default=10)
    options = parser.parse_args()
    cells = {
        (name, learners, seed): partial(cell, name, learners, seed)
        for seed in range(options.splits)
        for name in STUDIES
        for learners in LEARNERS
    }
    rows = add_results(cells, RESULTS, ["study", "learners", "seed"], n_jobs=options.n_jobs)
    order = ["study", "sample", "learners", "estimand"]
    found = rows.groupby(order, sort=False)["value"].describe()[["min", "50%", "max", "std"]]
    print(found.assign(std_error=rows.groupby(order)["std_error"].median()).round(2).to_string())


if __name__ == "__main__":
    main()
