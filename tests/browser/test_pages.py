"""The built pages in a real browser: accessible, nothing cut, nothing from outside. `make test-browser` runs it."""

from urllib.parse import urlsplit

import pytest

from book.build import BUILD

Axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="make test-browser brings it").Axe

HTML = BUILD / "html"
PAGES = sorted(str(path.relative_to(HTML / "book").with_suffix("")) for path in (HTML / "book").rglob("*.html"))
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
    """Open a page on a desk, its solutions unfolded, and say what it asked for and what its console said."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})

    def open_page(name):
        page, heard = context.new_page(), []
        page.on("request", lambda request: urlsplit(request.url).netloc and heard.append(request.url))
        page.on("requestfailed", lambda request: heard.append(f"failed: {request.url}"))
        page.on("console", lambda message: message.type in ("error", "warning") and heard.append(message.text))
        page.on("pageerror", lambda error: heard.append(str(error)))
        page.goto((HTML / "book" / f"{name}.html").as_uri())
        page.evaluate(TYPESET)
        page.evaluate(OPEN)
        return page, heard

    yield open_page
    context.close()


def test_there_are_pages():
    assert PAGES, "run make book first"


@pytest.mark.parametrize("name", PAGES)
def test_a_page_is_quiet_accessible_and_whole_on_a_desk_and_on_a_telephone(opened, name):
    page, heard = opened(name)
    cut, themes = {}, ["light", "dark"]
    if PAGES.index(name) % 2:  # each width in each theme on every other page
        themes.reverse()
    for width, theme in zip((1280, 390, 360), (*themes, None), strict=True):
        page.set_viewport_size({"width": width, "height": 900})
        page.wait_for_timeout(500)  # the theme looks a little later for what scrolls now
        cut[width] = page.evaluate(CUT)
        assert page.evaluate(FITS), width
        if theme:
            page.emulate_media(color_scheme=theme)
            page.wait_for_function("(theme) => document.documentElement.dataset.theme === theme", arg=theme)
            found = Axe().run(page, options=AXE).response["violations"]
            said = [(rule["id"], rule["impact"], [node["html"][:200] for node in rule["nodes"]]) for rule in found]
            assert said == [], (width, theme)
    assert (cut[1280]["tables"], cut[1280]["code"], cut[390]["scoreboards"]) == ([], [], [])
    assert page.evaluate("document.querySelectorAll('mjx-merror').length") == 0
    assert heard == []


def test_the_dial_moves_by_keyboard(opened):
    page, _ = opened("intro")
    said = page.locator(".tp-dial [role=status]").first
    before = said.inner_text()
    page.locator(".tp-dial input[type=range]").first.focus()
    page.keyboard.press("Home")
    assert said.inner_text() != before


def test_a_quiz_answers_by_keyboard(opened):
    page, heard = opened("sellers_question")
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
