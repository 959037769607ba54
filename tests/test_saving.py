"""Saved nuisances answer every question as before, of the data they were fitted on and of no other."""

import json
import os
import re
import time
import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.linear_model import LinearRegression, LogisticRegression

import tutorial_pkg as tp
from tutorial_pkg import archive
from tutorial_pkg.folds import draw_folds
from tutorial_pkg.nuisance import NUISANCES

SIMPLE = tp.learners.Learners(LinearRegression(), LogisticRegression(solver="liblinear"))


def same_arrays(one, other):
    return one.dtype == other.dtype and np.array_equal(one, other)


def same_folds(one, other):
    """Same containers, same kind of integers, same positions in the same order."""
    return type(one) is type(other) and all(
        type(a) is type(b) and len(a) == len(b) and all(same_arrays(*parts) for p in zip(a, b) for parts in zip(*p))
        for a, b in zip(one, other, strict=True)
    )


def assert_same(one, other):
    assert all(same_arrays(getattr(one, name), getattr(other, name)) for name in NUISANCES)
    assert same_folds(one.folds, other.folds)
    assert one.seconds == other.seconds
    assert repr(one) == repr(other)
    assert one._repr_html_() == other._repr_html_()
    pd.testing.assert_frame_equal(one.losses, other.losses, check_exact=True)


def saved_and_loaded(nuisances, folder, data=None):
    path = Path(folder) / "kept.npz"
    nuisances.save(path)
    return tp.load_nuisances(path, nuisances.data if data is None else data)


def hand_made(data):
    """Folds that numbers cannot tell: training rows left out, or not in ascending order, or counted in int32."""
    (a, b), (c, d) = draw_folds(data, 2, 0)
    gap = [(a[3:], b), (c[:-3], d)]
    unordered = [(a, b[::-1]), (c, d)]
    narrow = [(a.astype(np.int32), b.astype(np.int32)), (c.astype(np.int32), d.astype(np.int32))]
    return [gap, unordered, narrow]


@pytest.fixture
def labelled(table):
    """Categories, missing values, repeats, clusters and words together."""
    frame = table.assign(kind=table["kind"].astype("category"), town=np.arange(200) % 3)
    frame["town"] = frame["town"].map({0: "north", 1: "south", 2: None})
    return tp.CausalData(
        frame,
        "sales",
        "followed",
        ["size", "kind", "town"],
        effect_modifiers=["size", "kind"],
        cluster="seller",
        labels={"sales": "units sold"},
        units={"sales": "units"},
        arms=("no", "yes"),
    )


# --- the same as before -----------------------------------------------------------------------------------


def test_loaded_nuisances_give_exactly_the_answers_of_the_saved_ones(labelled, tmp_path):
    one = tp.cross_fit(labelled, SIMPLE, n_folds=4, n_repeats=3, n_jobs=1)
    other = saved_and_loaded(one, tmp_path)
    assert_same(one, other)
    for estimate in (tp.estimate_ate, tp.estimate_att, tp.estimate_plr):
        a, b = estimate(one), estimate(other)
        assert (a.value, a.std_error, repr(a)) == (b.value, b.std_error, repr(b))
        assert np.array_equal(a.influence, b.influence)
    gates = [tp.estimate_gate(n, "kind").tidy() for n in (one, other)]
    pd.testing.assert_frame_equal(*gates, check_exact=True)
    models = [tp.estimate_cate(n, "linear_dr") for n in (one, other)]
    assert np.array_equal(*(m.effect(labelled.frame) for m in models))
    pd.testing.assert_frame_equal(*(m.interval(labelled.frame) for m in models), check_exact=True)
    rows = np.r_[150:20:-1]
    assert_same(one.take(rows), other.take(rows))
    assert other.data.words == one.data.words


def test_a_forest_of_effects_is_the_same_tree_by_tree(fitted, tmp_path):
    other = saved_and_loaded(fitted, tmp_path)
    effects = [tp.estimate_cate(n, "causal_forest", n_estimators=8).effect(fitted.data.frame) for n in (fitted, other)]
    assert np.array_equal(*effects)
    assert np.ptp(effects[0]) > 0


def test_folds_come_back_as_they_were(labelled, plain, tmp_path):
    one = tp.cross_fit(plain, SIMPLE, n_folds=2, n_jobs=1)
    for folds in hand_made(plain):
        assert_same(replace(one, folds=[folds]), saved_and_loaded(replace(one, folds=[folds]), tmp_path))
        assert "folds 0 1 train" in np.load(tmp_path / "kept.npz")
    mixed = replace(tp.cross_fit(plain, SIMPLE, n_repeats=2, n_jobs=1), folds=[one.folds[0], hand_made(plain)[1]])
    assert_same(mixed, saved_and_loaded(mixed, tmp_path))
    clustered = tp.cross_fit(labelled, SIMPLE, n_repeats=2, n_jobs=1)
    saved_and_loaded(clustered, tmp_path)
    numbers = np.load(tmp_path / "kept.npz")["folds"]
    assert numbers.dtype == np.int8
    assert numbers.shape == (200, 2)


