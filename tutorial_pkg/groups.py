"""Groups of rows: one label a row, checked before anything is averaged within them."""

import pandas as pd

from tutorial_pkg.data import CausalData


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
