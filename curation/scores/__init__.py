"""What judges say of a query: templates, scores, the two scales and how far they agree."""
