"""Figures of simulations: curves over a dial, estimates over many samples, accuracy against cost."""

from collections.abc import Mapping, Sequence
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike

from tutorial_pkg.estimate import Estimate
from tutorial_pkg.plots.style import COLOURS, draw_truth, family_of, new_axes, plain


def plot_curves(
    table: pd.DataFrame,
    xlabel: str,
    ylabel: str,
    truth: "float | Mapping[str, float] | None" = None,
    ax: Axes | None = None,
    *,
    family: "str | Mapping[str, str] | None" = None,
) -> Axes:
    """One line a column over the index, and one at the truth, or at each truth that a mapping names.

    ``family`` is that of all columns, or of each by name, and decides the colour: "naive", "dml", "truth" (dashed)
    or "other"; columns of one family differ by their dashes, those without one take the next colour of the cycle.
    """
    ax = new_axes(ax)
    styles = {kind: cycle(("-", "--", ":", "-.")) for kind in COLOURS}
    styles["truth"] = cycle(["--"])
    for name in table.columns:
        kind = family_of(name, family)
        colour, style = (None, "-") if kind is None else (COLOURS[kind], next(styles[kind]))
        ax.plot(table.index, table[name], marker="o", ms=4, ls=style, label=plain(name), color=colour)
    if truth is not None:
        draw_truth(ax.axhline, truth)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend()
    return ax


def plot_sampling(
    draws: Mapping[str, ArrayLike],
    truth: float,
    xlabel: str,
    ax: Axes | None = None,
    bins: int = 25,
    *,
    family: "str | Mapping[str, str] | None" = None,
) -> Axes:
    """Histograms of estimates over many simulated samples, with the truth; ``family`` as in :func:`plot_curves`."""
    ax = new_axes(ax)
    everything = np.concatenate([np.asarray(v, dtype=float) for v in draws.values()])
    edges = np.histogram_bin_edges(everything, bins=bins)
    for name, values in draws.items():
        kind = family_of(name, family)
        colour = None if kind is None else COLOURS[kind]
        ax.hist(np.asarray(values), list(edges), alpha=0.55, label=plain(name), color=colour)
    ax.axvline(truth, color=COLOURS["truth"], ls="--", label="truth")
    ax.set_xlabel(xlabel)
    ax.set_ylabel("samples")
    ax.legend()
    return ax


