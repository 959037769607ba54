"""A whole study of one table from one fit: the effect in units, per cent and money, checks, groups, and what may be said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd

from tutorial_pkg import diagnostics, sensitivity
from tutorial_pkg.check import GRADES, Check, Grade, summarise
from tutorial_pkg.crossfitting import cross_fit
from tutorial_pkg.data import CausalData
from tutorial_pkg.display import paragraph
from tutorial_pkg.effects import estimate_atc, estimate_ate, estimate_att, estimate_gate, estimate_percent
from tutorial_pkg.encoding import is_categorical
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.learners import Learners
from tutorial_pkg.naive import difference_in_means
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.tables import Prepared
from tutorial_pkg.words import Words

Estimand = Literal["ATE", "ATT", "ATC"]
_AVERAGES = {"ATE": estimate_ate, "ATT": estimate_att, "ATC": estimate_atc}
WHOM = {"ATE": "everyone in the table", "ATT": "those who were treated", "ATC": "those who were not treated"}
"""Whom each average is about, in words."""


@dataclass(frozen=True, eq=False)
class Study:
    """What one fit says of one table.

    ``effect`` is the answer in the outcome's unit, ``percent`` the same in per cent of what would have been without
    treatment (None where that is not clearly above zero), ``money`` the same in money (None without a price). ``naive``
    is the difference of means, ``averages`` ATE, ATT and ATC, ``groups`` the effects within each column that was asked
    for, and ``sizes`` the rows of each group. ``checks`` are graded; ``hidden`` says what an unrecorded confounder could do.
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
    hidden: pd.Series
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
        """Sentences that the study supports; none when a check says stop."""
        return [] if self.grade == "stop" else _supported(self)

    @property
    def may_not_be_said(self) -> list[str]:
        """What readers might take from the study and must not, with the reason."""
        return _refused(self)

    def bands(self, column: str) -> pd.DataFrame:
        """Effects of a column's groups with 95% intervals that hold for all groups at once: value, lower, upper."""
        found = self.groups[column]
        return found.simultaneous() if len(found) > 1 else found.tidy().set_index("label")[["value", "lower", "upper"]]

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
        from tutorial_pkg.report import write_page

        return write_page(self, path)

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
        The table with its roles; :func:`tutorial_pkg.tables.prepare` makes them of a table that nobody has cleaned.
    estimand : {"ATT", "ATE", "ATC"}
        Whom the answer is about: those who were treated, everyone, or those who were not.
    groups : sequence of str
        Columns within whose values the effect is estimated, one at a time; numbers are cut into thirds.
    price : float, optional
        What one unit of the outcome is worth, in ``currency``.
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
    if estimand not in _AVERAGES:
        raise ValueError(f"estimand={estimand!r} is not known; choose one of {', '.join(_AVERAGES)}.")
    asked = [("group", g) for g in groups] + [("suspect", s) for s in suspects]
    asked += [(r, c) for r, c in (("placebo outcome", placebo_outcome), ("placebo decision", placebo_decision)) if c]
    for role, name in asked:
        if name not in table.frame.columns:
            raise ValueError(f"The {role} column {name!r} is not in the table; check its spelling.")
    if price is not None and not (np.isfinite(price) and price > 0):
        raise ValueError(f"price={price!r} is not a positive amount of {currency} a unit of the outcome.")
    labels = {name: _labels(table.frame[name]) for name in groups}
    settings: dict[str, Any] = {"n_folds": n_folds, "n_repeats": n_repeats, "seed": seed}
    nuisances = cross_fit(table, learners, n_jobs=n_jobs, progress=progress, **settings)
    effect = _AVERAGES[estimand](nuisances)
    asked_of = "ATE" if estimand == "ATC" else estimand
    return Study(
        nuisances,
        effect,
        _percent(nuisances, estimand),
        None if price is None else _times(effect, price, currency),
        difference_in_means(table),
        Estimates([average(nuisances) for average in _AVERAGES.values()]),
        {name: estimate_gate(nuisances, label) for name, label in labels.items()},
        {name: label.value_counts() for name, label in labels.items()},
        tuple(diagnostics.all_checks(nuisances, placebo_outcome, placebo_decision, suspects)),
        sensitivity.bounds(nuisances, estimand=asked_of),  # type: ignore[arg-type]
        prepared,
        {"estimand": estimand, **settings},
    )


