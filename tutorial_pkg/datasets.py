"""The data sets that come with the book: the sellers, with their truth, and the nuisances fitted to them."""

import json
from functools import lru_cache, partial
from pathlib import Path

import pandas as pd

from tutorial_pkg.estimate import from_error
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.marketplace import OUTCOMES, PLACEBO, SellerSample, covariate_names, seller_data
from tutorial_pkg.nuisance import Nuisances, load_nuisances
from tutorial_pkg.truth import Targets, Truth


def load_sellers(outcome: str = "units_30d") -> SellerSample:
    """The committed sellers data: 10,000 outlet-deal recommendations with their truth. Synthetic.

    Drawn from the marketplace's ``proactive`` scenario with seed 11; ``data/README.md`` is its data card
    and ``data/dictionary.csv`` explains every column.

    Examples
    --------
    >>> load_sellers().data.n_rows
    10000
    """
    folder = data_folder()
    frame, truth, population = _read(folder)
    data = seller_data(frame, outcome, covariate_names())
    truths = {
        name: Truth(
            outcome=name,
            treatment=data.d,
            propensity=truth["propensity"].to_numpy(),
            population_targets=partial(Targets, **population[name]),
            **{part: truth[f"{name}:{part}"].to_numpy() for part in TRUTH_PARTS},
        )
        for name in (*OUTCOMES, PLACEBO)
    }
    return SellerSample(data, truths)


def load_sellers_nuisances() -> Nuisances:
    """What ``tp.cross_fit(tp.load_sellers().data)`` predicts, from a file that comes with the data; nothing is fitted.

    ``data/fit_sellers.py`` wrote it.

    Examples
    --------
    >>> import tutorial_pkg as tp
    >>> tp.estimate_ate(tp.load_sellers_nuisances()).covers(tp.load_sellers().truth.ate)
    True
    """
    return load_nuisances(data_folder() / NUISANCES_FILE, load_sellers().data)


def load_sellers_comparisons() -> Estimates:
    """What the simple comparisons of the book find on the sellers data, from a file beside them: values and errors.

    ``data/fit_sellers.py`` wrote it, and shows the calls.

    Examples
    --------
    >>> load_sellers_comparisons().names[0]
    'difference in means'
    """
    data = load_sellers().data
    rows = pd.read_csv(data_folder() / COMPARISONS_FILE).to_dict("records")
    return Estimates([from_error(**row, data=data, family="naive") for row in rows])


def load_arena() -> pd.DataFrame:
    """What simple comparisons and double machine learning made of many simulated markets, from a file beside the data.

    One row an answer: ``market`` ("proactive", "self_reliant", and the former with a hidden trait or with thin
    overlap), ``seed``, ``estimator``, ``outcome`` (the units sold, or the placebo, of which every target is zero),
    ``estimand``, ``value``, ``std_error``, ``lower``, ``upper``, ``target`` and ``caution``, whether the estimate
    gave one. All methods that learn used the same learners. ``tests/benchmarks/arena.py`` wrote it;
    :func:`tutorial_pkg.scoreboard.summarise` makes a table of it.

    Examples
    --------
    >>> int(load_arena().groupby("market")["seed"].nunique()["proactive"])
    100
    """
    return pd.read_parquet(data_folder() / ARENA_FILE)


def load_learner_comparison() -> pd.DataFrame:
    """What learners made of many simulated markets, from a file beside the data.

    One row a sample and pair of learners, ordered by ``market`` ("proactive", and DoubleML's "make_irm_data"),
    ``n_rows``, ``estimator`` (the pair, ordered from lines to networks) and ``seed``; the deep network has seen the
    first samples only. The ATE in ``value``, ``std_error``, ``lower``, ``upper`` and ``target``; ``bias``, which the
    errors of the nuisances cause, ``plug_in_bias`` and the bound ``product``, in outcome units; for each nuisance
    ``error_``, the root mean squared distance to the true function, ``loss_``, held out, ``share_`` explained by it and
    ``seconds_``; ``seconds`` of all, ``tuning_seconds`` and ``peak_mb``. ``tests/benchmarks/learner_comparison.py``
    wrote it; :func:`tutorial_pkg.scoreboard.summarise` makes a table of it.

    Examples
    --------
    >>> load_learner_comparison()["estimator"].cat.categories[0]
    'linear'
    """
    found = pd.read_parquet(data_folder() / LEARNERS_FILE)
    found["estimator"] = pd.Categorical(found["estimator"], PAIRS, ordered=True)
    return found.sort_values(["market", "n_rows", "estimator", "seed"], ignore_index=True)


NUISANCES_FILE = "sellers_nuisances.npz"
COMPARISONS_FILE = "sellers_comparisons.csv"
ARENA_FILE = "arena.parquet"
LEARNERS_FILE = "learner_comparison.parquet"
PAIRS = ["linear", "trees, untuned", "trees, plain", "trees, recommended"]
PAIRS += ["MLP, untuned", "MLP, tuned", "network, deep"]
TRUTH_PARTS = ("outcome_control", "outcome_treated", "observed_control", "observed_treated")


def data_folder() -> Path:
    """Where the data lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "_data", package.parent / "data"):
        if (folder / "sellers.parquet").is_file():
            return folder
    raise FileNotFoundError("The sellers data are missing; reinstall the package, or run `make data` in a checkout.")


@lru_cache(maxsize=1)
def _read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    frame = pd.read_parquet(folder / "sellers.parquet")
    truth = pd.read_parquet(folder / "sellers_truth.parquet")
    return frame, truth, json.loads((folder / "population.json").read_text())
