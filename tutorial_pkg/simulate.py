"""The synthetic seller marketplace: draws rows whose potential outcomes and effects are known.

One row is one recommendation shown to a seller for a product. The data-generating process is fixed; the
seed only draws data from it. Everything the decision and the outcomes depend on is an observed covariate,
unless the ``hidden`` dial adds a trait that nobody recorded.
"""

from dataclasses import dataclass, field, replace
from functools import cached_property, lru_cache

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg.data import CausalData
from tutorial_pkg.marketplace import (
    CATEGORIES,
    PRODUCT_LATENTS,
    SELLER_LATENTS,
    Column,
    extra_column,
    marketplace_columns,
    shape_marginal,
)

Array = NDArray[np.float64]
Columns = dict[str, NDArray]

SCENARIOS = ("proactive", "self_reliant", "randomised")
RECOMMENDATIONS = ("restock", "sponsored_ads", "outlet_deal")
OUTCOMES = ("units_30d", "revenue_30d", "clicks_30d")
PLACEBO = "units_prev_30d"
EFFECT_MODIFIERS = (
    "product_category",
    "weeks_of_cover",
    "engagement_score",
    "demand_score",
    "price_position",
)

_COLUMNS = {column.name: column for column in marketplace_columns()}
_DRIVERS = tuple(_COLUMNS)[:14]
_ROWS_PER_SELLER = 4
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


@dataclass(frozen=True)
class Targets:
    """The four average effects, in outcome units per recommendation, with their Monte Carlo errors.

    ``plr`` is the overlap-weighted effect E[m(1-m)tau] / E[m(1-m)], the target of residual on residual.
    """

    ate: float
    att: float
    atc: float
    plr: float
    errors: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Truth:
    """What only a simulation knows.

    The arrays hold one value a row: ``cate`` = E[Y1 - Y0 | X], ``propensity`` = P(D = 1 | X),
    ``outcome_control`` = E[Y0 | X], ``outcome_treated`` = E[Y1 | X], and the two potential outcomes that
    were drawn, ``observed_control`` and ``observed_treated``. ``ate``, ``att``, ``atc`` and ``plr`` are the
    population's, which is what a confidence interval promises to cover; ``sample`` holds those of the rows.
    """

    outcome: str
    treatment: NDArray[np.int8]
    propensity: Array
    outcome_control: Array
    outcome_treated: Array
    observed_control: Array
    observed_treated: Array
    dials: Dials | None = None
    hidden_trait: NDArray[np.int8] | None = None
    stored_population: Targets | None = None

    @property
    def cate(self) -> Array:
        """E[Y1 - Y0 | X] of each row, after the link."""
        return self.outcome_treated - self.outcome_control

    @cached_property
    def population(self) -> Targets:
        """The marketplace's average effects, from a large draw, with Monte Carlo errors."""
        if self.stored_population is not None:
            return self.stored_population
        if self.dials is None:
            raise ValueError("This truth knows only its own rows; use truth.sample for their average effects.")
        return population_targets(self.dials)[self.outcome]

    @cached_property
    def sample(self) -> Targets:
        """The same averages over the rows of this sample, of the conditional effects."""
        return _targets(self.cate, self.propensity, self.treatment == 1)

    ate = property(lambda self: self.population.ate, doc="E[Y1 - Y0] in the population.")
    att = property(lambda self: self.population.att, doc="E[Y1 - Y0 | D = 1] in the population.")
    atc = property(lambda self: self.population.atc, doc="E[Y1 - Y0 | D = 0] in the population.")
    plr = property(lambda self: self.population.plr, doc="E[m(1-m)tau] / E[m(1-m)] in the population.")

    def gate(self, groups: pd.Series) -> pd.Series:
        """Mean conditional effect of the sample's rows in each group; ``groups`` has one label a row."""
        return pd.Series(self.cate).groupby(np.asarray(groups), observed=True).mean()

    def summary(self) -> pd.DataFrame:
        """Population and sample effects side by side, in outcome units."""
        names = ["ate", "att", "atc", "plr"]
        rows = {
            "population": [getattr(self.population, n) for n in names],
            "Monte Carlo error": [self.population.errors.get(n, np.nan) for n in names],
            "this sample": [getattr(self.sample, n) for n in names],
        }
        return pd.DataFrame(rows, index=pd.Index([n.upper() for n in names], name=self.outcome))


