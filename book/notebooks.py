"""Write each page also as a notebook to run: plain Markdown with the page's numbers, solutions folded, no machinery.

They go to ``_build/lab/``, where JupyterLab opens on ``start.ipynb``; the same files are the pages' downloads and, with
the package and its data, ``notebooks.zip``. None holds outputs: those are on the page, and a reader is to get their own.
"""

import ast
import base64
import hashlib
import html
import json
import platform
import re
import shutil
import zipfile
from pathlib import Path

import nbformat
import pybtex.database
from IPython.core.inputtransformer2 import TransformerManager
from myst_nb.core.variables import format_plain_text
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from pybtex.backends.markdown import Backend
from pybtex.richtext import Text
from pybtex.style.formatting.plain import Style
from sphinx_external_toc.parsing import parse_toc_yaml

from book.quizzes import in_markdown
from tutorial_pkg.workshop.answers import collect, save

ROOT = Path(__file__).resolve().parents[1]
BOOK = ROOT / "book"
LAB = ROOT / "_build" / "lab"
HTML = ROOT / "_build" / "html"
FOLDER = "did-the-recommendation-do-it"
KERNEL = {  # to the letter what JupyterLab writes, else a notebook counts as changed once it is opened
    "kernelspec": {"display_name": "Python 3 (ipykernel)", "language": "python", "name": "python3"},
    "language_info": {
        "codemirror_mode": {"name": "ipython", "version": 3},
        "file_extension": ".py",
        "mimetype": "text/x-python",
        "name": "python",
        "nbconvert_exporter": "python",
        "pygments_lexer": "ipython3",
        "version": platform.python_version(),
    },
}
HIDDEN = {
    "source_hidden": {"remove-cell", "remove-input", "hide-cell", "hide-input"},
    "outputs_hidden": {"remove-output", "hide-cell", "hide-output"},
}
INSTALL = """\
# Where the book's package is missing, install it from the folder beside this notebook
from importlib.util import find_spec
if not find_spec("tutorial_pkg"):
    %pip install --quiet ./package"""
FOLDED = "Solutions are folded; a click on *cells hidden* opens them."
START = """\
# {title}

Here the book is run. Each chapter is a notebook: **Shift+Enter** runs a cell and goes on to the next, *Run › Run All \
Cells* runs the whole chapter. {solutions} Change what you \
like: these are copies, the book's sources stay as they are. *File › Save Notebook As…* keeps yours under a name of its \
own.

Begin with [what the book is about]({first}.ipynb), then read in this order.

"""
README = """\
Did the recommendation do it? The chapters as notebooks, with the package and the data they need (Python 3.11 to 3.13).

    python -m pip install ./package jupyterlab ipywidgets
    jupyter lab start.ipynb

Text and figures: CC BY 4.0. Code: MIT. All seller data are synthetic.
"""
PACKAGE = [
    "pyproject.toml",
    "environment.yml",
    "README.md",
    "LICENSE",
    "data/*",
    "tutorial_pkg/**/*",
]  # what `pip install` needs of it
BLOCK = re.compile(  # fenced code, or a directive with its body, which may hold directives with shorter fences
    r"^(?P<fence>`{3,}|:{3,})(?:\{(?P<name>[\w:-]+)\}[ \t]*(?P<argument>[^\n]*)|[^\n{]*)\n(?P<body>.*?)^(?P=fence)[ \t]*$",
    re.MULTILINE | re.DOTALL,
)
EXERCISE = re.compile(r"^`{3,}\{exercise(?:-start)?\} *([^\n]*)\n:label: ([\w-]+)$", re.MULTILINE)
ROLE = re.compile(r"\{([\w:-]+)\}`([^`]+)`")
RAW = re.compile(r"\{[\w:-]+\}`|^[ \t]*[:`]{3,}\{.*|^\([\w-]+\)=$", re.MULTILINE)
BOXES = {"admonition", "note", "tip", "hint", "important", "warning", "caution", "danger", "seealso"}
FOR_THE_PAGE = ("glue(", "workshop.mark(")  # calls that a reader's copy does without
CUT, END = "\x1e", "\x1f"  # between them, in translated text, what is to be known of the cell that begins here


class Untranslatable(Exception):
    """A page uses a directive or a role that has no plain Markdown here."""


