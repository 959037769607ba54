"""What an unrecorded confounder could do: bounds, robustness values and benchmarks, through DoubleML.

The strength of a hidden confounder is told by two numbers in [0, 1): ``cf_y``, the share of the outcome's
remaining variance it explains, and ``cf_d``, the share by which it would raise the variance of the Riesz
representer (how well the decision can be predicted). ``rho`` in [-1, 1] says how far both go together; 1 is
the worst case.
"""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import pandas as pd

from tutorial_pkg.check import Check
from tutorial_pkg.crossfitting import fit_without
from tutorial_pkg.estimate import check_level
from tutorial_pkg.handover import Score, clustered_framework, irm_models, sensitivity_gains
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.plots.style import COLOURS, new_axes, plain
from tutorial_pkg.support import caution
from tutorial_pkg.weighting import CLIPPING

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_SCORES: dict[str, Score] = {"ATE": "ATE", "ATT": "ATTE"}
Estimand = Literal["ATE", "ATT"]


def bounds(
    nuisances: Nuisances,
    cf_y: float = 0.03,
    cf_d: float = 0.03,
    rho: float = 1.0,
    level: float = 0.95,
    null: float = 0.0,
    estimand: Estimand = "ATE",
    clipping: float = CLIPPING,
) -> pd.Series:
    """Where the effect lies if a confounder of the given strength was left out.

    The bounds are about what is missing from the table, and trust the models of what is in it: learners that leave
    some of the recorded confounding move both bounds, and rows without comparison make them a matter of the models. A
    Series has no room for a caution: read that of :func:`tutorial_pkg.effects.estimate_ate`, or ``estimate_att``, first;
    :func:`hidden_confounding` says it too.

    Returns
    -------
    Series
        ``lower`` and ``upper``: the bounds of the effect. ``lower limit`` and ``upper limit``: their one-sided
        confidence limits, each at ``level``, so that both together cover with at least ``2 * level - 1``
        (0.90 for 0.95). ``robustness value``: the strength, the same for cf_y and cf_d, that brings the bound to
        ``null``; ``robustness value, limit``: that brings its confidence limit there. With several repeats,
        medians. Limits are clustered where the data name a cluster. ``clipping`` is that of the estimate the bounds
        belong to.

    References
    ----------
    Chernozhukov, Cinelli, Newey, Sharma and Syrgkanis (2022); ``doubleml.DoubleMLIRM.sensitivity_analysis``.
    """
    for name, value in (("cf_y", cf_y), ("cf_d", cf_d)):
        if not 0 <= value < 1:
            raise ValueError(f"{name}={value!r} is not in [0, 1); it is a share of variance, such as 0.03.")
    if not -1 <= rho <= 1:
        raise ValueError(f"rho={rho!r} is not in [-1, 1]; 1 is the worst case.")
    check_level(level)
    if not np.isfinite(null):
        raise ValueError(f"null={null!r} is not a number of outcome units; 0 asks whether there is an effect at all.")
    score = _score(estimand)
    cf_y, cf_d, rho, level, null = map(float, (cf_y, cf_d, rho, level, null))  # DoubleML refuses integers
    rows = []
    for model in irm_models(nuisances, score, clipping):
        framework = clustered_framework(model, nuisances.data)
        found = framework.sensitivity_analysis(cf_y, cf_d, rho, level, null).sensitivity_params
        rows.append(
            {
                "lower limit": found["ci"]["lower"][0],
                "lower": found["theta"]["lower"][0],
                "value": model.coef[0],
                "upper": found["theta"]["upper"][0],
                "upper limit": found["ci"]["upper"][0],
                "robustness value": found["rv"][0],
                "robustness value, limit": found["rva"][0],
            }
        )
    return pd.DataFrame(rows).median().rename(f"{estimand}, {nuisances.data.outcome}")


def benchmark(
    nuisances: Nuisances,
    groups: Mapping[str, Sequence[str]],
    estimand: Estimand = "ATE",
    progress: bool = True,
    clipping: float = CLIPPING,
) -> pd.DataFrame:
    """How strong recorded covariates are: what leaving out each group would have looked like.

    Every group of covariates is dropped in turn and all nuisances are fitted again on the same folds. A hidden
    confounder as strong as the group would have that ``cf_y`` and ``cf_d``.

    Returns
    -------
    DataFrame
        A row a group: cf_y, cf_d, rho, and ``delta``, the change of the estimate in outcome units when the group
        is left out. cf_y and cf_d of 1 mean that the group explains all that is left. Both are DoubleML's: what the
        group explains over what is left when it is *included*. Where the confounder is to explain the same share of
        what is left *without* it, :func:`bounds` asks for cf / (1 + cf), which is smaller; for the same amount of the
        outcome's variance cf_y is right as it stands. cf_d errs on the strong side in both readings.

    References
    ----------
    Chernozhukov et al. (2022), section 4; ``doubleml.utils.gain_statistics``.
    """
    rows, score = {}, _score(estimand)
    if not (isinstance(groups, Mapping) and groups):
        raise ValueError("groups is empty or no mapping; name covariates to leave out, such as {'stock': ['weeks']}.")
    for name, columns in groups.items():
        short = fit_without(nuisances, columns, f"Group {name!r}", progress)
        rows[name] = sensitivity_gains(nuisances, short, score, clipping)
    table = pd.DataFrame.from_dict(rows, orient="index")[["cf_y", "cf_d", "rho", "delta_theta"]]
    return table.rename(columns={"delta_theta": "delta"})


