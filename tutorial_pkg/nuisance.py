"""The expensive step, done once: out-of-fold predictions of the outcome and of the decision.

Every estimand is then answered from these predictions.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.base import clone, is_classifier
from sklearn.model_selection import StratifiedGroupKFold, StratifiedKFold
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from tutorial_pkg.data import CausalData
from tutorial_pkg.learners import Learners, recommended

Folds = list[tuple[NDArray[np.int64], NDArray[np.int64]]]

NUISANCES = {
    "outcome_control": "E[Y | D=0, X]",
    "outcome_treated": "E[Y | D=1, X]",
    "outcome": "E[Y | X]",
    "propensity": "P(D=1 | X)",
}


@dataclass(frozen=True, eq=False)
class Nuisances:
    """Out-of-fold predictions, one column a sample split (repeat); every array is (n_rows, n_repeats).

    ``folds[r]`` lists the (train, test) row positions of repeat r. ``losses`` compares each nuisance model
    with a constant, out of fold; ``seconds`` is the processor time its fits took.
    """

    data: CausalData
    learners: Learners
    folds: list[Folds] = field(repr=False)
    outcome_control: NDArray[np.float64] = field(repr=False)
    outcome_treated: NDArray[np.float64] = field(repr=False)
    outcome: NDArray[np.float64] = field(repr=False)
    propensity: NDArray[np.float64] = field(repr=False)
    seconds: dict[str, float] = field(repr=False)

    @property
    def n_repeats(self) -> int:
        return self.propensity.shape[1]

    def take(self, rows: NDArray[np.int64]) -> "Nuisances":
        """The same predictions for some of the rows, by position or as a mask; each stays out of fold."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows
        place = np.full(self.data.n_rows, -1)
        place[rows] = np.arange(len(rows))
        kept = [[(place[a][place[a] >= 0], place[b][place[b] >= 0]) for a, b in repeat] for repeat in self.folds]
        data = replace(self.data, frame=self.data.frame.iloc[rows])
        return replace(self, data=data, folds=kept, **{name: getattr(self, name)[rows] for name in NUISANCES})

    @property
    def losses(self) -> pd.DataFrame:
        """Out-of-fold loss of each nuisance model and of a constant, and the share explained.

        Mean squared error in squared outcome units; log loss in nats for the propensity.
        """
        return _losses(self)

    def __repr__(self) -> str:
        splits = f"{len(self.folds[0])} folds" + (f" x {self.n_repeats} repeats" if self.n_repeats > 1 else "")
        return (
            f"Nuisances of {self.data.outcome} and {self.data.treatment}, {splits}, {sum(self.seconds.values()):.1f} s"
        )

    def _repr_html_(self) -> str:
        return self.losses.style.format(precision=3).set_caption(repr(self)).to_html()


