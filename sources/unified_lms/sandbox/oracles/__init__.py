"""What each provider can tell of a world; `expected.py` is the way in."""
