"""The tables and views of the warehouse, a file for each domain: definitions as data."""
