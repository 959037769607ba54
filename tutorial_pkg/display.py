"""Tables that can be read: rounded, intervals in one column, signs for yes and no, everything escaped."""

from html import escape

import numpy as np
import pandas as pd

_HEADERS = {"std_error": "std. error", "p_value": "p-value", "n_rows": "rows"}
_SIGNS = {True: "✓", False: "✗"}


class Table(pd.DataFrame):
    """A DataFrame that prints for reading; the numbers in it are exact, and what is computed from it is plain.

    Columns ``lower`` and ``upper`` print as one interval, truth values as ✓ and ✗, p-values never as zero. Names
    and labels are escaped, so that markup in a user's table stays text.
    """

    _metadata = ["decimals"]  # noqa: RUF012, pandas asks for a list
    decimals: int = 2

    def _repr_html_(self) -> str:
        html = readable(self, self.decimals).to_html(escape=True, index=_has_names(self), border=0)
        assert isinstance(html, str)
        return html

    def __repr__(self) -> str:
        text = readable(self, self.decimals).to_string(index=_has_names(self))
        assert isinstance(text, str)
        return text


def show(table: pd.DataFrame, decimals: int = 2) -> Table:
    """A table for reading: rounded, thousands separated, no index where it only counts; see :class:`Table`."""
    shown = Table(table)
    shown.decimals = decimals
    shown.attrs = dict(table.attrs)
    return shown


def show_estimates(table: pd.DataFrame, level: float = 0.95) -> Table:
    """A tidy table of estimates for reading, without label and outcome where no estimate has one."""
    shown = show(table.drop(columns=[name for name in ("label", "outcome") if not table[name].any()]))
    shown.attrs["level"] = level
    return shown


def paragraph(lead: str, text: str) -> str:
    """An HTML paragraph that opens in bold, escaped."""
    return f"<p><b>{escape(lead)}</b>{escape(text)}</p>"


def readable(table: pd.DataFrame, decimals: int = 2) -> pd.DataFrame:
    """The table as text, cell by cell, as :class:`Table` prints it."""
    names = list(table.columns)
    estimated = {"lower", "std_error"} & set(map(str, names))  # elsewhere a value may be a true one
    called = _HEADERS | ({"value": "estimate"} if estimated else {})
    interval = f"{table.attrs['level']:.0%} interval" if "level" in table.attrs else "interval"
    columns: list[tuple[object, list[str]]] = []
    for place, name in enumerate(names):
        column = table.iloc[:, place]
        if name == "lower" and "upper" in names:
            upper = table.iloc[:, names.index("upper")]
            columns.append((interval, [_interval(*ends, decimals) for ends in zip(column, upper, strict=True)]))
        elif name != "upper" or "lower" not in names:
            cells = [_p_value(value) if name == "p_value" else _text(value, decimals) for value in column]
            columns.append((called.get(name, name) if isinstance(name, str) else name, cells))
    shown = pd.DataFrame({place: cells for place, (_, cells) in enumerate(columns)}, index=table.index)
    headers = [header for header, _ in columns]
    nested = isinstance(table.columns, pd.MultiIndex)
    shown.columns = pd.MultiIndex.from_tuples(headers) if nested else pd.Index(headers, dtype=object)
    shown.columns.names = table.columns.names
    return shown


def _text(value: object, decimals: int) -> str:
    if isinstance(value, bool | np.bool_):
        return _SIGNS[bool(value)]
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:,.{decimals}f}"
    return "" if value is None or value is pd.NA or value is pd.NaT else str(value)


def _interval(lower: float, upper: float, decimals: int) -> str:
    return f"{_text(lower, decimals)} to {_text(upper, decimals)}" if lower == lower else ""


def _p_value(value: float) -> str:
    if value != value:
        return ""
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def _has_names(table: pd.DataFrame) -> bool:
    return not isinstance(table.index, pd.RangeIndex)
