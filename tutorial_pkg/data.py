"""A table and the roles of its columns, validated once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg.encoding import Levels, category_levels, encode, encoded_names, is_categorical
from tutorial_pkg.words import Words


@dataclass(frozen=True, eq=False)
class CausalData:
    """One row a unit of decision; columns named by their role.

    Parameters
    ----------
    frame : DataFrame
        Other columns may be there; they are ignored. The frame is not copied: do not change it afterwards.
    outcome : str
        Numeric, no missing values; its unit is the unit of every effect.
    treatment : str
        Two values. 0/1 and False/True are understood; of any other pair say which means treated.
    covariates : sequence of str
        What was known before the decision. Numbers, booleans, categories or strings; missing values are
        allowed where the learner takes them (a missing category is a category of its own).
    effect_modifiers : sequence of str, optional
        Covariates along which the effect may differ; all covariates by default.
    cluster : str, optional
        Rows with the same value depend on each other, such as products of one seller.
    treated : optional
        The value of ``treatment`` that means treated.
    labels, units : mapping of column to str, optional
        What figures and estimates call the treatment and the outcomes, and the unit of an outcome.
    arms : pair of str
        What figures call the untreated and the treated, in this order.

    Raises
    ------
    ValueError
        When a column cannot play its role; the message names it and says what to do.

    Examples
    --------
    >>> frame = pd.DataFrame({"sales": [3.0, 5, 4, 8], "followed": [0, 1, 0, 1], "size": [1, 2, 2, 3]})
    >>> CausalData(frame, outcome="sales", treatment="followed", covariates=["size"]).n_rows
    4
    """

    frame: pd.DataFrame
    outcome: str
    treatment: str
    covariates: Sequence[str]
    effect_modifiers: Sequence[str] = ()
    cluster: str | None = None
    treated: Any = None
    labels: Mapping[str, str] = field(default_factory=dict)
    units: Mapping[str, str] = field(default_factory=dict)
    arms: tuple[str, str] = ("untreated", "treated")

    def __post_init__(self) -> None:
        for role in ("covariates", "effect_modifiers"):
            value = getattr(self, role)
            object.__setattr__(
                self, role, (value,) if isinstance(value, str) else () if value is None else tuple(value)
            )
        if not self.effect_modifiers:
            object.__setattr__(self, "effect_modifiers", self.covariates)
        _check_roles(self)
        if not len(self.frame):
            raise ValueError("The frame has no rows; check how it was filtered.")
        _check_outcome(self.frame[self.outcome])
        _check_covariates(self.frame, list(self.covariates))
        _check_cluster(self.frame, self.cluster)
        if min(np.bincount(self.d, minlength=2)) < 2:
            raise ValueError(
                f"Treatment {self.treatment!r} has {self.d.sum()} treated of {self.n_rows} rows; both arms need rows "
                "to be compared: widen the period or the population."
            )

    @cached_property
    def d(self) -> NDArray[np.int8]:
        """Treatment, (n_rows,): 1 where treated."""
        return _read_treatment(self.frame[self.treatment], self.treated)

    @property
    def arm(self) -> pd.Categorical:
        """The arm of each row by its name, (n_rows,); the untreated are the first category."""
        return pd.Categorical.from_codes(self.d, categories=list(self.arms))

    @property
    def words(self) -> Words:
        """What figures and estimates call the treatment, the outcome and its unit."""
        treatment, outcome = (str(self.labels.get(name, name)) for name in (self.treatment, self.outcome))
        return Words(treatment, outcome, str(self.units.get(self.outcome, "")))

    @property
    def n_rows(self) -> int:
        """Number of rows."""
        return len(self.frame)

    @cached_property
    def y(self) -> NDArray[np.float64]:
        """Outcome, (n_rows,)."""
        return self.frame[self.outcome].to_numpy(dtype=float, copy=True)

    @cached_property
    def x(self) -> NDArray:
        """Covariates as numbers, (n_rows, n_columns): a 0/1 column for each category; float32 stays float32."""
        return encode(self.frame, self.covariates, self.levels)

    @cached_property
    def x_names(self) -> list[str]:
        """Name of each column of ``x``."""
        return encoded_names(self.covariates, self.levels)

    def check_index(self, values: Any, argument: str, name: str = "") -> None:
        """Refuse a Series whose rows are in another order than the frame's, or are others."""
        if isinstance(values, pd.Series) and not values.index.equals(self.frame.index):
            raise ValueError(
                f"{name or argument} has another index than the frame; align it, for instance with "
                f"{argument}.loc[frame.index]."
            )

    @cached_property
    def clusters(self) -> NDArray[np.int64] | None:
        """Cluster number of each row, (n_rows,), or None."""
        return None if self.cluster is None else pd.factorize(self.frame[self.cluster])[0]

    @cached_property
    def levels(self) -> Levels:
        """Levels of each categorical covariate; a missing value is the last level, None."""
        return category_levels(self.frame, self.covariates)

    def modifiers(self, frame: pd.DataFrame | None = None) -> NDArray[np.float64]:
        """Effect modifiers as numbers, of these rows or of a new frame with the same columns.

        A category has a 0/1 column for each level but the first, which is the reference of linear models.
        """
        source = self.frame if frame is None else frame
        if not isinstance(source, pd.DataFrame) or not len(source) or not source.columns.is_unique:
            raise ValueError("Pass a pandas DataFrame with at least one row, in which each column name occurs once.")
        if missing := [c for c in self.effect_modifiers if c not in source.columns]:
            raise ValueError(
                f"The frame lacks effect modifier {missing[0]!r}; pass every column of {self.effect_modifiers}."
            )
        numeric = [name for name in self.effect_modifiers if name not in self.levels]
        if text := [name for name in numeric if is_categorical(source[name])]:
            raise ValueError(
                f"Effect modifier {text[0]!r} holds numbers in the data, but not here; convert it to numbers."
            )
        matrix = encode(source, self.effect_modifiers, self.levels, first=1).astype(float)
        if not matrix.shape[1]:
            raise ValueError(
                f"Effect modifier {self.effect_modifiers[0]!r} has one level only, along which no effect can differ; "
                "name one that varies."
            )
        for name, values in zip(self.modifier_names, matrix.T, strict=True):
            if n_bad := int((~np.isfinite(values)).sum()):
                raise ValueError(
                    f"Effect modifier {name!r} is missing or infinite in {n_bad:,} rows; fill it in, or leave it out of "
                    "effect_modifiers."
                )
        return matrix

    @property
    def modifier_names(self) -> list[str]:
        """Name of each column of ``modifiers``."""
        return encoded_names(self.effect_modifiers, self.levels, first=1)

    def with_outcome(self, outcome: str) -> "CausalData":
        """The same rows and roles, another outcome."""
        return replace(self, outcome=outcome)

    def __repr__(self) -> str:
        rows = f"{self.n_rows:,} rows"
        if self.clusters is not None:
            rows += f" in {self.clusters.max() + 1:,} clusters by {self.cluster}"
        return (
            f"CausalData: {rows}; outcome {self.outcome}, treatment {self.treatment} "
            f"({self.d.mean():.0%} treated), {len(self.covariates)} covariates, "
            f"{len(self.effect_modifiers)} effect modifiers"
        )


