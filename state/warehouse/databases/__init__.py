"""The databases that a warehouse may be in: a DuckDB file, or PostgreSQL."""
