"""A page about a study: no network, no other file, light and dark, on paper, and readable by a screen reader."""

import base64
import textwrap
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from tutorial_pkg.estimate import Estimate
from tutorial_pkg.wording import amount, span

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PAGES = jinja2.Environment(  # everything from the user's table is escaped
    loader=jinja2.PackageLoader("tutorial_pkg"), autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined
)
MOST_GROUPS = 40
"""So many groups of a column are shown on a page."""


def write_page(contents: Mapping[str, object], path: "str | Path") -> Path:
    """Write a study's page, ``templates/study.html.j2`` filled with its contents.

    Names and labels from a table are escaped, whatever they contain. The page is whole or not there at all.

    Raises
    ------
    ValueError
        When the folder does not exist.
    """
    path = Path(path)
    if not path.parent.is_dir():
        raise ValueError(f"There is no folder {path.parent}; make it first.")
    partial = path.with_name(path.name + ".partial")
    partial.write_text(_PAGES.get_template("study.html.j2").render(**contents), encoding="utf-8")
    partial.replace(path)
    return path


def row(what: str, estimate: Estimate) -> dict[str, str]:
    """An estimate as a row of a table: what it is, its value and its interval, in words."""
    return {"what": what, "value": amount(estimate.value, estimate.words.unit), "interval": span(estimate)}


def group(
    column: str, bands: pd.DataFrame, sizes: "Mapping[str, int] | pd.Series", p: float | None
) -> dict[str, object]:
    """Groups of a column for the page: a sentence and a row each, with the digits of the widest interval."""
    to = float(bands.abs().max(axis=None))
    rows = [
        {
            "name": name,
            "n": f"{sizes[name]:,}",
            "value": amount(b["value"], to=to),
            "interval": f"{amount(b['lower'], to=to)} to {amount(b['upper'], to=to)}",
        }
        for name, b in bands.iterrows()
    ]
    sentence = (
        "Whether the groups differ cannot be told from so few."
        if p is None
        else f"What the groups differ by could be chance (p = {p:.2f})."
        if p > 0.05
        else f"The groups differ by more than chance (p {'< 0.001' if p < 0.001 else f'= {p:.3f}'})."
    )
    more = len(rows) - MOST_GROUPS
    sentence += f" The first {MOST_GROUPS} of {len(rows)} groups are shown." if more > 0 else ""
    return {"column": column, "sentence": sentence, "rows": rows[:MOST_GROUPS]}


def figure(draw: "Callable[[Axes | None], Axes]") -> str:
    """A drawing as a data address, so that the page needs no other file."""
    drawn = draw(None).figure
    assert isinstance(drawn, Figure)
    for axes in drawn.axes:  # long words from a table stay within the page
        axes.set_xlabel("\n".join(textwrap.wrap(axes.get_xlabel(), 40)))
    buffer = BytesIO()
    drawn.savefig(buffer, format="png", dpi=150)
    plt.close(drawn)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
