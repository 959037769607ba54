"""Build the book: execute the chapters that changed, two at a time, then render every page.

    python book/build.py            reuse every result that is still valid
    python book/build.py --clean    start from nothing
    python book/build.py --picture  also write the README's picture anew, from the chapter on the ATE
    python book/build.py --pdf      print all pages into one PDF instead, which needs TeX

A test reads what the chapters computed, executing first what is stale:

    from book.build import executed_notebooks, glued
    glued(executed_notebooks()["ate"])["dml_ate"]    # the text the page shows
"""

import argparse
import base64
import hashlib
import json
import os
import platform
import re
import shutil
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from html.parser import HTMLParser
from importlib.metadata import version
from pathlib import Path
from urllib.parse import unquote, urlsplit

import yaml
from jupyter_cache import get_cache
from jupyter_cache.base import CacheBundleIn
from jupyter_cache.readers import get_reader
from myst_nb.core.read import is_myst_markdown_notebook
from nbclient import NotebookClient
from nbformat.v4 import new_code_cell
from sphinx_external_toc.parsing import parse_toc_yaml

from book import notebooks
from book.finish import finish

ROOT = Path(__file__).resolve().parents[1]
BUILD = ROOT / "_build"
CACHE = BUILD / ".jupyter_cache"
PICTURE = ROOT / "book" / "assets" / "result.png"
COMPLETE = BUILD / "complete"  # present only after a build without a warning
JUPYTER_BOOK = [sys.executable, "-c", "from jupyter_book.cli.main import main; main()", "build"]
AT_A_TIME = 2
SECONDS_PER_CELL = 600
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "LOKY_MAX_CPU_COUNT")

read_notebook = get_reader({"type": "plugin", "name": "myst_nb_md"})  # as the renderer reads it


class ChapterError(Exception):
    """One or more chapters failed; the message names them and shows where."""


def executed_notebooks():
    """Return ``{chapter name: notebook with outputs}`` in the book's order, executing what is stale."""
    cache = _open_cache()
    _execute_stale(cache)
    return _with_outputs(cache)


def _with_outputs(cache):
    return {name: cache.merge_match_into_notebook(notebook, cell_meta=())[1] for name, notebook in _chapters().items()}


def seconds_of_chapters():
    """Return ``{chapter name: seconds}`` that the executions took, two chapters at a time."""
    return _seconds(_open_cache())


def _seconds(cache):
    return {n: cache.match_cache_notebook(nb).data["execution_seconds"] for n, nb in _chapters().items()}


def glued(notebook):
    """Return ``{key: text}`` of everything an executed notebook glues, as the page shows it."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    texts = {}
    for output in outputs:
        if record := output.get("metadata", {}).get("scrapbook"):
            texts[record["name"]] = output["data"][record["mime_prefix"] + "text/plain"].strip("'\"")
    return texts


def main():
    """Build the book and say how long it took and what to open."""
    parser = argparse.ArgumentParser(description="Execute the chapters and render the book.")
    parser.add_argument("--clean", action="store_true", help="forget every earlier result first")
    parser.add_argument("--picture", action="store_true", help="write the picture of the README anew")
    parser.add_argument("--pdf", action="store_true", help="print the book instead, with TeX")
    options = parser.parse_args()
    if options.pdf and not (shutil.which("latexmk") and shutil.which("xelatex")):
        sys.exit("A PDF needs TeX, and there is no latexmk with xelatex here; the README says what to install.")
    start = time.perf_counter()
    if options.clean:
        shutil.rmtree(BUILD, ignore_errors=True)
    cache = _open_cache()
    try:
        executed = _execute_stale(cache)
    except ChapterError as error:
        sys.exit(f"\nThe book was not built.\n\n{error}")
    if options.picture:
        PICTURE.write_bytes(_figure(cache, "ate", "fig-ate-why"))
    _write_status(cache)
    if options.pdf:
        sys.exit(_print())
    if status := _render(every_page=bool(executed) or not COMPLETE.exists()):
        sys.exit(f"\nThe book was not built: see the warnings above (exit status {status}).")
    chapters = _with_outputs(cache)
    notebooks.write(chapters, {name: glued(notebook) for name, notebook in chapters.items()})
    finish(BUILD / "html", f"Version {version('tutorial-pkg')}, built on {date.today()}.")
    if broken := _broken_links(BUILD / "html"):
        COMPLETE.unlink()
        sys.exit("\nLinks that lead nowhere:\n" + "\n".join(f"    {link}" for link in broken))
    print("\nSeconds per chapter:")
    for name, notebook in _chapters().items():
        record = cache.match_cache_notebook(notebook)
        print(f"{record.data['execution_seconds']:7.1f}  {name}{'' if name in executed else '  (kept)'}")
    print(f"{time.perf_counter() - start:7.1f}  this build, in all")
    print(f"\nOpen {(BUILD / 'html' / 'index.html').as_uri()}")


def _chapters():
    """The notebooks among the pages of the table of contents: ``{name: notebook}``."""
    pages = [ROOT / f"{page}.md" for page in parse_toc_yaml(ROOT / "_toc.yml")]
    return {
        page.stem: read_notebook(str(page))
        for page in pages
        if is_myst_markdown_notebook(page.read_text(encoding="utf-8"))
    }


def _open_cache():
    """Open the cache of executed chapters, emptied if data or lock changed since.

    The cache itself knows only the code inside a chapter; what of the package it used, `_valid_record` compares.
    """
    mark = CACHE / "made_from"
    files = [*(ROOT / "data").iterdir(), ROOT / "uv.lock", ROOT / "tutorial_pkg" / "__init__.pyi"]
    inputs = json.dumps({p.name: _hash(p) for p in sorted(files) if p.is_file()})
    if not (mark.exists() and mark.read_text() == inputs):
        shutil.rmtree(CACHE, ignore_errors=True)
    cache = get_cache(CACHE)
    cache.path.joinpath(mark.name).write_text(inputs)
    return cache


def _hash(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _valid_record(cache, notebook):
    """The record of a chapter's execution, or None where its code or a module it used has changed."""
    try:
        record = cache.match_cache_notebook(notebook)
        cache.get_cache_bundle(record.pk)  # an interrupted build may have left a record without its file
    except KeyError:
        return None
    used = record.data["modules"]
    same = all((ROOT / name).is_file() and _hash(ROOT / name) == before for name, before in used.items())
    return record if same else None


