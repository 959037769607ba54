"""Figures of one study: estimates and the words on their axes, arms, residuals, balance, effects."""

import textwrap
from collections.abc import Iterable, Mapping

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from numpy.typing import ArrayLike

from tutorial_pkg.estimate import Estimate
from tutorial_pkg.estimates import Estimates, truth_of_each
from tutorial_pkg.plots.style import COLOURS, new_axes, plain


def plot_estimates(
    estimates: Iterable[Estimate] | Mapping[str, Estimate],
    truth: "float | Mapping[str, float] | pd.Series | None" = None,
    ax: Axes | None = None,
) -> Axes:
    """Estimates with their 95% intervals, one a line, and the truth beside them.

    A number is drawn as one line of truth; a mapping or Series holds a truth for each name.
    """
    found = Estimates(estimates)
    ax = new_axes(ax, 1.1 + 0.36 * len(found))
    each = isinstance(truth, Mapping | pd.Series)
    truths = [] if truth is None else truth_of_each(found.names, truth)
    for row, e in enumerate(found):
        lower, upper = e.conf_int()
        ax.plot([lower, upper], [row, row], color=COLOURS[e.family], lw=2.5, solid_capstyle="butt")
        ax.plot(e.value, row, "o", color=COLOURS[e.family], ms=6)
        if each:
            label = "truth" if row == 0 else None
            ax.plot(truths[row], row, "|", color=COLOURS["truth"], ms=16, mew=2, label=label)
    if truth is not None and not each:
        ax.axvline(truths[0], color=COLOURS["truth"], lw=1.5, ls="--", label="truth")
    ax.set_yticks(range(len(found)), [plain(name) for name in found.names])
    ax.set_ylim(len(found) - 0.4, -0.6)
    ax.grid(axis="y", visible=False)
    words = found[0].words
    same = len({e.words.outcome for e in found}) == 1
    on = f" on {words.outcome_in_unit}" if same else ""
    ax.set_xlabel(plain(f"effect of {words.treatment}{on},\nwith 95% interval"))
    if truth is not None:
        # above the axes: inside, the tick in the legend would read as one more truth
        ax.legend(loc="lower right", bbox_to_anchor=(1, 1), borderaxespad=0.2, frameon=False)
    return ax


def plot_decomposition(parts: "pd.Series | Mapping[str, Estimate]", ax: Axes | None = None) -> Axes:
    """Waterfall from the effect to the naive difference, the last part being the sum of the others.

    ``parts`` from :func:`tutorial_pkg.truth.decompose_bias`, or the same as estimates.
    """
    ax = new_axes(ax)
    first, about = "truth", ""
    if not isinstance(parts, pd.Series):
        effect = next(iter(parts.values()))
        first, about = effect.family, effect.words.outcome_in_unit
        parts = pd.Series({name: e.value for name, e in parts.items()}, name=about)
    heights = parts.to_numpy()
    starts = np.append(np.concatenate([[0.0], np.cumsum(heights[:-2])]), 0.0)  # the last bar is the whole
    colours = [COLOURS[first], *[COLOURS["naive"]] * (len(parts) - 2), COLOURS["other"]]
    ax.bar(range(len(parts)), heights, bottom=starts, color=colours, width=0.6)
    for i, (start, height) in enumerate(zip(starts, heights, strict=True)):
        side, gap = ("bottom", 2) if height >= 0 else ("top", -3)
        place = (i, start + height)
        ax.annotate(f"{height:+.2f}", place, (0, gap), textcoords="offset points", ha="center", va=side)
        if i < len(parts) - 1:
            ax.plot([i + 0.3, i + 0.7], [start + height] * 2, color=COLOURS["other"], lw=1)
    ax.axhline(0, color=COLOURS["other"], lw=1)
    ax.margins(y=0.14)
    ax.set_xticks(range(len(parts)), [textwrap.fill(plain(name), 14) for name in parts.index])
    ax.grid(axis="x", visible=False)
    ax.set_ylabel(plain(f"difference in {parts.name}"))
    return ax


