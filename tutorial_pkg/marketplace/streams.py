"""The random numbers of one column or draw: fixed by seed and name alone."""

import numpy as np


def stream(seed: int, name: str) -> np.random.Generator:
    """A generator of its own for each seed and name, so that any part can be drawn without the rest."""
    return np.random.Generator(np.random.SFC64(np.random.SeedSequence([seed, *name.encode()])))
