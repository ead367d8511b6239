"""The audit: nothing is lost, doubled, out of order or altered, from the first record to the last."""

from streams.audit.running import run_audit

__all__ = ["run_audit"]
