"""Rows that follow from entities and events, so that nothing that is looked for has to be searched."""
