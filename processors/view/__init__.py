"""The customer that a decision reads, and what a command under way adds to it."""
