"""Computes the positions of the dial again, in a few minutes: `python data/turn_dials.py [FOLDER]`."""

import sys
from pathlib import Path

import tutorial_pkg as tp

if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent
    tp.dial.turn_dials().round(6).to_csv(folder / "dial.csv", lineterminator="\n")
