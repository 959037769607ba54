"""Learner presets: a regressor for the outcome and a classifier for the decision.

Any scikit-learn pair may be used instead. Learners run on one thread; :func:`cross_fit` runs many side by side.
"""

from dataclasses import dataclass
from typing import Any, Literal, Protocol

from numpy.typing import NDArray
from sklearn.base import is_classifier
from sklearn.compose import TransformedTargetRegressor
from sklearn.model_selection import GridSearchCV, KFold
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler

from tutorial_pkg.boosting import BoostedClassifier, BoostedRegressor
from tutorial_pkg.lines import Logistic, lasso, standardised


class Regressor(Protocol):
    """What the outcome models need: scikit-learn's ``fit`` and ``predict``."""

    def fit(self, x: NDArray, y: NDArray, /) -> Any: ...
    def predict(self, x: NDArray, /) -> NDArray: ...


class Classifier(Protocol):
    """What the propensity model needs: scikit-learn's ``fit`` and ``predict_proba``."""

    def fit(self, x: NDArray, y: NDArray, /) -> Any: ...
    def predict_proba(self, x: NDArray, /) -> NDArray: ...


@dataclass(frozen=True)
class Learners:
    """A pair of scikit-learn estimators: ``outcome`` predicts Y, ``propensity`` the probability of D = 1.

    Raises
    ------
    ValueError
        When one of them cannot play its role, such as a class in place of an instance.
    """

    outcome: Regressor
    propensity: Classifier

    def __post_init__(self) -> None:
        for role, kind, method in (("outcome", "regressor", "predict"), ("propensity", "classifier", "predict_proba")):
            model = getattr(self, role)
            if isinstance(model, type):
                raise ValueError(
                    f"learners.{role} is the class {model.__name__}; pass an instance, {model.__name__}()."
                )
            if not (hasattr(model, "fit") and hasattr(model, method)):
                raise ValueError(f"learners.{role} must have fit and {method}; pass a scikit-learn {kind}.")
        if hasattr(self.outcome, "__sklearn_tags__") and is_classifier(self.outcome):
            raise ValueError(
                f"learners.outcome ({type(self.outcome).__name__}) is a classifier, which predicts labels; pass a "
                "regressor, also for an outcome of zeros and ones."
            )


def linear() -> Learners:
    """Lasso and L1-penalised logistic regression on standardised covariates, penalties by cross-validation.

    Missing values are replaced by the mean, and a column marks them.
    """
    return Learners(standardised(lasso()), standardised(Logistic()))


def boosted_trees(
    start: Literal["linear", "mean"] = "linear", learning_rate: float = 0.1, max_trees: int = 600
) -> Learners:
    """Gradient-boosted trees (LightGBM) that need no tuning; missing values are welcome.

    Boosting starts from a penalised line, so that trees are spent on what a line cannot say: a lasso or, for an
    outcome that is never negative, a Poisson regression, in the covariates or in the normal scores of their ranks;
    for the decision, or an outcome of zeros and ones, a logistic regression. ``start="mean"`` is plain boosting.
    The line, the number of trees and the loss they minimise (squared error, or Poisson deviance where the outcome
    suits it) are those with the smallest held-out loss. A line is fitted to at most 20,000 rows. Each tree sees half of
    the columns, and all of them where there are ten or fewer.

    Where decision and outcome bend or interact in the same few covariates, up to 2,000 rows are too few for these trees,
    and the ATE keeps part of the selection bias, a third of its standard deviation or more and in one market 1.5 of
    them: Kang and Schafer's, set-up A of Nie and Wager, two waves of ours; tests/benchmarks/results/hostile.csv.

    As every learner that chooses settings, these choose once a nuisance, on all its rows; see
    :func:`tutorial_pkg.crossfitting.cross_fit`.
    """
    return Learners(
        BoostedRegressor(start, learning_rate, max_trees), BoostedClassifier(start, learning_rate, max_trees)
    )


def neural_network(hidden: tuple[int, ...] = (64, 64), alpha: float | None = None) -> Learners:
    """Multi-layer perceptrons (scikit-learn's) on standardised covariates and outcome.

    The penalty ``alpha``, unless given, is chosen from 1, 3 and 10 by held-out loss. The regressor stops when
    held-out rows no longer improve. The classifier does not: scikit-learn would watch its accuracy, and propensities
    would come out too extreme.
    """
    options: dict[str, Any] = {"hidden_layer_sizes": hidden, "max_iter": 500, "random_state": 0}
    regressor = standardised(MLPRegressor(**options, early_stopping=True, n_iter_no_change=15))
    outcome = TransformedTargetRegressor(regressor, transformer=StandardScaler())
    propensity = standardised(MLPClassifier(**options))
    if alpha is not None:
        return Learners(
            outcome.set_params(regressor__mlpregressor__alpha=alpha), propensity.set_params(mlpclassifier__alpha=alpha)
        )

    penalties = [1, 3, 10]
    return Learners(
        _held_out(outcome, {"regressor__mlpregressor__alpha": penalties}, "mean_squared_error"),
        _held_out(propensity, {"mlpclassifier__alpha": penalties}, "log_loss"),
    )


def best_of(*presets: Learners) -> Learners:
    """For each nuisance the candidate with the smallest held-out loss.

    Squared error for the outcome, log loss for the propensity, by three-fold cross-validation. Without arguments:
    :func:`linear` against :func:`boosted_trees`. Missing values are welcome when every candidate takes them.
    """
    candidates = presets or (linear(), boosted_trees())

    def choose(models: list[Any], loss: str) -> GridSearchCV:
        return _held_out(Pipeline([("model", models[0])]), {"model": models}, loss)

    return Learners(
        choose([p.outcome for p in candidates], "mean_squared_error"),
        choose([p.propensity for p in candidates], "log_loss"),
    )


def recommended() -> Learners:
    """The preset that :func:`cross_fit` uses when none is named."""
    return boosted_trees()


def _held_out(model: Any, candidates: dict[str, list[Any]], loss: str) -> GridSearchCV:
    """The candidate with the smallest held-out loss."""
    return GridSearchCV(model, candidates, scoring=f"neg_{loss}", cv=KFold(3, shuffle=True, random_state=0))
