"""What long simulations found, from files that come with the book: methods, learners and models in many markets."""

import pandas as pd

from tutorial_pkg.check import GRADES, LIMITS, graded
from tutorial_pkg.datasets import data_folder

_PAIRS = ["linear", "trees, untuned", "trees, plain", "trees, recommended"]
_PAIRS += ["MLP, untuned", "MLP, tuned", "network, deep"]


def load_arena(outcome: str | None = None) -> pd.DataFrame:
    """What simple comparisons and double machine learning made of many simulated markets, from a file beside the data.

    One row an answer: ``market`` (that of the sellers: "proactive", "self_reliant", "randomised", and the first with a
    hidden trait or with thin overlap; and published designs), ``n_rows``, ``seed``, ``estimator``, ``outcome`` (that of
    the market, or the sellers' placebo, of which every target is zero), ``estimand``, ``value``, ``std_error``,
    ``lower``, ``upper``, ``target``, ``seconds`` of the processor where they were taken, and ``caution``, whether the
    estimate gave one. With ``outcome``, the answers about that one alone. All methods that learn used the same
    learners, but for "DML by lines, average effect".
    ``tests/benchmarks/arena.py`` wrote it; :func:`tutorial_pkg.scoreboard.record` makes a table of it.

    Examples
    --------
    >>> int(load_arena().groupby("market")["seed"].nunique()["proactive"])
    100
    """
    arena = pd.read_parquet(data_folder() / "arena.parquet")
    if outcome is None:
        return arena
    if outcome not in (known := arena["outcome"].unique()):
        raise ValueError(f"The arena has no outcome {outcome!r}; choose one of {', '.join(known)}.")
    return arena[arena["outcome"] == outcome]


def load_acic() -> pd.DataFrame:
    """What ten data sets of the ACIC 2016 competition say, which others made, from a file beside the data.

    One row an answer, as :func:`load_arena` has them: ``market``, ``n_rows``, ``seed`` (the data set, 1 to 10),
    ``estimator``, ``estimand`` (ATT or ATE), ``value``, ``std_error``, ``lower``, ``upper``, ``target`` (the average of
    these rows' conditional effects), ``seconds`` and ``caution``; in standard deviations of the outcome.
    ``tests/benchmarks/acic.py`` wrote it.

    Examples
    --------
    >>> load_acic()["seed"].nunique()
    10
    """
    return pd.read_parquet(data_folder() / "acic.parquet")


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
    found = pd.read_parquet(data_folder() / "learner_comparison.parquet")
    found["estimator"] = pd.Categorical(found["estimator"], _PAIRS, ordered=True)
    return found.sort_values(["market", "n_rows", "estimator", "seed"], ignore_index=True)


def load_cate_markets(about: str) -> pd.DataFrame:
    """What models of the effect, policies and checks did in 30 simulated markets, from a file beside the data.

    They were fitted to one half of a market's sellers and judged on the other; ``data/README.md`` says more, and
    ``tests/benchmarks/cate_markets.py`` wrote it.

    Parameters
    ----------
    about : {"model", "choice", "against nobody", "against status quo", "no effect"}
        Errors of models; what :func:`tutorial_pkg.cate_choice.choose_cate` chose; values of policies, in dollars a row;
        checks where following has no effect on anyone.

    Returns
    -------
    DataFrame
        A row a market, named by its seed; columns (measure, name).

    Examples
    --------
    >>> load_cate_markets("model")["pehe"].shape[0]
    30
    """
    rows = pd.read_parquet(data_folder() / "cate_markets.parquet")
    known = list(rows["about"].unique())
    if about not in known:
        raise ValueError(f"about={about!r} is not known; choose one of {', '.join(known)}.")
    return rows[rows["about"] == about].pivot_table("value", "seed", ["measure", "name"], sort=False)


def load_known_studies() -> pd.DataFrame:
    """What two real studies with a known answer say over ten sample splits, from a file beside the data.

    One row an answer: ``study`` ("LaLonde, CPS", "LaLonde, PSID", both with ", placebo" for the earnings of 1975, and
    "NHEFS"), ``sample`` ("all", or "comparable": the rows with a propensity between 0.1 and 0.9, fitted again),
    ``learners``, ``seed`` of the folds, ``estimand``, ``value``, ``std_error``, ``lower``, ``upper``, ``n_rows``,
    ``treated`` and ``caution``. ``tests/benchmarks/known_studies.py`` wrote it.

    Examples
    --------
    >>> load_known_studies()["seed"].nunique()
    10
    """
    return pd.read_parquet(data_folder() / "known_studies.parquet")


