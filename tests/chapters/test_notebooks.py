"""The notebooks to run say what the pages say, give what the pages show, and need nothing that JupyterLab has not."""

import html
import re
import subprocess
import sys
import zipfile

import nbformat
import pytest
from bs4 import BeautifulSoup
from nbclient import NotebookClient

from book import build
from book import notebooks as writer
from tests.chapters import REFERENCE

CHAPTERS = list(build._chapters())


@pytest.fixture(scope="module")
def written(notebooks):
    """``{name: notebook}`` as the build writes them."""
    return writer._notebooks(notebooks, {name: build.glued(notebook) for name, notebook in notebooks.items()})


def prose(notebook):
    return "\n\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")


def code(notebook):
    return [cell.source for cell in notebook.cells if cell.cell_type == "code"]


def words(text):
    return re.findall(r"-?\d+(?:[.,]\d+)*|\w+", text)


def test_the_start_page_leads_to_every_page_in_the_books_order(written):
    order = re.findall(r"\((\w+)\.ipynb\)", prose(written["start"]))
    assert order == [name for name in written if name != "start"]
    assert [name for name in order if name in CHAPTERS] == CHAPTERS
    assert {"intro", "notation", "bibliography"} <= set(order)


def test_nothing_is_left_that_only_the_pages_understand(written):
    for name, notebook in written.items():
        nbformat.validate(notebook)
        without_code = re.sub(r"^(`{3,})\w*\n.*?^\1$", "", prose(notebook), flags=re.MULTILINE | re.DOTALL)
        assert re.findall(r"\{[\w:]+\}`|^\s*:{3}.*|^\s*`{3}\{.*|\.md\b", without_code, re.MULTILINE) == [], name
        assert "glue" not in "".join(code(notebook)), name
        assert not any(cell.get("outputs") for cell in notebook.cells), name


def test_links_between_notebooks_lead_somewhere(written):
    for name, notebook in written.items():
        for target, cell in re.findall(r"\]\((\w+)\.ipynb(?:#cell-id=([^)]+))?\)", prose(notebook)):
            assert target in written, f"{name}: {target}"
            assert not cell or cell in {c.id for c in written[target].cells}, f"{name}: {cell}"


def rendered(path, name):
    """A file of the site, if the chapter was rendered since it was last changed."""
    file = writer.HTML / path
    if not file.exists() or file.stat().st_mtime < (writer.BOOK / f"{name}.md").stat().st_mtime:
        pytest.skip("first render the pages: make book")
    return file


@pytest.mark.parametrize("name", CHAPTERS)
def test_the_download_and_the_archive_hold_the_same_notebook(written, name):
    assert nbformat.read(rendered(f"_sources/book/{name}.ipynb", name), 4) == written[name]
    with zipfile.ZipFile(rendered("notebooks.zip", name)) as archive:
        files = {file.partition("/")[2] for file in archive.namelist()}
        packed = archive.read(f"{writer.FOLDER}/{name}.ipynb").decode()
    assert nbformat.reads(packed, 4) == written[name]
    assert {"README.txt", "package/pyproject.toml", "package/data/sellers.parquet"} <= files


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_page_and_its_notebook_say_the_same(written, name):
    """Paragraph by paragraph, for those with a number in them, so that the numbers stand in their places."""
    page = rendered(f"book/{name}.html", name).read_text(encoding="utf-8")
    said = " ".join(words(re.sub(r"\]\([^)]*\)", "]", prose(written[name]))))
    soup = BeautifulSoup(page, "html.parser")
    for tip in soup.select(".tip"):  # shown beside a link when it is pointed at
        tip.decompose()
    paragraphs = [p.get_text() for p in soup.select("p:has(.pasted-text)")]
    assert len(paragraphs) >= 5 or name == "template"  # which is to be filled in
    for paragraph in paragraphs:
        assert " ".join(words(paragraph)) in said, paragraph


