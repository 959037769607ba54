"""The default learners in markets that are hard on them, most of them published: `python -m tests.benchmarks.hostile`.

Beside LightGBM as it comes, the linear preset and the true nuisances. Interrupted, it goes on where it stopped: the
cells are kept under _build/hostile; empty it after a change of the learners. Results with versions and date:
results/hostile.parquet, and their summary in results/hostile.csv.
"""

import argparse
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from doubleml.irm.datasets import make_heterogeneous_data, make_irm_data
from econml.data.dgps import ihdp_surface_A, ihdp_surface_B
from lightgbm import LGBMClassifier, LGBMRegressor
from scipy import special  # by module: its ufuncs, imported by name into a script, cannot be sent to other processes
from scipy.linalg import toeplitz
from scipy.stats import qmc
from sklearn.linear_model import LogisticRegression

import tutorial_pkg as tp
from tutorial_pkg.scoreboard import Draw, Estimator, Market, dml, oracle, run_scoreboard, summarise
from tutorial_pkg.storage import write_results
from tutorial_pkg.truth import targets_of

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results" / "hostile.parquet"
N_DRAWS = 200
DEFAULT, ORACLE = "DML, default", "oracle"
OPTIONS = {"n_jobs": 1, "verbose": -1, "random_state": 0}
LIGHTGBM = tp.learners.Learners(LGBMRegressor(**OPTIONS), LGBMClassifier(**OPTIONS))  # 100 trees at a rate of 0.1

# Covariates as the analyst sees them, propensity, E[Y0 | X] and effect of each row, from what nature drew.
Nature = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
Equations = Callable[[np.ndarray], Nature]


def population(equations: Equations, n_traits: int, log2_rows: int = 18) -> dict[str, float]:
    """The true effects over scrambled Sobol points, which miss those of the population by about 1e-5."""
    _, m, _, effect = equations(qmc.Sobol(n_traits, rng=0).random_base2(log2_rows))
    found = targets_of(effect, m, None)
    return {"ATE": found.ate, "ATT": found.att, "ATC": float(np.average(effect, weights=1 - m)), "PLR": found.plr}


def known_draw(nature: Nature, d: np.ndarray, y: np.ndarray, targets: dict[str, float]) -> Draw:
    """A sample with its nuisances, the noise of the outcome being the same with and without treatment."""
    x, m, control, effect = nature
    names = [f"x{i}" for i in range(1, x.shape[1] + 1)]
    data = tp.CausalData(pd.DataFrame(x, columns=names).assign(y=y, d=d), "y", "d", names)
    y0 = y - d * effect
    return Draw(data, targets, tp.Truth("y", data.d, m, control, control + effect, y0, y0 + effect))


def market(name: str, n_rows: int, n_traits: int, equations: Equations) -> Market:
    """Equations of uniform traits, treatment by the propensity, and standard normal noise."""
    targets = population(equations, n_traits)

    def draw(seed: int) -> Draw:
        rng = np.random.default_rng(seed)
        nature = equations(rng.random((n_rows, n_traits)))
        _, m, control, effect = nature
        d = (rng.random(n_rows) < m).astype(int)
        return known_draw(nature, d, control + d * effect + rng.normal(size=n_rows), targets)

    return Market(name, n_rows, draw)


# --- the designs ----------------------------------------------------------------------------------------


def kang_schafer(n_rows: int = 1_000) -> Market:
    """Kang and Schafer (2007), section 1.4: the covariates seen are transformed, so that no line fits them.

    Theirs is the mean of an outcome that is missing for non-respondents. Here their response indicator is the
    treatment, with their propensity, and the outcome is seen in both arms and is the same in both: all effects are 0.
    """

    def equations(u: np.ndarray) -> Nature:
        z = special.ndtri(u)
        z1, z2, z3, z4 = z.T
        seen = (np.exp(z1 / 2), z2 / (1 + np.exp(z1)) + 10, (z1 * z3 / 25 + 0.6) ** 3, (z2 + z4 + 20) ** 2)
        m = special.expit(z @ [-1, 0.5, -0.25, -0.1])
        return np.column_stack(seen), m, 210 + z @ [27.4, 13.7, 13.7, 13.7], np.zeros(len(z))

    return market("Kang-Schafer", n_rows, 4, equations)


