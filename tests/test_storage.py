"""What took long is kept: cells that are finished, results with their provenance."""

from functools import partial

import pandas as pd
import pytest

from tutorial_pkg import storage


def rows(number):
    return pd.DataFrame({"number": [number]})


def test_results_are_kept_with_their_provenance(tmp_path):
    path = tmp_path / "results.parquet"
    storage.write_results(rows(1), path, n_covariates=15)
    pd.testing.assert_frame_equal(pd.read_parquet(path), rows(1))
    kept = storage.read_provenance(path)
    assert kept["n_covariates"] == "15"
    assert {"date", "machine", "doubleml", "econml", "lightgbm", "python"} <= set(kept)


def test_finished_cells_are_read_and_the_rest_computed(tmp_path):
    cells = {f"a cell, {i}": partial(rows, i) for i in range(4)}
    first = storage.finish_cells(cells, tmp_path, n_jobs=2, progress=False)
    assert list(first["number"]) == [0, 1, 2, 3]
    spoiled = {name: partial(rows, -1) for name in cells} | {"a cell, 4": partial(rows, 4)}
    again = storage.finish_cells(spoiled, tmp_path, n_jobs=1, progress=False)
    assert list(again["number"]) == [0, 1, 2, 3, 4]
    assert sorted(storage.read_cells(tmp_path)["number"]) == [0, 1, 2, 3, 4]
    assert not list(tmp_path.glob("*.partial"))


def test_a_file_of_results_is_completed_not_computed_again(tmp_path):
    path = tmp_path / "results.parquet"
    cells = {(i,): partial(rows, i) for i in (2, 0)}
    storage.add_results(cells, path, ["number"], n_jobs=1, market="first")

    def refuses():
        raise AssertionError("a finished cell was computed again")

    more = {(0,): refuses, (1,): partial(rows, 1), (2,): refuses}
    found = storage.add_results(more, path, ["number"], n_jobs=1, market="second")
    assert list(found["number"]) == [0, 1, 2]
    pd.testing.assert_frame_equal(pd.read_parquet(path), found)
    assert storage.read_provenance(path)["market"] == "second"
    pd.testing.assert_frame_equal(storage.add_results({(0,): refuses}, path, ["number"]), found)
    assert not list(tmp_path.glob("*.partial"))


def test_cells_that_would_share_a_file_are_refused(tmp_path):
    with pytest.raises(ValueError, match="no finished cell"):
        storage.read_cells(tmp_path)
    assert storage.finish_cells({}, tmp_path, progress=False).empty
    with pytest.raises(ValueError, match="share a file"):
        storage.finish_cells({"a/b": partial(rows, 0), "a b": partial(rows, 1)}, tmp_path)
