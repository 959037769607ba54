"""Folds that balance the arms and divide no cluster: drawn, read and checked; and rows cut in two by clusters."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import GroupShuffleSplit, ShuffleSplit, StratifiedGroupKFold, StratifiedKFold

from tutorial_pkg.data import CausalData

Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]
"""The (train, test) row positions of one sample split; each row is tested once."""


def make_folds(data: CausalData, folds: Sequence[Folds] | None, n_folds: int, n_repeats: int, seed: int) -> list[Folds]:
    """The folds of each repeat: those given, read and checked, or else drawn."""
    if folds is None:
        _check_counts(data, n_folds, n_repeats)
        folds = [draw_folds(data, n_folds, seed + repeat) for repeat in range(n_repeats)]
    else:
        folds = read_folds(data, folds)
    _check_folds(data, folds)
    return folds


def draw_folds(data: CausalData, n_folds: int, seed: int) -> Folds:
    """Folds with equal shares of the treated; no cluster is divided."""
    if data.clusters is None:
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(data.d, data.d)
    else:
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(data.d, data.d, data.clusters)
    return list(splitter)


def split_rows(data: CausalData, share: float = 0.5, seed: int = 0) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Two disjoint sets of row positions, the first with the given share of rows, or of clusters, which stay whole.

    One is for choosing, a model or a policy or the best group, the other for judging what was chosen.
    """
    if not 0 < share < 1:
        raise ValueError(f"share={share!r} is not between 0 and 1; 0.5 cuts the rows in halves.")
    splitter: Any = ShuffleSplit if data.clusters is None else GroupShuffleSplit
    first, second = next(splitter(1, train_size=share, random_state=seed).split(data.d, groups=data.clusters))
    return np.sort(first), np.sort(second)


def same_folds(one: Sequence[Folds], other: Sequence[Folds]) -> bool:
    """Whether two sets of folds hold the same row positions in the same order."""
    parts = ([part for repeat in folds for pair in repeat for part in pair] for folds in (one, other))
    return all(a is not None and b is not None and np.array_equal(a, b) for a, b in zip_longest(*parts))


def take_rows(folds: Folds, rows: NDArray[np.int64], n_rows: int) -> Folds:
    """The folds of some of ``n_rows`` rows, in the positions these rows have among themselves."""
    place = np.full(n_rows, -1)
    place[rows] = np.arange(len(rows))
    return [(place[train][place[train] >= 0], place[test][place[test] >= 0]) for train, test in folds]


def pack_rows(rows: NDArray[np.int64], n_rows: int) -> bytes | NDArray[np.int64]:
    """Row positions as one bit a row, small enough to be sent with every fit; those out of order as they are."""
    if (np.diff(rows) <= 0).any():
        return rows
    chosen = np.zeros(n_rows, dtype=bool)
    chosen[rows] = True
    return np.packbits(chosen).tobytes()


def unpack_rows(packed: bytes | NDArray[np.int64]) -> NDArray[np.int64]:
    """What :func:`pack_rows` packed."""
    return np.flatnonzero(np.unpackbits(np.frombuffer(packed, np.uint8))) if isinstance(packed, bytes) else packed


def _check_counts(data: CausalData, n_folds: int, n_repeats: int) -> None:
    if not all(isinstance(count, int | np.integer) for count in (n_folds, n_repeats)) or n_folds < 2 or n_repeats < 1:
        raise ValueError(f"n_folds={n_folds!r} and n_repeats={n_repeats!r}: use at least 2 folds and 1 repeat.")
    smallest = int(min(data.d.sum(), (1 - data.d).sum()))
    if smallest < 2 * n_folds:
        remedy = f"use n_folds={smallest // 2} or less, or gather more rows" if smallest >= 4 else "gather more rows"
        raise ValueError(
            f"Treatment {data.treatment!r} has only {smallest} rows in its smaller arm, too few for {n_folds} folds; "
            f"{remedy}."
        )
    if data.clusters is None:
        return
    if (n_clusters := data.clusters.max() + 1) < n_folds:
        raise ValueError(
            f"Cluster {data.cluster!r} has {n_clusters} values, fewer than the {n_folds} folds; folds never divide a "
            f"cluster: use n_folds={n_clusters} or less."
        )
    per_arm = min(len(np.unique(data.clusters[data.d == arm])) for arm in (0, 1))
    if per_arm < n_folds:
        raise ValueError(
            f"One arm of treatment {data.treatment!r} lies in {per_arm} clusters of {data.cluster!r}, too few for "
            f"{n_folds} folds; use fewer folds or gather more clusters."
        )


def read_folds(data: CausalData, folds: Any) -> list[Folds]:
    """The folds as lists of pairs of position arrays, if they can be read so."""
    try:
        read = [[(np.asarray(train), np.asarray(test)) for train, test in repeat] for repeat in folds]
        positions = np.concatenate([part for repeat in read for pair in repeat for part in pair])
    except (TypeError, ValueError):
        positions = np.array([])
    if positions.dtype.kind not in "iu" or positions.ndim != 1 or positions.min() < 0 or positions.max() >= data.n_rows:
        raise ValueError(
            "folds must hold, for each repeat, a list of (train, test) pairs of row positions from 0 to "
            f"{data.n_rows - 1:,}; take them as Nuisances.folds gives them."
        )
    return read


def _check_folds(data: CausalData, folds: Sequence[Folds]) -> None:
    for number, repeat in enumerate(folds):
        tested = np.concatenate([test for _, test in repeat])
        if len(tested) != data.n_rows or not np.array_equal(np.sort(tested), np.arange(data.n_rows)):
            raise ValueError(
                f"folds[{number}] must test each of the {data.n_rows:,} rows exactly once; check its row positions."
            )
        for train, test in repeat:
            if np.intersect1d(train, test).size:
                raise ValueError(f"folds[{number}] trains on rows it tests; keep train and test apart.")
            if min(np.bincount(data.d[train], minlength=2)) < 2:
                raise ValueError(
                    f"folds[{number}] leaves fewer than two rows of one arm of {data.treatment!r} for training; "
                    "use fewer folds or stratify them by treatment."
                )
            if data.clusters is not None and np.intersect1d(data.clusters[train], data.clusters[test]).size:
                raise ValueError(f"folds[{number}] divides a cluster of {data.cluster!r}; keep its rows in one fold.")
