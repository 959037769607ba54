"""Out of core the sums are DoubleML's to the last digits, trees differ within the tolerance, and a lost worker loses nothing."""

import logging
import os
import signal
import threading
import time

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tutorial_pkg import cluster_training, partitions

ROLES = {"outcome": "units_30d", "treatment": "aligned", "cluster": "seller_id"}
NAMES = ("outcome_control", "outcome_treated", "propensity")


@pytest.fixture(scope="module")
def client():
    from distributed import Client, LocalCluster

    about = {"n_workers": 2, "threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
    with LocalCluster(**about) as cluster, Client(cluster) as client:
        yield client


@pytest.fixture(scope="module")
def sample():
    return tp.simulate_sellers(3_000, seed=41, n_covariates=15)


@pytest.fixture(scope="module")
def table(sample):
    return sample.data.frame.drop(columns="product_category")


@pytest.fixture(scope="module")
def covariates(sample):
    return [name for name in sample.data.covariates if name != "product_category"]


@pytest.fixture(scope="module")
def folder(table, tmp_path_factory):
    folder = tmp_path_factory.mktemp("files")
    for k, rows in enumerate(np.array_split(np.arange(len(table)), 4)):
        table.iloc[rows].to_parquet(folder / f"part-{k}.parquet")
    return folder


@pytest.fixture(scope="module")
def fit(folder, client, covariates):
    return partitions.fit_folder(folder, client, covariates=covariates, **ROLES, n_folds=2, n_trees=20)


def in_memory(table, covariates):
    """The same folds, as rows of the whole table."""
    fold = partitions.fold_of(table["seller_id"], 2)
    folds = [(np.flatnonzero(fold != k), np.flatnonzero(fold == k)) for k in range(2)]
    return tp.CausalData(table, ROLES["outcome"], ROLES["treatment"], covariates, cluster=ROLES["cluster"]), folds


def test_value_and_clustered_error_are_doublemls_of_the_same_predictions(fit, table, covariates):
    data, folds = in_memory(table, covariates)
    predicted = fit.predict(table)
    arrays = {name: predicted[[name]].to_numpy() for name in NAMES}
    empty = {"outcome": np.zeros((len(table), 1)), "seconds": {}, "chosen": {}}
    nuisances = tp.Nuisances(data, None, [folds], **arrays, **empty)
    for clipping in (0.01, 0.2):
        found = fit.averages(clipping)
        for name, average in tp.effects.AVERAGES.items():
            expected = average(nuisances, clipping)
            assert found[name].value == pytest.approx(expected.value, rel=1e-9)
            assert found[name].std_error == pytest.approx(expected.std_error, rel=1e-9)
            assert (found[name].caution is None) == (expected.caution is None)


def test_the_estimate_is_that_of_trees_in_memory_within_half_a_standard_error(fit, table, covariates):
    from lightgbm import LGBMClassifier, LGBMRegressor

    data, folds = in_memory(table, covariates)
    seen = max(0.5, tp.boosting.SEEN_AT_LEAST / len(covariates))
    settings = {**tp.boosting.PARAMETERS, "n_estimators": 20, "boost_from_average": True, "feature_fraction": seen}
    trees = tp.learners.Learners(LGBMRegressor(**settings), LGBMClassifier(**settings))
    fitted = tp.cross_fit(data, trees, folds=[folds], n_jobs=1, progress=False)
    for name, average in (("ATE", tp.estimate_ate), ("ATT", tp.estimate_att)):
        expected = average(fitted)
        assert abs(fit.averages()[name].value - expected.value) < 0.5 * expected.std_error


def test_the_same_files_on_as_many_workers_give_the_same_trees(fit, folder, client, covariates):
    again = partitions.fit_folder(folder, client, covariates=covariates, **ROLES, n_folds=2, n_trees=20)
    assert again.averages()["ATE"].value == pytest.approx(fit.averages()["ATE"].value, rel=1e-12)


def test_no_cluster_is_divided_wherever_its_rows_lie(table):
    fold = partitions.fold_of(table["seller_id"], 5)
    assert (pd.Series(fold).groupby(table["seller_id"].to_numpy()).nunique() == 1).all()
    assert (partitions.fold_of(table["seller_id"].iloc[::-1], 5)[::-1] == fold).all()
    assert (partitions.fold_of(table["seller_id"], 5, seed=1) != fold).any()
    assert np.bincount(fold).min() > len(table) / 10


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda t: t.drop(columns="aligned"), "Column 'aligned' is not in"),
        (lambda t: t.assign(aligned=2 * t["aligned"]), "'aligned' is 2 in .*; write 1 for treated"),
        (lambda t: t.assign(units_30d=t["units_30d"].where(t.index > 3)), "'units_30d' is missing in 4 rows of"),
        (lambda t: t.assign(demand_score="high"), "'demand_score' holds .*, not numbers; convert it"),
        (lambda t: t.assign(demand_score=np.inf), "'demand_score' has infinite values in"),
    ],
)
def test_a_file_that_cannot_be_used_is_named_before_any_training(
    table, covariates, client, tmp_path, monkeypatch, spoil, complaint
):
    monkeypatch.setattr(partitions, "train_trees", lambda *_: pytest.fail("trained"))
    table.iloc[:1_500].to_parquet(tmp_path / "a.parquet")
    spoil(table.iloc[1_500:].reset_index(drop=True)).to_parquet(tmp_path / "b.parquet")
    with pytest.raises(ValueError, match=complaint) as refused:
        partitions.fit_folder(tmp_path, client, covariates=covariates, **ROLES)
    assert "b.parquet" in str(refused.value)


