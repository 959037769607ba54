"""Double machine learning on a folder of Parquet files that no single worker could hold, on a Dask cluster.

LightGBM's Dask estimators fit the nuisances on all workers together, each worker with its share of the rows. Predictions
and the sums that the average effects and their errors are made of are then taken file by file. A file has to fit into a
worker's memory several times over, and its share of the rows twice. What comes back to the caller is a row a cluster.

Folds are drawn by a hash of the cluster, so that no cluster is divided, wherever its rows lie.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from numpy.typing import NDArray

from tutorial_pkg.cluster_training import check_dask, train_trees
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.support import caution
from tutorial_pkg.weighting import CLIPPING, check_clipping, clipped
from tutorial_pkg.words import Words

if TYPE_CHECKING:
    from distributed import Client


MODELS = ("outcome_control", "outcome_treated", "propensity")
"""The nuisances that the averages need."""


@dataclass(frozen=True)
class Columns:
    """The roles of the files' columns."""

    outcome: str
    treatment: str
    covariates: tuple[str, ...]
    cluster: str

    @property
    def all(self) -> list[str]:
        """Every column that is read."""
        return [self.outcome, self.treatment, self.cluster, *self.covariates]


@dataclass(frozen=True, eq=False)
class FolderFit:
    """Nuisance models of all folds, and where their rows lie.

    ``models[k]`` are those that predict fold k, fitted without it: name to LightGBM's text. ``retried`` counts the steps that
    were done again because a worker was lost.
    """

    files: tuple[str, ...]
    columns: Columns
    client: "Client" = field(repr=False)
    models: tuple[dict[str, str], ...] = field(repr=False)
    binary: bool
    seed: int
    retried: int

    def predict(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Out-of-fold predictions of some of the rows: outcome_control, outcome_treated, propensity; (n_rows, 3)."""
        fold = fold_of(frame[self.columns.cluster], len(self.models), self.seed)
        return _predicted(frame, fold, self.models, self.columns, self.binary)

    def averages(self, clipping: float = CLIPPING) -> Estimates:
        """ATE, ATT and ATC by the augmented inverse-propensity score, from sums within clusters, file by file.

        They are the estimates, and the errors clustered over all files, that :func:`tutorial_pkg.effects.estimate_ate` and
        its sisters make of the same predictions. They hold no influence values of rows, so no differences can be taken.

        Parameters
        ----------
        clipping : float
            Propensities are moved into [clipping, 1 - clipping].

        References
        ----------
        Chernozhukov et al. (2018), equations 5.3 and 5.4, whose terms are added up within clusters.
        """
        check_clipping(clipping)
        about = (self.columns, len(self.models), self.seed, self.binary, clipping)
        # a task's result, unlike what is scattered, is made again when a worker is lost
        models = self.client.submit(tuple, self.models, pure=False)
        found = self.client.gather(self.client.map(_sums, self.files, models=models, about=about, pure=False))
        sums = pd.concat([part for part, _ in found]).groupby(level=0).sum()
        counts = pd.concat([part for _, part in found]).groupby(level=[0, 1]).sum()
        d, m = (counts.index.get_level_values(level).to_numpy() for level in (0, 1))
        words = Words(self.columns.treatment, self.columns.outcome)

        def average(estimand: Literal["ATE", "ATT", "ATC"], total: pd.Series, rows: pd.Series) -> Estimate:
            value = float(total.sum() / rows.sum())
            error = float(np.sqrt(np.sum((total - value * rows) ** 2)) / rows.sum())
            warned = caution(d, m, estimand, counts=counts.to_numpy())
            about: dict[str, Any] = {
                "outcome": self.columns.outcome,
                "words": words,
                "caution": warned,
                "family": "dml",
            }
            return Estimate(value, error, estimand, "DML (IRM), by partition", int(sums["rows"].sum()), **about)

        untreated = sums["rows"] - sums["treated"]
        ate, att = average("ATE", sums["all"], sums["rows"]), average("ATT", sums["gained"], sums["treated"])
        return Estimates({"ATE": ate, "ATT": att, "ATC": average("ATC", sums["all"] - sums["gained"], untreated)})


def fit_folder(
    files: "str | Path | Sequence[str | Path]",
    client: "Client",
    *,
    outcome: str,
    treatment: str,
    covariates: Sequence[str],
    cluster: str,
    n_folds: int = 5,
    n_trees: int = 300,
    seed: int = 0,
) -> FolderFit:
    """Fit the nuisance models of all folds on rows that lie in many files, by LightGBM on all workers of a cluster.

    Boosting has the settings of :func:`tutorial_pkg.learners.boosted_trees` without their start from a line and with a
    fixed number of trees. The bins of a column depend on how rows lie among workers, so another number of workers, or the loss of
    one, changes estimates in a digit that the standard error covers. A step during which a worker is lost is done again
    when as many workers are there as before.

    Parameters
    ----------
    files : path, or sequence of paths
        A folder of Parquet files, or the files, which every worker can read.
    client : distributed.Client
        Connected to the cluster.
    outcome, treatment, covariates, cluster : str
        Columns; treatment holds zeros and ones, covariates hold numbers, which may be missing. Where no rows belong
        together, ``cluster`` is what names a row.
    n_folds, n_trees : int
    seed : int
        Fixes the folds and the trees' random choices.

    Raises
    ------
    ValueError
        When files or columns cannot play their roles, naming file, column and remedy; before any training.
    ImportError
        Without Dask, saying how to install it.
    """
    check_dask()
    columns = Columns(outcome, treatment, (covariates,) if isinstance(covariates, str) else tuple(covariates), cluster)
    paths = _files(files)
    if n_folds < 2 or n_trees < 1:
        raise ValueError(f"n_folds={n_folds!r} and n_trees={n_trees!r}: use at least 2 folds and 1 tree.")
    n_workers, retried = len(client.nthreads()), 0
    looks = client.gather(client.map(_look, paths, columns=columns, n_folds=n_folds, seed=seed, pure=False))
    _check(looks, columns, n_folds)
    binary = all(look["binary"] for look in looks)
    models: list[dict[str, str]] = [{} for _ in range(n_folds)]
    for fold, name in product(range(n_folds), MODELS):
        read = partial(_rows, columns=columns, name=name, fold=fold, n_folds=n_folds, seed=seed)
        objective: Literal["regression", "binary"] = "binary" if name == "propensity" else "regression"
        models[fold][name], again = train_trees(
            client, read, paths, len(columns.covariates), objective, n_trees, seed, n_workers
        )
        retried += again
    return FolderFit(tuple(paths), columns, client, tuple(models), binary, seed, retried)


def fold_of(cluster: pd.Series, n_folds: int, seed: int = 0) -> NDArray[np.int64]:
    """The fold of each row, from 0 on, (n_rows,): by a hash of its cluster's name, the same in every file."""
    hashed = pd.util.hash_pandas_object(cluster, index=False).to_numpy()
    mixed = pd.util.hash_array(hashed + np.uint64(seed))
    return (mixed % np.uint64(n_folds)).astype(np.int64)


# --- on the workers -------------------------------------------------------------------------------------


def _look(file: str, columns: Columns, n_folds: int, seed: int) -> dict[str, Any]:
    """What the checks need to know of one file; under "wrong" a sentence where it cannot be used."""
    try:
        there = pq.read_schema(file).names
    except (OSError, ValueError) as error:  # Arrow's own errors are among them
        return {"wrong": f"{file} cannot be read as Parquet ({error}); write it again."}
    if lacking := [name for name in columns.all if name not in there]:
        return {"wrong": f"Column {lacking[0]!r} is not in {file}; check its spelling, or write that file again."}
    frame = pd.read_parquet(file, columns=columns.all)
    for name in (columns.outcome, columns.treatment, columns.cluster):
        if n_missing := int(frame[name].isna().sum()):
            return {"wrong": f"{name!r} is missing in {n_missing:,} rows of {file}; drop them or find the values."}
    for name in (columns.outcome, *columns.covariates):
        if not pd.api.types.is_numeric_dtype(frame[name]):
            remedy = "convert it, a category to one 0/1 column a level."
            return {"wrong": f"{name!r} holds {frame[name].dtype} in {file}, not numbers; {remedy}"}
        if np.isinf(frame[name].to_numpy(dtype=float, na_value=np.nan)).any():
            return {"wrong": f"{name!r} has infinite values in {file}; correct them or drop those rows."}
    y, d = frame[columns.outcome].to_numpy(dtype=float), frame[columns.treatment]
    if not d.isin([0, 1]).all():
        odd = d[~d.isin([0, 1])].tolist()[0]
        remedy = "write 1 for treated and 0 for the others."
        return {"wrong": f"Treatment {columns.treatment!r} is {odd!r} in {file}; {remedy}"}
    fold = fold_of(frame[columns.cluster], n_folds, seed)
    rows = np.bincount(2 * fold + d.to_numpy(dtype=int), minlength=2 * n_folds).reshape(n_folds, 2)
    kind, ends = str(frame[columns.cluster].dtype), (y.min(initial=np.inf), y.max(initial=-np.inf))
    known = frame[list(columns.covariates)].notna().any().to_numpy()
    about = {"file": file, "rows": rows, "kind": kind, "ends": ends, "known": known}
    return {**about, "binary": bool(np.isin(y, (0, 1)).all())}


def _rows(file: str, columns: Columns, name: str, fold: int, n_folds: int, seed: int) -> tuple[NDArray, NDArray]:
    """Covariates (n, p) and target (n,) of the rows of one file on which a nuisance of a fold is trained."""
    frame = pd.read_parquet(file, columns=columns.all)
    d = frame[columns.treatment].to_numpy(dtype=np.int8)
    used = fold_of(frame[columns.cluster], n_folds, seed) != fold
    if name != "propensity":
        used &= d == (name == "outcome_treated")
    target = d if name == "propensity" else frame[columns.outcome].to_numpy(dtype=np.float32)
    return _covariates(frame[used], columns), target[used]


def _sums(file: str, models: Sequence[dict[str, str]], about: tuple[Any, ...]) -> tuple[pd.DataFrame, pd.Series]:
    """Of one file the sums of the scores' terms within clusters, and how often each propensity occurs in each arm."""
    columns, n_folds, seed, binary, clipping = about
    frame = pd.read_parquet(file, columns=columns.all)
    found = _predicted(frame, fold_of(frame[columns.cluster], n_folds, seed), models, columns, binary)
    g0, g1, raw = (found[name].to_numpy() for name in MODELS)
    y, d = (frame[name].to_numpy(dtype=float) for name in (columns.outcome, columns.treatment))
    m = clipped(raw, clipping)
    terms = {
        "rows": np.ones(len(d)),
        "treated": d,
        "all": g1 - g0 + d * (y - g1) / m - (1 - d) * (y - g0) / (1 - m),
        "gained": d * (y - g0) - (1 - d) * m / (1 - m) * (y - g0),
    }
    counts = pd.DataFrame({"d": d.astype(np.int8), "m": raw.round(4)}).value_counts()
    return pd.DataFrame(terms).groupby(frame[columns.cluster].to_numpy()).sum(), counts


def _predicted(
    frame: pd.DataFrame, fold: NDArray[np.int64], models: Sequence[dict[str, str]], columns: Columns, binary: bool
) -> pd.DataFrame:
    found = pd.DataFrame(np.nan, frame.index, list(MODELS))
    for k, texts in enumerate(models):
        if len(rows := np.flatnonzero(fold == k)):
            x = _covariates(frame.iloc[rows], columns)
            for j, name in enumerate(MODELS):
                found.iloc[rows, j] = lgb.Booster(model_str=texts[name]).predict(x, num_threads=1)
    if binary:
        found[list(MODELS[:2])] = found[list(MODELS[:2])].clip(0, 1)
    return found


def _covariates(frame: pd.DataFrame, columns: Columns) -> NDArray[np.float32]:
    return frame[list(columns.covariates)].to_numpy(dtype=np.float32, na_value=np.nan)


# --- from the caller ------------------------------------------------------------------------------------


def _files(files: "str | Path | Sequence[str | Path]") -> list[str]:
    if not isinstance(files, str | Path):
        paths = [str(file) for file in files]
    elif not Path(files).is_dir():
        raise ValueError(f"There is no folder {str(files)!r}; check the path, or pass a list of files.")
    else:
        paths = sorted(str(path) for path in Path(files).glob("*.parquet"))
    if not paths:
        raise ValueError(f"There is no .parquet file in {str(files)!r}; check the path, or pass a list of files.")
    return paths


def _check(looks: list[dict[str, Any]], columns: Columns, n_folds: int) -> None:
    """Refuse what the files say of themselves, the first fault found."""
    if wrong := [look["wrong"] for look in looks if "wrong" in look]:
        raise ValueError(wrong[0])
    first, rows = looks[0], sum(look["rows"] for look in looks)
    if other := [look for look in looks if look["kind"] != first["kind"]]:
        raise ValueError(
            f"Cluster {columns.cluster!r} is {first['kind']} in {first['file']} and {other[0]['kind']} in "
            f"{other[0]['file']}, so one cluster has two names; write it with one type."
        )
    low, high = (end(look["ends"][i] for look in looks) for i, end in enumerate((min, max)))
    if not low < high:
        raise ValueError(f"Outcome {columns.outcome!r} is constant; an effect on it cannot be estimated.")
    if not (known := np.any([look["known"] for look in looks], axis=0)).all():
        raise ValueError(f"Covariate {columns.covariates[int(np.argmin(known))]!r} is missing in every row; drop it.")
    if (rows < 2).any():
        fold, arm = map(int, np.argwhere(rows < 2)[0])
        raise ValueError(
            f"Fold {fold + 1} of {n_folds} has {rows[fold, arm]} rows with {columns.treatment!r} at {arm}; use fewer folds, "
            f"or a cluster finer than {columns.cluster!r}."
        )
