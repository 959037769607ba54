"""Tables of the printed book say what those of the pages say."""

import pandas as pd
import pytest
from bs4 import BeautifulSoup
from docutils import nodes

import tutorial_pkg as tp
from book.print_tables import _print


def printed(html):
    table = _print(BeautifulSoup(html, "html.parser").table)
    assert {row.parent.tagname for row in table.findall(nodes.row)} == {"thead", "tbody"}
    return [[entry.astext() for entry in row.findall(nodes.entry)] for row in table.findall(nodes.row)]


def test_a_table_keeps_its_cells_and_the_name_of_its_index_joins_the_header():
    frame = pd.DataFrame({"x_1": [1.5, 2.25], "50%": ["a & b", "<i>"]}, pd.Index(["low", "high"], name="arm"))
    assert printed(tp.show(frame)._repr_html_()) == [
        ["arm", "x_1", "50%"],
        ["low", "1.50", "a & b"],
        ["high", "2.25", "<i>"],
    ]


@pytest.mark.parametrize("frame", [
    pd.DataFrame([[1, 2], [3, 4]], columns=pd.MultiIndex.from_tuples([("a", "b"), ("a", "c")])),
    pd.DataFrame({"z": [1, 2, 3]}, index=pd.MultiIndex.from_tuples([("p", "q"), ("p", "r"), ("s", "t")])),
])  # fmt: skip
def test_cells_that_span_others_leave_every_row_as_wide_as_the_table(frame):
    rows = printed(tp.show(frame)._repr_html_())
    assert len({len(row) for row in rows}) == 1
    assert rows[-1][-1] == str(frame.iloc[-1, -1])
