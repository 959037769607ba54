"""Estimators over many simulated markets: bias, RMSE, coverage, width and seconds, with Monte Carlo errors.

A cell is one estimator on one draw of one market. Finished cells are kept on disk, so a run that was
interrupted goes on where it stopped.
"""

import json
import platform
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from importlib.metadata import version
from pathlib import Path

import joblib
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm.auto import tqdm

from tutorial_pkg.data import CausalData
from tutorial_pkg.effects import estimate_ate, estimate_att, estimate_gate, estimate_plr, irm_model, to_estimate
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.learners import Learners
from tutorial_pkg.nuisance import cross_fit, draw_folds
from tutorial_pkg.simulate import Dials, Truth, population_rows, population_targets, simulate_sellers


@dataclass(frozen=True)
class Draw:
    """One simulated sample; ``targets`` holds the true value of each estimand, "GATE toys" for a group."""

    data: CausalData
    targets: dict[str, float]
    truth: Truth | None = None


Estimator = Callable[[Draw], Iterable[Estimate]]


@dataclass(frozen=True)
class Market:
    """A named source of samples: ``draw(seed)`` gives one."""

    name: str
    n_rows: int
    draw: Callable[[int], Draw]


def seller_market(n_rows: int, scenario: str = "proactive", outcome: str = "units_30d", **settings) -> Market:  # type: ignore[no-untyped-def]
    """The marketplace of :func:`simulate_sellers`, with the population's effects as targets."""

    def draw(seed: int) -> Draw:
        sample = simulate_sellers(n_rows, scenario, seed=seed, outcome=outcome, **settings)
        dials = sample.truth.dials
        assert dials is not None
        return Draw(sample.data, _seller_targets(dials, outcome), sample.truth)

    return Market(scenario, n_rows, draw)


def _seller_targets(dials: Dials, outcome: str) -> dict[str, float]:
    average = population_targets(dials)[outcome]
    groups = population_rows(dials).groupby("product_category", observed=True)[outcome].mean()
    return {
        "ATE": average.ate,
        "ATT": average.att,
        "PLR": average.plr,
        **{f"GATE {name}": float(value) for name, value in groups.items()},
    }


def dml(learners: Learners | None = None, groups: str | None = None, **options) -> Estimator:  # type: ignore[no-untyped-def]
    """ATE, ATT, PLR and, with a column of groups, GATE, from one cross-fit; options go to :func:`cross_fit`."""

    def estimate(draw: Draw) -> list[Estimate]:
        nuisances = cross_fit(draw.data, learners, n_jobs=1, progress=False, **options)
        average = [estimate_ate(nuisances), estimate_att(nuisances), estimate_plr(nuisances)]
        return average + (list(estimate_gate(nuisances, groups)) if groups else [])

    return estimate


def oracle(draw: Draw) -> list[Estimate]:
    """ATE and ATT with the true nuisances: its intervals are as narrow as the semiparametric bound allows."""
    truth, data = draw.truth, draw.data
    assert truth is not None, "the oracle needs the truth of the draw"
    true = (draw_folds(data, 2, 0), truth.outcome_control, truth.outcome_treated, truth.propensity)
    return [
        to_estimate(irm_model(data, *true, score=score, clipping=1e-6), data, name, "oracle")
        for name, score in (("ATE", "ATE"), ("ATT", "ATTE"))
    ]


