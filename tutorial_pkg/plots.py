"""Figures in one palette: axes in, axes out.

Truth is black, naive comparisons vermilion, double machine learning blue, through the whole book; the
palette is that of Okabe and Ito, safe for colour-blind eyes.
"""

from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from cycler import cycler
from matplotlib.axes import Axes
from matplotlib.ticker import LogLocator, NullFormatter
from numpy.typing import ArrayLike

from tutorial_pkg.estimate import Estimate, Estimates

COLOURS = {
    "truth": "#000000",
    "naive": "#D55E00",
    "dml": "#0072B2",
    "treated": "#009E73",
    "control": "#CC79A7",
    "other": "#6E6E6E",
}


def use_style() -> None:
    """Set matplotlib's defaults for the book: size, fonts, light grid, a solid background for dark pages."""
    plt.rcParams.update(
        {
            "figure.figsize": (7.0, 3.6),
            "figure.dpi": 110,
            "figure.facecolor": "#FCFCFA",
            "axes.facecolor": "#FCFCFA",
            "savefig.facecolor": "#FCFCFA",
            "figure.constrained_layout.use": True,
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.grid": True,
            "axes.axisbelow": True,
            "grid.color": "#E4E4E0",
            "axes.titlelocation": "left",
            "axes.titlesize": 11,
            "font.size": 10,
            "legend.frameon": False,
            "axes.prop_cycle": cycler(color=["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]),
        }
    )


def _axes(ax: Axes | None, height: float | None = None) -> Axes:
    if ax is not None:
        return ax
    use_style()
    return plt.subplots(figsize=(7.0, height) if height else None)[1]


def _colour(name: object) -> str | None:
    """The book's colour of what a label starts with, or None for the next of the cycle."""
    return COLOURS.get(str(name).lower().split()[0].strip(":,"))


def plot_estimates(
    estimates: Sequence[Estimate] | Mapping[str, Estimate],
    truth: "float | pd.Series | None" = None,
    ax: Axes | None = None,
) -> Axes:
    """Estimates with their 95% intervals, one a line, and the truth beside them.

    A number is drawn as one line of truth; a Series holds a truth for each label.
    """
    named = estimates if isinstance(estimates, Mapping) else {e.label or e.method: e for e in estimates}
    ax = _axes(ax, 1.1 + 0.36 * len(named))
    for row, (name, e) in enumerate(named.items()):
        colour = COLOURS["dml"] if e.method.startswith("DML") else COLOURS["naive"]
        lower, upper = e.conf_int()
        ax.plot([lower, upper], [row, row], color=colour, lw=2.5, solid_capstyle="butt")
        ax.plot(e.value, row, "o", color=colour, ms=6)
        if isinstance(truth, pd.Series):
            ax.plot(
                truth[name],
                row,
                "|",
                color=COLOURS["truth"],
                ms=16,
                mew=2,
                label="truth" if row == 0 else None,
            )
    if truth is not None and not isinstance(truth, pd.Series):
        ax.axvline(truth, color=COLOURS["truth"], lw=1.5, ls="--", label="truth")
    ax.set_yticks(range(len(named)), list(named))
    ax.set_ylim(len(named) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    outcome = next(iter(named.values())).outcome
    ax.set_xlabel(f"effect of following on {outcome}, with 95% interval")
    if truth is not None:
        ax.legend(loc="best")
    return ax


def plot_decomposition(parts: pd.Series, ax: Axes | None = None) -> Axes:
    """Waterfall from the effect to the naive difference; ``parts`` from :func:`naive.decompose_bias`."""
    ax = _axes(ax)
    heights = parts.to_numpy()
    starts = np.append(np.concatenate([[0.0], np.cumsum(heights[:-2])]), 0.0)  # the last bar is the whole
    colours = [COLOURS["truth"], *[COLOURS["naive"]] * (len(parts) - 2), COLOURS["other"]]
    ax.bar(range(len(parts)), heights, bottom=starts, color=colours, width=0.6)
    for i, (start, height) in enumerate(zip(starts, heights, strict=True)):
        side, gap = ("bottom", 2) if height >= 0 else ("top", -3)
        place = (i, start + height)
        ax.annotate(f"{height:+.2f}", place, (0, gap), textcoords="offset points", ha="center", va=side)
        if i < len(parts) - 1:
            ax.plot([i + 0.3, i + 0.7], [start + height] * 2, color=COLOURS["other"], lw=1)
    ax.axhline(0, color=COLOURS["other"], lw=1)
    ax.margins(y=0.14)
    ax.set_xticks(range(len(parts)), list(parts.index))
    ax.grid(axis="x", visible=False)
    ax.set_ylabel(f"{parts.name}, followers minus others")
    return ax


def plot_arms(values: ArrayLike, treated: ArrayLike, label: str, ax: Axes | None = None, bins: int = 40) -> Axes:
    """Distribution of one quantity, such as the propensity, among followers and others; densities."""
    ax = _axes(ax)
    values, treated = np.asarray(values, dtype=float), np.asarray(treated).astype(bool)
    edges = np.histogram_bin_edges(values, bins=bins)
    for name, rows, key in (("followed", treated, "treated"), ("did not", ~treated, "control")):
        ax.hist(values[rows], bins=list(edges), density=True, alpha=0.55, color=COLOURS[key], label=name)
    ax.set_xlabel(label)
    ax.set_ylabel("density")
    ax.legend()
    return ax


def plot_curves(
    table: pd.DataFrame, xlabel: str, ylabel: str, truth: "float | None" = None, ax: Axes | None = None
) -> Axes:
    """One line a column over the index; columns named truth, naive or dml get their colour."""
    ax = _axes(ax)
    for name in table.columns:
        ax.plot(
            table.index,
            table[name],
            marker="o",
            ms=4,
            ls="--" if name == "truth" else "-",
            label=name,
            color=_colour(name),
        )
    if truth is not None:
        ax.axhline(truth, color=COLOURS["truth"], ls="--", label="truth")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend()
    return ax


def plot_residuals(
    treatment_residual: ArrayLike,
    outcome_residual: ArrayLike,
    slope: float,
    ylabel: str,
    ax: Axes | None = None,
    bins: int = 20,
) -> Axes:
    """Outcome residuals against treatment residuals: means of equal-sized bins, and the fitted line."""
    ax = _axes(ax)
    v, u = np.asarray(treatment_residual), np.asarray(outcome_residual)
    cells = pd.DataFrame({"v": v, "u": u}).groupby(pd.qcut(v, bins, duplicates="drop"), observed=True)
    mean, error = cells.mean(), cells["u"].sem()
    ax.errorbar(mean["v"], mean["u"], 1.96 * error, fmt="o", ms=5, color=COLOURS["dml"], label="mean of a bin, 95%")
    ends = np.array([v.min(), v.max()])
    ax.plot(ends, slope * ends, color=COLOURS["dml"], lw=2, label=f"slope {slope:.2f}")
    ax.set_xlabel("decision minus predicted propensity")
    ax.set_ylabel(ylabel)
    ax.legend()
    return ax


def plot_sampling(
    draws: Mapping[str, ArrayLike], truth: float, xlabel: str, ax: Axes | None = None, bins: int = 25
) -> Axes:
    """Histograms of estimates over many simulated samples, with the truth."""
    ax = _axes(ax)
    everything = np.concatenate([np.asarray(v, dtype=float) for v in draws.values()])
    edges = np.histogram_bin_edges(everything, bins=bins)
    for name, values in draws.items():
        ax.hist(
            np.asarray(values),
            bins=list(edges),
            alpha=0.55,
            label=name,
            color=_colour(name),
        )
    ax.axvline(truth, color=COLOURS["truth"], ls="--", label="truth")
    ax.set_xlabel(xlabel)
    ax.set_ylabel("samples")
    ax.legend()
    return ax


def plot_draws(
    draws: "Mapping[str, ArrayLike] | pd.DataFrame", truth: float, xlabel: str, ax: Axes | None = None
) -> Axes:
    """Estimates over many simulated samples: one line an estimator, one dot a sample, a bar at their mean.

    Names that start with DML are blue, all others the colour of the naive.
    """
    named = {str(name): values for name, values in draws.items()}
    ax = _axes(ax, 1.1 + 0.42 * len(named))
    for row, (name, values) in enumerate(named.items()):
        colour = COLOURS["dml"] if name.startswith("DML") else COLOURS["naive"]
        x = np.asarray(values, dtype=float)
        height = row + np.linspace(-0.25, 0.25, len(x))  # in order of the samples: no two dots on one spot
        ax.plot(x, height, "o", color=colour, ms=4, alpha=0.45, mew=0)
        ax.plot([x.mean()] * 2, [row - 0.36, row + 0.36], color=colour, lw=2.5)
    ax.axvline(truth, color=COLOURS["truth"], lw=1.5, ls="--", label="truth")
    ax.set_yticks(range(len(named)), list(named))
    ax.set_ylim(len(named) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    ax.set_xlabel(xlabel)
    ax.legend(loc="best")
    return ax


def plot_balance(table: pd.DataFrame, limit: float = 0.1, ax: Axes | None = None, n_rows: int = 25) -> Axes:
    """Standardised mean differences before and after weighting, the largest before first; see :func:`balance`."""
    shown = table.sort_values("before", key=np.abs, ascending=False).head(n_rows)
    ax = _axes(ax, 1.2 + 0.2 * len(shown))
    positions = np.arange(len(shown))
    ax.plot(shown["before"], positions, "o", color=COLOURS["naive"], label="before weighting")
    ax.plot(shown["after"], positions, "o", color=COLOURS["dml"], label="after weighting")
    for edge in (-limit, limit):
        ax.axvline(edge, color=COLOURS["other"], ls=":", lw=1)
    ax.axvline(0, color=COLOURS["other"], lw=1)
    ax.set_yticks(positions, list(shown.index), fontsize=8)
    ax.invert_yaxis()
    ax.set_xlabel("difference of means, followers minus others, in standard deviations")
    ax.legend()
    return ax


_MODELS = (("#0072B2", "-"), ("#56B4E9", "-."), ("#E69F00", ":"), ("#009E73", "-"))  # several models in one figure


def plot_effects(
    modifier: ArrayLike,
    effects: Mapping[str, ArrayLike],
    xlabel: str,
    ylabel: str,
    truth: "ArrayLike | None" = None,
    ax: Axes | None = None,
    bins: int = 12,
) -> Axes:
    """Effects along one modifier: means of the rows in equal-sized bins, one line a model, and the truth."""
    ax = _axes(ax)
    cells = pd.qcut(np.asarray(modifier, dtype=float), bins, duplicates="drop")
    centre = pd.Series(np.asarray(modifier, dtype=float)).groupby(cells, observed=True).mean()
    if truth is not None:
        mean = pd.Series(np.asarray(truth)).groupby(cells, observed=True).mean()
        ax.plot(centre, mean, color=COLOURS["truth"], ls="--", label="truth")
    for i, (name, values) in enumerate(effects.items()):
        colour, style = _MODELS[i % len(_MODELS)]
        mean = pd.Series(np.asarray(values)).groupby(cells, observed=True).mean()
        ax.plot(centre, mean, color=colour, ls=style, lw=2, label=name)
    ax.axhline(0, color=COLOURS["other"], lw=1)
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend()
    return ax


def plot_calibration(
    estimates: Estimates,
    predicted: pd.Series,
    xlabel: str,
    ylabel: str,
    truth: "pd.Series | None" = None,
    ax: Axes | None = None,
) -> Axes:
    """Estimated effect of groups, with 95% intervals, against the effect a model predicts for them.

    ``predicted`` and ``truth`` hold a mean for each estimate's label. Points of a good model lie on the diagonal.
    """
    ax = _axes(ax)
    table = estimates.tidy()
    x = predicted.reindex(table.index)
    half = (table["upper"] - table["lower"]) / 2
    ax.errorbar(x, table["value"], half, fmt="o", ms=6, color=COLOURS["dml"], label="estimate, 95% interval")
    if truth is not None:
        ax.plot(x, truth.reindex(table.index), "_", color=COLOURS["truth"], ms=18, mew=2, label="truth")
    ends = [min(x.min(), table["value"].min()), max(x.max(), table["value"].max())]
    ax.plot(ends, ends, color=COLOURS["other"], lw=1, ls=":", label="prediction")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend()
    return ax


_FAMILIES = {"linear": "#E69F00", "trees": COLOURS["dml"], "network": COLOURS["treated"]}


def plot_tradeoff(
    table: pd.DataFrame, x: str, y: str, by: str, xlabel: str, ylabel: str, ax: Axes | None = None, joined: bool = True
) -> Axes:
    """Two columns against each other on logarithmic axes, one colour a family of ``by``, one marker a member.

    The family is what comes before the comma, as in "trees, untuned". Points of one member are joined in the order
    of the rows.
    """
    ax = _axes(ax, 4.2)
    seen: dict[str, int] = {}
    for name, rows in table.groupby(by, sort=False):
        family = str(name).split(",")[0]
        member = seen[family] = seen.get(family, -1) + 1
        colour = _FAMILIES.get(family, COLOURS["other"])
        ax.plot(
            rows[x],
            rows[y],
            color=colour,
            ls=("-", "--", ":")[member % 3] if joined else "none",
            marker="os^"[member % 3],
            mfc=colour if member % 2 == 0 else ax.get_facecolor(),
            ms=7 if joined else 4,
            label=str(name),
        )
    ax.set_xscale("log")
    ax.set_yscale("log")
    for axis in (ax.xaxis, ax.yaxis):
        axis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axis.set_major_formatter(lambda value, _: f"{value:,.10g}")
        axis.set_minor_formatter(NullFormatter())
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend(fontsize=8)
    return ax
