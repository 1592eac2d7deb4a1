"""Template tags and filters that all rooms use."""