def _execute_stale(cache):
    """Execute the chapters without a valid result, keep what succeeds, and return their names."""
    stale = {}
    for name, notebook in _chapters().items():
        if record := _valid_record(cache, notebook):
            # captions, alt texts and tags are cell metadata, which the cache would keep as they were
            _keep(cache, name, cache.merge_match_into_notebook(notebook, cell_meta=())[1], record.data)
        else:
            stale[name] = notebook
    # Inherited by the kernels: as chapters run two at a time, each keeps to one core, also in joblib.
    os.environ |= dict.fromkeys(ONE_THREAD, "1")
    failures = []
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        for name, record, error in pool.map(_execute, stale, stale.values()):
            print(f"{record['execution_seconds']:7.1f} s  {name}{' FAILED' if error else ''}", flush=True)
            if error:
                failures.append(f"{name} failed:\n{_excerpt(error)}")
            else:
                _keep(cache, name, stale[name], record)
    if failures:
        raise ChapterError("\n\n".join(failures))
    return list(stale)


MODULES_USED = """
import json, sys
print(json.dumps([m.__file__ for name, m in list(sys.modules.items()) if name.startswith("tutorial_pkg")]))
"""


def _execute(name, notebook):
    """Execute a notebook in place, in a process of its own; tell its seconds and the modules of the package it used."""
    start = time.perf_counter()
    notebook.cells.append(new_code_cell(MODULES_USED))
    client = NotebookClient(
        notebook,
        timeout=SECONDS_PER_CELL,
        record_timing=False,
        resources={"metadata": {"path": str(ROOT / "book")}},
        extra_arguments=["--log-level=ERROR"],  # the kernel's own messages, not the chapter's
    )
    try:
        client.execute()
    except Exception as error:  # a dead kernel too is reported by chapter
        return name, {"execution_seconds": time.perf_counter() - start}, error
    used = json.loads(notebook.cells.pop().outputs[0]["text"])
    modules = {os.path.relpath(file, ROOT): _hash(Path(file)) for file in used}
    return name, {"execution_seconds": time.perf_counter() - start, "modules": modules}, None


def _figure(cache, chapter, name):
    """The PNG of a named figure of an executed chapter."""
    notebook = cache.merge_match_into_notebook(_chapters()[chapter])[1]
    for cell in notebook.cells:
        if cell.metadata.get("mystnb", {}).get("figure", {}).get("name") == name:
            return base64.b64decode(next(o.data["image/png"] for o in cell.outputs if "image/png" in o.get("data", {})))
    raise ChapterError(f"{chapter} has no figure named {name}")


