"""All figures in one place: each function draws on the axes it is given, or makes its own, and returns them.

Truth and benchmarks are black, naive comparisons vermilion, double machine learning blue, through the whole book;
an estimate's family decides, not its name. The palette is that of Okabe and Ito, safe for colour-blind eyes. Words
come from the data: see ``labels``, ``units`` and ``arms`` of :class:`tutorial_pkg.data.CausalData`.
"""

from tutorial_pkg.plots.graph import plot_graph
from tutorial_pkg.plots.simulation import (
    plot_coverage,
    plot_curves,
    plot_draws,
    plot_rates,
    plot_sampling,
    plot_scatter,
    plot_tradeoff,
)
from tutorial_pkg.plots.study import (
    plot_arms,
    plot_balance,
    plot_calibration,
    plot_decomposition,
    plot_effects,
    plot_estimates,
    plot_residuals,
)
from tutorial_pkg.plots.style import COLOURS, panels, show_guess, use_style

__all__ = [
    "COLOURS",
    "panels",
    "plot_arms",
    "plot_balance",
    "plot_calibration",
    "plot_coverage",
    "plot_curves",
    "plot_decomposition",
    "plot_draws",
    "plot_effects",
    "plot_estimates",
    "plot_graph",
    "plot_rates",
    "plot_residuals",
    "plot_sampling",
    "plot_scatter",
    "plot_tradeoff",
    "show_guess",
    "use_style",
]
