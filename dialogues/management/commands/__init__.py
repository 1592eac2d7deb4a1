"""Commands of the dialogues room."""
