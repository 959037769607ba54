"""A whole study of one table from one fit: the effect in units, per cent and money, checks, groups, and what may be said."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from tutorial_pkg import diagnostics, report, sensitivity, wording
from tutorial_pkg.archive import provenance
from tutorial_pkg.check import GRADES, Check, Grade, summarise
from tutorial_pkg.crossfitting import cross_fit
from tutorial_pkg.data import CausalData
from tutorial_pkg.display import paragraph
from tutorial_pkg.effects import AVERAGES, estimate_gate, estimate_percent
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.groups import coarse_labels
from tutorial_pkg.learners import Learners
from tutorial_pkg.naive import difference_in_means
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.plots.study import plot_arms, plot_estimates
from tutorial_pkg.roles import Prepared
from tutorial_pkg.weighting import Estimand, usual_clipping
from tutorial_pkg.words import Words


@dataclass(frozen=True, eq=False)
class Study:
    """What one fit says of one table.

    ``effect`` is the answer in the outcome's unit, ``percent`` the same in per cent of what would have been without
    treatment (None where that is not clearly above zero), ``money`` the same in money (None without a price). ``naive``
    is the difference of means, ``averages`` ATE, ATT and ATC, ``groups`` the effects within each column that was asked
    for, and ``sizes`` the rows of each group. ``checks`` are graded; ``hidden`` says what an unrecorded
    confounder could do, with the limits that belong to 95% intervals (None for the ATC, of which there are no bounds).
    """

    nuisances: Nuisances = field(repr=False)
    effect: Estimate
    percent: Estimate | None
    money: Estimate | None
    naive: Estimate
    averages: Estimates
    groups: Mapping[str, Estimates]
    sizes: Mapping[str, pd.Series] = field(repr=False)
    checks: tuple[Check, ...]
    hidden: pd.Series | None
    prepared: Prepared | None = None
    settings: Mapping[str, object] = field(default_factory=dict)

    @property
    def data(self) -> CausalData:
        """The rows and roles."""
        return self.nuisances.data

    @property
    def grade(self) -> Grade:
        """The worst of the checks' grades."""
        return max((c.grade for c in self.checks if c.grade), key=GRADES.index, default="fine")

    @property
    def may_be_said(self) -> list[str]:
        """Sentences that the study supports; none when a check says stop, or the rows do not carry the question."""
        robustness = None if self.hidden is None else float(self.hidden["robustness value, limit"])
        also = {" of what it would have been": self.percent, "": self.money}
        return wording.may_be_said(self.effect, also, self.checks, self.data, robustness)

    @property
    def may_not_be_said(self) -> list[str]:
        """What readers might take from the study and must not, with the reason."""
        left_out = {} if self.prepared is None else self.prepared.left_out["why"].to_dict()
        chances = {column: self.chance(column) for column in self.groups}
        return wording.may_not_be_said(self.effect, self.naive, self.averages, self.checks, left_out, chances)

    def bands(self, column: str) -> pd.DataFrame:
        """Effects of a column's groups with 95% intervals that hold for all groups at once: value, lower, upper."""
        found = self.groups[column]
        return found.simultaneous() if len(found) > 1 else found.tidy().set_index("label")[["value", "lower", "upper"]]

    def chance(self, column: str) -> float | None:
        """The probability that groups of equal effects differ as much as those seen; None where it cannot be told."""
        found = self.groups[column]
        n = self.data.n_rows if self.data.clusters is None else int(self.data.clusters.max()) + 1
        return float(found.test_equal()["p_value"]) if 1 < len(found) < n / 2 else None

    def tidy(self) -> pd.DataFrame:
        """Everything in one table for a spreadsheet: part, name, estimand, unit, value, lower, upper, grade, note.

        Intervals are 95%, those of groups simultaneous within a column.
        """
        rows = [_row("effect", self.effect), _row("naive", self.naive)]
        rows += [_row(part, e) for part, e in (("per cent", self.percent), ("money", self.money)) if e is not None]
        rows += [_row("average", e) for e in self.averages]
        for column in self.groups:
            about = {"part": f"by {column}", "estimand": "GATE", "unit": self.effect.words.unit}
            rows += [{**about, "name": name, **ends} for name, ends in self.bands(column).to_dict("index").items()]
        rows += [{"part": "check", "name": c.name, "grade": c.grade or "", "note": c.sentence} for c in self.checks]
        columns = ["part", "name", "estimand", "unit", "value", "lower", "upper", "grade", "note"]
        return pd.DataFrame(rows).reindex(columns=columns)

    def to_html(self, path: "str | Path") -> Path:
        """Write the study as one page that needs no other file and no network; see :mod:`tutorial_pkg.report`."""
        return report.write_page(_page(self), path)

    def __repr__(self) -> str:
        lines = [repr(self.effect), *(repr(e) for e in (self.percent, self.money) if e is not None)]
        lines += [f"difference in means: {self.naive.value:.4g}", *map(repr, self.checks)]
        lines += [f"May be said: {text}" for text in self.may_be_said]
        return "\n".join([*lines, *(f"May not be said: {text}" for text in self.may_not_be_said)])

    def _repr_html_(self) -> str:
        answers = [e for e in (self.effect, self.percent, self.money) if e is not None]
        html = "".join(e._repr_html_() for e in [*answers, self.naive]) + summarise(self.checks)._repr_html_()
        html += "".join(paragraph("May be said", f": {text}") for text in self.may_be_said)
        return html + "".join(paragraph("May not be said", f": {text}") for text in self.may_not_be_said)


