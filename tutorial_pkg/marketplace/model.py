"""The marketplace's equations: who follows, what is sold without and with following, and the dials that change it.

Everything the decision and the outcomes depend on is an observed covariate, unless the ``hidden`` dial adds a
trait that nobody recorded.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tutorial_pkg.marketplace.columns import N_WEEKS

Array = NDArray[np.float64]
Columns = dict[str, NDArray]

SCENARIOS = ("proactive", "self_reliant", "randomised")
RECOMMENDATIONS = ("restock", "sponsored_ads", "outlet_deal")
OUTCOMES = ("units_30d", "revenue_30d", "clicks_30d")
PLACEBO = "units_prev_30d"
PLACEBO_TREATMENT = "aligned_next"

LUCK = 8.0
"""Shape of the gamma distribution, with mean one, of what makes one product sell more than its like."""
HIDDEN_SHIFT = 0.35
"""Share of E[Y0 | X] by which the hidden trait, at full strength, moves sales up or down, in both arms and both months."""
SELLER_LUCK, ROW_LUCK = 25.0, 16.0
"""Shapes of the gamma distributions, with mean one, of what no covariate tells of a seller's and of a row's sales."""
_FLOOR = 0.03  # propensities stay inside (floor, 1 - floor) at default overlap


@dataclass(frozen=True)
class Dials:
    """The settings of one marketplace; everything else about it is fixed.

    ``selection`` scales how strongly the decision depends on the covariates (0: not at all);
    ``overlap`` below 1 pushes propensities towards 0 and 1, above 1 towards one half;
    ``hidden`` in [0, 1] is the strength of an unrecorded seller trait that drives both the decision and
    the outcome; ``effect`` scales the effect of following (0: no effect on anyone).

    Walls in overlap: sellers whose engagement score is under ``never_below`` never follow, and those over
    ``always_above`` always do. Interference: ``crowding`` in [0, 1] is the share of every product's sales that
    would be lost if all products of its category followed, and in proportion if some do.
    """

    scenario: str = "proactive"
    recommendation: str = "outlet_deal"
    selection: float = 1.0
    overlap: float = 1.0
    hidden: float = 0.0
    effect: float = 1.0
    never_below: float = 0.0
    always_above: float = 100.0
    crowding: float = 0.0

    def __post_init__(self) -> None:
        for name, allowed in (("scenario", SCENARIOS), ("recommendation", RECOMMENDATIONS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}={getattr(self, name)!r} is not known; choose one of {', '.join(allowed)}.")
        ranges = {"selection": (0, 5), "overlap": (0.2, 5), "hidden": (0, 1), "effect": (0, 3), "crowding": (0, 1)}
        ranges |= {"never_below": (0, 100), "always_above": (self.never_below, 100)}
        for name, (low, high) in ranges.items():
            if not low <= getattr(self, name) <= high:
                raise ValueError(f"{name}={getattr(self, name)!r} is outside [{low}, {high}]; choose a value inside.")

    @property
    def hidden_in_decision(self) -> float:
        """Strength of the hidden trait in the decision; a coin knows no traits."""
        return 0.0 if self.scenario == "randomised" else self.hidden


def _z(seen: Columns, name: str) -> Array:
    """A score column on the scale on which the model's coefficients are written, about -3 to 3."""
    return (seen[name] - 50.0) / 15.0


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


# The middle and the width of weeks of cover among the products that get each recommendation; what hurts is too
# much stock for deals and ads, too little for restocking.
_COVER = {"outlet_deal": (26.0, 10.0), "restock": (4.0, -2.0), "sponsored_ads": (11.0, 8.0)}


def _pain(dials: Dials, seen: Columns) -> Array:
    """How much the stock hurts, -1 to 1."""
    middle, width = _COVER[dials.recommendation]
    return np.tanh((seen["weeks_of_cover"] - middle) / width)


