"""The look of every figure: one palette for light and dark pages, and words that draw as they are."""

from collections.abc import Callable, Mapping
from itertools import cycle
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from cycler import cycler
from matplotlib.axes import Axes

COLOURS = {
    "truth": "#000000",
    "benchmark": "#000000",
    "naive": "#D55E00",
    "dml": "#0072B2",
    "treated": "#009E73",
    "control": "#CC79A7",
    "guess": "#E69F00",
    "other": "#6E6E6E",
}


WIDTH = 5.2
"""Inches: on a telephone, where a figure is shrunk to its width, words of ten points still stand nine pixels high."""


def use_style() -> None:
    """Set matplotlib's defaults for the book: size, fonts, light grid, a solid background for dark pages."""
    plt.rcParams.update(
        {
            "figure.figsize": (WIDTH, 3.2),
            "figure.dpi": 140,
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


def new_axes(ax: Axes | None, height: float | None = None) -> Axes:
    """The axes given, or new ones in the book's style."""
    if ax is not None:
        return ax
    use_style()
    return plt.subplots(figsize=(WIDTH, height) if height else None)[1]


def panels(n: int, height: float = 2.6, **options: Any) -> "list[Axes]":
    """Axes one below the other, in the book's style; ``options`` such as ``sharex`` are those of ``plt.subplots``."""
    use_style()
    return list(plt.subplots(n, 1, figsize=(WIDTH, n * height), squeeze=False, **options)[1].ravel())


def plain(text: object) -> str:
    """Words from a user's table: a dollar sign starts no formula, an underscore hides nothing from a legend."""
    words = str(text).replace("$", r"\$")
    return f"\u200b{words}" if words.startswith("_") else words


def family_of(name: object, family: "str | Mapping[str, str] | None") -> str | None:
    """The family of one of several curves, where it is known."""
    kind = family.get(str(name)) if isinstance(family, Mapping) else family
    if kind is not None and kind not in COLOURS:
        raise ValueError(f"family={kind!r} is not known; choose one of {', '.join(COLOURS)}.")
    return kind


def draw_truth(line: Callable[..., Any], truth: "float | Mapping[str, float]") -> None:
    """One dashed line at the truth, or one for each that a mapping names, by ``ax.axhline`` or ``ax.axvline``."""
    named = truth if isinstance(truth, Mapping) else {"truth": truth}
    for (name, value), style in zip(named.items(), cycle(("--", ":", "-.")), strict=False):
        line(value, color=COLOURS["truth"], ls=style, label=plain(name))


def show_guess(guess: float | None, ax: Axes, along: str = "x") -> Axes:
    """Beside the truth, the number that a reader wrote down before looking; None draws nothing.

    Parameters
    ----------
    guess : float or None
        In the units of the axis.
    ax : matplotlib.axes.Axes
        The figure it belongs to, on which it is drawn last.
    along : "x" or "y"
        The axis that the number is on.
    """
    if guess is None:
        return ax
    if isinstance(guess, bool) or not isinstance(guess, int | float | np.number) or not np.isfinite(guess):
        raise ValueError(f"guess={guess!r} is not a number; write 5 or 5.0, without a unit, or leave None.")
    on_x, colour = along == "x", COLOURS["guess"]
    (ax.axvline if on_x else ax.axhline)(float(guess), color=colour, lw=2.5, alpha=0.8)
    foot = {"xy": (guess, 0), "xycoords": ("data", "axes fraction"), "va": "bottom", "rotation": 90}
    side = {"xy": (0, guess), "xycoords": ("axes fraction", "data"), "va": "bottom"}
    box = {"facecolor": "#FCFCFA", "edgecolor": "none", "alpha": 0.8, "pad": 1}
    ax.annotate(f"you: {guess:g}", xytext=(4, 3), textcoords="offset points", bbox=box, **(foot if on_x else side))
    return ax
