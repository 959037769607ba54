"""A participant's chapter is the reader's without the solutions; the places for answers stay."""

import re

import pytest

from book import notebooks as writer
from book.build import glued
from book.workshop_folders import HEADING, SOLUTION, without_solutions
from tutorial_pkg.workshop.answers import collect


@pytest.fixture(scope="module")
def written(notebooks):
    return writer._notebooks(notebooks, {name: glued(notebook) for name, notebook in notebooks.items()})


def headings(cells):
    return [c.source.splitlines()[0] for c in cells if c.cell_type == "markdown" and HEADING.match(c.source)]


def test_solutions_are_gone_and_nothing_else(written, notebooks):
    for name in notebooks:
        before, after = written[name].cells, without_solutions(written[name].cells)
        assert headings(after) == [h for h in headings(before) if not SOLUTION.match(h)]
        assert not [c for c in after if "Solution to exercise" in c.source]
        assert after[-1] == before[-1]
        first = next((i for i, c in enumerate(before) if c.source.startswith("### Exercise")), len(before))
        assert after[:first] == before[:first]


def test_every_answer_that_can_be_checked_has_its_place(written, notebooks):
    stubs = [
        c.source for name in notebooks for c in without_solutions(written[name].cells) if "workshop.check(" in c.source
    ]
    asked = [re.search(r'check\("([\d.]+)"', stub)[1] for stub in stubs]
    assert asked == list(collect(notebooks))
    assert all(stub.startswith("answer = ...  # ") for stub in stubs)
