"""Template filters of curation."""
