"""Finishes the rendered pages: accessible, light, and with a search that shows text also without a server."""

import copy
import json
import re
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, NavigableString
from fontTools.subset import Options, Subsetter
from fontTools.ttLib import TTFont
from PIL import Image

# Scripts and styles, and what on a page has a use for them; icons come from the font, without the script.
USED_BY = {
    "mathjax": ".math",
    "sphinx-design": "[class*='sd-']",
    "design-tabs": ".sd-tab-set",
    "searchindex": "#search-results",
    "searchtools": "#search-results",
    "language_data": "#search-results",
    "fontawesome.js": None,
    "thebe": None,
    "toggle": None,
}
LOADED_LATER = ("mathjax/output/chtml/fonts/woff-v2", "mathjax/input/tex/extensions")  # by MathJax itself


def finish(folder, footer):
    """Finish the pages in ``folder``, in place; doing it again changes nothing."""
    pages = {p: _parse(p) for p in sorted(folder.rglob("*.html")) if "_static" not in p.parts}
    pages.pop(folder / "index.html")
    for page in pages.values():
        for tip in page.select("a > .tip"):
            tip.decompose()  # of the last time
    tips = {key: tip for path, page in pages.items() for key, tip in _tips(path, page)}
    texts = {}
    for path, page in pages.items():
        _make_accessible(page)
        _drop_unused(page)
        _fold_solutions(page)
        _link_figures(page)
        _describe(page)
        _sign(page, footer)
        texts[path.relative_to(folder).as_posix()] = _text(page)
        _add_tips(path, page, tips)
    _search_from_files(folder, pages[folder / "search.html"], texts)
    for path, page in pages.items():
        path.write_text(str(page), encoding="utf-8")
    _keep_used_icons(folder, pages)
    _lighten_figures(folder)
    _remove_unreachable(folder, pages)
    _front_door(folder, pages)


def _lighten_figures(folder):
    """256 colours are enough for a drawing, at little more than a third of the weight."""
    for path in folder.glob("_images/*.png"):
        with Image.open(path) as image:
            if image.mode == "P":
                continue  # done before
            drawing = image.convert("RGB").quantize(256, dither=Image.Dither.NONE)
        drawing.save(path, optimize=True)


def _parse(path):
    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


def _make_accessible(page):
    """What the theme, docutils and pandas leave: see the rules of axe-core."""
    for entry in page.select("[role=doc-biblioentry]"):
        entry["role"] = "listitem"
    for cell in page.select("th"):
        if not cell.get_text(strip=True):
            cell.name = "td"
            cell.attrs.pop("scope", None)
    for section in page.select("section#exercise-content, section#solution-content"):
        del section["id"]  # the same in every exercise
    for sidebar in page.select(".bd-sidebar-primary"):
        sidebar["role"], sidebar["aria-label"] = "navigation", "Book"
    for named in page.select("summary, button.search-button-field"):
        if named.get_text(strip=True):
            named.attrs.pop("aria-label", None)  # its text is its name
        else:
            named["aria-label"] = "Pages of this part"


def _drop_unused(page):
    """Scripts and styles that this page has no use for."""
    unused = [name for name, use in USED_BY.items() if not (use and page.select_one(use))]
    for tag in page.select("head script, head link"):
        what = (tag.get("src") or tag.get("href") or tag.string or "").lower()
        if any(name in what for name in unused):
            if isinstance(line_break := tag.previous_sibling, NavigableString):
                line_break.extract()  # else the next reading finds two, and makes them one
            tag.decompose()


def _fold_solutions(page):
    """The browser's own folding: it needs no script, and its button says what it opens."""
    for box in page.select("div.admonition.dropdown"):
        box.name = "details"
        title = box.select_one(".admonition-title")
        title.name = "summary"
        for link in title.select("a"):
            link.unwrap()  # the exercise is just above, and a button holds no link


def _link_figures(page):
    """A click on a figure opens its file, in its full size."""
    for image in page.select("article img"):
        if not image.find_parent("a"):
            image.wrap(page.new_tag("a", href=image["src"], attrs={"class": "figure-file"}))


def _describe(page):
    """Title, description and preview for search engines and messengers."""
    page.title.string = " — ".join(dict.fromkeys(page.title.get_text(strip=True).split(" — ")))  # said once
    lead = page.select_one("article section > p")
    picture = page.select_one("article figure img")
    about = {"description": " ".join(lead.get_text().split()) if lead else None}
    about |= {"og:title": page.title.string, "og:type": "website", "og:description": about["description"]}
    about |= {"og:image": picture and picture["src"]}
    for name, content in about.items():
        key = "property" if ":" in name else "name"
        if content:
            tag = page.find("meta", attrs={key: name}) or page.head.append(page.new_tag("meta", attrs={key: name}))
            tag["content"] = content


def _sign(page, footer):
    """Version and date at the foot of the page."""
    for old in page.select("p.version"):
        old.decompose()
    for copyright in page.select("p.copyright"):
        line = page.new_tag("p", attrs={"class": "version"})
        line.string = footer
        copyright.insert_after(line)


