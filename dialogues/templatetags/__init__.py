"""Template tags and filters of the pages that show dialogues."""
