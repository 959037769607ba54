"""The 26 weeks before the books close: sales, visits, deliveries and stock of each product, from one path.

The calendar: 26 weeks of history, at whose end every covariate is closed; 30 days that no covariate contains, the
placebo's; the recommendation; the 30 days of the outcomes.

Sales in 26 weeks are Poisson with mean 26 * rate * f, where f, the product's own luck, is gamma with mean one and
is kept. What is known of f at the close is then the mean of a gamma, (8 + units sold) / (8 + 26 rate): exact, and
the only way in which the history foretells sales. Weekly sales, visits, deliveries and stock are drawn given the
total, so that they tell no more of f.
"""

from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from tutorial_pkg.marketplace.columns import N_WEEKS
from tutorial_pkg.marketplace.model import LUCK, Array, Columns, conversion, weekly_rate
from tutorial_pkg.marketplace.streams import stream

EXCESS_WEEKS = 12
"""Stock beyond so many weeks of mean sales is excess; outlet deals are recommended to products that have some."""
LOW_WEEKS = 8
"""Restocking is recommended to products with less stock than so many weeks of mean sales."""

_WEEK_OF_GIFTS = 47
_Ints = NDArray[np.int32]


class History:
    """What 26 weeks of one product in each row add up to; columns are computed when asked for, by name.

    ``seen`` holds the driving covariates that are not history, ``stock`` the latent trait behind stock.
    """

    def __init__(self, seen: Columns, category: NDArray[np.int8], stock: Array, recommendation: str, seed: int):
        self._seen, self._seed = seen, seed
        rate = weekly_rate(seen, category)
        source = stream(seed, "history")
        n_rows = len(rate)
        self.units_sold_26w = source.poisson(N_WEEKS * rate * source.gamma(LUCK, 1 / LUCK, n_rows)).astype(np.int32)
        z = 0.9 * stock + np.sqrt(0.19) * source.standard_normal(n_rows)
        self.stock_on_hand = self._stock(z, recommendation)

    def _stock(self, z: Array, recommendation: str) -> _Ints:
        """Stock at the close: what the recommendation was made for, in whole units."""
        pace = self.pace
        if recommendation == "outlet_deal":
            stock = 1 + np.floor(pace * (EXCESS_WEEKS + np.exp(2.45 + 0.6 * z)))
        elif recommendation == "restock":
            stock = np.floor(pace * LOW_WEEKS * ndtr(z))
        else:
            stock = np.round(pace * np.exp(2.4 + 0.6 * z))
        return stock.astype(np.int32)

    def column(self, name: str) -> NDArray:
        """One column, as such data would be stored."""
        series, _, week = name.partition("_week_")
        return self.weeks[series][int(week) - 1] if week else getattr(self, name)

    @property
    def pace(self) -> Array:
        """Mean units a week; a product that sold nothing counts as one unit in 26 weeks."""
        return np.maximum(self.units_sold_26w, 1) / N_WEEKS

    @property
    def weeks_of_cover(self) -> Array:
        return np.round(self.stock_on_hand / self.pace, 1)

    @property
    def excess_units(self) -> Array:
        return np.maximum(self.stock_on_hand - np.ceil(EXCESS_WEEKS * self.pace), 0)

    @property
    def aged_units(self) -> NDArray:
        return np.maximum(self.stock_on_hand - self.delivered_units_26w, 0)

    @property
    def reserved_units(self) -> NDArray:
        return stream(self._seed, "reserved_units").binomial(self.stock_on_hand, 0.05)

    @property
    def stockout_weeks_26w(self) -> NDArray:
        return (self.weeks["stock_level"] == 0).sum(axis=0)

    @property
    def deliveries_26w(self) -> NDArray:
        return (self.weeks["delivered"] > 0).sum(axis=0)

    @property
    def delivered_units_26w(self) -> NDArray:
        return self.weeks["delivered"].sum(axis=0)

    @property
    def sell_through_share(self) -> Array:
        return np.round(self.units_sold_26w / np.maximum(self.units_sold_26w + self.stock_on_hand, 1), 3)

    @property
    def stock_turn(self) -> Array:
        return np.round(self.units_sold_26w / np.maximum(self.weeks["stock_level"].mean(axis=0), 1), 2)

    @property
    def conversion_share(self) -> Array:
        return np.round(self.units_sold_26w / np.maximum(self.weeks["visits"].sum(axis=0), 1), 3)

    @property
    def demand_volatility(self) -> Array:
        return np.round(self.weeks["units_sold"].std(axis=0, dtype=np.float32) / self.pace, 2)

    @property
    def deal_units_26w(self) -> NDArray:
        return self._some("deal_units_26w", 1.0, 9.0)

    @property
    def coupon_units_26w(self) -> NDArray:
        return self._some("coupon_units_26w", 0.8, 12.0)

    def _some(self, name: str, a: float, b: float) -> NDArray:
        """Of the units sold, each with a probability of the product's own; deals and coupons may coincide."""
        source = stream(self._seed, name)
        return source.binomial(self.units_sold_26w, source.beta(a, b, len(self.units_sold_26w)))

    @property
    def weeks_to_gift_season(self) -> Array:
        return (_WEEK_OF_GIFTS - self._seen["week_of_year"]) % 52

    @property
    def is_gift_season(self) -> Array:
        return (self._seen["week_of_year"] >= _WEEK_OF_GIFTS).astype(float)

    @cached_property
    def weeks(self) -> dict[str, _Ints]:
        """The series, (26, n_rows) each, from the last week back to the first.

        Sales are spread evenly over the weeks; visits follow from sales and conversion; stock is followed back from
        the close: what was there at a week's end is what was there a week later, and what was sold in that week,
        less what was delivered in it.
        """
        source = stream(self._seed, "weeks")
        n_rows = len(self.units_sold_26w)
        per_visit = conversion(self._seen)
        left, stock = self.units_sold_26w.copy(), self.stock_on_hand.copy()
        order = 4 * self.pace  # four weeks of sales, about every four weeks
        names = ("units_sold", "visits", "delivered", "stock_level")
        series = {name: np.empty((N_WEEKS, n_rows), dtype=np.int32) for name in names}
        for week in range(N_WEEKS):
            units = source.binomial(left, 1 / (N_WEEKS - week)).astype(np.int32)
            visits = units + source.poisson((units + 0.5) * (1 - per_visit) / per_visit)
            size = np.ceil(order * (0.5 + source.random(n_rows, dtype=np.float32)))
            arrives = source.random(n_rows, dtype=np.float32) < 0.25
            delivered = np.where(arrives, np.minimum(size, stock + units), 0)
            for name, values in zip(names, (units, visits, delivered, stock), strict=True):
                series[name][week] = values
            left = left - units
            stock = stock + units - series["delivered"][week]
        return series
