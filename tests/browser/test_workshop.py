"""The workshop as it is given out: folders that open on a start page, exercises that answer, slides, a sheet to print."""

import re
import shutil
import subprocess
import sys

import pytest

from book.notebooks import ROOT
from book.slides import file_name
from book.teaching import clock, plans
from book.workshop_folders import WORKSHOP
from tests.browser.conftest import jupyterlab, open_chapter, run_all_cells, until_idle

pytest.importorskip("playwright.sync_api", reason="make test-browser brings it")


@pytest.fixture(scope="module", autouse=True)
def folders():
    """`make workshop`, without its making the environment again."""
    subprocess.run([sys.executable, "-m", "book.workshop_folders"], cwd=ROOT, check=True)
    return WORKSHOP


@pytest.fixture(scope="module")
def participant(tmp_path_factory):
    """JupyterLab, started as a participant does, in the unpacked folder."""
    shutil.unpack_archive(WORKSHOP / "participants.zip", place := tmp_path_factory.mktemp("unpacked"))
    (folder,) = place.iterdir()
    command = [sys.executable, "-m", "jupyter", "lab", "--config", "jupyter_lab_config.py"]
    with jupyterlab(command, folder, tmp_path_factory.mktemp("config")) as address:
        yield address


def cell(page, text):
    """The code cell with that text; cells out of sight are not in the page until one scrolls there."""
    panel = page.locator(".jp-NotebookPanel:not(.lm-mod-hidden)")
    scroller, found = panel.locator(".jp-WindowedPanel-outer"), panel.locator(".jp-CodeCell", has_text=text)
    scroller.evaluate("(box) => box.scrollTo(0, 0)")
    while not found.count():
        before = scroller.evaluate("(box) => box.scrollTop")
        assert before != scroller.evaluate("(box) => (box.scrollBy(0, 500), box.scrollTop)"), f"no cell with {text!r}"
        page.wait_for_timeout(200)
    found.first.scroll_into_view_if_needed()
    return found.first


def shows(cell, text):
    """Wait until a cell shows that text; what came into sight just now is drawn a moment later."""
    cell.locator(".jp-OutputArea", has_text=text).wait_for()


def answer(page, text, code):
    """Write other code into the cell with that text, and run it."""
    cell(page, text).locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(code)
    page.keyboard.press("Control+Enter")
    until_idle(page, 60)


def test_a_participant_opens_a_chapter_runs_it_and_has_an_answer_checked(participant, page):
    open_chapter(page, participant, "whole_game")
    run_all_cells(page)
    check = 'tp.workshop.check("1.1", answer)'
    shows(cell(page, check), "✗ Not answered yet")
    answer(page, check, f"answer = ate\n{check}")
    shows(cell(page, check), "✗ That is the effect on everyone.")
    answer(page, check, f"answer = tp.estimate_atc(nuisances)\n{check}")
    shows(cell(page, check), "✓ Right.")


def test_a_guess_is_shown_beside_the_truth(participant, page):
    open_chapter(page, participant, "whole_game")
    run_all_cells(page)
    picture = "(cell) => cell.querySelector('.jp-OutputArea img').src"
    before = cell(page, "show_guess(guess, ax)").evaluate(picture)
    answer(page, "guess = None", "guess = 5")
    here = cell(page, "show_guess(guess, ax)")
    here.locator(".cm-content").click()
    page.keyboard.press("Control+Enter")
    until_idle(page, 60)
    assert cell(page, "show_guess(guess, ax)").evaluate(picture) != before


def test_jupyterlab_shows_the_chapters_in_order_at_the_side(participant, page):
    page.goto(participant)
    page.locator("a[href*='whole_game.ipynb']").first.wait_for(timeout=60_000)
    page.locator(".jp-SideBar .lm-TabBar-tab[data-id*='toc' i]").last.click()
    side = page.locator("#jp-left-stack")
    side.locator("text=The whole game").first.wait_for()
    shown = side.inner_text()
    assert shown.index("The whole game") < shown.index("The average effect") < shown.index("Your own table")


@pytest.mark.parametrize("title", list(plans()))
def test_slides_open_without_a_network_and_none_is_taller_than_the_screen(browser, title):
    context = browser.new_context(viewport={"width": 1280, "height": 800}, offline=True)
    try:
        page, heard = context.new_page(), []
        page.on("console", lambda message: heard.append(message.text))
        page.on("requestfailed", lambda request: heard.append(request.url))
        page.goto((WORKSHOP / "instructors" / "slides" / f"{file_name(title)}.html").as_uri())
        page.wait_for_function("window.Reveal?.isReady()")
        tall = page.evaluate("""() => Reveal.getSlides().filter((slide) => {
            const {h, v} = Reveal.getIndices(slide);
            Reveal.slide(h, v);
            return slide.scrollHeight > 760 || slide.scrollWidth > 1100;
        }).map((slide) => slide.innerText.split("\\n")[0])""")
        assert tall == []
        assert page.evaluate("Reveal.getSlides().every((slide) => slide.querySelector('aside.notes'))")
        assert heard == []
        _, rows = plans()[title]
        starts = page.evaluate(
            "Reveal.getSlides().map((slide) => slide.querySelector('aside.notes').textContent.trim())"
        )
        assert [text for text in starts if text.startswith(f"From {clock(rows[-1][0])}")]
    finally:
        context.close()


@pytest.mark.parametrize("sheet", ["handout", "feedback"])
def test_what_is_handed_out_fits_on_one_sheet(browser, sheet, tmp_path):
    page = browser.new_page()
    page.goto((WORKSHOP / "participants" / f"{sheet}.html").as_uri())
    page.pdf(path=tmp_path / "sheet.pdf", format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", (tmp_path / "sheet.pdf").read_bytes())) == 1
    page.close()
