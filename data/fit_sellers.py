"""Fits the default learners to the sellers data and keeps what they predict: `python data/fit_sellers.py [FOLDER]`.

Beside the predictions it keeps what the simple comparisons find. Run it after `make_sellers.py`, or after a change of
the default learners. Both may differ from machine to machine in the last digits.
"""

import sys
from pathlib import Path

import pandas as pd

import tutorial_pkg as tp


def comparisons(data: tp.CausalData) -> tp.Estimates:
    """The simple comparisons of the book, in the order of its scoreboard."""
    cuts = data.frame[["engagement_score", "demand_score"]].apply(pd.qcut, q=3, labels=False)
    return tp.Estimates(
        {
            "difference in means": tp.naive.difference_in_means(data),
            "strata": tp.naive.stratified(data, cuts.groupby(list(cuts)).ngroup()),
            "OLS": tp.naive.regression_adjusted(data),
            "matching on all": tp.naive.matched(data, list(data.covariates)),
            "matching on propensity": tp.naive.matched(data),
            "IPW": tp.naive.inverse_propensity_weighted(data),
            "plug-in": tp.naive.plug_in(data),
        }
    )


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    data = tp.load_sellers().data
    tp.cross_fit(data).save(folder / tp.datasets.NUISANCES_FILE)
    table = comparisons(data).tidy()[["label", "estimand", "method", "value", "std_error"]]
    table.to_csv(folder / tp.datasets.COMPARISONS_FILE, index=False)
