"""When an account is billed, and how that changes: commands, the clock, and what other domains ask of periods."""
