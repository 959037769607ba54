"""What may be said of an effect and what may not, in sentences made by rules; and numbers for sentences."""

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd

from tutorial_pkg.check import Check
from tutorial_pkg.data import CausalData
from tutorial_pkg.estimate import Estimate
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.roles import SUSPICIOUS

WHOM = {"ATE": "everyone in the table", "ATT": "those who were treated", "ATC": "those who were not treated"}
"""Whom each average is about, in words."""

FEW_CLUSTERS = 30
"""With fewer clusters than this, standard errors are too small by more than a little."""


def amount(value: float, unit: str = "", to: float | None = None) -> str:
    """A number for a sentence: two digits after the first that counts, thousands separated; ``to`` sets the scale."""
    size = abs(value if to is None else to)
    digits = int(np.clip(2 - np.floor(np.log10(size)), 0, 8)) if size > 0 else 2
    return f"{value:,.{digits}f} {unit}".rstrip()


def span(estimate: Estimate, turned: bool = False) -> str:
    """The 95% interval in words, with the digits of its wider end; turned for what is said of a decrease."""
    lower, upper = estimate.conf_int()
    ends = (-upper, -lower) if turned else (lower, upper)
    to = max(abs(lower), abs(upper))
    return f"{amount(ends[0], to=to)} to {amount(ends[1], estimate.words.unit, to=to)}"


def may_be_said(
    effect: Estimate,
    also: Mapping[str, Estimate | None],
    checks: Sequence[Check],
    data: CausalData,
    robustness: float | None,
) -> list[str]:
    """Sentences that an estimate supports; none when a check says stop, or the rows do not carry the question.

    Parameters
    ----------
    effect : Estimate
    also : mapping of words to Estimate or None
        The same effect in other units, and what is said behind its number: " of what it would have been".
    checks : sequence of Check
    data : CausalData
        What the effect was estimated on.
    robustness : float, optional
        What something unrecorded would have to explain to bring the interval to zero.
    """
    if effect.caution or any(c.grade == "stop" for c in checks):
        return []
    words, whom, (lower, upper) = effect.words, WHOM[effect.estimand], effect.conf_int()
    condition = "provided that nothing unrecorded drives both the decision and the outcome"
    if lower <= 0 <= upper:
        said = [
            f"For {whom} the effect of {words.treatment} on {words.outcome} lies between {span(effect).replace(' to ', ' and ')} "
            f"a row (95% interval), {condition}. The table does not show whether there is one."
        ]
    else:
        down = effect.value < 0
        more = [
            f", or {amount(abs(e.value), e.words.unit)}{of} ({span(e, down)})"
            for of, e in also.items()
            if e is not None
        ]
        said = [
            f"For {whom}, {words.treatment} {'lowered' if down else 'raised'} {words.outcome} by about "
            f"{amount(abs(effect.value), words.unit)} a row ({span(effect, down)}, 95% interval){''.join(more)}, {condition}."
        ]
        if robustness is not None:
            said.append(
                f"Something unrecorded would have to explain more than {robustness:.0%} of what is left of both the decision "
                "and the outcome before the interval reached zero."
            )
    if not any(c.name == "placebo" for c in checks):
        said.append("No placebo outcome was named, so no check could have seen an unrecorded cause.")
    if looks := [c.name for c in checks if c.grade == "look"]:
        said.append(f"Read first what these checks found: {', '.join(looks)}.")
    n = 0 if data.clusters is None else int(data.clusters.max()) + 1
    if 0 < n < FEW_CLUSTERS:
        said.append(f"The errors rest on {n} values of {data.cluster} only, and may be too small.")
    return said


def may_not_be_said(
    effect: Estimate,
    naive: Estimate,
    averages: Estimates,
    checks: Sequence[Check],
    left_out: Mapping[str, str],
    chances: Mapping[str, float | None],
) -> list[str]:
    """What readers might take from an estimate and must not, with the reason.

    Parameters
    ----------
    effect, naive : Estimate
        The answer, and the difference of means of the same rows.
    averages : Estimates
        The averages of which the answer is one.
    checks : sequence of Check
    left_out : mapping of column to reason
        Columns that are no covariates.
    chances : mapping of column to float or None
        For each column of groups the probability that equal effects differ as much; None where it cannot be told.
    """
    words, refused = effect.words, []
    stops = " and ".join(c.name for c in checks if c.grade == "stop")
    if stops:
        refused.append(
            f"Any effect of {words.treatment}: the check of {stops} says stop. The number is shown so that it can be found "
            "out why, not to be quoted."
        )
    if effect.caution:
        refused.append(f"That the number holds for {WHOM[effect.estimand]}: {effect.caution}")
    difference = f"That the difference of means, {amount(naive.value, words.unit)}, is the effect: "
    gap = naive - effect
    if stops or effect.caution:
        refused.append(f"{difference}this study cannot say how much of it is.")
    elif not gap.covers(0.0):
        side = "above" if gap.value > 0 else "below"
        refused.append(
            f"{difference}it is {amount(abs(gap.value), words.unit)} {side} the estimate ({span(gap, gap.value < 0)}), because "
            "those who were treated differ from the others in more than the treatment."
        )
    others = [WHOM[e.estimand] for e in averages if e.estimand != effect.estimand]
    refused.append(f"That it would be as much for {' or for '.join(others)}: that is another average.")
    for name, why in left_out.items():
        if why in SUSPICIOUS:
            reason = why if why.startswith("separates") else f"is {why}"
            refused.append(f"That nothing is missing among what was held equal: {name} was left out, as it {reason}.")
    for column, p in chances.items():
        if p is None:
            refused.append(f"That the effect differs by {column}: there are too few rows or clusters to tell.")
        elif p > 0.05:
            refused.append(
                f"That the effect is known to differ by {column}: the differences seen could be chance (p = {p:.2f}). Nor that "
                "it is the same."
            )
    return refused


def unrecorded(bounds: pd.Series | None) -> str:
    """What something unrecorded would have to be like, from :func:`tutorial_pkg.sensitivity.bounds`."""
    said = "No check can see what was never recorded."
    if bounds is None:
        return said
    return (
        f"{said} To bring the estimate to zero, something unrecorded would have to explain {bounds['robustness value']:.1%} of what "
        "is left of the outcome and of the decision both, and do its worst; to bring the interval to zero, "
        f"{bounds['robustness value, limit']:.1%}."
    )
