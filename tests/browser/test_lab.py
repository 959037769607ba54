"""The chapters in JupyterLab: opened by a click from the first page, run whole, they say what their pages say."""

import re
import shutil
import subprocess
from urllib.request import urlopen

import nbformat
import pytest

from book.build import executed_notebooks
from book.notebooks import BOOK, LAB, ROOT
from tests.browser.conftest import jupyterlab, open_chapter, run_all_cells
from tests.chapters import REFERENCE

pytest.importorskip("playwright.sync_api", reason="make test-browser brings it")

CHAPTERS = sorted(path.stem for path in BOOK.glob("*.md") if "```{code-cell}" in path.read_text())
# A chapter takes a minute; the others are run before a version.
OFTEN = {"sellers_question", "own_table", "more_machines"}
RAW = re.compile(r"\{(glue|cite|term|doc|ref|numref|eq|prf)[:}]|:::|```|\b(sq|sb|nc|rr|ate|att|cate|learn)_\w+:")


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """`make lab`; the notebooks are put back afterwards."""
    kept = tmp_path_factory.mktemp("kept") / "lab"
    shutil.copytree(LAB, kept)
    try:
        with jupyterlab(["make", "lab"], ROOT, tmp_path_factory.mktemp("config")) as address:
            yield address
    finally:
        shutil.rmtree(LAB)
        shutil.copytree(kept, LAB)


def in_git():
    return subprocess.check_output(["git", "status", "--porcelain"], cwd=ROOT, text=True)


def printed(notebook):
    """What each cell prints and the tables it shows, but for seconds and peaks of memory, which no two runs share."""
    found = []
    for cell in notebook.cells:
        if not {"remove-cell", "remove-output"} & set(cell.metadata.get("tags", [])) and not any(
            word in cell.source for word in ("workshop.check(", "seconds", "peak")
        ):
            outputs = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", [])]
            said = [text for text in outputs if "<Figure size" not in text and "seconds" not in text]
            found.append(" ".join(" ".join(said).split()))  # some keep two prints as one output
    return [text for text in found if text]


def test_make_lab_opens_on_the_page_that_leads_the_way(lab):
    with urlopen(lab) as answer:
        assert answer.url == f"{lab}lab/tree/_build/lab/start.ipynb"


@pytest.mark.parametrize("name", [pytest.param(n, marks=[] if n in OFTEN else pytest.mark.slow) for n in CHAPTERS])
def test_a_chapter_runs_in_jupyterlab_as_its_page_reads(lab, page, name):
    before = in_git()
    # A workspace of its own, where no other chapter is open.
    open_chapter(page, f"{lab}lab/workspaces/{name}/tree/_build/lab/start.ipynb", name)
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")

    texts, headings, at = [], [], -1
    scroller = panel.locator(".jp-WindowedPanel-outer")  # cells out of sight are not in the page
    while at != (at := scroller.evaluate("(box) => (box.scrollBy(0, 600), box.scrollTop)")):
        page.wait_for_timeout(100)
        texts += panel.locator(".jp-RenderedMarkdown:visible").all_inner_texts()
        headings += panel.locator(".jp-MarkdownCell:has(.jp-showHiddenCellsButton) h4").all_inner_texts()
    assert [text for text in texts if RAW.search(text)] == []
    cells = nbformat.read(LAB / f"{name}.ipynb", 4).cells
    solutions = {cell.source.strip("# ") for cell in cells if cell.source.startswith("#### Solution")}
    assert solutions or name in REFERENCE
    assert {heading.strip("¶ ") for heading in headings if heading} == solutions

    run_all_cells(page)
    page.keyboard.press("Control+s")
    page.wait_for_function("!document.querySelector('.lm-TabBar-tab.lm-mod-current.jp-mod-dirty')")
    assert printed(nbformat.read(LAB / f"{name}.ipynb", 4)) == printed(executed_notebooks()[name])
    assert in_git() == before
