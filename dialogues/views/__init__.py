"""Pages about dialogues, by screen."""
