"""What only a simulation knows, and what can be judged against it: bias taken apart, nuisances, CATE models, policies."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.stats import spearmanr

from tutorial_pkg.data import CausalData
from tutorial_pkg.nuisance import NUISANCES, Nuisances
from tutorial_pkg.policy import DECISIONS, marked_rows

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Targets:
    """The four average effects, in outcome units per recommendation, with their Monte Carlo errors.

    ``plr`` is the overlap-weighted effect E[m(1-m)tau] / E[m(1-m)], the target of residual on residual; ``share``
    is that of the rows that follow, E[m].
    """

    ate: float
    att: float
    atc: float
    plr: float
    share: float = np.nan
    errors: dict[str, float] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Truth:
    """What only a simulation knows.

    The arrays hold one value a row: ``cate`` = E[Y1 - Y0 | X], ``propensity`` = P(D = 1 | X),
    ``outcome_control`` = E[Y0 | X], ``outcome_treated`` = E[Y1 | X], and the two potential outcomes that
    were drawn, ``observed_control`` and ``observed_treated``. ``ate``, ``att``, ``atc`` and ``plr`` are the
    population's, which is what a confidence interval promises to cover; ``sample`` holds those of the rows.
    ``population_targets`` computes the former, and must survive pickling.
    """

    outcome: str
    treatment: NDArray[np.int8]
    propensity: Array
    outcome_control: Array
    outcome_treated: Array
    observed_control: Array
    observed_treated: Array
    population_targets: Callable[[], Targets] | None = field(default=None, repr=False)
    hidden_trait: NDArray[np.int8] | None = None

    @property
    def cate(self) -> Array:
        """E[Y1 - Y0 | X] of each row, after the link."""
        return self.outcome_treated - self.outcome_control

    @property
    def outcome_mean(self) -> Array:
        """E[Y | X] of each row, which the best forecast says that does not know the treatment."""
        return self.outcome_control + self.propensity * self.cate

    @cached_property
    def population(self) -> Targets:
        """The population's average effects, with Monte Carlo errors; computed when first asked for."""
        if self.population_targets is None:
            raise ValueError("This truth knows only its own rows; use truth.sample for their average effects.")
        return self.population_targets()

    @cached_property
    def sample(self) -> Targets:
        """The same averages over the rows of this sample, of the conditional effects."""
        return targets_of(self.cate, self.propensity, self.treatment == 1)

    @property
    def ate(self) -> float:
        """E[Y1 - Y0] in the population."""
        return self.population.ate

    @property
    def att(self) -> float:
        """E[Y1 - Y0 | D = 1] in the population."""
        return self.population.att

    @property
    def atc(self) -> float:
        """E[Y1 - Y0 | D = 0] in the population."""
        return self.population.atc

    @property
    def plr(self) -> float:
        """E[m(1-m)tau] / E[m(1-m)] in the population."""
        return self.population.plr

    def decisions(self) -> pd.Series:
        """What the decisions of :func:`tutorial_pkg.policy.decisions` truly bring in the population, outcome units."""
        p = self.population.share
        return pd.Series([self.ate, self.att, p * self.att, (1 - p) * self.atc], index=list(DECISIONS))

    def take(self, rows: NDArray[np.int64]) -> "Truth":
        """The truth about some of the rows, by position or as a mask; the population stays what it is."""
        arrays = {name: part[rows] for name, part in vars(self).items() if isinstance(part, np.ndarray)}
        return replace(self, **arrays)  # type: ignore[arg-type]

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


def targets_of(cate: Array, propensity: Array, treated: NDArray[np.bool_] | None) -> Targets:
    """Averages of the conditional effect; with ``treated`` the ATT and ATC are those of the drawn arms.

    Without, they are weighted by the propensity, and come with errors from 200 blocks of rows.
    """
    m = propensity if treated is None else treated.astype(float)
    weights = {"ate": np.ones_like(cate), "att": m, "atc": 1 - m, "plr": propensity * (1 - propensity)}
    value = {name: float(np.average(cate, weights=w)) if w.any() else np.nan for name, w in weights.items()}
    errors = {}
    for name, w in weights.items() if treated is None else ():
        influence = w * (cate - value[name]) / w.mean()
        blocks = [block.mean() for block in np.array_split(influence, 200)]
        errors[name] = float(np.std(blocks, ddof=1) / np.sqrt(len(blocks)))
    return Targets(value["ate"], value["att"], value["atc"], value["plr"], float(m.mean()), errors)


def decompose_bias(data: CausalData, truth: Truth) -> pd.Series:
    """The naive difference as a sum of three parts, exact in the sample of drawn potential outcomes.

    naive = ATE + (E[Y0|D=1] - E[Y0|D=0]) + (1 - p)(ATT - ATC), every mean over the sample's rows, in outcome
    units: the effect, the selection bias, and the part due to who responds more.
    """
    if truth.outcome != data.outcome:
        raise ValueError(
            f"The truth is about {truth.outcome!r} and the data name {data.outcome!r} as outcome; take both from "
            "one sample, for instance sample.for_outcome(...)."
        )
    d, y0, y1 = data.d == 1, truth.observed_control, truth.observed_treated
    gain = y1 - y0
    att, atc = gain[d].mean(), gain[~d].mean()
    parts = {
        "ATE": gain.mean(),
        "selection bias": y0[d].mean() - y0[~d].mean(),
        "(1 - p)(ATT - ATC)": (1 - d.mean()) * (att - atc),
        "naive difference": data.y[d].mean() - data.y[~d].mean(),
    }
    return pd.Series(parts, name=data.words.outcome)