@pytest.mark.parametrize("name", CHAPTERS)
def test_solutions_are_folded_and_nothing_else(written, name):
    """A folded heading hides the cells up to the next heading that is as high or higher."""
    source = (writer.BOOK / f"{name}.md").read_text(encoding="utf-8")
    cells = written[name].cells
    folded = [i for i, cell in enumerate(cells) if cell.metadata.get("jp-MarkdownHeadingCollapsed")]
    assert len(folded) == len(re.findall(r"\{solution(?:-start)?\}", source))
    assert len(folded) >= 3 or name in REFERENCE
    for start in folded:
        assert re.fullmatch(r"#### Solution to exercise \d+\.\d+", cells[start].source)
        assert cells[start + 1].cell_type == "code" or not cells[start + 1].source.startswith("#")
    after = [next(c.source for c in cells[i + 1 :] if re.match("#{1,4} ", c.source)) for i in folded]
    assert all(re.match(r"### Exercise|## ", heading) for heading in after)
    headings = re.findall(r"^## (.+)$", source, re.MULTILINE)
    assert [h for h in headings if f"## {h}" not in prose(written[name])] == []


@pytest.mark.parametrize("name", CHAPTERS)
def test_every_figure_has_its_caption_and_its_words_below(written, notebooks, name):
    figures = [c.metadata["mystnb"] for c in notebooks[name].cells if "figure" in c.metadata.get("mystnb", {})]
    below = [
        after.source
        for cell, after in zip(written[name].cells, written[name].cells[1:])
        if cell.cell_type == "code" and after.source.startswith("**Figure ")
    ]
    assert len(below) == len(figures)
    assert len(figures) >= 3 or name in REFERENCE
    for settings, text in zip(figures, below):
        assert "image" not in settings or html.escape(settings["image"]["alt"]) in text
        assert words(settings["figure"]["caption"])[-1] in words(text)


def test_no_notebook_uses_a_name_that_went_with_the_machinery(written, tmp_path):
    for name in CHAPTERS:
        nbformat.write(written[name], tmp_path / f"{name}.ipynb")
    command = [sys.executable, "-m", "ruff", "check", "--isolated", "--select=F821", str(tmp_path)]
    run = subprocess.run(command, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_a_notebook_run_from_start_to_end_gives_what_the_page_shows(written, notebooks, tmp_path):
    page, notebook = notebooks["sellers_question"], nbformat.from_dict(written["sellers_question"])
    NotebookClient(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    shown = {
        cell.source: texts(cell)
        for cell in page.cells
        if cell.cell_type == "code" and not any(call in cell.source for call in writer.FOR_THE_PAGE)
    }
    given = {
        cell.source: texts(cell)
        for cell in notebook.cells
        if cell.cell_type == "code" and "workshop.check(" not in cell.source
    }
    assert given.pop(written["sellers_question"].cells[1].source) == []
    assert given == shown


def texts(cell):
    """What a cell printed and showed, as text; identifiers of styled tables and addresses of objects differ."""
    found = [o.get("text") or o["data"]["text/plain"] for o in cell.outputs]
    return [re.sub(r"0x[0-9a-f]+", "", text) for text in found]


def test_what_a_reader_changed_is_kept(tmp_path):
    path = tmp_path / "chapter.ipynb"
    writer._put(path, one_cell("1"))
    ran = nbformat.read(path, 4)
    ran.cells[0].execution_count = 7
    nbformat.write(ran, path)
    writer._put(path, one_cell("1"))
    assert nbformat.read(path, 4).cells[0].execution_count == 7, "the chapter is as before"
    writer._put(path, one_cell("2"))
    assert nbformat.read(path, 4).cells[0].source == "2"
    assert [p.name for p in tmp_path.iterdir()] == ["chapter.ipynb"], "nothing was changed by hand"
    changed = nbformat.read(path, 4)
    changed.cells[0].source = "mine"
    nbformat.write(changed, path)
    writer._put(path, one_cell("3"))
    assert nbformat.read(path, 4).cells[0].source == "3"
    assert nbformat.read(tmp_path / "chapter_changed.ipynb", 4).cells[0].source == "mine"


def one_cell(source):
    return nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source, id="a")], metadata=writer.KERNEL)