def hidden_confounding(
    nuisances: Nuisances,
    groups: Mapping[str, Sequence[str]],
    estimand: Estimand = "ATE",
    null: float = 0.0,
    clipping: float = CLIPPING,
) -> Check:
    """Would a hidden confounder as strong as the strongest recorded group explain the effect away?

    Passes when the bound at that group's cf_y and cf_d, worst case, stays on the estimate's side of ``null``. The
    figure shows the bound nearer to ``null`` over all strengths, and where the groups lie. Where rows have nobody to be
    compared with, the sentence ends with that caution.
    """
    table = benchmark(nuisances, groups, estimand, progress=False, clipping=clipping)
    same: dict[str, Any] = {"null": null, "estimand": estimand, "clipping": clipping}
    found = {g: bounds(nuisances, **r[["cf_y", "cf_d"]].clip(upper=0.999), **same) for g, r in table.iterrows()}
    table = table.assign(**{f"{end} bound": [b[end] for b in found.values()] for end in ("lower", "upper")})
    lower, upper = table["lower bound"], table["upper bound"]
    holds = (lower > null) | (upper < null)
    strongest = (upper - lower).idxmax()
    rv = next(iter(found.values()))["robustness value"]
    sentence = (
        f"one as strong as {strongest} would put the {estimand} between {lower[strongest]:.3g} and "
        f"{upper[strongest]:.3g}; it takes {rv:.0%} of both remaining variances to bring it to {null:g}."
    )
    said = caution(nuisances.data.d, nuisances.propensity.mean(axis=1), estimand)
    draw = partial(plot_strengths, nuisances, table, **same)
    return Check(
        "hidden confounding", "fine" if holds.all() else "look", f"{sentence} {said}" if said else sentence, table, draw
    )


def plot_strengths(
    nuisances: Nuisances,
    groups: pd.DataFrame,
    ax: "Axes | None" = None,
    *,
    null: float = 0.0,
    estimand: Estimand = "ATE",
    clipping: float = CLIPPING,
) -> "Axes":
    """Lines of equal bound over both strengths, the one through ``null`` dashed, and groups of covariates as points.

    Drawn is the bound nearer to ``null``, in outcome units, in the worst case. ``groups`` has a row a group, with
    columns cf_y and cf_d: see :func:`benchmark`.
    """
    from matplotlib.patheffects import withStroke

    ax = new_axes(ax, 3.9)
    halo = withStroke(linewidth=4, foreground=ax.get_facecolor())  # names are read across the lines
    end = bounds(nuisances, 0.5, 0.5, null=null, estimand=estimand, clipping=clipping)
    half = (end["upper"] - end["lower"]) / 2 / np.sqrt(0.5)  # of the bounds, over sqrt(cf_y cf_d / (1 - cf_d))
    value, side = end["value"], 1 if end["value"] >= null else -1
    reach = float(np.clip(1.25 * max(groups[["cf_y", "cf_d"]].max(axis=None), end["robustness value"]), 0.05, 0.95))
    d, y = np.meshgrid(np.linspace(0, reach, 200), np.linspace(0, reach, 200))
    bound = value - side * half * np.sqrt(y * d / (1 - d))
    for step in (0.25, 0.5, 0.75, 1.0, 1.5, 2.0):  # of the way from the estimate to null, and beyond
        level, at_null = value + step * (null - value), step == 1.0
        colour = COLOURS["truth" if at_null else "dml"]
        style: dict[str, Any] = {"linewidths": 2 if at_null else 1, "linestyles": "--" if at_null else "-"}
        line = ax.contour(d, y, bound, levels=[level], colors=colour, **style)
        k = (step * (null - value) / half) ** 2  # cf_y cf_d / (1 - cf_d) on this line
        diagonal = (np.sqrt(k**2 + 4 * k) - k) / 2
        if diagonal < 0.9 * reach:
            ax.clabel(line, fmt="%.2g", fontsize=9, manual=[(diagonal, diagonal)])
    for name, group in groups.iterrows():
        ax.plot(group["cf_d"], group["cf_y"], "o", color=COLOURS["naive"], ms=5, clip_on=False, zorder=3)
        ax.annotate(
            plain(name),
            (group["cf_d"], group["cf_y"]),
            (5, 3),
            textcoords="offset points",
            fontsize=9,
            path_effects=[halo],
        )
    ax.set_xlabel("share of the weights' variance, cf_d")
    ax.set_ylabel("share of the outcome's remaining variance, cf_y")
    return ax


def _score(estimand: str) -> Score:
    """DoubleML's name of the estimand."""
    if estimand not in _SCORES:
        raise ValueError(f"estimand={estimand!r} has no bounds; choose one of {', '.join(_SCORES)}.")
    return _SCORES[estimand]
