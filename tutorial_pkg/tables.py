"""Tables from files as they were handed over: read, or one sentence that says what is wrong with the file."""

import csv
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq


def read_table(path: "str | Path", encoding: str = "utf-8-sig", decimal: str = ".") -> pd.DataFrame:
    """A table from a CSV or Parquet file.

    The separator of a CSV is the comma, semicolon or tab that its first line has most of.

    Parameters
    ----------
    path : path
        ``.csv``, ``.tsv``, ``.txt`` or ``.parquet``.
    encoding, decimal : str
        Of a CSV file; ``decimal=","`` reads 12,50.

    Raises
    ------
    ValueError
        When the file is missing, empty, of another kind, in another encoding, or has a column name twice.
    """
    path = Path(path)
    if not path.is_file():
        raise ValueError(f"There is no file {path}; check the path.")
    if not path.stat().st_size:
        raise ValueError(f"{path.name} is empty; export it again.")
    kind = path.suffix.lower()
    if kind not in (".parquet", ".csv", ".tsv", ".txt"):
        raise ValueError(f"{path.name} is neither .csv nor .parquet; save the table as one of them.")
    frame = _read_parquet(path) if kind == ".parquet" else _read_csv(path, encoding, decimal)
    if frame.empty:
        raise ValueError(f"{path.name} has no rows; check how it was filtered before it was exported.")
    return frame


def rows_of(frame: pd.DataFrame, condition: str | None) -> pd.DataFrame:
    """The rows that meet a condition, written as pandas' ``query`` reads it; all of them without one."""
    if condition is None:
        return frame
    try:
        found = frame.query(condition)
    except Exception as error:  # pandas raises what its parser raises
        raise ValueError(f"The condition {condition!r} cannot be read ({error}); write it as year == 2025.") from error
    if found.empty:
        raise ValueError(f"No row meets the condition {condition!r}; check the values it names.")
    return found.reset_index(drop=True)


def _read_parquet(path: Path) -> pd.DataFrame:
    try:
        _refuse_repeated(pq.read_schema(path).names, path)
        return pd.read_parquet(path)
    except pa.ArrowInvalid as error:
        raise ValueError(f"{path.name} is no Parquet file, or not a whole one; export it again.") from error


def _read_csv(path: Path, encoding: str, decimal: str) -> pd.DataFrame:
    try:
        with path.open(encoding=encoding) as lines:
            first = lines.readline()
        if first.lstrip().lower().startswith(("<!doctype", "<html")):
            raise ValueError(f"{path.name} is a web page and no table; download the file itself.")
        options: dict[str, Any] = {"sep": max(",;\t", key=first.count), "encoding": encoding, "decimal": decimal}
        with path.open(encoding=encoding, newline="") as lines:
            rows = csv.reader(lines, delimiter=options["sep"])
            names, values = next(rows), next(rows, [])
        _refuse_repeated(names, path)
        if len(values) > len(names):  # pandas would take the surplus for row names, and every column would move
            raise ValueError(f"{path.name} has more fields in its rows than names in its first line; export it again.")
        return pd.read_csv(path, **options, low_memory=False).copy()  # in one piece, so that columns can be added
    except (UnicodeError, LookupError) as error:
        raise ValueError(
            f"{path.name} cannot be read as {encoding.removesuffix('-sig')} ({error}); save it as UTF-8, or name its "
            "encoding, for instance latin-1."
        ) from error
    except pd.errors.ParserError as error:
        raise ValueError(f"{path.name} is no regular table ({str(error).strip()}); export it again.") from error


def _refuse_repeated(names: list[Any], path: Path) -> None:
    if repeated := [name for i, name in enumerate(names) if name in names[:i]]:
        raise ValueError(f"{path.name} has the column {repeated[0]!r} more than once; rename or drop one of them.")