def plot_arms(values: ArrayLike, arm: pd.Categorical, label: str, ax: Axes | None = None, bins: int = 40) -> Axes:
    """Distribution of one quantity, such as the propensity, in both arms; densities.

    ``arm`` names each row's arm, the untreated first: ``data.arm``.
    """
    if not isinstance(arm, pd.Categorical) or len(arm.categories) != 2:
        raise ValueError("arm needs the name of each row's arm, the untreated first; pass data.arm.")
    ax = new_axes(ax)
    values = np.asarray(values, dtype=float)
    edges = np.histogram_bin_edges(values, bins=bins)
    for code, key in ((1, "treated"), (0, "control")):
        name = plain(arm.categories[code])
        ax.hist(values[arm.codes == code], list(edges), density=True, alpha=0.55, color=COLOURS[key], label=name)
    ax.set_xlabel(label)
    ax.set_ylabel("density")
    ax.legend()
    return ax


def plot_residuals(
    treatment_residual: ArrayLike,
    outcome_residual: ArrayLike,
    slope: float,
    xlabel: str,
    ylabel: str,
    ax: Axes | None = None,
    bins: int = 20,
) -> Axes:
    """Outcome residuals against treatment residuals: means of equal-sized bins, and the fitted line."""
    ax = new_axes(ax)
    v, u = np.asarray(treatment_residual), np.asarray(outcome_residual)
    cells = pd.DataFrame({"v": v, "u": u}).groupby(pd.qcut(v, bins, duplicates="drop"), observed=True)
    mean, error = cells.mean(), cells["u"].sem()
    ax.errorbar(mean["v"], mean["u"], 1.96 * error, fmt="o", ms=5, color=COLOURS["dml"], label="mean of a bin, 95%")
    ends = np.array([v.min(), v.max()])
    ax.plot(ends, slope * ends, color=COLOURS["dml"], lw=2, label=f"slope {slope:.2f}")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend()
    return ax


def plot_balance(table: pd.DataFrame, limit: float = 0.1, ax: Axes | None = None, n_rows: int = 25) -> Axes:
    """Standardised mean differences before and after weighting, the largest before first; see :func:`balance`."""
    shown = table.sort_values("before", key=np.abs, ascending=False).head(n_rows)
    ax = new_axes(ax, 1.2 + 0.2 * len(shown))
    positions = np.arange(len(shown))
    ax.plot(shown["before"], positions, "o", color=COLOURS["naive"], label="before weighting")
    ax.plot(shown["after"], positions, "o", color=COLOURS["dml"], label="after weighting")
    for edge in (-limit, limit):
        ax.axvline(edge, color=COLOURS["other"], ls=":", lw=1)
    ax.axvline(0, color=COLOURS["other"], lw=1)
    ax.set_yticks(positions, [plain(name) for name in shown.index], fontsize=9)
    ax.invert_yaxis()
    ax.set_xlabel("difference of means between the arms, in standard deviations")
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
    ax = new_axes(ax)
    cells = pd.qcut(np.asarray(modifier, dtype=float), bins, duplicates="drop")
    centre = pd.Series(np.asarray(modifier, dtype=float)).groupby(cells, observed=True).mean()
    if truth is not None:
        mean = pd.Series(np.asarray(truth)).groupby(cells, observed=True).mean()
        ax.plot(centre, mean, color=COLOURS["truth"], ls="--", label="truth")
    for i, (name, values) in enumerate(effects.items()):
        colour, style = _MODELS[i % len(_MODELS)]
        mean = pd.Series(np.asarray(values)).groupby(cells, observed=True).mean()
        ax.plot(centre, mean, color=colour, ls=style, lw=2, label=plain(name))
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
    ax = new_axes(ax)
    table = estimates.tidy().set_axis(estimates.names)
    x = pd.Series(truth_of_each(estimates.names, predicted), index=estimates.names)
    half = (table["upper"] - table["lower"]) / 2
    ax.errorbar(x, table["value"], half, fmt="o", ms=6, color=COLOURS["dml"], label="estimate, 95% interval")
    if truth is not None:
        ax.plot(x, truth_of_each(estimates.names, truth), "_", color=COLOURS["truth"], ms=18, mew=2, label="truth")
    ends = [min(x.min(), table["value"].min()), max(x.max(), table["value"].max())]
    ax.plot(ends, ends, color=COLOURS["other"], lw=1, ls=":", label="prediction")
    ax.set_xlabel(xlabel)
    ax.set_ylabel(ylabel)
    ax.legend()
    return ax