@dataclass(frozen=True)
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
    selection, overlap, hidden, effect : float
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
    dials = Dials(scenario, recommendation, selection, overlap, hidden, effect)
    if outcome not in (*OUTCOMES, PLACEBO):
        raise ValueError(f"outcome={outcome!r} is not known; choose one of {', '.join((*OUTCOMES, PLACEBO))}.")
    if n_rows < 20:
        raise ValueError(f"n_rows={n_rows} is too small for a marketplace; ask for at least 20 rows.")
    names = covariate_names(n_covariates)
    latents, sellers = _draw_latents(n_rows, seed)
    category = _draw_category(n_rows, seed)

    matrix = np.empty((len(names), n_rows), dtype=np.float32)  # a row a covariate: each is written once, in place
    shared: Columns = {}
    for row, name in zip(matrix, names, strict=True):
        row[:] = _draw_column(_column_named(name), latents, seed, shared)
    shared.clear()

    # Floats in the score must be those that the analyst sees: float32, read back.
    seen = {name: matrix[i].astype(float) for i, name in enumerate(names) if name in _DRIVERS}
    drawn = _draw_outcomes(dials, seen, category, sellers, _stream(seed, "outcomes"))
    frame = _frame(matrix, names, category, sellers, drawn)
    data = CausalData(
        frame,
        outcome=outcome,
        treatment="aligned",
        covariates=["product_category", *names],
        effect_modifiers=list(EFFECT_MODIFIERS),
        cluster="seller_id",
    )
    return SellerSample(data, drawn.truths)


@lru_cache(maxsize=8)
def population_rows(dials: Dials, n_rows: int = 400_000, seed: int = 1_000_003) -> pd.DataFrame:
    """A large draw of what effects depend on: the driving covariates, ``propensity``, and the conditional effect
    of every outcome under the outcome's name. The effects are exact; only averages over the rows have an error."""
    latents, _ = _draw_latents(n_rows, seed)
    category = _draw_category(n_rows, seed)
    seen = {n: _draw_column(_COLUMNS[n], latents, seed, {}).astype(np.float32).astype(float) for n in _DRIVERS}
    means = _conditional_means(dials, seen, category)
    rows = pd.DataFrame({"product_category": pd.Categorical.from_codes(category, list(CATEGORIES)), **seen})
    rows["propensity"] = _propensity(dials, seen, category)
    return rows.assign(**{outcome: treated - control for outcome, (control, treated) in means.items()})


@lru_cache(maxsize=64)
def population_targets(dials: Dials, n_rows: int = 400_000, seed: int = 1_000_003) -> dict[str, Targets]:
    """Average effects in the population, per outcome, with Monte Carlo errors from blocks of whole sellers."""
    rows = population_rows(dials, n_rows, seed)
    propensity = rows["propensity"].to_numpy()
    return {outcome: _targets(rows[outcome].to_numpy(), propensity, None) for outcome in (*OUTCOMES, PLACEBO)}


def _targets(cate: Array, propensity: Array, treated: NDArray[np.bool_] | None) -> Targets:
    """Averages of the conditional effect; with ``treated`` the ATT and ATC are those of the drawn arms."""
    m = propensity if treated is None else treated.astype(float)
    weights = {"ate": np.ones_like(cate), "att": m, "atc": 1 - m, "plr": propensity * (1 - propensity)}
    value = {name: float(np.average(cate, weights=w)) if w.any() else np.nan for name, w in weights.items()}
    errors = {}
    for name, w in weights.items() if treated is None else ():
        influence = w * (cate - value[name]) / w.mean()
        blocks = [block.mean() for block in np.array_split(influence, 200)]
        errors[name] = float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))
    return Targets(value["ate"], value["att"], value["atc"], value["plr"], errors)


# --- covariates -----------------------------------------------------------------------------------------


def _stream(seed: int, name: str) -> np.random.Generator:
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, *name.encode()])))


