"""What becomes of a query: rules that keep or drop, foreseen before they decide."""