def cross_fit(
    data: CausalData,
    learners: Learners | None = None,
    n_folds: int = 5,
    n_repeats: int = 1,
    seed: int = 0,
    n_jobs: int = -1,
    folds: Sequence[Folds] | None = None,
    *,
    reuse: Nuisances | None = None,
    progress: bool | None = None,
) -> Nuisances:
    """Fit the outcome and propensity models on all folds but one and predict the one left out.

    Parameters
    ----------
    data : CausalData
    learners : Learners, optional
        A regressor and a classifier; the recommended preset by default.
    n_folds, n_repeats : int
        Folds of a split, and number of splits. Folds hold equal shares of the treated, and never divide a
        cluster.
    seed : int
        Fixes the folds, and the learners that have no seed of their own.
    n_jobs : int
        Models fitted side by side; the results do not depend on it.
    folds : list of lists of (train, test), optional
        Row positions to use instead of drawn ones, as in ``Nuisances.folds``.
    reuse : Nuisances, optional
        Of the same rows and treatment with another outcome: its folds and propensities are taken over.
    progress : bool, optional
        Show a progress bar; by default when the work is long.

    Raises
    ------
    ValueError
        When the data cannot be split or the learners cannot take them.

    References
    ----------
    Chernozhukov et al. (2018), Double/debiased machine learning, definition 3.1 (cross-fitting).
    """
    if not isinstance(data, CausalData):
        raise ValueError(
            f"cross_fit takes a CausalData, not {type(data).__name__}; name the roles of its columns first."
        )
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(
            f"seed={seed!r} is not a whole number from 0 on; give one, so that the folds can be drawn again."
        )
    learners = reuse.learners if learners is None and reuse is not None else learners or recommended()
    if reuse is not None:
        _check_reuse(data, reuse)
        if folds is not None and not _same_folds(_read_folds(data, folds), reuse.folds):
            raise ValueError("reuse= brings its own folds, not those of folds=; leave folds= out, or reuse=.")
        folds = reuse.folds
    _check_learners(data, learners)
    if folds is None:
        _check_counts(data, n_folds, n_repeats)
        folds = [draw_folds(data, n_folds, seed + repeat) for repeat in range(n_repeats)]
    else:
        folds = _read_folds(data, folds)
    _check_folds(data, folds)
    _check_separation(data)

    wanted = [name for name in NUISANCES if name != "propensity" or reuse is None]
    predictions = {name: np.empty((data.n_rows, len(folds))) for name in wanted}
    if reuse is not None:
        predictions["propensity"] = reuse.propensity.copy()
    seconds = dict.fromkeys(NUISANCES, 0.0)
    n_fits = len(wanted) * sum(map(len, folds))
    with tqdm(total=n_fits, desc="cross-fitting", delay=0 if progress else 5, disable=progress is False) as bar:
        # The propensity first: when it shows that the arms cannot be compared, no outcome model is fitted in vain.
        for stage in (["propensity"], ["outcome", "outcome_control", "outcome_treated"]):
            tasks = [(n, r, k) for n in stage if n in wanted for r in range(len(folds)) for k in range(len(folds[r]))]
            jobs = (joblib.delayed(_fit_fold)(*task, data.x, data.y, data.d, learners, folds, seed) for task in tasks)
            for name, repeat, test, predicted, cost in joblib.Parallel(n_jobs, return_as="generator_unordered")(jobs):
                predictions[name][test, repeat] = predicted
                seconds[name] += cost
                bar.update()
            if "propensity" in stage:
                _check_propensity(data, predictions["propensity"])
        _check_finite(data, learners, predictions)
    return Nuisances(data, learners, list(folds), **predictions, seconds=seconds)


def _fit_fold(
    name: str,
    repeat: int,
    fold: int,
    x: NDArray,
    y: NDArray,
    d: NDArray,
    learners: Learners,
    folds: Sequence[Folds],
    seed: int,
) -> tuple[str, int, NDArray, NDArray, float]:
    """Fit one nuisance on the training rows of one fold, on one thread, and predict its test rows."""
    start = time.process_time()
    train, test = folds[repeat][fold]
    if name in ("outcome_control", "outcome_treated"):
        train = train[d[train] == (name == "outcome_treated")]
    model = _seeded(learners.propensity if name == "propensity" else learners.outcome, seed + repeat)
    try:
        with threadpool_limits(1):
            if name == "propensity":
                predicted = model.fit(x[train], d[train]).predict_proba(x[test])[:, 1]
            else:
                predicted = model.fit(x[train], y[train]).predict(x[test])
    except Exception as error:
        role = "propensity" if name == "propensity" else "outcome"
        raise ValueError(
            f"learners.{role} failed on {NUISANCES[name]}, fold {fold + 1}, with {len(train):,} training rows "
            f"({type(error).__name__}: {str(error).splitlines()[0] if str(error) else 'no message'}); use fewer folds, "
            "gather more rows, or choose another learner."
        ) from error
    return name, repeat, test, predicted, time.process_time() - start


def _seeded(model: Any, seed: int) -> Any:
    """A fresh copy; wherever it has a random_state that is not set, it gets the seed."""
    model = clone(model)
    unset = [k for k, v in model.get_params().items() if v is None and k.rsplit("__", 1)[-1] == "random_state"]
    return model.set_params(**dict.fromkeys(unset, seed))


def draw_folds(data: CausalData, n_folds: int, seed: int) -> Folds:
    """Folds with equal shares of the treated; no cluster is divided."""
    if data.clusters is None:
        splitter = StratifiedKFold(n_folds, shuffle=True, random_state=seed).split(data.d, data.d)
    else:
        splitter = StratifiedGroupKFold(n_folds, shuffle=True, random_state=seed).split(data.d, data.d, data.clusters)
    return list(splitter)


