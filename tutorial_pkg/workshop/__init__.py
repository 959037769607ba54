"""The workshop: is this computer ready for it?"""

from tutorial_pkg.workshop.readiness import Item, look

__all__ = ["Item", "look"]
