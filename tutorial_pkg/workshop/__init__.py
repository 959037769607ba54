"""The workshop: is this computer ready for it, and is this answer right?"""

from tutorial_pkg.workshop.answers import Verdict, check, mark
from tutorial_pkg.workshop.readiness import Item, look

__all__ = ["Item", "Verdict", "check", "look", "mark"]
