"""Arrays and what they belong to in one file: written whole or not at all, read without running any code.

The file is a NumPy archive; ``np.load(path)["header"].item()`` shows what it says of itself, as JSON.
"""

import json
import os
import platform
import re
import secrets
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn import config_context
from sklearn.base import BaseEstimator

from tutorial_pkg.encoding import is_categorical, number_dtype

FORMAT = 1
Arrays = Mapping[str, NDArray]
Splits = Sequence[Sequence[tuple[NDArray, NDArray]]]
"""For each repeat the (train, test) row positions of its folds."""


def write_archive(path: "str | Path", header: Mapping[str, Any], arrays: Arrays) -> None:
    """Write the arrays and a header that JSON can hold; a file that was there is replaced once all is written."""
    file = Path(path).resolve()
    if not file.parent.is_dir():
        raise ValueError(f"The folder of {str(path)!r} does not exist; make it first, or name one that does.")
    if file.is_dir():
        raise ValueError(f"{str(path)!r} is a folder; name a file in it.")
    stated = {"format": FORMAT, "provenance": provenance(), **header, "arrays": list(arrays)}
    partial = file.with_name(f".{secrets.token_hex(8)}.partial")
    try:
        with open(partial, "xb") as opened:
            with zipfile.ZipFile(opened, "w") as members:
                for name, values in {"header": np.array(json.dumps(stated)), **arrays}.items():
                    # np.savez would pickle arrays of objects
                    with members.open(zipfile.ZipInfo(f"{name}.npy"), "w", force_zip64=True) as member:
                        np.lib.format.write_array(member, np.asarray(values), allow_pickle=False)
            opened.flush()
            os.fsync(opened.fileno())
        os.replace(partial, file)
    except BaseException:  # also an interruption by hand
        partial.unlink(missing_ok=True)
        raise


def read_archive(path: "str | Path") -> tuple[dict[str, Any], dict[str, NDArray]]:
    """Header and arrays that :func:`write_archive` wrote."""
    name = repr(str(path))
    try:
        with open(path, "rb") as file, np.load(file, allow_pickle=False) as stored:
            header = json.loads(stored["header"].item())
            newer = header["format"] > FORMAT
            arrays = {} if newer else {array: stored[array] for array in header["arrays"]}
    except (MemoryError, PermissionError):
        raise
    except (FileNotFoundError, IsADirectoryError) as error:
        raise ValueError(f"There is no file {name}; check the path.") from error
    except Exception as error:  # bytes of other kinds make zipfile, NumPy and JSON raise errors of many kinds
        raise ValueError(f"{name} is damaged, cut short or was not written by save; save it anew.") from error
    if newer:
        raise ValueError(
            f"{name} has format {header['format']}, newer than the {FORMAT} known here; update tutorial-pkg."
        )
    return header, arrays


def fingerprint(columns: Mapping[str, pd.Series]) -> dict[str, str]:
    """SHA-256 of each column: of its numbers their kind and bytes, of its labels their types, words and order.

    Zero and minus zero differ; one missing value is like another. That labels are kept as strings, as objects or as
    a category makes no difference, as it makes none to their 0/1 columns.
    """
    return {name: _digest(column) for name, column in columns.items()}


def _digest(column: pd.Series) -> str:
    if is_categorical(column):
        codes, labels = pd.factorize(column)
        parts = [json.dumps([[type(label).__name__, str(label)] for label in labels]).encode(), codes.astype("<i8")]
    else:
        kind = number_dtype(column)
        numbers = column.to_numpy(dtype=kind, na_value=0)
        parts = [kind.str.encode(), np.ascontiguousarray(numbers), np.packbits(column.isna().to_numpy())]
    digest = sha256()
    for part in parts:
        digest.update(part)
    return digest.hexdigest()


