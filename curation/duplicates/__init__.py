"""Which queries ask the same: candidates proposed, checked, gathered in clusters; a person has the last word."""
