"""Boosted trees trained by all workers of a Dask cluster together, and again where a worker was lost meanwhile."""

import logging
import os
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from importlib.util import find_spec
from operator import itemgetter
from typing import TYPE_CHECKING, Any, Literal

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from tutorial_pkg.boosting import PARAMETERS, SEEN_AT_LEAST

if TYPE_CHECKING:
    from distributed import Client

ATTEMPTS = 5
"""A model is trained so often before the loss of workers ends a run."""

PATIENCE = 60
"""Seconds in which a cluster may replace a worker; then those that are there go on."""

Read = Callable[[str], tuple[NDArray, NDArray]]


def train_trees(
    client: "Client",
    read: Read,
    files: Sequence[str],
    n_columns: int,
    objective: Literal["regression", "binary"],
    n_trees: int,
    seed: int,
    n_workers: int,
) -> tuple[str, int]:
    """LightGBM's text of a model that all workers train together, and how often it was trained again after a loss.

    The settings are those of :mod:`tutorial_pkg.boosting`. Every worker holds its share of the rows in memory, twice while
    it joins them, and bins them. LightGBM's workers wait for each other, so the loss of one is an error or a wait
    without end. Each attempt therefore has a connection of its own, which is closed with all that it waits for.

    Parameters
    ----------
    client : distributed.Client
    read : function
        Called on the workers, gives covariates (n, n_columns) in float32 and target (n,) of a file.
    files : sequence of str
        They go round the workers in turn.
    n_workers : int
        So many are waited for, a minute at most, before each attempt.
    """
    train = partial(_train, read, files, n_columns, objective, n_trees, seed)
    for attempt in range(ATTEMPTS):
        with suppress(TimeoutError):
            client.wait_for_workers(n_workers, PATIENCE)
        workers, found = set(client.nthreads()), _Outcome()
        with _connection(client) as own:
            thread = threading.Thread(target=found.keep, args=(train, own), daemon=True)
            thread.start()
            while thread.is_alive() and workers <= set(client.nthreads()):
                thread.join(0.5)
            if found.text is None:
                thread.join(1.0)  # a loss that is the cause of an error may be known a moment after it
            lost = not workers <= set(client.nthreads())
        if not lost and found.text is not None:
            return found.text, attempt
        if not lost and found.error is not None:
            raise found.error
        _free(client)
    raise RuntimeError(
        f"In each of {ATTEMPTS} attempts to train a model a worker was lost; give the workers more memory, or use more."
    )


def check_dask() -> None:
    """Say how Dask is installed where it is not."""
    if not all(map(find_spec, ("dask", "distributed"))):
        raise ImportError('This needs Dask, an optional extra of the package: python -m pip install -e ".[dask]"')


@dataclass
class _Outcome:
    """What a thread leaves: a text, or the error that it met."""

    text: str | None = None
    error: Exception | None = None

    def keep(self, train: Callable[["Client"], str], client: "Client") -> None:
        try:
            self.text = train(client)
        except Exception as error:  # raised by the caller, if no loss explains it
            self.error = error


def _connection(client: "Client") -> "Client":
    """Another one to the same cluster, which says where futures lie in the order in which it was asked for them.

    In this order LightGBM numbers workers and joins their rows: so the same files on as many workers give the same trees.
    """
    from distributed import Client

    class InOrder(Client):
        def who_has(self, futures: Any = None, **options: Any) -> dict[str, Any]:
            found = super().who_has(futures, **options)
            return {future.key: found[future.key] for future in futures}

    scheduler: Any = client.scheduler
    return InOrder(scheduler.address, security=client.security, set_as_default=False)


def _free(client: "Client") -> None:
    """End those workers in which LightGBM still waits for the one that was lost; their nannies start them anew."""

    def waits(dask_worker: Any) -> bool:
        return any(str(task.key).startswith("_train_part") for task in dask_worker.state.executing)

    async def end() -> None:
        os._exit(1)

    waiting = client.run(waits, on_error="ignore")
    if stuck := [worker for worker, still in waiting.items() if still]:
        client.run(end, workers=stuck, wait=False, on_error="ignore")  # asked to close, they would wait as well


def _train(
    read: Read, files: Sequence[str], n_columns: int, objective: str, n_trees: int, seed: int, client: "Client"
) -> str:
    from dask import array as da
    from distributed import wait
    from lightgbm.dask import DaskLGBMClassifier, DaskLGBMRegressor

    _quiet()
    workers = sorted(client.nthreads())
    rows = []
    for i, file in enumerate(files):
        place = {"workers": [workers[i % len(workers)]], "allow_other_workers": True, "pure": False}
        both = client.submit(read, file, **place)
        rows.append([client.submit(itemgetter(j), both, **place) for j in (0, 1)])
    wait(rows)  # where they are then, LightGBM will train on them
    x = da.concatenate([da.from_delayed(covariates, (np.nan, n_columns), np.float32) for covariates, _ in rows])
    y = da.concatenate([da.from_delayed(target, (np.nan,), np.float32) for _, target in rows])
    del both, rows
    kind = DaskLGBMClassifier if objective == "binary" else DaskLGBMRegressor
    settings = {key: value for key, value in PARAMETERS.items() if key not in ("num_threads", "boost_from_average")}
    seen = min(1.0, max(0.5, SEEN_AT_LEAST / n_columns))
    model = kind(client=client, n_estimators=n_trees, feature_fraction=seen, random_state=seed, **settings)
    return model.fit(x, y).booster_.model_to_string()


def _quiet() -> None:
    """Keep LightGBM's remarks on ports out of notebooks."""
    logger = logging.getLogger("lightgbm")
    logger.setLevel(logging.CRITICAL)
    lgb.register_logger(logger)
