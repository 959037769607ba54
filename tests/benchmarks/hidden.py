"""Hidden confounding over many samples: do the bounds hold, and who is right in which world? `python -m tests.benchmarks.hidden`.

Three parts. Bounds: in markets with a trait that nobody recorded, the ATT, and its bounds when the trait's strength is told
as it is, by halves, or as that of recorded covariates. Learners: the same bounds of the ATE from trees and from lines, on
DoubleML's `make_confounded_irm_data` and on a market in which decision and sales bend. Opinions: the cross-section,
difference-in-differences and an instrument in five worlds, each of which breaks something else.

Interrupted, it goes on where it stopped; run with a larger share, it adds to what it finds. One row an answer, with versions
and date: data/hidden.parquet, which the chapter reads.
"""

import argparse
import warnings
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from doubleml.irm.datasets import make_confounded_irm_data
from lightgbm import LGBMClassifier, LGBMRegressor

import tutorial_pkg as tp
from tutorial_pkg import sensitivity
from tutorial_pkg.marketplace import Dials, hidden_strength
from tutorial_pkg.marketplace.model import HIDDEN_SHIFT
from tutorial_pkg.storage import add_results

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "data" / "hidden.parquet"
N_ROWS, N_SHOWN, N_COVARIATES = 4_000, 6_000, 15  # an analyst's table, and an experiment with who sees the message
FIRST_SEED = 20_000  # of no sample that a chapter draws
FAST = {"n_folds": 3, "n_jobs": 1, "progress": False}
KEY = ["part", "market", "seed"]


def trees(**more) -> tp.learners.Learners:
    """LightGBM with fixed settings, the same for all."""
    size = {"n_estimators": 60, "num_leaves": 7, "n_jobs": 1, "verbose": -1} | more
    return tp.learners.Learners(LGBMRegressor(**size), LGBMClassifier(**size))


def answer(estimate: tp.Estimate, target: float, **more) -> dict:
    """One row: an estimate beside its truth."""
    lower, upper = estimate.conf_int()
    found = {"value": estimate.value, "std_error": estimate.std_error, "lower": lower, "upper": upper}
    return found | {"target": target, "caution": estimate.caution is not None} | more


def ends(found: pd.Series) -> dict:
    """Both bounds and their limits, as columns."""
    return {
        f"{kind}_{end}": found[end + word]
        for kind, word in (("bound", ""), ("limit", " limit"))
        for end in ("lower", "upper")
    }


# --- bounds ---------------------------------------------------------------------------------------------

GROUPS = {
    "keenness": ["engagement_score", "past_alignment_score", "planning_score"],
    "past sales": ["units_sold_26w"],
}
GROUPS["both"] = [*GROUPS["keenness"], *GROUPS["past sales"]]


def bounds_cell(hidden: float, seed: int, benchmarked: bool) -> pd.DataFrame:
    """The ATT, and its bounds under several assumptions about a trait of known strength."""
    sample = tp.simulate_sellers(N_ROWS, seed=seed, n_covariates=N_COVARIATES, hidden=hidden)
    nuisances = tp.cross_fit(sample.data, trees(), **FAST)
    true = hidden_strength(Dials(hidden=hidden), "ATT")
    told = {
        "as it is": dict(true[["cf_y", "cf_d"]]),
        "as it is, rho too": dict(true[["cf_y", "cf_d", "rho"]]),
        "half of it": dict(true[["cf_y", "cf_d"]] / 2),
    }
    if benchmarked:
        strengths = sensitivity.benchmark(nuisances, GROUPS, "ATT", progress=False)[["cf_y", "cf_d"]]
        told |= {f"as strong as {name}": dict(group.clip(upper=0.999)) for name, group in strengths.iterrows()}
    att, rows = tp.estimate_att(nuisances), []
    for name, strength in told.items():
        found = sensitivity.bounds(nuisances, **strength, estimand="ATT")
        more = {"robustness": found["robustness value"], "robustness_limit": found["robustness value, limit"]}
        rows.append(answer(att, sample.truth.att, answer=name, **strength, **ends(found), **more))
    return pd.DataFrame(rows).assign(part="bounds", market=f"hidden {hidden}", seed=seed)


# --- learners -------------------------------------------------------------------------------------------

THETA = 5.0


