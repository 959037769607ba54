"""The default learners on the sellers data, now and at an earlier commit, side by side in one run.

Processor seconds of one cross-fit, five folds, one thread; beside them the bare fits: the chosen models fitted on
the same folds by a plain loop over scikit-learn's ``fit``, once as that loop would be written by anyone, and once
with the covariates binned for all fits together.
"""

import subprocess

import pytest

from tests.benchmarks.measure import ROOT, keep, measure

BEFORE = "1cccd3f"  # settings chosen anew in every fold, liblinear's path, every fit binning for itself
N_RUNS = 2
SETUP = """
sample = tp.load_sellers()
data = sample.data; data.x
"""
FIT = """
nuisances = tp.cross_fit(data, n_jobs=1, progress=False)
ate, att, plr = tp.estimate_ate(nuisances), tp.estimate_att(nuisances), tp.estimate_plr(nuisances)
also = {"losses": nuisances.losses["loss"].to_dict()}
for name, e in (("ATE", ate), ("ATT", att), ("PLR", plr)):
    also[name] = {"value": e.value, "std_error": e.std_error, "truth": getattr(sample.truth, name.lower())}
"""
CHOSEN = SETUP + "chosen, folds = (n := tp.cross_fit(data, n_jobs=1, progress=False)).chosen, n.folds[0]\n"
BARE = """
import numpy as np
from sklearn.base import clone
from threadpoolctl import threadpool_limits
x = {x}
with threadpool_limits(1):
    for name, model in chosen.items():
        rows = {{"outcome_control": data.d == 0, "outcome_treated": data.d == 1}}.get(name, np.ones(len(data.d), bool))
        for train, test in folds:
            used = train[rows[train]]
            if name == "propensity":
                clone(model).fit(x[used], data.d[used]).predict_proba(x[test])
            else:
                clone(model).fit(x[used], data.y[used]).predict(x[test])
"""


@pytest.fixture
def before(tmp_path):
    where = tmp_path / "before"
    subprocess.run(["git", "worktree", "add", "--detach", str(where), BEFORE], cwd=ROOT, check=True)
    yield where
    subprocess.run(["git", "worktree", "remove", "--force", str(where)], cwd=ROOT, check=True)


def test_the_default_costs_a_quarter_of_what_it_did(before):
    jobs = {
        "before": (FIT, SETUP, before),
        "now": (FIT, SETUP, ROOT),
        "bare fits": (BARE.format(x="data.x"), CHOSEN, ROOT),
        "bare fits, bins shared": (BARE.format(x="chosen['outcome'].share(data.x)"), CHOSEN, ROOT),
    }
    runs = {name: [measure(job, setup, root) for _ in range(N_RUNS)] for name, (job, setup, root) in jobs.items()}
    best = {name: min(run["processor seconds"] for run in several) for name, several in runs.items()}
    report = {"least processor seconds of the runs": best, "runs": runs, "commit before": BEFORE}
    report["times less than before"] = best["before"] / best["now"]
    report["over the bare fits"] = best["now"] / best["bare fits"]
    report["over the bare fits, bins shared"] = best["now"] / best["bare fits, bins shared"]
    print({name: value for name, value in report.items() if name != "runs"}, flush=True)
    keep("before", report)