def study(
    data: "CausalData | Prepared",
    *,
    estimand: Estimand = "ATT",
    groups: Sequence[str] = (),
    price: float | None = None,
    currency: str = "USD",
    placebo_outcome: str | None = None,
    placebo_decision: str | None = None,
    suspects: Sequence[str] = (),
    learners: Learners | None = None,
    n_folds: int = 5,
    n_repeats: int = 1,
    seed: int = 0,
    n_jobs: int = -1,
    progress: bool | None = None,
) -> Study:
    """Ask everything of one fit: effects, naive comparison, checks, groups, and what a hidden confounder could do.

    Parameters
    ----------
    data : CausalData or Prepared
        The table with its roles; :func:`tutorial_pkg.roles.prepare` makes them of a table that nobody has cleaned.
    estimand : {"ATT", "ATE", "ATC"}
        Whom the answer is about: those who were treated, everyone, or those who were not.
    groups : sequence of str
        Columns within whose values the effect is estimated, one at a time; numbers are cut into thirds.
    price : float, optional
        What one unit of the outcome is worth, in ``currency``. Only where the treatment changes neither price nor cost of
        what would have been sold anyway: the effect of a discount is studied on the revenue, not on units.
    placebo_outcome, placebo_decision, suspects
        As in :func:`tutorial_pkg.diagnostics.all_checks`.
    learners, n_folds, n_repeats, seed, n_jobs, progress
        As in :func:`tutorial_pkg.crossfitting.cross_fit`.

    Raises
    ------
    ValueError
        When a column is not in the table, before anything is fitted.

    Examples
    --------
    >>> from tutorial_pkg.datasets import load_nhefs
    >>> from tutorial_pkg.learners import linear
    >>> found = study(load_nhefs().data, estimand="ATE", learners=linear(), progress=False)
    >>> 2.5 < found.effect.value < 4.5
    True
    """
    prepared = data if isinstance(data, Prepared) else None
    table = data.data if isinstance(data, Prepared) else data
    if estimand not in AVERAGES:
        raise ValueError(f"estimand={estimand!r} is not known; choose one of {', '.join(AVERAGES)}.")
    asked = [("group", g) for g in groups] + [("suspect", s) for s in suspects]
    asked += [(r, c) for r, c in (("placebo outcome", placebo_outcome), ("placebo decision", placebo_decision)) if c]
    for role, name in asked:
        if name not in table.frame.columns:
            raise ValueError(f"The {role} column {name!r} is not in the table; check its spelling.")
    if price is not None and not (np.isfinite(price) and price > 0):
        raise ValueError(f"price={price!r} is not a positive amount of {currency} a unit of the outcome.")
    labels = {name: coarse_labels(table, name) for name in groups}
    if placebo_outcome is not None:
        _not_a_covariate(table, placebo_outcome)
        table.with_outcome(placebo_outcome)  # refused here, if it cannot be one
    if placebo_decision is not None:
        _not_a_covariate(table, placebo_decision)
        replace(table, treatment=placebo_decision, treated=None)
    settings: dict[str, Any] = {"n_folds": n_folds, "n_repeats": n_repeats, "seed": seed}
    nuisances = cross_fit(table, learners, n_jobs=n_jobs, progress=progress, **settings)
    m = nuisances.propensity.mean(axis=1)
    clips = {name: usual_clipping(table.d, m, name) for name in AVERAGES}
    averages = {name: average(nuisances, clipping=clips[name]) for name, average in AVERAGES.items()}
    effect = averages[estimand]
    about: dict[str, Any] = {"estimand": estimand, "clipping": clips[estimand]}
    return Study(
        nuisances,
        effect,
        _percent(nuisances, **about),
        None if price is None else _times(effect, price, currency),
        difference_in_means(table),
        Estimates(averages.values()),
        {name: estimate_gate(nuisances, label) for name, label in labels.items()},
        {name: label.value_counts() for name, label in labels.items()},
        tuple(diagnostics.all_checks(nuisances, placebo_outcome, placebo_decision, suspects, **about)),
        None if estimand == "ATC" else sensitivity.bounds(nuisances, level=0.975, **about),
        prepared,
        {**about, **settings},
    )