def covariate_names(n_covariates: int | None = None) -> list[str]:
    """Names of the covariates other than the product category, those that matter first."""
    names = list(_COLUMNS)
    if n_covariates is None:
        return names
    if n_covariates <= len(_DRIVERS):
        raise ValueError(f"n_covariates={n_covariates} would drop a confounder; ask for at least {len(_DRIVERS) + 1}.")
    wanted = n_covariates - 1  # the product category is the other one
    return (names + [extra_column(i).name for i in range(1, wanted - len(names) + 1)])[:wanted]


def _column_named(name: str) -> Column:
    return _COLUMNS[name] if name in _COLUMNS else extra_column(int(name.rsplit("_", 1)[1]))


def _draw_latents(n_rows: int, seed: int) -> tuple[Columns, NDArray[np.int32]]:
    sellers = np.arange(n_rows, dtype=np.int32) // _ROWS_PER_SELLER
    stream = _stream(seed, "latents")
    traits = stream.standard_normal((sellers[-1] + 1, len(SELLER_LATENTS)), dtype=np.float32)
    traits[:, 3] = 0.8 * traits[:, 3] + 0.6 * traits[:, 0]  # keen sellers grow
    latents: Columns = {name: traits[sellers, i] for i, name in enumerate(SELLER_LATENTS)}
    for name in PRODUCT_LATENTS:
        latents[name] = stream.standard_normal(n_rows, dtype=np.float32)
    latents["demand"] = np.float32(0.8) * latents["demand"] + np.float32(0.6) * latents["size"]
    return latents, sellers


def _draw_category(n_rows: int, seed: int) -> NDArray[np.int8]:
    shares = np.array([0.16, 0.12, 0.14, 0.10, 0.18, 0.08, 0.12, 0.10])
    uniform = _stream(seed, "product_category").random(n_rows)
    return np.searchsorted(np.cumsum(shares)[:-1], uniform).astype(np.int8)


def _draw_column(column: Column, latents: Columns, seed: int, shared: Columns) -> Array:
    n_rows = len(latents["demand"])
    loads = sum(weight**2 for _, weight in column.loads)
    z = _stream(seed, column.name).standard_normal(n_rows)
    z *= np.sqrt(max(1.0 - loads, 0.0))
    if column.series:  # weeks of one series share half of what the latents do not explain
        if column.series not in shared:
            shared.clear()
            shared[column.series] = _stream(seed, column.series).standard_normal(n_rows)
        z *= np.sqrt(0.5)
        z += np.sqrt(0.5 * max(1.0 - loads, 0.0)) * shared[column.series]
    for name, weight in column.loads:
        z += np.float32(weight) * latents[name]
    return shape_marginal(column, z)


# --- decisions and outcomes -----------------------------------------------------------------------------


def _z(seen: Columns, name: str) -> Array:
    """A score column on the scale on which the model's coefficients are written, about -3 to 3."""
    return (seen[name] - 50.0) / 15.0


def _sigmoid(x: Array) -> Array:
    return 1.0 / (1.0 + np.exp(-x))


def _cover(seen: Columns) -> Array:
    """Weeks of cover, centred at the marketplace's middle of 14 weeks, in units of 6 weeks."""
    return (seen["weeks_of_cover"] - 14.0) / 6.0


_NEED = {"outlet_deal": 1.0, "restock": -1.0, "sponsored_ads": 0.3}  # which stock level makes it attractive