def test_a_folder_without_files_is_refused(client, covariates, tmp_path):
    with pytest.raises(ValueError, match=r"no \.parquet file in"):
        partitions.fit_folder(tmp_path, client, covariates=covariates, **ROLES)
    with pytest.raises(ValueError, match="There is no folder"):
        partitions.fit_folder(tmp_path / "none", client, covariates=covariates, **ROLES)


def test_without_dask_one_sentence_says_how_to_install_it(monkeypatch, tmp_path, covariates):
    monkeypatch.setattr(cluster_training, "find_spec", lambda name: None)
    with pytest.raises(ImportError, match=r"needs Dask, an optional extra of the package: python -m pip install"):
        partitions.fit_folder(tmp_path, None, covariates=covariates, **ROLES)


def kill_when_busy(client, word):
    """Kill a worker as soon as it works on a task of this name; the list of those killed fills later."""
    process, killed = client.run(os.getpid), []

    def wait():
        while not killed:
            for worker, tasks in client.processing().items():
                if word in str(tasks):
                    killed.append(process[worker])
                    os.kill(killed[0], signal.SIGKILL)
                    return
            time.sleep(0.02)

    threading.Thread(target=wait, daemon=True).start()
    return killed


@pytest.mark.slow
def test_a_worker_killed_while_trees_are_trained_loses_nothing(fit, folder, client, covariates):
    killed = kill_when_busy(client, "_train_part")
    after = partitions.fit_folder(folder, client, covariates=covariates, **ROLES, n_folds=2, n_trees=20)
    assert len(killed) == 1
    assert after.retried >= 1
    for name in ("ATE", "ATT"):
        expected = fit.averages()[name]
        assert abs(after.averages()[name].value - expected.value) < 0.5 * expected.std_error


@pytest.fixture(scope="module")
def same_as_here(sample):
    """Compare nuisances from elsewhere with those that this process finds, to the last digit."""
    here = tp.cross_fit(sample.data, tp.learners.linear(), n_folds=3, n_jobs=1, progress=False)

    def compare(there):
        for name in NAMES:
            np.testing.assert_array_equal(getattr(there, name), getattr(here, name))

    return compare


@pytest.mark.slow
def test_cross_fit_on_a_cluster_gives_the_same_numbers_also_when_a_worker_is_killed(sample, client, same_as_here):
    import joblib

    client.wait_for_workers(2, timeout=60)
    data, lines = sample.data, tp.learners.linear()
    for kill in (False, True):
        killed = kill_when_busy(client, "batch") if kill else [0]
        with joblib.parallel_config(backend="dask", scatter=[data.x, data.y, data.d]):
            there = tp.cross_fit(data, lines, n_folds=3, n_jobs=2, progress=False)
        assert len(killed) == 1
        same_as_here(there)


@pytest.mark.slow
def test_what_was_handed_over_and_lost_is_handed_over_again(sample, client, same_as_here):
    import joblib

    client.wait_for_workers(2, timeout=60)
    data, lines = sample.data, tp.learners.linear()
    with joblib.parallel_config(backend="dask", scatter=[data.x, data.y, data.d]) as config:
        client.cancel(list(config["backend"].data_futures.values()))
        there = tp.cross_fit(data, lines, n_folds=3, n_jobs=2, progress=False)
    same_as_here(there)
