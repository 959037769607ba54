"""Draws the committed sellers data again, byte for byte: `python data/make_sellers.py [FOLDER]`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import pandas as pd

from tutorial_pkg.datasets import TRUTH_PARTS
from tutorial_pkg.marketplace import CATEGORIES, Dials, marketplace_columns, population_targets, simulate_sellers

# A typical draw: its own true effects, and the estimate that the true nuisances would give, lie near the population's.
N_ROWS, SEED = 10_000, 11

OUTCOME_MEANINGS = {
    "units_30d": ("units", "outcome", "units sold in the 30 days after the recommendation"),
    "revenue_30d": ("USD", "outcome", "revenue in the 30 days after the recommendation"),
    "clicks_30d": ("clicks", "outcome", "clicks on the listing in the 30 days after; on the path to revenue"),
    "units_prev_30d": ("units", "placebo outcome", "units sold in the 30 days before the recommendation"),
}


def write_sellers(folder: Path) -> None:
    """Write the data, their truth, the population's effects and the dictionary into the folder."""
    sample = simulate_sellers(N_ROWS, "proactive", "outlet_deal", SEED)
    _write(sample.data.frame, folder / "sellers.parquet")
    truth = {"propensity": sample.truth.propensity.round(6)}
    for name, one in sample.truths.items():
        truth |= {f"{name}:{part}": getattr(one, part).round(5) for part in TRUTH_PARTS}
    _write(pd.DataFrame(truth), folder / "sellers_truth.parquet")
    population = population_targets(Dials())
    rounded = {name: _rounded(asdict(targets)) for name, targets in population.items()}
    (folder / "population.json").write_text(json.dumps(rounded, indent=1) + "\n")
    dictionary().to_csv(folder / "dictionary.csv", index=False, lineterminator="\n")


def dictionary() -> pd.DataFrame:
    """Every column of the sellers data: name, group, unit, role, meaning."""
    rows = [
        ("seller_id", "identifiers", "", "cluster", "the seller; rows of one seller depend on each other"),
        (
            "product_category",
            "product characteristics",
            "category",
            "covariate",
            "one of " + ", ".join(CATEGORIES),
        ),
    ]
    rows += [(c.name, c.group, c.unit, "covariate", c.meaning) for c in marketplace_columns()]
    rows += [("aligned", "decision", "0/1", "treatment", "1 when the seller followed the recommendation")]
    rows += [(name, "outcomes", unit, role, text) for name, (unit, role, text) in OUTCOME_MEANINGS.items()]
    later = "1 when the seller followed the next recommendation, shown after those 30 days; no outcome depends on it"
    rows += [("aligned_next", "decision", "0/1", "placebo treatment", later)]
    return pd.DataFrame(rows, columns=["column", "group", "unit", "role", "meaning"])


def _write(frame: pd.DataFrame, path: Path) -> None:
    frame.to_parquet(path, index=False, compression="zstd", compression_level=19)


def _rounded(values: dict) -> dict:
    return {k: _rounded(v) if isinstance(v, dict) else round(v, 5) for k, v in values.items()}


if __name__ == "__main__":
    write_sellers(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent)
