"""Write the folders of a workshop from the built notebooks: `make workshop`.

``_build/workshop/participants`` has every chapter without its solutions, with a place for each answer that can be checked;
``_build/workshop/instructors`` has them with their solutions. Both open on a start page, bring the package and the data, need no
network once the environment is set up, and lie beside themselves as a zip file.
"""

import re
import shutil
import sys
import zipfile

import nbformat

from book.notebooks import LAB, README, ROOT, pack, package_files

WORKSHOP = ROOT / "_build" / "workshop"
SOLUTION = re.compile(r"#### Solution to exercise \d+\.\d+")
HEADING = re.compile(r"#{1,4} ")
LAB_CONFIG = """\
# JupyterLab, started in this folder, opens on the first page.
c.LabApp.default_url = "/lab/tree/start.ipynb"
"""
SET_UP = """
Is this computer ready? In this folder, before the workshop:

    python -m tutorial_pkg.workshop
"""


def main():
    """Write both folders and their zip files, and say where they are."""
    if not (LAB / "start.ipynb").exists():
        sys.exit("There are no notebooks yet; run `make book` first.")
    shutil.rmtree(WORKSHOP, ignore_errors=True)
    for who, change in (("participants", without_solutions), ("instructors", lambda cells: cells)):
        folder = WORKSHOP / who
        folder.mkdir(parents=True)
        for path in sorted(LAB.glob("*.ipynb")):
            if not path.stem.endswith("_changed"):
                notebook = nbformat.read(path, as_version=4)
                notebook.cells = change(notebook.cells)
                notebook.metadata.pop("made", None)
                nbformat.write(notebook, folder / path.name)
        (folder / "jupyter_lab_config.py").write_text(LAB_CONFIG, encoding="utf-8")
        (folder / "README.txt").write_text(README + SET_UP, encoding="utf-8")
        for path in package_files():
            copy = folder / "package" / path.relative_to(ROOT)
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, copy)
        print(f"{folder.relative_to(ROOT)}, {_zip(folder).relative_to(ROOT)}")


def without_solutions(cells):
    """The cells without the folded solutions: from each one's heading to the next heading."""
    kept, inside = [], False
    for cell in cells:
        if cell.cell_type == "markdown" and HEADING.match(cell.source):
            inside = bool(SOLUTION.match(cell.source))
        if not inside or cell is cells[-1]:  # the last one leads on to the next page
            kept.append(cell)
    return kept


def _zip(folder):
    path = folder.with_suffix(".zip")
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for file in sorted(path for path in folder.rglob("*") if path.is_file()):
            pack(archive, file.relative_to(folder).as_posix(), file.read_bytes())
    return path


if __name__ == "__main__":
    main()
