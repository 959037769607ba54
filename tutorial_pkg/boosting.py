"""Boosted trees that start from a penalised line: LightGBM as a scikit-learn estimator with nothing left to tune."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, ndtri
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin, clone, is_classifier
from sklearn.model_selection import cross_val_score
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import FunctionTransformer, QuantileTransformer
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from tutorial_pkg.choosing import choose, held_out_parts, is_binary
from tutorial_pkg.lines import Logistic, lasso, penalised, standardised

LINE_ROWS = 20_000
"""A line is fitted to at most so many rows; what more of them could tell, the trees say better."""

PARAMETERS: dict[str, Any] = {
    "num_leaves": 8,
    "min_data_in_leaf": 20,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "lambda_l2": 5.0,
    "max_bin": 63,
    "bin_construct_sample_cnt": 20_000,  # of 63 bins so many rows tell enough; LightGBM copies them as float64
    "boost_from_average": False,
    "num_threads": 1,
    "deterministic": True,
    "force_col_wise": True,
    "verbose": -1,
}


SEEN_AT_LEAST = 10
"""A tree sees half of the columns, but all of so few: two that act together must be seen together."""


class Binned:
    """Covariates with their values binned once, for all models that are fitted to some of the rows.

    ``binned[rows]`` goes to ``fit`` and ``predict`` of a boosted learner in place of ``x[rows]``.
    """

    def __init__(self, x: NDArray) -> None:
        self.x = x
        self.bins = lgb.Dataset(x, np.zeros(len(x), np.float32), params=PARAMETERS).construct()

    def __getitem__(self, rows: NDArray[np.int64]) -> "BinnedRows":
        return BinnedRows(self, rows)

    def __reduce__(self) -> tuple[Any, ...]:
        return Binned, (self.x,)  # LightGBM's bins cannot be sent to another process


class BinnedRows:
    """Some of the rows of :class:`Binned`."""

    def __init__(self, source: Binned, rows: NDArray[np.int64]) -> None:
        self.source, self.rows = source, rows

    def __len__(self) -> int:
        return len(self.rows)

    def blocks(self) -> Iterator[NDArray]:
        """The covariates, a block of rows after the other, since a copy of all may be large."""
        n_blocks = len(self) * self.source.x.shape[1] // 3_000_000 + 1
        return (self.source.x[rows] for rows in np.array_split(self.rows, n_blocks))

    def dataset(self, y: NDArray, init_score: NDArray) -> lgb.Dataset:
        """These rows for LightGBM."""
        order = np.argsort(self.rows)  # as LightGBM sorts them
        subset = self.source.bins.subset(self.rows[order].tolist()).construct()
        return subset.set_label(y[order]).set_init_score(init_score[order])

    def sample(self, y: NDArray, seed: int) -> tuple[NDArray, NDArray]:
        """At most ``LINE_ROWS`` of them, drawn at random, with their outcomes."""
        if len(self) <= LINE_ROWS:
            return self.source.x[self.rows], y
        drawn = np.sort(np.random.default_rng(seed).choice(len(self), LINE_ROWS, replace=False))
        return self.source.x[self.rows[drawn]], y[drawn]


class _Boosted(BaseEstimator):
    """LightGBM from a start; what is not given is chosen by held-out loss.

    Parameters
    ----------
    start : {"linear", "mean"} or estimator
        "linear" is the best of several penalised lines.
    learning_rate : float
    max_trees, random_state : int
    objective : str, optional
        LightGBM's.
    n_trees : int, optional
    """

    share = Binned  # the form of all covariates from which several fits take their rows

    def __init__(
        self,
        start: Any = "linear",
        learning_rate: float = 0.1,
        max_trees: int = 600,
        random_state: int = 0,
        objective: str | None = None,
        n_trees: int | None = None,
    ) -> None:
        self.start = start
        self.learning_rate = learning_rate
        self.max_trees = max_trees
        self.random_state = random_state
        self.objective = objective
        self.n_trees = n_trees

    def choose(self, x: NDArray | BinnedRows, y: NDArray) -> Any:
        """The same, not fitted, with the start, objective and number of trees that suit these rows."""
        return self._choose(*self._read(x, y)) if self.n_trees is None else clone(self)

    def fit(self, x: NDArray | BinnedRows, y: NDArray) -> Any:
        rows, y = self._read(x, y)
        chosen: Any = self._choose(rows, y) if self.n_trees is None else self
        if y.min() == y.max():  # where none of a rare outcome fell into these rows
            chosen = clone(chosen).set_params(start="mean", objective="regression")
        self.objective_ = chosen.objective or _objectives(y)[0]
        self._fit_start(chosen.start, rows, y)
        data = rows.dataset(y, self._on_scale(self._start_score(rows.blocks()), self.objective_))
        self.booster_ = lgb.train(self._parameters(self.objective_, rows), data, chosen.n_trees)
        return self

    @property
    def feature_importances_(self) -> NDArray[np.float64]:
        """Share of each column in what the splits save of the loss; what the start explains is not in it."""
        check_is_fitted(self)
        gain = self.booster_.feature_importance("gain")
        return gain / max(gain.sum(), np.finfo(float).tiny)

    def _rows(self, x: NDArray | BinnedRows, y: NDArray) -> tuple[BinnedRows, NDArray]:
        """Rows and outcomes, validated: float32 stays, missing values are welcome."""
        if isinstance(x, BinnedRows):
            self.n_features_in_ = x.source.x.shape[1]
            return x, y
        values, y = validate_data(self, x, y, ensure_min_samples=2, **_WELCOME)
        return Binned(values)[np.arange(len(values))], y

    def _choose(self, x: BinnedRows, y: NDArray) -> Any:
        if isinstance(self.start, str) and self.start not in ("linear", "mean"):
            raise ValueError(f"start={self.start!r} is not known; use 'linear' or 'mean'.")
        objectives = [self.objective] if self.objective else _objectives(y)
        start = self.start
        if start == "linear":
            start = _best_line(objectives, *x.sample(y, self.random_state)) if y.min() < y.max() else "mean"
        trial = clone(self)
        trial.objective_ = objectives[0]
        trial._fit_start(start, x, y)
        score = trial._start_score(x.blocks())
        if len(objectives) > 1:  # the first trees tell which one leads
            objectives.sort(key=lambda objective: trial._held_out(x, y, score, objective, max_trees=40)[-1])
        n_trees = len(trial._held_out(x, y, score, objectives[0], self.max_trees))
        return clone(self).set_params(start=start, objective=objectives[0], n_trees=n_trees)

    def _held_out(self, x: BinnedRows, y: NDArray, score: NDArray, objective: str, max_trees: int) -> list[float]:
        """Held-out loss after each tree, up to the smallest."""
        metric = "binary_logloss" if objective == "binary" else "l2"
        parameters = self._parameters(objective, x) | {"metric": metric}
        data, stop = x.dataset(y, self._on_scale(score, objective)), lgb.early_stopping(30, verbose=False)
        splits = held_out_parts(4, np.asarray(data.get_label()), self.random_state)
        curves: Any = lgb.cv(parameters, data, max_trees, splits, callbacks=[stop])
        return curves[f"valid {metric}-mean"]

    def _parameters(self, objective: str, x: BinnedRows) -> dict[str, Any]:
        seen = min(1.0, max(0.5, SEEN_AT_LEAST / x.source.x.shape[1]))
        own = {"objective": objective, "learning_rate": self.learning_rate, "seed": self.random_state}
        return PARAMETERS | own | {"feature_fraction": seen}

    def _fit_start(self, start: Any, x: BinnedRows, y: NDArray) -> None:
        self.mean_ = logit(y.mean()) if self.objective_ == "binary" else y.mean()
        self.line_, self.range_ = None, (-np.inf, np.inf)
        if start != "mean":
            sample, outcomes = x.sample(y, self.random_state)
            self.line_ = clone(start).fit(sample, outcomes)
            fitted = _score(self.line_, sample)
            self.range_ = fitted.min(), fitted.max()

    def _start_score(self, blocks: Iterable[NDArray]) -> NDArray[np.float64]:
        """Where boosting starts: the mean outcome, or log-odds; a line keeps to the range of its training rows.

        Of a row far from those a line says anything.
        """
        if self.line_ is None:
            return np.concatenate([np.full(len(block), self.mean_) for block in blocks])
        return np.concatenate([np.clip(_score(self.line_, block), *self.range_) for block in blocks])

    def _on_scale(self, score: NDArray[np.float64], objective: str) -> NDArray[np.float64]:
        # On the log scale a line that predicts less than a tenth of the mean starts there instead.
        return np.log(np.maximum(score, 0.1 * self.mean_)) if objective == "poisson" else score

    def _predict(self, x: NDArray | BinnedRows) -> NDArray[np.float64]:
        """Predicted mean, or probability, of each row."""
        check_is_fitted(self)
        blocks = x.blocks() if isinstance(x, BinnedRows) else [validate_data(self, x, reset=False, **_WELCOME)]
        raw = np.concatenate([self._raw(block) for block in blocks])
        return {"binary": expit, "poisson": np.exp}.get(self.objective_, np.asarray)(raw)

    def _raw(self, x: NDArray) -> NDArray[np.float64]:
        trees = self.booster_.predict(x, raw_score=True, num_threads=1)
        return self._on_scale(self._start_score([x]), self.objective_) + trees

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        return tags


class BoostedRegressor(RegressorMixin, _Boosted):
    """Boosted trees for E[Y | X]; see :func:`tutorial_pkg.learners.boosted_trees`."""

    def _read(self, x: NDArray | BinnedRows, y: NDArray) -> tuple[BinnedRows, NDArray]:
        rows, y = self._rows(x, y)
        return rows, y.astype(float)

    def predict(self, x: NDArray | BinnedRows) -> NDArray[np.float64]:
        return self._predict(x)


class BoostedClassifier(ClassifierMixin, _Boosted):
    """Boosted trees for P(D = 1 | X); see :func:`tutorial_pkg.learners.boosted_trees`."""

    def _read(self, x: NDArray | BinnedRows, y: NDArray) -> tuple[BinnedRows, NDArray]:
        rows, y = self._rows(x, y)
        check_classification_targets(y)
        self.classes_, codes = np.unique(y, return_inverse=True)
        if len(self.classes_) != 2:
            raise ValueError(f"Only binary classification is supported; y has {len(self.classes_)} class(es).")
        return rows, codes.astype(float)

    def predict_proba(self, x: NDArray | BinnedRows) -> NDArray[np.float64]:
        p = self._predict(x)
        return np.column_stack([1 - p, p])

    def predict(self, x: NDArray | BinnedRows) -> NDArray:
        likely = self._predict(x) > 0.5
        return self.classes_[likely.astype(int)]

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.classifier_tags.multi_class = False
        return tags


_WELCOME: dict[str, Any] = {"dtype": [np.float64, np.float32], "ensure_all_finite": "allow-nan"}


def _objectives(y: NDArray[np.float64]) -> list[str]:
    """LightGBM's objectives that suit the outcome."""
    if is_binary(y):
        return ["binary"]
    return ["regression", "poisson"] if y.min() >= 0 and y.max() > y.min() else ["regression"]


