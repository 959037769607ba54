"""Long simulations on disk: finished pieces that survive an interruption, and results with their provenance."""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import joblib
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm.auto import tqdm

from tutorial_pkg.archive import provenance

Cell = Callable[[], pd.DataFrame]


def finish_cells(
    cells: Mapping[str, Cell], folder: "str | Path | None" = None, *, n_jobs: int = -1, progress: bool = True
) -> pd.DataFrame:
    """The rows of all cells, computed side by side; those already in the folder are read.

    Parameters
    ----------
    cells : mapping of name to function
        Each function takes no argument and returns its rows; the name becomes that of its file.
    folder : path, optional
        Where finished cells are kept. The same call goes on after an interruption and loses at most the cells
        that were being computed. Cells are known by their names alone, so rename what you change.
    n_jobs : int
        Cells computed side by side.
    """
    kept = Path(folder) if folder is not None else None
    if kept is not None:
        kept.mkdir(parents=True, exist_ok=True)
    files = {name: _file(kept, name) for name in cells} if kept is not None else {}
    if len(set(files.values())) < len(files):
        raise ValueError("Two cells would share a file; give them names that differ in more than signs.")
    found = {name: pd.read_parquet(file) for name, file in files.items() if file.exists()}
    work = (joblib.delayed(_finish)(name, cell, files.get(name)) for name, cell in cells.items() if name not in found)
    done = joblib.Parallel(n_jobs, return_as="generator_unordered")(work)
    for name, rows in tqdm(done, total=len(cells), initial=len(found), desc="cells", disable=not progress):
        found[name] = rows
    return pd.concat([found[name] for name in cells], ignore_index=True) if cells else pd.DataFrame()


def add_results(
    cells: Mapping[tuple, Cell], path: "str | Path", key: Sequence[str], *, n_jobs: int = -1, **settings: object
) -> pd.DataFrame:
    """Complete a file of results: compute the cells it does not hold yet, and write it again after every few.

    So a long simulation can be stopped at any time, and made longer on another day or another machine.

    Parameters
    ----------
    cells : mapping of key to function
        In the order in which they are wanted; each function returns its rows, which hold the key's columns.
    path : path
        Parquet, as :func:`write_results` writes it; need not exist.
    key : sequence of str
        The columns by which the rows of a cell are known.
    n_jobs : int
        Cells computed side by side.
    **settings
        Stored with the results.
    """
    key = list(key)
    rows = pd.read_parquet(path) if Path(path).exists() else pd.DataFrame(columns=key)
    done = set(rows[key].itertuples(index=False, name=None))
    missing = [cell for name, cell in cells.items() if name not in done]
    work = joblib.Parallel(n_jobs, return_as="generator_unordered")(joblib.delayed(cell)() for cell in missing)
    fresh: list[pd.DataFrame] = []
    for i, found in enumerate(tqdm(work, total=len(cells), initial=len(cells) - len(missing), desc="cells"), 1):
        fresh.append(found)
        if i % 20 == 0 or i == len(missing):
            rows = pd.concat([rows, *fresh] if len(rows) else fresh).sort_values(key, kind="stable", ignore_index=True)
            fresh = []
            write_results(rows, path, **settings)
    return rows


def read_cells(folder: "str | Path") -> pd.DataFrame:
    """The rows of the cells that are finished so far."""
    files = sorted(Path(folder).glob("*.parquet"))
    if not files:
        raise ValueError(f"There is no finished cell in {folder}; compute some with finish_cells.")
    return pd.concat([pd.read_parquet(file) for file in files], ignore_index=True)


def _finish(name: str, cell: Cell, file: Path | None) -> tuple[str, pd.DataFrame]:
    rows = cell()
    if file is not None:
        rows.to_parquet(partial := file.with_suffix(".partial"))
        partial.rename(file)  # a cell is there whole or not at all
    return name, rows


def _file(folder: Path, name: str) -> Path:
    return folder / (name.replace(", ", "-").replace(" ", "_").replace("/", "_") + ".parquet")


def write_results(results: pd.DataFrame, path: "str | Path", **settings: object) -> None:
    """Write results as Parquet, with their provenance in the file's metadata."""
    table = pa.Table.from_pandas(results, preserve_index=False)
    metadata = (table.schema.metadata or {}) | {b"provenance": json.dumps(provenance(**settings)).encode()}
    partial = Path(path).with_suffix(".partial")
    pq.write_table(table.replace_schema_metadata(metadata), partial, compression="zstd")
    partial.rename(path)  # whole or not at all


def read_provenance(path: "str | Path") -> dict[str, str]:
    """The provenance stored by :func:`write_results`."""
    return json.loads(pq.read_schema(path).metadata[b"provenance"])