@pytest.mark.parametrize(("n_folds", "kind"), [(127, np.int8), (128, np.int16)])
def test_fold_numbers_are_as_wide_as_they_need_to_be(n_folds, kind, tmp_path):
    d = np.arange(300) % 2
    data = tp.CausalData(pd.DataFrame({"y": np.arange(300) % 7, "d": d, "x": np.arange(300)}), "y", "d", ["x"])
    known = tp.Nuisances.given(data, 1.0 * d, 2.0 * d, np.full(300, 0.5))
    many = replace(known, folds=[draw_folds(data, n_folds, 0)])
    assert_same(many, saved_and_loaded(many, tmp_path))
    assert np.load(tmp_path / "kept.npz")["folds"].dtype == kind


@given(st.data())
def test_any_row_positions_survive_packing(drawn):
    n = drawn.draw(st.integers(1, 12))
    rows = st.lists(st.integers(0, n - 1), max_size=n).map(lambda some: np.array(some, dtype=np.int64))
    anything = st.lists(st.tuples(rows, rows), min_size=1, max_size=4)
    labels = st.lists(st.integers(0, 3), min_size=n, max_size=n).map(np.array)
    partition = labels.map(lambda k: [(np.flatnonzero(k != j), np.flatnonzero(k == j)) for j in range(4)])
    splits = drawn.draw(st.lists(partition | anything, min_size=1, max_size=3))
    assert same_folds(archive.unpack_splits(archive.pack_splits(splits, n)), splits)


def test_given_predictions_are_kept_as_given(market, tmp_path):
    t = market.truth
    known = tp.Nuisances.given(market.data, t.outcome_control, t.outcome_treated, t.propensity)
    other = saved_and_loaded(known, tmp_path)
    assert_same(known, other)
    assert repr(other).endswith("given")
    assert tp.estimate_ate(other).value == tp.estimate_ate(known).value


def test_what_was_loaded_can_be_saved_again(nuisances, tmp_path):
    once = saved_and_loaded(nuisances, tmp_path)
    first = (tmp_path / "kept.npz").read_bytes()
    assert_same(once, saved_and_loaded(once, tmp_path))
    assert (tmp_path / "kept.npz").read_bytes() == first


# --- what was fitted --------------------------------------------------------------------------------------


def test_the_learners_and_versions_are_kept_in_words(plain, tmp_path):
    one = tp.cross_fit(plain, tp.learners.linear(), n_folds=2, n_jobs=1)
    other = saved_and_loaded(one, tmp_path)
    assert other.learners is None
    assert list(other.chosen) == list(NUISANCES)
    assert "Lasso(alpha=" in other.chosen["outcome_control"]
    assert "Logistic(alpha=" in other.chosen["propensity"]
    assert " at 0x" not in "".join(other.chosen.values())
    assert "Lasso(alpha=" in other._repr_html_()
    header = json.loads(np.load(tmp_path / "kept.npz")["header"].item())
    assert header["provenance"]["numpy"] == np.__version__
    assert header["chosen"] == other.chosen


def test_a_learner_is_described_by_all_its_settings():
    assert archive.describe(tp.learners.boosted_trees().outcome).startswith("BoostedRegressor(learning_rate=0.1,")
    assert len(archive.describe(tp.learners.best_of().outcome)) > 1_000
    own = type("Own", (), {})()
    assert archive.describe(own) == archive.describe(type(own)())
    assert archive.describe("said already") == "said already"


def test_loaded_nuisances_are_fitted_on_with_named_learners_only(plain, tmp_path):
    one = tp.cross_fit(plain, SIMPLE, n_folds=2, n_jobs=1)
    other = saved_and_loaded(one, tmp_path)
    next_outcome = tp.CausalData(plain.frame.assign(next=plain.y**2), "next", "followed", plain.covariates)
    with pytest.raises(ValueError, match=r"comes from a file, which keeps no learners .*; name learners="):
        tp.cross_fit(next_outcome, reuse=other)
    with pytest.raises(ValueError, match="put them back with dataclasses"):
        tp.diagnostics.placebo(other, "seller")
    fitted = [tp.cross_fit(next_outcome, SIMPLE, reuse=n, n_jobs=1) for n in (one, other)]
    assert all(np.array_equal(*(getattr(n, name) for n in fitted)) for name in NUISANCES)
    assert archive.describe(fitted[0].chosen["propensity"]) == fitted[1].chosen["propensity"]
    with pytest.raises(ValueError, match="file, which keeps no learners"):
        tp.diagnostics.permuted(other)
    with pytest.raises(ValueError, match="file, which keeps no learners"):
        tp.sensitivity.benchmark(other, {"size": ["size"]})
    with_learners = replace(other, learners=SIMPLE)
    assert tp.diagnostics.permuted(with_learners).sentence == tp.diagnostics.permuted(one).sentence


