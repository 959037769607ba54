"""Exercises that check themselves: right answers and usual mistakes, computed by the chapter, kept only as digests.

A chapter's solution computes the answer, and :func:`mark` beside it says what else people answer. The build collects the
digests of all chapters in ``answers.json``, from which :func:`check` answers without a network and without the solution.
"""

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tutorial_pkg.display import paragraph
from tutorial_pkg.estimate import Estimate

MIME = "application/vnd.tutorial-pkg.answers+json"
"""The kind of output by which a chapter hands its digests to the build."""

COLLECTED = Path(__file__).with_name("answers.json")
TOLERANCE, STEP = 0.01, 0.002
"""An answer may be off by so much, relative to the right one; digests are of numbers so far apart, on a scale of logarithms."""


@dataclass(frozen=True)
class Verdict:
    """What is said of an answer: whether it is right, and the words."""

    right: bool
    words: str

    def __repr__(self) -> str:
        return f"{self._sign} {self.words}"

    def _repr_html_(self) -> str:
        return paragraph(self._sign, f" {self.words}")

    @property
    def _sign(self) -> str:
        return "✓" if self.right else "✗"


def check(number: str, answer: Any) -> Verdict:
    """Is the answer to a self-checking exercise right? If not, which of the usual mistakes is it?

    Parameters
    ----------
    number : str
        The exercise's number, such as "3.2".
    answer : float, Estimate, bool or str
        Numbers within one per cent of the right one are right; of an estimate its value counts.

    Raises
    ------
    ValueError
        When there is no such exercise, or it does not check itself.
    """
    known = json.loads(COLLECTED.read_text(encoding="utf-8"))
    if number not in known:
        raise ValueError(f"Exercise {number!r} does not check itself; these do: {', '.join(known)}.")
    return judged(known[number], answer)


def judged(record: Mapping[str, Any], answer: Any) -> Verdict:
    """The verdict on an answer, from an exercise's digests."""
    if answer is None or answer is ...:
        return Verdict(False, f"Not answered yet: put {record['asks']} in place of the dots.")
    digest = digests(record["label"], answer, 0.0)
    for words, kept in (("Right.", record["right"]), *record["wrong"].items()):
        if digest & set(kept):
            return Verdict(words == "Right.", words)
    return Verdict(False, f"Not that. Hint: {record['hint']}")


def mark(
    label: str, answer: Any, *, asks: str, hint: str, wrong: Mapping[str, Any], tolerance: float = TOLERANCE
) -> dict[str, Any]:
    """Say, beside the solution in a chapter, what is right and what else people answer.

    Parameters
    ----------
    label : str
        The exercise's label.
    answer : float, Estimate, bool or str
        The right answer, computed by the solution.
    asks : str
        What is asked for, to stand after "put": "the ATT less the ATE, in units".
    hint : str
        For an answer that is neither right nor a usual mistake.
    wrong : mapping of str to answer
        For each usual mistake what is said of it, and what it leads to, computed too.
    tolerance : float
        How far from the right answer an answer may be, relative to it; more where other computers compute something else.

    Raises
    ------
    ValueError
        When two answers are too near each other to be told apart.
    """
    kept = {words: sorted(digests(label, value, tolerance)) for words, value in wrong.items()}
    right = sorted(digests(label, answer, tolerance))
    record = {"label": label, "asks": asks, "hint": hint, "right": right, "wrong": kept}
    for words, value in {"Right.": answer, **wrong}.items():
        if judged(record, value).words != words:
            raise ValueError(
                f"In {label} two answers are within {tolerance:.0%} of each other: {words!r} cannot be told."
            )
    if "IPython" in sys.modules and sys.modules["IPython"].get_ipython():  # in a chapter
        from IPython.display import display

        display({MIME: record, "text/plain": ""}, raw=True)
    return record


def digests(label: str, answer: Any, width: float) -> set[str]:
    """Digests of an answer and of all within ``width`` of it, relative to its size; of words only their own."""
    if isinstance(answer, Estimate):
        answer = answer.value
    if isinstance(answer, (bool, np.bool_)):
        answer = "yes" if answer else "no"
    if isinstance(answer, str):
        spelled = [answer.strip().lower()]
    elif np.ndim(answer) == 0 and isinstance(np.asarray(answer).item(), int | float) and np.isfinite(answer):
        size = abs(float(answer))
        sign = "-" if float(answer) < 0 else "+"
        middle = np.log(size) / STEP if size > 1e-9 else None
        near = [None] if middle is None else range(round(middle - width / STEP), round(middle + width / STEP) + 1)
        spelled = [f"{sign}{place}" if place is not None else "0" for place in near]
    else:
        raise ValueError(f"The answer is one number, yes or no, or a word, and not {type(answer).__name__}.")
    return {hashlib.sha256(f"{label}:{word}".encode()).hexdigest()[:16] for word in spelled}


def collect(notebooks: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Gather what the executed chapters marked, under the exercises' numbers.

    Parameters
    ----------
    notebooks : mapping of chapter name to executed notebook
        In the book's order: the first is chapter 1.
    """
    found = {}
    for chapter, notebook in enumerate(notebooks.values(), 1):
        text = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "markdown")
        labels = [line.split()[1] for line in text.splitlines() if line.startswith(":label: ex-")]
        outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
        for record in (output["data"][MIME] for output in outputs if MIME in output.get("data", {})):
            found[f"{chapter}.{labels.index(record['label']) + 1}"] = record
    return found


def save(found: Mapping[str, Any], path: Path = COLLECTED) -> None:
    """Write what was collected, unless it is there already."""
    text = json.dumps(found, indent=1, ensure_ascii=False) + "\n"
    if not path.exists() or path.read_text(encoding="utf-8") != text:
        path.write_text(text, encoding="utf-8")
