"""Can the estimate be trusted? Rows, models and placebos, each looked at by a check of its own, and all in one call.

Each function returns a :class:`tutorial_pkg.check.Check`. A check that finds nothing does not prove that all confounders
were recorded; for that see :mod:`tutorial_pkg.sensitivity`.
"""

from tutorial_pkg.check import Check
from tutorial_pkg.diagnostics.models import nuisance_quality, score_moments, stability
from tutorial_pkg.diagnostics.placebos import permuted, placebo, placebo_treatment, without
from tutorial_pkg.diagnostics.rows import balance, leverage, overlap
from tutorial_pkg.nuisance import Nuisances

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


def all_checks(nuisances: Nuisances, placebo_outcome: str | None = None) -> list[Check]:
    """The checks that cost nothing, and the placebo where an outcome for it is named."""
    checks = [overlap(nuisances), balance(nuisances), nuisance_quality(nuisances), leverage(nuisances)]
    if nuisances.n_repeats > 1:
        checks.append(stability(nuisances))
    if placebo_outcome is not None:
        checks.append(placebo(nuisances, placebo_outcome))
    return checks
