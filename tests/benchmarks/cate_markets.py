"""Models of the effect, policies and checks on many markets: `python -m tests.benchmarks.cate_markets`.

In every market they are fitted to half of the sellers and judged, with the truth and without it, on the other half.
Interrupted, it goes on where it stopped. Results with versions and date: data/cate_markets.parquet, which the chapter
on the CATE reads.
"""

import argparse
from dataclasses import replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from lightgbm import LGBMRegressor
from numpy.typing import NDArray

import tutorial_pkg as tp
from tutorial_pkg.handover import aipw_signal
from tutorial_pkg.storage import finish_cells, read_cells, write_results

ROOT = Path(__file__).parents[2]
RESULTS = ROOT / "data" / "cate_markets.parquet"
CELLS = ROOT / "_build" / "cate_markets"
N_MARKETS, N_ROWS, N_COVARIATES = 30, 10_000, 15  # of 214, all confounders among them
FIRST_SEED = 3_000  # of no sample that a chapter draws
MARGIN, CREDIT = 4.0, 15.0
MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "line": ("linear_dr", {}),
    "two outcome models": ("t_learner", {}),
    "boosted trees": ("boosted_dr", {}),
    "forest": ("causal_forest", {"n_estimators": 200}),
}
CANDIDATES: tuple[Any, ...] = ("constant", "linear_dr", "t_learner", "boosted_dr")


def cells_of(frame: pd.DataFrame) -> pd.Series:
    """The 32 cells of the chapter: product category times weeks of cover."""
    bands = pd.cut(frame["weeks_of_cover"], [0, 18, 24, 32, np.inf], right=False)
    return frame["product_category"].astype(str) + bands.astype(str)


@lru_cache(maxsize=1)
def _best_of_modifiers() -> LGBMRegressor:
    """The mean true effect given the five modifiers, from a large draw."""
    many = tp.marketplace.population_rows(tp.marketplace.Dials()).head(200_000)
    known = LGBMRegressor(num_leaves=63, n_jobs=1, verbose=-1, random_state=0)
    data = tp.simulate_sellers(200, seed=0, n_covariates=N_COVARIATES).data
    return known.fit(data.modifiers(many), many["units_30d"])


def models(seed: int) -> pd.DataFrame:
    """Errors and coverage of models fitted to one half, and policies, judged on the other."""
    market = tp.simulate_sellers(N_ROWS, seed=seed, n_covariates=N_COVARIATES)
    nuisances = tp.cross_fit(market.data, n_jobs=1, progress=False)
    learn, judge = tp.folds.split_rows(market.data)
    learning, judging = nuisances.take(learn), nuisances.take(judge)
    frame, cells = judging.data.frame, cells_of(market.data.frame)
    truth = market.truth.take(judge)
    fitted = {name: tp.estimate_cate(learning, method, **options) for name, (method, options) in MODELS.items()}
    effects = {"constant": np.full(len(judge), tp.estimate_ate(learning).value)}
    table = tp.estimate_gate(learning, cells.iloc[learn]).values
    effects["32 cells"] = cells.iloc[judge].map(table).to_numpy(dtype=float)
    effects |= {name: model.effect(frame) for name, model in fitted.items()}
    effects["best from five modifiers"] = _best_of_modifiers().predict(judging.data.modifiers())
    along = replace(truth, outcome_treated=truth.outcome_control + effects["best from five modifiers"])
    signal = aipw_signal(judging).mean(axis=1)
    rows: list[tuple[str, str, str, float]] = []
    for name, effect in effects.items():
        measures = dict(tp.truth.evaluate_cate(effect, truth)[0])
        loss = (signal - effect) ** 2 - (signal - effects["line"]) ** 2
        gap = tp.from_influence(loss.mean(), loss - loss.mean(), judging.data, estimand="loss", method=name)
        measures |= {"loss above the line's": gap.value, "its error": gap.std_error}
        if name in ("line", "forest"):
            found = tp.validation.validate_cate(fitted[name], judging).loc["best linear predictor"]
            measures |= {"slope": found["value"], "slope's error": found["std_error"]}
            interval = fitted[name].interval(frame)
            measures["width"] = float((interval["upper"] - interval["lower"]).mean())
            for target, of in {"modifiers": along, "covariates": truth}.items():
                share = tp.truth.evaluate_cate(effect, of, interval)[1]["coverage"].to_numpy()
                measures[f"keenest, given {target}"] = share[-1]
                measures[f"others, given {target}"] = share[:-1].mean()
        rows += [("model", name, measure, value) for measure, value in measures.items()]
    rows += _policies(effects, learning, judging, market.truth.take(learn), truth)
    return _table(rows, seed)


