"""Sphinx extension: tables that chapters show as HTML become tables of the printed book."""

from bs4 import BeautifulSoup
from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform


class PrintTables(SphinxPostTransform):
    """Without this, LaTeX would leave out every HTML output."""

    default_priority = 400
    builders = ("latex",)

    def run(self, **options):
        for raw in list(self.document.findall(nodes.raw)):
            if "html" in raw.get("format", ""):
                soup = BeautifulSoup(raw.astext(), "html.parser")
                raw.replace_self(
                    [_print(part) for part in soup.find_all(["table", "p"]) if not part.find_parent("table")]
                )


def _print(part):
    """The docutils node of an HTML table or paragraph."""
    if part.name == "p":
        return nodes.paragraph("", " ".join(part.get_text().split()))
    rows = part.find_all("tr")
    texts = [list(_texts(row)) for row in rows]
    width = max(map(len, texts))
    # pandas names the index in a row of its own, and leaves out the cells that a spanning one covers
    texts = [[""] * (width - len(row)) + row for row in texts]
    n_head = sum(row.find_parent("thead") is not None for row in rows)
    if n_head > 1 and not any(texts[n_head - 1][1:]):
        texts[n_head - 2][0] = texts.pop(n_head - 1)[0]
        n_head -= 1
    group = nodes.tgroup("", *(nodes.colspec(colwidth=1) for _ in range(width)), cols=width)
    for section, lines in ((nodes.thead(), texts[:n_head]), (nodes.tbody(), texts[n_head:])):
        section += [nodes.row("", *(nodes.entry("", nodes.paragraph("", text)) for text in line)) for line in lines]
        if lines:
            group += section
    return nodes.table("", group, classes=["booktabs"])


def _texts(row):
    """The texts of a row's cells, that of one which spans several columns followed by empty ones."""
    for cell in row.find_all(["th", "td"]):
        yield cell.get_text(" ", strip=True)
        yield from [""] * (int(cell.get("colspan", 1)) - 1)


def setup(app):
    app.add_post_transform(PrintTables)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