def nie_wager(setup: str, n_rows: int = 1_000, n_covariates: int = 12) -> Market:
    """Nie and Wager (2021), section 4 of arXiv:1712.04912v4, set-ups A to D with sigma = 1.

    Y = b(X) + (D - 1/2) tau(X) + sigma N(0, 1), D ~ Bernoulli(e(X)); only five covariates matter. A: difficult
    nuisances, easy effect; B: randomised; C: easy propensity, difficult baseline; D: unrelated arms.
    """

    def equations(u: np.ndarray) -> Nature:
        x = u if setup == "A" else special.ndtri(u)
        x1, x2, x3, x4, x5 = x[:, :5].T
        if setup == "A":
            wave = np.sin(np.pi * x1 * x2)
            b = wave + 2 * (x3 - 0.5) ** 2 + x4 + 0.5 * x5
            e, tau = wave.clip(0.1, 0.9), (x1 + x2) / 2
        elif setup == "B":
            b = np.maximum(np.maximum(x1 + x2, x3), 0) + np.maximum(x4 + x5, 0)
            e, tau = np.full(len(x), 0.5), x1 + np.log1p(np.exp(x2))
        elif setup == "C":
            b = 2 * np.log1p(np.exp(x1 + x2 + x3))
            e, tau = special.expit(-(x2 + x3)), np.ones(len(x))
        else:
            left, right = np.maximum(x1 + x2 + x3, 0), np.maximum(x4 + x5, 0)
            b, e, tau = (left + right) / 2, 1 / (1 + np.exp(-x1) + np.exp(-x2)), left - right
        return x, e, b - tau / 2, tau

    return market(f"Nie-Wager {setup}", n_rows, n_covariates, equations)


def sine(strong: bool = False, n_rows: int = 2_000) -> Market:
    """Our own: treatment and outcome follow one wave of the first of three standard normal covariates; effect 1.

    A line sees nothing of the wave. Where the interaction of the other two is strong, it moves both as well.
    """

    def equations(u: np.ndarray) -> Nature:
        x = special.ndtri(u)
        x1, x2, x3 = x.T
        wave = np.sin(2 * x1)
        m = 0.05 + 0.9 * special.expit(2.5 * wave + (x2 * x3 if strong else 0.5 * x2))
        return x, m, (3 if strong else 2) * wave + x2 * x3, np.ones(len(x))

    return market("sine, interaction" if strong else "sine", n_rows, 3, equations)


def doubleml_irm(n_rows: int = 500, n_covariates: int = 20, effect: float = 0.5) -> Market:
    """DoubleML's ``make_irm_data``, after Belloni et al. (2017), appendix P, with R2 of 0.5 each.

    Its formulas give E[Y0 | X] = 0 and an effect of theta + c_y X'beta, so that the ATT is above the ATE.
    """
    beta = 1 / np.arange(1, n_covariates + 1) ** 2
    variance = beta @ toeplitz(0.5 ** np.arange(n_covariates)) @ beta  # of X'beta
    c_y, c_d = np.sqrt(1 / variance), np.sqrt(np.pi**2 / 3 / variance)

    def equations(x: np.ndarray, line: np.ndarray) -> Nature:
        return x, special.expit(c_d * line), np.zeros(len(x)), effect + c_y * line

    targets = population(lambda u: equations(u, np.sqrt(variance) * special.ndtri(u[:, 0])), 1)

    def draw(seed: int) -> Draw:
        np.random.seed(seed)  # noqa: NPY002, it draws from the global stream
        x, y, d = make_irm_data(n_rows, n_covariates, effect, return_type="array")
        return known_draw(equations(x, x @ beta), d.astype(int), y, targets)

    return Market("make_irm_data", n_rows, draw)


