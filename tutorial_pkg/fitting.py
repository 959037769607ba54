"""Choices and fits of the nuisance models, side by side, each on one thread."""

import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from functools import cache
from typing import Any

import joblib
import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from threadpoolctl import ThreadpoolController

from tutorial_pkg.choosing import choose, is_binary
from tutorial_pkg.data import CausalData
from tutorial_pkg.folds import Folds, pack_rows, unpack_rows
from tutorial_pkg.nuisance import NUISANCES

Chosen = tuple[str, Any, float]  # nuisance, model, seconds
Fitted = tuple[str, int, NDArray, NDArray, float]  # nuisance, repeat, test rows, predictions, seconds

ATTEMPTS = 5
"""How often what a cluster has lost is handed over."""


class Fits:
    """Choices and fits, side by side: in threads where the models share the covariates, in processes elsewhere.

    To another machine go outcome, decision and covariates, which joblib's ``scatter`` can hand over once, and with each
    fit a bit a row for its fold. Where a cluster loses them with a worker, they are handed over again for what is not done.
    """

    def __init__(self, data: CausalData, splits: list[Folds], seed: int, n_jobs: int) -> None:
        self.data, self.splits, self.seed, self.n_jobs = data, splits, seed, n_jobs
        self.shared: dict[Any, Any] = {}

    def choose(self, models: dict[str, Any]) -> Iterator[Chosen]:
        """Each model with the settings that suit all rows of its nuisance, in the order in which they are done."""
        yield from self._run(_choose, models, {(name,): (self.seed,) for name in models})

    def predict(self, models: dict[str, Any]) -> Iterator[Fitted]:
        """Each model fitted on all folds but one, in turn, predicting that one; in the order in which they are done."""
        folds = [(r, k) for r, repeat in enumerate(self.splits) for k in range(len(repeat))]
        packed = {(r, k): [pack_rows(rows, self.data.n_rows) for rows in self.splits[r][k]] for r, k in folds}
        tasks = {(name, *fold): (packed[fold], self.seed) for name in models for fold in folds}
        for name, repeat, fold, predicted, seconds in self._run(_fit_fold, models, tasks):
            yield name, repeat, self.splits[repeat][fold][1], predicted, seconds

    def _run(
        self, function: Any, models: dict[str, Any], tasks: dict[tuple[Any, ...], tuple[Any, ...]]
    ) -> Iterator[Any]:
        """What the function finds for each task, in the order in which they are done; it begins with the task's key."""
        kinds = {name: _kind(model) for name, model in models.items()}
        prefer = "processes" if None in kinds.values() else "threads"
        here = getattr(joblib.parallel.get_active_backend(prefer=prefer)[0], "supports_sharedmem", False)
        forms = {kind: self._covariates(kind, here) for kind in set(kinds.values())}
        y, d = self.data.y, self.data.d
        undone, length = dict(tasks), len(next(iter(tasks), ()))
        for attempt in range(ATTEMPTS):
            jobs = [
                joblib.delayed(function)(models[key[0]], forms[kinds[key[0]]], y, d, *key, *more)
                for key, more in undone.items()
            ]
            try:
                for found in joblib.Parallel(self.n_jobs, return_as="generator_unordered", prefer=prefer)(jobs):
                    del undone[found[:length]]
                    yield found
                return
            except CancelledError:
                if attempt + 1 == ATTEMPTS:
                    raise
                # joblib knows by identity what it has handed over, so copies are handed over anew
                y, d, forms = y.copy(), d.copy(), {kind: form.copy() for kind, form in forms.items()}

    def _covariates(self, kind: Any, here: bool) -> Any:
        """The covariates in the models' form; as they are for other processes, which make the form themselves."""
        if kind is None or not here:
            return self.data.x
        if kind not in self.shared:
            self.shared[kind] = kind(self.data.x)
        return self.shared[kind]


def _choose(model: Any, x: Any, y: NDArray, d: NDArray, name: str, seed: int) -> Chosen:
    """Choose the settings of one nuisance on all its rows, on one thread."""
    start = time.thread_time()
    rows, x = _rows_of(name, d, np.arange(len(d))), _in_form(model, x)
    target = d if name == "propensity" else y
    with _libraries().limit(limits=1), _explained(name, f"choosing its settings on {len(rows):,} rows"):
        some = x if isinstance(x, np.ndarray) and len(rows) == len(x) else x[rows]
        return name, choose(_seeded(model, seed), some, target[rows]), time.thread_time() - start


def _fit_fold(
    model: Any, x: Any, y: NDArray, d: NDArray, name: str, repeat: int, fold: int, packed: Any, seed: int
) -> tuple[str, int, int, NDArray, float]:
    """Fit one nuisance on the training rows of one fold, on one thread, and predict its test rows."""
    start = time.thread_time()
    train, test = map(unpack_rows, packed)
    train, model, x = _rows_of(name, d, train), _seeded(model, seed + repeat), _in_form(model, x)
    with _libraries().limit(limits=1), _explained(name, f"fold {fold + 1}, with {len(train):,} training rows"):
        if name == "propensity":
            predicted = model.fit(x[train], d[train]).predict_proba(x[test])[:, 1]
        else:
            predicted = model.fit(x[train], y[train]).predict(x[test])
            if is_binary(y):  # what is not finite stays so, and is refused
                predicted = np.where(np.isfinite(predicted), predicted.clip(0, 1), predicted)
    return name, repeat, fold, predicted, time.thread_time() - start


_formed: dict[str, Any] = {}
_lock = threading.Lock()


def _in_form(model: Any, x: Any) -> Any:
    """Covariates that came from another process in the model's form, which is made once while they stay the same."""
    kind = _kind(model)
    if kind is None or not isinstance(x, np.ndarray):
        return x
    with _lock:
        if _formed.get("x") is not x or _formed.get("kind") is not kind:
            _formed.update(x=x, kind=kind, form=kind(x))
        return _formed["form"]


def _kind(model: Any) -> Any:
    """The form in which models of this kind share the covariates, if there is one."""
    return getattr(type(model), "share", None)


@cache
def _libraries() -> ThreadpoolController:
    """Those with threads of their own; finding them takes longer than a small fit."""
    return ThreadpoolController()


def _rows_of(name: str, d: NDArray, rows: NDArray) -> NDArray:
    """Those of the rows to which the nuisance is fitted: of an arm's outcome the arm's."""
    return rows[d[rows] == (name == "outcome_treated")] if name in ("outcome_control", "outcome_treated") else rows


@contextmanager
def _explained(name: str, where: str) -> Iterator[None]:
    """Say which learner failed, on what, in one sentence."""
    try:
        yield
    except Exception as error:
        role = "propensity" if name == "propensity" else "outcome"
        raise ValueError(
            f"learners.{role} failed on {NUISANCES[name]}, {where} ({type(error).__name__}: "
            f"{str(error).splitlines()[0] if str(error) else 'no message'}); use fewer folds, gather more rows, or "
            "choose another learner."
        ) from error


def _seeded(model: Any, seed: int) -> Any:
    """A fresh copy; wherever it has a random_state that is not set, it gets the seed."""
    model = clone(model)
    unset = [k for k, v in model.get_params().items() if v is None and k.rsplit("__", 1)[-1] == "random_state"]
    return model.set_params(**dict.fromkeys(unset, seed))
