"""Orders in flight: submitted, modified, revised, split, confirmed, billed, cancelled, undone."""
