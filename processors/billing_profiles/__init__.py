"""Billing profiles: who pays for which services, and from when."""
