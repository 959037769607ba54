"""A role for every column of a table that nobody has cleaned, and the reason for it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.stats import rankdata

from tutorial_pkg.data import CausalData
from tutorial_pkg.display import Table, show
from tutorial_pkg.encoding import is_categorical

MOST_LEVELS = 50
"""Of a column of labels so many of the most frequent are kept; the others become "other"."""

SAME = 0.98
"""From this rank correlation with the outcome on, or this separation of the arms, a column is left out."""

SEPARATES = "separates the arms almost alone: the decision, its consequence, or the rule it was made by"
NEARLY_OUTCOME = "nearly the outcome: a copy of it, or its value before the decision, which is needed"
SUSPICIOUS = (SEPARATES, NEARLY_OUTCOME)
"""Reasons that only somebody who knows the data can judge."""


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
        return "\n".join([repr(self.data), *self.rows, f"Columns left out: {len(self.left_out)}."])

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
    of another), that name the row (one label a row, dates), and those that arithmetic makes suspicious: nearly the
    outcome, nearly the decision, filled in for one arm only, or named after the outcome's own period, such as
    ``clicks_30d`` beside ``units_30d``. Arithmetic does not know the calendar, and a rule by which sellers were chosen looks
    like a consequence: read the reasons, and overrule them with ``keep`` and ``exclude``.

    Parameters
    ----------
    frame : DataFrame
        As it was read; it is not changed.
    outcome, treatment, cluster, treated
        As in :class:`CausalData`.
    exclude : sequence of str
        Columns that are no covariates: known after the decision, or wanted for a placebo. Their copies go with them.
    keep : sequence of str
        Columns that were known before the decision, though they look suspicious.
    **roles
        Passed on to :class:`CausalData`: labels, units, arms, effect_modifiers.

    Raises
    ------
    ValueError
        When a named column is missing, or no covariate is left.
    """
    if not all(isinstance(name, str) for name in frame.columns):
        frame = frame.set_axis([str(name) for name in frame.columns], axis=1)
    if not frame.columns.is_unique:
        repeated = frame.columns[frame.columns.duplicated()][0]
        raise ValueError(f"The table has the column {repeated!r} more than once; rename or drop one of them.")
    named = {"outcome": outcome, "treatment": treatment, **({"cluster": cluster} if cluster else {})}
    for role, name in [*named.items(), *(("excluded", n) for n in exclude), *(("kept", n) for n in keep)]:
        if name not in frame.columns:
            raise ValueError(f"The {role} column {name!r} is not in the table; it has {_some(frame.columns)}.")
    if both := set(exclude) & set(keep):
        raise ValueError(f"Column {min(both)!r} is to be kept and excluded; choose one.")
    whole = frame.dropna(subset=list(named.values())).reset_index(drop=True)
    y, d = pd.to_numeric(whole[outcome], errors="coerce"), _arm(whole[treatment], treated)
    seen: dict[int, str] = {}
    facts: dict[str, dict[str, Any]] = {}
    columns = {name: whole[name] for name in frame.columns}
    for name in [*exclude, *(c for c in frame.columns if c not in exclude)]:  # so that copies of the excluded are known
        role = next((role for role, column in named.items() if column == name), "covariate")
        why = ""
        if role == "covariate":
            column, why = _as_numbers_or_labels(whole[name])
            out = _says_nothing(column, seen)
            if name in exclude:
                out = "as asked"
            elif out is None and name not in keep:
                out = _says_too_much(column, y, d) or _named_after(name, outcome)
            role, why = ("left out", out) if out else ("covariate", why)
            if not out:
                columns[name] = column
        facts[name] = {"role": role, "why": why, "missing": float(frame[name].isna().mean())}
    table = pd.DataFrame.from_dict(facts, orient="index").loc[frame.columns].rename_axis("column")
    covariates = list(table.index[table["role"] == "covariate"])
    if not covariates:
        reasons = table.loc[table["role"] == "left out", "why"].value_counts()
        most = (
            ""
            if reasons.empty
            else f"; of {len(table):,} columns {reasons.iloc[0]:,} are left out as {reasons.index[0]}"
        )
        raise ValueError(f"No column is left that could be a covariate{most}.")
    data = CausalData(pd.DataFrame(columns), outcome, treatment, covariates, cluster=cluster, treated=treated, **roles)
    return Prepared(data, show(table), _dropped(frame, named, treated))


def _dropped(frame: pd.DataFrame, named: dict[str, str], treated: Any) -> tuple[str, ...]:
    """Which rows are dropped, in sentences: whose outcome is missing may not be chance."""
    said = []
    for role, name in named.items():
        lost = frame[frame[name].isna()]
        if lost.empty:
            continue
        of = ""
        if role == "outcome":
            n = int(_arm(lost[named["treatment"]], treated, frame[named["treatment"]]).sum())
            of = f" ({n:,} of the treated, {len(lost) - n:,} of the others)"
        said.append(f"{len(lost):,} rows without {role} ({name}){of} are dropped.")
    return tuple(said)


def _some(names: pd.Index) -> str:
    return ", ".join(map(repr, names[:6])) + (f" and {len(names) - 6:,} more" if len(names) > 6 else "")


def _arm(column: pd.Series, treated: Any, whole: pd.Series | None = None) -> NDArray[np.float64]:
    """1 where treated, as far as can be said before the roles are checked."""
    values = sorted(pd.unique((column if whole is None else whole).dropna()), key=str)
    return (column == (treated if treated is not None else values[-1])).to_numpy(dtype=float)


