"""What one check of an estimate found, and many checks in one table."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from tutorial_pkg.display import Table, paragraph, show

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True, eq=False)
class Check:
    """What one check found: ``passed`` is None where there is nothing to pass, only something to know.

    ``measures`` are the numbers that decide.
    """

    name: str
    passed: bool | None
    sentence: str
    table: pd.DataFrame = field(repr=False)
    draw: "Callable[[Axes | None], Axes] | None" = field(default=None, repr=False)
    measures: Mapping[str, float] = field(default_factory=dict, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "passed", None if self.passed is None else bool(self.passed))  # numpy has its own

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
        return {True: "[passed]", False: "[FAILED]", None: "[note]"}[self.passed] + f" {self.name}"


def summarise(checks: Sequence[Check]) -> Table:
    """One row a check: passed and its sentence."""
    found = {"passed": [c.passed for c in checks], "finding": [c.sentence for c in checks]}
    return show(pd.DataFrame(found, [c.name for c in checks]))
