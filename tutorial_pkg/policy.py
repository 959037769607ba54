"""What decisions bring, and whom to treat when treating costs money: values of policies, and shallow trees that choose."""

from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from tutorial_pkg.data import CausalData
from tutorial_pkg.effects import estimate_ate, estimate_att
from tutorial_pkg.estimate import Estimate, from_influence
from tutorial_pkg.estimates import Estimates
from tutorial_pkg.handover import aipw_signal, gained_signal
from tutorial_pkg.nuisance import Nuisances
from tutorial_pkg.support import Question, caution, together
from tutorial_pkg.weighting import CLIPPING
from tutorial_pkg.words import Words

Baseline = Literal["nobody", "everybody", "status quo"]
Worth = Literal["policy value", "offer value"]
DECISIONS = ("all follow, against none", "followers, against themselves", "the message, against none", "a default")
"""Four decisions, whose averages are E[Y1 - Y0], E[Y1 - Y0 | D = 1], p E[Y1 - Y0 | D = 1], (1 - p) E[Y1 - Y0 | D = 0]."""


def decisions(nuisances: Nuisances, clipping: float = CLIPPING) -> Estimates:
    """What four decisions bring, in outcome units; each has an average of its own.

    "all follow, against none" is the ATE and "followers, against themselves" the ATT, a follower. "the message,
    against none" is what switching the message off would lose a row, where it works through following alone: p ATT.
    "a default" is what a row gains when all follow who do not follow today: (1 - p) ATC. From doubly robust signals,
    errors by cluster; :meth:`tutorial_pkg.truth.Truth.decisions` has the truth.
    """
    nobody, everybody = (
        policy_value(nuisances, np.full(nuisances.data.n_rows, arm), clipping=clipping, baseline="status quo")
        for arm in (0, 1)
    )
    lost = replace(nobody, value=-nobody.value, influence=-np.asarray(nobody.influence), estimand="p ATT")
    default = replace(everybody, estimand="(1 - p) ATC")
    found = [estimate_ate(nuisances, clipping), estimate_att(nuisances, clipping), lost, default]
    unit = {"outcome": nuisances.data.outcome, "words": nuisances.data.words}
    return Estimates({name: replace(one, **unit) for name, one in zip(DECISIONS, found, strict=True)})  # type: ignore[arg-type]


def policy_value(
    nuisances: Nuisances,
    treat: ArrayLike,
    cost: float = 0.0,
    value_per_unit: float = 1.0,
    clipping: float = CLIPPING,
    baseline: Baseline = "nobody",
) -> Estimate:
    """Mean gain per row of treating the rows marked in ``treat``, and no others, instead of the baseline, in money.

    With V(pi) = E[value_per_unit Y(pi(X)) - cost pi(X)] it estimates V(treat) - V(baseline) from doubly robust
    signals. Honest only on rows that did not choose the policy: see :func:`tutorial_pkg.folds.split_rows`. Its
    ``caution`` looks at the rows for which policy and baseline differ.

    Parameters
    ----------
    nuisances : Nuisances
    treat : array or Series (n_rows,)
        True or 1 where the policy treats.
    cost, value_per_unit : float
        Money a treated row, whoever decides it, and money an outcome unit is worth.
    clipping : float
        As in :func:`tutorial_pkg.effects.estimate_ate`.
    baseline : {"nobody", "everybody", "status quo"}
        What the policy is compared with; in the status quo each row is treated, at the same cost, if it was.

    References
    ----------
    Athey and Wager (2021), Policy learning with observational data.
    """
    data = nuisances.data
    marked = _priced_rows(data, treat, "treat", cost, value_per_unit)
    if baseline not in get_args(Baseline):
        raise ValueError(f"baseline={baseline!r} is not known; choose one of {', '.join(get_args(Baseline))}.")
    everybody = value_per_unit * aipw_signal(nuisances, clipping).mean(axis=1) - cost
    gain = marked * everybody
    if baseline == "everybody":
        gain = gain - everybody
    elif baseline == "status quo":
        gain = gain - (value_per_unit * gained_signal(nuisances, clipping).mean(axis=1) - cost * data.d)
    changed: dict[Baseline, list[tuple[Question, NDArray]]] = {
        "nobody": [("ATE", marked)],
        "everybody": [("ATE", 1 - marked)],
        "status quo": [("ATC", marked), ("ATT", 1 - marked)],
    }
    m = nuisances.propensity.mean(axis=1)
    said = together(*(caution(data.d, m, question, weights) for question, weights in changed[baseline]))
    return _in_money(data, gain, "policy value", "" if baseline == "nobody" else f"vs {baseline}", "the policy", said)


def offer_value(
    nuisances: Nuisances, offered: ArrayLike, cost: float, value_per_unit: float = 1.0, clipping: float = CLIPPING
) -> Estimate:
    """Mean gain per row, against today, of paying ``cost`` to the rows marked in ``offered`` for following, in money.

    All of them follow and all are paid, those too who follow today for nothing; the others decide as they do today.
    Estimates E[pi(X) (value_per_unit (Y(1) - Y) - cost)], which is E[pi(X) (value_per_unit (1 - m(X)) tau(X) - cost)],
    from doubly robust signals. Arguments, and what makes it honest, as in :func:`policy_value`.
    """
    data = nuisances.data
    marked = _priced_rows(data, offered, "offered", cost, value_per_unit)
    added = (aipw_signal(nuisances, clipping) - gained_signal(nuisances, clipping)).mean(axis=1)
    gain = marked * (value_per_unit * added - cost)
    said = caution(data.d, nuisances.propensity.mean(axis=1), "ATC", marked)
    return _in_money(data, gain, "offer value", "vs status quo", "the offer", said)


