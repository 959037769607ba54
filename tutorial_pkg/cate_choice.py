"""Which model of the effect to use: all compared by doubly robust loss on rows that took no part in them."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import combinations
from typing import Any, get_args

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from tqdm.auto import tqdm

from tutorial_pkg.cate import CateModel, Method, estimate_cate
from tutorial_pkg.display import show
from tutorial_pkg.estimate import from_influence
from tutorial_pkg.fitting import Fits
from tutorial_pkg.handover import aipw_signal
from tutorial_pkg.nuisance import NUISANCES, Nuisances

SIMPLEST_FIRST: tuple[Method, ...] = (
    "constant",
    "linear_dr",
    "linear_dml",
    "t_learner",
    "boosted_dr",
    "forest_dr",
    "causal_forest",
)


def choose_cate(
    nuisances: Nuisances,
    methods: Sequence[Method] = SIMPLEST_FIRST,
    n_jobs: int = -1,
    *,
    progress: bool | None = None,
) -> CateModel:
    """The simplest model of the effect that is as good as the best, fitted to all rows; ``comparison`` says why it.

    For every fold of the nuisances the models are fitted to the other rows and say the effects of the fold's, which are
    compared with their doubly robust signal. The mean squared gap is the error of the effects plus a noise that is the
    same for all models, so that, where the signal has no bias, differences of losses are differences of errors. The
    fold's outcomes take no part in what they judge: the nuisance models are fitted anew without the fold and each other
    one. Only the models' settings are those chosen on all rows; cross_fit(..., tune_on_folds=True) chooses them in folds.
    The choice is the first of the methods, which come simplest first, whose loss exceeds the smallest by at most one
    standard error of the difference.

    Given nuisances cannot be fitted anew and are taken as they are: they must not have been learned from these rows.

    Parameters
    ----------
    nuisances : Nuisances
        From :func:`cross_fit`, with three folds or more; of several repeats the first is used.
    methods : sequence of str
        Methods of :func:`tutorial_pkg.cate.estimate_cate`, the one to be preferred among equals first.
    n_jobs : int
        Models fitted side by side; the results do not depend on it.
    progress : bool, optional
        Show a progress bar; by default when the work is long.

    Returns
    -------
    CateModel
        Its ``comparison`` has a row a method: ``loss above the best`` in squared outcome units, the ``std_error`` of that
        difference, clustered where the data name a cluster, and ``chosen``.

    References
    ----------
    Schuler, Baiocchi, Tibshirani and Shah (2018) and Mahajan, Mitliagkas, Neal and Syrgkanis (2024) compare losses for
    this choice, the doubly robust among them. The rule of one standard error is after Breiman, Friedman, Olshen and
    Stone (1984), here of the difference.
    """
    if unknown := [m for m in methods if m not in get_args(Method)]:
        raise ValueError(f"method={unknown[0]!r} is not known; choose from {', '.join(get_args(Method))}.")
    if len(methods) < 2 or len(set(methods)) < len(methods):
        raise ValueError("There is nothing to choose; name at least two methods, each once.")
    data, signal, folds = nuisances.data, aipw_signal(nuisances)[:, 0], nuisances.folds[0]
    losses = {method: np.empty(data.n_rows) for method in methods}
    n_fits = len(NUISANCES) * len(folds) * (len(folds) - 1) // 2 if nuisances.chosen else 0
    n_steps = n_fits + len(folds) * len(methods)
    with tqdm(total=n_steps, desc="choosing", delay=0 if progress else 5, disable=progress is False) as bar:
        for seen, test in _without_each_fold(nuisances, n_jobs, bar):
            unseen = data.frame.iloc[test]
            for method in methods:
                losses[method][test] = (signal[test] - estimate_cate(seen, method).effect(unseen)) ** 2
                bar.update()
    best = min(losses, key=lambda method: losses[method].mean())
    rows = {}
    for method, loss in losses.items():
        gap = loss - losses[best]
        more = from_influence(gap.mean(), gap - gap.mean(), data, estimand="loss", method=method, family="dml")
        rows[method] = {"loss above the best": more.value, "std_error": more.std_error}
    table = pd.DataFrame.from_dict(rows, orient="index")
    chosen: Any = (table["loss above the best"] <= table["std_error"]).idxmax()
    table["chosen"] = table.index == chosen
    return replace(estimate_cate(nuisances, chosen), comparison=show(table))


def _without_each_fold(nuisances: Nuisances, n_jobs: int, bar: tqdm) -> Iterator[tuple[Nuisances, NDArray[np.int64]]]:
    """The rows outside each fold, with predictions in which neither the fold nor their own took part, and the fold."""
    folds = nuisances.folds[0]
    predictions = {name: np.repeat(getattr(nuisances, name)[:, :1], len(folds), axis=1) for name in NUISANCES}
    if nuisances.chosen:  # others were given
        _fit_without_pairs(nuisances, n_jobs, predictions, bar)
    for k, (train, test) in enumerate(folds):
        seen = nuisances.take(train)
        seen.data.__dict__["levels"] = nuisances.data.levels  # the fold may hold all rows of one
        without: dict[str, Any] = {name: values[train][:, [k]] for name, values in predictions.items()}
        yield replace(seen, folds=seen.folds[:1], **without), test


def _fit_without_pairs(nuisances: Nuisances, n_jobs: int, predictions: dict[str, NDArray], bar: tqdm) -> None:
    """Put into column k what models say that were fitted without fold k and the row's own; one fit serves both."""
    fitted = {name: model for name, model in nuisances.chosen.items() if model != "given"}
    if any(isinstance(model, str) for model in fitted.values()):
        raise ValueError(
            "The nuisances come from a file, which keeps no learners, and a choice fits them anew; "
            "call cross_fit(data) again, or choose before saving."
        )
    folds = nuisances.folds[0]
    if len(folds) < 3:
        raise ValueError("A choice fits each nuisance without two of the folds; cross_fit with n_folds=3 or more.")
    own = np.empty(nuisances.data.n_rows, dtype=int)
    for k, (_, test) in enumerate(folds):
        own[test] = k
    pairs = [
        (np.intersect1d(train, other_train), np.concatenate([test, other_test]))
        for (train, test), (other_train, other_test) in combinations(folds, 2)
    ]
    fits = Fits(nuisances.data, [pairs], seed=0, n_jobs=n_jobs)
    for name, _, rows, predicted, _ in fits.predict(fitted):
        other = own[rows[0]] + own[rows[-1]] - own[rows]
        predictions[name][rows, other] = predicted
        bar.update()
