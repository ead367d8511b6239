"""The benchmarks, each a command that prints a table."""
