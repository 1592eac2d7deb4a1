"""The first half of the way: import, clean, score, link, decide, audit."""
