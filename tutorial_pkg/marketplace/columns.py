"""The columns of the marketplace: names, groups, units, meanings, and the marginal distribution of each.

A column is a fixed function of a few latent traits of the seller and the product plus noise of its own, or
computed from the product's weekly history. Every column has its own random stream, so any subset of columns can be
drawn, and is the same as in the full table.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

SELLER_LATENTS = ("drive", "expertise", "size", "growth")
PRODUCT_LATENTS = ("demand", "stock", "price", "quality")
CATEGORIES = ("apparel", "beauty", "electronics", "grocery", "home", "office", "sports", "toys")
N_WEEKS = 26


@dataclass(frozen=True)
class Column:
    """One column of the marketplace.

    ``kind`` fixes the marginal distribution of the column given its standard normal score z:
    ``score`` 50 + 15 z on 0 to 100; ``share`` logistic(loc + scale z); ``count`` and ``money``
    exp(loc + scale z), rounded to whole units or cents; ``number`` loc + scale z; ``flag`` 1 when
    z > loc; ``uniform`` Phi(z) between 0 and scale, rounded down; ``history`` nothing of the kind: the
    column is computed from the product's 26 weeks (:mod:`tutorial_pkg.marketplace.history`).
    """

    name: str
    group: str
    unit: str
    meaning: str
    kind: str
    loc: float = 0.0
    scale: float = 1.0
    loads: tuple[tuple[str, float], ...] = ()
    series: str = ""  # columns of one series share a product-specific component


_HISTORY = ("history", 0.0, 0.0, dict[str, float]())
"""Kind, loc, scale and loads of what is computed and not drawn."""

_DRIVERS = [  # group, name, unit, meaning, kind, loc, scale, loads
    ("seller profile", "engagement_score", "points 0-100", "how actively the seller uses the inventory tools",
     "score", 0.0, 1.0, {"drive": 0.85}),
    ("seller profile", "expertise_score", "points 0-100", "inventory-management skill, from past accuracy of stock",
     "score", 0.0, 1.0, {"expertise": 0.85}),
    ("inventory management", "planning_score", "points 0-100", "regularity of replenishment orders",
     "score", 0.0, 1.0, {"drive": 0.45, "expertise": 0.45}),
    ("seller profile", "past_alignment_score", "points 0-100",
     "how often earlier recommendations of any kind were followed", "score", 0.0, 1.0, {"drive": 0.6}),
    ("seller profile", "account_size_score", "points 0-100", "size of the account among all sellers",
     "score", 0.0, 1.0, {"size": 0.9}),
    ("inventory management", "weeks_of_cover", "weeks", "stock on hand over the mean weekly sales of the 26 weeks",
     *_HISTORY),
    ("demand history", "units_sold_26w", "units", "units sold in the 26 weeks", *_HISTORY),
    ("demand history", "demand_score", "points 0-100", "forecast demand among products of the category",
     "score", 0.0, 1.0, {"demand": 0.9}),
    ("demand history", "traffic_score", "points 0-100", "visits to the listing expected, among products of the category",
     "score", 0.0, 1.0, {"demand": 0.6, "quality": 0.4}),
    ("product characteristics", "rating_score", "points 0-100", "customer rating among products of the category",
     "score", 0.0, 1.0, {"quality": 0.8}),
    ("product characteristics", "price_position", "points 0-100", "price among comparable offers, 50 is the middle",
     "score", 0.0, 1.0, {"price": 0.8}),
    ("product characteristics", "list_price", "USD", "list price", "money", 3.0, 0.45, {"price": 0.6}),
    ("season", "season_index", "points 0-100", "seasonal demand expected in the next 30 days",
     "score", 0.0, 1.0, {}),
    ("seller profile", "growth_score", "points 0-100", "growth of the account's sales in 12 months",
     "score", 0.0, 1.0, {"growth": 0.85}),
]  # fmt: skip
DRIVERS = tuple(name for _, name, *_ in _DRIVERS)
"""Names of the columns that the decision or the outcomes depend on, and of those close to them."""

_Table = list[tuple[str, str, str, str, float, float, dict[str, float]]]
# name, unit, meaning, kind, loc, scale, loads

_SELLER: _Table = [
    ("tenure_months", "months", "time since the account was opened", "count", 3.4, 0.8, {"expertise": 0.5}),
    ("catalogue_size", "products", "active products of the seller", "count", 3.6, 1.1, {"size": 0.8}),
    ("brands_owned", "brands", "registered brands of the seller", "count", 0.6, 0.8, {"size": 0.5}),
    ("employees", "people", "people named on the account", "count", 0.9, 0.8, {"size": 0.7}),
    ("marketplaces", "stores", "countries the seller sells in", "count", 0.5, 0.5, {"size": 0.5}),
    ("account_revenue_12m", "USD", "revenue of the account in 12 months", "money", 11.0, 1.2, {"size": 0.9}),
    ("logins_per_week", "logins", "visits to the seller portal a week", "count", 1.7, 0.6, {"drive": 0.7}),
    ("help_articles_read_90d", "articles", "help pages opened in 90 days", "count", 1.2, 0.9, {"drive": 0.5}),
    ("webinars_12m", "webinars", "webinars attended in 12 months", "count", 0.1, 0.8, {"drive": 0.5}),
    ("support_tickets_90d", "tickets", "support tickets in 90 days", "count", 0.5, 0.9, {"expertise": -0.4}),
    ("feedback_share", "share", "share of positive seller feedback", "share", 2.5, 0.7, {"quality": 0.3}),
    ("late_shipment_share", "share", "share of shipments received late", "share", -3.0, 0.8, {"expertise": -0.4}),
    ("defect_share", "share", "share of orders with a defect", "share", -4.0, 0.7, {"quality": -0.4}),
    ("uses_api", "0/1", "the seller manages stock through the API", "flag", 0.7, 1.0, {"expertise": 0.4}),
    ("uses_forecast_tool", "0/1", "the seller opens the demand forecast", "flag", 0.4, 1.0, {"expertise": 0.4}),
    ("has_account_manager", "0/1", "an account manager is assigned", "flag", 1.2, 1.0, {"size": 0.6}),
    ("international", "0/1", "the seller is based abroad", "flag", 0.5, 1.0, {"size": 0.2}),
    ("loan_outstanding", "0/1", "a working-capital loan is outstanding", "flag", 1.0, 1.0, {"growth": 0.3}),
    ("account_growth_share", "share", "share of sales from products launched this year", "share", -1.0, 0.8,
     {"growth": 0.5}),
]  # fmt: skip

_INVENTORY: _Table = [
    ("stock_on_hand", "units", "units in stock at the close of the 26 weeks", *_HISTORY),
    ("excess_units", "units", "units in stock beyond 12 weeks of the mean weekly sales", *_HISTORY),
    ("aged_units", "units", "units in stock that arrived before the 26 weeks, first in, first out", *_HISTORY),
    ("reserved_units", "units", "units in stock reserved for open orders", *_HISTORY),
    ("stockout_weeks_26w", "weeks", "weeks, of 26, that ended without stock", *_HISTORY),
    ("deliveries_26w", "weeks", "weeks, of 26, with a delivery", *_HISTORY),
    ("delivered_units_26w", "units", "units delivered in the 26 weeks", *_HISTORY),
    ("sell_through_share", "share", "units sold in the 26 weeks over those and the stock on hand", *_HISTORY),
    ("stock_turn", "ratio", "units sold in the 26 weeks over the mean stock at week's end", *_HISTORY),
    ("inbound_units", "units", "units on the way to the warehouse", "count", 2.8, 1.1, {"demand": 0.4}),
    ("lead_time_days", "days", "days from order to availability", "count", 3.2, 0.5, {"expertise": -0.2}),
    ("forecast_error_share", "share", "absolute error of the seller's own forecast", "share", -0.8, 0.6,
     {"expertise": -0.5}),
    ("removal_orders_12m", "orders", "removal orders in 12 months", "count", 0.1, 0.8, {"stock": 0.3}),
    ("capacity_used_share", "share", "share of the account's storage limit in use", "share", 0.3, 0.9, {"stock": 0.5}),
]  # fmt: skip

_PRODUCT: _Table = [
    ("unit_cost", "USD", "purchase cost of a unit", "money", 2.1, 0.6, {"price": 0.5}),
    ("margin_share", "share", "margin before fees", "share", -0.6, 0.5, {"price": 0.3}),
    ("fulfilment_fee", "USD", "fulfilment fee of a unit", "money", 1.3, 0.3, {"price": 0.2}),
    ("weight_grams", "g", "weight of a unit", "count", 6.0, 1.0, {}),
    ("volume_cm3", "cm3", "volume of a unit", "count", 7.2, 1.0, {}),
    ("age_months", "months", "time since the product was listed", "count", 2.6, 0.9, {}),
    ("n_reviews", "reviews", "customer reviews", "count", 3.6, 1.4, {"demand": 0.5}),
    ("n_images", "images", "images in the listing", "count", 1.7, 0.4, {"quality": 0.4}),
    ("title_length", "characters", "length of the title", "count", 4.6, 0.3, {}),
    ("bullet_points", "lines", "bullet points in the listing", "count", 1.5, 0.3, {"quality": 0.3}),
    ("n_variants", "variants", "variants under one listing", "count", 0.9, 0.9, {}),
    ("n_competing_offers", "offers", "offers for comparable products", "count", 2.2, 0.8, {"price": -0.2}),
    ("lowest_competing_price", "USD", "lowest comparable price", "money", 2.9, 0.5, {"price": 0.5}),
    ("featured_offer_share", "share", "share of visits in which the offer was featured", "share", 1.5, 1.0,
     {"price": -0.4}),
    ("return_share", "share", "share of units returned", "share", -2.8, 0.7, {"quality": -0.5}),
    ("enhanced_content", "0/1", "the listing has enhanced content", "flag", 0.2, 1.0, {"quality": 0.4}),
    ("has_video", "0/1", "the listing has a video", "flag", 0.6, 1.0, {"quality": 0.3}),
    ("hazardous", "0/1", "hazardous goods", "flag", 1.8, 1.0, {}),
    ("oversize", "0/1", "oversize goods", "flag", 1.4, 1.0, {}),
    ("fragile", "0/1", "fragile goods", "flag", 1.1, 1.0, {}),
    ("subscription", "0/1", "sold by subscription", "flag", 1.0, 1.0, {"demand": 0.2}),
]  # fmt: skip

_DEMAND: _Table = [
    ("conversion_share", "share", "units sold over visits in the 26 weeks", *_HISTORY),
    ("search_rank", "rank", "position in search", "count", 3.5, 1.0, {"demand": -0.5}),
    ("wishlist_adds_90d", "adds", "wish-list additions in 90 days", "count", 2.0, 1.0, {"demand": 0.5}),
    ("cart_adds_90d", "adds", "cart additions in 90 days", "count", 3.0, 0.9, {"demand": 0.6}),
    ("repeat_buyer_share", "share", "share of orders from returning customers", "share", -1.6, 0.6, {"quality": 0.3}),
    ("demand_volatility", "ratio", "standard deviation over mean of the 26 weekly sales", *_HISTORY),
    ("deal_units_26w", "units", "units sold in deals, of those sold in the 26 weeks", *_HISTORY),
    ("coupon_units_26w", "units", "units sold with coupons, of those sold in the 26 weeks", *_HISTORY),
    ("forecast_growth", "ratio", "forecast growth of the category's demand", "number", 1.0, 0.2, {}),
]  # fmt: skip

_SEASON: _Table = [
    ("week_of_year", "week", "calendar week of the recommendation, from 0", "uniform", 0.0, 52.0, {}),
    ("weeks_to_gift_season", "weeks", "weeks until the gift season begins in week 47", *_HISTORY),
    ("is_gift_season", "0/1", "the recommendation falls into weeks 47 to 51", *_HISTORY),
    ("last_year_uplift", "ratio", "same 30 days last year relative to its yearly mean", "number", 1.0, 0.25, {}),
    ("temperature_anomaly", "deg C", "forecast temperature against the norm", "number", 0.0, 2.0, {}),
    ("promotion_calendar_days", "days", "store-wide promotion days in the next 30", "uniform", 0.0, 9.0, {}),
]  # fmt: skip

_WEEKLY = [  # series, group, unit, meaning, kind, loc, scale, loads
    ("units_sold", "demand history", "units", "units sold", *_HISTORY),
    ("visits", "demand history", "visits", "visits to the listing", *_HISTORY),
    ("delivered", "inventory management", "units", "units delivered", *_HISTORY),
    ("stock_level", "inventory management", "units", "units in stock at week's end", *_HISTORY),
    ("ad_spend", "inventory management", "USD", "spend on sponsored ads", "money", 2.2, 1.0, {"drive": 0.4}),
]  # fmt: skip


def marketplace_columns() -> list[Column]:
    """All named covariates but the product category, those that matter first."""
    named = {
        "seller profile": _SELLER,
        "inventory management": _INVENTORY,
        "product characteristics": _PRODUCT,
        "demand history": _DEMAND,
        "season": _SEASON,
    }
    rows = [*_DRIVERS, *((group, *row) for group, table in named.items() for row in table)]
    columns = [
        Column(name, group, unit, meaning, kind, loc, scale, tuple(loads.items()))
        for group, name, unit, meaning, kind, loc, scale, loads in rows
    ]
    for series, group, unit, meaning, kind, loc, scale, loads in _WEEKLY:
        for week in range(1, N_WEEKS + 1):
            when = (
                f"{meaning}, in the last of the 26 weeks"
                if week == 1
                else f"{meaning}, {week - 1} week{'s' * (week > 2)} earlier"
            )
            name = f"{series}_week_{week:02d}"
            columns.append(Column(name, group, unit, when, kind, loc, scale, tuple(loads.items()), series))
    return columns


def extra_column(number: int) -> Column:
    """Further covariates without a meaning of their own, for wide-data experiments."""
    name, loads = f"extra_signal_{number:03d}", (("demand", 0.3), ("drive", 0.2))
    return Column(name, "extra signals", "points 0-100", "uninformative extra signal", "score", loads=loads)


def shape_marginal(column: Column, z: NDArray[np.float64]) -> NDArray:
    """Turn a standard normal score into the column's marginal, rounded as such data would be stored."""
    if column.kind == "score":
        return np.round(np.clip(50.0 + 15.0 * z, 0.0, 100.0), 1)
    if column.kind == "share":
        return np.round(1.0 / (1.0 + np.exp(-(column.loc + column.scale * z))), 3)
    if column.kind == "count":
        return np.floor(np.exp(column.loc + column.scale * np.clip(z, -5, 5)))
    if column.kind == "money":
        return np.round(np.exp(column.loc + column.scale * np.clip(z, -5, 5)), 2)
    if column.kind == "number":
        lowest = 0.0 if column.loc > 2 else -np.inf  # stocks are never negative; anomalies may be
        return np.round(np.maximum(column.loc + column.scale * z, lowest), 1 if column.scale >= 1 else 2)
    if column.kind == "flag":
        return (z > column.loc).astype(float)
    return np.floor(column.scale * ndtr(z))  # uniform
