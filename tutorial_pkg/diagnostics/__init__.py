"""Can the estimate be trusted? Rows, models and placebos, each looked at by a check of its own, and all in one call.

Each function returns a :class:`tutorial_pkg.check.Check`. A check that finds nothing does not prove that all confounders
were recorded; for that see :mod:`tutorial_pkg.sensitivity`.
"""

from collections.abc import Sequence
from functools import partial

from tutorial_pkg.check import Check
from tutorial_pkg.diagnostics.models import nuisance_quality, score_moments, stability
from tutorial_pkg.diagnostics.placebos import permuted, placebo, placebo_treatment, without
from tutorial_pkg.diagnostics.rows import balance, leverage, overlap
from tutorial_pkg.effects import AVERAGES
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.weighting import CLIPPING, Estimand

__all__ = [
    "all_checks",
    "balance",
    "leverage",
    "nuisance_quality",
    "overlap",
    "permuted",
    "placebo",
    "placebo_treatment",
    "score_moments",
    "stability",
    "without",
]


def all_checks(
    nuisances: Nuisances,
    placebo_outcome: str | None = None,
    placebo_decision: str | None = None,
    suspects: Sequence[str] = (),
    *,
    estimand: Estimand = "ATE",
    clipping: float = CLIPPING,
) -> list[Check]:
    """Every check that one's own table allows, those that say most first.

    Parameters
    ----------
    placebo_outcome : str, optional
        A column that the decision cannot have changed, such as sales of the month before; see :func:`placebo`.
    placebo_decision : str, optional
        A decision that cannot have changed the outcome, such as a later one; see :func:`placebo_treatment`.
    suspects : sequence of str
        Covariates of which it is not certain that they were known before the decision; each is left out once,
        see :func:`without`.
    estimand : {"ATE", "ATT", "ATC"}
        Whom the answer is about; every check is then about the same rows, weights and models.
    clipping : float
        Propensities are moved into [clipping, 1 - clipping].

    The others cost nothing; with several repeats, :func:`stability` is among them. :func:`permuted` is not: it speaks of
    the learners, not of the data.
    """
    average = partial(AVERAGES[estimand], clipping=clipping)
    checks = [placebo(nuisances, placebo_outcome, estimand)] if placebo_outcome is not None else []
    checks += [placebo_treatment(nuisances, placebo_decision, estimand)] if placebo_decision is not None else []
    checks += [without(nuisances, [name], estimand) for name in suspects]
    checks += [check(nuisances, clipping, estimand) for check in (overlap, balance, score_moments)]
    checks += [nuisance_quality(nuisances, estimand), leverage(nuisances, average)]
    return checks + ([stability(nuisances, average)] if nuisances.n_repeats > 1 else [])
