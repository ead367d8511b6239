"""Accounts: who is billed, in which state, in which tree."""
