"""The set-up check: `python -m tutorial_pkg.workshop` prints OK or FAIL for each item, and what to do; it needs no network."""

import sys

from tutorial_pkg.workshop.readiness import look


def main() -> int:
    """Print each item as it is found; 0 when all are in order, 1 otherwise."""
    bad = 0
    for item in look():
        print(item, flush=True)
        bad += not item.ok
    print("Ready." if not bad else f"Not ready: {bad} to mend; run this again afterwards.")
    return int(bad > 0)


if __name__ == "__main__":
    sys.exit(main())
