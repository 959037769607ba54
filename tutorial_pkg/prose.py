"""Hands the numbers that a chapter of the book computed to its text, so that none is typed."""

from typing import Any

import numpy as np

from tutorial_pkg.estimate import Estimate


def glue(**values: Any) -> None:
    """Store numbers and words under their names for ``{glue:text}``, and figures made of HTML for ``{glue}``.

    An :class:`Estimate` called ``ate`` becomes ``ate``, ``ate_se``, ``ate_lower`` and ``ate_upper``; True and
    False become "yes" and "no".

    Examples
    --------
    >>> glue(naive_bias=2.5)  # doctest: +SKIP
    """
    try:
        from myst_nb import glue as store
    except ImportError as error:
        raise ImportError(
            "tp.glue writes into the book's pages; install what it needs with the extra 'book'."
        ) from error

    for name, value in values.items():
        for key, plain in _plain(name, value).items():
            store(key, plain, display=False)


def _plain(name: str, value: Any) -> dict[str, Any]:
    if isinstance(value, Estimate):
        parts = {"": value.value, "_se": value.std_error, "_lower": value.conf_int()[0], "_upper": value.conf_int()[1]}
        return {name + part: float(number) for part, number in parts.items()}
    if isinstance(value, (bool, np.bool_)):
        return {name: "yes" if value else "no"}
    if isinstance(value, (int, np.integer)):
        return {name: int(value)}
    return {name: value if isinstance(value, str) or hasattr(value, "_repr_html_") else float(value)}