def _losses(nuisances: Nuisances) -> pd.DataFrame:
    data = nuisances.data
    y, d = data.y, data.d.astype(float)
    rows = {}
    for name, meaning in NUISANCES.items():
        used = {"outcome_control": d == 0, "outcome_treated": d == 1}.get(name, np.ones(len(d), dtype=bool))
        predicted = getattr(nuisances, name)[used].mean(axis=1)
        if name == "propensity":
            p = np.clip(predicted, 1e-6, 1 - 1e-6)
            loss = -np.mean(d * np.log(p) + (1 - d) * np.log(1 - p))
            constant = -(d.mean() * np.log(d.mean()) + (1 - d.mean()) * np.log(1 - d.mean()))
        else:
            loss = np.mean((y[used] - predicted) ** 2)
            constant = np.var(y[used])
        rows[name] = {
            "predicts": meaning,
            "loss": loss,
            "constant's loss": constant,
            "share explained": 1 - loss / constant if constant > 0 else np.nan,
            "seconds": nuisances.seconds[name],
        }
    return pd.DataFrame(rows).T.infer_objects()


# --- validation -----------------------------------------------------------------------------------------


def _check_counts(data: CausalData, n_folds: int, n_repeats: int) -> None:
    if not all(isinstance(count, int | np.integer) for count in (n_folds, n_repeats)) or n_folds < 2 or n_repeats < 1:
        raise ValueError(f"n_folds={n_folds!r} and n_repeats={n_repeats!r}: use at least 2 folds and 1 repeat.")
    smallest = int(min(data.d.sum(), (1 - data.d).sum()))
    if smallest < 2 * n_folds:
        remedy = f"use n_folds={smallest // 2} or less, or gather more rows" if smallest >= 4 else "gather more rows"
        raise ValueError(
            f"Treatment {data.treatment!r} has only {smallest} rows in its smaller arm, too few for {n_folds} folds; "
            f"{remedy}."
        )
    if data.clusters is None:
        return
    if (n_clusters := data.clusters.max() + 1) < n_folds:
        raise ValueError(
            f"Cluster {data.cluster!r} has {n_clusters} values, fewer than the {n_folds} folds; folds never divide a "
            f"cluster: use n_folds={n_clusters} or less."
        )
    per_arm = min(len(np.unique(data.clusters[data.d == arm])) for arm in (0, 1))
    if per_arm < n_folds:
        raise ValueError(
            f"One arm of treatment {data.treatment!r} lies in {per_arm} clusters of {data.cluster!r}, too few for "
            f"{n_folds} folds; use fewer folds or gather more clusters."
        )


def _read_folds(data: CausalData, folds: Any) -> list[Folds]:
    """The folds as lists of pairs of position arrays, if they can be read so."""
    try:
        read = [[(np.asarray(train), np.asarray(test)) for train, test in repeat] for repeat in folds]
        positions = np.concatenate([part for repeat in read for pair in repeat for part in pair])
    except (TypeError, ValueError):
        positions = np.array([])
    if positions.dtype.kind not in "iu" or positions.ndim != 1 or positions.min() < 0 or positions.max() >= data.n_rows:
        raise ValueError(
            "folds must hold, for each repeat, a list of (train, test) pairs of row positions from 0 to "
            f"{data.n_rows - 1:,}; take them as Nuisances.folds gives them."
        )
    return read


def _same_folds(one: Sequence[Folds], other: Sequence[Folds]) -> bool:
    parts = ([part for repeat in folds for pair in repeat for part in pair] for folds in (one, other))
    return all(a is not None and b is not None and np.array_equal(a, b) for a, b in zip_longest(*parts))


def _check_folds(data: CausalData, folds: Sequence[Folds]) -> None:
    for number, repeat in enumerate(folds):
        tested = np.concatenate([test for _, test in repeat])
        if len(tested) != data.n_rows or not np.array_equal(np.sort(tested), np.arange(data.n_rows)):
            raise ValueError(
                f"folds[{number}] must test each of the {data.n_rows:,} rows exactly once; check its row positions."
            )
        for train, test in repeat:
            if np.intersect1d(train, test).size:
                raise ValueError(f"folds[{number}] trains on rows it tests; keep train and test apart.")
            if min(np.bincount(data.d[train], minlength=2)) < 2:
                raise ValueError(
                    f"folds[{number}] leaves fewer than two rows of one arm of {data.treatment!r} for training; "
                    "use fewer folds or stratify them by treatment."
                )
            if data.clusters is not None and np.intersect1d(data.clusters[train], data.clusters[test]).size:
                raise ValueError(f"folds[{number}] divides a cluster of {data.cluster!r}; keep its rows in one fold.")


