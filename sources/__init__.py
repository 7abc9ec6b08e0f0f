"""Connectors: what reads other systems. `sources.unified_lms` is the one there is."""