def _percent(nuisances: Nuisances, estimand: Estimand) -> Estimate | None:
    try:
        found = estimate_percent(nuisances, estimand)
    except ValueError:  # nothing to take a share of
        return None
    return replace(found, words=replace(found.words, unit="% of what it would have been"))


def _times(effect: Estimate, price: float, currency: str) -> Estimate:
    """The effect in money."""
    words = Words(effect.words.treatment, f"{effect.words.outcome}, in {currency}", currency)
    influence = None if effect.influence is None else effect.influence * price
    splits = tuple(_times(split, price, currency) for split in effect.splits)
    value, error = effect.value * price, effect.std_error * price
    return replace(effect, value=value, std_error=error, influence=influence, words=words, splits=splits)


def _labels(column: pd.Series) -> pd.Series:
    """Labels of a column's groups: its values, or thirds of its numbers."""
    if is_categorical(column) or column.nunique() <= 6:
        return column.astype(object).where(column.notna(), "missing").astype(str)
    thirds = pd.qcut(column, 3, duplicates="drop")
    ends = {interval: f"{interval.left:.3g} to {interval.right:.3g}" for interval in thirds.cat.categories}
    return thirds.map(ends).astype(object).where(column.notna(), "missing").astype(str)


def _row(part: str, estimate: Estimate) -> dict[str, object]:
    lower, upper = estimate.conf_int()
    facts = {"part": part, "name": estimate.name, "estimand": estimate.estimand, "unit": estimate.words.unit}
    return {**facts, "value": estimate.value, "lower": lower, "upper": upper, "note": estimate.caution or ""}


# --- what may be said -----------------------------------------------------------------------------------


def amount(value: float, unit: str = "") -> str:
    """A number for a sentence: three digits that mean something, thousands separated."""
    digits = 0 if abs(value) >= 100 else 1 if abs(value) >= 10 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def _supported(study: Study) -> list[str]:
    words, whom = study.effect.words, WHOM[study.effect.estimand]
    lower, upper = study.effect.conf_int()
    unit = words.unit or words.outcome
    span = f"between {amount(lower)} and {amount(upper, unit)}"
    condition = "provided that nothing unrecorded drives both the decision and the outcome"
    if lower <= 0 <= upper:
        said = [
            f"For {whom} the effect of {words.treatment} on {words.outcome} lies {span} a row (95% interval), {condition}. "
            "The table does not show whether there is one."
        ]
    else:
        way = "raised" if study.effect.value > 0 else "lowered"
        also = [amount(abs(e.value), e.words.unit) for e in (study.percent, study.money) if e is not None]
        said = [
            f"For {whom}, {words.treatment} {way} {words.outcome} by about {amount(abs(study.effect.value), unit)} a row "
            f"({span}, 95% interval){', or ' + ', or '.join(also) if also else ''}, {condition}."
        ]
        robust = study.hidden["robustness value, limit"]
        said.append(
            f"Something unrecorded would have to explain more than {robust:.0%} of what is left of both the decision and "
            "the outcome before the interval reached zero."
        )
    looks = [c.name for c in study.checks if c.grade == "look"]
    if looks:
        said.append(f"Read first what these checks found: {', '.join(looks)}.")
    return said


def _refused(study: Study) -> list[str]:
    words = study.effect.words
    refused = []
    if stops := [c for c in study.checks if c.grade == "stop"]:
        names = " and ".join(c.name for c in stops)
        refused.append(
            f"Any effect of {words.treatment}: the check of {names} says stop. The number is shown so that it can be found "
            "out why, not to be quoted."
        )
    if study.effect.caution:
        refused.append(f"That the number holds for {WHOM[study.effect.estimand]}: {study.effect.caution}")
    naive = study.naive.value - study.effect.value
    refused.append(
        f"That the difference of means, {amount(study.naive.value, words.unit)}, is the effect: {amount(abs(naive), words.unit)} "
        f"{'of it come' if naive * study.naive.value > 0 else 'were hidden in it that come'} from who was treated."
    )
    others = [WHOM[e.estimand] for e in study.averages if e.estimand != study.effect.estimand]
    refused.append(f"That it would be as much for {' or for '.join(others)}: that is another average.")
    for column in study.groups:
        bands = study.bands(column)
        if len(bands) > 1 and study.groups[column].test_equal()["p_value"] > 0.05:
            refused.append(f"That the effect differs by {column}: the differences seen are within chance.")
    return refused