def _decision_score(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> Array:
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


def _propensity_given_trait(dials: Dials, score: Array, trait: Array | float) -> Array:
    intercept = {"randomised": 0.0, "proactive": -1.1, "self_reliant": -0.75}[dials.scenario]
    floor = _FLOOR * min(dials.overlap, 1.0) ** 2
    logit = (intercept + score) / dials.overlap + 1.2 * dials.hidden * trait
    return floor + (1.0 - 2.0 * floor) * _sigmoid(np.asarray(logit))


def _propensity(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> Array:
    """P(D = 1 | X): the hidden trait, a fair coin, is averaged out."""
    score = _decision_score(dials, seen, category)
    if dials.hidden == 0 or dials.scenario == "randomised":
        return _propensity_given_trait(replace(dials, hidden=0.0), score, 0.0)
    return 0.5 * (_propensity_given_trait(dials, score, 1.0) + _propensity_given_trait(dials, score, -1.0))


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


def _conditional_means(dials: Dials, seen: Columns, category: NDArray[np.int8]) -> dict[str, tuple[Array, Array]]:
    """E[Y0 | X] and E[Y1 | X] of every outcome."""
    units0 = _units_control(seen, category)
    units1 = units0 * np.exp(_log_lift(dials, seen, category))
    conversion = _conversion(seen)
    price0, price1 = _prices(dials, seen)
    previous = 0.95 * units0
    return {
        "units_30d": (units0, units1),
        "clicks_30d": (units0 / conversion, units1 / conversion),
        "revenue_30d": (price0 * units0, price1 * units1),
        PLACEBO: (previous, previous),
    }


def _conversion(seen: Columns) -> Array:
    """Units sold per click."""
    return 0.08 + 0.10 * _sigmoid(0.6 * _z(seen, "rating_score") - 0.5 * _z(seen, "price_position"))


def _prices(dials: Dials, seen: Columns) -> tuple[Array, Array]:
    """Revenue per unit without and with following: an outlet deal sells at a discount."""
    discount = 0.06 * dials.effect if dials.recommendation == "outlet_deal" else 0.0
    return seen["list_price"], seen["list_price"] * (1.0 - discount)


@dataclass(frozen=True)
class _Drawn:
    """The decision, what was seen of the outcomes, and the truth of each."""

    aligned: NDArray[np.int8]
    outcomes: Columns
    truths: dict[str, Truth]


def _draw_outcomes(
    dials: Dials,
    seen: Columns,
    category: NDArray[np.int8],
    sellers: NDArray[np.int32],
    stream: np.random.Generator,
) -> _Drawn:
    n_rows, n_sellers = len(sellers), int(sellers[-1]) + 1
    trait = stream.choice(np.array([-1, 1], dtype=np.int8), n_sellers)[sellers]
    score = _decision_score(dials, seen, category)
    chance = _propensity_given_trait(
        dials if dials.scenario != "randomised" else replace(dials, hidden=0.0), score, trait
    )
    aligned = (stream.random(n_rows) < chance).astype(np.int8)

    means = _conditional_means(dials, seen, category)
    conversion = _conversion(seen)
    # Frailties with mean one leave E[Y | X] as it is and make rows of one seller alike.
    frailty = stream.gamma(25.0, 1 / 25.0, n_sellers)[sellers] * stream.gamma(16.0, 1 / 16.0, n_rows)
    shift = 0.35 * dials.hidden * trait * means["units_30d"][0]  # the same in both arms: no effect modification
    potential: dict[str, list[Array]] = {name: [] for name in OUTCOMES}
    for arm in (0, 1):
        expected = (means["units_30d"][arm] + shift) * frailty
        clicks = stream.poisson(expected / conversion)
        units = stream.binomial(clicks, conversion)  # thinned clicks: E[units | X] is exact
        basket = stream.gamma(6.0, 1 / 6.0, n_rows)
        potential["clicks_30d"].append(clicks.astype(float))
        potential["units_30d"].append(units.astype(float))
        potential["revenue_30d"].append(np.round(_prices(dials, seen)[arm] * units * basket, 2))
    previous = stream.poisson(means[PLACEBO][0] * frailty + 0.95 * shift * frailty).astype(float)
    potential[PLACEBO] = [previous, previous]

    propensity = _propensity(dials, seen, category)
    truths = {
        name: Truth(
            outcome=name,
            treatment=aligned,
            propensity=propensity,
            outcome_control=means[name][0],
            outcome_treated=means[name][1],
            observed_control=potential[name][0],
            observed_treated=potential[name][1],
            dials=dials,
            hidden_trait=trait if dials.hidden else None,
        )
        for name in potential
    }
    outcomes = {name: np.where(aligned == 1, arms[1], arms[0]) for name, arms in potential.items()}
    return _Drawn(aligned, outcomes, truths)


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
    tail = pd.DataFrame({"aligned": drawn.aligned, **drawn.outcomes})
    return pd.concat([head, body, tail], axis=1)
