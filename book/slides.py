"""Write the slides of each plan from the instructor's guide and the chapters' own cells, for a browser and for JupyterLab.

``<plan>.html`` opens without a network, S shows what is said and the time; ``<plan>.ipynb`` are the same slides live, in
JupyterLab with jupyterlab-rise. No number stands on a slide that a chapter has not computed.
"""

import importlib.util
import re
import shutil
from pathlib import Path

import nbformat
import sphinx_revealjs
from nbconvert import SlidesExporter
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from book.notebooks import BOOK, KERNEL, Page, without_glue
from book.teaching import Block, clock, plans

REVEAL = Path(sphinx_revealjs.__file__).parent / "_static" / "revealjs"
REVEAL_PARTS = (
    "dist/reveal.js",
    "dist/reveal.css",
    "dist/theme/white.css",
    "dist/theme/fonts/source-sans-pro",
    "plugin/notes",
)
MATHJAX_PARTS = ("tex-chtml.js", "output/chtml/fonts")


def write(folder, executed, library):
    """Write the slides of all plans, and what they load, into a folder.

    Parameters
    ----------
    folder : Path
        Need not exist.
    executed : dict
        The executed chapters by name, in the book's order.
    library : book.notebooks.Library
        What the words on the slides refer to.
    """
    folder.mkdir(parents=True, exist_ok=True)
    exporter = SlidesExporter(
        template_name="reveal_offline",
        extra_template_basedirs=[str(BOOK)],
        reveal_url_prefix="reveal",
        reveal_theme="white",
        exclude_input_prompt=True,
        exclude_output_prompt=True,
        config={"TagRemovePreprocessor": {"enabled": True, "remove_input_tags": {"figure"}}},
    )
    for title, (_, rows) in plans().items():
        deck = Deck(executed, library).of(title, rows)
        name = file_name(title)
        nbformat.write(deck, folder / f"{name}.ipynb")
        (folder / f"{name}.html").write_text(exporter.from_notebook_node(deck)[0], encoding="utf-8")
    mathjax = Path(importlib.util.find_spec("sphinx-mathjax-offline").origin).parent / "static" / "mathjax"
    for source, target, parts in ((REVEAL, "reveal", REVEAL_PARTS), (mathjax, "mathjax", MATHJAX_PARTS)):
        for part in parts:
            copy = shutil.copytree if (source / part).is_dir() else shutil.copy
            (folder / target / part).parent.mkdir(parents=True, exist_ok=True)
            copy(source / part, folder / target / part)


def file_name(title):
    """The name of a plan's files, without their endings."""
    return re.sub(r"\W+", "_", title.lower())


class Deck:
    """The slides of one plan, made block by block; code of the chapters comes along as far as a slide needs it, unseen."""

    def __init__(self, executed, library):
        self.executed, self.library = executed, library
        self.code = {name: without_glue(notebook.cells) for name, notebook in executed.items()}
        self.done = dict.fromkeys(executed, 0)
        self.cells = []

    def of(self, title, rows):
        """The notebook of a plan."""
        self.add(
            f"# Did the recommendation do it?\n\n{title}",
            f"The plan takes {clock(rows[-1][0] + sum(rows[-1][2:]))} hours.",
        )
        for start, what, taught, done in rows:
            if isinstance(what, Block):
                self.add(f"# {what.title}", f"From {clock(start)}: {taught} minutes of teaching, {done} of exercises.")
                for slide in what.slides:
                    self.slide(slide)
                if what.do:
                    self.exercises(what, done)
            else:
                self.add(f"# {what.title()}\n\n{taught} minutes", f"From {clock(start)} to {clock(start + taught)}.")
        for number, cell in enumerate(self.cells):
            cell.id = f"slide-{number}"
        return new_notebook(cells=self.cells, metadata={**KERNEL, "title": title, "rise": {"scroll": True}})

    def add(self, text, said, shown=()):
        """A slide with its words, a cell that it shows, if any, and what is said."""
        self.cells.append(new_markdown_cell(text, metadata=_kind("slide")))
        self.cells += shown
        self.cells.append(new_markdown_cell(said, metadata=_kind("notes")))

    def slide(self, slide):
        """One slide of a block."""
        shown = self.shown(slide) if slide.figure or slide.cell else []
        title, text, said = (self.words(part) for part in (slide.title, slide.text, slide.said))
        self.add(f"## {title}\n\n{text}", said, shown)

    def exercises(self, block, minutes):
        """What is done in the exercises, with their numbers."""
        numbers, titles = self.library.exercises, self.library.titles
        listed = "\n".join(f"* **{numbers[label]}** {titles[label]}" for label in block.do)
        self.add(f"## Your turn: {minutes} minutes\n\n{listed}", "See the guide: how to run these exercises.")

    def shown(self, slide):
        """The cell of a figure, or one with a text in it, after all code of its chapter that comes before it, unseen."""
        chapter, wanted = (None, slide.figure) if slide.figure else slide.cell.split(" ", 1)
        name, position = self.find(chapter, wanted)
        if position < self.done[name]:
            raise ValueError(f"the slide {slide.title!r} shows a cell of {name} from before the slide in front of it")
        cells = []
        for before in range(self.done[name], position):
            if self.code[name].get(before):
                cells.append(new_code_cell(self.code[name][before], metadata=_kind("skip")))
        hidden = {"jupyter": {"source_hidden": True}, "tags": ["figure"]} if slide.figure else {}
        outputs = [o for o in self.executed[name].cells[position].outputs if "scrapbook" not in o.get("metadata", {})]
        cells.append(new_code_cell(self.code[name][position], outputs=outputs, metadata=_kind("-") | hidden))
        self.done[name] = position + 1
        return cells

    def find(self, chapter, wanted):
        """The chapter and the place of the cell whose figure has that name, or whose visible code has that text."""
        for name, notebook in self.executed.items():
            for position, cell in enumerate(notebook.cells):
                if cell.cell_type != "code" or "remove-cell" in cell.metadata.get("tags", []):
                    continue
                figure = cell.metadata.get("mystnb", {}).get("figure", {}).get("name")
                if figure == wanted if chapter is None else (name == chapter and wanted in cell.source):
                    return name, position
        raise ValueError(f"there is no cell {wanted!r} in {chapter or 'any chapter'}")

    def words(self, text):
        """Words of the guide in plain Markdown, with the chapters' numbers in them, and without links."""
        plain = Page(self.library, "guide", None).prose(text)
        return re.sub(r"(?<!!)\[([^\]]+)\]\([^)]*\)", r"\1", plain)


def _kind(slide_type):
    return {"slideshow": {"slide_type": slide_type}}
