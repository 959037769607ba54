"""Coverage, bias and width of the intervals over hundreds of samples: `python -m tests.benchmarks.coverage`.

Interrupted, it goes on where it stopped: the cells are kept under _build/coverage. Results with versions and date:
results/coverage.parquet, and the table of their summary in results/coverage.csv.
"""

import argparse
from pathlib import Path

import pandas as pd

import tutorial_pkg as tp
from tests.benchmarks.hostile import doubleml_irm
from tutorial_pkg.scoreboard import dml, oracle, run_scoreboard, seller_market, summarise
from tutorial_pkg.storage import write_results

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results" / "coverage.parquet"
N_COVARIATES = 30  # of 215, all confounders among them: with all of them the same run takes three times as long


def ate_only(learners=None, **options):
    everything = dml(learners, **options)
    return lambda draw: [e for e in everything(draw) if e.estimand == "ATE"]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--share", type=float, default=1.0, help="share of the full number of samples")
    options = parser.parse_args()
    folder = ROOT / "_build" / "coverage"
    recommended = {"DML, recommended": dml(groups="product_category"), "oracle": oracle}
    linear = {"DML, linear": dml(tp.learners.linear(), groups="product_category")}
    plan = [
        (recommended, seller_market(2_000, n_covariates=N_COVARIATES), 500),
        ({"DML, recommended": ate_only(), "DML, linear": ate_only(tp.learners.linear())}, doubleml_irm(), 500),
        (linear, seller_market(2_000, n_covariates=N_COVARIATES), 500),
        (recommended, seller_market(10_000, n_covariates=N_COVARIATES), 200),
        (linear, seller_market(10_000, n_covariates=N_COVARIATES), 200),
    ]
    results = []
    for estimators, market, n_draws in plan:
        n = int(n_draws * options.share)
        results.append(run_scoreboard(estimators, [market], n, folder, n_jobs=options.n_jobs))
        print(summarise(results[-1]).round(3).to_string(), flush=True)
        finished = pd.concat(results, ignore_index=True)  # written after every market, so that none is lost
        write_results(finished, RESULTS, n_covariates=N_COVARIATES)
        summarise(finished).round(4).to_csv(RESULTS.with_suffix(".csv"))


if __name__ == "__main__":
    main()
