"""Did the recommendation do it? Effects of following a recommendation, from observational data.

Names are imported when first used, so that ``import tutorial_pkg as tp`` costs nothing.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_MODULES = (
    "data",
    "datasets",
    "diagnostics",
    "effects",
    "estimate",
    "heterogeneity",
    "learners",
    "marketplace",
    "naive",
    "nuisance",
    "plots",
    "prose",
    "scoreboard",
    "sensitivity",
    "simulate",
)
_HOMES = {
    "CausalData": "data",
    "Estimate": "estimate",
    "Estimates": "estimate",
    "show": "estimate",
    "simulate_sellers": "simulate",
    "SellerSample": "simulate",
    "Truth": "simulate",
    "load_sellers": "datasets",
    "cross_fit": "nuisance",
    "Nuisances": "nuisance",
    "estimate_ate": "effects",
    "estimate_att": "effects",
    "estimate_plr": "effects",
    "estimate_gate": "effects",
    "estimate_cate": "heterogeneity",
    "CateModel": "heterogeneity",
    "glue": "prose",
}

__all__ = sorted([*_HOMES, *_MODULES])


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(importlib.import_module(f"tutorial_pkg.{_HOMES[name]}"), name)
    if name in _MODULES:
        return importlib.import_module(f"tutorial_pkg.{name}")
    raise AttributeError(f"module 'tutorial_pkg' has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
