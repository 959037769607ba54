"""Did the recommendation do it? Effects of following a recommendation, from observational data.

Names are imported when first used, so that ``import tutorial_pkg as tp`` costs nothing. ``__init__.pyi`` says which
names there are and where they live, for this module and for editors and type checkers alike.
"""

from importlib.metadata import version

import lazy_loader

__version__ = version("tutorial-pkg")

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
