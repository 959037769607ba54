"""Covariates as one matrix of numbers: a 0/1 column for each level of a category."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

Levels = dict[str, list[Any]]


def is_categorical(column: pd.Series) -> bool:
    """Whether a column holds labels rather than numbers."""
    kinds = pd.api.types
    return not (kinds.is_numeric_dtype(column) or kinds.is_bool_dtype(column)) or "decimal" in str(column.dtype)


def number_dtype(column: pd.Series) -> "np.dtype[Any]":
    """The kind of number in a column; of nullable, Arrow and sparse columns that inside."""
    dtype: Any = column.dtype
    return np.dtype(getattr(dtype, "numpy_dtype", getattr(dtype, "subtype", dtype)))


def category_levels(frame: pd.DataFrame, columns: Sequence[str]) -> Levels:
    """Levels of each categorical column; a missing value is the last level, None."""
    levels: Levels = {}
    for name in columns:
        column = frame[name]
        if is_categorical(column):
            present = pd.unique(column.dropna().astype(object))
            levels[name] = sorted(present, key=str) + [None] * bool(column.isna().any())
    return levels


def encoded_names(columns: Sequence[str], levels: Levels, first: int = 0) -> list[str]:
    """Name of each column of :func:`encode`."""
    names: list[str] = []
    for name in columns:
        labels = ["missing" if level is None else level for level in levels.get(name, [])]
        names += [f"{name}={label}" for label in labels[first:]] if name in levels else [name]
    return names


def encode(frame: pd.DataFrame, columns: Sequence[str], levels: Levels, first: int = 0) -> NDArray:
    """The columns as one matrix, (n_rows, n_columns), float32 where they all are; of a category the levels from
    ``first`` on. Each column is written once, into its place."""
    plain = [number_dtype(frame[name]) for name in columns if name not in levels]
    matrix = np.empty((len(encoded_names(columns, levels, first)), len(frame)), np.result_type(np.float32, *plain))
    row = 0
    for name in columns:
        if name not in levels:
            matrix[row] = frame[name].to_numpy(dtype=matrix.dtype, na_value=np.nan)
            row += 1
            continue
        values = frame[name].astype(object)
        unseen = set(pd.unique(values.dropna())) - set(levels[name])
        if values.isna().any() and None not in levels[name]:
            raise ValueError(f"Column {name!r} has missing values, which the data never had; drop those rows.")
        if unseen:
            label = min(unseen, key=str)
            raise ValueError(f"Column {name!r} has the level {label!r}, which the data never had; drop those rows.")
        for level in levels[name][first:]:
            matrix[row] = values.isna() if level is None else values == level
            row += 1
    return matrix.T
