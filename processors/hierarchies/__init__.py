"""Hierarchies that orders make: parent links, collections groups, corporate trees."""
