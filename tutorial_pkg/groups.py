"""Groups of rows: one label a row, checked before anything is averaged within them."""

import numpy as np
import pandas as pd

from tutorial_pkg.data import CausalData
from tutorial_pkg.encoding import is_categorical

FEWEST = 5
"""Rows of each arm that a group of :func:`coarse_labels` has; smaller ones are taken together."""


def group_labels(data: CausalData, groups: "str | pd.Series") -> pd.Series:
    """One label a row, in the order of the rows: none missing, every group with three rows of each arm.

    Parameters
    ----------
    data : CausalData
    groups : str or Series
        A column of the data's frame, or one label a row in the frame's index.

    Raises
    ------
    ValueError
        When the labels do not fit the rows, or a group is too small; the message names it.
    """
    if isinstance(groups, str):
        if groups not in data.frame.columns:
            raise ValueError(
                f"groups={groups!r} is not a column of the frame; check its spelling or pass a Series of labels."
            )
        name = groups
        labels = data.frame[groups]
    else:
        labels = pd.Series(groups)
        name = labels.name or "groups"
        if len(labels) != data.n_rows:
            raise ValueError(f"{name!r} has {len(labels):,} labels for {data.n_rows:,} rows; pass one label a row.")
        data.check_index(groups, "groups", repr(name))
    if n_missing := int(labels.isna().sum()):
        raise ValueError(
            f"{name!r} has no label in {n_missing:,} rows; give them a group or leave those rows out of the data."
        )
    if len(set(map(str, labels.unique()))) < labels.nunique():
        raise ValueError(f"{name!r} has different labels that read alike, such as 1 and '1'; give them one type.")
    if isinstance(labels.dtype, pd.CategoricalDtype):
        labels = labels.cat.remove_unused_categories()
    labels = labels.reset_index(drop=True).rename(str(name))
    counts = pd.crosstab(labels, data.d)
    small = counts.index[(counts.reindex(columns=[0, 1], fill_value=0) < 3).any(axis=1)]
    if len(small):
        raise ValueError(
            f"Group {small[0]!r} of {name!r} has fewer than three rows in one arm; merge it with another group."
        )
    return labels


def mix_weights(labels: pd.Series, others: pd.Series) -> pd.Series:
    """What each row shall count for, so that its table has the mix of groups of another table: for ``weights``.

    The share that the row's group has among the others, over the share that it has here. An effect averaged with these
    weights is that of rows with the others' mix; within a group, rows are taken to be alike.

    Parameters
    ----------
    labels, others : Series
        The group of each row, here and in the other table, by the same names; rows without a label count for nothing.

    Raises
    ------
    ValueError
        When one of the others' groups has no row here, since nothing can stand for it.
    """
    here, wanted = (table.astype(object).value_counts(normalize=True) for table in (labels, others))
    if wanted.empty:
        raise ValueError("None of the other rows has a group; cut both tables into the same groups.")
    if absent := [name for name in wanted.index if name not in here.index]:
        raise ValueError(
            f"Group {absent[0]!r} has no row here, so nothing can stand for it; leave it out of the others."
        )
    return labels.astype(object).map(wanted / here).fillna(0.0).astype(float)


def coarse_labels(data: CausalData, name: str) -> pd.Series:
    """Labels of a column's groups: its values, or thirds of its numbers; those with few rows of an arm are one group."""
    column = data.frame[name]
    if is_categorical(column) or column.nunique() <= 6:
        label = column.astype(object).where(column.notna(), "missing").astype(str)
    else:
        thirds = pd.qcut(column, 3, duplicates="drop")
        ends = sorted({end for interval in thirds.cat.categories for end in (interval.left, interval.right)})
        digits = next(d for d in range(3, 16) if len({f"{end:.{d}g}" for end in ends}) == len(ends))
        words = {i: f"{i.left:.{digits}g} to {i.right:.{digits}g}" for i in thirds.cat.categories}
        label = thirds.map(words).astype(object).where(column.notna(), "missing").astype(str)
    smallest = pd.crosstab(label, data.d).reindex(columns=[0, 1], fill_value=0).min(axis=1)
    small = label.isin(smallest.index[smallest < FEWEST])
    if small.any() and np.bincount(data.d[small], minlength=2).min() < FEWEST:
        if small.all():
            raise ValueError(f"No group of {name!r} has {FEWEST} rows of each arm; name a column with fewer values.")
        small |= label == label[~small].value_counts().index[-1]
    return label.mask(small, "all others")
