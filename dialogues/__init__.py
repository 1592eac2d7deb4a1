"""The second half of the way: build dialogues, review and edit them, export what was approved."""
