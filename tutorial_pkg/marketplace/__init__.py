"""The synthetic seller marketplace with known truth: its columns, its equations and the samples drawn from it."""

from tutorial_pkg.marketplace.columns import CATEGORIES, marketplace_columns
from tutorial_pkg.marketplace.covariates import covariate_names
from tutorial_pkg.marketplace.model import OUTCOMES, PLACEBO, PLACEBO_TREATMENT, RECOMMENDATIONS, SCENARIOS, Dials
from tutorial_pkg.marketplace.population import (
    effect_on_all,
    effects_on,
    hidden_strength,
    population_rows,
    population_targets,
)
from tutorial_pkg.marketplace.simulate import (
    EFFECT_MODIFIERS,
    SellerSample,
    seller_data,
    simulate_recommendations,
    simulate_sellers,
)

__all__ = [
    "CATEGORIES",
    "EFFECT_MODIFIERS",
    "OUTCOMES",
    "PLACEBO",
    "PLACEBO_TREATMENT",
    "RECOMMENDATIONS",
    "SCENARIOS",
    "Dials",
    "SellerSample",
    "covariate_names",
    "effect_on_all",
    "effects_on",
    "hidden_strength",
    "marketplace_columns",
    "population_rows",
    "population_targets",
    "seller_data",
    "simulate_recommendations",
    "simulate_sellers",
]
