"""Write the folders of a workshop from the built notebooks: `make workshop`.

``_build/workshop/participants`` has every chapter without its solutions, with a place for each answer that can be checked;
``_build/workshop/instructors`` has them with their solutions, the slides of the plans and the rendered book. Both open on a start
page, bring the package, the data, hand-out and feedback form, need no network once the environment is set up, and lie beside
themselves as a zip file.
"""

import re
import shutil
import sys
import zipfile

import nbformat
import yaml
from markdown_it import MarkdownIt

from book import notebooks, slides
from book.build import executed_notebooks, glued
from book.notebooks import HTML, LAB, ROOT

WORKSHOP = ROOT / "_build" / "workshop"
SOLUTION = re.compile(r"#### Solution to exercise \d+\.\d+")
HEADING = re.compile(r"#{1,4} ")
SHEETS = ("handout", "feedback")
ANSWERS = (
    "In an exercise, put your answer in place of the dots, a number or an estimate, and run the cell; it says whether it "
    "is right, or what went wrong. Solutions are with whoever teaches, and on the pages of the book."
)
LAB_CONFIG = """\
# JupyterLab, started in this folder, opens on the first page.
c.LabApp.default_url = "/lab/tree/start.ipynb"
"""
README = """\
Did the recommendation do it? The workshop's notebooks, with the package and the data they need.

Before the workshop, in a terminal, with Python 3.11 to 3.13. A few hundred MB are loaded, which takes some minutes:

    cd {folder}
    python -m venv env
    env/bin/python -m pip install -r requirements.txt
    env/bin/python -m tutorial_pkg.workshop

On Windows write env\\Scripts\\python for env/bin/python. Who has uv is faster with: uv venv env, then
uv pip install --python env -r requirements.txt. The last command says "Ready.", or what to do.

In the workshop, which needs no network:

    env/bin/python -m jupyter lab --config jupyter_lab_config.py

It opens the start page, start.ipynb, in the browser; the terminal stays open as long as you work.

Text and figures: CC BY 4.0. Code: MIT. All seller data are synthetic; two published studies are not.
"""
SHEET = """\
<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>{title}</title>
<style>
@page {{ size: A4; margin: 12mm 14mm; }}
body {{ font: 9.5pt/1.28 system-ui, sans-serif; max-width: 46em; margin: 1em auto; padding: 0 1em; color: #111; background: #fff; }}
h1 {{ font-size: 15pt; margin: 0 0 .4em; }}
p, pre, table {{ margin: .45em 0; }}
pre, code {{ font-size: 8.4pt; background: #f3f3f0; }}
pre {{ padding: .4em .6em; overflow-x: auto; white-space: pre-wrap; }}
table {{ border-collapse: collapse; width: 100%; }}
td, th {{ border: 1px solid #aaa; padding: .15em .5em; text-align: left; vertical-align: top; }}
@media print {{ body {{ margin: 0; padding: 0; max-width: none; }} }}
</style></head><body><main>
{body}
</main></body></html>
"""


def main():
    """Write both folders and their zip files, and say where they are."""
    if not (LAB / "start.ipynb").exists():
        sys.exit("There are no notebooks yet; run `make book` first.")
    executed = executed_notebooks()
    library = notebooks.library_of(executed, {name: glued(notebook) for name, notebook in executed.items()})
    shutil.rmtree(WORKSHOP, ignore_errors=True)
    for who, solutions, unpacked in (
        ("participants", False, notebooks.FOLDER),
        ("instructors", True, f"{notebooks.FOLDER}-instructors"),  # both may lie unpacked side by side
    ):
        folder = WORKSHOP / who
        folder.mkdir(parents=True)
        write_notebooks(folder, solutions)
        write_set_up(folder, unpacked)
        if solutions:
            slides.write(folder / "slides", executed, library)
            shutil.copytree(HTML, folder / "book", ignore=shutil.ignore_patterns("notebooks.zip"))
        print(f"{folder.relative_to(ROOT)}, {_zip(folder, unpacked).relative_to(ROOT)}")


def write_notebooks(folder, solutions):
    """The chapters' notebooks, the sheets to print, and the table of contents that JupyterLab shows at the side."""
    parts = []
    for path in sorted(LAB.glob("*.ipynb")):
        notebook = nbformat.read(path, as_version=4)
        if path.stem in SHEETS:
            body = MarkdownIt().enable("table").render("\n\n".join(cell.source for cell in notebook.cells[:-1]))
            title = re.search(r"<h1>(.*?)</h1>", body)[1]
            (folder / f"{path.stem}.html").write_text(SHEET.format(title=title, body=body), encoding="utf-8")
        if not path.stem.endswith("_changed"):
            if not solutions:
                notebook.cells = without_solutions(notebook.cells)
                notebook.cells[0].source = notebook.cells[0].source.replace(notebooks.FOLDED, ANSWERS)
            notebook.metadata.pop("made", None)
            nbformat.write(notebook, folder / path.name)
    for part in yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))["parts"]:
        names = [page["file"].rpartition("/")[2] for page in part["chapters"]]
        files = [{"file": f"{name}.ipynb"} for name in names if (folder / f"{name}.ipynb").exists()]
        if files:
            parts.append({"caption": part["caption"], "chapters": files})
    toc = {"format": "jb-book", "root": "start.ipynb", "parts": parts}
    (folder / "_toc.yml").write_text(yaml.safe_dump(toc, sort_keys=False), encoding="utf-8")
    (folder / "_config.yml").write_text(
        'title: "Did the recommendation do it?"\nauthor: the contributors\n', encoding="utf-8"
    )


def write_set_up(folder, unpacked):
    """What sets the environment up, from the versions of the lock, and opens JupyterLab on the start page."""
    (folder / "jupyter_lab_config.py").write_text(LAB_CONFIG, encoding="utf-8")
    (folder / "README.txt").write_text(README.format(folder=unpacked), encoding="utf-8")
    listed = (ROOT / "environment.yml").read_text(encoding="utf-8")
    pinned = re.findall(r'^ +- "([^-].*)"$', listed, re.MULTILINE)
    (folder / "requirements.txt").write_text("\n".join([*pinned, "./package", ""]), encoding="utf-8")
    notebooks.copy_package(folder / "package")


def without_solutions(cells):
    """The cells without the folded solutions: from each one's heading to the next heading."""
    kept, inside = [], False
    for cell in cells:
        if cell.cell_type == "markdown" and HEADING.match(cell.source):
            inside = bool(SOLUTION.match(cell.source))
        if not inside or cell is cells[-1]:  # the last one leads on to the next page
            kept.append(cell)
    return kept


def _zip(folder, unpacked):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            notebooks.pack(archive, file.relative_to(folder).as_posix(), file.read_bytes(), unpacked)
    return path


if __name__ == "__main__":
    main()
