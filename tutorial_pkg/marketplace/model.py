"""The marketplace's equations: who follows, what is sold without and with following, and the dials that change it.

Everything the decision and the outcomes depend on is an observed covariate, unless the ``hidden`` dial adds a
trait that nobody recorded.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Columns = dict[str, NDArray]

SCENARIOS = ("proactive", "self_reliant", "randomised")
RECOMMENDATIONS = ("restock", "sponsored_ads", "outlet_deal")
OUTCOMES = ("units_30d", "revenue_30d", "clicks_30d")
PLACEBO = "units_prev_30d"

_FLOOR = 0.03  # propensities stay inside (floor, 1 - floor) at default overlap


@dataclass(frozen=True)
class Dials:
    """The settings of one marketplace; everything else about it is fixed.

    ``selection`` scales how strongly the decision depends on the covariates (0: not at all);
    ``overlap`` below 1 pushes propensities towards 0 and 1, above 1 towards one half;
    ``hidden`` in [0, 1] is the strength of an unrecorded seller trait that drives both the decision and
    the outcome; ``effect`` scales the effect of following (0: no effect on anyone).
    """

    scenario: str = "proactive"
    recommendation: str = "outlet_deal"
    selection: float = 1.0
    overlap: float = 1.0
    hidden: float = 0.0
    effect: float = 1.0

    def __post_init__(self) -> None:
        for name, allowed in (("scenario", SCENARIOS), ("recommendation", RECOMMENDATIONS)):
            if getattr(self, name) not in allowed:
                raise ValueError(f"{name}={getattr(self, name)!r} is not known; choose one of {', '.join(allowed)}.")
        for name, low, high in (("selection", 0, 5), ("overlap", 0.2, 5), ("hidden", 0, 1), ("effect", 0, 3)):
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


def _cover(seen: Columns) -> Array:
    """Weeks of cover, centred at the marketplace's middle of 14 weeks, in units of 6 weeks."""
    return (seen["weeks_of_cover"] - 14.0) / 6.0


_NEED = {"outlet_deal": 1.0, "restock": -1.0, "sponsored_ads": 0.3}  # which stock level makes it attractive


def decision_score(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> Array:
    """How strongly what is known speaks for following, on the log-odds scale."""
    cover = _NEED[dials.recommendation] * np.tanh(_cover(seen))
    drive, skill = _z(seen, "engagement_score"), _z(seen, "expertise_score")
    if dials.scenario == "randomised":
        return np.zeros_like(drive)
    if dials.scenario == "proactive":
        score = 0.75 * drive + 0.25 * _z(seen, "planning_score") + 0.30 * _z(seen, "past_alignment_score")
        score += 0.30 * _z(seen, "demand_score") + 0.50 * cover + 0.10 * _z(seen, "growth_score")
    else:
        score = -0.95 * skill - 0.40 * _z(seen, "planning_score") - 0.30 * _z(seen, "demand_score")
        score += 0.20 * _z(seen, "past_alignment_score") + 0.35 * cover
    return dials.selection * (score + 0.15 * (category % 3 - 1))


def propensity_given_trait(dials: Dials, score: Array, trait: Array | float) -> Array:
    """P(D = 1 | X, hidden trait); the trait is -1 or 1."""
    intercept = {"randomised": 0.0, "proactive": -1.1, "self_reliant": -0.75}[dials.scenario]
    floor = _FLOOR * min(dials.overlap, 1.0) ** 2
    logit = (intercept + score) / dials.overlap + 1.2 * dials.hidden_in_decision * trait
    return floor + (1.0 - 2.0 * floor) * _sigmoid(np.asarray(logit))


def propensity(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> Array:
    """P(D = 1 | X): the hidden trait, a fair coin, is averaged out."""
    score = decision_score(dials, seen, category)
    return 0.5 * (propensity_given_trait(dials, score, 1.0) + propensity_given_trait(dials, score, -1.0))


def _log_lift(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> Array:
    """Log of the factor by which following multiplies expected units, for this kind of product and seller."""
    by_category = np.array([0.02, 0.00, -0.04, -0.06, 0.04, 0.00, 0.03, 0.08])[category]
    need = _NEED[dials.recommendation] * _cover(seen)
    drive = np.clip(_z(seen, "engagement_score"), -2.0, 2.0)
    lift = 0.18 + by_category + 0.14 * np.tanh(need) + 0.12 * drive
    return dials.effect * lift


def _units_control(seen: Columns, category: NDArray[np.int8]) -> Array:
    """E[units sold in 30 days without following | X]."""
    by_category = np.array([0.00, 0.05, -0.10, 0.12, 0.00, -0.08, 0.04, 0.06])[category]
    demand, drive = _z(seen, "demand_score"), _z(seen, "engagement_score")
    log_mean = 2.85 + by_category + 0.28 * demand + 0.15 * drive + 0.16 * _z(seen, "expertise_score")
    log_mean += 0.10 * _z(seen, "planning_score") + 0.08 * _z(seen, "rating_score")
    log_mean += 0.08 * _z(seen, "traffic_score") + 0.06 * _z(seen, "season_index")
    log_mean += 0.05 * _z(seen, "account_size_score") - 0.08 * np.abs(_z(seen, "price_position"))
    log_mean += 0.06 * np.tanh(-_cover(seen)) + 0.05 * np.tanh(demand * drive)
    return np.exp(log_mean)


def conditional_means(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> dict[str, tuple[Array, Array]]:
    """E[Y0 | X] and E[Y1 | X] of every outcome."""
    units0 = _units_control(seen, category)
    units1 = units0 * np.exp(_log_lift(dials, seen, category))
    per_click = conversion(seen)
    price0, price1 = prices(dials, seen)
    previous = 0.95 * units0
    return {
        "units_30d": (units0, units1),
        "clicks_30d": (units0 / per_click, units1 / per_click),
        "revenue_30d": (price0 * units0, price1 * units1),
        PLACEBO: (previous, previous),
    }


def conversion(seen: Columns) -> Array:
    """Units sold per click."""
    return 0.08 + 0.10 * _sigmoid(0.6 * _z(seen, "rating_score") - 0.5 * _z(seen, "price_position"))


def prices(dials: Dials, seen: Columns) -> tuple[Array, Array]:
    """Revenue per unit without and with following: an outlet deal sells at a discount."""
    discount = 0.06 * dials.effect if dials.recommendation == "outlet_deal" else 0.0
    return seen["list_price"], seen["list_price"] * (1.0 - discount)
