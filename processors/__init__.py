"""The decisions: pure functions, no clock, no random, no I/O."""
