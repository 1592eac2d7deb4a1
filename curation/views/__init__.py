"""Pages about queries, by screen."""