def doubleml_heterogeneous(n_modifiers: int, n_rows: int = 1_000) -> Market:
    """DoubleML's ``make_heterogeneous_data(binary_treatment=True)``, after Oprescu et al. (2019): 30 covariates.

    Each sample has its own coefficients, and thereby its own ATT and PLR. The treated are the majority everywhere, and
    now and then a row's propensity reaches one: such rows are left in.
    """

    def draw(seed: int) -> Draw:
        np.random.seed(seed)  # noqa: NPY002, it draws from the global stream
        made = make_heterogeneous_data(n_rows, n_x=n_modifiers, binary_treatment=True)
        np.random.seed(seed)  # noqa: NPY002, and begins with the coefficients, which it does not return
        support = np.random.choice(30, 5, replace=False)  # noqa: NPY002
        gamma, beta = np.random.uniform(0, 1, 5), np.random.uniform(0, 0.3, 5)  # noqa: NPY002

        def equations(x: np.ndarray) -> Nature:
            m = (1 + x[:, support] @ beta) / 2  # P(uniform noise on [-1, 1] <= X'beta)
            return x, m.clip(max=1 - 1e-6), x[:, support] @ gamma, made["treatment_effect"](x)

        sample = made["data"]
        nature = equations(sample.filter(like="X_").to_numpy())
        targets = population(equations, 30, log2_rows=14)
        return known_draw(nature, sample["d"].to_numpy(int), sample["y"].to_numpy(), targets)

    return Market(f"make_heterogeneous_data, {n_modifiers}", n_rows, draw)


class Noiseless(np.random.RandomState):
    """The same stream without normal noise."""

    def normal(self, loc=0.0, scale=1.0, size=None):
        return np.full(size, float(loc))


def ihdp(surface: str) -> Market:
    """Hill (2011), response surfaces A and B, as EconML draws them on the covariates of the IHDP trial.

    Rows and treatment are those of the trial without the treated children of nonwhite mothers; coefficients and
    outcomes are drawn. Targets are those of the 747 rows, so that intervals, which are about a population, are wide
    where effects differ. Nobody knows the propensity: the oracle takes a logistic one, with which it has no bias as
    it knows the outcomes' means; on surface B there is no target for PLR.
    """
    outcomes = {"A": ihdp_surface_A, "B": ihdp_surface_B}[surface]
    _, d, x, _ = outcomes(0)
    x = x[:, 1:]  # without the column of ones
    m = LogisticRegression(C=1.0, max_iter=1_000).fit(x, d).predict_proba(x)[:, 1]

    def draw(seed: int) -> Draw:
        y, _, _, effect = outcomes(seed)
        control = outcomes(Noiseless(seed))[0] - d * effect
        targets = {"ATE": float(effect.mean()), "ATT": float(effect[d == 1].mean())} | (
            {"PLR": 4.0} if surface == "A" else {}
        )
        return known_draw((x, m, control, effect), d, y, targets)

    return Market(f"IHDP {surface}", len(x), draw)


def designs() -> list[Market]:
    """All markets of the benchmark."""
    return [
        kang_schafer(200),
        kang_schafer(),
        *(nie_wager(setup) for setup in "ABCD"),
        doubleml_irm(),
        *(doubleml_heterogeneous(n) for n in (1, 2)),
        *(ihdp(surface) for surface in "AB"),
        *(sine(strong) for strong in (False, True)),
    ]


# --- the judgement --------------------------------------------------------------------------------------


def with_target(estimator: Estimator) -> Estimator:
    """Only the estimates whose truth the design knows."""
    return lambda draw: [e for e in estimator(draw) if e.estimand in draw.targets]


def oracle_with_plr(draw: Draw) -> list[tp.Estimate]:
    """ATE, ATT and PLR with the true nuisances."""
    truth = draw.truth
    assert truth is not None
    known = tp.Nuisances.given(draw.data, truth.outcome_control, truth.outcome_treated, truth.propensity)
    return [*oracle(draw), replace(tp.estimate_plr(known), method="oracle", family="benchmark")]


