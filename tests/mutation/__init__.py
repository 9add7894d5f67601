"""Planted faults in the source: which of them no test would notice."""
