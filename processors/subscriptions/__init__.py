"""Subscriptions and their bundles: what an account has taken out, and how its services change."""