# --- other data -------------------------------------------------------------------------------------------


def changed(name, values):
    return lambda frame: frame.assign(**{name: values(frame[name])})


def first_cell(value):
    def put(column):
        column = column.copy()
        column.iloc[0] = value
        return column

    return put


def swapped(frame):
    return frame.iloc[np.r_[1, 0, 2:200]]


OTHER = {
    "a number": (changed("size", first_cell(9.0)), {}, "covariate 'size' differs in values"),
    "the last bit": (changed("size", lambda c: np.nextafter(c, np.inf)), {}, "covariate 'size' differs in values"),
    "a zero's sign": (changed("zero", first_cell(-0.0)), {}, "covariate 'zero' differs in values"),
    "a missing value": (changed("zero", first_cell(np.nan)), {}, "covariate 'zero' differs in values"),
    "the precision": (changed("zero", lambda c: c.astype(np.float32)), {}, "covariate 'zero' differs in values, type"),
    "whole numbers": (changed("zero", lambda c: c.astype(int)), {}, "covariate 'zero' differs in values, type"),
    "a label": (changed("kind", first_cell("c")), {}, "covariate 'kind' differs in values"),
    "the order of labels": (changed("kind", lambda c: c.to_numpy()[::-1]), {}, "covariate 'kind' differs in values"),
    "an outcome": (changed("sales", first_cell(9.0)), {}, "outcome 'sales' differs in values"),
    "a decision": (changed("followed", lambda c: first_cell(1 - c.iloc[0])(c)), {}, "treatment 'followed' differs"),
    "a cluster": (changed("seller", first_cell(7)), {}, "cluster 'seller' differs in values"),
    "the order of rows": (swapped, {}, "and 2 more differ in values, type or order of rows"),
    "the number of rows": (lambda f: f.iloc[:-1], {}, "it holds 200 rows, the data have 199"),
    "a name": (
        lambda f: f.rename(columns={"size": "mass"}),
        {"covariates": ["mass", "kind", "zero"]},
        "it has covariate 'size', the data do not",
    ),
    "a covariate less": ({}, {"covariates": ["size", "kind"]}, "it has covariate 'zero', the data do not"),
    "a covariate more": (
        lambda f: f.assign(more=np.arange(200)),
        {"covariates": ["size", "kind", "zero", "more"]},
        "the data have covariate 'more', it does not",
    ),
    "the order of covariates": ({}, {"covariates": ["kind", "size", "zero"]}, "covariates come in another order"),
    "another outcome": (lambda f: f.assign(more=f["sales"]), {"outcome": "more"}, "it has outcome 'sales'"),
    "no cluster": ({}, {"cluster": None}, "it has cluster 'seller', the data do not"),
    "who counts as treated": ({}, {"treated": 0}, "treatment 'followed' differs"),
}