def _priced_rows(data: CausalData, treat: ArrayLike, name: str, cost: float, value_per_unit: float) -> NDArray:
    """The rows marked, as one 0 or 1 a row, once they and the prices are checked."""
    if not np.isfinite([cost, value_per_unit]).all():
        raise ValueError(f"cost={cost!r} and value_per_unit={value_per_unit!r} must be finite numbers, in money.")
    marked = marked_rows(treat, data.n_rows)
    data.check_index(treat, name)
    return marked


def _in_money(data: CausalData, gain: NDArray, estimand: str, label: str, what: str, said: str | None) -> Estimate:
    """The mean gain of a row, with its caution."""
    names = {"estimand": estimand, "method": "DML (IRM)", "label": label}
    value = from_influence(gain.mean(), gain - gain.mean(), data, family="dml", **names)
    return replace(value, outcome="money a row", words=Words(what, "money a row"), caution=said)


def marked_rows(treat: ArrayLike, n_rows: int) -> NDArray:
    """The policy as one 0 or 1 a row, checked."""
    marked = np.asarray(treat)
    if marked.shape != (n_rows,) or pd.isna(marked).any() or not np.isin(marked, [0, 1]).all():
        raise ValueError(f"treat needs one True or False for each of the {n_rows:,} rows.")
    return marked.astype(int)


@dataclass(frozen=True, eq=False)
class PolicyTree:
    """A shallow tree over the effect modifiers that says whom to nudge; print it to read it.

    ``tree`` is the fitted ``econml.policy.PolicyTree``.
    """

    tree: Any = field(repr=False)
    data: CausalData = field(repr=False)

    def nudge(self, frame: pd.DataFrame | None = None) -> NDArray[np.bool_]:
        """Whether to nudge each row, (n,), of the rows it was grown on or of a new frame."""
        return self.tree.predict(self.data.modifiers(frame)) == 1

    def __repr__(self) -> str:
        return "\n".join(self._lines(0, ""))

    def _lines(self, node: int, indent: str) -> list[str]:
        """The rule from this node on; branches that come to the same verdict are not told apart."""
        nodes, verdicts = self.tree.tree_, self._verdicts(node)
        if len(verdicts) == 1:
            return [indent + ("nudge" if verdicts.pop() else "do not nudge")]
        name, threshold = self.data.modifier_names[nodes.feature[node]], nodes.threshold[node]
        shown = f"{threshold:.3g}" if abs(threshold) < 1000 else f"{threshold:.0f}"
        at_most, above = (f"if {name} {sign} {shown}" for sign in ("<=", ">"))
        if name not in self.data.covariates:  # the 0/1 column of a level
            at_most, above = (f"if {name.replace('=', f' {word} ', 1)}" for word in ("is not", "is"))
        deeper = indent + "    "
        left, right = nodes.children_left[node], nodes.children_right[node]
        return [indent + at_most, *self._lines(left, deeper), indent + above, *self._lines(right, deeper)]

    def _verdicts(self, node: int) -> set[bool]:
        """What the leaves below a node say."""
        nodes = self.tree.tree_
        if nodes.children_left[node] < 0:
            return {bool(np.ravel(nodes.value[node])[1] > 0)}
        return self._verdicts(nodes.children_left[node]) | self._verdicts(nodes.children_right[node])


def policy_tree(
    nuisances: Nuisances,
    depth: int = 2,
    cost: float = 0.0,
    value_per_unit: float = 1.0,
    clipping: float = CLIPPING,
    worth: Worth = "policy value",
) -> PolicyTree:
    """A tree of at most the given depth with a high doubly robust value on these rows.

    Grown split by split, each the one that gains most (``econml.policy.PolicyTree``); a leaf holds at least a
    hundredth of the rows. Judge it on other rows.

    Parameters
    ----------
    nuisances : Nuisances
    depth : int
    cost, value_per_unit, clipping : float
        As in :func:`policy_value`.
    worth : {"policy value", "offer value"}
        What it is grown for: :func:`policy_value`, of which every baseline chooses the same rows, or
        :func:`offer_value`, where a row gains little if it would be treated anyway.

    References
    ----------
    Athey and Wager (2021), Policy learning with observational data.
    """
    from econml.policy import PolicyTree as WelfareTree

    if worth not in get_args(Worth):
        raise ValueError(f"worth={worth!r} is not known; choose one of {', '.join(get_args(Worth))}.")
    modifiers = nuisances.data.modifiers()
    units = aipw_signal(nuisances, clipping)
    if worth == "offer value":
        units = units - gained_signal(nuisances, clipping)
    gain = value_per_unit * units.mean(axis=1) - cost
    smallest = max(5, nuisances.data.n_rows // 100)
    tree = WelfareTree(max_depth=depth, min_samples_leaf=smallest, honest=False, random_state=0)
    tree.fit(modifiers, np.column_stack([np.zeros_like(gain), gain]))
    return PolicyTree(tree, nuisances.data)