def check_fingerprint(
    path: "str | Path", saved: Mapping[str, str], found: Mapping[str, str], n_saved: int, n_found: int
) -> None:
    """Refuse data that are not those of the file, and say what differs."""
    lost, added = [c for c in saved if c not in found], [c for c in found if c not in saved]
    changed = [c for c in saved if c in found and saved[c] != found[c]]
    if n_saved != n_found:
        differs = f"it holds {n_saved:,} rows, the data have {n_found:,}"
    elif lost or added:
        differs = f"it has {lost[0]}, the data do not" if lost else f"the data have {added[0]}, it does not"
    elif changed:
        more = f" and {len(changed) - 1} more differ" if len(changed) > 1 else " differs"
        differs = f"{changed[0]}{more} in values, type or order of rows"
    elif list(saved) != list(found):
        differs = "the covariates come in another order"
    else:
        return
    raise ValueError(f"{str(path)!r} was saved with other data: {differs}; pass the data of then, or fit these anew.")


def pack_splits(splits: Splits, n_rows: int) -> dict[str, NDArray]:
    """Fold numbers, a column a repeat, where they say all; else the row positions as they are."""
    counts = np.array([len(repeat) for repeat in splits])
    kind = next(kind for kind in (np.int8, np.int16, np.int32) if counts.max() <= np.iinfo(kind).max)
    numbers = np.zeros((n_rows, len(splits)), kind)
    for r, repeat in enumerate(splits):
        for k, (_, test) in enumerate(repeat):
            numbers[test, r] = k
    if all(_same(_unpack(*packed), repeat) for *packed, repeat in zip(numbers.T, counts, splits, strict=True)):
        return {"n_folds": counts, "folds": numbers}
    pairs = {f"folds {r} {k}": pair for r, repeat in enumerate(splits) for k, pair in enumerate(repeat)}
    return {"n_folds": counts} | {
        f"{name} {part}": rows for name, pair in pairs.items() for part, rows in zip(("train", "test"), pair)
    }


def unpack_splits(arrays: Arrays) -> list[list[tuple[NDArray, NDArray]]]:
    """The row positions that :func:`pack_splits` packed, in their order and of their type."""
    counts = arrays["n_folds"]
    if "folds" in arrays:
        return [_unpack(numbers, count) for numbers, count in zip(arrays["folds"].T, counts, strict=True)]
    return [
        [(arrays[f"folds {r} {k} train"], arrays[f"folds {r} {k} test"]) for k in range(count)]
        for r, count in enumerate(counts)
    ]


def _unpack(numbers: NDArray, count: int) -> list[tuple[NDArray, NDArray]]:
    return [(np.flatnonzero(numbers != k), np.flatnonzero(numbers == k)) for k in range(count)]


def _same(one: Sequence[tuple[NDArray, NDArray]], other: Sequence[tuple[NDArray, NDArray]]) -> bool:
    pairs = [pair for folds in zip(one, other, strict=True) for pair in zip(*folds, strict=True)]
    return all(a.dtype == b.dtype and np.array_equal(a, b) for a, b in pairs)


def describe(model: Any) -> str:
    """A learner with all its settings as one line of text, at length; a text stays as it is."""
    if isinstance(model, str):
        return model
    with config_context(print_changed_only=False):
        text = model.__repr__(N_CHAR_MAX=1_000_000) if isinstance(model, BaseEstimator) else repr(model)
    return re.sub(r" at 0x[0-9a-f]+", "", " ".join(text.split()))


def provenance(**settings: object) -> dict[str, str]:
    """Versions, machine and date, to be stored with results."""
    packages = ("tutorial-pkg", "numpy", "scikit-learn", "lightgbm", "doubleml", "econml")
    return {
        "date": date.today().isoformat(),
        "python": platform.python_version(),
        "machine": f"{platform.system()} {platform.machine()}, {joblib.cpu_count()} cores",
        **{name: version(name) for name in packages},
        **{name: str(value) for name, value in settings.items()},
    }
