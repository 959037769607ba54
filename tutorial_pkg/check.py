"""What one check of an estimate found, graded, and many checks in one table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import norm

from tutorial_pkg.display import Table, paragraph, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes

Grade = Literal["fine", "look", "stop"]


GRADES: tuple[Grade, ...] = ("fine", "look", "stop")

_PLACEBO = {"z": (1.96, 3.0)}
LIMITS: dict[str, dict[str, tuple[float, float]]] = {
    "placebo": _PLACEBO,
    "placebo treatment": _PLACEBO,
    "permuted treatment": _PLACEBO,
    "overlap": {"share clipped": (0.01, 0.05), "smallest effective share": (0.2, 0.1)},
    "balance": {"chance of the largest": (0.05, 0.0001)},
    "score's moments": {"largest z": (3.0, 5.0)},
    "learners against a constant": {"least explained": (0.02, -0.1)},  # a little below nought is chance
    "single rows": {"largest shift / std. error": (0.5, 1.0)},
    "stability over splits": {"spread / std. error": (0.5, 1.0)},
    "without a column": {"z": (2.0, float("inf"))},
}
"""For each measure of a check where one looks, and where one stops; where the second is smaller, so are worse values."""


def graded(name: str, measures: Mapping[str, float]) -> Grade:
    """The worst grade that one of a check's measures gets, signs aside where larger is worse."""
    found: list[Grade] = ["fine"]
    for measure, (look, stop) in LIMITS[name].items():
        value = measures[measure] if stop < look else abs(measures[measure])
        worse = (value < look, value < stop) if stop < look else (value > look, value > stop)
        found.append(GRADES[sum(worse)] if value == value else "stop")
    return max(found, key=GRADES.index)


def chance_of_largest(z: ArrayLike) -> float:
    """The probability that the largest of so many standard normal values is as large by chance (Bonferroni)."""
    sizes = np.abs(np.asarray(z, dtype=float))
    return float(min(1.0, 2 * len(sizes) * norm.sf(sizes.max())))


@dataclass(frozen=True, eq=False)
class Check:
    """What one check found.

    ``grade`` says what to do: nothing ("fine"), read the table and understand it before the estimate is used ("look"),
    or not use the estimate until it is explained ("stop"); None where there is only something to know. ``measures`` are
    the numbers that decide. How often sound and broken studies get each grade was measured:
    :func:`tutorial_pkg.results.load_checks`.
    """

    name: str
    grade: Grade | None
    sentence: str
    table: pd.DataFrame = field(repr=False)
    draw: "Callable[[Axes | None], Axes] | None" = field(default=None, repr=False)
    measures: Mapping[str, float] = field(default_factory=dict, repr=False)

    @property
    def passed(self) -> bool | None:
        """Whether the grade is "fine"; None where nothing is graded."""
        return None if self.grade is None else self.grade == "fine"

    def figure(self, ax: "Axes | None" = None) -> "Axes":
        """Draw what the check looked at."""
        if self.draw is None:
            raise ValueError(f"The check {self.name!r} has no figure; read its table.")
        return self.draw(ax)

    def __repr__(self) -> str:
        return f"{self._verdict}: {self.sentence}"

    def _repr_html_(self) -> str:
        return paragraph(self._verdict, f": {self.sentence}") + show(self.table, 3, max_rows=12)._repr_html_()

    @property
    def _verdict(self) -> str:
        words = {"fine": "[fine]", "look": "[LOOK]", "stop": "[STOP]", None: "[note]"}
        return f"{words[self.grade]} {self.name}"


def summarise(checks: Sequence[Check]) -> Table:
    """One row a check: its grade and its sentence."""
    found = {"grade": [c.grade or "" for c in checks], "finding": [c.sentence for c in checks]}
    return show(pd.DataFrame(found, [c.name for c in checks]))
