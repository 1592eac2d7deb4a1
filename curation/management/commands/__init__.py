"""Commands of the curation room."""
