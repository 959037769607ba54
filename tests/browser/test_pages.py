"""The built pages in a real browser: accessible, nothing cut, nothing from outside. `make test-browser` runs it."""

from urllib.parse import urlsplit

import pytest

from book.build import BUILD

Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="make test-browser brings it").Axe

HTML = BUILD / "html"
PAGES = sorted(str(path.relative_to(HTML / "book").with_suffix("")) for path in (HTML / "book").rglob("*.html"))
WIDTHS, THEMES = (1280, 390), ("light", "dark")
AXE = {"preload": False, "resultTypes": ["violations"], "rules": {"label-content-name-mismatch": {"enabled": True}}}
TYPESET = "!document.querySelector('script[src*=mathjax]') || window.MathJax?.startup?.promise?.then(() => true)"
OPEN = "document.querySelectorAll('details').forEach((box) => (box.open = true))"
FITS = "document.documentElement.scrollWidth <= innerWidth + 1"
CUT = """() => {
    // how far an element reaches beyond the place that it can be seen in, which may hide the rest by scrolling
    const beyond = (element) => {
        let place = element
        while (place !== document.body && getComputedStyle(place).overflowX === "visible") place = place.parentElement
        const column = element.closest(".cell_output, .pst-scrollable-table-container, .cell_input, .bd-article")
        const past = element.getBoundingClientRect().right - column.getBoundingClientRect().right
        return Math.max(place.scrollWidth - place.clientWidth, past)
    }
    const cut = (selector) => [...document.querySelectorAll(selector)].filter((e) => e.offsetParent && beyond(e) > 1)
    const tables = cut(".bd-article table:not(.footnote)").map((t) => t.querySelector("tr").innerText)
    const code = cut(".bd-article .cell_input pre").map((pre) => pre.innerText.split("\\n")[0])
    return { code, tables, scoreboards: tables.filter((head) => head.includes("covers")) }
}"""


@pytest.fixture
def opened(browser):
    """Open a page, its solutions unfolded, and say what it asked for and what its console said."""
    contexts = []

    def open_page(name, width, theme="light"):
        contexts.append(browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme))
        page, heard = contexts[-1].new_page(), []
        page.on("request", lambda request: urlsplit(request.url).netloc and heard.append(request.url))
        page.on("requestfailed", lambda request: heard.append(f"failed: {request.url}"))
        page.on("console", lambda message: message.type in ("error", "warning") and heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.goto((HTML / "book" / f"{name}.html").as_uri())
        page.evaluate(TYPESET)
        page.evaluate(OPEN)
        return page, heard

    yield open_page
    for context in contexts:
        context.close()


def test_there_are_pages():
    assert PAGES, "run make book first"


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_accessible_quiet_and_does_not_scroll_sideways(opened, name, width, theme):
    page, heard = opened(name, width, theme)
    assert heard == []
    assert page.evaluate(FITS)
    assert page.evaluate("document.querySelectorAll('mjx-merror').length") == 0
    found = Axe().run(page, options=AXE).response["violations"]
    assert [(rule["id"], rule["impact"], [node["html"][:200] for node in rule["nodes"]]) for rule in found] == []


@pytest.mark.parametrize("name", PAGES)
def test_nothing_is_cut_on_a_desk_and_no_scoreboard_on_a_phone(opened, name):
    desk, phone = (opened(name, width)[0].evaluate(CUT) for width in WIDTHS)
    assert (desk["tables"], desk["code"], phone["scoreboards"]) == ([], [], [])


@pytest.mark.parametrize("name", PAGES)
def test_no_page_scrolls_sideways_on_the_narrowest_telephone(opened, name):
    assert opened(name, 360)[0].evaluate(FITS)


def test_the_dial_moves_by_keyboard(opened):
    page, _ = opened("intro", 1280)
    said = page.locator(".tp-dial [role=status]").first
    before = said.inner_text()
    page.locator(".tp-dial input[type=range]").first.focus()
    page.keyboard.press("Home")
    assert said.inner_text() != before


def test_a_quiz_answers_by_keyboard(opened):
    page, heard = opened("sellers_question", 1280)
    quiz = page.locator("form.quiz").first
    assert quiz.locator("legend").count() == 1
    assert quiz.locator(".answer:visible").count() == 0
    quiz.locator("input").first.focus()
    page.keyboard.press("Space")
    first = quiz.locator(".answer:visible").all_inner_texts()
    page.keyboard.press("ArrowDown")
    second = quiz.locator(".answer:visible").all_inner_texts()
    assert [len(first), len(second)] == [1, 1]
    assert first != second
    assert {said[0].split(":")[0] for said in (first, second)} <= {"Right", "No"}
    assert heard == []
