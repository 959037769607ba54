"""A causal graph: what is named stands in boxes, what acts on what is joined by arrows."""

from collections.abc import Collection, Mapping

from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch

from tutorial_pkg.plots.style import COLOURS, new_axes, plain


def plot_graph(
    effects: Mapping[str, Collection[str]],
    places: Mapping[str, tuple[float, float]],
    ax: Axes | None = None,
    *,
    unrecorded: Collection[str] = (),
) -> Axes:
    """Boxes with arrows from each cause to its effects; what is ``unrecorded`` has a dashed box.

    Parameters
    ----------
    effects : mapping of str to collection of str
        For each cause the names that it acts on.
    places : mapping of str to (x, y)
        Where the names stand; those that no arrow touches are not drawn.
    """
    names = list(dict.fromkeys([*effects, *(name for reached in effects.values() for name in reached)]))
    if lost := [name for name in names if name not in places]:
        raise ValueError(f"The graph names {lost[0]!r}, which has no place; add it to places.")
    ax = new_axes(ax, 2.2)
    boxes = {}
    for name in names:
        dashed = name in unrecorded
        frame = {"boxstyle": "round", "fc": ax.get_facecolor(), "ec": COLOURS["other"], "ls": "--" if dashed else "-"}
        text = ax.text(*places[name], plain(name), ha="center", va="center", bbox=frame)
        boxes[name] = text.get_bbox_patch()
    for cause, reached in effects.items():
        for effect in reached:
            arrow = FancyArrowPatch(places[cause], places[effect], arrowstyle="-|>", mutation_scale=12, color="black")
            arrow.set(patchA=boxes[cause], patchB=boxes[effect], zorder=4, in_layout=False)  # once the boxes are drawn
            ax.add_patch(arrow)
    across, up = zip(*(places[name] for name in names), strict=True)
    ax.set_xlim(min(across) - 0.5, max(across) + 0.5)
    ax.set_ylim(min(up) - 0.4, max(up) + 0.4)
    ax.set_axis_off()
    return ax