def decision_score(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> Array:
    """How strongly what is known speaks for following, on the log-odds scale.

    People act by rules of thumb: there are thresholds, and the keen act when stock hurts.
    """
    pain, drive, skill = _pain(dials, seen), _z(seen, "engagement_score"), _z(seen, "expertise_score")
    planning, past, demand = (_z(seen, f"{name}_score") for name in ("planning", "past_alignment", "demand"))
    hurts, keen, expert = pain > 0, drive > 0.3, skill > 0.4
    if dials.scenario == "randomised":
        return np.zeros_like(drive)
    if dials.scenario == "proactive":
        score = 0.45 * drive + 0.25 * planning + 0.25 * past + 0.25 * demand + 0.10 * _z(seen, "growth_score")
        score += 1.5 * (hurts & keen) - 0.4 * (hurts & (drive < -0.5)) + 0.6 * keen * (demand > 0) - 0.35
    else:
        score = -0.65 * skill - 0.35 * planning - 0.25 * demand + 0.20 * past + 0.25 * pain
        score += 1.0 * (hurts & ~expert) - 0.8 * (expert & (demand > 0)) - 0.10
    return dials.selection * (score + 0.15 * (category % 3 - 1))


def propensity_given_trait(dials: Dials, seen: Columns, score: Array, trait: Array | float) -> Array:
    """P(D = 1 | X, hidden trait); the trait is -1 or 1."""
    intercept = {"randomised": 0.0, "proactive": -1.1, "self_reliant": -0.75}[dials.scenario]
    floor = _FLOOR * min(dials.overlap, 1.0) ** 2
    logit = (intercept + score) / dials.overlap + 1.2 * dials.hidden_in_decision * trait
    free = floor + (1.0 - 2.0 * floor) * _sigmoid(np.asarray(logit))
    engaged = seen["engagement_score"]
    return np.select([engaged < dials.never_below, engaged > dials.always_above], [0.0, 1.0], free)


def propensity(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> Array:
    """P(D = 1 | X): the hidden trait, a fair coin, is averaged out."""
    score = decision_score(dials, seen, category)
    with_trait, without = (propensity_given_trait(dials, seen, score, trait) for trait in (1.0, -1.0))
    return 0.5 * (with_trait + without)


def _log_lift(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> Array:
    """Log of the factor by which following multiplies expected units, for this kind of product and seller."""
    by_category = np.array([0.02, 0.00, -0.04, -0.06, 0.04, 0.00, 0.03, 0.08])[category]
    drive = np.clip(_z(seen, "engagement_score"), -2.0, 2.0)
    return dials.effect * (0.17 + by_category + 0.14 * _pain(dials, seen) + 0.12 * drive)


def weekly_rate(seen: Columns, category: NDArray[np.int8]) -> Array:
    """Units that a product of this kind and seller is expected to sell in a week, before its own luck."""
    by_category = np.array([0.00, 0.05, -0.10, 0.12, 0.00, -0.08, 0.04, 0.06])[category]
    demand, drive = _z(seen, "demand_score"), _z(seen, "engagement_score")
    log_mean = 1.40 + by_category + 0.28 * demand + 0.15 * drive + 0.16 * _z(seen, "expertise_score")
    log_mean += 0.10 * _z(seen, "planning_score") + 0.08 * _z(seen, "rating_score")
    log_mean += 0.08 * _z(seen, "traffic_score") + 0.05 * _z(seen, "account_size_score")
    log_mean += 0.05 * np.tanh(demand * drive) - 0.08 * np.abs(_z(seen, "price_position"))
    return np.exp(log_mean)


def _units_before(seen: Columns, category: NDArray[np.int8]) -> Array:
    """E[units sold in the 30 days after the history's close | X]: the rate, and what the history tells of luck."""
    rate = weekly_rate(seen, category)
    luck = (LUCK + seen["units_sold_26w"]) / (LUCK + N_WEEKS * rate)
    return 30 / 7 * rate * luck


def following_in_category(followed: NDArray, category: NDArray[np.int8]) -> Array:
    """For each row the share of its category that follows; ``followed`` holds decisions or their probabilities."""
    return (np.bincount(category, followed) / np.maximum(np.bincount(category), 1))[category]


def conditional_means(
    dials: Dials, seen: Columns, category: NDArray[np.int8], following: Array | float
) -> dict[str, tuple[Array, Array]]:
    """E[Y0 | X] and E[Y1 | X] of every outcome, when a share ``following`` of the category follows."""
    before = _units_before(seen, category)
    crowd = 1.0 - dials.crowding * following
    units0 = crowd * before * np.exp(0.06 * _z(seen, "season_index") - 0.06 * _pain(dials, seen))
    units1 = units0 * np.exp(_log_lift(dials, seen, category))
    per_click = conversion(seen)
    price0, price1 = prices(dials, seen)
    return {
        "units_30d": (units0, units1),
        "clicks_30d": (units0 / per_click, units1 / per_click),
        "revenue_30d": (price0 * units0, price1 * units1),
        PLACEBO: (before, before),
    }


def conversion(seen: Columns) -> Array:
    """Units sold per visit or click."""
    return 0.08 + 0.10 * _sigmoid(0.6 * _z(seen, "rating_score") - 0.5 * _z(seen, "price_position"))


def prices(dials: Dials, seen: Columns) -> tuple[Array, Array]:
    """Revenue per unit without and with following: an outlet deal sells at a discount."""
    discount = 0.06 * dials.effect if dials.recommendation == "outlet_deal" else 0.0
    return seen["list_price"], seen["list_price"] * (1.0 - discount)