@pytest.mark.parametrize("what", OTHER)
def test_other_data_are_refused_in_one_sentence_that_says_what_differs(table, tmp_path, what):
    change, roles, words = OTHER[what]
    frame = table.assign(zero=0.0)
    usual = {"outcome": "sales", "treatment": "followed", "covariates": ["size", "kind", "zero"], "cluster": "seller"}
    data = tp.CausalData(frame, **usual)
    known = tp.Nuisances.given(data, np.zeros(200), np.ones(200), np.full(200, 0.5))
    other = tp.CausalData(change(frame) if change else frame, **(usual | roles))
    assert_same(known, saved_and_loaded(known, tmp_path))
    with pytest.raises(ValueError, match=f"saved with other data: .*{re.escape(words)}") as caught:
        tp.load_nuisances(tmp_path / "kept.npz", other)
    assert "pass the data of then, or fit these anew" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_what_no_prediction_depends_on_may_be_another(labelled, tmp_path):
    frame = labelled.frame.assign(unused=1.0, followed=labelled.d == 1, kind=labelled.frame["kind"].astype(object))
    frame = frame.set_index(np.arange(200) * 7)
    frame["size"] = frame["size"].astype("Float64")  # the same numbers, in a column that can miss some
    other = replace(labelled, frame=frame, effect_modifiers=["kind"], labels={}, units={}, arms=("a", "b"))
    known = tp.Nuisances.given(labelled, np.zeros(200), np.ones(200), np.full(200, 0.5))
    loaded = saved_and_loaded(known, tmp_path, other)
    assert loaded.data is other
    assert tp.estimate_ate(loaded).value == tp.estimate_ate(known).value


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (["a", "b"], ["b", "a"]),
        (["a", "b", "a"], ["a", "b", "b"]),
        (["a", "bc"], ["ab", "c"]),
        (["a", None], ["a", "None"]),
        (["a", "1"], ["a", 1]),
        ([1.0, 0.0], [1.0, None]),
        ([0.0, 1.0], [-0.0, 1.0]),
        ([0, 1], [False, True]),
        (pd.array([1, None], "Int64"), pd.array([1, 0], "Int64")),
        (pd.array([2**60, None], "Int64"), pd.array([2**60 + 1, None], "Int64")),
        (pd.arrays.SparseArray([0.0, 1.0]), pd.arrays.SparseArray([0.0, 2.0])),
    ],
)
def test_columns_that_differ_have_other_fingerprints(one, other):
    digests = [archive.fingerprint({"c": pd.Series(values)}) for values in (one, one, other)]
    assert digests[0] == digests[1] != digests[2]


@given(st.lists(st.floats(allow_nan=True), min_size=1, max_size=20), st.data())
def test_fingerprints_are_equal_where_the_bytes_are(numbers, drawn):
    other = drawn.draw(st.just(numbers) | st.lists(st.floats(), min_size=1, max_size=20))
    digests = [archive.fingerprint({"c": pd.Series(values, dtype=float)}) for values in (numbers, other)]

    def told(values):
        return [("missing" if np.isnan(v) else np.float64(v).tobytes()) for v in values]

    assert (digests[0] == digests[1]) == (told(numbers) == told(other))


# --- other files ------------------------------------------------------------------------------------------


def test_files_that_are_no_saved_nuisances_are_refused_in_one_sentence(plain, tmp_path):
    np.savez(tmp_path / "arrays.npz", propensity=np.zeros(3))
    np.savez(tmp_path / "header.npz", header=np.array('{"format": "mine"}'))
    np.save(tmp_path / "array.npy", np.zeros(3))
    pd.to_pickle({"a": 1}, tmp_path / "pickled")
    plain.frame.to_parquet(tmp_path / "table.parquet")
    (tmp_path / "empty").touch()
    names = sorted(path.name for path in tmp_path.iterdir())
    assert len(names) == 6
    for name in names:
        with pytest.raises(ValueError, match=f"{name}' is damaged, cut short or was not written by save") as caught:
            tp.load_nuisances(tmp_path / name, plain)
        assert "\n" not in str(caught.value)
    for nowhere in (tmp_path / "nowhere.npz", tmp_path):
        with pytest.raises(ValueError, match="There is no file"):
            tp.load_nuisances(nowhere, plain)


def test_a_newer_format_asks_for_an_update(plain, tmp_path):
    archive.write_archive(tmp_path / "new.npz", {"format": 2}, {})
    with pytest.raises(ValueError, match=r"has format 2, newer than the 1 known here; update tutorial-pkg\."):
        tp.load_nuisances(tmp_path / "new.npz", plain)


def test_a_file_cut_short_or_damaged_is_refused_or_says_the_same(plain, tmp_path):
    known = tp.Nuisances.given(plain, np.zeros(200), plain.y, np.full(200, 0.5))
    path = tmp_path / "kept.npz"
    known.save(path)
    whole, rng = path.read_bytes(), np.random.default_rng(0)
    for length in [0, 1, 30, len(whole) - 1, *rng.integers(0, len(whole), 40)]:
        path.write_bytes(whole[:length])
        with pytest.raises(ValueError, match="is damaged, cut short"):
            tp.load_nuisances(path, plain)
    refused = 0
    directory = np.arange(whole.index(b"PK\x01\x02"), len(whole))  # where zip files can be wrong in most ways
    places = [*rng.integers(0, len(whole), 400), *directory]
    for place in places:
        spoiled = bytearray(whole)
        spoiled[place] ^= 1 << rng.integers(8)
        path.write_bytes(spoiled)
        try:
            loaded = tp.load_nuisances(path, plain)
        except ValueError as error:
            refused += 1
            assert "is damaged, cut short" in str(error)
        else:
            assert_same(known, loaded)  # what was spoiled says nothing, such as the time in a zip's directory
    assert refused > len(places) / 2


