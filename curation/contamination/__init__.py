"""Which queries hold a benchmark's task: tiers of overlap, the nearest queries, what suspects are worth."""
