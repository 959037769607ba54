"""Draws samples of the synthetic seller marketplace: rows whose potential outcomes and effects are known.

One row is one recommendation shown to a seller for a product. The data-generating process is fixed; the
seed only draws data from it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg.data import CausalData
from tutorial_pkg.marketplace.columns import CATEGORIES, DRIVERS
from tutorial_pkg.marketplace.covariates import covariate_names, draw_category, draw_covariates, draw_latents
from tutorial_pkg.marketplace.model import (
    HIDDEN_SHIFT,
    OUTCOMES,
    PLACEBO,
    PLACEBO_TREATMENT,
    RECOMMENDATIONS,
    ROW_LUCK,
    SELLER_LUCK,
    Array,
    Columns,
    Dials,
    conditional_means,
    conversion,
    decision_score,
    following_in_category,
    prices,
    propensity,
    propensity_given_trait,
)
from tutorial_pkg.marketplace.population import targets_on
from tutorial_pkg.marketplace.streams import stream
from tutorial_pkg.truth import Truth

EFFECT_MODIFIERS = (
    "product_category",
    "weeks_of_cover",
    "engagement_score",
    "demand_score",
    "price_position",
)
LABELS = {
    "aligned": "following",
    "units_30d": "units sold in 30 days",
    "revenue_30d": "revenue in 30 days",
    "clicks_30d": "clicks in 30 days",
    PLACEBO: "units sold in the 30 days before",
    PLACEBO_TREATMENT: "following the next recommendation",
}
UNITS = {"units_30d": "units", "revenue_30d": "USD", "clicks_30d": "clicks", PLACEBO: "units"}


@dataclass(frozen=True, eq=False)
class SellerSample:
    """Data as an analyst sees them, and the truth behind them, for one outcome at a time."""

    data: CausalData
    truths: dict[str, Truth] = field(repr=False)

    @property
    def truth(self) -> Truth:
        """The truth about the outcome that ``data`` names."""
        return self.truths[self.data.outcome]

    def for_outcome(self, outcome: str) -> "SellerSample":
        """The same rows with another outcome: units_30d, revenue_30d, clicks_30d or the placebo."""
        return replace(self, data=self.data.with_outcome(outcome))


def simulate_sellers(
    n_rows: int = 20_000,
    scenario: str = "proactive",
    recommendation: str = "outlet_deal",
    seed: int = 0,
    *,
    outcome: str = "units_30d",
    n_covariates: int | None = None,
    selection: float = 1.0,
    overlap: float = 1.0,
    hidden: float = 0.0,
    effect: float = 1.0,
    never_below: float = 0.0,
    always_above: float = 100.0,
    crowding: float = 0.0,
) -> SellerSample:
    """Draw recommendations shown to sellers, with known effects of following them.

    Parameters
    ----------
    n_rows : int
        Recommendations; about four belong to one seller.
    scenario : {"proactive", "self_reliant", "randomised"}
        Who follows: keen sellers who would have sold well anyway, sellers who lack expertise, or a coin.
    recommendation : {"outlet_deal", "restock", "sponsored_ads"}
        Which recommendation was shown.
    seed : int
        Draws the data; the data-generating process never changes.
    outcome : str
        ``units_30d`` (count), ``revenue_30d`` (USD), ``clicks_30d`` (count; it lies on the path to revenue)
        or ``units_prev_30d``, the placebo of the 30 days before.
    n_covariates : int, optional
        All named covariates by default. Fewer keeps those that matter first (at least 15); more adds
        uninformative signals.
    selection, overlap, hidden, effect, never_below, always_above, crowding : float
        See :class:`Dials`.

    Returns
    -------
    SellerSample
        ``data`` (:class:`CausalData`, covariates in float32) and ``truth`` (:class:`Truth`).

    Examples
    --------
    >>> sample = simulate_sellers(n_rows=500, seed=1)
    >>> len(sample.data.covariates) >= 200
    True
    """
    dials = Dials(scenario, recommendation, selection, overlap, hidden, effect, never_below, always_above, crowding)
    if outcome not in (*OUTCOMES, PLACEBO):
        raise ValueError(f"outcome={outcome!r} is not known; choose one of {', '.join((*OUTCOMES, PLACEBO))}.")
    if n_rows < 20:
        raise ValueError(f"n_rows={n_rows} is too small for a marketplace; ask for at least 20 rows.")
    names = covariate_names(n_covariates)
    latents, sellers = draw_latents(n_rows, seed)
    category = draw_category(n_rows, seed)
    matrix = draw_covariates(names, latents, category, recommendation, seed)
    seen = {name: row.astype(float) for name, row in zip(names, matrix, strict=True) if name in DRIVERS}
    sources = stream(seed, "outcomes"), stream(seed, PLACEBO_TREATMENT)
    drawn = _draw_outcomes(dials, seen, category, sellers, *sources)
    return SellerSample(seller_data(_frame(matrix, names, category, sellers, drawn), outcome, names), drawn.truths)


def simulate_recommendations(
    n_rows: int = 24_000, seed: int = 0, *, n_covariates: int | None = None
) -> dict[str, SellerSample]:
    """One market in which each product receives one of the three recommendations: a table of each, by its name.

    Chance picks the recommendation, and the product's stock is then as that recommendation is made for: outlet deals
    meet excess, restocking meets stock running low, sponsored ads meet any. About four products belong to one seller,
    who has the same ``seller_id``, the same traits and the same luck in all three tables; no row is in two of them.

    Parameters
    ----------
    n_rows : int
        Products in all; about a third of them are in each table.
    seed, n_covariates
        As in :func:`simulate_sellers`, in its proactive scenario.

    Returns
    -------
    dict of SellerSample
        Each with the truth of its own recommendation.
    """
    shown = stream(seed, "recommendation").integers(0, len(RECOMMENDATIONS), n_rows)
    tables = {}
    for number, name in enumerate(RECOMMENDATIONS):
        whole = simulate_sellers(n_rows, recommendation=name, seed=seed, n_covariates=n_covariates)
        rows = np.flatnonzero(shown == number)
        data = replace(whole.data, frame=whole.data.frame.iloc[rows].reset_index(drop=True))
        tables[name] = SellerSample(data, {outcome: truth.take(rows) for outcome, truth in whole.truths.items()})
    return tables


def seller_data(frame: pd.DataFrame, outcome: str, names: Sequence[str]) -> CausalData:
    """The roles of the marketplace's columns, and the words for them; ``names`` are the covariates' but the category's."""
    return CausalData(
        frame,
        outcome=outcome,
        treatment="aligned",
        covariates=["product_category", *names],
        effect_modifiers=list(EFFECT_MODIFIERS),
        cluster="seller_id",
        labels=LABELS,
        units=UNITS,
        arms=("did not follow", "followed"),
    )


