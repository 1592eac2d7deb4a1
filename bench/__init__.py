"""Measures what docs/performance.md promises, each figure beside what it is held against: `make bench`."""
