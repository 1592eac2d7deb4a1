"""What people say of a query: the queue of disputes, samples, second verdicts, and what they estimate."""
