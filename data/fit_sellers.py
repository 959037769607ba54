"""Fits the default learners to the sellers data and keeps what they predict: `python data/fit_sellers.py [FOLDER]`.

Run it after `make_sellers.py`, or after a change of the default learners. Predictions may differ from machine to
machine in the last digits.
"""

import sys
from pathlib import Path

import tutorial_pkg as tp

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    tp.cross_fit(tp.load_sellers().data).save(folder / tp.datasets.NUISANCES_FILE)
