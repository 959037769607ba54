"""Words for people: what figures and estimates call the treatment, the outcome and its unit."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """How an estimate speaks of the data it is made from; column names where nobody gave words."""

    treatment: str = "the treatment"
    outcome: str = "the outcome"
    unit: str = ""

    @property
    def outcome_in_unit(self) -> str:
        """The outcome with its unit, which is not said twice: "revenue in 30 days (USD)"."""
        said = not self.unit or self.unit.lower() in self.outcome.lower().split()
        return self.outcome if said else f"{self.outcome} ({self.unit})"