def write(executed, glued):
    """Write every page's notebook to ``_build/lab``, to the pages' downloads, and all of them to ``notebooks.zip``.

    Parameters
    ----------
    executed : dict
        The executed chapters by name, in the book's order.
    glued : dict
        For each chapter, what it hands to the text, by key.
    """
    notebooks = _notebooks(executed, glued)
    save(collect(executed))  # before the package is packed
    LAB.mkdir(parents=True, exist_ok=True)
    for name, notebook in notebooks.items():
        _put(LAB / f"{name}.ipynb", notebook)
        if name in executed:
            nbformat.write(notebook, HTML / "_sources" / "book" / f"{name}.ipynb")
    with zipfile.ZipFile(HTML / "notebooks.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        for name, notebook in notebooks.items():
            pack(archive, f"{name}.ipynb", nbformat.writes(notebook))
        pack(archive, "README.txt", README)
        for path in package_files():
            pack(archive, f"package/{path.relative_to(ROOT).as_posix()}", path.read_bytes())


def library_of(executed, glued):
    """What the pages of the book refer to; the arguments are those of :func:`write`."""
    texts = {Path(page).stem: (ROOT / f"{page}.md").read_text(encoding="utf-8") for page in _toc()}
    return Library(glued, texts, collect(executed))


def _toc():
    return parse_toc_yaml(ROOT / "_toc.yml")


def package_files():
    """The files that `pip install` needs of the package."""
    found = (path for part in PACKAGE for path in sorted(ROOT.glob(part)))
    return [path for path in found if path.is_file() and "__pycache__" not in path.parts]


def copy_package(folder):
    """Copy them into a folder, as they lie here."""
    for path in package_files():
        copy = folder / path.relative_to(ROOT)
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, copy)


def pack(archive, name, content, folder=FOLDER):
    """Add a file to an archive of the book's, which unpacks into one folder."""
    entry = zipfile.ZipInfo(f"{folder}/{name}")  # without a date: same content, same bytes
    archive.writestr(entry, content, zipfile.ZIP_DEFLATED)


def _put(path, notebook):
    """Write a notebook, unless it is there already; an older one in which a reader changed cells stays beside it."""
    notebook = nbformat.from_dict(notebook)
    made = {"all": _digest(notebook.cells), "sources": _digest([cell.source for cell in notebook.cells])}
    if path.exists():
        old = nbformat.read(path, as_version=4)
        then = old.metadata.get("made", {})
        if then == made:
            return
        if then.get("sources") != _digest([cell.source for cell in old.cells]):
            path.replace(path.with_stem(f"{path.stem}_changed"))
    notebook.metadata["made"] = made
    nbformat.write(notebook, path)


def _digest(content):
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]


def _notebooks(executed, glued):
    """``{name: notebook}`` of the start page and of every page that can be told in plain Markdown."""
    library = library_of(executed, glued)
    texts = library.texts
    numbers = {name: number for number, name in enumerate(executed, 1)}
    cells = {}
    for name, text in texts.items():
        source = executed[name].cells if name in executed else [new_markdown_cell(text)]
        try:
            cells[name] = Page(library, name, numbers.get(name)).cells(source)
        except Untranslatable as error:  # a page without code, such as the package's reference, may stay out
            if name in executed:
                raise SystemExit(f"\n{name}.md cannot be written as a notebook: {error}") from None
    reading = list(cells)
    for name, following in zip(reading, [*reading[1:], None]):
        if name in executed:
            title, _, rest = cells[name][0].source.partition("\n\n")
            install = new_code_cell(INSTALL, metadata={"jupyter": {"source_hidden": True}})
            cells[name][:1] = [new_markdown_cell(title), install, new_markdown_cell(rest)]
        step = f"Next: [{_title(texts[following])}]({following}.ipynb) · " if following else ""
        cells[name].append(new_markdown_cell(f"---\n\n{step}[All chapters](start.ipynb)"))
    cells = {"start": [new_markdown_cell(_start(_toc(), texts, reading))], **cells}
    return {name: _notebook(name, cells[name], reading) for name in cells}


def _notebook(name, cells, pages):
    """A notebook of these cells, with ids that stay, and links only to pages that are there."""
    for number, cell in enumerate(cells):
        if not cell.metadata.pop("named", False):
            cell.id = f"{name}-{number}"[:64]
        if cell.cell_type == "markdown":
            cell.source = re.sub(
                r"\[([^\]]+)\]\(([\w-]+)\.ipynb(?:#[^)]*)?\)",
                lambda link: link[0] if link[2] in {"start", *pages} else link[1],
                cell.source,
            )
    return new_notebook(cells=cells, metadata=KERNEL)


def _title(text):
    return re.search(r"^# (.+)$", text, re.MULTILINE)[1]


def _start(toc, texts, reading):
    """The page that leads the way: every page in the book's order, with the minutes it takes."""
    first, *_ = reading
    lines, number = [START.format(title=_title(texts[first]), first=first, solutions=FOLDED)], 0
    for part in next(iter(toc.values())).subtrees:
        lines.append(f"\n## {part.caption}\n")
        for name in (Path(page).stem for page in part.items):
            if name in reading:
                link = f"[{_title(texts[name])}]({name}.ipynb)"
                if minutes := re.search(r"^Time: (about \d+ minutes)", texts[name], re.MULTILINE):
                    number += 1
                    lines.append(f"{number}. {link}, {minutes[1]}")
                else:
                    lines.append(f"* {link}")
    return "\n".join(lines)


