"""Cards promise no more than is known, and shrinkage takes the luck out of the best."""

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tutorial_pkg.estimate import Estimate


def estimates(values, errors):
    return tp.Estimates(
        [Estimate(v, e, "GATE", "test", 1_000, label=f"g{i}") for i, (v, e) in enumerate(zip(values, errors))]
    )


def drawn(seed, n=40, mean=4.0, spread=1.0, error=1.5):
    rng = np.random.default_rng(seed)
    truth = rng.normal(mean, spread, n)
    return truth, estimates(truth + rng.normal(0, error, n), np.full(n, error))


def test_shrinkage_takes_the_luck_out_of_the_best():
    raw, calm, hits = [], [], []
    for seed in range(200):
        truth, found = drawn(seed)
        table = tp.cards.shrink(found)
        best = int(np.argmax(found.values))
        raw.append(found[best].value - truth[best])
        calm.append(table["value"].iloc[best] - truth[best])
        hits.append(((table["lower"] <= truth) & (truth <= table["upper"])).mean())
    assert np.mean(raw) > 1.5
    assert abs(np.mean(calm)) < 0.25
    assert np.mean(hits) == pytest.approx(0.95, abs=0.03)


def test_groups_that_do_not_differ_get_one_effect_and_precise_ones_keep_theirs():
    same = tp.cards.shrink(estimates([4.0, 4.1, 3.9, 4.05], [1.0] * 4))
    assert np.ptp(same["value"]) < 0.05
    apart = tp.cards.shrink(estimates([0.0, 10.0, 20.0, 30.0], [0.1] * 4))
    assert np.allclose(apart["value"], [0, 10, 20, 30], atol=0.05)
    with pytest.raises(ValueError, match="Fewer than four groups"):
        tp.cards.shrink(estimates([1.0, 2.0], [1.0, 1.0]))


def test_nothing_is_shown_where_nothing_can_be_promised():
    found = estimates([9.0, 8.0, 0.5, 0.2], [0.5, 0.5, 0.1, 0.5])
    sizes = pd.Series({"g0": 500, "g1": 50, "g2": 500, "g3": 500})
    cards = {c.group: c for c in tp.cards.make_cards(found, sizes, action="Creating an outlet deal")}
    assert cards["g0"].shown
    assert "about 8 " in cards["g0"].text
    assert cards["g1"].why == "only 50 offers of the past"
    assert "not worth a card" in cards["g2"].why
    assert "may be none" in cards["g3"].why
    assert cards["g1"].text == ""
    assert all(c.promise <= c.upper for c in cards.values())
    product = cards["g0"].message(1_234)
    assert product.startswith("You hold about 1,234 ")
    assert cards["g0"].text in product
    assert cards["g1"].message(1_234) == ""
    owner = tp.cards.efficacy(list(cards.values()))
    assert list(owner.index) == sorted(cards, key=lambda name: -cards[name].promise)
    assert owner["card"].sum() == 1
    assert owner.loc["g1", "why not"] == cards["g1"].why
