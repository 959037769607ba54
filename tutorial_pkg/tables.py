"""A table as it was handed over: read from a file, with a role for every column and the reason for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from tutorial_pkg.data import CausalData
from tutorial_pkg.display import Table, show
from tutorial_pkg.encoding import is_categorical

MOST_LEVELS = 50
"""Of a column of labels so many of the most frequent are kept; the others become "other"."""

SAME = 0.98
"""From this rank correlation with the outcome on, or this separation of the arms, a column is left out as a copy."""


def read_table(path: "str | Path", encoding: str = "utf-8-sig") -> pd.DataFrame:
    """A table from a CSV or Parquet file, or one sentence that says what is wrong with the file.

    The separator of a CSV is the comma, semicolon or tab that its first line has most of.

    Raises
    ------
    ValueError
        When the file is missing, empty, of another kind, in another encoding, or has a column name twice.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file {path}; check the path.")
    if not path.stat().st_size:
        raise ValueError(f"{path.name} is empty; export it again.")
    kinds = {".parquet": _read_parquet, ".csv": _read_csv, ".tsv": _read_csv, ".txt": _read_csv}
    if path.suffix.lower() not in kinds:
        raise ValueError(f"{path.name} is neither .csv nor .parquet; save the table as one of them.")
    frame = kinds[path.suffix.lower()](path, encoding)
    if frame.empty:
        raise ValueError(f"{path.name} has no rows; check how it was filtered before it was exported.")
    return frame


def _read_parquet(path: Path, encoding: str) -> pd.DataFrame:
    try:
        _refuse_repeated(pq.read_schema(path).names, path)
        return pd.read_parquet(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path.name} is no Parquet file, or not a whole one; export it again.") from error


def _read_csv(path: Path, encoding: str) -> pd.DataFrame:
    try:
        with path.open(encoding=encoding) as lines:
            first = lines.readline()
        if first.lstrip().lower().startswith(("<!doctype", "<html")):
            raise ValueError(f"{path.name} is a web page and no table; download the file itself.")
        separator = max(",;\t", key=first.count)
        header = pd.read_csv(path, sep=separator, encoding=encoding, header=None, nrows=1, dtype=str)
        _refuse_repeated(list(header.iloc[0]), path)
        return pd.read_csv(path, sep=separator, encoding=encoding, low_memory=False)
    except (UnicodeError, LookupError) as error:
        raise ValueError(
            f"{path.name} cannot be read as {encoding.removesuffix('-sig')} ({error}); save it as UTF-8, or name its "
            "encoding, for instance latin-1."
        ) from error
    except pd.errors.ParserError as error:
        raise ValueError(f"{path.name} is no regular table ({str(error).strip()}); export it again.") from error


def _refuse_repeated(names: list[Any], path: Path) -> None:
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ValueError(f"{path.name} has the column {repeated[0]!r} more than once; rename or drop one of them.")


def rows_of(frame: pd.DataFrame, condition: str | None) -> pd.DataFrame:
    """The rows that meet a condition, written as pandas' ``query`` reads it; all of them without one."""
    if condition is None:
        return frame
    try:
        found = frame.query(condition)
    except Exception as error:  # pandas raises what its parser raises
        raise ValueError(f"The condition {condition!r} cannot be read ({error}); write it as year == 2025.") from error
    if found.empty:
        raise ValueError(f"No row meets the condition {condition!r}; check the values it names.")
    return found.reset_index(drop=True)


@dataclass(frozen=True, eq=False)
class Prepared:
    """A table that can be studied, and what was done to make it one.

    ``data`` has the roles; ``columns`` a row for every column of the table: its role, why, and the share missing;
    ``rows`` says in sentences which rows were dropped.
    """

    data: CausalData
    columns: Table = field(repr=False)
    rows: tuple[str, ...] = ()

    @property
    def left_out(self) -> Table:
        """The columns that are no covariate, with the reason."""
        return show(self.columns[self.columns["role"] == "left out"])

    def __repr__(self) -> str:
        return "\n".join([repr(self.data), *self.rows, f"{len(self.left_out)} columns are left out."])

    def _repr_html_(self) -> str:
        return self.columns._repr_html_()


