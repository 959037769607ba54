"""The marketplace's true average effects, from a large draw of what effects depend on."""

from functools import lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg.marketplace.columns import CATEGORIES, DRIVERS
from tutorial_pkg.marketplace.covariates import draw_category, draw_covariates, draw_latents
from tutorial_pkg.marketplace.model import (
    OUTCOMES,
    PLACEBO,
    Columns,
    Dials,
    conditional_means,
    following_in_category,
    propensity,
)
from tutorial_pkg.truth import Targets, targets_of


@lru_cache(maxsize=8)
def population_rows(dials: Dials, n_rows: int = 400_000, seed: int = 1_000_003) -> pd.DataFrame:
    """A large draw of what effects depend on: the driving covariates, ``propensity``, and the conditional effect
    of every outcome under the outcome's name. The effects are exact; only averages over the rows have an error."""
    seen, category = _draw(dials, n_rows, seed)
    m = propensity(dials, seen, category)
    means = conditional_means(dials, seen, category, following_in_category(m, category))
    rows = pd.DataFrame({"product_category": pd.Categorical.from_codes(category, list(CATEGORIES)), **seen})
    rows["propensity"] = m
    return rows.assign(**{outcome: treated - control for outcome, (control, treated) in means.items()})


@lru_cache(maxsize=64)
def population_targets(dials: Dials, n_rows: int = 400_000, seed: int = 1_000_003) -> dict[str, Targets]:
    """Average effects in the population, per outcome, with Monte Carlo errors from blocks of whole sellers."""
    rows = population_rows(dials, n_rows, seed)
    m = rows["propensity"].to_numpy()
    return {outcome: targets_of(rows[outcome].to_numpy(), m, None) for outcome in (*OUTCOMES, PLACEBO)}


def targets_on(outcome: str, dials: Dials) -> Targets:
    """Average effects in the population on one outcome."""
    return population_targets(dials)[outcome]


def effect_on_all(outcome: str, dials: Dials, n_rows: int = 400_000, seed: int = 1_000_003) -> float:
    """E[outcome if all follow] - E[outcome if none does], with what sellers take from each other.

    Without the ``crowding`` dial it is the ATE. With it the ATE is the effect of one more follower where the others
    decide as they do, and even a fair coin finds no more.
    """
    seen, category = _draw(dials, n_rows, seed)
    all_follow, none_follows = (conditional_means(dials, seen, category, share)[outcome] for share in (1.0, 0.0))
    return float(np.mean(all_follow[1] - none_follows[0]))


def _draw(dials: Dials, n_rows: int, seed: int) -> tuple[Columns, NDArray[np.int8]]:
    """The driving covariates and the category."""
    latents, _ = draw_latents(n_rows, seed)
    category = draw_category(n_rows, seed)
    drawn = draw_covariates(DRIVERS, latents, category, dials.recommendation, seed).astype(float)
    return dict(zip(DRIVERS, drawn, strict=True)), category
