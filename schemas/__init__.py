"""The words: commands, events, entities and their Avro contracts."""