def evaluate_nuisances(nuisances: Nuisances, truth: Truth) -> pd.DataFrame:
    """Root mean squared distance of each nuisance's predictions from the true function.

    In outcome units, for the propensity in probability; over all rows, the untreated and the treated, in columns so
    called. Losses are measured on one arm, and estimands may ask about the other.
    """
    true = {name: truth.outcome_mean if name == "outcome" else getattr(truth, name) for name in NUISANCES}
    squares = {name: (getattr(nuisances, name).mean(axis=1) - true[name]) ** 2 for name in NUISANCES}
    d = truth.treatment
    arms = {"all rows": d >= 0, "untreated": d == 0, "treated": d == 1}
    return pd.DataFrame({arm: {n: np.sqrt(s[rows].mean()) for n, s in squares.items()} for arm, rows in arms.items()})


def evaluate_cate(
    effect: ArrayLike, truth: Truth, interval: pd.DataFrame | None = None, n_bands: int = 4
) -> tuple[pd.Series, pd.DataFrame]:
    """How close a model's effects are to the true ones.

    Parameters
    ----------
    effect : array (n_rows,)
        Estimated effect of each of the truth's rows, in outcome units.
    truth : Truth
    interval : DataFrame, optional
        Columns ``lower`` and ``upper``, a row each.
    n_bands : int
        Equal-sized bands of the true propensity in which coverage is told apart.

    Returns
    -------
    measures : Series
        ``pehe``: root mean squared error of the effects, outcome units; ``pehe of a constant``: that of the
        true mean effect, which is the spread of the true effects; ``relative pehe``: their ratio, below one
        when the model beats a constant; ``calibration slope`` of truth on estimate; ``rank correlation``.
    coverage : DataFrame
        By band of the true propensity: rows, pehe and, with intervals, the share that covers the truth.

    Notes
    -----
    ``truth.cate`` is the effect given all covariates, a model's effect and interval are about the effect given
    the effect modifiers. Where other covariates move the effect as well, even a perfect model has a ``pehe``
    above zero, and its intervals cover ``truth.cate`` less often than they promise for their own target.
    """
    tau, estimated = truth.cate, np.asarray(effect, dtype=float)
    if estimated.shape != tau.shape:
        raise ValueError(f"effect has {estimated.size:,} values and the truth {tau.size:,} rows; pass one a row.")
    if interval is not None and not (len(interval) == tau.size and {"lower", "upper"} <= set(interval.columns)):
        raise ValueError(
            f"interval needs columns lower and upper and {tau.size:,} rows; pass one of CateModel.interval."
        )
    pehe, spread = np.sqrt(np.mean((estimated - tau) ** 2)), tau.std()
    varies = np.ptp(estimated) > 0
    measures = {
        "pehe": pehe,
        "pehe of a constant": spread,
        "relative pehe": pehe / spread,
        "calibration slope": np.cov(tau, estimated)[0, 1] / estimated.var(ddof=1) if varies else np.nan,
        "rank correlation": spearmanr(tau, estimated).statistic if varies else np.nan,
    }
    rows = pd.DataFrame({"squared": (estimated - tau) ** 2})
    if interval is not None:
        rows["covers"] = (interval["lower"].to_numpy() <= tau) & (tau <= interval["upper"].to_numpy())
    bands = rows.groupby(pd.qcut(truth.propensity, n_bands, duplicates="drop"), observed=True)
    table = pd.DataFrame({"rows": bands.size(), "pehe": np.sqrt(bands["squared"].mean())})
    if interval is not None:
        table["coverage"] = bands["covers"].mean()
    return pd.Series(measures), table.rename_axis("propensity")


def offer_value(truth: Truth, offered: ArrayLike, cost: float, value_per_unit: float = 1.0) -> float:
    """True :func:`tutorial_pkg.policy.offer_value` on the truth's rows, in money a row."""
    added = value_per_unit * (1 - truth.propensity) * truth.cate - cost
    return float(np.mean(marked_rows(offered, added.size) * added))


def policy_value(truth: Truth, treat: ArrayLike, cost: float = 0.0, value_per_unit: float = 1.0) -> float:
    """True :func:`tutorial_pkg.policy.policy_value` against nobody on the truth's rows, in money a row."""
    gain = value_per_unit * truth.cate - cost
    return float(np.mean(marked_rows(treat, gain.size) * gain))


def policy_regret(truth: Truth, treat: ArrayLike, cost: float = 0.0, value_per_unit: float = 1.0) -> pd.Series:
    """True value of a policy on the truth's rows, of the best possible one, and what is lost between them.

    Arguments as in :func:`tutorial_pkg.policy.policy_value`. In money a row; ``share of optimum`` is the policy's
    value over the optimum's.
    """
    value = policy_value(truth, treat, cost, value_per_unit)
    optimum = float(np.mean(np.maximum(value_per_unit * truth.cate - cost, 0.0)))
    share = value / optimum if optimum > 0 else np.nan
    return pd.Series({"value": value, "optimum": optimum, "regret": optimum - value, "share of optimum": share})
