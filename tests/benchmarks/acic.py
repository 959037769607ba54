"""An outside judge: ten data sets of the ACIC 2016 competition, `python -m tests.benchmarks.acic FOLDER`.

Others wrote these data sets to find out which methods work (Dorie et al., 2019): 58 covariates of 4,802 real children,
treatment and outcome simulated on top of them, both conditional means known. FOLDER holds ``x.csv`` and ``zymu_*.csv``,
as they lie in the wheel of causallib 0.10.0 (Apache-2.0) under ``causallib/datasets/data/acic_challenge_2016``; the
package itself wants an older pandas, so only its files are read. Presets run once, as they are. Results with versions
and date: data/acic.parquet, which the chapter on the arena reads.
"""

import argparse
import time
from functools import partial
from pathlib import Path

import pandas as pd

import tutorial_pkg as tp
from tutorial_pkg.storage import write_results

RESULTS = Path(__file__).parents[2] / "data" / "acic.parquet"
PRESETS = {
    "recommended": tp.learners.recommended,
    "linear": tp.learners.linear,
    "plain trees": partial(tp.learners.boosted_trees, start="mean"),
}


def load(folder: Path, number: int) -> tuple[tp.CausalData, dict[str, float]]:
    """One data set, its outcome in its own standard deviations, and the averages of its conditional effects."""
    x = pd.read_csv(folder / "x.csv")
    drawn = pd.read_csv(folder / f"zymu_{number}.csv")
    y = drawn["y1"].where(drawn["z"] == 1, drawn["y0"])
    frame = x.assign(treated=drawn["z"], outcome=y / y.std())
    effect = (drawn["mu1"] - drawn["mu0"]) / y.std()
    targets = {"ATT": float(effect[drawn["z"] == 1].mean()), "ATE": float(effect.mean())}
    return tp.CausalData(frame, outcome="outcome", treatment="treated", covariates=list(x)), targets


def answers(data: tp.CausalData) -> pd.DataFrame:
    """Every method's answer; seconds are those of the processor."""
    simple = {"difference in means": tp.naive.difference_in_means, "OLS": tp.naive.regression_adjusted}
    rows = [function(data).tidy().assign(estimator=name, estimand="ATT") for name, function in simple.items()]
    for name, preset in PRESETS.items():
        start = time.process_time()
        nuisances = tp.cross_fit(data, preset(), n_jobs=1, progress=False)
        seconds = time.process_time() - start
        for estimate in (tp.estimate_att(nuisances), tp.estimate_ate(nuisances)):
            rows.append(estimate.tidy().assign(estimator=f"DML, {name}", seconds=seconds))
    return pd.concat(rows, ignore_index=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    found = []
    for number in range(1, 11):
        data, targets = load(folder, number)
        one = answers(data)
        place = {"market": "ACIC 2016", "n_rows": data.n_rows, "seed": number}
        found.append(one.assign(**place, target=one["estimand"].map(targets), caution=one["caution"] != ""))
        print(found[-1][["estimator", "estimand", "value", "std_error", "target"]].round(3).to_string(), flush=True)
    kept = ["market", "n_rows", "seed", "estimator", "estimand", "value", "std_error", "lower", "upper", "target"]
    rows = pd.concat(found, ignore_index=True)[[*kept, "seconds", "caution"]]
    write_results(rows, RESULTS, source="causallib 0.10.0")
    print(tp.scoreboard.summarise(rows)[["bias", "rmse", "coverage", "width", "seconds"]].round(3).to_string())


if __name__ == "__main__":
    main()
