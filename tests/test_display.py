"""What is shown reads well and is harmless: intervals in one column, signs, no zero p-values, markup escaped."""

import ast
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import tutorial_pkg as tp

EVIL = "<script>alert(1)</script>&<b>"
PACKAGE = Path(tp.__file__).parent


@pytest.fixture(scope="module")
def hostile():
    """A table with markup in every name and label."""
    rng = np.random.default_rng(0)
    n = 300
    names = {role: f"{role} {EVIL}" for role in ("outcome", "treatment", "number", "kind", "seller")}
    number = rng.normal(size=n)
    frame = pd.DataFrame(
        {
            names["outcome"]: number + rng.normal(size=n),
            names["treatment"]: (rng.random(n) < 1 / (1 + np.exp(-number))).astype(int),
            names["number"]: number,
            names["kind"]: rng.choice([f"a {EVIL}", f"b {EVIL}"], n),
            names["seller"]: np.arange(n) // 2,
        }
    )
    data = tp.CausalData(
        frame,
        names["outcome"],
        names["treatment"],
        [names["number"], names["kind"]],
        cluster=names["seller"],
        labels={names["outcome"]: EVIL, names["treatment"]: EVIL},
        units={names["outcome"]: EVIL},
        arms=(EVIL, f"not {EVIL}"),
    )
    return data, names


@pytest.fixture(scope="module")
def shown(hostile):
    """Everything with an HTML form, by its class."""
    data, names = hostile
    nuisances = tp.cross_fit(data, tp.learners.linear(), n_folds=2, n_jobs=1)
    ate, groups = tp.estimate_ate(nuisances), tp.estimate_gate(nuisances, names["kind"])
    labelled = tp.Estimates({EVIL: ate, "other": tp.naive.difference_in_means(data)})
    checks = [*tp.diagnostics.all_checks(nuisances, None), tp.check.Check(EVIL, None, EVIL, pd.DataFrame({EVIL: [1]}))]
    wide = pd.DataFrame([[EVIL, 1.0]], [EVIL], pd.MultiIndex.from_tuples([(EVIL, EVIL), (EVIL, "x")], names=[EVIL, ""]))
    predictions = (getattr(nuisances, name)[:, 0] for name in ("outcome_control", "outcome_treated", "propensity"))
    chosen = tp.choose_cate(tp.Nuisances.given(data, *predictions), ("constant", "linear_dr"))
    outcome, treatment, seller = (names[role] for role in ("outcome", "treatment", "seller"))
    ready = tp.roles.prepare(data.frame, outcome, treatment, cluster=seller, labels=data.labels, units=data.units)
    study = tp.study(ready, groups=[names["kind"]], learners=tp.learners.linear(), n_folds=2, n_jobs=1)
    card = {"promise": 8.0, "lower": 1.0, "upper": 9.0, "n_rows": 10, "unit": EVIL, "action": EVIL, "horizon": EVIL}
    return {
        "Card": [tp.cards.Card(EVIL, shown=True, **card), tp.cards.Card(EVIL, shown=False, why=EVIL, **card)],
        "Prepared": [ready],
        "Study": [study],
        "CateModel": [chosen, tp.estimate_cate(nuisances, "linear_dr")],
        "Estimate": [ate],
        "Estimates": [groups, labelled],
        "Nuisances": [nuisances],
        "Check": checks,
        "Verdict": [tp.workshop.answers.Verdict(False, EVIL)],
        "Table": [
            labelled.compare({EVIL: 0.0, "other": 1.0}),
            tp.show(wide.rename_axis(EVIL)),
            tp.show(data.frame.head()),
            tp.check.summarise(checks),
        ],
    }


def test_no_class_with_an_html_form_is_left_out(shown):
    classes = {
        node.name
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.ClassDef)
        and any(isinstance(part, ast.FunctionDef) and part.name == "_repr_html_" for part in node.body)
    }
    assert classes == {*shown, "Dial"}  # the dial shows simulated markets, never a user's words


def test_markup_in_names_and_labels_stays_text(shown):
    n_names = 0
    for things in shown.values():
        for thing in things:
            html = thing._repr_html_()
            assert "<script" not in html, thing
            assert "<b>alert" not in html
            assert "&<" not in html
            n_names += html.count("&lt;script&gt;alert(1)&lt;/script&gt;&amp;&lt;b&gt;")
    assert n_names > 20  # they are shown, and shown as they are


def test_a_table_prints_intervals_in_one_column_signs_and_small_p_values():
    table = pd.DataFrame(
        {"value": [1.234, -1500.0], "lower": [0.5, np.nan], "upper": [2.0, np.nan], "covers": [True, False]},
        ["one", "two"],
    ).assign(p_value=[1e-9, 0.0449], n_rows=[10_000, 5], note=["a", None])
    shown = tp.display.readable(table)
    assert list(shown.columns) == ["estimate", "interval", "covers", "p-value", "rows", "note"]
    assert list(shown.loc["one"]) == ["1.23", "0.50 to 2.00", "✓", "< 0.001", "10,000", "a"]
    assert list(shown.loc["two"]) == ["-1,500.00", "", "✗", "0.045", "5", ""]


