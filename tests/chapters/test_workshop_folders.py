"""A participant's chapter is the reader's without the solutions; the places for answers stay."""

import re

import nbformat
import pytest
import yaml

from book import notebooks as writer
from book import workshop_folders
from book.build import glued
from book.workshop_folders import HEADING, SOLUTION, without_solutions
from tests.chapters import REFERENCE
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


@pytest.fixture(scope="module")
def folder(notebooks, tmp_path_factory):
    """A participant's folder, from the notebooks as they are now."""
    lab = tmp_path_factory.mktemp("lab")
    for name, notebook in writer._notebooks(
        notebooks, {name: glued(notebook) for name, notebook in notebooks.items()}
    ).items():
        nbformat.write(notebook, lab / f"{name}.ipynb")
    folder = tmp_path_factory.mktemp("participants")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(workshop_folders, "LAB", lab)
        workshop_folders.write_notebooks(folder, solutions=False)
    workshop_folders.write_set_up(folder, writer.FOLDER)
    return folder


def test_the_table_of_contents_lists_every_notebook_in_the_books_order(folder, notebooks):
    parts = yaml.safe_load((folder / "_toc.yml").read_text())["parts"]
    files = [chapter["file"] for part in parts for chapter in part["chapters"]]
    assert {"start.ipynb", "intro.ipynb", *files} == {path.name for path in folder.glob("*.ipynb")}
    assert [f"{name}.ipynb" for name in notebooks if name not in REFERENCE] == files[:18]


def test_a_participants_first_page_does_not_promise_solutions(folder):
    start = nbformat.read(folder / "start.ipynb", 4).cells[0].source
    assert "Solutions are folded" not in start
    assert "put your answer in place of the dots" in start


def test_the_sheets_hold_the_numbers_and_no_markup_of_the_book(folder, notebooks):
    sheet = (folder / "handout.html").read_text()
    assert f"{float(glued(notebooks['whole_game'])['wg_naive']):.1f} units ahead" in sheet
    assert "{glue" not in sheet
    assert "<table>" in sheet


def test_the_environment_is_that_of_the_lock_and_ends_with_the_package(folder):
    lines = (folder / "requirements.txt").read_text().split("\n")
    assert lines[-2:] == ["./package", ""]
    assert all("==" in line for line in lines[:-2])
    assert (folder / "package" / "pyproject.toml").exists()
    assert (folder / "jupyter_lab_config.py").exists()