def _score(line: Pipeline, x: NDArray) -> NDArray[np.float64]:
    """What a line says of each row: the mean, or log-odds."""
    return getattr(line, "decision_function", line.predict)(x)


def _normal_scores(ranks: NDArray, end: float) -> NDArray[np.float64]:
    within = np.clip(ranks, end, 1 - end)
    return ndtri(within, out=within)


def _best_line(objectives: Sequence[str], x: NDArray, y: NDArray) -> Pipeline:
    """The line with the smallest held-out loss, penalty chosen, not fitted: in the covariates or their normal scores.

    A lasso, or where the outcome suits it a Poisson regression; for a probability a logistic one.
    """
    models: dict[str, Any] = {"regression": lasso(), "poisson": penalised("poisson", y), "binary": Logistic()}
    candidates = [models[objective] for objective in objectives]
    n_quantiles = min(200, len(x) // 3)  # a fold has fewer rows
    ranks = QuantileTransformer(n_quantiles=n_quantiles, random_state=0, copy=False)  # of a copy already
    # Its own normal scores would send a value at or beyond either end to 5.2; half a rank from it, it is near 2.8.
    normal_scores = FunctionTransformer(_normal_scores, kw_args={"end": 0.5 / n_quantiles})
    plain, ranked = standardised(None), standardised(None, ranks, normal_scores)

    def held_out(line: Any, z: NDArray) -> float:
        loss = "neg_log_loss" if is_classifier(line) else "neg_mean_squared_error"
        return -cross_val_score(line, z, y, cv=held_out_parts(3, y), scoring=loss).mean()

    found: dict[float, Pipeline] = {}
    for before in (plain[:-1], ranked[:-1]):
        z = before.fit_transform(x)
        for model in candidates:
            line = choose(model, z, y)
            found.setdefault(held_out(line, z), make_pipeline(*before, line))
    return found[min(found)]
