"""The rendered site: light, from one host, numbered by chapter, and with every public name explained."""

import json
import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest
import yaml
from bs4 import BeautifulSoup

import tutorial_pkg as tp
from book.finish import finish
from tests.chapters import REFERENCE

ROOT = Path(__file__).parents[2]
HTML = ROOT / "_build" / "html"
PUBLIC = re.findall(r"(\w+) as \1", (ROOT / "tutorial_pkg" / "__init__.pyi").read_text())


@pytest.fixture(scope="module")
def pages():
    """The pages as built from what lies here; a build without change takes seconds."""
    run = subprocess.run([sys.executable, "book/build.py"], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout + run.stderr
    paths = [path for path in HTML.rglob("*.html") if "_static" not in path.parts and path != HTML / "index.html"]
    return {path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser") for path in paths}


def page(pages, name):
    return pages[HTML / "book" / f"{name}.html"]


def chapters():
    parts = yaml.safe_load((ROOT / "_toc.yml").read_text())["parts"]
    return [Path(chapter["file"]).name for part in parts if part.get("numbered") for chapter in part["chapters"]]


def loads(tag):
    """What a tag makes the browser fetch by itself."""
    if tag.name == "link" and "stylesheet" not in tag.get("rel", []) and "icon" not in tag.get("rel", []):
        return None
    return tag.get("src") or (tag.get("href") if tag.name == "link" else None)


def test_the_site_and_each_page_are_light(pages):
    site = sum(
        path.stat().st_size for path in HTML.rglob("*") if path.is_file() and path.suffix not in (".pdf", ".zip")
    )
    assert site < 12e6
    fonts = sum(path.stat().st_size for path in (HTML / "_static" / "mathjax").rglob("MathJax_[AMS]*.woff"))
    for path, soup in pages.items():
        files = {
            path.parent / unquote(urlsplit(link).path) for tag in soup.select("[src], link") if (link := loads(tag))
        }
        formulas = fonts if any("tex-chtml" in file.name for file in files) else 0
        assert path.stat().st_size + sum(file.stat().st_size for file in files) + formulas < 2.5e6, path.name


def test_nothing_is_loaded_from_another_host(pages):
    for path, soup in pages.items():
        for tag in soup.select("[src], link"):
            assert not urlsplit(loads(tag) or "").netloc, (path.name, tag)
    for sheet in (HTML / "_static").rglob("*.css"):
        assert not re.search(r"""(url\(|@import )["']?(https?:)?//""", sheet.read_text(encoding="utf-8")), sheet.name


def test_formulas_are_loaded_where_there_are_some_and_trap_no_tab_key(pages):
    for path, soup in pages.items():
        scripts = " ".join(str(script) for script in soup.select("head script"))
        assert ("tex-chtml" in scripts) == bool(soup.select(".math")), path.name
        assert not soup.select(".math") or '"inTabOrder": false' in scripts


def test_the_reference_explains_every_public_name(pages):
    explained = {dt["id"].removeprefix("tutorial_pkg.") for dt in page(pages, "api").select("dt[id]")}
    modules = {span["id"].removeprefix("module-tutorial_pkg.") for span in page(pages, "api").select("[id^=module-]")}
    listed = {link.get_text() for link in page(pages, "api").select("table.autosummary a")}
    for name in PUBLIC:
        if name in tp.__all__ and isinstance(getattr(tp, name), type(re)):
            assert name in modules, name
        else:
            assert any(full.endswith(f".{name}") for full in explained), name
            assert name in listed, name


@pytest.mark.parametrize(("number", "name"), list(enumerate(chapters(), 1)))
def test_chapters_are_numbered_and_figures_and_exercises_within_them(pages, number, name):
    article = page(pages, name).select_one("article")
    assert article.select_one("h1 .section-number").get_text().strip() == f"{number}."
    for kind, boxes in (("Fig.", "figcaption .caption-number"), ("Exercise", ".exercise .caption-number")):
        shown = [box.get_text().strip() for box in article.select(boxes)]
        assert shown, kind
        assert shown == [f"{kind} {number}.{i}" for i in range(1, len(shown) + 1)]


@pytest.mark.parametrize("name", chapters())
def test_code_leads_to_the_reference_and_solutions_are_folded(pages, name):
    code = page(pages, name).select_one("article")
    assert code.select("pre a[href*='api.html#tutorial_pkg.']")
    solutions = code.select(".solution")
    assert solutions
    assert all(box.name == "details" and not box.has_attr("open") for box in solutions)
    assert len({box.summary.get_text() for box in solutions}) == len(solutions)
    for block in code.select("pre"):
        for link in block.select("a"):
            link.decompose()
        assert not re.findall(r"\btp\.(?:estimate|simulate|load|plots\.plot)_\w+\(", block.get_text()), name


def test_a_chapters_number_in_the_prose_is_its_number():
    for source in (ROOT / "book").glob("*.md"):
        for number, target in re.findall(r"\[chapter (\d+)\]\((\w+)\.md\)", source.read_text()):
            assert chapters()[int(number) - 1] == target, source.name
    rows = re.findall(r"^\| (\d+) \| \[[^]]+\]\((\w+)\.md\)", (ROOT / "book" / "intro.md").read_text(), re.MULTILINE)
    assert [name for _, name in rows] in ([], chapters())


def test_the_status_page_says_what_the_book_was_built_with(pages):
    text = page(pages, "status").select_one("article").get_text()
    cite = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    for word in (version("tutorial-pkg"), version("doubleml"), version("econml"), "@misc", cite["authors"][0]["name"]):
        assert word in text
    assert " ".join(cite["title"].split()) in " ".join(text.split())
    rows = page(pages, "status").select("table")[-1].select("tbody tr")
    executed = [row.a["href"].removesuffix(".html") for row in rows]
    assert executed[: len(chapters())] == chapters()
    assert set(executed[len(chapters()) :]) <= REFERENCE
    assert all(float(row.select("td")[1].get_text()) > 0 for row in rows)
    assert str(ROOT) not in text


def test_every_page_has_a_title_said_once_a_description_and_a_version(pages):
    for path, soup in pages.items():
        parts = soup.title.get_text().split(" — ")
        assert len(set(parts)) == len(parts)
        assert soup.select_one("meta[property='og:title']")["content"] == soup.title.get_text()
        assert version("tutorial-pkg") in soup.select_one("p.version").get_text(), path.name
        if path.parent.name == "book":
            assert len(soup.select_one("meta[name=description]")["content"]) > 40, path.name


def test_the_search_has_the_text_of_every_page(pages):
    texts = json.JSONDecoder().raw_decode((HTML / "_static" / "texts.js").read_text().partition("= ")[2])[0]
    for name in [*chapters(), "api", "notation"]:
        assert len(texts[f"book/{name}.html"]) > 2000
    assert "texts.js" in str(pages[HTML / "search.html"].head)


def test_terms_and_sources_are_explained_beside_their_links(pages):
    tips = [link.select_one(".tip") for link in page(pages, "ate").select("article a[href*='#term-']")]
    assert tips
    assert all(tip and len(tip.get_text()) > 20 for tip in tips)


def test_finishing_again_changes_nothing(pages):
    before = {path: path.read_bytes() for path in HTML.rglob("*") if path.is_file() and path.suffix != ".ttf"}
    finish(HTML, page(pages, "ate").select_one("p.version").get_text())
    assert {path: path.read_bytes() for path in HTML.rglob("*") if path.is_file() and path.suffix != ".ttf"} == before
