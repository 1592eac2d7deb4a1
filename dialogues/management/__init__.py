"""Doors of the dialogues room on the command line."""