ESTIMATORS = {
    DEFAULT: with_target(dml()),
    "DML, LightGBM": with_target(dml(LIGHTGBM)),
    "DML, linear": with_target(dml(tp.learners.linear())),
    ORACLE: with_target(oracle_with_plr),
}


def judge(results: pd.DataFrame) -> pd.DataFrame:
    """The summary of the scoreboard, and who is best and worst by root mean squared error, the oracle aside.

    ``bias / spread`` is the bias over the standard deviation of the errors, with its Monte Carlo error under normal
    errors. Squared errors are compared in pairs on the same samples: "worst" is "yes" when they are larger than those
    of both others by more than two Monte Carlo errors, "tie" when the largest by less.
    """
    table = summarise(results)
    ratio = table["bias / se"] * table["se / sd"]
    table["bias / spread"], table["bias / spread ±"] = ratio, np.sqrt((1 + ratio**2 / 2) / table["draws"])
    design = ["market", "n_rows", "estimand"]
    oracles = table["width"].where(table.index.get_level_values("estimator") == ORACLE)
    table["width / oracle"] = table["width"] / oracles.groupby(design).transform("max")
    squared = results.assign(squared=(results["value"] - results["target"]) ** 2)
    places = {}
    for (name, n_rows, estimand), cell in squared[squared["estimator"] != ORACLE].groupby(design):
        errors = cell.pivot(index="seed", columns="estimator", values="squared")
        ranks = errors.mean().rank()
        for estimator in errors:
            more = errors.drop(columns=estimator).rsub(errors[estimator], axis=0)
            clearly = (more.mean() > 2 * more.std() / np.sqrt(len(more))).all()
            worst = "yes" if clearly else "tie" if ranks[estimator] == len(ranks) else "no"
            places[name, n_rows, estimator, estimand] = {"rank": ranks[estimator], "worst": worst}
    return table.join(pd.DataFrame(list(places.values()), pd.MultiIndex.from_tuples(places, names=table.index.names)))


def verdict(table: pd.DataFrame) -> pd.DataFrame:
    """One line a design and estimand: bias over spread of each, and how the default does among the three."""
    shown = {
        column: pd.Series([form.format(*pair) for pair in zip(table[column], table[f"{column} ±"])], table.index)
        for column, form in (("bias / spread", "{:+.2f} ± {:.2f}"), ("coverage", "{:.3f} ± {:.3f}"))
    }
    default = table.xs(DEFAULT, level="estimator")
    wide = shown["bias / spread"].unstack("estimator").reindex(index=default.index, columns=list(ESTIMATORS))
    wide["rank by RMSE"] = default["rank"].astype(int)
    wide["worst of three?"] = default["worst"]
    wide["coverage"] = shown["coverage"].xs(DEFAULT, level="estimator")
    wide["width / oracle"] = default["width / oracle"].round(2)
    return wide


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--n-jobs", type=int, default=-1)
    parser.add_argument("--share", type=float, default=1.0, help="share of the full number of samples")
    options = parser.parse_args()
    n, results = int(N_DRAWS * options.share), []
    for design in designs():
        cells = run_scoreboard(ESTIMATORS, [design], n, ROOT / "_build" / "hostile", n_jobs=options.n_jobs)
        results.append(cells)
        print(verdict(judge(cells)).to_string(), flush=True)
    everything = pd.concat(results, ignore_index=True)
    write_results(everything, RESULTS)
    table = judge(everything)
    table.round(4).to_csv(RESULTS.with_suffix(".csv"))
    default = table.xs(DEFAULT, level="estimator")
    print(verdict(table).to_string())
    wanted = {
        "the worst of the three": default["worst"] == "yes",
        "biased by more than a third of its spread": default["bias / spread"].abs() > 1 / 3,
    }
    for fault, found in wanted.items():
        for estimand, some in found[found].groupby("estimand"):
            print(f"{estimand}: the default is {fault} in {[f'{name} {n_rows}' for name, n_rows, _ in some.index]}")


if __name__ == "__main__":
    main()
