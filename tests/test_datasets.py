"""The committed data are the marketplace's, and are found wherever the package runs."""

import shutil
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

import tutorial_pkg as tp
from book.notebooks import copy_package

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


def test_the_arena_can_be_asked_about_one_outcome():
    whole, sold = tp.load_arena(), tp.load_arena("units_30d")
    assert set(sold["outcome"]) == {"units_30d"}
    assert len(sold) == (whole["outcome"] == "units_30d").sum() < len(whole)
    with pytest.raises(ValueError, match="no outcome 'units'; choose one of y, units_30d"):
        tp.load_arena("units")


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


def test_the_markets_of_the_cate_come_one_a_row_and_an_unknown_subject_is_refused():
    stored = pd.read_parquet(DATA / "cate_markets.parquet")
    for about, rows in stored.groupby("about"):
        table = tp.load_cate_markets(about)
        assert list(table.index) == list(range(3_000, 3_030))
        for measure, name, seed, value in rows[["measure", "name", "seed", "value"]].dropna().itertuples(index=False):
            assert table.loc[seed, (measure, name)] == value
    with pytest.raises(ValueError, match="about='models'"):
        tp.load_cate_markets("models")


def test_the_comparison_of_learners_is_read_whole_and_in_order():
    found, stored = tp.load_learner_comparison(), pd.read_parquet(DATA / "learner_comparison.parquet")
    assert found["value"].sum() == pytest.approx(stored["value"].sum())
    assert found["estimator"].notna().all()
    assert set(found["estimator"]) == set(stored["estimator"])
    first = found[(found["market"] == "proactive") & (found["n_rows"] == 1_000) & (found["seed"] == 0)]
    kinds = ["linear", "trees", "trees", "trees", "MLP", "MLP", "network"]
    assert list(first["estimator"].str.split(",").str[0]) == kinds


def test_the_data_are_found_from_an_installed_wheel(tmp_path):
    """A wheel is built from what readers get, and unpacked; its package, alone on the path, finds the data."""
    hatch = pytest.importorskip("hatchling.builders.wheel")
    copy_package(tmp_path / "package")
    wheel = next(hatch.WheelBuilder(str(tmp_path / "package")).build(directory=str(tmp_path), versions=["standard"]))
    shutil.unpack_archive(wheel, tmp_path / "site", "zip")
    code = "import tutorial_pkg as tp; print(tp.__file__, tp.load_sellers().data.n_rows)"
    run = subprocess.run(
        [sys.executable, "-c", code], cwd=tmp_path / "site", capture_output=True, text=True, check=True
    )
    assert str(tmp_path / "site") in run.stdout
    assert run.stdout.strip().endswith("10000")


def test_the_experiment_answers_as_published():
    """Dehejia and Wahba (1999), tables 2 and 3; the placebo: Imbens and Xu (2024)."""
    study = tp.datasets.load_lalonde("experiment")
    assert (study.data.n_rows, study.data.d.sum()) == (445, 185)
    assert study.benchmark.value == pytest.approx(1_794.34, abs=0.01)
    assert study.benchmark.value == tp.naive.difference_in_means(study.data).value
    placebo = tp.datasets.load_lalonde("experiment", outcome="re75").benchmark
    assert round(placebo.value) == 265
    assert placebo.std_error == pytest.approx(305, abs=1.5)  # theirs is another small-sample correction


@pytest.mark.parametrize(("controls", "n", "difference"), [("CPS", 15_992, -8_498), ("PSID", 2_490, -15_205)])
def test_the_trained_beside_survey_controls(controls, n, difference):
    study = tp.datasets.load_lalonde(controls)
    assert ((study.data.d == 0).sum(), study.data.d.sum()) == (n, 185)
    assert round(tp.naive.difference_in_means(study.data).value) == difference
    assert study.benchmark.value == pytest.approx(1_794.34, abs=0.01)
    treated = study.data.frame.loc[study.data.d == 1, "re78"]
    assert treated.to_numpy().tolist() == tp.datasets.load_lalonde("experiment").data.y[:185].tolist()


def test_a_placebo_outcome_is_in_no_covariate():
    covariates = tp.datasets.load_lalonde(outcome="re75").data.covariates
    assert not [name for name in covariates if "re75" in name]
    assert {"re75", "no_re75", "re74", "no_re74"} <= set(tp.datasets.load_lalonde().data.covariates)


def test_the_crude_difference_of_the_smokers_is_the_published_one():
    """Hernán and Robins (2020), chapter 12: 2.5 kg (1.7 to 3.4) among the 1,566 whose weight is known."""
    study = tp.datasets.load_nhefs()
    crude = tp.naive.difference_in_means(study.data)
    assert (study.data.n_rows, study.data.d.sum()) == (1_566, 403)
    assert crude.value == pytest.approx(2.54, abs=0.005)
    assert study.benchmark.conf_int() == pytest.approx((2.4, 4.5), abs=0.06)  # printed so, around 3.4
    everyone = tp.datasets.load_nhefs(censored=True).data
    unknown = everyone.frame["observed"] == 0
    assert (everyone.n_rows, unknown.sum()) == (1_629, 63)
    assert (everyone.y[unknown] == 0).all()


def test_a_study_that_is_not_known_or_not_there_is_refused_in_a_sentence(monkeypatch, tmp_path):
    with pytest.raises(ValueError, match="controls='NSW' is not known; choose one of CPS, PSID, experiment"):
        tp.datasets.load_lalonde("NSW")
    with pytest.raises(ValueError, match="outcome='re74' is not known; choose re78, or re75 for a placebo"):
        tp.datasets.load_lalonde(outcome="re74")
    monkeypatch.setattr(tp.datasets, "data_folder", lambda: tmp_path)
    with pytest.raises(FileNotFoundError, match=r"nhefs\.parquet is missing; reinstall the package"):
        tp.datasets.load_nhefs()


def test_many_recommendations_are_read_part_by_part_and_an_unknown_part_is_refused():
    stored = pd.read_parquet(DATA / "recommendations.parquet")
    for part, rows in stored.groupby("part"):
        found = tp.load_recommendations(part)
        assert len(found) == len(rows)
        assert found["value"].sum() == pytest.approx(rows["value"].sum())
        assert found.notna().all(axis=None)
        assert found["seed"].nunique() == 60
    assert "same rows" not in tp.load_recommendations("nine effects")
    with pytest.raises(ValueError, match="part='nine'"):
        tp.load_recommendations("nine")
