"""The data sets that come with the book: the sellers, with their truth, and two real studies with a known answer."""

import json
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.stats import norm

from tutorial_pkg import naive
from tutorial_pkg.data import CausalData
from tutorial_pkg.estimate import Estimate, from_error
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


def seller_export(n_rows: int = 3_000) -> pd.DataFrame:
    """The first rows of the sellers data as an export that nobody has cleaned: for practice, synthetic.

    The decision is in words, some outcomes are missing, numbers are stored as text or infinite, a constant, a copy, dates
    and an identifier are among the columns, and so are some that were known only after the decision.

    Examples
    --------
    >>> seller_export()["followed"].iloc[0]
    'no'
    """
    frame = load_sellers().data.frame.head(n_rows)
    rng, followed = np.random.default_rng(0), frame["aligned"] == 1
    shown = pd.Timestamp("2026-03-01") + pd.to_timedelta(rng.integers(0, 28, len(frame)), unit="D")
    messy = {
        "offer_id": [f"offer-{i:05}" for i in rng.permutation(len(frame))],
        "shown_on": shown,
        "marketplace": "north",
        "followed": np.where(followed, "yes", "no"),
        "units_30d": frame["units_30d"].astype(float).mask(rng.random(len(frame)) < 0.01),
        "net_units_30d": (frame["units_30d"] * 0.97).round(1),
        "deal_price_set": followed.astype(int),
        "list_price": frame["list_price"].map("{:,.2f}".format),
        "cover_last_week": frame["stock_on_hand"] / frame["units_sold_week_01"],  # infinite where nothing was sold
    }
    return frame.drop(columns=["aligned", "units_30d"]).assign(**messy)


@dataclass(frozen=True, eq=False)
class KnownStudy:
    """Observational data, and what an experiment or the literature answers: an estimate too, with an error of its own."""

    data: CausalData
    benchmark: Estimate


def load_lalonde(controls: str = "CPS", outcome: str = "re78") -> KnownStudy:
    """Did a job training raise earnings? The 185 trained men of an experiment, beside men from surveys. Real.

    The National Supported Work demonstration of the 1970s, its men as Dehejia and Wahba (1999) selected them. The experiment's
    own answer, the difference of means on its 445 rows, is the benchmark of the ATT.

    Parameters
    ----------
    controls : {"CPS", "PSID", "experiment"}
        Whom the trained are compared with: 15,992 men of the Current Population Survey, 2,490 of the Panel Study of
        Income Dynamics, or the experiment's own 260 controls.
    outcome : {"re78", "re75"}
        Earnings in USD of the year after, or as a placebo of the year before the training; then neither they nor
        ``no_re75`` are covariates.

    References
    ----------
    LaLonde (1986); Dehejia and Wahba (1999). ``data/make_known_studies.py`` wrote the file, ``data/README.md`` names
    its sources.

    Examples
    --------
    >>> round(load_lalonde().benchmark.value)
    1794
    """
    sources = ("CPS", "PSID", "experiment")
    if controls not in sources:
        raise ValueError(f"controls={controls!r} is not known; choose one of {', '.join(sources)}.")
    if outcome not in ("re78", "re75"):
        raise ValueError(f"outcome={outcome!r} is not known; choose re78, or re75 for a placebo.")
    table = _read_known("lalonde.parquet")
    table = table.assign(**{f"no_{year}": (table[year] == 0).astype("int8") for year in ("re74", "re75")})
    covariates = ["age", "education", "black", "hispanic", "married", "no_degree", "re74", "no_re74"]
    covariates += ["re75", "no_re75"] if outcome == "re78" else []
    names = {"trained": "training", "re78": "earnings in 1978", "re75": "earnings in 1975"}

    def study(rows: pd.Series) -> CausalData:
        return CausalData(
            table[rows].reset_index(drop=True),
            outcome=outcome,
            treatment="trained",
            covariates=covariates,
            labels=names,
            units={"re78": "USD", "re75": "USD"},
            arms=("not trained", "trained"),
        )

    of_experiment, trained = table["source"] == "experiment", table["trained"] == 1
    found = naive.difference_in_means(study(of_experiment))
    benchmark = replace(found, estimand="ATT", method="experiment", family="benchmark")
    return KnownStudy(study(trained | ((table["source"] == controls) & ~trained)), benchmark)


def load_nhefs(censored: bool = False) -> KnownStudy:
    """How much weight do people gain who stop smoking? 1,566 smokers of 1971, weighed again in 1982. Real.

    From the epidemiologic follow-up of the first National Health and Nutrition Examination Survey, with the nine
    covariates of Hernán and Robins. No experiment: the benchmark of the ATE is what they publish for weighting by the
    inverse propensity, 3.4 kg (95% interval 2.4 to 4.5).

    Parameters
    ----------
    censored : bool
        Adds the 63 people whose weight of 1982 is unknown, with their outcome set to 0 and the column ``observed`` 0.
        Only for methods that weigh for it.

    References
    ----------
    Hernán and Robins (2020), Causal Inference: What If, chapter 12. ``data/make_known_studies.py`` wrote the file,
    ``data/README.md`` names its sources.

    Examples
    --------
    >>> load_nhefs().data.n_rows
    1566
    """
    table = _read_known("nhefs.parquet")
    levels = {name: pd.Categorical(table[name]) for name in ("education", "exercise", "active")}
    table = table.assign(observed=table["wt82_71"].notna().astype("int8"), **levels)
    table = table.fillna({"wt82_71": 0.0}) if censored else table[table["observed"] == 1].reset_index(drop=True)
    covariates = ["sex", "race", "age", "education", "smokeintensity", "smokeyrs", "exercise", "active", "wt71"]
    data = CausalData(
        table,
        outcome="wt82_71",
        treatment="qsmk",
        covariates=covariates,
        labels={"qsmk": "quitting", "wt82_71": "weight gained from 1971 to 1982"},
        units={"wt82_71": "kg"},
        arms=("went on smoking", "quit"),
    )
    error = (4.5 - 2.4) / (2 * norm.ppf(0.975))
    benchmark = from_error(3.4, error, data, estimand="ATE", method="published", family="benchmark")
    return KnownStudy(data, benchmark)


NUISANCES_FILE = "sellers_nuisances.npz"
COMPARISONS_FILE = "sellers_comparisons.csv"


TRUTH_PARTS = ("outcome_control", "outcome_treated", "observed_control", "observed_treated")


def data_folder() -> Path:
    """Where the data lie: inside the installed package, or beside it in a checkout."""
    package = Path(__file__).parent
    for folder in (package / "_data", package.parent / "data"):
        if (folder / "sellers.parquet").is_file():
            return folder
    raise FileNotFoundError(
        "The sellers data are missing; reinstall the package, or run `git checkout data` in a checkout."
    )


def _read_known(name: str) -> pd.DataFrame:
    path = data_folder() / name
    if not path.is_file():
        raise FileNotFoundError(f"{name} is missing; reinstall the package, or run `git checkout data` in a checkout.")
    return pd.read_parquet(path)


@lru_cache(maxsize=1)
def _read(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame, dict]:
    frame = pd.read_parquet(folder / "sellers.parquet")
    truth = pd.read_parquet(folder / "sellers_truth.parquet")
    return frame, truth, json.loads((folder / "population.json").read_text())
