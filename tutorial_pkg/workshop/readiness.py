"""What a computer needs for the workshop, item by item, each with its remedy; no item needs a network."""

import hashlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from packaging.requirements import Requirement

from tutorial_pkg.datasets import data_folder

PYTHONS = ((3, 11), (3, 13))
"""The oldest and the newest Python."""

MEMORY, CORES, DISK = 4.0, 2, 1.0
"""What a computer should have: memory in GB, processor cores, free disk in GB."""

CHAPTER, N_CELLS = "whole_game", 2
"""The chapter of which so many cells are run."""

SET_UP = (
    "set up the environment again, as the README says: `python -m pip install -r requirements.txt` in the workshop's folder, "
    "`uv sync` or `conda env update -f environment.yml` in a checkout"
)


class Missing(Exception):
    """What is wrong with an item; ``remedy`` is what to do."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.remedy = remedy


@dataclass(frozen=True)
class Item:
    """One thing that was looked at: its name, whether it is in order, what was found, and what to do if it is not."""

    name: str
    ok: bool
    found: str
    remedy: str = ""

    def __str__(self) -> str:
        line = f"{'OK' if self.ok else 'FAIL':4}  {self.name}: {self.found}"
        return line if self.ok else f"{line}\n      -> {self.remedy}"


def look(folder: "str | Path" = ".") -> Iterator[Item]:
    """Look at one item after the other, the quick ones first.

    Parameters
    ----------
    folder : str or Path
        The workshop's folder, or a checkout of the book; where the chapters are looked for.

    Examples
    --------
    >>> next(look()).name
    'Python'
    """
    items: dict[str, Callable[[], str]] = {
        "Python": python,
        "packages": packages,
        "memory, cores and disk": machine,
        "data": data,
        "LightGBM": boosting,
        "a chapter's first cells": lambda: chapter(Path(folder)),
    }
    for name, find in items.items():
        try:
            yield Item(name, True, find())
        except Missing as missing:
            yield Item(name, False, str(missing), missing.remedy)
        except Exception as error:  # whatever else is wrong, the next items are still looked at
            yield Item(name, False, f"{type(error).__name__}: {error}"[:300], SET_UP)


def python() -> str:
    """The version of Python."""
    now, (oldest, newest) = sys.version_info[:2], PYTHONS
    found = "{}.{}".format(*now)
    if not oldest <= now <= newest:
        span = "{}.{} to {}.{}".format(*oldest, *newest)
        raise Missing(found, f"install Python {span}, and {SET_UP}")
    return found


def packages() -> str:
    """Every package at the version of environment.yml, which is that of the lock."""
    listed = next(
        (p for p in (data_folder() / "environment.yml", data_folder().parent / "environment.yml") if p.is_file()), None
    )
    if listed is None:
        raise Missing("the list of versions, environment.yml, is not there", "run this in a whole copy of the book")
    wrong, n = [], 0
    for text in re.findall(r'^ +- "([^-].*)"$', listed.read_text(encoding="utf-8"), re.MULTILINE):
        wanted = Requirement(text)
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        n += 1
        try:
            found = version(wanted.name)
        except PackageNotFoundError:
            wrong.append(f"{wanted.name} is not installed")
            continue
        if not wanted.specifier.contains(found, prereleases=True):
            wrong.append(f"{wanted.name} is {found}, not {str(wanted.specifier).lstrip('=')}")
    if wrong:
        more = f" and {len(wrong) - 3} more" if len(wrong) > 3 else ""
        raise Missing("; ".join(wrong[:3]) + more, SET_UP)
    return f"{n} at the locked versions"


def machine() -> str:
    """Memory, cores and free disk."""
    import psutil

    memory, cores = psutil.virtual_memory().total / 1e9, os.cpu_count() or 1
    disk = shutil.disk_usage(tempfile.gettempdir()).free / 1e9
    found = f"{memory:.0f} GB of memory, {cores} cores, {disk:.0f} GB of disk free"
    if memory < MEMORY or cores < CORES or disk < DISK:
        wanted = f"{MEMORY:.0f} GB of memory, {CORES} cores and {DISK:.0f} GB of free disk"
        raise Missing(found, f"the chapters want {wanted}: close other programs, free some disk, or share a computer")
    return found


def data() -> str:
    """The data files are those that were published, and load."""
    again = "copy the folder `data` again, or run `git checkout data` in a checkout"
    sums = data_folder() / "SHA256SUMS"
    if not sums.is_file():
        raise Missing("SHA256SUMS is not there", again)
    lines = sums.read_text(encoding="utf-8").split("\n")
    for wanted, name in (line.split() for line in lines if line):
        path = data_folder() / name
        if not path.is_file():
            raise Missing(f"{name} is not there", again)
        if hashlib.sha256(path.read_bytes()).hexdigest() != wanted:
            raise Missing(f"{name} is not the file that was published", again)
    from tutorial_pkg.datasets import load_sellers

    return f"{load_sellers().data.n_rows:,} rows, and every file matches its checksum"


def boosting() -> str:
    """LightGBM is there with the system's library, and learns."""
    import numpy as np

    try:
        from lightgbm import LGBMRegressor
    except OSError as error:
        remedy = "install the system's OpenMP library: `apt install libgomp1` on Debian and Ubuntu, `brew install libomp` on macOS"
        raise Missing(f"its library does not load ({error})", remedy) from error
    x = np.arange(1_000.0)[:, None]
    y = np.sin(x[:, 0] / 100)
    off = float(np.mean((LGBMRegressor(n_estimators=50, n_jobs=1, verbose=-1).fit(x, y).predict(x) - y) ** 2))
    if not off < 0.05:
        raise Missing(f"it learned a curve with an error of {off:.2g}", SET_UP)
    return f"version {version('lightgbm')} learns a curve"


def chapter(folder: Path) -> str:
    """The first cells of a chapter run in a kernel of their own."""
    import nbformat
    from nbclient import NotebookClient
    from nbclient.exceptions import CellExecutionError

    places = [
        folder / f"{CHAPTER}.ipynb",
        folder / "_build" / "lab" / f"{CHAPTER}.ipynb",
        folder / "book" / f"{CHAPTER}.md",
    ]
    place = next((p for p in places if p.is_file()), None)
    if place is None:
        raise Missing(
            f"{CHAPTER} is not in {folder.resolve()}", "change into the workshop's folder, or that of the book"
        )
    if place.suffix == ".md":
        import jupytext

        notebook = jupytext.read(place)
    else:
        notebook = nbformat.read(place, 4)
    code = [c for c in notebook.cells if c.cell_type == "code" and "tp.glue" not in c.source]
    notebook.cells = code[:N_CELLS]
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3", "language": "python"}
    try:
        quiet = ["--log-level=ERROR"]
        NotebookClient(
            notebook, timeout=50, extra_arguments=quiet, resources={"metadata": {"path": str(place.parent)}}
        ).execute()
    except CellExecutionError as error:
        raise Missing(str(error).strip().split("\n")[-1][:200], SET_UP) from error
    return f"{len(notebook.cells)} cells of {place.name} ran"
