"""Draws the marketplace's covariates: latent traits of seller and product, and the columns made from them."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
from numpy.typing import NDArray

from tutorial_pkg.marketplace.columns import (
    DRIVERS,
    PRODUCT_LATENTS,
    SELLER_LATENTS,
    Column,
    extra_column,
    marketplace_columns,
    shape_marginal,
)
from tutorial_pkg.marketplace.history import History
from tutorial_pkg.marketplace.model import Array, Columns
from tutorial_pkg.marketplace.streams import stream

_COLUMNS = {column.name: column for column in marketplace_columns()}
_ROWS_PER_SELLER = 4
_BEFORE_HISTORY = [name for name in (*DRIVERS, "week_of_year") if _COLUMNS[name].kind != "history"]


def covariate_names(n_covariates: int | None = None) -> list[str]:
    """Names of the covariates other than the product category, those that matter first."""
    names = list(_COLUMNS)
    if n_covariates is None:
        return names
    if n_covariates <= len(DRIVERS):
        raise ValueError(f"n_covariates={n_covariates} would drop a confounder; ask for at least {len(DRIVERS) + 1}.")
    wanted = n_covariates - 1  # the product category is the other one
    return (names + [extra_column(i).name for i in range(1, wanted - len(names) + 1)])[:wanted]


def draw_covariates(
    names: Sequence[str], latents: Columns, category: NDArray[np.int8], recommendation: str, seed: int
) -> NDArray[np.float32]:
    """The named covariates, (n_covariates, n_rows): a row a covariate, each written once, in place."""
    n_rows = len(latents["demand"])
    matrix = np.empty((len(names), n_rows), dtype=np.float32)
    # What is computed from floats must be computed from those that the analyst sees: float32, read back.
    seen = {
        name: _draw_column(_COLUMNS[name], latents, seed, None).astype(np.float32).astype(float)
        for name in _BEFORE_HISTORY
    }
    history = History(seen, category, latents["stock"], recommendation, seed)
    rows = iter(matrix)
    for series, columns in groupby(map(_column_named, names), key=lambda column: column.series):
        # weeks of one series share half of what the latents do not explain
        shared = stream(seed, series).standard_normal(n_rows) if series else None
        for column in columns:
            if column.name in seen:
                values = seen[column.name]
            elif column.kind == "history":
                values = history.column(column.name)
            else:
                values = _draw_column(column, latents, seed, shared)
            next(rows)[:] = values
    return matrix


def draw_latents(n_rows: int, seed: int) -> tuple[Columns, NDArray[np.int32]]:
    """The latent traits of each row, and its seller's number."""
    sellers = np.arange(n_rows, dtype=np.int32) // _ROWS_PER_SELLER
    source = stream(seed, "latents")
    traits = source.standard_normal((sellers[-1] + 1, len(SELLER_LATENTS)), dtype=np.float32)
    of_seller = dict(zip(SELLER_LATENTS, traits.T, strict=True))
    of_seller["growth"] = 0.8 * of_seller["growth"] + 0.6 * of_seller["drive"]  # keen sellers grow
    latents: Columns = {name: trait[sellers] for name, trait in of_seller.items()}
    for name in PRODUCT_LATENTS:
        latents[name] = source.standard_normal(n_rows, dtype=np.float32)
    latents["demand"] = np.float32(0.8) * latents["demand"] + np.float32(0.6) * latents["size"]
    return latents, sellers


def draw_category(n_rows: int, seed: int) -> NDArray[np.int8]:
    """The product category of each row, as a position in ``CATEGORIES``."""
    shares = np.array([0.16, 0.12, 0.14, 0.10, 0.18, 0.08, 0.12, 0.10])
    uniform = stream(seed, "product_category").random(n_rows)
    return np.searchsorted(np.cumsum(shares)[:-1], uniform).astype(np.int8)


def _column_named(name: str) -> Column:
    return _COLUMNS[name] if name in _COLUMNS else extra_column(int(name.rsplit("_", 1)[1]))


def _draw_column(column: Column, latents: Columns, seed: int, shared: Array | None) -> Array:
    loads = sum(weight**2 for _, weight in column.loads)
    z = stream(seed, column.name).standard_normal(len(latents["demand"]))
    z *= np.sqrt(max(1.0 - loads, 0.0))
    if shared is not None:
        z *= np.sqrt(0.5)
        z += np.sqrt(0.5 * max(1.0 - loads, 0.0)) * shared
    for name, weight in column.loads:
        z += np.float32(weight) * latents[name]
    return shape_marginal(column, z)