def _check_reuse(data: CausalData, earlier: Nuisances) -> None:
    if data.n_rows != earlier.data.n_rows or not np.array_equal(data.d, earlier.data.d):
        raise ValueError(
            f"reuse= needs the same rows and treatment, but {data.treatment!r} differs between the two data sets; "
            "fit these data on their own."
        )
    same_frame = data.frame is earlier.data.frame
    if data.covariates != earlier.data.covariates or not (
        same_frame or np.array_equal(data.x, earlier.data.x, equal_nan=True)
    ):
        raise ValueError(
            "reuse= needs the same rows in the same order with the same covariates, since the propensity was fitted on "
            "them; fit these data on their own."
        )


def _check_learners(data: CausalData, learners: Learners) -> None:
    for role in ("outcome", "propensity"):
        model = getattr(learners, role, None)
        if isinstance(model, type):
            raise ValueError(f"learners.{role} is the class {model.__name__}; pass an instance, {model.__name__}().")
        method = "predict_proba" if role == "propensity" else "predict"
        if not (hasattr(model, "fit") and hasattr(model, method)):
            kind = "classifier" if role == "propensity" else "regressor"
            raise ValueError(f"learners.{role} must have fit and {method}; pass a scikit-learn {kind}.")
        if role == "outcome" and hasattr(model, "__sklearn_tags__") and is_classifier(model):
            raise ValueError(
                f"learners.outcome ({type(model).__name__}) is a classifier, which predicts labels; pass a regressor, also "
                f"for an outcome {data.outcome!r} of zeros and ones."
            )
        if not _takes_missing(model):
            for name, values in zip(data.x_names, data.x.T, strict=True):
                if n_missing := int(np.isnan(values).sum()):
                    raise ValueError(
                        f"Covariate {name!r} is missing in {n_missing:,} rows and learners.{role} "
                        f"({type(model).__name__}) takes no missing values; fill it in, or use boosted_trees()."
                    )


def _takes_missing(model: Any) -> bool:
    """Whether the learner declares that it takes missing values; a pipeline does up to its imputer."""
    for part in ("estimator", "regressor", "classifier"):  # what a search or a transformed target wraps
        if hasattr(getattr(model, part, None), "fit"):
            return _takes_missing(getattr(model, part))
    if not isinstance(model, Pipeline):
        return hasattr(model, "__sklearn_tags__") and get_tags(model).input_tags.allow_nan
    for _, step in model.steps:
        if not _takes_missing(step):
            return False
        if type(step).__module__.startswith("sklearn.impute"):
            break
    return True


_SEPARATES = (
    "Covariate {name!r} tells treated from untreated rows without error, so no comparable rows exist; "
    "drop it if it is a consequence of {treatment!r}, or restrict the rows to where both arms occur."
)


def _check_separation(data: CausalData) -> None:
    treated = data.d == 1
    for name in data.levels:
        counts = pd.crosstab(data.frame[name].astype(object).fillna("missing").to_numpy(), data.d).to_numpy()
        # with only a few rows a level, each may lie in one arm by chance
        if (counts == 0).any(axis=1).all() and counts.sum() >= 5 * len(counts):
            raise ValueError(_SEPARATES.format(name=name, treatment=data.treatment))
    for name, values in zip(data.x_names, data.x.T, strict=True):
        low, high = values[treated], values[~treated]
        if np.nanmax(low, initial=-np.inf) < np.nanmin(high, initial=np.inf) or np.nanmin(
            low, initial=np.inf
        ) > np.nanmax(high, initial=-np.inf):
            raise ValueError(_SEPARATES.format(name=name, treatment=data.treatment))


def _check_propensity(data: CausalData, propensity: NDArray) -> None:
    extreme = (propensity <= 1e-10) | (propensity >= 1 - 1e-10) | ~np.isfinite(propensity)
    if extreme.any():
        raise ValueError(
            f"The propensity of treatment {data.treatment!r} is predicted as exactly 0 or 1 in {extreme.sum():,} rows; "
            "drop covariates that decide the treatment, or use a smoother classifier (regularised or calibrated)."
        )
    treated = data.d == 1
    if (propensity[treated].min(axis=0) > propensity[~treated].max(axis=0)).any():
        raise ValueError(
            f"Together the covariates tell the treated of {data.treatment!r} from the untreated without error, so no "
            "comparable rows exist; drop those that are its consequences, or restrict the rows to where both arms occur."
        )


def _check_finite(data: CausalData, learners: Learners, predictions: dict[str, NDArray]) -> None:
    for name, predicted in predictions.items():
        if n_bad := int((~np.isfinite(predicted)).sum()):
            raise ValueError(
                f"learners.outcome ({type(learners.outcome).__name__}) predicts no finite {NUISANCES[name]} of "
                f"{data.outcome!r} in {n_bad:,} rows; choose another learner."
            )