def _percent(nuisances: Nuisances, estimand: Estimand, clipping: float) -> Estimate | None:
    """In per cent of what would have been, where that is an amount."""
    y = nuisances.data.y
    if y.min() < 0 or set(np.unique(y)) <= {0.0, 1.0}:  # of profits and losses, and of shares, per cents mislead
        return None
    try:
        found = estimate_percent(nuisances, estimand, clipping)
    except ValueError:  # nothing to take a share of
        return None
    return replace(found, words=replace(found.words, unit="%"))


def _times(effect: Estimate, price: float, currency: str) -> Estimate:
    """The effect in money."""
    words = Words(effect.words.treatment, f"{effect.words.outcome}, in {currency}", currency)
    influence = None if effect.influence is None else effect.influence * price
    splits = tuple(_times(split, price, currency) for split in effect.splits)
    value, error = effect.value * price, effect.std_error * price
    return replace(effect, value=value, std_error=error, influence=influence, words=words, splits=splits)


def _not_a_covariate(table: CausalData, name: str) -> None:
    if name in table.covariates:
        raise ValueError(f"The placebo {name!r} is among the covariates; exclude it from them.")


def _row(part: str, estimate: Estimate) -> dict[str, object]:
    lower, upper = estimate.conf_int()
    facts = {"part": part, "name": estimate.name, "estimand": estimate.estimand, "unit": estimate.words.unit}
    return {**facts, "value": estimate.value, "lower": lower, "upper": upper, "note": estimate.caution or ""}


_ADDRESS = re.compile(" at 0x[0-9a-f]+")  # where a function lay in memory


# --- the page -------------------------------------------------------------------------------------------


def _page(study: Study) -> dict[str, Any]:
    """What the page shows, as text and numbers in words."""
    data, words = study.data, study.effect.words
    answers = {
        "difference of means, naive": study.naive,
        f"effect on {wording.WHOM[study.effect.estimand]}": study.effect,
    }
    answers |= {"the same, of what would have been": study.percent} if study.percent else {}
    answers |= {f"the same in {study.money.words.unit}": study.money} if study.money else {}
    compared = {"difference of means": study.naive, **{wording.WHOM[e.estimand]: e for e in study.averages}}
    propensity = study.nuisances.propensity.mean(axis=1)
    label = f"how likely to be {data.arms[1]}"
    medians = " and ".join(f"{np.median(propensity[data.d == k]):.2f} ({data.arms[k]})" for k in (0, 1))
    columns = study.prepared.left_out if study.prepared is not None else None
    return {
        "question": f"What did {words.treatment} do to {words.outcome}?",
        "n_rows": f"{data.n_rows:,}",
        "n_clusters": f"{data.clusters.max() + 1:,}" if data.clusters is not None else "",
        "cluster": data.cluster or "",
        "treated": f"{data.d.sum():,}",
        "arms": data.arms,
        "whom": wording.WHOM[study.effect.estimand],
        "unit": words.unit,
        "grade": study.grade,
        "may": study.may_be_said,
        "may_not": study.may_not_be_said,
        "answers": [report.row(what, estimate) for what, estimate in answers.items()],
        "figures": {
            "answers": report.figure(lambda ax: plot_estimates(Estimates(compared), ax=ax)),
            "overlap": report.figure(lambda ax: plot_arms(propensity, data.arm, label, ax=ax)),
        },
        "alts": {
            "answers": "; ".join(
                "{what}: {value} ({interval})".format(**report.row(*pair)) for pair in compared.items()
            ),
            "overlap": f"Distribution of the propensity in both arms: medians {medians}.",
        },
        "checks": study.checks,
        "hidden": wording.unrecorded(study.hidden),
        "groups": [report.group(c, study.bands(c), study.sizes[c], study.chance(c)) for c in study.groups],
        "outcome": words.outcome_in_unit,
        "treatment": words.treatment,
        "n_covariates": len(data.covariates),
        "covariates": data.covariates,
        "dropped": study.prepared.rows if study.prepared is not None else (),
        "left_out": [] if columns is None else [{"name": n, "why": w} for n, w in columns["why"].items()],
        "learned": {name.replace("_", " "): _ADDRESS.sub("", str(how)) for name, how in study.nuisances.chosen.items()},
        "made": provenance(**study.settings),
    }
