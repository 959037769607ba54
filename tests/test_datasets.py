"""The committed data are the marketplace's, and are found wherever the package runs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import tutorial_pkg as tp

ROOT = Path(__file__).parents[1]
DATA = ROOT / "data"


def test_the_committed_data_are_drawn_again_byte_for_byte(tmp_path):
    subprocess.run([sys.executable, DATA / "make_sellers.py", tmp_path], check=True)
    for name in ("sellers.parquet", "sellers_truth.parquet", "population.json", "dictionary.csv"):
        assert (tmp_path / name).read_bytes() == (DATA / name).read_bytes(), name


def test_the_data_are_small_enough_for_git():
    assert sum(f.stat().st_size for f in DATA.glob("*.parquet")) < 8e6


def test_the_dictionary_explains_every_column():
    dictionary = pd.read_csv(DATA / "dictionary.csv", keep_default_na=False)
    assert list(dictionary["column"]) == list(tp.load_sellers().data.frame.columns)
    assert (dictionary[["group", "role", "meaning"]] != "").all(axis=None)


def test_loaded_sellers_know_their_truth_for_every_outcome():
    for outcome in tp.marketplace.OUTCOMES:
        sample = tp.load_sellers(outcome)
        followed = sample.data.d == 1
        assert (sample.data.y[followed] == sample.truth.observed_treated[followed]).all()
        assert (sample.data.y[~followed] == sample.truth.observed_control[~followed]).all()
        assert sample.truth.sample.ate == pytest.approx(sample.truth.ate, rel=0.05)


def test_stored_population_truth_is_the_marketplaces():
    stored, fresh = tp.load_sellers().truth, tp.simulate_sellers(100, n_covariates=15).truth
    for name in ("ate", "att", "atc", "plr"):
        assert getattr(stored, name) == pytest.approx(getattr(fresh, name), abs=1e-5)


@pytest.mark.slow
def test_what_is_kept_of_the_sellers_is_what_the_default_learners_find(tmp_path):
    """Other machines add in another order, and a tree may then split elsewhere."""
    subprocess.run([sys.executable, DATA / "fit_sellers.py", tmp_path], check=True, capture_output=True)
    fresh = tp.load_nuisances(tmp_path / tp.datasets.NUISANCES_FILE, tp.load_sellers().data)
    for estimate in (tp.estimate_plr, tp.estimate_ate, tp.estimate_att):
        one, other = estimate(fresh), estimate(tp.load_sellers_nuisances())
        assert one.value == pytest.approx(other.value, abs=0.05 * other.std_error)
        assert one.std_error == pytest.approx(other.std_error, rel=0.02)
    found = pd.read_csv(tmp_path / tp.datasets.COMPARISONS_FILE).set_index("label")
    kept = tp.load_sellers_comparisons().tidy().set_index("label")
    pd.testing.assert_frame_equal(found, kept[list(found)], rtol=1e-3)


def test_the_comparison_of_learners_is_read_whole_and_in_order():
    found, stored = tp.load_learner_comparison(), pd.read_parquet(DATA / "learner_comparison.parquet")
    assert found["value"].sum() == pytest.approx(stored["value"].sum())
    assert found["estimator"].notna().all()
    assert set(found["estimator"]) == set(stored["estimator"])
    first = found[(found["market"] == "proactive") & (found["n_rows"] == 1_000) & (found["seed"] == 0)]
    kinds = ["linear", "trees", "trees", "trees", "MLP", "MLP", "network"]
    assert list(first["estimator"].str.split(",").str[0]) == kinds


def test_the_data_are_found_from_an_installed_wheel(tmp_path):
    """A wheel is built and unpacked; its package, alone on the path, finds the data."""
    hatch = pytest.importorskip("hatchling.builders.wheel")
    wheel = next(hatch.WheelBuilder(str(ROOT)).build(directory=str(tmp_path), versions=["standard"]))
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    code = "import tutorial_pkg as tp; print(tp.__file__, tp.load_sellers().data.n_rows)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True, check=True
    )
    assert str(tmp_path / "site") in run.stdout
    assert run.stdout.strip().endswith("10000")