def prepare(
    frame: pd.DataFrame,
    outcome: str,
    treatment: str,
    *,
    cluster: str | None = None,
    treated: Any = None,
    exclude: Sequence[str] = (),
    keep: Sequence[str] = (),
    **roles: Any,
) -> Prepared:
    """Give every column of a table a role: what nobody excludes, and what could be known beforehand, is a covariate.

    Rows without outcome, treatment or cluster are dropped. Numbers that were stored as text become numbers, infinite
    ones are missing, and rare labels become "other". Left out are columns that say nothing (constant, missing, copies
    of another), that say too much (one label a row, dates), and those that arithmetic makes suspicious: nearly the
    outcome, nearly the decision, or named after the outcome's own period, such as ``clicks_30d`` beside ``units_30d``.
    Arithmetic does not know the calendar: read the reasons, and overrule them with ``keep`` and ``exclude``.

    Parameters
    ----------
    frame : DataFrame
        As it was read; it is not changed.
    outcome, treatment, cluster, treated
        As in :class:`CausalData`.
    exclude : sequence of str
        Columns that are no covariates: known after the decision, or wanted for a placebo.
    keep : sequence of str
        Columns that were known before the decision, whatever arithmetic says.
    **roles
        Passed on to :class:`CausalData`: labels, units, arms, effect_modifiers.

    Raises
    ------
    ValueError
        When a named column is missing, or no covariate is left.
    """
    named = {"outcome": outcome, "treatment": treatment, **({"cluster": cluster} if cluster else {})}
    for role, name in [*named.items(), *(("excluded", n) for n in exclude), *(("kept", n) for n in keep)]:
        if name not in frame.columns:
            raise ValueError(f"The {role} column {name!r} is not in the table; it has {_some(frame.columns)}.")
    if both := set(exclude) & set(keep):
        raise ValueError(f"Column {min(both)!r} is to be kept and excluded; choose one.")
    whole = frame.dropna(subset=list(named.values()))
    lost = {role: int(frame[name].isna().sum()) for role, name in named.items()}
    rows = tuple(f"{n:,} rows without {role} ({named[role]}) are dropped." for role, n in lost.items() if n)
    whole = whole.reset_index(drop=True)
    y, d = pd.to_numeric(whole[outcome], errors="coerce"), _arm(whole[treatment], treated)
    columns, facts, seen = {name: whole[name] for name in named.values()}, {}, {}
    for name in frame.columns:
        role = next((role for role, column in named.items() if column == name), None)
        missing = float(frame[name].isna().mean())
        if role is None:
            column, why = _as_numbers_or_labels(whole[name])
            out = "as asked" if name in exclude else _says_nothing(column, seen)
            if out is None and name not in keep:
                out = _says_too_much(column, y, d) or _named_after(name, outcome)
            role, why = ("left out", out) if out else ("covariate", why)
            columns[name] = column if role == "covariate" else whole[name]
        else:
            why = ""
        facts[name] = {"role": role, "why": why, "missing": missing}
    covariates = [name for name, fact in facts.items() if fact["role"] == "covariate"]
    if not covariates:
        reasons = pd.Series([f["why"] for f in facts.values() if f["role"] == "left out"]).value_counts()
        most = (
            f"; of {len(frame.columns):,} columns {reasons.iloc[0]:,} are left out as {reasons.index[0]}"
            if len(reasons)
            else ""
        )
        raise ValueError(f"No column is left that could be a covariate{most}.")
    made = pd.DataFrame({name: columns[name] for name in frame.columns})
    data = CausalData(made, outcome, treatment, covariates, cluster=cluster, treated=treated, **roles)
    table = pd.DataFrame.from_dict(facts, orient="index").rename_axis("column")
    return Prepared(data, show(table), rows)


def _some(names: pd.Index) -> str:
    return ", ".join(map(repr, names[:6])) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")