# --- writing ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("error", [OSError(28, "No space left on device"), KeyboardInterrupt(), MemoryError()])
@pytest.mark.parametrize("fails", ["write_array", "fsync", "replace"])
def test_an_interrupted_save_leaves_the_old_file_and_nothing_else(nuisances, tmp_path, monkeypatch, error, fails):
    path = tmp_path / "kept.npz"
    nuisances.save(path)
    old = path.read_bytes()
    calls = []

    def interrupted(*args, **kwargs):
        calls.append(args)
        if fails != "write_array" or len(calls) == 3:
            assert len(list(tmp_path.iterdir())) == 2  # the new file is begun beside the old
            raise error
        return write_array(*args, **kwargs)

    write_array = np.lib.format.write_array
    monkeypatch.setattr(np.lib.format if fails == "write_array" else os, fails, interrupted)
    for target in (path, tmp_path / "new.npz"):
        calls.clear()
        if target != path:
            path.rename(tmp_path / "away")
        with pytest.raises(type(error)):
            replace(nuisances, propensity=1 - nuisances.propensity).save(target)
        assert calls
    monkeypatch.undo()
    assert [p.name for p in tmp_path.iterdir()] == ["away"]
    assert (tmp_path / "away").read_bytes() == old
    assert_same(nuisances, tp.load_nuisances(tmp_path / "away", nuisances.data))


def test_a_path_is_taken_as_it_is(nuisances, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for path in ("no suffix", Path("other.suffix"), "é.npz", "x" * 250):
        nuisances.save(path)
        assert_same(nuisances, tp.load_nuisances(path, nuisances.data))
    assert {p.name for p in tmp_path.iterdir()} == {"no suffix", "other.suffix", "é.npz", "x" * 250}
    Path("link").symlink_to("no suffix")
    replace(nuisances, propensity=1 - nuisances.propensity).save("link")
    assert Path("link").is_symlink()
    assert np.array_equal(tp.load_nuisances("no suffix", nuisances.data).propensity, 1 - nuisances.propensity)
    Path("plain").touch()
    assert Path("no suffix").stat().st_mode == Path("plain").stat().st_mode


def test_a_path_that_cannot_be_written_is_refused_before_any_work(nuisances, tmp_path):
    with pytest.raises(ValueError, match=r"The folder of '.*nowhere.kept\.npz' does not exist; make it first"):
        nuisances.save(tmp_path / "nowhere" / "kept.npz")
    with pytest.raises(ValueError, match="is a folder; name a file in it"):
        nuisances.save(tmp_path)
    assert not list(tmp_path.iterdir())


def test_no_code_is_pickled(nuisances, tmp_path):
    nuisances.save(tmp_path / "kept.npz")
    with np.load(tmp_path / "kept.npz", allow_pickle=False) as stored:
        assert {array.dtype.kind for array in stored.values()} == {"f", "i", "U"}
    with pytest.raises(ValueError, match="Object arrays cannot be saved"):
        archive.write_archive(tmp_path / "objects.npz", {}, {"a": np.array([print])})
    assert [p.name for p in tmp_path.iterdir()] == ["kept.npz"]


@pytest.mark.slow
def test_a_million_rows_load_in_seconds_and_twice_their_memory(tmp_path):
    rng, n = np.random.default_rng(0), 1_000_000
    frame = pd.DataFrame(rng.normal(size=(n, 20)).astype(np.float32)).rename(columns=str)
    frame = frame.assign(y=rng.normal(size=n), d=rng.integers(0, 2, n), kind=rng.choice(["a", "b", "c"], n))
    data = tp.CausalData(frame, "y", "d", [*map(str, range(20)), "kind"])
    known = tp.Nuisances.given(data, rng.normal(size=n), rng.normal(size=n), rng.uniform(0.1, 0.9, n))
    known = replace(known, folds=[draw_folds(data, 5, 0)])
    arrays = [getattr(known, name) for name in NUISANCES] + [rows for fold in known.folds[0] for rows in fold]
    size = sum(array.nbytes for array in arrays)
    for act in (lambda: known.save(tmp_path / "kept.npz"), lambda: tp.load_nuisances(tmp_path / "kept.npz", data)):
        tracemalloc.start()
        start = time.perf_counter()
        act()
        assert time.perf_counter() - start < 10
        assert tracemalloc.get_traced_memory()[1] < 2 * size
        tracemalloc.stop()
    assert (tmp_path / "kept.npz").stat().st_size < 34 * n
    assert_same(known, tp.load_nuisances(tmp_path / "kept.npz", data))
