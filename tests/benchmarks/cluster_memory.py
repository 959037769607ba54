"""Peak memory against the size of the data, in one process and on two workers: `python -m tests.benchmarks.cluster_memory`.

The same two folds and thirty trees, from files of 25,000 rows with 50 columns. Interrupted, it goes on where it stopped.
Results with versions and date: data/cluster_memory.parquet.
"""

import tempfile
from functools import partial
from pathlib import Path

import pandas as pd

import tutorial_pkg as tp
from tests.benchmarks.measure import measure
from tutorial_pkg.storage import add_results

RESULTS = Path(__file__).parents[2] / "data" / "cluster_memory.parquet"
N_FILES, N_ROWS, N_COVARIATES = (0, 8, 16, 32), 25_000, 50

SETUP = """
import pandas as pd
from lightgbm import LGBMClassifier, LGBMRegressor
from distributed import Client, LocalCluster
files = {files}
columns = [f"x{{i}}" for i in range({p})]
roles = dict(outcome="units_30d", treatment="aligned", covariates=columns, cluster="seller_id")
"""
ONE_PROCESS = """
if files:
    frame = pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)
    settings = {**tp.boosting.PARAMETERS, "n_estimators": 30, "feature_fraction": 0.5, "boost_from_average": True}
    trees = tp.learners.Learners(LGBMRegressor(**settings), LGBMClassifier(**settings))
    nuisances = tp.cross_fit(tp.CausalData(frame, **roles), trees, n_folds=2, n_jobs=1, progress=False)
    tp.estimate_ate(nuisances)
"""
TWO_WORKERS = """
import logging
with (
    LocalCluster(n_workers=2, threads_per_worker=1, dashboard_address=None, silence_logs=logging.CRITICAL) as cluster,
    Client(cluster) as client,
):
    client.amm.stop()
    client.run(lambda: __import__("tutorial_pkg").cross_fit)
    client.run(lambda: __import__("lightgbm.dask"))
    if files:
        tp.partitions.fit_folder(files, client, **roles, n_folds=2, n_trees=30).averages()
    def peak():
        lines = open("/proc/self/status").read().splitlines()
        return int(next(line.split()[1] for line in lines if line.startswith("VmHWM:"))) / 1000
    also["workers MB"] = max(client.run(peak).values())
"""


def table(seed: int) -> pd.DataFrame:
    """25,000 rows with numbers alone, in single precision; sellers of their own."""
    data = tp.simulate_sellers(N_ROWS, seed=seed, n_covariates=50).data
    x = pd.DataFrame(data.x[:, :N_COVARIATES].astype("float32")).rename(columns=lambda i: f"x{i}")
    sellers = data.frame["seller_id"] + seed * 1_000_000
    return x.assign(units_30d=data.y, aligned=data.d, seller_id=sellers.to_numpy())


def cell(n_files: int, way: str, folder: Path) -> pd.DataFrame:
    """One row: the peak memory of the process, or of the worker that needed more."""
    files = [str(folder / f"{k}.parquet") for k in range(n_files)]
    job = ONE_PROCESS if way == "one process" else TWO_WORKERS
    found = measure(job, SETUP.format(files=files, p=N_COVARIATES))
    return pd.DataFrame(
        [
            {
                "files": n_files,
                "way": way,
                "rows": n_files * N_ROWS,
                "covariates_mb": n_files * N_ROWS * N_COVARIATES * 4 / 1e6,
                "peak_mb": found.get("workers MB", found["peak MB"]),
                "seconds": found["seconds"],
            }
        ]
    )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as name:
        for k in range(max(N_FILES)):
            table(k).to_parquet(Path(name) / f"{k}.parquet")
        cells = {(n, way): partial(cell, n, way, Path(name)) for n in N_FILES for way in ("one process", "two workers")}
        print(add_results(cells, RESULTS, ["files", "way"], n_jobs=1).to_string())
