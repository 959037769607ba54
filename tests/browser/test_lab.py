"""The chapters in JupyterLab: opened by a click from the first page, run whole, they say what their pages say."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from urllib.error import URLError
from urllib.request import urlopen

import nbformat
import pytest

from book.build import executed_notebooks
from book.notebooks import BOOK, LAB, ROOT

pytest.importorskip("playwright.sync_api", reason="make test-browser brings it")

pytestmark = pytest.mark.xdist_group("lab")  # one server, and one place for the notebooks

CHAPTERS = sorted(path.stem for path in BOOK.glob("*.md") if "```{code-cell}" in path.read_text())
RAW = re.compile(r"\{(glue|cite|term|doc|ref|numref|eq|prf)[:}]|:::|```|\b(sq|sb|nc|rr|ate|att|cate|learn)_\w+:")
RUNS = "document.querySelector('.jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook-ExecutionIndicator')?.dataset.status"


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """`make lab`, on a port of its own and without opening a browser; the notebooks are put back afterwards."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config, kept = tmp_path_factory.mktemp("config"), tmp_path_factory.mktemp("kept") / "lab"
    settings = {"open_browser": False, "port": port}
    for name in ("jupyter_server_config", "jupyter_lab_config"):
        own = {"ServerApp": settings, "LabApp": settings, "IdentityProvider": {"token": ""}}
        (config / f"{name}.json").write_text(json.dumps(own))
    shutil.copytree(LAB, kept)
    places = {f"JUPYTER_{kind}_DIR": str(config) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (config / "log").open("w") as log:
        server = subprocess.Popen(
            ["make", "lab"], cwd=ROOT, env=os.environ | places, stdout=log, stderr=log, start_new_session=True
        )
    try:
        for _ in range(240):
            try:
                with urlopen(f"http://127.0.0.1:{port}/api/status"):
                    break
            except (URLError, ConnectionError):
                time.sleep(0.5)
        else:
            pytest.fail(f"make lab did not start: {(config / 'log').read_text()[-2000:]}")
        yield f"http://127.0.0.1:{port}/"
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.wait()
        shutil.rmtree(LAB)
        shutil.copytree(kept, LAB)


@pytest.fixture
def page(browser):
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    yield page
    page.close()


def in_git():
    return subprocess.check_output(["git", "status", "--porcelain"], cwd=ROOT, text=True)


def printed(notebook):
    """What each cell prints and the tables it shows, but for seconds, which no two runs share."""
    found = []
    for cell in notebook.cells:
        if (
            not {"remove-cell", "remove-output"} & set(cell.metadata.get("tags", []))
            and "workshop.check(" not in cell.source
        ):
            outputs = [o.get("text") or o.get("data", {}).get("text/plain", "") for o in cell.get("outputs", [])]
            said = [text for text in outputs if "<Figure size" not in text and "seconds" not in text]
            found.append(" ".join(" ".join(said).split()))  # some keep two prints as one output
    return [text for text in found if text]


def test_make_lab_opens_on_the_page_that_leads_the_way(lab):
    with urlopen(lab) as answer:
        assert answer.url == f"{lab}lab/tree/_build/lab/start.ipynb"


@pytest.mark.parametrize("name", CHAPTERS)
def test_a_chapter_runs_in_jupyterlab_as_its_page_reads(lab, page, name):
    before = in_git()
    page.goto(f"{lab}lab/workspaces/{name}/tree/_build/lab/start.ipynb")  # where no other chapter is open
    page.locator(f"a[href*='{name}.ipynb']").first.click(timeout=60_000)
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    page.locator(f".lm-TabBar-tab.lm-mod-current >> text={name}.ipynb").wait_for()
    page.wait_for_function(f"{RUNS} === 'idle'", timeout=60_000)

    texts, headings, at = [], [], -1
    scroller = panel.locator(".jp-WindowedPanel-outer")  # cells out of sight are not in the page
    while at != (at := scroller.evaluate("(box) => (box.scrollBy(0, 600), box.scrollTop)")):
        page.wait_for_timeout(100)
        texts += panel.locator(".jp-RenderedMarkdown:visible").all_inner_texts()
        headings += panel.locator(".jp-MarkdownCell:has(.jp-showHiddenCellsButton) h4").all_inner_texts()
    assert [text for text in texts if RAW.search(text)] == []
    cells = nbformat.read(LAB / f"{name}.ipynb", 4).cells
    solutions = {cell.source.strip("# ") for cell in cells if cell.source.startswith("#### Solution")}
    assert solutions or name in ("reconciliation", "template")  # a page of the reference, without exercises
    assert {heading.strip("¶ ") for heading in headings if heading} == solutions

    page.locator(".lm-MenuBar-item >> text=Run").click()
    page.locator(".lm-Menu-itemLabel >> text=/^Run All Cells$/").click()
    page.wait_for_function(f"{RUNS} !== 'idle'")
    page.wait_for_function(f"{RUNS} === 'idle'", timeout=300_000)
    page.keyboard.press("Control+s")
    page.wait_for_function("!document.querySelector('.lm-TabBar-tab.lm-mod-current.jp-mod-dirty')")
    assert printed(nbformat.read(LAB / f"{name}.ipynb", 4)) == printed(executed_notebooks()[name])
    assert in_git() == before
