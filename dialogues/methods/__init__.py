"""The ways a dialogue is made, one module each; they know nothing of one another."""