def confounded(seed: int, n_rows: int = 5_000) -> tuple[tp.CausalData, dict]:
    """DoubleML's confounded data, with the settings of its published coverage, and the trait's strength in them."""
    np.random.seed(seed)  # noqa: NPY002, DoubleML draws from numpy's global generator
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Propensity score is close")
        drawn = make_confounded_irm_data(n_rows, THETA, 0.198, 0.582, trimming_threshold=0.05)
    known = drawn["oracle_values"]
    frame = pd.DataFrame(drawn["x"]).add_prefix("x").assign(y=drawn["y"], d=drawn["d"].astype(int))
    strength = {"cf_y": known["cf_y"], "cf_d": known["cf_d_ate"], "rho": abs(known["rho_ate"])}
    return tp.CausalData(frame, "y", "d", list(frame)[:-2]), strength


def bent(seed: int, n_rows: int = 4_000) -> tuple[tp.CausalData, dict]:
    """A market in which the smallest and the largest sellers follow most and sell most, and a trait is hidden.

    Following brings everyone THETA units. A line in size sees nothing of size.
    """
    rng = np.random.default_rng(seed)
    x, trait = rng.normal(size=(n_rows, 10)), rng.choice([-1.0, 1.0], n_rows)
    size = np.clip(x[:, 0] ** 2 - 1, -1, 2)
    high, low = (1 / (1 + np.exp(0.5 - 0.8 * size - 0.4 * x[:, 1] - 0.4 * a)) for a in (1.0, -1.0))
    d = (rng.random(n_rows) < np.where(trait > 0, high, low)).astype(int)
    y = 20 + THETA * d + 3 * size + 2 * x[:, 1] + trait + rng.normal(0, 3, n_rows)
    m = (high + low) / 2
    among_treated, among_untreated = (high - low) / (2 * m), (low - high) / (2 * (1 - m))  # E[trait | D, X]
    told = np.mean(m * (1 - among_treated**2) + (1 - m) * (1 - among_untreated**2))
    short, long = np.mean(1 / (m * (1 - m))), np.mean(1 / (high * (1 - high)) + 1 / (low * (1 - low))) / 2
    rho = np.mean(among_treated - among_untreated) / np.sqrt(told * (long - short))
    frame = pd.DataFrame(x).add_prefix("x").assign(y=y, d=d)
    return tp.CausalData(frame, "y", "d", list(frame)[:-2]), {
        "cf_y": told / (told + 9),
        "cf_d": 1 - short / long,
        "rho": rho,
    }


DESIGNS = {"confounded": (confounded, 0.05), "bent": (bent, 0.01)}


@lru_cache(maxsize=2)
def strength_in(design: str) -> dict:
    """The hidden trait's strength in a design, from a million rows."""
    return DESIGNS[design][0](1, 1_000_000)[1]


def learners_cell(design: str, seed: int) -> pd.DataFrame:
    """The ATE and its bounds at the trait's true strength, from trees and from lines."""
    draw, clipping = DESIGNS[design]
    data, strength, rows = draw(seed)[0], strength_in(design), []
    slow = trees(n_estimators=100, learning_rate=0.05, min_child_samples=10)
    for name, learners in {"trees": slow, "lines": tp.learners.linear()}.items():
        nuisances = tp.cross_fit(data, learners, n_jobs=1, progress=False)
        ate = tp.estimate_ate(nuisances, clipping)
        for told, rho in {"as it is": 1.0, "as it is, rho too": strength["rho"]}.items():
            found = sensitivity.bounds(nuisances, strength["cf_y"], strength["cf_d"], rho, clipping=clipping)
            rows.append(answer(ate, THETA, answer=told, learners=name, **strength | {"rho": rho}, **ends(found)))
    return pd.DataFrame(rows).assign(part="learners", market=design, seed=seed)


# --- opinions -------------------------------------------------------------------------------------------

WORLDS = {
    "nothing hidden": 0.0,
    "a trait, both months": 0.5,
    "a trait, after only": 0.5,
    "a bad month before": 0.0,
    "the message sells": 0.0,
}


def world(name: str, seed: int, n_rows: int = N_ROWS) -> tp.SellerSample:
    """One sample of a world: `a bad month before` and `a trait, after only` change the marketplace's draw."""
    sample = tp.simulate_sellers(n_rows, seed=seed, n_covariates=N_COVARIATES, hidden=WORLDS[name])
    frame, t, rng = sample.data.frame, sample.truth, np.random.default_rng([seed, 1])  # no draw that the coin's is
    before = frame["units_prev_30d"]
    if name == "a trait, after only":  # its share in the month before is taken out again
        expected = sample.for_outcome("units_prev_30d").truth.outcome_control
        before = before - HIDDEN_SHIFT * WORLDS[name] * t.hidden_trait * expected
    if name == "a bad month before":  # a month's luck, over when the recommendation comes, and those it hit follow
        luck = rng.choice([-1.0, 1.0], n_rows)
        odds = t.propensity / (1 - t.propensity) * np.exp(-luck)
        d = (rng.random(n_rows) < odds / (1 + odds)).astype(int)
        y = np.where(d == 1, t.observed_treated, t.observed_control)
        frame = frame.assign(aligned=d, units_30d=y)
        before = before + 0.15 * luck * t.outcome_control
        sample = replace(sample, truths=sample.truths | {"units_30d": replace(t, treatment=d, population_targets=None)})
    frame = frame.assign(units_prev_30d=before, change=frame["units_30d"] - before)
    return replace(sample, data=replace(sample.data, frame=frame))


