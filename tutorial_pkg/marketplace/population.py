"""The marketplace's true average effects, from a large draw of what effects depend on."""

from functools import lru_cache
from typing import Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg.marketplace.columns import CATEGORIES, DRIVERS
from tutorial_pkg.marketplace.covariates import draw_category, draw_covariates, draw_latents
from tutorial_pkg.marketplace.model import (
    HIDDEN_SHIFT,
    OUTCOMES,
    PLACEBO,
    ROW_LUCK,
    SELLER_LUCK,
    Columns,
    Dials,
    conditional_means,
    decision_score,
    following_in_category,
    propensity,
    propensity_given_trait,
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


def effects_on(rows: pd.DataFrame, dials: Dials) -> pd.DataFrame:
    """Conditional effect of every outcome on given rows, had they been shown the recommendation of ``dials``.

    ``rows`` hold the driving covariates and ``product_category``: those of :func:`population_rows`, or a sample's
    frame. So two recommendations can be compared on the same rows. The equations answer for any stock, also for stock
    at which the marketplace would not have recommended this.
    """
    if missing := [name for name in ("product_category", *DRIVERS) if name not in rows]:
        raise ValueError(f"rows lack {missing[0]!r}, on which effects depend; pass the frame of a whole market.")
    seen = {name: rows[name].to_numpy(dtype=float) for name in DRIVERS}
    category = pd.Categorical(rows["product_category"], list(CATEGORIES)).codes.astype(np.int8)
    following = following_in_category(propensity(dials, seen, category), category)
    means = conditional_means(dials, seen, category, following)
    gains = {outcome: treated - control for outcome, (control, treated) in means.items()}
    return pd.DataFrame(gains, index=rows.index)


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


def hidden_strength(
    dials: Dials, estimand: Literal["ATE", "ATT"] = "ATT", n_rows: int = 400_000, seed: int = 1_000_003
) -> pd.Series:
    """How strong the hidden trait is for units sold, from the equations: what sensitivity bounds have to be told.

    Returns
    -------
    Series
        ``cf_y``, ``cf_d`` and ``rho`` as in :func:`tutorial_pkg.sensitivity.bounds`, and ``bias``, in units: what an
        estimate that knows everything but the trait is off by in a large sample. The bias is rho times the bound, by
        Chernozhukov et al. (2022), theorem 2.
    """
    seen, category = _draw(dials, n_rows, seed)
    score = decision_score(dials, seen, category)
    high, low = (propensity_given_trait(dials, seen, score, trait) for trait in (1.0, -1.0))
    m = (high + low) / 2
    if not ((m > 0) & (m < 1)).all():
        raise ValueError("Behind a wall in overlap a hidden trait has no strength; leave never_below and always_above.")
    control, treated = conditional_means(dials, seen, category, following_in_category(m, category))["units_30d"]
    shift = HIDDEN_SHIFT * dials.hidden * control
    among_treated, among_untreated = (high - low) / (2 * m), (low - high) / (2 * (1 - m))  # E[trait | D, X]

    told = shift**2 * (m * (1 - among_treated**2) + (1 - m) * (1 - among_untreated**2))  # squared, by the trait
    luck = (1 + 1 / SELLER_LUCK) * (1 + 1 / ROW_LUCK) - 1
    noise = np.zeros_like(m)
    for trait, share in ((1.0, high), (-1.0, low)):
        for mean, weight in ((treated + trait * shift, share), (control + trait * shift, 1 - share)):
            noise = noise + weight / 2 * (mean + luck * mean**2)  # a Poisson count of a mean with luck
    gap = shift * (among_treated - among_untreated)
    if estimand == "ATE":
        bias, short, long = gap.mean(), 1 / (m * (1 - m)), (1 / (high * (1 - high)) + 1 / (low * (1 - low))) / 2
    else:
        bias, short, long = np.average(gap, weights=m), m / (1 - m), (high / (1 - high) + low / (1 - low)) / 2
        short, long = short / m.mean() ** 2, long / m.mean() ** 2
    most = np.sqrt(told.mean() * (long - short).mean())
    strength = {"cf_y": told.mean() / (told + noise).mean(), "cf_d": 1 - short.mean() / long.mean()}
    return pd.Series(strength | {"rho": bias / most if most > 0 else 0.0, "bias": bias}).rename(estimand)


def _draw(dials: Dials, n_rows: int, seed: int) -> tuple[Columns, NDArray[np.int8]]:
    """The driving covariates and the category."""
    latents, _ = draw_latents(n_rows, seed)
    category = draw_category(n_rows, seed)
    drawn = draw_covariates(DRIVERS, latents, category, dials.recommendation, seed).astype(float)
    return dict(zip(DRIVERS, drawn, strict=True)), category