def _arm(column: pd.Series, treated: Any) -> np.ndarray:
    """1 where treated, as far as can be said before the roles are checked."""
    values = sorted(pd.unique(column), key=str)
    return (column == (treated if treated is not None else values[-1])).to_numpy(dtype=float)


def _as_numbers_or_labels(column: pd.Series) -> tuple[pd.Series, str]:
    """The column as numbers, or as labels of which the rare ones are one; and what was done."""
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        return column, ""
    if not is_categorical(column):
        values = column.astype(float) if pd.api.types.is_bool_dtype(column) else column
        n_infinite = int(np.isinf(values.to_numpy(dtype=float, na_value=np.nan)).sum())
        return (
            (values.replace([np.inf, -np.inf], np.nan), f"{n_infinite:,} infinite, now missing")
            if n_infinite
            else (column, "")
        )
    text = column.astype(object).where(column.notna(), None)
    if _are_numbers(text.dropna()):
        return pd.to_numeric(_digits(text), errors="coerce").astype(float), "numbers stored as text"
    counts = text.value_counts()
    if len(counts) > MOST_LEVELS and len(counts) <= 0.5 * text.notna().sum():
        text = text.where(text.isna() | text.isin(counts.index[:MOST_LEVELS]), "other")
        return text, f"{len(counts) - MOST_LEVELS:,} rare labels are one, other"
    return text, ""


def _digits(text: pd.Series) -> pd.Series:
    """Text without the commas between thousands."""
    return text.astype(str).str.strip().str.replace(",", "")


def _are_numbers(text: pd.Series) -> bool:
    """Whether at least 99% of these labels are numbers; a column whose first ones are not is not looked at further."""
    if not any(re.fullmatch(r"\s*[-+]?[\d.,]+(e[-+]?\d+)?\s*", str(label), re.IGNORECASE) for label in text.iloc[:20]):
        return False
    return bool(pd.to_numeric(_digits(text), errors="coerce").notna().mean() >= 0.99)


def _says_nothing(column: pd.Series, seen: dict[int, str]) -> str | None:
    """Why a column says nothing beyond the others, if so; remembers it otherwise."""
    if column.isna().all():
        return "missing in every row"
    if column.nunique(dropna=False) == 1:
        return "constant"
    mark = hash(tuple(pd.util.hash_pandas_object(column, index=False)))
    if mark in seen:
        return f"a copy of {seen[mark]}"
    seen[mark] = str(column.name)
    return None


def _named_after(name: str, outcome: str) -> str | None:
    """Whether a column bears the name of the outcome's own period, such as _30d."""
    period = outcome.rpartition("_")[2]
    if any(c.isdigit() for c in period) and "_" in outcome and str(name).endswith(f"_{period}"):
        return f"named after the outcome's period, {period}: known before the decision?"
    return None


def _says_too_much(column: pd.Series, y: pd.Series, d: np.ndarray) -> str | None:
    """Why a column is nearly an identifier, the outcome or the decision, if so."""
    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column):
        return "a date; make it a number, such as days before the decision"
    if is_categorical(column):
        if column.nunique() > MOST_LEVELS + 1:
            return "nearly one label a row, an identifier or free text"
        codes = column.map(pd.Series(d).groupby(column).mean())  # of each label, its share treated
    else:
        codes = column
    known = codes.notna().to_numpy()
    ranks = codes[known].rank().to_numpy(dtype=float)
    treated = d[known] == 1
    if treated.any() and not treated.all():
        n1, n0 = treated.sum(), (~treated).sum()
        separation = (ranks[treated].sum() - n1 * (n1 + 1) / 2) / (n1 * n0)
        if abs(2 * separation - 1) > SAME:
            return "separates the arms almost alone: the decision itself, or what follows from it"
    numeric = not is_categorical(column) and known.sum() > 2 and y[known].nunique() > 1
    if numeric and abs(float(np.corrcoef(ranks, y[known].rank())[0, 1])) > SAME:
        return "nearly the outcome itself"
    return None