def plot_draws(
    draws: "Mapping[str, ArrayLike | Sequence[Estimate]] | pd.DataFrame",
    truth: "float | Mapping[str, float]",
    xlabel: str,
    ax: Axes | None = None,
    *,
    family: "str | Mapping[str, str]" = "other",
) -> Axes:
    """Estimates over many simulated samples: one line an estimator, one dot a sample, a bar at their mean.

    Estimates bring their family; for bare numbers ``family`` says it, for all or for each by name. A mapping of
    names to truths draws each of them.
    """
    named: dict[str, list[Any]] = {str(name): list(np.asarray(values)) for name, values in draws.items()}
    ax = new_axes(ax, 1.1 + 0.42 * len(named))
    for row, (name, values) in enumerate(named.items()):
        known = isinstance(values[0], Estimate)
        colour = COLOURS[values[0].family if known else family_of(name, family) or "other"]
        x = np.array([e.value for e in values] if known else values, dtype=float)
        height = row + np.linspace(-0.25, 0.25, len(x))  # in order of the samples: no two dots on one spot
        ax.plot(x, height, "o", color=colour, ms=4, alpha=0.45, mew=0)
        ax.plot([x.mean()] * 2, [row - 0.36, row + 0.36], color=colour, lw=2.5)
    draw_truth(ax.axvline, truth)
    ax.set_yticks(range(len(named)), [plain(name) for name in named])
    ax.set_ylim(len(named) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(xlabel)
    ax.legend(loc="best")
    return ax


def plot_coverage(
    table: pd.DataFrame,
    ax: Axes | None = None,
    *,
    level: float = 0.95,
    family: "str | Mapping[str, str]" = "other",
) -> Axes:
    """How often the intervals of several estimators contain the truth: a bar each, beside it their mean width.

    ``table`` has a row an estimator, with the columns ``coverage`` (a share) and ``width`` of
    :func:`tutorial_pkg.scoreboard.record`; ``family`` as in :func:`plot_draws`.
    """
    ax = new_axes(ax, 1.1 + 0.28 * len(table))
    percent = 100 * table["coverage"]
    kinds = [family_of(name, family) or "other" for name in table.index]
    ax.barh(range(len(table)), percent, height=0.6, color=[COLOURS[kind] for kind in kinds])
    ax.axvline(100 * level, color=COLOURS["truth"], ls="--")
    for place, head, cells in (
        (117, "hits", percent.map("{:.0f}".format)),
        (144, "width", table["width"].map("{:.1f}".format)),
    ):
        for row, text in enumerate([head, *cells], start=-1):
            ax.text(place, row, text, ha="right", va="center")
    ax.set(xlim=(0, 100), xticks=(0, 25, 50, 75, 100 * level), ylim=(len(table) - 0.4, -0.6))
    ax.set_yticks(range(len(table)), [plain(name) for name in table.index])
    ax.grid(axis="y", visible=False)
    ax.set_xlabel("intervals of a hundred\nthat contain the truth")
    return ax


_KINDS = ("#E69F00", COLOURS["dml"], COLOURS["treated"], COLOURS["control"], COLOURS["other"])


def plot_tradeoff(
    table: pd.DataFrame,
    x: str,
    y: str,
    by: str,
    ax: Axes | None = None,
    *,
    kind: str | None = None,
) -> Axes:
    """Two columns against each other on logarithmic axes, one marker a member of ``by``, one colour a kind of it.

    ``kind`` names the column of kinds, by default each member is one; kinds take their colours in the order of the
    rows. Points of one member are joined in the same order. The axes are named after the columns.
    """
    ax = new_axes(ax, 4.2)
    seen: dict[Any, int] = {}
    for name, rows in table.groupby(by, sort=False):
        own = rows[kind].iloc[0] if kind else name
        member = seen[own] = seen.get(own, -1) + 1
        colour = _KINDS[list(seen).index(own) % len(_KINDS)]
        ax.plot(
            rows[x],
            rows[y],
            color=colour,
            ls=("-", "--", ":")[member % 3],
            marker="os^"[member % 3],
            mfc=colour if member % 2 == 0 else ax.get_facecolor(),
            ms=7,
            label=plain(name),
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(plain(x))
    ax.set_ylabel(plain(y))
    ax.legend(fontsize=9)
    return ax


def plot_rates(rates: pd.DataFrame, ax: Axes | None = None) -> Axes:
    """Rates in per cent as a table whose cells are the darker the higher, empty where missing; columns named at a slant."""
    ax = new_axes(ax, 1.6 + 0.34 * len(rates))
    ax.imshow(rates, cmap="Blues", vmin=0, vmax=100, aspect="auto")
    size = min(9, 100 / rates.shape[1])  # of many columns the numbers would touch
    for (row, column), rate in np.ndenumerate(rates.to_numpy()):
        if np.isnan(rate):
            continue
        ax.text(
            column, row, f"{rate:.0f}", ha="center", va="center", color="white" if rate > 60 else "black", fontsize=size
        )
    ax.set_xticks(range(rates.shape[1]), [plain(name) for name in rates.columns], rotation=35, ha="right")
    ax.set_yticks(range(len(rates)), [plain(name) for name in rates.index])
    ax.grid(visible=False)
    return ax


def plot_scatter(
    table: pd.DataFrame,
    x: str,
    y: str,
    by: str,
    xlabel: str,
    ylabel: str,
    limit: float,
    ax: Axes | None = None,
    *,
    muted: str | None = None,
) -> Axes:
    """Two columns against each other, a dot a row, a colour and a marker for each value of ``by``; lines at ±``limit``.

    Values that begin with ``muted`` are grey.
    """
    ax = new_axes(ax, 4.2)
    for marker, (name, rows) in zip(cycle("os^vDPX*"), table.groupby(by, observed=True)):
        grey = COLOURS["other"] if muted and str(name).startswith(muted) else None
        ax.plot(rows[x], rows[y], marker, color=grey, ms=4, alpha=0.7, mew=0, label=plain(name))
    for edge in (-limit, limit):
        ax.axvline(edge, color=COLOURS["other"], ls=":", lw=1)
        ax.axhline(edge, color=COLOURS["other"], ls=":", lw=1)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend(fontsize=8, loc="lower center", bbox_to_anchor=(0.5, 1), ncols=2)
    return ax