# --- validation -----------------------------------------------------------------------------------------

_MAX_LEVELS = 200
_NUMBERS = ("floating", "integer", "decimal", "mixed-integer-float", "complex")


def _check_roles(data: CausalData) -> None:
    frame = data.frame
    if not isinstance(frame, pd.DataFrame):
        raise ValueError(f"frame must be a pandas DataFrame, not {type(frame).__name__}; wrap it in pd.DataFrame(...).")
    if not data.covariates:
        raise ValueError("covariates is empty; name the columns that were known before the decision.")
    single = {"outcome": data.outcome, "treatment": data.treatment, "cluster": data.cluster}
    named = [(role, c) for role, c in single.items() if c is not None]
    named += [("covariate", c) for c in data.covariates]
    for role, column in [*named, *(("effect modifier", c) for c in data.effect_modifiers)]:
        if column not in frame.columns:
            raise ValueError(f"The {role} column {column!r} is not in the frame; check its spelling or add it.")
        if isinstance(frame[column], pd.DataFrame):
            raise ValueError(f"Column {column!r} is in the frame more than once; rename or drop one of them.")
    seen: dict[str, str] = {}
    for role, column in named:
        if column in seen:
            raise ValueError(f"Column {column!r} is named as {seen[column]} and as {role}; give it one role only.")
        seen[column] = role
    for column in data.effect_modifiers:
        if column not in data.covariates:
            raise ValueError(f"Effect modifier {column!r} is not a covariate; add it to covariates as well.")
    for role, mapping in (("labels", data.labels), ("units", data.units)):
        if unknown := [c for c in mapping if c not in frame.columns]:
            raise ValueError(f"{role} names {unknown[0]!r}, which is not in the frame; check its spelling.")
    if isinstance(data.arms, str) or len(data.arms) != 2 or len(set(data.arms)) != 2:
        raise ValueError(f"arms={data.arms!r} are not two names; give one for the untreated and one for the treated.")
    if repeated := [c for i, c in enumerate(data.effect_modifiers) if c in data.effect_modifiers[:i]]:
        raise ValueError(f"Effect modifier {repeated[0]!r} is named twice; name it once.")


