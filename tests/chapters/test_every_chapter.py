"""What holds of every chapter: it runs clean, its cells are short, its figures have alt texts."""

import re
from pathlib import Path

import jupytext
import pytest

from tests.chapters import REFERENCE

BOOK = Path(__file__).parents[2] / "book"
CHAPTERS = sorted(p for p in BOOK.glob("*.md") if "{code-cell}" in p.read_text())


def test_no_cell_printed_a_warning_or_an_error(notebooks):
    for name, notebook in notebooks.items():
        for cell in notebook.cells:
            for output in cell.get("outputs", []):
                assert output.output_type != "error", name
                assert output.get("name") != "stderr", f"{name}: {output.text[:200]}"


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_cells_are_short(path):
    for cell in jupytext.read(path).cells:
        if cell.cell_type == "code":
            lines = [line for line in cell.source.splitlines() if line.strip()]
            assert len(lines) <= 20, cell.source


@pytest.mark.parametrize("path", sorted(BOOK.glob("*.md")), ids=lambda p: p.stem)
def test_lines_of_code_that_are_shown_fit_the_page(path):
    """At most 72 characters: more would scroll at the width of a laptop's window."""
    for cell in jupytext.read(path).cells:
        if cell.cell_type == "code" and "remove-cell" not in cell.metadata.get("tags", []):
            assert [line for line in cell.source.splitlines() if len(line) > 72] == []


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_every_figure_has_a_caption_and_an_alt_text(path, notebooks):
    for cell in notebooks[path.stem].cells:
        pictures = [o for o in cell.get("outputs", []) if "image/png" in o.get("data", {})]
        if pictures:
            settings = cell.metadata.get("mystnb", {})
            assert settings.get("image", {}).get("alt"), cell.source
            assert settings.get("figure", {}).get("caption"), cell.source


@pytest.mark.parametrize("path", CHAPTERS, ids=lambda p: p.stem)
def test_no_computed_number_is_typed(path):
    """Decimals stand in the prose only inside code, formulas or links: the rest is glued."""
    prose = re.sub(r"^(`{3,}|~{3,}).*?^\1", "", path.read_text(), flags=re.S | re.M)
    prose = re.sub(r"\A---.*?---\n", "", prose, flags=re.S)
    bare = re.sub(r"\{[a-z:]+\}`[^`]*`|`[^`]*`|\$[^$]*\$|\([^)]*\)|https?://\S+", "", prose)
    assert re.findall(r"(?<![\w.])\d+\.\d+(?![\w.])", bare) == []


TAUGHT = [path for path in CHAPTERS if path.stem not in REFERENCE]


@pytest.mark.parametrize("path", TAUGHT, ids=lambda p: p.stem)
def test_a_chapter_has_exercises_of_which_some_check_themselves_and_quizzes(path):
    text = path.read_text()
    assert len(re.findall(r"^:label: ex-", text, re.MULTILINE)) >= 5
    assert text.count("tp.workshop.mark(") >= 2
    assert 3 <= text.count("```{quiz}") <= 5


def test_there_are_eighty_exercises_and_more():
    assert sum(len(re.findall(r"^:label: ex-", path.read_text(), re.MULTILINE)) for path in TAUGHT) >= 80


GUESSED = [path for path in TAUGHT if "\nguess = None" in path.read_text()]


def test_readers_predict_at_the_books_main_figures():
    assert len(GUESSED) >= 9


@pytest.mark.parametrize("path", GUESSED, ids=lambda p: p.stem)
def test_a_prediction_is_asked_for_before_its_figure_which_shows_it(path):
    cells = jupytext.read(path).cells
    at = next(i for i, c in enumerate(cells) if c.source.startswith("guess = None  # "))
    assert ":::{admonition} Before you look" in cells[at - 1].source
    shown = [i for i, c in enumerate(cells) if "tp.plots.show_guess(guess, ax" in c.source]
    assert len(shown) == 1
    assert at < shown[0] <= at + 4
    assert "figure" in cells[shown[0]].metadata["mystnb"]