@dataclass(frozen=True)
class _Drawn:
    """The decision and the one after it, what was seen of the outcomes, and the truth of each."""

    aligned: NDArray[np.int8]
    aligned_next: NDArray[np.int8]
    outcomes: Columns
    truths: dict[str, Truth]


def _draw_outcomes(
    dials: Dials,
    seen: Columns,
    category: NDArray[np.int8],
    sellers: NDArray[np.int32],
    source: np.random.Generator,
    next_source: np.random.Generator,
) -> _Drawn:
    n_rows, n_sellers = len(sellers), int(sellers[-1]) + 1
    trait = source.choice(np.array([-1, 1], dtype=np.int8), n_sellers)[sellers]
    score = decision_score(dials, seen, category)
    chance = propensity_given_trait(dials, seen, score, trait)
    aligned = (source.random(n_rows) < chance).astype(np.int8)
    aligned_next = (next_source.random(n_rows) < chance).astype(np.int8)  # for the same reasons, known or hidden

    means = conditional_means(dials, seen, category, following_in_category(aligned, category))
    per_click = conversion(seen)
    # Frailties with mean one leave E[Y | X] as it is and make rows of one seller alike.
    frailty = source.gamma(SELLER_LUCK, 1 / SELLER_LUCK, n_sellers)[sellers] * source.gamma(
        ROW_LUCK, 1 / ROW_LUCK, n_rows
    )
    shift = HIDDEN_SHIFT * dials.hidden * trait * means["units_30d"][0]  # the same in both arms: no effect modification
    potential: dict[str, list[Array]] = {name: [] for name in OUTCOMES}
    for arm in (0, 1):
        expected = (means["units_30d"][arm] + shift) * frailty
        clicks = source.poisson(expected / per_click)
        units = source.binomial(clicks, per_click)  # thinned clicks: E[units | X] is exact
        basket = source.gamma(6.0, 1 / 6.0, n_rows)
        potential["clicks_30d"].append(clicks.astype(float))
        potential["units_30d"].append(units.astype(float))
        potential["revenue_30d"].append(np.round(prices(dials, seen)[arm] * units * basket, 2))
    previous = source.poisson((means[PLACEBO][0] + shift) * frailty).astype(float)
    potential[PLACEBO] = [previous, previous]

    m = propensity(dials, seen, category)
    truths = {
        name: Truth(
            outcome=name,
            treatment=aligned,
            propensity=m,
            outcome_control=means[name][0],
            outcome_treated=means[name][1],
            observed_control=potential[name][0],
            observed_treated=potential[name][1],
            population_targets=partial(targets_on, name, dials),
            hidden_trait=trait if dials.hidden else None,
        )
        for name in potential
    }
    outcomes = {name: np.where(aligned == 1, arms[1], arms[0]) for name, arms in potential.items()}
    return _Drawn(aligned, aligned_next, outcomes, truths)


def _frame(
    matrix: NDArray[np.float32],
    names: list[str],
    category: NDArray[np.int8],
    sellers: NDArray[np.int32],
    drawn: _Drawn,
) -> pd.DataFrame:
    """One frame around the covariate matrix, which is not copied."""
    head = pd.DataFrame(
        {"seller_id": sellers, "product_category": pd.Categorical.from_codes(category, list(CATEGORIES))}
    )
    body = pd.DataFrame(matrix.T, columns=names, copy=False)
    tail = pd.DataFrame({"aligned": drawn.aligned, **drawn.outcomes, PLACEBO_TREATMENT: drawn.aligned_next})
    return pd.concat([head, body, tail], axis=1)
