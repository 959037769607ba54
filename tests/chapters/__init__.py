"""The executed chapters are what they claim to be."""

REFERENCE = {"reconciliation", "template"}  # executed pages without figures and exercises, not taught from
