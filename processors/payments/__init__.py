"""Payments that are taken with an order."""
