"""The expensive step, done once: fits the outcome and the propensity models on all folds but one, in turn.

Every estimand is then answered from their out-of-fold predictions.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline
from sklearn.utils import get_tags
from threadpoolctl import threadpool_limits
from tqdm.auto import tqdm

from tutorial_pkg.choosing import chooses
from tutorial_pkg.data import CausalData
from tutorial_pkg.fitting import Fits
from tutorial_pkg.folds import Folds, make_folds, read_folds, same_folds
from tutorial_pkg.learners import Learners, recommended
from tutorial_pkg.nuisance import NUISANCES, Nuisances


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
    tune_on_folds: bool = False,
    progress: bool | None = None,
) -> Nuisances:
    """Fit the outcome and propensity models on all folds but one and predict the one left out.

    A learner that chooses its own settings (a preset, a scikit-learn search, a ``LassoCV``) chooses them once a
    nuisance, on all its rows; what predicts a row is then fitted, with these settings, without the row's fold.
    Bach et al. (2024) find this as good as choosing anew on the training rows of every fold, at a fraction of the
    time. Predictions of an outcome of zeros and ones are kept within [0, 1].

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
        Of the same rows and treatment with another outcome: its folds, propensities and learners are taken over.
    tune_on_folds : bool
        Choose settings anew on the training rows of every fold, instead of once: as strict as cross-fitting gets.
    progress : bool, optional
        Show a progress bar; by default when the work is long.

    Raises
    ------
    ValueError
        When the data cannot be split or the learners cannot take them.

    References
    ----------
    Chernozhukov et al. (2018), Double/debiased machine learning, definition 3.1 (cross-fitting). Bach, Schacht,
    Chernozhukov, Klaassen and Spindler (2024), Hyperparameter tuning for causal inference with double machine
    learning, where the settings are chosen.
    """
    _check_door(data, learners, seed, reuse, folds)
    learners = learners or (None if reuse is None else reuse.learners) or recommended()
    _check_missing(data, learners)
    splits = make_folds(data, folds if reuse is None else reuse.folds, n_folds, n_repeats, seed)
    _check_separation(data)

    wanted = [name for name in NUISANCES if name != "propensity" or reuse is None]
    models = {name: learners.propensity if name == "propensity" else learners.outcome for name in wanted}
    to_choose = [] if tune_on_folds else [name for name in wanted if chooses(models[name])]
    predictions = {name: np.empty((data.n_rows, len(splits))) for name in wanted}
    seconds = dict.fromkeys(NUISANCES, 0.0)
    fits = Fits(data, splits, seed, n_jobs)
    n_steps = len(to_choose) + len(wanted) * sum(map(len, splits))
    with (
        tqdm(total=n_steps, desc="cross-fitting", delay=0 if progress else 5, disable=progress is False) as bar,
        threadpool_limits(1),  # of this process as a whole, whose fits may be threads; the others set their own
    ):
        # The propensity first: when it shows that the arms cannot be compared, no outcome model is fitted in vain.
        for stage in (["propensity"] if reuse is None else []), [n for n in wanted if n != "propensity"]:
            for name, chosen, cost in fits.choose({n: models[n] for n in stage if n in to_choose}):
                models[name] = chosen
                seconds[name] += cost
                bar.update()
            for name, repeat, test, predicted, cost in fits.predict({n: models[n] for n in stage}):
                predictions[name][test, repeat] = predicted
                seconds[name] += cost
                bar.update()
            if "propensity" in stage:
                _check_propensity(data, predictions["propensity"])
    _check_finite(data, learners, predictions)
    if reuse is not None:
        predictions["propensity"] = reuse.propensity.copy()
        models["propensity"] = reuse.chosen.get("propensity", "given")
    return Nuisances(data, learners, splits, **predictions, seconds=seconds, chosen=models)


def fit_again(nuisances: Nuisances, data: CausalData, folds: Any = None, progress: bool | None = None) -> Nuisances:
    """Other data with the learners of these nuisances, on as many folds, or on those given."""
    if nuisances.learners is None:
        raise ValueError(
            "These nuisances were given, not fitted, or come from a file, which keeps no learners, so nothing can be "
            "fitted again; use cross_fit, or dataclasses.replace(nuisances, learners=...)."
        )
    return cross_fit(data, nuisances.learners, len(nuisances.folds[0]), folds=folds, progress=progress)


def fit_without(
    nuisances: Nuisances, columns: Sequence[str], what: str = "columns", progress: bool | None = None
) -> Nuisances:
    """These nuisances without some of their covariates, on the same folds; ``what`` names the columns in a refusal."""
    data = nuisances.data
    if unknown := [name for name in columns if name not in data.covariates]:
        raise ValueError(f"{what} names {unknown[0]!r}, which is not a covariate; check its spelling.")
    kept = [name for name in data.covariates if name not in columns]
    if not kept:
        raise ValueError(f"{what} holds every covariate; leave at least one outside.")
    modifiers = [name for name in data.effect_modifiers if name in kept]
    return fit_again(nuisances, replace(data, covariates=kept, effect_modifiers=modifiers), nuisances.folds, progress)


# --- validation -----------------------------------------------------------------------------------------


def _check_door(data: Any, learners: Any, seed: Any, reuse: Nuisances | None, folds: Any) -> None:
    if not isinstance(data, CausalData):
        raise ValueError(
            f"cross_fit takes a CausalData, not {type(data).__name__}; name the roles of its columns first."
        )
    if not isinstance(learners, Learners | None):
        raise ValueError(
            f"learners={learners!r} is no pair of learners; pass tp.learners.Learners(regressor, classifier), or a preset "
            "such as tp.learners.linear()."
        )
    if not isinstance(seed, int | np.integer) or seed < 0:
        raise ValueError(
            f"seed={seed!r} is not a whole number from 0 on; give one, so that the folds can be drawn again."
        )
    if reuse is None:
        return
    _check_reuse(data, reuse)
    if learners is None and reuse.learners is None and reuse.chosen:
        raise ValueError(
            "reuse= comes from a file, which keeps no learners (reuse.chosen says which they were); name learners=, or put "
            "them back with dataclasses.replace(nuisances, learners=...)."
        )
    if folds is not None and not same_folds(read_folds(data, folds), reuse.folds):
        raise ValueError("reuse= brings its own folds, not those of folds=; leave folds= out, or reuse=.")


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


def _check_missing(data: CausalData, learners: Learners) -> None:
    for role in ("outcome", "propensity"):
        model = getattr(learners, role)
        if _takes_missing(model):
            continue
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
    extreme = ~((propensity > 0) & (propensity < 1))  # NaN too; what is merely near is clipped later, with a caution
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
