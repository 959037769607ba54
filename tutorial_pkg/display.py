"""Tables that can be read: rounded, intervals in one column, signs for yes and no, everything escaped.

What is meant to be read comes as a :class:`Table`; what is meant to be computed with is a plain DataFrame, and
:func:`show` makes the one from the other.
"""

import re
from html import escape
from itertools import cycle

import numpy as np
import pandas as pd

_HEADERS = {"std_error": "std. error", "p_value": "p-value", "n_rows": "rows"}
_SIGNS = {True: "✓", False: "✗"}
_CLASSES = {"✓": "yes", "✗": "no"}
_NO_FORMULAS = ["tex2jax_ignore", "mathjax_ignore"]  # a dollar sign in a user's table starts no formula


class Table(pd.DataFrame):
    """A DataFrame that prints for reading; the numbers in it are exact, and what is computed from it is plain.

    Columns ``lower`` and ``upper`` print as one interval, truth values as ✓ and ✗, p-values never as zero; of a long
    table the first ``max_rows``. Names and labels are escaped, so that markup in a user's table stays text.
    """

    _metadata = ["decimals", "max_rows"]  # noqa: RUF012, pandas asks for a list
    decimals: int = 2
    max_rows: int = 60

    def _repr_html_(self) -> str:
        shown, more = self._head()
        html = shown.to_html(escape=True, index=_has_names(self), border=0, classes=_NO_FORMULAS)
        return _for_styles(str(html), shown) + (f"<p>{more}</p>" if more else "")

    def __repr__(self) -> str:
        shown, more = self._head()
        return f"{shown.to_string(index=_has_names(self))}\n{more}".rstrip()

    def _head(self) -> tuple[pd.DataFrame, str]:
        more = f"the first {self.max_rows} of {len(self):,} rows" if len(self) > self.max_rows else ""
        return readable(self.iloc[: self.max_rows], self.decimals), more


def show(table: pd.DataFrame, decimals: int = 2, max_rows: int = 60) -> Table:
    """A table for reading: rounded, thousands separated, no index where it only counts; see :class:`Table`."""
    shown = Table(table)
    shown.decimals, shown.max_rows = decimals, max_rows
    shown.attrs = dict(table.attrs)
    return shown


def show_estimates(table: pd.DataFrame, std_errors: pd.Series, level: float = 0.95) -> Table:
    """Estimates for reading, with as many decimals as the smallest standard error asks for, but at least two."""
    positive = std_errors[std_errors > 0]
    decimals = 2 if positive.empty else max(2, -int(np.floor(np.log10(positive.min()))))
    shown = show(table, decimals)
    shown.attrs["level"] = level
    return shown


def paragraph(lead: str, text: str) -> str:
    """An HTML paragraph that opens in bold, escaped."""
    return f'<p class="{" ".join(_NO_FORMULAS)}"><b>{escape(lead)}</b>{escape(text)}</p>'


def readable(table: pd.DataFrame, decimals: int = 2) -> pd.DataFrame:
    """The table as text, cell by cell, as :class:`Table` prints it."""
    names = [name if isinstance(name, str | tuple) else str(name) for name in table.columns]
    interval = names.count("lower") == names.count("upper") == 1
    level = table.attrs.get("level")
    around = f"{100 * level:g}% interval" if isinstance(level, float) else "interval"
    # elsewhere a value may be a true one
    called = _HEADERS | ({"value": "estimate"} if interval or "std_error" in names else {})
    headers: list[object] = []
    columns: list[list[str]] = []
    for place, name in enumerate(names):
        column = table.iloc[:, place]
        said_elsewhere = (interval and name == "upper") or name == "caution"
        if said_elsewhere or (name in ("label", "outcome") and (column == "").all() and len(column)):
            continue
        if interval and name == "lower":
            upper = table.iloc[:, names.index("upper")]
            headers.append(around)
            columns.append([_interval(*ends, decimals) for ends in zip(column, upper, strict=True)])
        else:
            headers.append(called.get(name, name) if isinstance(name, str) else name)
            columns.append([_p_value(cell) if name == "p_value" else _text(cell, decimals) for cell in column])
    shown = pd.DataFrame(dict(enumerate(columns)), index=table.index)
    nested = isinstance(table.columns, pd.MultiIndex) and headers
    shown.columns = pd.MultiIndex.from_tuples(headers) if nested else pd.Index(headers, dtype=object)
    if nested or table.columns.nlevels == 1:
        shown.columns.names = table.columns.names
    if shown.index.nlevels == shown.columns.nlevels == 1 and shown.columns.name is None:
        shown = shown.rename_axis(index=None, columns=table.index.name)  # pandas would give it a header row of its own
    return shown


def _for_styles(html: str, shown: pd.DataFrame) -> str:
    """Classes for a style sheet: ``words`` on columns of words, which may wrap, ``yes`` and ``no`` on signs."""
    words = [any(re.search(r"[^\W\d_]{3}", cell) for cell in column) for _, column in shown.items()]
    kinds = cycle(words)

    def with_class(cell: re.Match[str]) -> str:
        kind = "words" if next(kinds) else _CLASSES.get(cell[1], "")
        return f'<td class="{kind}">{cell[1]}' if kind else cell[0]

    head, body = html.split("</thead>")
    if shown.columns.nlevels == 1:
        top, end, index_names = head.partition("</tr>")
        corner, *names = top.rsplit("<th>", len(words))
        marks = ('<th class="words">' if is_words else "<th>" for is_words in words)
        head = corner + "".join(map("".join, zip(marks, names, strict=True))) + end + index_names
    return head + "</thead>" + re.sub("<td>([^<]*)", with_class, body)


def _text(value: object, decimals: int) -> str:
    if isinstance(value, bool | np.bool_):
        return _SIGNS[bool(value)]
    if isinstance(value, int | np.integer):
        return f"{value:,}"
    if isinstance(value, float | np.floating):
        return "" if np.isnan(value) else f"{value:,.{decimals}f}"
    return "" if value is None or value is pd.NA or value is pd.NaT else str(value)


def _interval(lower: object, upper: object, decimals: int) -> str:
    ends = _text(lower, decimals), _text(upper, decimals)
    return " to ".join(ends) if all(ends) else ""


def _p_value(value: object) -> str:
    return "< 0.001" if isinstance(value, float | np.floating) and value < 0.001 else _text(value, 3)


def _has_names(table: pd.DataFrame) -> bool:
    """Whether the index says something, and does not only count from zero."""
    index = table.index
    return not (isinstance(index, pd.RangeIndex) and (index.start, index.step, index.name) == (0, 1, None))