# --- what a column is -----------------------------------------------------------------------------------

_NUMBER = re.compile(r"\s*[-+]?(\d{1,3}(,\d{3})+|\d+)?(\.\d*)?(e[-+]?\d+)?\s*", re.IGNORECASE)


def _as_numbers_or_labels(column: pd.Series) -> tuple[pd.Series, str]:
    """The column as numbers, or as labels of which the rare ones are one; and what was done."""
    if _is_time(column):
        return column, ""
    if not is_categorical(column):
        infinite = np.isinf(column.to_numpy(dtype=float, na_value=np.nan))
        return (column.mask(infinite), f"{infinite.sum():,} infinite, now missing") if infinite.any() else (column, "")
    text = column.astype(object).where(column.notna(), None)
    if text.map(lambda v: isinstance(v, list | dict | set | np.ndarray)).any():
        return text.map(str), ""
    if _are_numbers(text.dropna()):
        return pd.to_numeric(_digits(text), errors="coerce").astype(float), "numbers stored as text"
    counts = text.value_counts()
    if MOST_LEVELS < len(counts) <= 0.5 * text.notna().sum() and not _are_dates(text.dropna()):
        text = text.where(text.isna() | text.isin(counts.index[:MOST_LEVELS]), "other")
        return text, f"{len(counts) - MOST_LEVELS:,} rare labels are one, other"
    return text, ""


def _digits(text: pd.Series) -> pd.Series:
    """Text without the commas between thousands."""
    return text.astype(str).str.strip().str.replace(",", "")


def _are_numbers(text: pd.Series) -> bool:
    """Whether at least 99% of these labels are numbers; a column whose first ones are not is not looked at further."""
    if not any(_NUMBER.fullmatch(str(label)) for label in text.iloc[:20]):
        return False
    return bool(np.mean([bool(_NUMBER.fullmatch(label)) for label in text.astype(str)]) >= 0.99)


def _are_dates(text: pd.Series) -> bool:
    """Whether these labels are dates as programs write them, such as 2026-03-01."""
    return len(text) > 0 and all(re.match(r"\d{4}-\d{2}-\d{2}", str(label)) for label in text.iloc[:20])


def _is_time(column: pd.Series) -> bool:
    return pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_timedelta64_dtype(column)


def _says_nothing(column: pd.Series, seen: dict[int, str]) -> str | None:
    """Why a column says nothing beyond the others, if so; remembers it otherwise."""
    if column.isna().all():
        return "missing in every row"
    if column.nunique(dropna=False) == 1:
        return "constant"
    plain = column if is_categorical(column) else column.astype(float)
    mark = hash(pd.util.hash_pandas_object(plain, index=False).to_numpy().tobytes())
    if mark in seen:
        return f"a copy of {seen[mark]}"
    seen[mark] = str(column.name)
    return None


def _named_after(name: str, outcome: str) -> str | None:
    """Whether a column bears the name of the outcome's own period, such as _30d."""
    period = outcome.rpartition("_")[2]
    if any(c.isdigit() for c in period) and "_" in outcome and name.endswith(f"_{period}"):
        return f"named after the outcome's period, {period}: known before the decision?"
    return None


def _says_too_much(column: pd.Series, y: pd.Series, d: NDArray[np.float64]) -> str | None:
    """Why a column is nearly an identifier, a date, the outcome or the decision, if so."""
    labels = is_categorical(column)
    if _is_time(column) or (labels and _are_dates(column.dropna())):
        return "a date; make it a number, such as days before the decision"
    if labels and column.nunique() > MOST_LEVELS + 1:
        return "nearly one label a row, an identifier or free text"
    if not labels and column.nunique() == len(column) and (column == column.round()).all() and _in_order(column):
        return "counts the rows, an identifier"
    missing = column.isna().to_numpy(dtype=float)
    if missing.any() and _separation(missing, d) > SAME:
        return "filled in for one arm only: written down because of the decision?"
    # of labels, and of few numbers, their share treated: codes such as 1, 2 and 3 have no order
    few = labels or column.nunique() <= 10
    codes = column.map(pd.Series(d).groupby(column).mean()) if few else column
    known = codes.notna().to_numpy()
    if _separation(codes[known].to_numpy(dtype=float), d[known]) > SAME:
        return SEPARATES
    if not labels and known.sum() > 2 and y[known].nunique() > 1:
        numbers = column[known].rank().to_numpy(dtype=float)
        if abs(float(np.corrcoef(numbers, y[known].rank())[0, 1])) > SAME:
            return NEARLY_OUTCOME
    return None


def _in_order(column: pd.Series) -> bool:
    """Whether numbers, one a row, fill their range as a counter does."""
    return bool(np.ptp(column.to_numpy(dtype=float)) < 2 * len(column))


def _separation(values: NDArray[np.float64], d: NDArray[np.float64]) -> float:
    """How well values alone tell the arms apart: 0 as a coin, 1 without error (twice the area under the curve, less 1)."""
    n, n_treated = len(d), int(d.sum())
    if not 0 < n_treated < n:
        return 0.0
    # by the ranks of Mann and Whitney, in a fifth of the time that roc_auc_score takes
    area = (rankdata(values)[d == 1].mean() - (n_treated + 1) / 2) / (n - n_treated)
    return float(abs(2 * area - 1))