def _check_outcome(column: pd.Series) -> None:
    name = column.name
    if is_categorical(column) or np.iscomplexobj(column):
        raise ValueError(f"Outcome {name!r} is not numeric ({column.dtype}); convert it to numbers first.")
    if n_missing := int(column.isna().sum()):
        raise ValueError(f"Outcome {name!r} is missing in {n_missing:,} rows; drop those rows or find the values.")
    values = column.to_numpy(dtype=float)
    if not np.isfinite(values).all():
        raise ValueError(f"Outcome {name!r} has infinite values; drop or correct those rows.")
    if len(values) == 0 or np.ptp(values) <= 1e-12 * max(1.0, np.abs(values).max()):
        raise ValueError(f"Outcome {name!r} is constant; an effect on it cannot be estimated: choose another outcome.")


def _read_treatment(column: pd.Series, treated: Any) -> NDArray[np.int8]:
    name = column.name
    if n_missing := int(column.isna().sum()):
        raise ValueError(f"Treatment {name!r} is missing in {n_missing:,} rows; drop those rows or find the values.")
    labels = list(pd.unique(column.astype(object)))
    if len(labels) != 2:
        shown = ", ".join(map(repr, labels[:4])) + (", ..." if len(labels) > 4 else "")
        raise ValueError(
            f"Treatment {name!r} must have two values but has {len(labels)}: {shown}; "
            "keep the two you want to compare, one row each."
        )
    if treated is None:
        if set(labels) != {0, 1}:
            raise ValueError(
                f"Treatment {name!r} has the values {labels[0]!r} and {labels[1]!r}; say which one means treated, "
                f"for instance treated={labels[0]!r}."
            )
        treated = 1
    elif treated not in labels or (isinstance(treated, bool | np.bool_) and set(labels) != {0, 1}):
        raise ValueError(
            f"treated={treated!r} is not a value of treatment {name!r}; it has {labels[0]!r} and {labels[1]!r}."
        )
    return (column.astype(object) == treated).to_numpy(dtype=np.int8)


def _check_covariates(frame: pd.DataFrame, covariates: list[str]) -> None:
    for name in covariates:
        column = frame[name]
        if column.isna().all():
            raise ValueError(f"Covariate {name!r} is missing in every row; drop it.")
        if not is_categorical(column):
            if np.iscomplexobj(column):
                raise ValueError(f"Covariate {name!r} is complex; use its real parts.")
            if np.isinf(column.to_numpy(dtype=float, na_value=np.nan)).any():
                raise ValueError(
                    f"Covariate {name!r} has infinite values; replace them by a number or mark them missing."
                )
            continue
        if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
            raise ValueError(
                f"Covariate {name!r} is a date or duration; turn it into a number, such as days before the decision."
            )
        if pd.api.types.infer_dtype(column, skipna=True) in _NUMBERS:
            raise ValueError(f"Covariate {name!r} holds numbers as {column.dtype}; convert it with pd.to_numeric.")
        if (n_levels := column.nunique()) > _MAX_LEVELS:
            raise ValueError(
                f"Covariate {name!r} has {n_levels:,} distinct labels; group the rare ones (at most {_MAX_LEVELS}) "
                "or drop it if it is an identifier."
            )


def _check_cluster(frame: pd.DataFrame, cluster: str | None) -> None:
    if cluster is None:
        return
    if n_missing := int(frame[cluster].isna().sum()):
        raise ValueError(f"Cluster {cluster!r} is missing in {n_missing:,} rows; every row needs one.")
    if frame[cluster].nunique() < 2:
        raise ValueError(f"Cluster {cluster!r} has a single value; leave cluster out, or name the right column.")