def _text(page):
    article = page.select_one("article") or page.select_one("[role=main]")
    return " ".join(article.get_text(" ").split()) if article else ""


def _tips(path, page):
    """Explanations to show beside links: ``(page, place)`` and a paragraph, for terms and bibliography."""
    for term in page.select("dl.glossary > dt[id]"):
        yield (path, term["id"]), term.find_next_sibling("dd").find("p")
    for entry in page.select(".citation[id]"):
        yield (path, entry["id"]), entry.find("p")


def _add_tips(path, page, tips):
    """Show a term's definition and a source in full when a link to it has the pointer or the focus.

    A page without formulas does not load what draws them for a definition's sake.
    """
    formulas = bool(page.select(".math"))
    for link in page.select("article a.reference.internal[href*='#']"):
        target = urlsplit(link["href"])
        tip = tips.get(((path.parent / target.path).resolve() if target.path else path, target.fragment))
        if tip is None or (tip.select(".math") and not formulas):
            continue
        tip = copy.copy(tip)
        for inner in tip.select("a"):
            inner.unwrap()
        tip.name, tip["class"] = "span", "tip"
        link.attrs.pop("title", None)
        link.append(tip)


# What the theme's search asks a server for; a browser lets no page read another file.
SEARCH = """const TEXTS = %s, fetched = window.fetch;
if (location.protocol === "file:") window.fetch = (url) => {
  const name = Object.keys(TEXTS).find((name) => String(url).split(/[?#]/)[0].endsWith(name));
  if (!name) return fetched(url);
  const main = document.createElement("div");
  main.setAttribute("role", "main");
  main.textContent = TEXTS[name];
  return Promise.resolve(new Response(main.outerHTML));
};
"""


def _search_from_files(folder, page, texts):
    (folder / "_static" / "texts.js").write_text(SEARCH % json.dumps(texts), encoding="utf-8")
    if not page.select("script[src='_static/texts.js']"):
        page.head.append(page.new_tag("script", src="_static/texts.js"))


ICON = re.compile(r"""\.fa-[a-z0-9-]+:before(?:,\.fa-[a-z0-9-]+:before)*\{content:"([^"]+)"\}""")


def _keep_used_icons(folder, pages):
    """Of two thousand icons the pages and the theme's scripts use about twenty."""
    static = folder / "_static"
    sources = [*map(str, pages.values()), *(p.read_text("utf-8") for p in static.glob("scripts/*theme.js"))]
    used = set(re.findall(r"\bfa-[a-z0-9-]+", " ".join(sources)))
    sheet = static / "styles" / "pydata-sphinx-theme.css"
    style = sheet.read_text(encoding="utf-8")
    style = ICON.sub(lambda rule: rule[0] if used & set(re.findall(r"fa-[a-z0-9-]+", rule[0])) else "", style)
    sheet.write_text(
        re.sub(r"url\([^)]*\.woff2\) ?format\(.woff2.\),", "", style), encoding="utf-8"
    )  # the small one below
    styles = "".join(path.read_text(encoding="utf-8") for path in static.rglob("*.css"))
    signs = "".join(chr(int(code, 16)) for code in re.findall(r"\\([ef][0-9a-f]{3})\b", styles)) + styles
    for path in static.glob("vendor/fontawesome/webfonts/*.ttf"):
        font = TTFont(path)
        subset = Subsetter(Options(notdef_outline=True))
        subset.populate(text=signs, unicodes=[min(font.getBestCmap())])  # browsers refuse a font without signs
        subset.subset(font)
        font.save(path)


def _remove_unreachable(folder, pages):
    """Delete what no page and no style sheet of a page asks for."""
    reached = set()
    for path, page in pages.items():
        links = [tag.get("src") or tag.get("href") for tag in page.select("[src], [href]")]
        reached |= {(path.parent / unquote(urlsplit(link).path)).resolve() for link in links}
    for sheet in [path for path in reached if path.suffix == ".css"]:
        text = sheet.read_text(encoding="utf-8")
        for url in re.findall(r"""(?:url\(|@import )["']?([^"')]+)""", text):
            reached.add((sheet.parent / urlsplit(url).path).resolve())
    static = folder / "_static"
    for path in [*static.rglob("*"), *folder.glob("_images/*")]:  # figures of earlier builds stay there
        later = path.relative_to(folder).as_posix().startswith(tuple(f"_static/{place}" for place in LOADED_LATER))
        if path.is_file() and not later and path.resolve() not in reached:
            path.unlink()


def _front_door(folder, pages):
    """``index.html`` leads to the first page, also where redirection is off."""
    first = re.search(r"url=([^\"]+)", (folder / "index.html").read_text(encoding="utf-8"))[1]
    title = pages[folder / first].title.string
    (folder / "index.html").write_text(
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>'
        f'<meta http-equiv="refresh" content="0; url={first}"></head>'
        f'<body><main><h1><a href="{first}">{title}</a></h1></main></body></html>\n',
        encoding="utf-8",
    )