def _keep(cache, name, notebook, record):
    bundle = CacheBundleIn(notebook, str(ROOT / "book" / f"{name}.md"), data=record)
    cache.cache_notebook_bundle(bundle, check_validity=False, overwrite=True)


LIBRARIES = "doubleml econml glum joblib lightgbm matplotlib numpy pandas scikit-learn scipy statsmodels jupyter-book"

STATUS = """
Version {version}, built on {date} with Python {python} from {commit}.

## How to cite

```bibtex
@misc{{recommendation{year},
  title = {{{{{title}}}}},
  author = {{{authors}}},
  year = {{{year}}},
  note = {{Version {version}}}
}}
```

## Libraries

| Library | Version |
|---|---|
{libraries}

## Chapters

| Chapter | Seconds to execute |
|---|---:|
{chapters}
"""


def _write_status(cache):
    """What this build was made with, for the status page to include; written only when it differs."""
    git = subprocess.run(
        ["git", "describe", "--always", "--dirty=, changed since"], cwd=ROOT, capture_output=True, text=True
    )
    cite = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    seconds = _seconds(cache)
    text = STATUS.format(
        version=version("tutorial-pkg"),
        date=date.today(),
        year=date.today().year,
        python=platform.python_version(),
        commit=f"commit {git.stdout.strip()}" if git.returncode == 0 else "files without a commit",
        title=textwrap.fill(cite["title"], 60, subsequent_indent=" " * 11),
        authors=" and ".join(f"{{{author['name']}}}" for author in cite["authors"]),
        libraries="\n".join(f"| {name} | {version(name)} |" for name in LIBRARIES.split()),
        chapters="\n".join(f"| {{doc}}`{name}` | {value:.0f} |" for name, value in seconds.items()),
    )
    page = BUILD / "status.md"
    if not page.exists() or page.read_text(encoding="utf-8") != text:
        page.write_text(text, encoding="utf-8")


def _excerpt(error, n_lines=30):
    """The end of an error's message, without colours: the failing cell's last lines and its traceback."""
    lines = re.sub(r"\x1b\[[0-9;]*m", "", str(error) or repr(error)).strip().splitlines()
    return "\n".join(f"    {line}" for line in lines[-n_lines:])


def _render(every_page):
    """Render the pages; any warning is an error. Return the exit status.

    Only a page that is read anew can warn, so after a build that failed every page is read again; and
    after a chapter was executed too, because pages show each other's numbers.
    """
    COMPLETE.unlink(missing_ok=True)
    options = ["-W", "-n", "--keep-going", "-q", *(["--all"] if every_page else [])]
    status = subprocess.run([*JUPYTER_BOOK, str(ROOT), *options], check=False).returncode
    if status == 0:
        COMPLETE.touch()
    return status


def _print():
    """Write the book as one PDF and say where it is; or return what is wrong."""
    folder = BUILD / "latex"
    shutil.rmtree(folder, ignore_errors=True)  # TeX would go on from what an earlier run left
    run = subprocess.run([*JUPYTER_BOOK, str(ROOT), "--builder", "pdflatex", "-q"], capture_output=True, check=False)
    book = folder / "book.pdf"
    if run.returncode or not book.exists():
        return f"\nThe PDF was not built.\n\n{run.stdout.decode()[-3000:]}\n{run.stderr.decode()[-3000:]}"
    print(f"\nOpen {book.as_uri()}")
    return 0


class _Page(HTMLParser):
    """The links of a page, and the places in it that links can lead to."""

    def __init__(self, path):
        super().__init__()
        self.links, self.places = set(), set()
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attrs):
        attributes = dict(attrs)
        self.places |= {attributes[key] for key in ("id", "name") if attributes.get(key)}
        self.links |= {attributes[key] for key in ("href", "src") if attributes.get(key)}


def _broken_links(folder):
    """Links between the pages, and to what they load, that lead nowhere."""
    pages = {path: _Page(path) for path in sorted(folder.rglob("*.html")) if "_static" not in path.parts}
    broken = []
    for path, page in pages.items():
        for link in sorted(page.links):
            target = urlsplit(link)
            if target.scheme or target.netloc or link == "#":
                continue
            there = (path.parent / unquote(target.path)).resolve() if target.path else path
            missing_place = target.fragment and there in pages and unquote(target.fragment) not in pages[there].places
            if not there.exists() or missing_place:
                broken.append(f"{path.relative_to(folder)}: {link}")
    return broken


if __name__ == "__main__":
    main()
