"""Doors of the curation room on the command line."""
