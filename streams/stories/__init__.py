"""Stories: the executable specification. Read, run through the pure decisions or through Kafka, and reported."""