class Library:
    """What pages refer to: the numbers of all chapters, the terms of the glossary, the sources, and what checks itself."""

    def __init__(self, glued, texts, answers):
        self.glued, self.texts = glued, texts
        self.exercises, self.titles = {}, {}
        for chapter, name in enumerate(glued, 1):
            for number, (title, label) in enumerate(EXERCISE.findall(texts[name]), 1):
                self.exercises[label], self.titles[label] = f"{chapter}.{number}", title
        self.stubs = {
            number: f'answer = ...  # {record["asks"]}\ntp.workshop.check("{number}", answer)'
            for number, record in answers.items()
        }
        self.sources = pybtex.database.parse_file(str(BOOK / "references.bib"))
        self.terms = {}
        for text in texts.values():
            for block in BLOCK.finditer(text):
                if block["name"] == "glossary":
                    self.terms |= {head.lower(): heads for heads, _ in _glossary(block["body"]) for head in heads}

    def citation(self, key, form):
        entry = self.sources.entries[key]
        people = entry.persons.get("author") or entry.persons["editor"]
        names = [str(Text.from_latex(" ".join(p.prelast_names + p.last_names))) for p in people]
        who = f"{names[0]} et al." if len(names) > 2 else " and ".join(names)
        return f"[{form.format(who=who, year=entry.fields['year'])}](bibliography.ipynb#cell-id={key})"

    def bibliography(self):
        """The list of sources, a cell for each, so that a citation leads to its own."""
        for entry in Style().format_bibliography(self.sources):
            text = entry.text.render(Backend("utf-8")).replace("\n", " ")
            yield _cut(id=entry.key) + text


def _glossary(body):
    """The entries of a glossary: the names of a term, and what it means."""
    for entry in re.split(r"\n\s*\n(?=\S)", body.strip()):
        lines = entry.splitlines()
        heads = [line for line in lines if line[0] != " "]
        yield heads, " ".join(line.strip() for line in lines[len(heads) :])


def _term_id(heads):
    return "term-" + re.sub(r"\W+", "-", heads[0].lower())


def _cut(**about):
    return f"\n\n{CUT}{json.dumps(about)}{END}"


