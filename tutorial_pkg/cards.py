"""What a seller is told: a card with an effect for sellers like this one, or nothing where there is nothing to promise."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

from tutorial_pkg.display import Table, paragraph, show
from tutorial_pkg.estimates import Estimates


@dataclass(frozen=True)
class Card:
    """What is shown to the sellers of one group.

    ``promise`` is the number on the card, ``lower`` and ``upper`` the ends of its interval, all in the outcome's unit;
    ``shown`` is whether the card is shown at all, and ``why`` the reason where it is not.
    """

    group: str
    promise: float
    lower: float
    upper: float
    n_rows: int
    unit: str
    action: str
    horizon: str
    shown: bool
    why: str = ""

    @property
    def text(self) -> str:
        """The card in plain words; empty where nothing is shown."""
        if not self.shown:
            return ""
        return (
            f"{self.action} would increase the sales of products like yours ({self.group}) by about {self.promise:.0f} "
            f"{self.unit} on average in {self.horizon}, most likely between {max(np.floor(self.lower), 0):.0f} and "
            f"{np.ceil(self.upper):.0f}. Many gain less, some much more. Based on {self.n_rows:,} offers of the past."
        )

    def message(self, excess: float) -> str:
        """The card for one product, with its excess units; empty where nothing is shown."""
        return (
            f"You hold about {excess:,.0f} {self.unit} more of this product than you need. {self.text}"
            if self.shown
            else ""
        )

    def __repr__(self) -> str:
        return self.text or f"No card for {self.group}: {self.why}"

    def _repr_html_(self) -> str:
        return paragraph("", self.text) if self.shown else paragraph(f"No card for {self.group}", f": {self.why}")


def shrink(groups: Estimates, level: float = 0.95) -> Table:
    """Effects of groups, drawn towards their mean as far as their differences look like chance.

    The groups' true effects are taken as draws from a normal distribution of unknown mean and spread, both with flat
    priors; shown is each effect's mean given all estimates, averaged over what the spread may be (a grid), and an interval that
    allows for not knowing it. So the largest estimates, which are the largest partly by luck, come down, and what is shown
    keeps its promise on average, also after the best were picked. Errors of different groups count as independent.

    Returns
    -------
    Table
        A row a group: ``value``, ``lower`` and ``upper`` (of the shrunken effect), and ``estimate``, as it was.

    References
    ----------
    Rubin (1981), Estimation in parallel randomized experiments; Gelman (2006), Prior distributions for variance
    parameters in hierarchical models, for the flat prior of the spread.
    """
    if len(groups) < 4:
        raise ValueError("Fewer than four groups say nothing of how groups differ; show their estimates as they are.")
    values = groups.values
    y, variance = values.to_numpy(), np.array([e.std_error for e in groups]) ** 2
    spread = np.linspace(0, 2 * np.ptp(y) + np.sqrt(variance.max()), 400)[:, None]
    total = variance + spread**2  # of an estimate around the mean, for each spread
    weight = spread**2 / total
    precision = (1 / total).sum(axis=1, keepdims=True)
    mean = (y / total).sum(axis=1, keepdims=True) / precision
    fit = -0.5 * (np.log(total) + (y - mean) ** 2 / total).sum(axis=1, keepdims=True) - 0.5 * np.log(precision)
    belief = np.exp(fit - fit.max())
    belief = belief / belief.sum()
    drawn = mean + weight * (y - mean)
    value = (belief * drawn).sum(axis=0)
    within = weight * variance + (1 - weight) ** 2 / precision
    half = norm.ppf(0.5 + level / 2) * np.sqrt((belief * (within + (drawn - value) ** 2)).sum(axis=0))
    ends = {"value": value, "lower": value - half, "upper": value + half, "estimate": y}
    return show(pd.DataFrame(ends, values.index))


def make_cards(
    groups: Estimates,
    sizes: "Mapping[str, int] | pd.Series",
    *,
    action: str,
    horizon: str = "the next 30 days",
    least: float = 1.0,
    fewest: int = 100,
) -> list[Card]:
    """A card for each group; nothing is shown where little is known or little to be gained.

    A card is shown when the interval of the shrunken effect lies above zero, the effect is at least ``least`` units, and
    the group has at least ``fewest`` rows. The promise is the shrunken effect, rounded down; the text rounds the interval
    outwards.

    Parameters
    ----------
    groups : Estimates
        Effects of groups, such as those of :func:`tutorial_pkg.effects.estimate_gate`.
    sizes : mapping of group to number of rows
    action : str
        What the seller would do, at the beginning of a sentence: "Creating an outlet deal".
    horizon : str
        The period of the outcome, in the sentence's words.
    least : float
        The smallest effect worth a card, in the outcome's unit.
    fewest : int
        The fewest rows on which a card may rest.
    """
    table, unit = shrink(groups), groups[0].words.unit or groups[0].words.outcome
    made = []
    for name, row in table.iterrows():
        n = int(sizes[name])
        why = ""
        if n < fewest:
            why = f"only {n:,} offers of the past"
        elif row["lower"] <= 0:
            why = f"the gain may be none ({row['lower']:.1f} to {row['upper']:.1f} {unit})"
        elif row["value"] < least:
            why = f"a gain of {row['value']:.1f} {unit} is not worth a card"
        ends = float(np.floor(row["value"])), float(row["lower"]), float(row["upper"])
        made.append(Card(str(name), *ends, n, unit, action, horizon, not why, why))
    return made


def efficacy(cards: Sequence[Card]) -> Table:
    """What the owner of the recommendation reads: a row a group, the largest gain first, with what is shown and why not."""
    unit = cards[0].unit
    rows = [(c.group, c.n_rows, c.promise, c.lower, c.upper, c.shown, c.why) for c in cards]
    table = pd.DataFrame(rows, columns=["group", "offers", f"gain, {unit}", "lower", "upper", "card", "why not"])
    return show(table.set_index("group").sort_values(f"gain, {unit}", ascending=False))
