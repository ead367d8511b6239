"""What waits for its moment: when it runs, what comes of it, and what becomes of it when its plans are crossed."""
