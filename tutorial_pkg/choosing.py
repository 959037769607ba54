"""Settings chosen once: from a learner that chooses its own, such as a search, one with the settings that it chose."""

import importlib
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.compose import TransformedTargetRegressor
from sklearn.dummy import DummyRegressor
from sklearn.model_selection import KFold, StratifiedKFold
from sklearn.model_selection._search import BaseSearchCV
from sklearn.pipeline import Pipeline

MANY_ROWS = 5_000
"""From so many rows on, one held-out part tells settings apart."""


def choose(model: Any, x: NDArray, y: NDArray) -> Any:
    """The learner with the settings that suit these rows, not fitted; one that chooses nothing is returned as it is.

    Looked at are scikit-learn's searches, estimators named after one that is not ``CV`` (``LassoCV`` becomes a
    ``Lasso``), those with a method ``choose(x, y)`` of their own, and all of them as the last step of a pipeline
    or behind a transformed target. What else chooses, such as a calibrated or a stacked learner, goes on choosing
    whenever it is fitted.
    """
    if not chooses(model):
        return model
    if isinstance(model, Pipeline):
        *before, (name, last) = model.steps
        transformed = clone(Pipeline(before)).fit_transform(x, y) if before else x
        chosen = choose(last, transformed, y)
        return clone(model).set_params(**{name: chosen}) if before else chosen
    if isinstance(model, TransformedTargetRegressor):
        target = clone(model).set_params(regressor=DummyRegressor()).fit(x, y).transformer_
        chosen = choose(model.regressor, x, target.transform(y.reshape(-1, 1)).ravel())
        return clone(model).set_params(regressor=chosen)
    if isinstance(model, BaseSearchCV):
        search = clone(model)
        if search.refit is True:
            search.set_params(refit=False)
        settings = search.fit(x, y).best_params_
        return choose(clone(model.estimator).set_params(**clone(settings, safe=False)), x, y)
    if hasattr(model, "choose"):
        return clone(model).choose(x, y)
    return _without_cv(clone(model).fit(x, y))


def chooses(model: Any) -> bool:
    """Whether :func:`choose` finds settings to choose."""
    if isinstance(model, Pipeline):
        return chooses(model.steps[-1][1])
    if isinstance(model, TransformedTargetRegressor):
        return model.regressor is not None and chooses(model.regressor)
    return isinstance(model, BaseSearchCV) or hasattr(model, "choose") or _plain_class(model) is not None


def held_out_parts(n_parts: int, y: NDArray, seed: int = 0) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Rows to fit and rows held out: each part in turn, of ``MANY_ROWS`` or more only the first.

    Of zeros and ones each part holds the same share, where there are enough of both.
    """
    stratified = is_binary(y) and min(y.sum(), len(y) - y.sum()) >= n_parts
    folds = (StratifiedKFold if stratified else KFold)(n_parts, shuffle=True, random_state=seed)
    return list(folds.split(y, y))[: 1 if len(y) >= MANY_ROWS else n_parts]


def is_binary(y: NDArray) -> bool:
    """Whether the outcomes are zeros and ones, both of them."""
    return bool(np.isin(y, (0, 1)).all() and 0 < y.mean() < 1)


def _plain_class(model: Any) -> Any:
    """``Lasso`` for a ``LassoCV``: the class of the same package whose name lacks the ending, if there is one."""
    kind = type(model)
    if not kind.__name__.endswith("CV") or "estimator" in model.get_params():  # RFECV chooses covariates, not settings
        return None
    package = importlib.import_module(kind.__module__.rpartition(".")[0] or kind.__module__)
    return getattr(package, kind.__name__.removesuffix("CV"), None)


def _without_cv(fitted: Any) -> Any:
    """The estimator without cross-validation, with what the other was given or found (``alpha_`` becomes ``alpha``)."""
    plain, defaults = _plain_class(fitted)(), type(fitted)().get_params(deep=False)
    given = {
        name: value for name, value in fitted.get_params(deep=False).items() if repr(value) != repr(defaults[name])
    }
    takes = plain.get_params(deep=False)
    for name in takes:
        found = getattr(fitted, f"{name}_", None)
        if found is not None and np.size(found) == 1:
            given[name] = np.ravel(found).tolist()[0]
    return plain.set_params(**{name: value for name, value in given.items() if name in takes})
