"""The out-of-fold predictions of the outcome and of the decision, kept together: every estimand is read from them."""

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from tutorial_pkg import archive
from tutorial_pkg.data import CausalData
from tutorial_pkg.display import paragraph, show
from tutorial_pkg.folds import Folds, make_folds, take_rows
from tutorial_pkg.learners import Learners
from tutorial_pkg.weighting import checked_propensity, clipped

NUISANCES = {
    "outcome_control": "E[Y | D=0, X]",
    "outcome_treated": "E[Y | D=1, X]",
    "outcome": "E[Y | X]",
    "propensity": "P(D=1 | X)",
}


@dataclass(frozen=True, eq=False)
class Nuisances:
    """Out-of-fold predictions, one column a sample split (repeat); every array is (n_rows, n_repeats).

    ``folds[r]`` lists the (train, test) row positions of repeat r; ``seconds`` is the processor time of each
    nuisance's fits; ``chosen`` is the learner of each, with its settings. ``learners`` is None where the predictions
    were not fitted here but given, or read from a file, which keeps the learners in words alone: see ``chosen``.
    """

    data: CausalData
    learners: Learners | None
    folds: list[Folds] = field(repr=False)
    outcome_control: NDArray[np.float64] = field(repr=False)
    outcome_treated: NDArray[np.float64] = field(repr=False)
    outcome: NDArray[np.float64] = field(repr=False)
    propensity: NDArray[np.float64] = field(repr=False)
    seconds: dict[str, float] = field(repr=False)
    chosen: dict[str, Any] = field(default_factory=dict, repr=False)

    @classmethod
    def given(
        cls,
        data: CausalData,
        outcome_control: NDArray[np.float64],
        outcome_treated: NDArray[np.float64],
        propensity: NDArray[np.float64],
    ) -> "Nuisances":
        """Predictions from elsewhere, out of fold or known, such as the truth of a simulated market; each (n_rows,).

        E[Y | X] follows from them, as m g(1, X) + (1 - m) g(0, X). Each arm needs four rows.

        Raises
        ------
        ValueError
            When there is not one finite number a row, or a propensity is not between 0 and 1.
        """
        arrays = {"outcome_control": outcome_control, "outcome_treated": outcome_treated, "propensity": propensity}
        for name, values in arrays.items():
            if np.shape(values) != (data.n_rows,) or not np.isfinite(values).all():
                raise ValueError(f"{name} needs one finite number for each of the {data.n_rows:,} rows.")
        if not ((propensity > 0) & (propensity < 1)).all():
            raise ValueError("propensity needs probabilities between 0 and 1; clip those at either end.")
        columns = {name: np.array(values, dtype=float)[:, None] for name, values in arrays.items()}
        m = columns["propensity"]
        outcome = m * columns["outcome_treated"] + (1 - m) * columns["outcome_control"]
        folds = make_folds(data, None, n_folds=2, n_repeats=1, seed=0)
        return cls(data, None, folds, outcome=outcome, seconds=dict.fromkeys(NUISANCES, 0.0), chosen={}, **columns)

    @property
    def n_repeats(self) -> int:
        """Number of sample splits."""
        return self.propensity.shape[1]

    def take(self, rows: NDArray[np.int64]) -> "Nuisances":
        """The same predictions for some of the rows, by position or as a mask; each stays out of fold."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        folds = [take_rows(repeat, rows, self.data.n_rows) for repeat in self.folds]
        data = replace(self.data, frame=self.data.frame.iloc[rows])
        return replace(self, data=data, folds=folds, **{name: getattr(self, name)[rows] for name in NUISANCES})

    def save(self, path: "str | Path") -> None:
        """Write the predictions to one file, with folds, seconds, versions, learners in words and a hash of the data.

        A file that was there stays until the new one is complete; no code is pickled. :func:`load_nuisances` reads it.
        """
        chosen = {name: archive.describe(model) for name, model in self.chosen.items()}
        header = {"data": archive.fingerprint(_columns(self.data)), "seconds": self.seconds, "chosen": chosen}
        predictions = {name: getattr(self, name) for name in NUISANCES}
        archive.write_archive(path, header, predictions | archive.pack_splits(self.folds, self.data.n_rows))

    @property
    def losses(self) -> pd.DataFrame:
        """Out-of-fold loss of each nuisance model and of a constant, and the share explained.

        Mean squared error in squared outcome units; log loss in nats for the propensity.
        """
        y, d = self.data.y, self.data.d.astype(float)
        rows = {}
        for name, meaning in NUISANCES.items():
            used = {"outcome_control": d == 0, "outcome_treated": d == 1}.get(name, np.ones(len(d), dtype=bool))
            predicted = getattr(self, name)[used].mean(axis=1)
            if name == "propensity":
                loss, constant = (_log_loss(d, p) for p in (predicted, np.full(len(d), d.mean())))
            else:
                loss, constant = float(np.mean((y[used] - predicted) ** 2)), float(np.var(y[used]))
            rows[name] = {
                "predicts": meaning,
                "loss": loss,
                "constant's loss": constant,
                "share explained": 1 - loss / constant if constant > 0 else np.nan,
                "seconds": self.seconds[name],
            }
        return pd.DataFrame(rows).T.infer_objects()

    def losses_where_used(self, estimand: Literal["ATE", "ATT"], propensity: NDArray | None = None) -> pd.Series:
        """Out-of-fold squared errors of the outcome models, over the rows about which the estimand asks them.

        An outcome model's errors are seen in one arm, and its score asks it about others. Weights carry the errors
        over: for the ATE 1/(1 - m) of the untreated and 1/m of the treated, for the ATT the odds m/(1 - m) of the
        untreated; the ATT asks no model of the treated. In squared outcome units, on the scale of ``losses``.

        ``propensity``, one value a row, is that of these nuisances by default. Learners that are compared need the
        same one, the best at hand; it is moved into [0.01, 0.99].
        """
        if estimand not in ("ATE", "ATT"):
            raise ValueError(f"estimand={estimand!r} is not known; choose ATE or ATT.")
        y, d = self.data.y, self.data.d
        m = clipped(self.propensity.mean(axis=1) if propensity is None else checked_propensity(propensity, len(d)))
        weights = {"outcome_control": (1 - d) / (1 - m) * (1 if estimand == "ATE" else m)}
        if estimand == "ATE":
            weights["outcome_treated"] = d / m
        errors = {name: (y - getattr(self, name).mean(axis=1)) ** 2 for name in weights}
        return pd.Series({name: float(np.average(errors[name], weights=w)) for name, w in weights.items()})

    def __repr__(self) -> str:
        splits = f"{len(self.folds[0])} folds" + (f" x {self.n_repeats} repeats" if self.n_repeats > 1 else "")
        how = "given" if self.learners is None and not self.chosen else f"{splits}, {sum(self.seconds.values()):.1f} s"
        return f"Nuisances of {self.data.outcome} and {self.data.treatment}, {how}"

    def _repr_html_(self) -> str:
        html = paragraph("Nuisances", repr(self).removeprefix("Nuisances")) + show(self.losses, 3)._repr_html_()
        learners = "".join(paragraph(name, f": {archive.describe(model)}") for name, model in self.chosen.items())
        return html + (f"<details><summary>Learners</summary>{learners}</details>" if learners else "")


def load_nuisances(path: "str | Path", data: CausalData) -> Nuisances:
    """Predictions that :meth:`Nuisances.save` wrote, of the same data: every answer is then the same as before.

    ``data`` need the outcome, treatment, covariates, cluster and rows of then, in the same order; effect modifiers,
    labels and units may be others. Of learners only the words are kept, in ``chosen``.

    Raises
    ------
    ValueError
        When the data differ, naming what does, or the file is none of these, damaged, or of a newer format.
    """
    header, arrays = archive.read_archive(path)
    found = archive.fingerprint(_columns(data))
    archive.check_fingerprint(path, header["data"], found, len(arrays["propensity"]), data.n_rows)
    predictions = {name: arrays[name] for name in NUISANCES}
    seconds, chosen = header["seconds"], header["chosen"]
    return Nuisances(data, None, archive.unpack_splits(arrays), **predictions, seconds=seconds, chosen=chosen)


def _columns(data: CausalData) -> dict[str, pd.Series]:
    """The columns that predictions depend on, by role and name; of the treatment, who counts as treated."""
    roles = [("outcome", data.outcome), *(("covariate", name) for name in data.covariates)]
    roles += [("cluster", data.cluster)] if data.cluster is not None else []
    columns = {f"{role} {str(name)!r}": data.frame[name] for role, name in roles}
    return {f"treatment {str(data.treatment)!r}": pd.Series(data.d), **columns}


def _log_loss(d: NDArray, predicted: NDArray) -> float:
    p = np.clip(predicted, 1e-6, 1 - 1e-6)
    return float(-np.mean(d * np.log(p) + (1 - d) * np.log(1 - p)))