def _policies(
    effects: dict[str, NDArray],
    learning: tp.Nuisances,
    judging: tp.Nuisances,
    learn_truth: tp.Truth,
    truth: tp.Truth,
) -> list[tuple[str, str, str, float]]:
    """Estimated and true values against nobody and against the status quo."""
    tree = tp.policy.policy_tree(learning, 2, CREDIT, MARGIN)
    keen = judging.propensity[:, 0]
    marked = {"everybody": np.ones(len(keen), dtype=bool), "keenest half": keen > np.median(keen)}
    marked |= {name: MARGIN * effect > CREDIT for name, effect in effects.items()}
    marked["tree"] = tree.nudge(judging.data.frame)
    marked |= {f"added by {name}": MARGIN * (1 - keen) * effects[name] > CREDIT for name in ("line", *list(MODELS)[1:])}
    marked["best"] = MARGIN * truth.cate > CREDIT
    marked["best added"] = MARGIN * (1 - truth.propensity) * truth.cate > CREDIT
    rows = []
    for name, who in marked.items():
        price = {"cost": CREDIT, "value_per_unit": MARGIN}
        nobody = tp.policy.policy_value(judging, who, **price)
        today = tp.policy.offer_value(judging, who, **price)
        true = tp.truth.policy_regret(truth, who, **price)["value"], tp.truth.offer_value(truth, who, **price)
        for against, found, value in (("nobody", nobody, true[0]), ("status quo", today, true[1])):
            rows += [(f"against {against}", name, "truth", value), (f"against {against}", name, "value", found.value)]
            rows.append((f"against {against}", name, "std_error", found.std_error))
        rows.append(("against nobody", name, "marked", float(who.mean())))
    same = tp.policy.policy_value(learning, tree.nudge(), cost=CREDIT, value_per_unit=MARGIN)
    rows.append(("against nobody", "tree, rows that grew it", "value", same.value))
    own = tp.truth.policy_regret(learn_truth, tree.nudge(), CREDIT, MARGIN)["value"]
    return [*rows, ("against nobody", "tree, rows that grew it", "truth", own)]


def choice(seed: int) -> pd.DataFrame:
    """What is chosen by doubly robust loss, and how far each candidate is off on rows of another draw."""
    market = tp.simulate_sellers(N_ROWS // 2, seed=seed, n_covariates=N_COVARIATES)
    nuisances = tp.cross_fit(market.data, n_jobs=1, progress=False)
    table = tp.choose_cate(nuisances, CANDIDATES, n_jobs=1, progress=False).comparison
    assert table is not None
    fresh = tp.simulate_sellers(2 * N_ROWS, seed=seed + 10_000, n_covariates=N_COVARIATES)
    rows: list[tuple[str, str, str, float]] = []
    for method in CANDIDATES:
        effect = tp.estimate_cate(nuisances, method).effect(fresh.data.frame)
        measures = table.loc[method].to_dict() | {"pehe": tp.truth.evaluate_cate(effect, fresh.truth)[0]["pehe"]}
        rows += [("choice", method, measure, float(value)) for measure, value in measures.items()]
    return _table(rows, seed)


def without_effect(hidden: float, seed: int) -> pd.DataFrame:
    """The checks of a line in a market where following does nothing, for anyone."""
    market = tp.simulate_sellers(N_ROWS, seed=seed, n_covariates=N_COVARIATES, effect=0.0, hidden=hidden)
    nuisances = tp.cross_fit(market.data, n_jobs=1, progress=False)
    learn, judge = tp.folds.split_rows(market.data)
    line = tp.estimate_cate(nuisances.take(learn), "linear_dr")
    check = tp.validation.validate_cate(line, nuisances.take(judge))
    average = tp.estimate_ate(nuisances)
    measures = {"spread": line.effect().std(), "ate": average.value, "ate's error": average.std_error}
    for test, name in (("best linear predictor", "slope"), ("uplift (Qini)", "uplift")):
        measures |= {name: check.loc[test, "value"], f"{name}'s p": check.loc[test, "p_value"]}
    name = "hidden trait" if hidden else "all recorded"
    return _table([("no effect", name, measure, float(value)) for measure, value in measures.items()], seed)


def _table(rows: list[tuple[str, str, str, float]], seed: int) -> pd.DataFrame:
    return pd.DataFrame(rows, columns=["about", "name", "measure", "value"]).assign(seed=seed)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--write", action="store_true", help="compute nothing more; write what is finished")
    options = parser.parse_args()
    cells = {}
    for seed in range(FIRST_SEED, FIRST_SEED + N_MARKETS):
        cells[f"models-{seed}"] = partial(models, seed)
        cells[f"choice-{seed}"] = partial(choice, seed)
        for hidden in (0.0, 1.0):
            cells[f"without-{hidden:.0f}-{seed}"] = partial(without_effect, hidden, seed)
    rows = read_cells(CELLS) if options.write else finish_cells(cells, CELLS, n_jobs=options.n_jobs)
    rows = rows.sort_values(["about", "seed"], kind="stable", ignore_index=True)
    write_results(rows, RESULTS, n_rows=N_ROWS, n_covariates=N_COVARIATES, margin=MARGIN, credit=CREDIT)
    means = rows.groupby(["about", "name", "measure"], sort=False)["value"].agg(["mean", "sem", "size"])
    print(means.round(3).to_string())


if __name__ == "__main__":
    main()
