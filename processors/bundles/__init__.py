"""Flexible bundles: services whose components the customer may choose within limits."""
