"""The command line: `python -m tutorial_pkg study TABLE --outcome NAME --treatment NAME --out report.html`."""

import argparse
import sys
from pathlib import Path
from typing import Any

import pandas as pd

from tutorial_pkg.roles import prepare
from tutorial_pkg.studies import study
from tutorial_pkg.tables import read_table, rows_of


def main(arguments: list[str] | None = None) -> int:
    """Run a command; a mistake is answered in one sentence, and the exit status is 1."""
    parser = argparse.ArgumentParser(prog="python -m tutorial_pkg", description="From a table to a checked effect.")
    commands = parser.add_subparsers(dest="command", required=True)
    add = commands.add_parser("study", help="estimate and check one effect, and write a page about it").add_argument
    add("table", help="a .csv or .parquet file, one row a decision")
    add("--outcome", required=True, help="the column of the outcome")
    add("--treatment", required=True, help="the column of the decision, with two values")
    add("--treated", help="the value of the treatment that means treated, where it is not 1")
    add("--cluster", help="a column whose equal values depend on each other, such as seller_id")
    add("--exclude", nargs="+", default=[], metavar="COLUMN", help="columns known only after the decision")
    add("--keep", nargs="+", default=[], metavar="COLUMN", help="columns known before it, though they look suspicious")
    add("--placebo", metavar="COLUMN", help="an outcome that the decision cannot have changed")
    add("--placebo-decision", metavar="COLUMN", help="a decision that cannot have changed the outcome, 0 or 1")
    add("--groups", nargs="+", default=[], metavar="COLUMN", help="columns within whose values to estimate the effect")
    add("--estimand", default="ATT", choices=["ATT", "ATE", "ATC"], help="whom the answer is about")
    add("--label", nargs=2, default=["", ""], metavar=("DECISION", "OUTCOME"), help="what the page calls them")
    add("--unit", default="", help="unit of the outcome, such as USD")
    add("--price", type=float, help="what one unit of the outcome is worth")
    add("--currency", default="USD")
    add(
        "--rows", metavar="CONDITION", help="which rows, as pandas' query reads it: \"year == 2025 and country != 'x'\""
    )
    add("--decimal", default=".", help="of a CSV file: , for 12,50")
    add("--encoding", default="utf-8-sig", help="of a CSV file")
    add("--seed", type=int, default=0)
    add("--out", default="report.html", metavar="PAGE", help="the page to write (report.html)")
    asked = parser.parse_args(arguments)
    try:
        return _study(asked)
    except ValueError as error:
        print(f"{error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("Stopped; nothing was written.", file=sys.stderr)
        return 130


def _study(asked: argparse.Namespace) -> int:
    if not Path(asked.out).resolve().parent.is_dir():
        raise ValueError(f"There is no folder {Path(asked.out).parent}; make it first.")
    frame = rows_of(read_table(asked.table, asked.encoding, asked.decimal), asked.rows)
    placebos = {"placebo_outcome": asked.placebo, "placebo_decision": asked.placebo_decision}
    exclude = list(dict.fromkeys([*asked.exclude, *filter(None, placebos.values())]))
    labels = {name: text for name, text in zip((asked.treatment, asked.outcome), asked.label, strict=True) if text}
    ready = prepare(
        frame,
        asked.outcome,
        asked.treatment,
        cluster=asked.cluster,
        treated=_value(frame, asked.treatment, asked.treated),
        exclude=exclude,
        keep=asked.keep,
        labels=labels,
        units={asked.outcome: asked.unit} if asked.unit else {},
    )
    print(ready)
    for name, why in ready.left_out["why"].items():
        print(f"  {name}: {why}")
    about: dict[str, Any] = {"estimand": asked.estimand, "groups": asked.groups, "seed": asked.seed, **placebos}
    found = study(ready, price=asked.price, currency=asked.currency, progress=True, **about)
    print(found)
    print(f"Written: {found.to_html(asked.out)}")
    return 0


def _value(frame: pd.DataFrame, treatment: str, treated: str | None) -> Any:
    """The value that was typed, as the column has it: 1 may be 1.0 there."""
    if treated is None or treatment not in frame.columns:
        return treated
    values = list(frame[treatment].dropna().unique())
    same = [v for v in values if str(v) == treated or (isinstance(v, float) and str(v).removesuffix(".0") == treated)]
    return same[0] if same else treated


if __name__ == "__main__":
    sys.exit(main())
