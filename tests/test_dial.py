"""The dial shows what the package computes, stands without its script, and needs nothing from elsewhere."""

import json
import re
from xml.etree import ElementTree

import pandas as pd
import pytest

import tutorial_pkg as tp

N_ROWS, SEED = 4_000, 2


@pytest.fixture(scope="module", autouse=True)
def few_positions():
    """Two strengths and two overlaps are enough to hold the figure to its promises, in a sixth of the time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tp.dial, "SELECTION", (0.0, 1.0))
        patch.setattr(tp.dial, "OVERLAP", (0.6, 1.0))
        yield


@pytest.fixture(scope="module")
def positions():
    return tp.dial.turn_dials(N_ROWS, SEED)


@pytest.fixture(scope="module")
def html(positions):
    return tp.dial.Dial(positions)._repr_html_()


@pytest.fixture(scope="module")
def drawing(html):
    return ElementTree.fromstring(re.search(r'<svg role="img".*</svg>', html).group())


@pytest.fixture(scope="module")
def sent(html):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', html).group(1))


@pytest.mark.slow
@pytest.mark.parametrize(("scenario", "overlap", "selection"), [("proactive", 1.0, 0.0), ("self_reliant", 0.6, 1.0)])
def test_a_position_shows_what_the_package_finds_in_its_market(positions, scenario, overlap, selection):
    dials = {"selection": selection, "overlap": overlap}
    market = tp.simulate_sellers(N_ROWS, scenario, seed=SEED, n_covariates=15, **dials)
    dml = tp.estimate_ate(tp.cross_fit(market.data, n_jobs=1, progress=False))
    naive = tp.naive.difference_in_means(market.data)
    found = positions.loc[(scenario, overlap, selection)]
    for name, estimate in (("naive", naive), ("dml", dml)):
        limits = found[[name, f"{name}_lower", f"{name}_upper"]].tolist()
        assert limits == pytest.approx([estimate.value, *estimate.conf_int()])
    parts = tp.truth.decompose_bias(market.data, market.truth)
    assert found[["effect", "selection bias", "gains", "naive"]].tolist() == pytest.approx(parts.tolist())
    assert found["truth"] == market.truth.ate


def test_the_positions_that_are_kept_are_those_that_are_computed(positions):
    kept = tp.dial.load_positions()
    assert len(kept) == 48
    pd.testing.assert_frame_equal(kept.loc[positions.index], positions, atol=1e-3, check_exact=False)


def test_without_selection_the_naive_difference_is_right_and_with_it_wrong_in_both_directions(positions):
    fair = positions.xs((1.0, 0.0), level=("overlap", "selection"))
    assert fair["truth"].between(fair["naive_lower"], fair["naive_upper"]).all()
    usual = positions.xs((1.0, 1.0), level=("overlap", "selection"))
    assert usual.loc["proactive", "naive_lower"] > 2 * usual.loc["proactive", "truth"]
    assert usual.loc["self_reliant", "naive_upper"] < 0 < usual.loc["self_reliant", "dml_lower"]


def test_without_its_script_it_shows_the_default_position_in_figure_and_words(positions, html, drawing):
    default = positions.loc[("proactive", 1.0, 1.0)]
    for page in (drawing, ElementTree.fromstring(re.search(r'<p role="status">.*?</p>', html).group())):
        said = {part.get("data-say"): part.text for part in page.iter() if part.get("data-say")}
        assert {"naive", "dml_lower", "dml_upper", "truth", "effect", "selection bias", "gains"} <= set(said)
        for name, text in said.items():
            assert (text or "") == (default[name] if name == "caution" else f"{default[name]:.1f}")
    assert re.search(r"<form hidden", html)


def test_the_default_bars_lie_where_their_numbers_say(positions, drawing, sent):
    default = positions.loc[("proactive", 1.0, 1.0)]
    low, high = sent["axis"]
    bars = {(bar.get("data-from"), bar.get("data-to")): bar for bar in drawing.iter("rect")}
    for (start, end), length in {("zero", "effect"): "effect", ("biased", "naive"): "gains"}.items():
        width = float(bars[start, end].get("width").rstrip("%")) * (high - low) / 100
        assert width == pytest.approx(abs(default[length]), abs=0.01)
    assert low % 5 == high % 5 == 0
    assert low <= positions["naive_lower"].min()
    assert high >= positions["naive_upper"].max()


def test_the_script_finds_every_number_that_the_figure_asks_for(html, sent, positions):
    asked = set(re.findall(r'data-(?:say|at|from|to)="([^"]+)"', html))
    assert asked <= set(sent["names"])
    assert len(sent["rows"]) == len(positions)
    row = dict(zip(sent["names"], sent["rows"][-1]))
    assert row["dml"] == pytest.approx(positions.iloc[-1]["dml"], abs=0.001)


def test_it_loads_nothing_and_says_what_it_is(html, drawing):
    assert not re.search(r"https?:|//[a-z]|@import|url\(|\bsrc=|\bhref=", html)
    assert "truth" in drawing.get("aria-label")
    assert html.count("<label>") == html.count("<input") == 4


def test_as_text_it_says_the_numbers_in_words(positions):
    text = repr(tp.dial.Dial(positions))
    assert f"{positions.loc[('proactive', 1.0, 1.0), 'naive']:.1f} units sold" in text
    assert max(map(len, text.splitlines())) <= 72


def test_a_caution_is_shown_to_its_first_clause_and_stays_text(positions):
    warned = positions.assign(caution="31% of <b>rows</b> have next to nobody; they do carry PLR.")
    html = tp.dial.Dial(warned)._repr_html_()
    assert "Caution: 31% of &lt;b&gt;rows&lt;/b&gt; have next to nobody.</span>" in html
    assert "<b>" not in html
    assert "PLR" not in html


def test_positions_that_are_not_the_dials_are_refused(positions):
    with pytest.raises(ValueError, match="turn_dials"):
        tp.dial.Dial(positions.iloc[1:])
    with pytest.raises(ValueError, match="turn_dials"):
        tp.dial.Dial(pd.DataFrame())