def test_columns_of_words_and_signs_are_marked_for_the_style_sheet():
    table = pd.DataFrame({"x": [1.0, 2.0], "note": ["", "half of it"], "covers": [True, False]}, ["one row", "two"])
    for index_name in (None, "market"):
        html = tp.show(table.rename_axis(index_name))._repr_html_()
        assert '<th class="words">note</th>' in html
        assert html.count('<td class="words">') == 2  # the empty cell of the column too
        assert '<td class="yes">✓</td>' in html
        assert '<td class="no">✗</td>' in html
        assert html.count("class=") == 6
        assert "<th>x</th>" in html


def test_a_value_is_called_an_estimate_only_where_it_has_an_error():
    assert list(tp.display.readable(pd.DataFrame({"value": [1.0], "optimum": [2.0]})).columns) == ["value", "optimum"]


def test_what_is_computed_from_a_shown_table_is_plain_and_exact():
    shown = tp.show(pd.DataFrame({"x": [1 / 3]}), decimals=1)
    assert type(shown["x"] * 3) is pd.Series
    assert float((shown["x"] * 3).iloc[0]) == 1.0
    assert "0.3" in repr(shown)
    assert "0.33" not in shown._repr_html_()


def test_columns_of_the_same_name_are_both_shown():
    twice = pd.DataFrame([[1.0, 2.0]], columns=["x", "x"])
    assert tp.display.readable(twice).to_numpy().tolist() == [["1.00", "2.00"]]


def test_an_index_that_only_counts_is_not_shown():
    assert "<th></th>" not in tp.show(pd.DataFrame({"x": [1.5]}))._repr_html_()
    assert "row" in tp.show(pd.DataFrame({"x": [1.5]}, ["row"]))._repr_html_()


def test_words_say_the_unit_once():
    from tutorial_pkg.words import Words

    assert Words("t", "units sold in 30 days", "units").outcome_in_unit == "units sold in 30 days"
    assert Words("t", "revenue", "USD").outcome_in_unit == "revenue (USD)"
    assert Words("t", "revenue").outcome_in_unit == "revenue"


ODD = {
    "missing ends": pd.DataFrame({"lower": [pd.NA, 1.0], "upper": [2.0, np.nan], "p_value": [None, "none"]}),
    "two pairs": pd.concat([pd.DataFrame({"lower": [1.0], "upper": [2.0]})] * 2, axis=1),
    "a missing name": pd.DataFrame([[1.0, 2.0]], columns=[pd.NA, 3]),
    "no columns of two levels": pd.DataFrame([[1.0]], columns=pd.MultiIndex.from_tuples([("a", "b")])).iloc[:, :0],
    "no rows": pd.DataFrame({"value": [], "lower": [], "upper": []}),
    "nothing": pd.DataFrame(),
    "dates and labels": pd.DataFrame({"t": pd.to_datetime(["2026-01-01", None]), "c": pd.Categorical(["a", None])}),
    "intervals": pd.DataFrame({"x": [1e12]}, index=pd.IntervalIndex.from_breaks([0, 1])),
    "a level that is none": pd.DataFrame({"lower": [0.0], "upper": [1.0]}),
}
ODD["a level that is none"].attrs["level"] = "seller"


@pytest.mark.parametrize("name", ODD)
def test_odd_tables_print(name):
    shown = tp.show(ODD[name])
    assert "<table" in shown._repr_html_()
    assert repr(shown)


def test_two_pairs_of_ends_are_not_mixed_and_one_missing_end_is_no_interval():
    assert tp.display.readable(ODD["two pairs"]).to_numpy().tolist() == [["1.00", "2.00", "1.00", "2.00"]]
    assert list(tp.display.readable(ODD["missing ends"])["interval"]) == ["", ""]


def test_levels_are_told_as_they_are():
    table = pd.DataFrame({"lower": [0.0], "upper": [1.0]})
    for level, header in ((0.95, "95% interval"), (0.975, "97.5% interval"), (0.999, "99.9% interval")):
        table.attrs["level"] = level
        assert list(tp.display.readable(table).columns) == [header]


def test_long_tables_say_that_they_are_cut():
    long = pd.DataFrame({"x": np.arange(1_500)}, index=[f"r{i}" for i in range(1_500)])
    assert "the first 60 of 1,500 rows" in tp.show(long)._repr_html_()
    assert repr(tp.show(long, max_rows=5)).endswith("the first 5 of 1,500 rows")
    assert "r4" in repr(tp.show(long, max_rows=5))
    assert "r5 " not in repr(tp.show(long, max_rows=5))


def test_dollar_signs_start_no_formula():
    assert 'mathjax_ignore"' in tp.show(pd.DataFrame({"price ($)": [5.0]}))._repr_html_()
    assert 'mathjax_ignore"' in tp.display.paragraph("$a$", "$b$")


def test_only_an_index_that_counts_from_zero_is_left_out():
    for index, shown in ((range(3), False), (range(1, 4), True), (pd.RangeIndex(3, name="group"), True)):
        assert (">2</th>" in tp.show(pd.DataFrame({"x": [0.5] * 3}, index=index))._repr_html_()) is shown


def test_a_check_shows_no_empty_columns(shown):
    assert all("<th>label</th>" not in check._repr_html_() for check in shown["Check"])