def load_cards() -> pd.DataFrame:
    """What cards would have promised in sixty simulated markets, and what was true, from a file beside the data.

    One row a group of products and market: ``label``, ``value``, ``std_error``, ``lower`` and ``upper`` as estimated,
    "shrunken value", "shrunken lower", "shrunken upper", ``truth``, ``rows`` and ``seed``.
    ``tests/benchmarks/cards.py`` wrote it.

    Examples
    --------
    >>> load_cards()["seed"].nunique()
    60
    """
    return pd.read_parquet(data_folder() / "cards.parquet")


def load_monitoring() -> pd.DataFrame:
    """How often ways of watching an effect cried wolf in simulated years, from a file beside the data.

    One row a year and way: ``way``, ``errors`` ("by seller" or "by row"), ``world`` ("new sellers" each week or the "same
    sellers"), ``shift`` of the effect in week 27, in standard errors of a week, and ``week``, that of the first alarm (since
    the change, where there is one), missing without any. ``tests/benchmarks/monitoring.py`` wrote it.

    Examples
    --------
    >>> load_monitoring()["seed"].nunique()
    500
    """
    return pd.read_parquet(data_folder() / "monitoring.parquet")


def load_recommendations(part: str) -> pd.DataFrame:
    """What three recommendations did to three outcomes in many simulated markets, from a file beside the data.

    2,000 rows a recommendation and market, by lines. One row an answer: ``seed``, ``name``, ``outcome``, ``value``,
    ``std_error``, ``lower``, ``upper`` and ``truth``, that of the population.
    ``tests/benchmarks/recommendations.py`` wrote it.

    Parameters
    ----------
    part : {"nine effects", "nine differences", "ads less deal"}
        The effects on those who followed, and the differences in means, by recommendation (``name``), with the limits
        of intervals for all nine, ``lower at once`` and ``upper at once``; or sponsored ads less outlet deals, compared
        in four ways (``name``), whose own targets are in ``truth`` and the difference on the deals' rows in
        ``same rows``.

    Examples
    --------
    >>> len(load_recommendations("nine effects").query("seed == 3000"))
    9
    """
    rows = pd.read_parquet(data_folder() / "recommendations.parquet")
    known = list(rows["part"].unique())
    if part not in known:
        raise ValueError(f"part={part!r} is not known; choose one of {', '.join(known)}.")
    return rows[rows["part"] == part].drop(columns="part").dropna(axis=1, how="all").reset_index(drop=True)


def load_checks() -> pd.DataFrame:
    """What the checks said of many simulated studies, sound ones and broken ones, from a file beside the data.

    One row a study of 2,000 rows: ``case`` (three kinds beginning with "sound", and five ways to be broken), ``seed``,
    ``sound``, ``error``, that of the ATE in its standard errors, ``trial``, whether the limits of the grades had been set
    with this study in view, and for each check its grade; also what each check measured, as "check: measure".
    "permuted treatment" and "stability over splits" are graded in some studies of each case only.
    ``tests/benchmarks/checks.py`` wrote it.

    Examples
    --------
    >>> float((load_checks().query("case == 'hidden trait'")["placebo"] != "fine").mean())
    1.0
    """
    rows = pd.read_parquet(data_folder() / "checks.parquet")
    rows["sound"] = rows["case"].str.startswith("sound")
    rows["error"] = (rows["value"] - rows["target"]) / rows["std_error"]
    for name, limits in LIMITS.items():
        columns = {f"{name}: {measure}": measure for measure in limits}
        if set(columns) <= set(rows):
            seen = rows[list(columns)].rename(columns=columns).dropna()
            found = pd.Series({row: graded(name, measures) for row, measures in seen.to_dict("index").items()})
            rows[name] = pd.Categorical(found.reindex(rows.index), GRADES, ordered=True)
    return rows


def load_cluster_memory() -> pd.DataFrame:
    """Peak memory of the same folds and trees in one process and on two workers of a cluster, from a file beside the data.

    One row a size and ``way`` ("one process", "two workers"): ``rows``, ``covariates_mb``, the size of the covariates in
    single precision, ``peak_mb`` of the process or of the worker that needed more, and ``seconds``; without rows, the
    libraries alone. ``tests/benchmarks/cluster_memory.py`` wrote it.

    Examples
    --------
    >>> int(load_cluster_memory()["rows"].max())
    800000
    """
    return pd.read_parquet(data_folder() / "cluster_memory.parquet")
