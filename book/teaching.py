"""Sphinx extension: the instructor's guide, with slides and what is said at them, and plans whose minutes add themselves up.

A block of the workshop is a page ``book/workshop/block_<name>.md``, whose header holds its minutes of teaching and of
exercises, and the labels of the exercises that are done in it. In the page ``{minutes}`` shows them, and::

    ```{slide} What is written above the slide
    :figure: fig-wg-truth
    What is on it, beside the figure of a chapter (or ``:cell: whole_game tp.cross_fit``, a cell with its output).

    ---

    What is said at it.
    ```

A plan is a list of blocks and of pauses with their minutes, and of the minutes that they have to add up to::

    ```{plan} Ninety minutes
    :minutes: 90
    welcome
    pause 15
    close
    ```

:mod:`book.slides` makes slides of the same text.
"""

import re
from pathlib import Path
from typing import ClassVar, NamedTuple

import yaml
from docutils import nodes
from docutils.parsers.rst import directives
from sphinx.util.docutils import SphinxDirective

PAGES = Path(__file__).parent / "workshop"
DIRECTIVE = r"^```\{%s\} ([^\n]+)\n(.*?)^```$"
OPTION = re.compile(r"^:(\w+):[ \t]*(.*)\n", re.MULTILINE)
PAUSES = ("pause", "lunch")


class Slide(NamedTuple):
    """A slide: its title, the figure or the cell of a chapter that it shows, if any, its words, and what is said at it."""

    title: str
    figure: str | None
    cell: str | None
    text: str
    said: str


class Block(NamedTuple):
    """A block of the workshop: its name and title, its minutes, the exercises done in it, and its slides."""

    name: str
    title: str
    teaching: int
    exercises: int
    do: list[str]
    slides: list[Slide]


def read_block(name):
    """The block of that name, from its page."""
    page = PAGES / f"block_{name}.md"
    text = page.read_text(encoding="utf-8")
    header = yaml.safe_load(text.split("---\n")[1])
    title = re.search(r"^# (.+)$", text, re.MULTILINE)[1]
    slides = [read_slide(*found) for found in re.findall(DIRECTIVE % "slide", text, re.MULTILINE | re.DOTALL)]
    return Block(name, title, header["teaching"], header["exercises"], header["do"], slides)


def read_slide(title, body):
    """A slide, from its title and what stands in its directive."""
    options = dict(OPTION.findall(body))
    shown, line, said = OPTION.sub("", body).partition("\n---\n")
    if not line or not said.strip():
        raise ValueError(f"the slide {title!r} needs a line --- and below it what is said")
    return Slide(title, options.get("figure"), options.get("cell"), shown.strip(), said.strip())


def plans():
    """``{title: (minutes, rows)}`` of the guide's plans, with rows as :func:`schedule` makes them."""
    text = (PAGES / "guide.md").read_text(encoding="utf-8")
    found = {}
    for title, body in re.findall(DIRECTIVE % "plan", text, re.MULTILINE | re.DOTALL):
        minutes = int(dict(OPTION.findall(body))["minutes"])
        found[title] = minutes, schedule(OPTION.sub("", body).split("\n"), minutes)
    return found


def schedule(lines, minutes):
    """The rows of a plan, ``(from, what, teaching, exercises)``, where *what* is a Block or the name of a pause."""
    rows, now = [], 0
    for line in filter(None, map(str.strip, lines)):
        name, _, length = line.partition(" ")
        block = None if name in PAUSES else read_block(name)
        taught, done = (int(length), 0) if block is None else (block.teaching, block.exercises)
        rows.append((now, block or name, taught, done))
        now += taught + done
    if now != minutes:
        raise ValueError(f"the blocks and pauses take {now} minutes, and not {minutes}")
    return rows


def clock(minutes):
    """Minutes as hours and minutes."""
    return f"{minutes // 60}:{minutes % 60:02d}"


class Plan(SphinxDirective):
    """The directive ``plan``: a table with the minute at which each block begins."""

    required_arguments, final_argument_whitespace, has_content = 1, True, True
    option_spec: ClassVar = {"minutes": directives.nonnegative_int}

    def run(self):
        """The table."""
        try:
            rows = schedule(self.content, self.options["minutes"])
        except (ValueError, OSError) as error:
            raise self.error(str(error)) from error
        lines = ["| From | Block | Teaching | Exercises |", "|---:|---|---:|---:|"]
        for start, what, taught, done in rows:
            if isinstance(what, Block):
                self.env.note_dependency(str(PAGES / f"block_{what.name}.md"))
                lines.append(f"| {clock(start)} | [{what.title}](block_{what.name}.md) | {taught} | {done} |")
            else:
                lines.append(f"| {clock(start)} | *{what.title()}*, {taught} minutes | | |")
        taught, done = (sum(row[i] for row in rows if isinstance(row[1], Block)) for i in (2, 3))
        lines.append(f"| {clock(self.options['minutes'])} | The end | {taught} in all | {done} in all |")
        return _parsed(self, "\n".join(lines))


class Minutes(SphinxDirective):
    """The directive ``minutes``: how long a block takes, and which exercises are done in it."""

    def run(self):
        """A sentence."""
        block = read_block(Path(self.env.doc2path(self.env.docname)).stem.removeprefix("block_"))
        done = ", ".join(f"{{ref}}`{label}`" for label in block.do)
        text = f"{block.teaching} minutes of teaching, {block.exercises} of exercises{f': {done}' if done else ''}."
        return _parsed(self, text)


class SlideBox(SphinxDirective):
    """The directive ``slide``: in the guide, a box with the words on the slide and what is said at it."""

    required_arguments, final_argument_whitespace, has_content = 1, True, True
    option_spec: ClassVar = {"figure": directives.unchanged_required, "cell": directives.unchanged_required}

    def run(self):
        """The box."""
        try:
            slide = read_slide(self.arguments[0], "\n".join(self.content) + "\n")
        except ValueError as error:
            raise self.error(str(error)) from error
        figure, cell = self.options.get("figure"), self.options.get("cell")
        shown = f"*Shows* {{numref}}`{figure}`.\n\n" if figure else ""
        if cell:
            chapter, _, code = cell.partition(" ")
            shown = f"*Shows* a cell of [its chapter](../{chapter}.md), with `{code}`.\n\n"
        title = nodes.title("", "", *self.state.inline_text(f"Slide: {slide.title}", self.lineno)[0])
        box = nodes.admonition("", title, *_parsed(self, shown + slide.text), classes=["slide"])
        box += nodes.container("", *_parsed(self, slide.said), classes=["said"])
        return [box]


def _parsed(directive, text):
    return directive.parse_text_to_nodes(text, allow_section_headings=False)


def setup(app):
    """Register with Sphinx."""
    for name, directive in (("plan", Plan), ("minutes", Minutes), ("slide", SlideBox)):
        app.add_directive(name, directive)
    return {"parallel_read_safe": True}
