"""A study's page in a real browser, of three tables: accessible, within its width, on paper, and nothing from outside."""

import pytest

import tutorial_pkg as tp
from tests.browser.test_pages import AXE, FITS, Axe

LINES = tp.learners.linear()


def nhefs():
    about = {"estimand": "ATE", "groups": ["sex", "exercise"]}
    return tp.study(tp.datasets.load_nhefs().data, learners=LINES, progress=False, **about)


def lalonde():
    return tp.study(tp.datasets.load_lalonde().data, learners=LINES, progress=False)


def sellers():
    table = tp.datasets.seller_export(1_500).assign(**{"<b>bold</b> & co": 1.0})
    labels = {
        "followed": "following the recommendation to sell excess stock at a discount",
        "units_30d": "units <sold>",
    }
    ready = tp.roles.prepare(
        table, "units_30d", "followed", treated="yes", cluster="seller_id", exclude=["aligned_next"], labels=labels
    )
    return tp.study(ready, groups=["product_category"], price=20, learners=LINES, progress=False)


@pytest.fixture(scope="module", params=[nhefs, lalonde, sellers], ids=lambda made: made.__name__)
def address(request, tmp_path_factory):
    return request.param().to_html(tmp_path_factory.mktemp("study") / "study.html").as_uri()


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_of_a_study_is_accessible_quiet_and_within_its_width(browser, address, width, theme):
    context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=theme)
    try:
        page, heard = context.new_page(), []
        page.on("request", lambda request: request.url.startswith("http") and heard.append(request.url))
        page.on("console", lambda message: heard.append(message.text))
        page.goto(address)
        page.evaluate("document.querySelectorAll('details').forEach((box) => (box.open = true))")
        found = Axe().run(page, options=AXE).response["violations"]
        assert [(v["id"], v["impact"]) for v in found] == []
        assert page.evaluate(FITS)
        assert page.locator("b:text('bold')").count() == 0  # names from the table stay words
        assert heard == []
    finally:
        context.close()


def test_the_page_of_a_study_prints_dark_on_white(browser, address, tmp_path):
    context = browser.new_context(color_scheme="dark")
    try:
        page = context.new_page()
        page.goto(address)
        page.emulate_media(media="print")
        assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
        assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
        assert len(page.pdf(format="A4")) > 10_000
    finally:
        context.close()
