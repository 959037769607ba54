"""The command line: `python -m tutorial_pkg study TABLE --outcome NAME --treatment NAME --out report.html`."""

import argparse
import sys

from tutorial_pkg.studies import study
from tutorial_pkg.tables import prepare, read_table, rows_of


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
    add("--groups", nargs="+", default=[], metavar="COLUMN", help="columns within whose values to estimate the effect")
    add("--estimand", default="ATT", choices=["ATT", "ATE", "ATC"], help="whom the answer is about")
    add("--unit", default="", help="unit of the outcome, such as USD")
    add("--price", type=float, help="what one unit of the outcome is worth")
    add("--currency", default="USD")
    add(
        "--rows", metavar="CONDITION", help="which rows, as pandas' query reads it: \"year == 2025 and country != 'x'\""
    )
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
    frame = rows_of(read_table(asked.table, asked.encoding), asked.rows)
    exclude = [*asked.exclude, *([asked.placebo] if asked.placebo and asked.placebo not in asked.exclude else [])]
    roles = {"cluster": asked.cluster, "treated": _value(frame, asked.treatment, asked.treated)}
    units = {asked.outcome: asked.unit} if asked.unit else {}
    ready = prepare(frame, asked.outcome, asked.treatment, exclude=exclude, keep=asked.keep, units=units, **roles)
    print(ready)
    for name, why in ready.left_out["why"].items():
        print(f"  {name}: {why}")
    about = {"estimand": asked.estimand, "groups": asked.groups, "placebo_outcome": asked.placebo, "seed": asked.seed}
    found = study(ready, price=asked.price, currency=asked.currency, progress=True, **about)
    print(found)
    print(f"Written: {found.to_html(asked.out)}")
    return 0


def _value(frame, treatment: str, treated: str | None):
    """The value that was typed, as the column has it."""
    if treated is None or treatment not in frame.columns:
        return treated
    return next((value for value in frame[treatment].dropna().unique() if str(value) == treated), treated)


if __name__ == "__main__":
    sys.exit(main())
