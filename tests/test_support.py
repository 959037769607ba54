"""Cautions are given where rows have next to nobody to be compared with, and only there, and they name what is carried."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tests.benchmarks.overlap import SURFACES, designs, every_question, judge, rates
from tutorial_pkg.support import caution

N = 4_000


def drawn(m):
    return (np.random.default_rng(1).random(len(m)) < m).astype(np.int8)


def with_700_treated_beyond():
    """Arms that overlap, and 700 treated rows where nobody is untreated."""
    m = np.where(np.arange(N) < 700, 0.999, np.linspace(0.2, 0.8, N))
    d = drawn(m)
    d[:700] = 1
    return d, m


@pytest.mark.parametrize("question", ["ATE", "ATT", "ATC", "PLR"])
def test_where_the_arms_overlap_nothing_is_said(question):
    m = np.linspace(0.1, 0.9, N)
    assert caution(drawn(m), m, question) is None


def test_treated_rows_without_comparison_are_a_caution_for_ate_and_att_alone():
    """A third of the treated are where nobody is untreated; all untreated rows have treated ones beside them."""
    d, m = with_700_treated_beyond()
    for question in ("ATC", "PLR"):
        assert caution(d, m, question) is None
    said = caution(d, m, "ATT")
    share = float(said.split("%")[0]) / 100
    assert 700 / d.sum() - 0.005 <= share <= 700 / d.sum() + 0.015  # a few at the edge have fewer than five beyond
    assert "% of the treated rows have next to nobody" in said
    assert said.endswith("they do carry ATC and PLR.")
    assert caution(d, m, "ATE").endswith("they do carry ATC and PLR.")


def test_the_other_arm_is_treated_alike():
    d, m = with_700_treated_beyond()
    mirrored = caution(1 - d, 1 - m, "ATC")
    assert mirrored.replace("untreated", "treated").replace("ATT", "ATC") == caution(d, m, "ATT")


def test_rows_of_no_weight_are_no_reason_for_caution():
    d, m = with_700_treated_beyond()
    assert caution(d, m, "ATT", np.where(np.arange(N) < 700, 0.0, 2.0)) is None


@pytest.fixture(scope="module")
def walled():
    """Treated rows beyond a wall of x, where nobody is untreated."""
    rng = np.random.default_rng(2)
    x = rng.normal(size=2_000)
    m = np.where(x > 0.8, 0.999, 0.4)
    d = (rng.random(2_000) < m).astype(int)
    d[x > 0.8] = 1
    frame = pd.DataFrame({"y": x + d + rng.normal(size=2_000), "d": d, "x": x, "side": np.where(x > 0, "far", "near")})
    return tp.Nuisances.given(tp.CausalData(frame, "y", "d", ["x"]), x, 1 + x, m)


def test_every_estimate_says_it_in_print_on_pages_and_in_tables(walled):
    att, atc = tp.estimate_att(walled), tp.estimate_atc(walled)
    assert "they do carry ATC" in att.caution
    assert "\nCaution: " in repr(att)
    assert "<b>Caution</b>" in att._repr_html_()
    assert att.tidy().loc[0, "caution"] == att.caution
    assert atc.caution is None
    assert "Caution" not in repr(atc) + atc._repr_html_()
    assert atc.tidy().loc[0, "caution"] == ""
    assert (tp.estimate_ate(walled) - atc).caution == tp.estimate_ate(walled).caution
    assert tp.estimate_trimmed(walled).caution is None
    assert tp.estimate_plr(walled).caution is None
    several = tp.Estimates([att, atc])
    assert "Caution (DML (IRM))" in several._repr_html_()
    assert list(several.tidy()["caution"] == "") == [False, True]


def test_of_groups_those_without_comparison_say_so(walled):
    found = tp.estimate_gate(walled, "side", estimand="ATT")
    assert found["far"].caution is not None
    assert found["near"].caution is None


def test_the_sellers_carry_every_question(nuisances):
    assert {e(nuisances).caution for e in (tp.estimate_ate, tp.estimate_att, tp.estimate_atc, tp.estimate_plr)} == {
        None
    }


def test_repeats_are_judged_together(walled):
    twice = {name: np.repeat(getattr(walled, name), 2, axis=1) for name in tp.nuisance.NUISANCES}
    repeated = replace(walled, folds=walled.folds * 2, **twice)
    assert tp.estimate_att(repeated).caution == tp.estimate_att(walled).caution


# --- the benchmark of cautions ----------------------------------------------------------------------------


def test_the_benchmark_calls_unsound_what_fails_on_any_surface_and_counts_cautions_there_and_elsewhere():
    shapes = {"randomised": (1, 1, 1, 0.0), "wall, treated": (1, 1, 0.8, 0.9)}  # covered by surface, cautioned
    rows = [
        {
            "market": f"{shape} | {surface}",
            "n_rows": 9,
            "seed": seed,
            "estimator": "DML",
            "estimand": "ATT",
            "value": 0.0,
            "std_error": 1.0,
            "lower": -2.0,
            "upper": 2.0,
            "target": 0.0 if seed < 10 * covered else 3.0,
            "seconds": 1.0,
            "caution": seed < 10 * cautioned,
        }
        for shape, (*covers, cautioned) in shapes.items()
        for surface, covered in zip(SURFACES, covers, strict=True)
        for seed in range(10)
    ]
    table = judge(pd.DataFrame(rows))
    assert list(table["sound"]) == [True, False]
    assert rates(table) == pytest.approx({"hits": 0.9, "false alarms": 0.0})


def test_the_benchmarks_studies_have_true_averages_of_every_question():
    market = {m.name: m for m in designs()}["wall, treated | edge"]
    draw = market.draw(0)
    t, share = draw.targets, draw.truth.propensity.mean()
    assert t["ATE"] == pytest.approx(share * t["ATT"] + (1 - share) * t["ATC"], rel=0.05)
    assert t["ATT"] > t["ATE"] > t["ATC"] > 0  # the effect is beyond the wall, where all are treated
    assert {e.estimand for e in every_question(draw)} == set(t)