@lru_cache(maxsize=8)
def target_of(name: str) -> float:
    """The true ATT of a world: the population's, or that of 400,000 rows where its followers are others."""
    if name != "a bad month before":
        return tp.marketplace.population_targets(Dials(hidden=WORLDS[name]))["units_30d"].att
    rows = tp.marketplace.population_rows(Dials())
    odds = rows["propensity"] / (1 - rows["propensity"])
    m = sum(odds * e / (1 + odds * e) for e in (np.exp(1), np.exp(-1))) / 2
    return float(np.average(rows["units_30d"], weights=m))


def shown(name: str, seed: int) -> tuple[tp.CausalData, tp.CausalData]:
    """An experiment in a world: a coin decides who sees the message, and nobody follows what he has not seen."""
    sample = world(name, seed, N_SHOWN)
    t, sees = sample.truth, np.random.default_rng(seed).integers(0, 2, N_SHOWN)
    follows = sees * sample.data.d
    y = np.where(follows == 1, t.observed_treated, t.observed_control)
    if name == "the message sells":
        y = y + 0.03 * sees * t.outcome_control
    frame = sample.data.frame.assign(sees=sees, aligned=follows, units_30d=y)
    data = replace(sample.data, frame=frame, treatment="sees")
    return data, replace(data, outcome="aligned")


def opinions_cell(name: str, seed: int) -> pd.DataFrame:
    """Three answers in one world; those of the experiment come from other rows."""
    sample, target = world(name, seed), target_of(name)
    level = tp.cross_fit(sample.data, trees(), **FAST)
    change = tp.cross_fit(replace(sample.data, outcome="change"), reuse=level, n_jobs=1, progress=False)
    sales, moved = shown(name, seed + 100_000)
    outcome = tp.cross_fit(sales, trees(), n_folds=2, n_jobs=1, progress=False)
    decision = tp.cross_fit(moved, reuse=outcome, n_jobs=1, progress=False)
    cross, did = tp.estimate_att(level), tp.estimate_att(change)
    found = {"cross-section": cross, "change": did, "instrument": tp.estimate_late(outcome, decision)}
    rows = [answer(estimate, target, answer=kind) for kind, estimate in found.items()]
    rows.append(answer(cross - did, 0.0, answer="cross-section - change"))
    return pd.DataFrame(rows).assign(part="opinions", market=name, seed=seed)


# --------------------------------------------------------------------------------------------------------


SAMPLES = {
    "bounds": {"hidden 0.25": 50, "hidden 0.5": 100, "hidden 1.0": 50},
    "learners": dict.fromkeys(DESIGNS, 60),
    "opinions": dict.fromkeys(WORLDS, 50),
}
BENCHMARKED = 40  # so many samples of the middle strength are also bounded by what recorded covariates are worth


def one_cell(part: str, market: str, seed: int) -> pd.DataFrame:
    """One sample of one market in one part."""
    if part == "bounds":
        hidden = float(market.removeprefix("hidden "))
        return bounds_cell(hidden, seed, hidden == 0.5 and seed < FIRST_SEED + BENCHMARKED)
    return (learners_cell if part == "learners" else opinions_cell)(market, seed)


def wanted(share: float) -> list[tuple[str, str, int]]:
    """The cells, all parts in step, so that what is finished is of use."""
    plan = [
        (s / n, part, market, FIRST_SEED + s)
        for part, markets in SAMPLES.items()
        for market, n in markets.items()
        for s in range(round(share * n))
    ]
    return [(part, market, seed) for _, part, market, seed in sorted(plan)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--share", type=float, default=1.0, help="share of the full number of samples")
    options = parser.parse_args()
    cells = {key: partial(one_cell, *key) for key in wanted(options.share)}
    settings = {"n_rows": N_ROWS, "n_shown": N_SHOWN, "n_covariates": N_COVARIATES}
    add_results(cells, RESULTS, KEY, n_jobs=options.n_jobs, **settings)


if __name__ == "__main__":
    main()
