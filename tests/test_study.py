"""One fit, everything asked: the numbers are the estimators' own, the page is whole, and a stop refuses a claim."""

import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp
from tutorial_pkg.__main__ import main
from tutorial_pkg.studies import study
from tutorial_pkg.wording import amount

LINES = {"learners": tp.learners.linear(), "progress": False, "n_jobs": 1}


@pytest.fixture(scope="module")
def smokers():
    return study(tp.datasets.load_nhefs().data, estimand="ATE", groups=["education", "age"], price=2.0, **LINES)


@pytest.fixture(scope="module")
def sellers():
    data = tp.simulate_sellers(1_500, seed=3, n_covariates=15).data
    about = {"placebo_outcome": "units_prev_30d", "groups": ["product_category"]}
    return study(data, **about, **LINES)


def test_the_answers_are_the_estimators_own(smokers):
    n = smokers.nuisances
    assert smokers.effect.value == tp.estimate_ate(n).value
    assert smokers.money.value == pytest.approx(2 * smokers.effect.value)
    assert smokers.money.std_error == pytest.approx(2 * smokers.effect.std_error)
    assert smokers.naive.value == tp.naive.difference_in_means(n.data).value
    assert [e.estimand for e in smokers.averages] == ["ATE", "ATT", "ATC"]
    thirds = smokers.groups["age"]
    assert len(thirds) == 3
    assert smokers.sizes["age"].sum() == n.data.n_rows
    wide = smokers.bands("age")
    assert (wide["upper"] - wide["lower"] > 2 * 1.96 * thirds.tidy().set_index("label")["std_error"]).all()


def test_it_tidies_into_one_table(smokers, sellers):
    table = smokers.tidy()
    assert set(table["part"]) == {"effect", "naive", "money", "average", "by education", "by age", "check"}
    assert table.query("part == 'effect'")["value"].item() == smokers.effect.value
    assert "money" not in set(sellers.tidy()["part"])


def test_a_sound_study_may_say_its_effect_and_what_it_hangs_on(smokers):
    assert smokers.grade != "stop"
    first = smokers.may_be_said[0]
    assert "quitting raised weight gained" in first
    assert "provided that nothing unrecorded" in first
    assert smokers.percent is None  # people lose weight as well
    assert any("known to differ by" in text for text in smokers.may_not_be_said)
    assert any("No placebo outcome was named" in text for text in smokers.may_be_said)


def test_a_failed_placebo_refuses_every_claim():
    data = tp.simulate_sellers(1_500, seed=3, hidden=1.0, n_covariates=15).data
    found = study(data, placebo_outcome="units_prev_30d", **LINES)
    assert found.grade == "stop"
    assert found.may_be_said == []
    assert found.may_not_be_said[0].startswith("Any effect of")
    assert "placebo" in found.may_not_be_said[0]
    assert "cannot say how much of it is" in found.may_not_be_said[1]


def test_selection_is_told_with_its_interval(sellers):
    assert sellers.percent.value == tp.estimate_percent(sellers.nuisances, "ATT").value
    [told] = [text for text in sellers.may_not_be_said if "difference of means" in text]
    assert "above the estimate" in told
    lowered = replace(sellers, effect=replace(sellers.effect, value=-5.0, std_error=0.1))
    assert "lowered units sold in 30 days by about 5.00 units a row (4.80 to 5.20 units" in lowered.may_be_said[0]


def test_a_number_that_the_rows_do_not_carry_is_not_said(smokers):
    cautioned = replace(smokers, effect=replace(smokers.effect, caution="half of the rows have nobody"))
    assert cautioned.may_be_said == []
    assert any("half of the rows" in text for text in cautioned.may_not_be_said)


def test_no_effect_is_not_said_to_be_none(sellers):
    zero = replace(sellers, effect=replace(sellers.effect, value=0.1, std_error=1.0))
    assert "does not show whether there is one" in zero.may_be_said[0]


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.tags, self.loads = [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.loads += [value for name, value in attrs if name in ("src", "href")]


def test_the_page_needs_nothing_else(smokers, tmp_path):
    path = smokers.to_html(tmp_path / "page.html")
    text = path.read_text(encoding="utf-8")
    page = Page(text)
    assert all(address.startswith("data:image/png;base64,") for address in page.loads)
    assert {"link", "script", "iframe"}.isdisjoint(page.tags)
    assert page.tags.count("h1") == page.tags.count("main") == 1
    assert text.count("<img") == len(re.findall(r'<img [^>]*alt="[^"]{20,}"', text))
    for said in smokers.may_be_said + smokers.may_not_be_said:
        assert said in text
    assert not list(tmp_path.glob("*.partial"))
    with pytest.raises(ValueError, match="There is no folder"):
        smokers.to_html(tmp_path / "nowhere" / "page.html")


def test_markup_in_a_table_stays_text(tmp_path):
    rng, evil = np.random.default_rng(0), "<script>alert(1)</script>"
    n = 300
    frame = pd.DataFrame({evil: rng.normal(size=n), "d": rng.integers(0, 2, n), "x": rng.normal(size=n)})
    frame["<b>kind</b>"] = rng.choice(["<i>a</i>", "b & c"], n)
    data = tp.CausalData(
        frame,
        evil,
        "d",
        ["x", "<b>kind</b>"],
        labels={evil: f"sales {evil}", "d": "<u>coin</u>"},
        arms=("<s>no</s>", "yes"),
    )
    text = study(data, groups=["<b>kind</b>"], **LINES).to_html(tmp_path / "p.html").read_text(encoding="utf-8")
    assert evil not in text
    assert "&lt;script&gt;" in text
    for tag in ("<i>a", "<b>kind", "<u>coin", "<s>no"):
        assert tag not in text


def test_mistakes_are_told_before_anything_is_fitted():
    data = tp.datasets.load_nhefs().data
    for options, told in (
        ({"groups": ["agee"]}, "The group column 'agee' is not in the table"),
        ({"placebo_outcome": "agee"}, "The placebo outcome column 'agee'"),
        ({"placebo_outcome": "age"}, "The placebo 'age' is among the covariates"),
        ({"estimand": "LATE"}, "estimand='LATE' is not known"),
        ({"price": -1.0}, "price=-1.0 is not a positive amount"),
    ):
        with pytest.raises(ValueError, match=told):
            study(data, learners=tp.learners.Learners(Never(), Never()), **options)


class Never:
    def fit(self, x, y):
        raise AssertionError("fitted")

    predict = predict_proba = fit


def test_amounts_have_digits_that_mean_something():
    assert [amount(v) for v in (1234.6, 12.34, 1.234, -0.5, 0.00412)] == ["1,235", "12.3", "1.23", "-0.500", "0.00412"]
    assert amount(3.0, "kg") == "3.00 kg"
    assert amount(0.004, to=12.0) == "0.0"


def test_the_command_line_writes_a_page_or_one_sentence(tmp_path, capsys):
    table = tmp_path / "t.csv"
    frame = tp.simulate_sellers(400, seed=1, n_covariates=15).data.frame
    frame.to_csv(table, index=False)
    asked = [str(table), "--outcome", "units_30d", "--treatment", "aligned", "--cluster", "seller_id"]
    page = tmp_path / "p.html"
    assert main(["study", *asked, "--placebo", "units_prev_30d", "--out", str(page)]) == 0
    assert page.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert "clicks_30d: named after the outcome's period" in capsys.readouterr().out
    assert main(["study", *asked[:4], "followed", "--out", str(page)]) == 1
    told = capsys.readouterr().err
    assert told.startswith("The treatment column 'followed' is not in the table")
    assert told.count("\n") == 1
