"""The benchmark: `python -m tests.bench` (or `make bench`); docs/performance.md says what its numbers mean."""