def run_scoreboard(
    estimators: Mapping[str, Estimator],
    markets: Sequence[Market],
    n_draws: int,
    folder: "str | Path | None" = None,
    *,
    n_jobs: int = -1,
    progress: bool = True,
) -> pd.DataFrame:
    """Run every estimator on the same draws of every market.

    Parameters
    ----------
    estimators : mapping of name to function
        Each takes a :class:`Draw` and returns estimates; see :func:`dml` and :func:`naive`.
    markets : sequence of Market
    n_draws : int
        Seeds 0 to n_draws - 1 of each market.
    folder : path, optional
        Where finished cells are kept. The same call goes on after an interruption and loses at most the cells
        that were being computed; cells are known by the names of market, size and estimator, so rename what
        you change.
    n_jobs : int
        Cells computed side by side.

    Returns
    -------
    DataFrame
        One row an estimate: market, n_rows, seed, estimator, estimand, value, std_error, lower, upper, target,
        seconds (processor time of the estimator on that draw).
    """
    kept = Path(folder) if folder is not None else None
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    cells = [(m, e, s) for m in markets for s in range(n_draws) for e in estimators]
    finished = {cell: _cell_file(kept, *cell) for cell in cells} if kept is not None else {}
    results = [pd.read_parquet(f) for f in finished.values() if f.exists()]
    todo = [cell for cell in cells if kept is None or not finished[cell].exists()]
    work = (joblib.delayed(_run_cell)(m, e, estimators[e], s) for m, e, s in todo)
    done = joblib.Parallel(n_jobs, return_as="generator_unordered")(work)
    for cell in tqdm(done, total=len(cells), initial=len(cells) - len(todo), desc="scoreboard", disable=not progress):
        if kept is not None:
            head = cell.iloc[0]
            market = next(m for m in markets if (m.name, m.n_rows) == (head["market"], head["n_rows"]))
            file = _cell_file(kept, market, head["estimator"], head["seed"])
            cell.to_parquet(partial := file.with_suffix(".partial"))
            partial.rename(file)  # a cell is there whole or not at all
        results.append(cell)
    return pd.concat(results).sort_values(["market", "n_rows", "estimator", "seed"], kind="stable", ignore_index=True)


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Bias, RMSE, coverage, width and seconds of each estimator, each with its Monte Carlo error.

    ``bias / se`` is the bias relative to the mean standard error; ``se / sd`` compares the mean standard error
    with the spread of the estimates, one if errors are honest.
    """
    table = results.assign(
        error=results["value"] - results["target"],
        covers=results["target"].between(results["lower"], results["upper"]),
        width=results["upper"] - results["lower"],
    )
    rows = {}
    for key, cell in table.groupby(["market", "n_rows", "estimator", "estimand"], sort=False):
        n, error = len(cell), cell["error"]
        squared = error**2
        rmse = np.sqrt(squared.mean())
        coverage = cell["covers"].mean()
        rows[key] = {
            "draws": n,
            "bias": error.mean(),
            "bias ±": error.std() / np.sqrt(n),
            "bias / se": error.mean() / cell["std_error"].mean(),
            "rmse": rmse,
            "rmse ±": squared.std() / (2 * rmse * np.sqrt(n)),
            "coverage": coverage,
            "coverage ±": np.sqrt(max(coverage * (1 - coverage), 0.25 / n) / n),
            "width": cell["width"].mean(),
            "width ±": cell["width"].std() / np.sqrt(n),
            "se / sd": cell["std_error"].mean() / error.std(),
            "seconds": cell["seconds"].mean(),
            "seconds ±": cell["seconds"].std() / np.sqrt(n),
        }
    index = pd.MultiIndex.from_tuples(list(rows), names=["market", "n_rows", "estimator", "estimand"])
    return pd.DataFrame(list(rows.values()), index=index)


def provenance(**settings: object) -> dict[str, str]:
    """Versions, machine and date, to be stored with results."""
    packages = ("tutorial-pkg", "numpy", "scikit-learn", "lightgbm", "doubleml", "econml")
    return {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {joblib.cpu_count()} cores",
        **{name: version(name) for name in packages},
        **{name: str(value) for name, value in settings.items()},
    }


def write_results(results: pd.DataFrame, path: "str | Path", **settings: object) -> None:
    """Write results as Parquet, with their provenance in the file's metadata."""
    table = pa.Table.from_pandas(results, preserve_index=False)
    metadata = (table.schema.metadata or {}) | {b"provenance": json.dumps(provenance(**settings)).encode()}
    pq.write_table(table.replace_schema_metadata(metadata), path, compression="zstd")


def read_provenance(path: "str | Path") -> dict[str, str]:
    """The provenance stored by :func:`write_results`."""
    return json.loads(pq.read_schema(path).metadata[b"provenance"])


def _cell_file(folder: Path, market: Market, estimator: str, seed: int) -> Path:
    return folder / f"{market.name}-{market.n_rows}-{estimator}-{seed}.parquet".replace(" ", "_").replace("/", "_")


def _run_cell(market: Market, name: str, estimator: Estimator, seed: int) -> pd.DataFrame:
    draw = market.draw(seed)
    start = time.process_time()
    estimates = list(estimator(draw))
    seconds = time.process_time() - start
    rows = []
    for estimate in estimates:
        estimand = f"{estimate.estimand} {estimate.label}".strip()
        lower, upper = estimate.conf_int()
        values = (estimand, estimate.value, estimate.std_error, lower, upper, draw.targets[estimand], seconds)
        rows.append((market.name, market.n_rows, seed, name, *values))
    columns = ["market", "n_rows", "seed", "estimator", "estimand", "value", "std_error", "lower", "upper"]
    return pd.DataFrame(rows, columns=[*columns, "target", "seconds"])