class Page:
    """One page on its way from MyST to plain Markdown."""

    def __init__(self, library, name, number):
        self.library, self.name, self.number = library, name, number
        self.figures, self.pictures = 0, {}

    def cells(self, source):
        """The notebook's cells."""
        code = without_glue(source)
        made = []
        for position, cell in enumerate(source):
            if cell.cell_type == "markdown":
                made += self.markdown(cell.source)
            elif code[position]:
                tags = set(cell.metadata.get("tags", []))
                hidden = {key: True for key, reasons in HIDDEN.items() if tags & reasons}
                made.append(new_code_cell(code[position], metadata={"jupyter": hidden} if hidden else {}))
                settings = cell.metadata.get("mystnb", {})
                if figure := settings.get("figure"):
                    made += self.markdown(self.caption(figure["caption"], settings.get("image", {}).get("alt")))
        return made

    def markdown(self, text):
        """The cells of a piece of text: one, or several where a fold or a place to link to begins or ends."""
        text = re.sub(r"\A---\n.*?\n---\n", "", text, flags=re.DOTALL)
        first, *rest = re.split(f"{CUT}(.*?){END}", self.prose(text))
        for about, piece in [({}, first), *((json.loads(a), p) for a, p in zip(rest[::2], rest[1::2]))]:
            if "code" in about:
                yield new_code_cell(about["code"])
            if not piece.strip():
                continue
            if raw := RAW.search(re.sub(r"^(`{3,}).*?^\1$", "", piece, flags=re.MULTILINE | re.DOTALL)):
                raise Untranslatable(f"nothing is known of {raw[0]!r}")
            cell = new_markdown_cell(piece.strip())
            if "id" in about:
                cell.id, cell.metadata["named"] = about["id"], True
            if "folded" in about:
                cell.metadata["jp-MarkdownHeadingCollapsed"] = True
            attached = {file: data for file, data in self.pictures.items() if f"attachment:{file}" in piece}
            if attached:
                cell.attachments = attached
            yield cell

    def prose(self, text):
        parts, at = [], 0
        for block in BLOCK.finditer(text):
            parts.append(self.inline(text[at : block.start()]))
            parts.append(self.directive(block) if block["name"] else block[0])
            at = block.end()
        return "".join([*parts, self.inline(text[at:])])

    def inline(self, text):
        text = re.sub(r"</?a\b[^>]*>", "", ROLE.sub(self.role, text))  # such links lead from page to page
        return re.sub(r"\]\((?:[\w.]+/)*([\w-]+)\.md(?:#[^)]*)?\)", r"](\1.ipynb)", text)

    def role(self, match):
        name, content = match[1], " ".join(match[2].split())
        if name == "glue:text":
            page, _, key = content.rpartition("::")
            key, _, spec = key.partition(":")
            return format_plain_text(self.library.glued[Path(page).stem or self.name][key], spec)
        if name == "term":
            shown, target = re.fullmatch(r"(.+?)(?: <(.+)>)?", content).groups()
            return f"[{shown}](notation.ipynb#cell-id={_term_id(self.library.terms[(target or shown).lower()])})"
        if name in ("cite:t", "cite:p"):
            form = "{who} ({year})" if name == "cite:t" else "{who}, {year}"
            found = [self.library.citation(key.strip(), form) for key in content.split(",")]
            return ", ".join(found) if name == "cite:t" else f"({'; '.join(found)})"
        raise Untranslatable(f"nothing is known of {{{name}}}")

    def directive(self, block):
        name, argument = block["name"], block["argument"].strip()
        head, body = re.fullmatch(r"((?::[\w-]+:[^\n]*\n)*)(.*)", block["body"], re.DOTALL).groups()
        options = dict(re.findall(r"^:([\w-]+):[ \t]*(.*)$", head, re.MULTILINE))
        if name in BOXES:
            text = f"**{self.inline(argument) or name.title()}**\n\n{self.prose(body).strip()}"
            return re.sub(r"^", "> ", text, flags=re.MULTILINE)
        if name in ("exercise", "exercise-start"):
            heading = f"### Exercise {self.library.exercises[options['label']]} {argument}".strip()
            return f"{_cut()}{heading}\n\n{self.prose(body).strip()}"
        if name in ("solution", "solution-start"):
            number = self.library.exercises[argument]
            stub = self.library.stubs.get(number, "")
            heading = f"{_cut(code=stub) if stub else ''}{_cut(folded=True)}#### Solution to exercise {number}{_cut()}"
            return f"{heading}{self.prose(body).strip()}{_cut() if name == 'solution' else ''}"
        if name in ("solution-end", "exercise-end"):
            return _cut()
        if name == "figure":
            return self.picture(argument, options["alt"], body)
        if name == "glue":  # what another chapter has drawn, to be run there
            return f"*The figure is drawn in [its chapter]({options['doc'].removesuffix('.md')}.ipynb).*"
        if name == "glossary":
            entries = [(heads, self.inline(text)) for heads, text in _glossary(body)]
            return "".join(f"{_cut(id=_term_id(heads))}**{', '.join(heads)}**: {text}" for heads, text in entries)
        if name == "quiz":
            return f"{_cut()}{in_markdown(self.inline(argument), self.inline(body))}{_cut()}"
        if name == "bibliography":
            return "".join(self.library.bibliography())
        raise Untranslatable(f"nothing is known of {{{name}}}")

    def picture(self, file, alt, caption):
        """A picture that travels inside the notebook."""
        path = BOOK / file
        kind = "image/svg+xml" if path.suffix == ".svg" else f"image/{path.suffix[1:]}"
        self.pictures[path.name] = {kind: base64.b64encode(path.read_bytes()).decode()}
        return f"![{alt}](attachment:{path.name})\n\n*{self.inline(caption.strip())}*"

    def caption(self, text, alt):
        """What stands below a figure: its caption, and in words what it shows, as a picture made anew has no alt text."""
        self.figures += 1
        caption = f"**Figure {self.number}.{self.figures}.** {text}"
        if alt is None:  # a figure of HTML says itself what it shows
            return caption
        return f"{caption}\n\n<details><summary>The figure in words</summary>{html.escape(alt)}</details>"


def without_glue(cells):
    """The code of each cell without what only hands numbers to the page: the calls of glue and what is made for them."""
    code, used = {}, set()
    for position, cell in reversed(list(enumerate(cells))):
        if cell.cell_type != "code":
            continue
        code[position] = cell.source
        if any(call in cell.source for call in FOR_THE_PAGE):
            kept = []
            for statement in reversed(ast.parse(cell.source).body):
                text = ast.get_source_segment(cell.source, statement)
                made = _names(statement, ast.Store)
                idle = isinstance(statement, ast.Assign) and made and made.isdisjoint(used)
                if not idle and not any(call in text for call in FOR_THE_PAGE):
                    kept.insert(0, text)
                    used |= _names(statement, ast.Load)
            code[position] = "\n".join(kept)
        used |= _names(ast.parse(TransformerManager().transform_cell(code[position])), ast.Load)
    return code


def _names(tree, context):
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, context)}
